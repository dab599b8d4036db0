"""Positions of one wallet that are liquidated together."""

from decimal import Decimal

import numpy as np
from machine_worlds import HOUR, START, Setting, World

import hookline as hl
from hookline.model import BookUpdate, MarketData, Trade

FIRST, SECOND = (
    hl.Instrument(symbol, hl.InstrumentKind.PERPETUAL, tick_size=Decimal(1), lot_size=Decimal(1))
    for symbol in ("FIRST", "SECOND")
)


def bar(symbol, hour, price):
    end = START + (hour + 1) * HOUR
    return hl.Bar(symbol, end - HOUR, end, price, price, price, price, 1.0)


def test_another_position_is_closed_at_its_last_price_and_not_at_its_mark():
    instruments = {one.symbol: one for one in (FIRST, SECOND)}
    mark = np.full(9, 450.0)
    marks = {
        "SECOND": hl.BarSeries("SECOND", "1h", START + HOUR * np.arange(9), mark, mark, mark, mark, mark)
    }
    broker = {"leverage": 10.0, "liquidation_fee_bps": 0.0}
    world = World(Setting(instruments, broker, {"a": 770.0}, marks=marks))
    world.submit("a", "FIRST", hl.Side.BUY, 20, {})
    world.submit("a", "SECOND", hl.Side.BUY, 1, {})
    world.bars([bar("FIRST", 0, 100.0), bar("SECOND", 0, 500.0)])
    world.news()

    world.bars([bar("FIRST", 1, 64.0)])

    assert {fill.symbol: fill.price for fill in world.news().fills}["SECOND"] == 500.0


def test_on_the_tape_another_position_without_a_book_is_closed_at_the_last_price_of_its_own_symbol():
    instruments = {one.symbol: one for one in (FIRST, SECOND)}
    tapes = dict.fromkeys(instruments, frozenset({MarketData.BOOK, MarketData.TRADES}))
    world = World(
        Setting(instruments, {"leverage": 10.0, "liquidation_fee_bps": 0.0}, {"a": 770.0}, tapes=tapes)
    )
    now = START

    def tell(kind, symbol, *terms):
        nonlocal now
        now += 10**9
        world.kernel.run_tape(world.lanes[symbol], (kind(symbol, now, now, *terms),))

    def book(symbol, bid, ask):
        tell(BookUpdate, symbol, True, [1, -1], [bid, ask], [50.0, 50.0])

    book("FIRST", 99.0, 100.0)
    book("SECOND", 499.0, 500.0)
    tell(Trade, "SECOND", 500.0, 1.0, hl.Side.BUY)
    world.submit("a", "FIRST", hl.Side.BUY, 20, {})
    world.submit("a", "SECOND", hl.Side.BUY, 1, {})
    world.news()
    world = world.restarted()

    book("FIRST", 64.0, 65.0)  # not due yet
    book("FIRST", 60.0, 61.0)
    tell(Trade, "FIRST", 60.0, 1.0, hl.Side.SELL)

    # Nobody loses more than there is: at 62 of the first, 760 of the 770 are gone.
    assert {fill.symbol: fill.price for fill in world.news().fills} == {"FIRST": 62.0, "SECOND": 500.0}
