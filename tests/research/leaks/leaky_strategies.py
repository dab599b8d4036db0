"""Strategies that know the future, one for each way in which people let them, and twins that do not."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import hookline as hl

HOUR = 3_600 * 10**9


def closes_of(path):
    """The closes of a CSV file of bars, by the start of the bar."""
    frame = pd.read_csv(path, index_col="time", parse_dates=["time"])
    return frame["close"]


def by_time(signal):
    """A series as a dict from nanoseconds to values."""
    return dict(zip(signal.index.as_unit("ns").asi8.tolist(), signal.tolist(), strict=True))


@dataclass
class FromTable(hl.Strategy):
    """Long while a signal that was worked out before the run is above zero; the signal is known by the bars' starts."""

    name = "from_table"
    wanted: dict[int, float] = field(init=False, repr=False, default_factory=dict)

    def signal(self) -> Any:
        raise NotImplementedError

    def on_start(self, ctx):
        self.wanted = by_time(self.signal())

    def on_bar(self, ctx, bar):
        held = ctx.position(bar.symbol).quantity
        wanted = self.wanted.get(bar.start, 0.0) > 0.0
        if wanted and not held:
            ctx.buy(bar.symbol, 1.0)
        elif held and not wanted:
            ctx.close(bar.symbol)


@dataclass
class NextBar(FromTable):
    """Compares each close with the next one: a shift the wrong way."""

    name = "next_bar"
    frame: Any = None

    def signal(self):
        return self.frame["close"].shift(-1) - self.frame["close"]


@dataclass
class LastBar(FromTable):
    """The same with the shift the right way."""

    name = "last_bar"
    frame: Any = None

    def signal(self):
        return self.frame["close"] - self.frame["close"].shift(1)


@dataclass
class Centred(FromTable):
    """Compares each close with the mean of five bars before and five after."""

    name = "centred"
    frame: Any = None

    def signal(self):
        close = self.frame["close"]
        return close.rolling(11, center=True).mean() - close


@dataclass
class Standardized(FromTable):
    """Buys what is cheap by the mean and deviation of the whole sample."""

    name = "standardized"
    frame: Any = None

    def signal(self):
        close = self.frame["close"]
        return -(close - close.mean()) / close.std() - 0.5


@dataclass
class FourHourStart(FromTable):
    """Joins four-hour bars at their starts, so that their closes are known up to four hours early."""

    name = "four_hour_start"
    path: Path = Path("bars.csv")

    def signal(self):
        close = closes_of(self.path)
        higher = close.resample("4h").last()
        return higher.reindex(close.index, method="ffill") - close


@dataclass
class FourHourEnd(FromTable):
    """Joins them at their ends: at the start of an hour the last four hours that are over by its end."""

    name = "four_hour_end"
    path: Path = Path("bars.csv")

    def signal(self):
        close = closes_of(self.path)
        higher = close.resample("4h").last()
        # A bucket that starts at s is over with the hour that starts at s + 3h.
        higher.index = higher.index + pd.Timedelta("3h")
        return higher.reindex(close.index, method="ffill") - close


@dataclass
class HigherFrame(FromTable):
    """Joins a table of four-hour bars at their starts."""

    name = "higher_frame"
    hours: Any = None
    frame: Any = None

    def signal(self):
        close = self.hours["close"]
        return self.frame["close"].reindex(close.index, method="ffill") - close


@dataclass
class HigherSeries(FromTable):
    """Joins closes of four-hour bars at their starts; nothing tells that they are those of bars."""

    name = "higher_series"
    hours: Any = None
    closes: Any = None

    def signal(self):
        close = self.hours["close"]
        return self.closes.reindex(close.index, method="ffill") - close


@dataclass
class FutureStop(hl.Strategy):
    """Enters without looking, and moves its stop to just below what the next bars' lows will be."""

    name = "future_stop"
    frame: Any = None

    def on_start(self, ctx):
        lows = self.frame["low"]
        self._floor = by_time(lows.rolling(3).min().shift(-3))
        self._stop = None

    def on_bar(self, ctx, bar):
        floor = self._floor.get(bar.start, np.nan)
        if not ctx.position(bar.symbol).quantity:
            if not ctx.open_orders(bar.symbol):
                self._stop = None
                ctx.buy(bar.symbol, 1.0)
        elif self._stop is None or not self._stop.is_open:
            self._stop = ctx.sell(bar.symbol, 1.0, trigger=round(bar.low * 0.9, 2), reduce_only=True)
        elif floor == floor:
            ctx.amend(self._stop, trigger=round(floor * 0.999, 2))


@dataclass
class WholeSampleColumn(hl.SignalStrategy):
    """A column scaled with the mean and deviation of all closes, which is worked out as the strategy is made."""

    name = "whole_sample_column"
    frame: Any = None

    def __post_init__(self):
        self._mean, self._deviation = float(self.frame["close"].mean()), float(self.frame["close"].std())

    def columns(self, bars):
        return {"close": bars.close, "score": (bars.close - self._mean) / self._deviation}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.score < 0.0 else hl.flat()


