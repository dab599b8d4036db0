"""The table of docs/perpetuals.md, row by row: the numbers here are worked by hand, not by the code under test."""

import math
import re
from decimal import Decimal
from pathlib import Path

import pytest

from hookline.model.instrument import MarginTier, TierStyle
from hookline.simulation.margin import (
    bankruptcy_price,
    liquidation_price,
    liquidation_price_cross,
    liquidation_price_isolated,
    tiers_of,
)

D = Decimal
LONG, SHORT, UP, DOWN = 1, -1, 1, -1
ONE = tiers_of([MarginTier(None, D("0.005"), D(100))])
_TWO = [MarginTier(D(50_000), D("0.005"), D(100)), MarginTier(None, D("0.01"), D(50))]
TWO, FLAT = tiers_of(_TWO), tiers_of(_TWO, TierStyle.FLAT)
NEVER = D("nan")
FEE = 0.0005


def isolated(side, quantity, entry, margin, tiers=ONE, fee=0.0):
    return liquidation_price_isolated(side, quantity, entry, margin, tiers, fee)


ROWS = {
    1: (isolated(LONG, 1, 10_000, 10_000), NEVER),
    2: (isolated(LONG, 3, 10_000, 10_000), (D(30_000) - 10_000) / (3 * D("0.995"))),
    3: (isolated(LONG, 1, 20_000, 2_000), D(18_000) / D("0.995")),
    4: (isolated(LONG, 1, 20_000, 400), D(19_600) / D("0.995")),
    5: (isolated(SHORT, 1, 10_000, 10_000), D(20_000) / D("1.005")),
    6: (isolated(SHORT, 3, 10_000, 10_000), D(40_000) / (3 * D("1.005"))),
    7: (isolated(SHORT, 1, 20_000, 2_000), D(22_000) / D("1.005")),
    8: (isolated(SHORT, 1, 20_000, 400), D(20_400) / D("1.005")),
    9: (isolated(LONG, 1, 20_000, 2_000, fee=FEE), D(18_000) / D("0.9945")),
    10: (isolated(SHORT, 1, 20_000, 2_000, fee=FEE), D(22_000) / D("1.0055")),
    11: (isolated(LONG, 1, 20_000, 2_000 - 6), D(18_006) / D("0.995")),
    12: (isolated(SHORT, 1, 20_000, 2_000 + 6), D(22_006) / D("1.005")),
    13: (isolated(LONG, 10, 10_000, 10_000, TWO), D(89_750) / D("9.9")),
    14: (isolated(LONG, 10, 10_000, 10_000, FLAT), D(90_000) / D("9.9")),
    15: (isolated(LONG, 6, 10_000, 20_000, TWO), D(40_000) / D("5.97")),
    16: (isolated(SHORT, 4, 10_000, 20_000, TWO), D(60_250) / D("4.04")),
    17: (isolated(SHORT, 4, 10_000, 10_300, FLAT), D(12_500)),
    18: (liquidation_price_cross(LONG, 1, 20_000, 5_000, ONE), D(15_000) / D("0.995")),
    19: (
        liquidation_price_cross(SHORT, 1, 20_000, 5_000 - 1_000, ONE, other_maintenance=95),
        D(23_905) / D("1.005"),
    ),
    20: (liquidation_price_cross(LONG, 1, 20_000, 4_970, ONE), D(15_030) / D("0.995")),
    21: (liquidation_price(DOWN, 2, 1, 20_000, 5_000, ONE), D(15_000) / D("0.985")),
    22: (liquidation_price(UP, 1, 1, 20_000, 400, ONE), D(40_000)),
}


@pytest.mark.parametrize("row", ROWS)
def test_liquidation_price_is_the_one_worked_by_hand(row):
    found, expected = ROWS[row]

    assert found == pytest.approx(float(expected), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("row", ROWS)
def test_the_documented_table_holds_the_same_numbers(row):
    page = Path(__file__).parents[2] / "docs" / "perpetuals.md"
    (line,) = re.findall(rf"^\| {row} \|.*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    said, expected = line.split("|")[-2].strip(), ROWS[row][1]

    assert said == ("never" if expected.is_nan() else f"{expected:,.2f}")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (bankruptcy_price(LONG, 1, 20_000, 2_000), D(18_000)),
        (bankruptcy_price(SHORT, 1, 20_000, 2_000), D(22_000)),
        (bankruptcy_price(LONG, 1, 20_000, 2_000, FEE), D(18_000) / D("0.9995")),
        (bankruptcy_price(SHORT, 2, 20_000, 2_000, FEE), D(42_000) / (2 * D("1.0005"))),
    ],
)
def test_bankruptcy_price_leaves_nothing_after_the_fee(found, expected):
    assert found == pytest.approx(float(expected), rel=1e-12)


def test_a_long_that_is_paid_for_is_never_bankrupt():
    assert math.isnan(bankruptcy_price(LONG, 1, 10_000, 10_000))
