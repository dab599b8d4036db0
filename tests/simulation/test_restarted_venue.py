"""A venue on bars that was restarted goes on as one that was not."""

from decimal import Decimal

from machine_worlds import HOUR, START, Setting, World

import hookline as hl

FIRST, SECOND = (
    hl.Instrument(symbol, hl.InstrumentKind.PERPETUAL, tick_size=Decimal(1), lot_size=Decimal(1))
    for symbol in ("FIRST", "SECOND")
)


def bar(symbol, hour, *prices):
    open_, close = prices[0], prices[-1]
    end = START + (hour + 1) * HOUR
    return hl.Bar(symbol, end - HOUR, end, open_, max(prices), min(prices), close, 1.0)


def test_a_position_liquidated_for_the_losses_of_another_is_closed_at_its_own_price():
    instruments = {one.symbol: one for one in (FIRST, SECOND)}
    world = World(Setting(instruments, {"leverage": 10.0, "liquidation_fee_bps": 0.0}, {"a": 800.0}))
    world.submit("a", "FIRST", hl.Side.BUY, 1, {})
    world.submit("a", "SECOND", hl.Side.BUY, 20, {})
    world.bars([bar("FIRST", 0, 500.0), bar("SECOND", 0, 100.0)])
    world.bars([bar("FIRST", 1, 500.0), bar("SECOND", 1, 100.0)])
    world.news()

    world = world.restarted()
    world.bars([bar("SECOND", 2, 100.0, 60.0)])

    prices = {fill.symbol: fill.price for fill in world.news().fills}
    assert prices["FIRST"] == 500.0


def test_an_amendment_may_wait_for_an_order_that_ended_with_its_position():
    instruments = {one.symbol: one for one in (FIRST, SECOND)}
    world = World(Setting(instruments, {"leverage": 10.0, "liquidation_fee_bps": 0.0}, {"a": 800.0}))
    world.submit("a", "FIRST", hl.Side.BUY, 1, {})
    world.submit("a", "SECOND", hl.Side.BUY, 20, {})
    world.submit("a", "FIRST", hl.Side.SELL, 1, {"limit": 600.0, "reduce_only": True})
    for hour in (0, 1):
        world.bars([bar("FIRST", hour, 500.0), bar("SECOND", hour, 100.0)])
    world.news()
    (exit_,) = (number for number, one in world.orders.items() if one.is_open)
    world.bars([bar("SECOND", 2, 100.0)])
    # The bar of its own instrument is still to come, and is late.
    world.amend(exit_, 1, 650.0)
    world.bars([bar("SECOND", 3, 100.0, 60.0)])
    world.news()

    assert world.orders[exit_].reason == "position liquidated"
    before = world.state()
    world = world.restarted()
    assert world.state() == before
    world.bars([bar("FIRST", 3, 500.0, 700.0)])

    assert world.news().fills == []
