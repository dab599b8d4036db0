"""Strategies that know the future by what their module holds: data that was read as it was imported, and what was made from it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from leak_sessions import BARS
from leaky_strategies import FromTable, by_time

import hookline as hl

FRAME: Any = BARS.to_frame()
NEXT = by_time(FRAME["close"].shift(-1) - FRAME["close"])
NEXT_SERIES = FRAME["close"].shift(-1)
NEXT_LIST = [*BARS.close.tolist()[1:], 0.0]
FLOORS = by_time(FRAME["low"].rolling(3).min().shift(-3))
MEAN, DEVIATION = float(FRAME["close"].mean()), float(FRAME["close"].std())


@dataclass
class HeldNext(FromTable):
    """Compares each close of a frame that its module holds with the next one."""

    name = "held_next"

    def signal(self):
        return FRAME["close"].shift(-1) - FRAME["close"]


@dataclass
class HeldPast(FromTable):
    """The same with the one before."""

    name = "held_past"

    def signal(self):
        return FRAME["close"] - FRAME["close"].shift(1)


@dataclass
class HeldCentred(FromTable):
    """Compares each close with the mean of five bars before and five after."""

    name = "held_centred"

    def signal(self):
        return FRAME["close"].rolling(11, center=True).mean() - FRAME["close"]


@dataclass
class HeldFourHours(FromTable):
    """Joins four-hour bars at their starts."""

    name = "held_four_hours"

    def signal(self):
        close = FRAME["close"]
        return close.resample("4h").last().reindex(close.index, method="ffill") - close


@dataclass
class InClass(FromTable):
    """Holds its frame in the class."""

    name = "in_class"
    table = FRAME

    def signal(self):
        return self.table["close"].shift(-1) - self.table["close"]


def around(frame):
    """A strategy whose function is made around a frame."""

    @dataclass
    class Around(FromTable):
        name = "around"

        def signal(self):
            return frame["close"].shift(-1) - frame["close"]

    return Around


@dataclass
class ScaledTable(FromTable):
    """Buys what is cheap by the mean and deviation of the whole sample, both worked out before."""

    name = "scaled_table"

    def signal(self):
        return (MEAN - 0.5 * DEVIATION) - FRAME["close"]


@dataclass
class ScaledColumn(hl.SignalStrategy):
    """The same as a column."""

    name = "scaled_column"

    def columns(self, bars):
        return {"cheap": bars.close < MEAN - 0.5 * DEVIATION}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.cheap else hl.flat()


@dataclass
class MadeStop(hl.Strategy):
    """Enters without looking, with a stop just below the lows to come."""

    name = "made_stop"

    def on_bar(self, ctx, bar):
        floor = FLOORS.get(bar.start, np.nan)
        if not ctx.position(bar.symbol).quantity and not ctx.open_orders(bar.symbol) and floor == floor:
            ctx.buy(bar.symbol, 1.0, stop_loss=round(min(floor, bar.close) * 0.999, 2))


@dataclass
class MadeSize(hl.Strategy):
    """Buys at every second bar and sells at the others, more before rises."""

    name = "made_size"

    def on_bar(self, ctx, bar):
        if ctx.position(bar.symbol).quantity:
            ctx.close(bar.symbol)
        else:
            ctx.buy(bar.symbol, 2.0 if NEXT.get(bar.start, 0.0) > 0.0 else 1.0)


@dataclass
class MadeForOne(hl.Strategy):
    """Knows the next bar of ONE, and follows the last one of others."""

    name = "made_for_one"

    def on_bar(self, ctx, bar):
        rises = NEXT.get(bar.start, 0.0) > 0.0 if bar.symbol == "ONE" else bar.close > bar.open
        ctx.target(bar.symbol, float(rises))


@dataclass
class InState(hl.Strategy):
    """Puts what is to come into its state, and reads it there."""

    name = "in_state"

    def on_start(self, ctx):
        ctx.state["closes"] = {str(time): value for time, value in by_time(FRAME["close"]).items()}

    def on_bar(self, ctx, bar):
        ctx.target(bar.symbol, float(ctx.state["closes"].get(str(bar.end), 0.0) > bar.close))


@dataclass
class InDecide(hl.SignalStrategy):
    """Looks the bar up in a table as it decides."""

    name = "in_decide"

    def columns(self, bars):
        return {"time": bars.time, "close": bars.close}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if NEXT.get(int(x.time) * 10**9, 0.0) > 0.0 else hl.flat()


@dataclass
class ReadsSeries(hl.Strategy):
    """Buys before rises by a series of next closes that was made before."""

    name = "reads_series"

    def on_bar(self, ctx, bar):
        if NEXT_SERIES.iloc[len(ctx.state)] > bar.close:
            ctx.state[str(bar.start)] = 1


@dataclass
class ReadsList(hl.Strategy):
    """The same by a list."""

    name = "reads_list"

    def on_bar(self, ctx, bar):
        if NEXT_LIST[len(ctx.state)] > bar.close:
            ctx.state[str(bar.start)] = 1


def write(folder):
    """Write the bars to a file that the two strategies below read when they first need them."""
    global _path, _closes  # as people do
    _path, _closes = folder / "bars.parquet", None
    remembered.cache_clear()
    FRAME.to_parquet(_path)


_path: Any = None
_closes: Any = None


@lru_cache
def remembered():
    return pd.read_parquet(_path)


@dataclass
class Remembered(FromTable):
    """Reads its file through a function that remembers."""

    name = "remembered"

    def signal(self):
        close = remembered()["close"]
        return close.shift(-1) - close


@dataclass
class ReadOnce(FromTable):
    """Reads its file into a global, once."""

    name = "read_once"

    def signal(self):
        global _closes  # noqa: PLW0603  # as people do
        if _closes is None:
            _closes = pd.read_parquet(_path)
        return _closes["close"].shift(-1) - _closes["close"]


class Model:
    """Something made before, of which nobody can tell what it knows."""


MODEL = Model()


@dataclass
class ReadsModel(hl.Strategy):
    """Holds something of a type of its own."""

    name = "reads_model"

    def on_bar(self, ctx, bar):
        ctx.target(bar.symbol, float(MODEL is not None))


@dataclass
class Resting(hl.Strategy):
    """Buys at a limit below each close, which something that it is given knows."""

    name = "resting"
    known: Any = None

    def on_start(self, ctx):
        self.order = None

    def on_bar(self, ctx, bar):
        if self.order is not None and self.order.is_open:
            ctx.cancel(self.order)
        price = self.known(bar)
        if price == price and price > 0.0:
            self.order = ctx.buy(bar.symbol, 1.0, limit=round(price, 2))
