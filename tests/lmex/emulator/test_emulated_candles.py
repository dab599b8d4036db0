"""Candles of the emulated exchange: history, bars that close, and what trades make while they run."""

from exchange_kit import HOUR, START

from hookline.model import Bar
from hookline.testing import bars
from hookline_lmex.emulator.candles import Candles

MINUTE = 60 * 10**9


def prices(rows):
    return [(row.open, row.high, row.low, row.close) for row in rows]


def test_bars_are_joined_to_longer_candles_by_their_starts():
    candles = Candles(bars("10/12/9/11 11/15/11/14 14/14/8/9", timeframe="1m"))
    assert prices(candles.of_length(2 * MINUTE, START, START + HOUR)) == [(10, 15, 9, 14), (14, 14, 8, 9)]


def test_minutes_without_a_bar_make_no_candle():
    candles = Candles(bars("10 . . 12", timeframe="1m"))
    starts = [row.start for row in candles.of_length(MINUTE, START, START + HOUR)]
    assert starts == [START, START + 3 * MINUTE]


def test_trades_make_the_candle_that_runs_until_its_bar_replaces_them():
    candles = Candles(bars("10 11", timeframe="1h"))
    begin = START + 2 * HOUR
    for minute, price in ((1, 12.0), (1, 14.0), (30, 13.0)):
        candles.add_trade(begin + minute * MINUTE, price, 2.0)
    (running,) = candles.of_length(HOUR, begin, begin + HOUR)
    assert running[1:] == (12.0, 14.0, 12.0, 13.0, 6.0, 78.0)
    candles.add(Bar("TEST", begin, begin + HOUR, 11.5, 14.5, 11.0, 13.0, 9.0))
    (closed,) = candles.of_length(HOUR, begin, begin + HOUR)
    assert closed[1:6] == (11.5, 14.5, 11.0, 13.0, 9.0)


def test_a_bar_leaves_what_came_after_it():
    candles = Candles()
    candles.add_trade(START + MINUTE, 10.0, 1.0)
    candles.add_trade(START + HOUR, 12.0, 1.0)
    candles.add(Bar("TEST", START, START + HOUR, 9.0, 11.0, 9.0, 10.0, 5.0))
    assert prices(candles.of_length(HOUR, START, START + 2 * HOUR)) == [(9, 11, 9, 10), (12, 12, 12, 12)]


def test_turnover_over_volume_is_the_typical_price_of_a_bar():
    (row,) = Candles(bars("10/12/9/11@4", timeframe="1m")).between(START, START + MINUTE)
    assert row.turnover / row.volume == (12 + 9 + 11) / 3
