"""Which planned orders the LMEX broker would warn of, and which not."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from doctor_venue import KEY, SECRET, TERMS, examined, open_venue

from hookline.diagnosis import Finding, PlannedOrder
from hookline.model import Instrument, InstrumentKind, OrderType, Side
from hookline_lmex import doctor, limits
from hookline_lmex.emulator import Emulator

PERP = Instrument("BTC-PERP", InstrumentKind.PERPETUAL, **TERMS, contract_size=Decimal("0.001"))
COIN = Instrument("BTC-USDT", **TERMS)
ORDER = PlannedOrder("dca", PERP, Side.BUY, OrderType.MARKET, 50, 0, 1000.0, 1000.0)
LIMIT = replace(ORDER, type=OrderType.LIMIT, limit_price=990.0)


@pytest.fixture(scope="module")
def venue() -> Iterator[Emulator]:
    with open_venue() as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMEX_API_KEY", KEY)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)
    monkeypatch.setattr(doctor, "_TRIPS", 1)
    monkeypatch.setattr(doctor, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(limits, "_meter_of", lambda *_: limits.Meter(1000.0))  # these venues have no limits


def judged(venue: Emulator, *orders: PlannedOrder) -> dict[str, Finding]:
    symbols = {one.symbol for one in orders}
    found = examined(venue, *symbols, planned=orders)
    expected = ("rules", "fees", "settings")
    return {
        name.partition(" ")[2]: one
        for name, one in found.items()
        if name.partition(" ")[0] in symbols and not name.endswith(expected)
    }


def test_orders_that_the_venue_takes(venue: Emulator) -> None:
    found = judged(venue, ORDER, LIMIT, replace(LIMIT, side=Side.SELL, limit_price=1010.5, lots=700))
    assert {name: one.state for name, one in found.items()} == {"orders": "ok"}
    assert (
        found["orders"].text
        == "3 orders worth 49.50 to 707.35 USDT at today's prices: the venue takes them all"
    )


@pytest.mark.parametrize(
    ("order", "name", "state", "text"),
    [
        (replace(ORDER, lots=4), "smallest worth", "warn", "worth less than 5"),
        (replace(LIMIT, lots=4, post_only=True), "smallest worth", "fail", "refuses those that are post-only"),
        (replace(LIMIT, limit_price=990.3), "tick", "fail", "off the tick of 0.5"),
        (replace(ORDER, type=OrderType.STOP, trigger_price=990.2), "tick", "fail", "off the tick of 0.5"),
        (replace(ORDER, lots=6_000_001), "largest size", "fail", "larger than 6000"),
        (
            replace(ORDER, instrument=replace(PERP, lot_size=Decimal("0.0001"), contract_size=Decimal("0.0001")), lots=55),
            "lot",
            "fail",
            "no multiple of 0.001",
        ),
        (replace(LIMIT, limit_price=1060.0), "price protection", "warn", "beyond the market"),
        (replace(LIMIT, side=Side.SELL, limit_price=940.0), "price protection", "warn", "beyond the market"),
        (
            replace(
                ORDER, instrument=COIN, side=Side.SELL, type=OrderType.STOP_LIMIT, trigger_price=950.0, limit_price=900.0
            ),
            "trigger",
            "fail",
            "more than 5% from their trigger",
        ),
    ],
)  # fmt: skip
def test_orders_that_the_venue_would_not_take_as_they_are_meant(
    venue: Emulator, order: PlannedOrder, name: str, state: str, text: str
) -> None:
    found = judged(venue, replace(order, lots=max(order.lots, 1)))
    assert {one: finding.state for one, finding in found.items()} == {name: state}
    assert text in found[name].text
    assert "1 of 1 order" in found[name].text
    assert "by dca" in found[name].text
    assert found[name].fix


def test_an_order_smaller_than_the_smallest_is_told(venue: Emulator) -> None:
    fine = replace(PERP, lot_size=Decimal("0.0001"), contract_size=Decimal("0.0001"))
    found = judged(venue, replace(ORDER, instrument=fine, lots=5))
    assert found["smallest size"].state == "fail"


@pytest.mark.parametrize(
    "order",
    [
        replace(ORDER, lots=4, reduce_only=True),  # what closes a position may be small
        replace(LIMIT, limit_price=1040.0),  # within the band
        replace(LIMIT, limit_price=500.0),  # far away, on the side where it rests
        replace(ORDER, type=OrderType.STOP_LIMIT, trigger_price=1100.0, limit_price=1105.0),  # measured from its trigger
        replace(LIMIT, price=500.0, price_now=1000.0, limit_price=505.0),  # near the market of then
    ],
)  # fmt: skip
def test_orders_that_only_look_wrong(venue: Emulator, order: PlannedOrder) -> None:
    assert {one.state for one in judged(venue, order).values()} == {"ok"}


def test_worth_is_that_of_today(venue: Emulator) -> None:
    then = replace(ORDER, lots=8, price=500.0, price_now=1000.0)
    assert then.notional == pytest.approx(8.0)
    assert {one.state for one in judged(venue, then).values()} == {"ok"}
    cheaper = replace(ORDER, lots=8, price=1000.0, price_now=500.0)
    assert judged(venue, cheaper)["smallest worth"].state == "warn"


def test_orders_with_the_same_fault_are_counted_together(venue: Emulator) -> None:
    small = [replace(ORDER, lots=lots, strategy=name) for lots, name in ((3, "one"), (4, "two"), (2, "one"))]
    found = judged(venue, *small, ORDER)["smallest worth"]
    assert "3 of 4 orders" in found.text
    assert "such as buy 0.002 (market, 2.00 USDT) by one, two" in found.text


def test_orders_of_a_market_that_is_not_there_are_passed_over(venue: Emulator) -> None:
    other = replace(ORDER, instrument=replace(PERP, symbol="NONE-PERP"))
    found = judged(venue, other)
    assert found == {}
