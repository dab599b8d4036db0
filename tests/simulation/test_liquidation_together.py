"""Positions of one wallet that are liquidated together."""

from decimal import Decimal

import numpy as np
from machine_worlds import HOUR, START, Setting, World

import hookline as hl

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