@dataclass
class ArrayBesideBars(hl.Strategy):
    """Counts bars, and looks one further in an array beside them."""

    name = "array_beside_bars"
    prices: Any = None

    def on_start(self, ctx):
        self._count = 0

    def on_bar(self, ctx, bar):
        self._count += 1
        rises = self._count < len(self.prices) and self.prices[self._count] > bar.close
        held = ctx.position(bar.symbol).quantity
        if rises and not held:
            ctx.buy(bar.symbol, 1.0)
        elif held and not rises:
            ctx.close(bar.symbol)


@dataclass
class HiddenFile(FromTable):
    """Reads a file that no parameter names."""

    name = "hidden_file"
    where: Any = field(default=None)  # a function that returns the path

    def signal(self):
        close = closes_of(self.where())
        return close.shift(-1) - close


@dataclass
class Impatient(hl.Strategy):
    """Cannot do without the bar after the present one."""

    name = "impatient"
    frame: Any = None

    def on_start(self, ctx):
        self._closes = by_time(self.frame["close"])
        self._last = max(self._closes)

    def on_bar(self, ctx, bar):
        if bar.start < START_OF_LAST:
            self._closes[bar.end]


START_OF_LAST = 1_704_067_200 * 10**9 + 999 * HOUR


@dataclass
class Moody(hl.Strategy):
    """Draws from randomness of its own, so that no two runs are the same."""

    name = "moody"

    def on_start(self, ctx):
        self._draws = np.random.default_rng()

    def on_bar(self, ctx, bar):
        if self._draws.random() < 0.1:
            ctx.target(bar.symbol, float(self._draws.integers(-3, 4)))


@dataclass
class ReadsExternal(hl.SignalStrategy):
    """Long while an external series is above the close."""

    name = "reads_external"

    def columns(self, bars):
        return {"score": bars.external("score"), "close": bars.close}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.score > x.close else hl.flat()


TABLE = np.empty(0)


def init_table():
    return (0,)


def step_table(state, value):
    row = state[0]
    return (row + 1,), TABLE[row]


@dataclass
class TableInOp(hl.SignalStrategy):
    """Reads a table that its module holds, through an indicator of its own; set ``TABLE`` before."""

    name = "table_in_op"

    def columns(self, bars):
        from hookline.columns import Op, apply

        return {"table": apply(Op("table", init_table, step_table), bars.close), "close": bars.close}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.table > x.close else hl.flat()


@dataclass
class Honest(hl.SignalStrategy):
    """Long while a fast average is above a slow one, on two timeframes."""

    name = "honest"
    fast: int = 5
    slow: int = 20

    def columns(self, bars):
        return {
            "fast": hl.ema(bars.close, self.fast),
            "slow": hl.ema(bars.close, self.slow),
            "trend": hl.ema(bars.at("4h").close, self.fast),
            "close": bars.close,
        }

    @staticmethod
    def decide(x, held, p):
        if x.fast > x.slow and x.close > x.trend:
            return hl.long()
        return hl.flat()


@dataclass
class Averages(hl.SignalStrategy):
    """Long while the close is above an average that forgets slowly."""

    name = "averages"
    period: int = 100

    def columns(self, bars):
        average = hl.ema(bars.close, self.period)
        return {"simple": hl.sma(bars.close, self.period), "slow": average, "above": bars.close > average}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.above else hl.flat()


@dataclass
class Totals(hl.SignalStrategy):
    """Long while more volume came with rises than with falls, ever since the data began."""

    name = "totals"

    def columns(self, bars):
        return {"total": hl.obv(bars)}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.total > 0.0 else hl.flat()


@dataclass
class OwnMemory(hl.Strategy):
    """Trades at every tenth bar that it has seen, wherever the data begins."""

    name = "own_memory"

    def on_start(self, ctx):
        self._seen = 0

    def on_bar(self, ctx, bar):
        self._seen += 1
        if self._seen % 10 == 0:
            ctx.target(bar.symbol, float(self._seen // 10 % 2))


@dataclass
class LongWindow(hl.Strategy):
    """Buys what is above the mean of a window of its own."""

    name = "long_window"

    def on_start(self, ctx):
        self._closes = ctx.window(ctx.bars().close, 50)

    def on_bar(self, ctx, bar):
        ctx.target(bar.symbol, float(bar.close > self._closes.values.mean()))


@dataclass
class Remembers(hl.Strategy):
    """Keeps the closes of one run for the next one, in its class."""

    name = "remembers"

    def on_start(self, ctx):
        self.__class__.known = getattr(type(self), "known", {})

    def on_bar(self, ctx, bar):
        self.known[bar.start] = bar.close
        ctx.target(bar.symbol, float(self.known.get(bar.end, 0.0) > bar.close))
