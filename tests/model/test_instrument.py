"""Steps of prices and quantities: exact where people mean them exactly."""

import math
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import hookline as hl
from hookline.model.instrument import DEFAULT_TIERS, MarginMode, MarginTier, PositionMode, TierStyle

PERPETUAL = hl.InstrumentKind.PERPETUAL
STEPS = [
    "0.1",
    "0.001",
    "0.5",
    "0.25",
    "0.00001",
    "25",
    "1",
    "10",
    "0.01",
    "0.05",
    "0.00000001",
    "0.2",
    "2.5",
]
ODD_STEPS = ["0.3", "0.03", "0.15", "1.1", "0.7", "12.5", "0.0075"]
steps = st.sampled_from([*STEPS, *ODD_STEPS]).map(Decimal)
counts = st.integers(-(10**9), 10**9)
ratios = st.floats(-1e8, 1e8)  # values in steps: beyond that a float does not tell a millionth of a step


def stepping(tick="0.01", lot="0.01", **limits):
    return hl.Instrument("X", tick_size=Decimal(tick), lot_size=Decimal(lot), **limits)


@given(steps, counts)
def test_units_are_the_float_nearest_to_the_decimal_quantity(step, count):
    assert stepping(lot=step).units(count) == float(count * step)


@given(steps, counts)
def test_a_price_on_the_grid_is_the_float_nearest_to_the_decimal_price(step, count):
    price = float(count * step)
    instrument = stepping(tick=step)

    assert [instrument.on_grid(price, rounding) for rounding in (-1, 0, 1)] == [price] * 3


@given(steps, counts)
def test_lots_and_units_are_inverse(step, count):
    instrument = stepping(lot=step)

    assert instrument.lots(instrument.units(count)) == count


@given(steps, counts)
def test_decimals_and_floats_of_the_same_step_agree(step, count):
    instrument = stepping(tick=step, lot=step)
    value = instrument.units(count)

    assert instrument.quantity(value) == count * step
    assert instrument.price(value) == count * step


@given(steps, ratios)
@example(Decimal("0.1"), 3.0000000000000004)
@example(Decimal("0.1"), 2.9999999999999996)
def test_lots_round_towards_zero_but_for_the_error_of_float_arithmetic(step, ratio):
    quantity = ratio * float(step)
    lots, exact = stepping(lot=step).lots(quantity), Decimal(quantity) / step

    assert abs(lots) <= abs(exact) + Decimal("1.1e-6")
    assert abs(exact) - abs(lots) < 1 + Decimal("1e-6")


@given(steps, ratios)
def test_a_price_is_rounded_to_the_step_asked_for(step, ratio):
    instrument, price = stepping(tick=step), ratio * float(step)
    exact = Decimal(price) / step
    assume(abs(exact - exact.to_integral_value()) > Decimal("2e-6"))

    assert instrument.on_grid(price, 1) == float(exact.to_integral_value(ROUND_CEILING) * step)
    assert instrument.on_grid(price, -1) == float(exact.to_integral_value(ROUND_FLOOR) * step)
    assert abs(instrument.on_grid(price) - price) <= float(step) * (0.5 + 1e-6)


@given(steps, st.decimals(-(10**6), 10**6, allow_nan=False, places=12))
def test_the_decimal_doors_are_exact(step, value):
    instrument = stepping(tick=step, lot=step)

    assert instrument.price(value) == (value / step).to_integral_value(ROUND_HALF_EVEN) * step
    assert abs(instrument.quantity(value)) == (abs(value) / step).to_integral_value(ROUND_FLOOR) * step
    assert instrument.quantity(value) * value >= 0


def test_floats_at_the_decimal_door_are_read_as_they_are_written():
    assert stepping(lot="0.1").quantity(0.3) == Decimal("0.3")
    assert stepping(tick="0.1").price("101.27") == Decimal("101.3")
    assert stepping(tick="25").price(1_012.5) == Decimal(1000)


def test_flat_is_exactly_zero_after_any_number_of_small_fills():
    instrument = stepping(lot="0.1")

    assert sum([instrument.lots(0.1)] * 3) == instrument.lots(0.3)
    assert instrument.units(instrument.lots(0.1) * 3 - instrument.lots(0.3)) == 0.0


def test_the_smallest_order_covers_the_minimum_quantity():
    assert stepping(lot="0.3", min_quantity=Decimal(1)).min_lots == 4
    assert stepping(lot="0.1", min_quantity=Decimal("0.5")).min_lots == 5
    assert stepping().min_lots == 1


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"tick_size": Decimal(0)}, "X.tick_size: must be above 0, was 0"),
        ({"lot_size": Decimal(-1)}, "X.lot_size: must be above 0, was -1"),
        ({"min_quantity": Decimal(-1)}, "X.min_quantity: must be 0 or more, was -1"),
        ({"min_notional": Decimal(-1)}, "X.min_notional: must be 0 or more, was -1"),
    ],
)
def test_impossible_steps_and_minimums_are_refused(terms, message):
    with pytest.raises(ValueError, match=message):
        hl.Instrument("X", **terms)


