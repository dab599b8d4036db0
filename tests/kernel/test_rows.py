"""Windows of several instruments stand side by side in time."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import hookline as hl
from hookline.model import BarSeries
from hookline.testing import bars
from hookline.testing.recording import record
from hookline_paper.broker import PaperBroker


@dataclass
class Diary(hl.Strategy):
    """Writes down what it sees on each bar of A."""

    name = "diary"

    length: int = 3
    seen: list = field(default_factory=list)

    def on_start(self, ctx):
        self.rows = ctx.rows([ctx.bars(symbol).close for symbol in ctx.symbols], self.length)

    def on_bar(self, ctx, bar):
        if bar.symbol == "A":
            self.seen.append((bar.close, self.rows.values.tolist() if self.rows.ready else None))


def without(series, *gone):
    kept = ~np.isin(np.arange(len(series)), gone)
    columns = (getattr(series, name)[kept] for name in ("start", *BarSeries.COLUMNS))
    return BarSeries(series.symbol, series.timeframe, *columns)


def seen(market, length=3):
    diary = Diary(length)
    hl.backtest(diary, market)
    streamed = Diary(length)
    instruments = {symbol: hl.Instrument(symbol) for symbol in market}
    record(streamed, market, instruments, PaperBroker(), streamed=True)
    assert repr(streamed.seen) == repr(diary.seen), "a stream shows the same rows"
    return diary.seen


def test_the_last_row_is_the_bar_that_has_just_closed_also_for_the_first_symbol():
    market = {"A": bars("1 2 3 4 5", "A"), "B": bars("11 12 13 14 15", "B")}
    # Windows hold one value to spare, so that they are full after four bars.
    assert seen(market) == [
        (4.0, [[2.0, 12.0], [3.0, 13.0], [4.0, 14.0]]),
        (5.0, [[3.0, 13.0], [4.0, 14.0], [5.0, 15.0]]),
    ]


def test_a_bar_that_one_instrument_lacks_is_left_out_for_all():
    market = {"A": bars("1 2 3 4 5 6", "A"), "B": without(bars("11 12 13 14 15 16", "B"), 3)}
    assert seen(market) == [
        (4.0, None),  # B has no bar that ends now
        (5.0, [[2.0, 12.0], [3.0, 13.0], [5.0, 15.0]]),
        (6.0, [[3.0, 13.0], [5.0, 15.0], [6.0, 16.0]]),
    ]


def test_too_many_bars_missing_make_it_wait_until_enough_have_come():
    market = {
        "A": bars("1 2 3 4 5 6 7 8 9", "A"),
        "B": without(bars("11 12 13 14 15 16 17 18 19", "B"), 4, 6),
    }
    found = dict(seen(market))
    # Of A's last four bars at 8 two have no partner; at 9 the bars 6, 8 and 9 have one.
    assert found[6.0] == [[3.0, 13.0], [4.0, 14.0], [6.0, 16.0]]
    assert found[8.0] is None
    assert found[9.0] == [[6.0, 16.0], [8.0, 18.0], [9.0, 19.0]]


def test_three_instruments():
    market = {symbol: bars("1 2 3 4 5", symbol) for symbol in ("A", "B", "C")}
    market["C"] = without(market["C"], 3)
    assert seen(market)[-1] == (5.0, [[2.0] * 3, [3.0] * 3, [5.0] * 3])


def test_unknown_rows_are_nan():
    class Eager(Diary):
        def on_start(self, ctx):
            super().on_start(ctx)
            self.first = self.rows.values

    eager = Eager()
    hl.backtest(eager, {"A": bars("1 2", "A"), "B": bars("1 2", "B")})
    assert eager.first.shape == (3, 2)
    assert np.isnan(eager.first).all()
    assert eager.seen == []


def test_only_in_on_start():
    class Late(Diary):
        def on_bar(self, ctx, bar):
            ctx.rows([ctx.bars("A").close], 3)

    with pytest.raises(hl.StrategyError, match="only in on_start"):
        hl.backtest(Late(1), {"A": bars("1 2 3", "A")})
