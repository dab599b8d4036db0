"""Timers: at whole multiples of their period, after the bars that end at the same time."""

from dataclasses import dataclass

import pytest

import hookline as hl
from hookline.columns import ExternalSeries
from hookline.kernel.timers import Timers
from hookline.testing import bars
from hookline.testing.recording import record
from hookline_paper.broker import PaperBroker

HOUR = 3600 * 10**9


@dataclass
class Diary(hl.Strategy):
    """Writes down what happens and when."""

    name = "diary"

    periods: tuple[str, ...] = ()

    def on_start(self, ctx):
        self.pages = []
        for period in self.periods:
            ctx.every(period)

    def on_bar(self, ctx, bar):
        self.pages.append(f"{ctx.now:%d %H:%M} bar {bar.symbol}")

    def on_timer(self, ctx, timer):
        self.pages.append(f"{ctx.now:%d %H:%M} {timer}")


def pages(data, *periods):
    diary = Diary(periods)
    hl.backtest(diary, data)
    return diary.pages


def test_a_timer_sees_the_bar_that_ends_at_its_time():
    assert pages(bars("1 2 3"), "2h") == ["01 01:00 bar TEST", "01 02:00 bar TEST", "01 02:00 2h", "01 03:00 bar TEST"]  # fmt: skip


def test_a_timer_sees_the_bars_of_every_instrument_that_end_at_its_time():
    data = {"A": bars("1 2", "A"), "B": bars("1 2", "B")}

    assert pages(data, "1h") == [
        "01 01:00 bar A",
        "01 01:00 bar B",
        "01 01:00 1h",
        "01 02:00 bar A",
        "01 02:00 bar B",
        "01 02:00 1h",
    ]


def test_a_timer_inside_a_bar_comes_before_its_end():
    assert pages(bars("1 2"), "40m") == [
        "01 00:40 40m",
        "01 01:00 bar TEST",
        "01 01:20 40m",
        "01 02:00 bar TEST",
        "01 02:00 40m",
    ]


def test_timers_go_on_through_a_gap():
    assert pages(bars("1 . . 2"), "1h")[1:5] == [
        "01 01:00 1h",
        "01 02:00 1h",
        "01 03:00 1h",
        "01 04:00 bar TEST",
    ]


def test_periods_are_counted_from_the_epoch_not_from_the_first_bar():
    told = pages(bars("1 2 3 4 5", start=1_704_067_200_000_000_000 + 22 * HOUR), "24h")

    assert [page for page in told if "24h" in page] == ["02 00:00 24h"]


def test_timers_of_one_time_fire_in_the_order_they_were_set():
    assert pages(bars("1 2"), "1h", "30m", "60m")[:5] == [
        "01 00:30 30m",
        "01 01:00 bar TEST",
        "01 01:00 1h",
        "01 01:00 30m",
        "01 01:00 60m",
    ]


def test_a_timer_set_at_its_own_time_is_due_a_period_later():
    timers = Timers()
    timers.every(HOUR, 2 * HOUR, "s", "t")

    assert [timers.pop() for _ in range(2)] == [(3 * HOUR, "s", "t"), (4 * HOUR, "s", "t")]
    assert timers.due == 5 * HOUR


def test_a_period_must_be_a_timeframe():
    with pytest.raises(hl.StrategyError, match=r"on_start.*a timeframe is a count and one of s m h d w"):
        pages(bars("1 2"), "daily")


@dataclass
class Reader(hl.Strategy):
    """Reads a column whenever a timer or funding calls."""

    name = "reader"

    def on_start(self, ctx):
        self.close = ctx.use(ctx.bars("TEST").close)
        self.window = ctx.window(ctx.bars("TEST").close, 2)
        self.read = []
        ctx.every("30m")

    def on_timer(self, ctx, timer):
        self.read.append((ctx.last("TEST"), self.close.value, float(self.window.values[-1])))

    def on_funding(self, ctx, funding):
        self.read.append((ctx.last("TEST"), self.close.value, float(self.window.values[-1])))


TEXT = "10 11 12 13 14"


def perpetual(symbol):
    return hl.Instrument(symbol, hl.InstrumentKind.PERPETUAL)


@pytest.mark.parametrize("others", [{}, {"B": bars("1 2 3 4 5", "B")}], ids=["alone", "beside another"])
@pytest.mark.parametrize("streamed", [False, True], ids=["backtest", "stream"])
def test_what_is_due_before_a_bar_ends_sees_no_column_of_it(others, streamed):
    series = {"TEST": bars(TEXT), **others}
    start = int(series["TEST"].start[0])
    rates = ExternalSeries([start + HOUR * 3 // 2, start + 3 * HOUR], [0.01, 0.01])
    reader = Reader()

    record(
        reader,
        series,
        {symbol: perpetual(symbol) for symbol in series},
        PaperBroker(),
        streamed=streamed,
        funding={"TEST": rates},
    )

    known = [row for row in reader.read if row[0] == row[0]]
    assert len(known) > 8
    assert all(close == last and newest == last for last, close, newest in known)


def test_a_timer_set_in_the_middle_of_a_run_sees_no_column_of_the_next_bar():
    class Late(Reader):
        def on_start(self, ctx):
            self.close = ctx.use(ctx.bars("TEST").close)
            self.window = ctx.window(ctx.bars("TEST").close, 1)
            self.read = []

        def on_bar(self, ctx, bar):
            if bar.close == 11:
                ctx.every("30m")

    late = Late()
    hl.backtest(late, bars(TEXT))

    assert late.read[:3] == [(11.0, 11.0, 11.0), (12.0, 12.0, 12.0), (12.0, 12.0, 12.0)]