def test_a_perpetual_can_be_short_and_spot_only_up_to_what_may_be_borrowed():
    assert not stepping().can_short
    assert stepping(kind=PERPETUAL).can_short
    assert stepping(borrow_limit=Decimal("2.5")).can_short
    assert stepping(lot="0.2", borrow_limit=Decimal("2.5")).borrow_lots == 12


def test_an_instrument_that_says_nothing_of_margin_has_the_brokers_leverage_and_shares_the_wallet():
    perpetual = stepping(kind=PERPETUAL)

    assert perpetual.leverage is None
    assert perpetual.margin_mode is MarginMode.CROSS
    assert perpetual.position_mode is PositionMode.ONE_WAY
    assert perpetual.tier_style is TierStyle.MARGINAL
    assert perpetual.tiers == DEFAULT_TIERS == (MarginTier(None, Decimal("0.005"), Decimal(100)),)
    assert stepping().tiers == ()


def test_lots_are_whole_numbers_of_contracts():
    perpetual = stepping(lot="0.001", kind=PERPETUAL, contract_size=Decimal("0.00001"))

    assert perpetual.contracts(3) == 300
    assert perpetual.contracts(-3) == -300
    assert [perpetual.lots_of_contracts(count) for count in (300, 399, -300, -399, 99)] == [3, 3, -3, -3, 0]


@given(steps, st.integers(1, 1000), counts)
def test_lots_and_contracts_are_inverse(size, ratio, lots):
    perpetual = hl.Instrument("X", kind=PERPETUAL, lot_size=size * ratio, contract_size=size)

    assert perpetual.lots_of_contracts(perpetual.contracts(lots)) == lots


def test_contracts_are_not_counted_without_their_size():
    with pytest.raises(ValueError, match=r"X.contract_size: must be set to count contracts"):
        stepping().contracts(1)


def tiers(*rows):
    return {
        "kind": PERPETUAL,
        "margin_tiers": tuple(
            MarginTier(None if up_to is None else Decimal(up_to), Decimal(maintenance), Decimal(leverage))
            for up_to, maintenance, leverage in rows
        ),
    }


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (
            {"contract_size": Decimal("0.003")},
            "X.lot_size: must be a whole multiple of contract_size 0.003, was 0.01",
        ),
        ({"contract_size": Decimal(0)}, "X.contract_size: must be above 0, was 0"),
        ({"leverage": Decimal(0)}, "X.leverage: must be above 0, was 0"),
        ({"borrow_limit": Decimal(-1)}, "X.borrow_limit: must be 0 or more, was -1"),
        (
            {"kind": PERPETUAL, "borrow_limit": Decimal(1)},
            "X.borrow_limit: only spot is borrowed, a perpetual had 1",
        ),
        (
            {"position_mode": PositionMode.HEDGE},
            "X.position_mode: only a perpetual has one, spot had <PositionMode.HEDGE: 'hedge'>",
        ),
        (
            {"kind": PERPETUAL, "leverage": Decimal(101)},
            "X.leverage: must be at most 100, as its margin tiers say, was 101",
        ),
        (
            {**tiers((None, "0.02", 20)), "leverage": Decimal(25)},
            "X.leverage: must be at most 20, as its margin tiers say, was 25",
        ),
        (
            tiers((None, "0.01", 50), (None, "0.02", 20)),
            "X.margin_tiers[0].up_to: only the last tier may have no end, was None",
        ),
        (
            tiers((1000, "0.01", 50), (500, "0.02", 20)),
            "X.margin_tiers[1].up_to: must be above 1000, was 500",
        ),
        (tiers((0, "0.01", 50)), "X.margin_tiers[0].up_to: must be above 0, was 0"),
        (
            tiers((1000, "0.01", 50), (None, "0.005", 20)),
            "X.margin_tiers[1].maintenance: must not be below the tier before (0.01), was 0.005",
        ),
        (
            tiers((1000, "0.01", 50), (None, "0.01", 60)),
            "X.margin_tiers[1].max_leverage: must not be above the tier before (50), was 60",
        ),
        (tiers((None, "0.01", "0.5")), "X.margin_tiers[0].max_leverage: must be at least 1, was 0.5"),
        (
            tiers((None, "0.02", 50)),
            "X.margin_tiers[0].maintenance: must be above 0 and below 1 / max_leverage 50, was 0.02",
        ),
    ],
)
def test_terms_of_margin_that_contradict_each_other_are_refused(terms, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        stepping(**terms)


def test_terms_that_are_floats_are_refused():
    with pytest.raises(TypeError, match=r"X.leverage: must be a Decimal such as Decimal\('0.01'\), was 2.5"):
        stepping(kind=PERPETUAL, leverage=2.5)
    with pytest.raises(TypeError, match=r"X.margin_tiers\[0\].maintenance: must be a Decimal, was 0.01"):
        stepping(kind=PERPETUAL, margin_tiers=(MarginTier(None, 0.01, Decimal(5)),))


def test_instruments_with_the_same_terms_are_equal():
    assert stepping() == stepping()
    assert stepping(tick="0.1") != stepping()
    assert math.isclose(stepping(lot="0.3").units(3), 0.9, rel_tol=0)
