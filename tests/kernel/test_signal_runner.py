"""Decisions become orders: entries, exits, turns, stops that move."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

import hookline as hl
from hookline.testing import bars

PERP = hl.Instrument("TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal(1))
SPOT = hl.Instrument("TEST", tick_size=Decimal("0.1"), lot_size=Decimal(1))


def deciding(table, sizer=None):
    """A strategy that decides by the bar's close; it holds where the table says nothing."""
    held_at = {}

    def decide(x, held, p):
        held_at[x.close] = held
        return table.get(x.close, hl.hold())

    @dataclass
    class Table(hl.SignalStrategy):
        name = "table"
        allow_short: bool | None = None

        def columns(self, bars):
            return {"close": bars.close}

        def sizer(self):
            return sizer or hl.FixedQuantity(10)

    Table.decide = staticmethod(decide)
    Table.__abstractmethods__ = frozenset()
    strategy = Table()
    strategy.held_at = held_at
    return strategy


def run(text, table, instrument=PERP, sizer=None, **params):
    strategy = deciding(table, sizer)
    result = hl.backtest(
        strategy, bars(text), instruments=[instrument], cash=params.pop("cash", 1000), **params
    )
    fills = [f"{fill.side.name} {fill.quantity:g} @ {fill.price:g}" for fill in result.record.fills]
    return fills, result.record, strategy.held_at


def orders(record):
    return [
        f"{order.side.name} {order.quantity:g} {order.type} {order.trigger_price or order.limit_price or ''} {order.status}"
        for order in record.orders
    ]


def test_a_decision_trades_at_the_next_open():
    fills, _, _ = run("10 11 12 13", {10: hl.long(), 12: hl.flat()})

    assert fills == ["BUY 10 @ 10", "SELL 10 @ 12"]


def test_wanting_what_is_held_sends_nothing():
    _, record, _ = run("10 11 12 13", {10: hl.long(), 11: hl.long(), 12: hl.long(1.0)})

    assert len(record.orders) == 1


def test_turning_closes_and_opens():
    fills, record, _ = run("10 11 12", {10: hl.long(), 11: hl.short()})

    assert fills == ["BUY 10 @ 10", "SELL 10 @ 11", "SELL 10 @ 11"]
    assert [order.tag for order in record.orders] == ["entry", "exit", "entry"]


def test_short_means_flat_where_nothing_can_be_sold_short():
    fills, record, _ = run("10 11 12 13", {10: hl.long(), 11: hl.short(), 12: hl.short()}, SPOT)

    assert fills == ["BUY 10 @ 10", "SELL 10 @ 11"]
    assert len(record.orders) == 2


def test_a_stop_and_a_target_of_the_decision_protect_the_entry():
    stopped, *_ = run("10 10.5 8", {10: hl.long(stop=9, target=12)})
    gained, *_ = run("10 10.5 13", {10: hl.long(stop=9, target=12)})

    assert stopped == ["BUY 10 @ 10", "SELL 10 @ 9"]
    assert gained == ["BUY 10 @ 10", "SELL 10 @ 12"]


def test_holding_with_a_new_stop_moves_it():
    fills, record, _ = run("10 12 13 11", {10: hl.long(stop=9), 12: hl.hold(stop=11.5)})

    assert fills == ["BUY 10 @ 10", "SELL 10 @ 11.5"]
    assert orders(record)[1:] == ["SELL 10 stop 11.5 filled"]


def test_holding_with_a_stop_or_target_where_there_is_none_sends_one_and_links_them():
    _, record, _ = run("10 12 13 14 11", {10: hl.long(), 12: hl.hold(stop=11), 13: hl.hold(target=15)})

    assert orders(record)[1:] == ["SELL 10 stop 11.0 filled", "SELL 10 limit 15.0 canceled"]


def test_what_is_held_is_told_to_the_decision():
    _, record, held = run("10 11 12 13 14 9", {10: hl.long(stop=9.5), 12: hl.hold(stop=10.5), 14: hl.flat()})

    entered = record.fills[0].time / 1e9
    assert held[10.0] == hl.Held(0.0, 0.0, held[10.0].stop, 0.0)
    assert held[11.0] == hl.Held(1.0, 10.0, 9.5, entered)
    assert held[13.0] == hl.Held(1.0, 10.0, 10.5, entered)
    assert held[9.0].exposure == 0.0


def test_after_its_stop_a_strategy_is_flat_and_can_enter_again():
    fills, _, held = run("10 11 8 7 7.5", {10: hl.long(stop=9), 7: hl.long()})

    assert held[8.0].exposure == 0.0
    assert fills == ["BUY 10 @ 10", "SELL 10 @ 9", "BUY 10 @ 7"]


def test_a_larger_exposure_adds_and_the_stop_covers_the_whole():
    fills, _, held = run(
        "10 11 12 8", {10: hl.long(0.5, stop=9), 11: hl.long(1.0)}, sizer=hl.FixedQuantity(20)
    )

    assert fills == ["BUY 10 @ 10", "BUY 10 @ 11", "SELL 10 @ 9", "SELL 10 @ 9"]
    assert held[12.0].exposure == 1.0
    assert held[12.0].stop == 9.0
    assert held[12.0].entry_price == 10.5


def test_a_smaller_exposure_reduces_and_the_stop_covers_the_rest():
    fills, _, held = run(
        "10 11 12 8", {10: hl.long(1.0, stop=9), 11: hl.long(0.5)}, sizer=hl.FixedQuantity(20)
    )

    assert fills == ["BUY 20 @ 10", "SELL 10 @ 11", "SELL 10 @ 9"]
    assert held[12.0].exposure == 0.5


def test_leaving_on_the_bar_whose_open_passes_the_stop_does_not_turn_the_position():
    fills, record, _ = run("10 11 10.5 7/7/7/7 7.5", {10: hl.long(stop=9), 10.5: hl.flat()})

    assert fills == ["BUY 10 @ 10", "SELL 10 @ 7"]
    assert record.orders[-1].status == "canceled"


def test_an_entry_that_the_venue_refuses_leaves_the_strategy_flat():
    _, record, held = run("10 11 12", {10: hl.long()}, cash=5)

    assert record.orders[0].status == "rejected"
    assert held[12.0].exposure == 0.0


def test_an_entry_with_its_stop_on_the_wrong_side_is_denied_and_asked_again():
    fills, record, _ = run("10 11 12", {10: hl.long(stop=11), 11: hl.long(stop=10)})

    assert [order.status for order in record.orders[:1]] == ["denied"]
    assert fills == ["BUY 10 @ 11"]


def test_instruments_share_the_equity_of_the_strategy():
    strategy = deciding({10: hl.long(), 20: hl.long()}, hl.EquityFraction())
    data = {"A": bars("10 10 10", "A"), "B": bars("20 20 20", "B")}
    two = [hl.Instrument(one, kind=hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1)) for one in ("A", "B")]
    result = hl.backtest(strategy, data, instruments=two, cash=1000)

    assert [(fill.symbol, fill.quantity) for fill in result.record.fills] == [("A", 50.0), ("B", 25.0)]


@pytest.mark.parametrize(
    ("sizer", "decision", "quantity"),
    [
        (hl.FixedQuantity(3), hl.long(), 3),
        (hl.FixedNotional(200), hl.long(), 20),
        (hl.EquityFraction(0.5), hl.long(), 50),
        (hl.EquityFraction(0.5), hl.long(0.5), 25),
        (hl.RiskByStop(0.01), hl.long(stop=9), 10),
        (hl.RiskByStop(0.05), hl.long(stop=9.9), 100),
        (hl.VolatilityTarget(0.3), hl.long(), 100),
    ],
)
def test_the_sizer_says_how_much_a_full_exposure_is(sizer, decision, quantity):
    fills, *_ = run("10 10", {10: decision}, sizer=sizer)

    assert fills == [f"BUY {quantity} @ 10"]


def test_a_size_by_risk_needs_a_stop():
    fills, record, _ = run("10 10", {10: hl.long()}, sizer=hl.RiskByStop(0.01))

    assert fills == []
    assert record.orders[0].reason.startswith("quantity below the minimum")
