"""Random expressions over the whole library and random bars, for hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from columns_data import MONDAY, NS
from hypothesis import strategies as st

from hookline import columns as c
from hookline.columns import Bars, Column, ExternalSeries
from hookline.model import BarSeries

SYMBOL = "X"


@dataclass
class Drawn:
    """What a random expression is made of."""

    draw: Callable[[st.SearchStrategy], object]
    values: list[Column]
    flags: list[Column] = field(default_factory=list)

    def bars(self) -> Bars:
        return self.draw(st.sampled_from([Bars(SYMBOL, timeframe) for timeframe in (None, "3m", "10m")]))

    def value(self) -> Column:
        return self.draw(st.sampled_from(self.values))

    def operand(self) -> Column | float:
        return self.draw(st.one_of(st.sampled_from(self.values), st.sampled_from([0, 1, -2.5, 50])))

    def flag(self) -> Column:
        return self.draw(st.sampled_from(self.flags)) if self.flags else self.value() > self.operand()

    def n(self, least: int = 1) -> int:
        return self.draw(st.integers(least, least + 4))

    def share(self) -> float:
        return self.draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))


def _vwap(d: Drawn) -> list[Column]:
    result = c.vwap(d.bars(), d.draw(st.sampled_from(["5m", "1h", "1w"])), (d.share(),))
    return [result.line, result.deviation, *result.upper, *result.lower]


# Every public function that makes columns, by name.
MAKERS: dict[str, Callable[[Drawn], Sequence[Column]]] = {
    "absolute": lambda d: [c.absolute(d.value())],
    "adx": lambda d: [c.adx(d.bars(), d.n(2))],
    "atr": lambda d: [c.atr(d.bars(), d.n())],
    "bars_since": lambda d: [c.bars_since(d.flag())],
    "bollinger": lambda d: c.bollinger(d.value(), d.n(), d.share()),
    "change": lambda d: [c.change(d.value(), d.n())],
    "clip": lambda d: [c.clip(d.value(), d.operand(), d.operand())],
    "correlation": lambda d: [c.correlation(d.value(), d.value(), d.n(2))],
    "crossed_above": lambda d: [c.crossed_above(d.value(), d.operand())],
    "crossed_below": lambda d: [c.crossed_below(d.value(), d.operand())],
    "dmi": lambda d: c.dmi(d.bars(), d.n(2)),
    "donchian": lambda d: c.donchian(d.bars(), d.n()),
    "ema": lambda d: [c.ema(d.value(), d.n())],
    "equals": lambda d: [c.equals(d.value(), d.operand())],
    "external": lambda d: [c.external("funding"), d.bars().external("funding")],
    "fill": lambda d: [c.fill(d.value(), d.operand()), c.fill(d.flag(), 0)],
    "highest": lambda d: [c.highest(d.value(), d.n())],
    "ichimoku": lambda d: c.ichimoku(d.bars(), d.n(), d.n(), d.n(), d.n(0)),
    "is_nan": lambda d: [c.is_nan(d.value())],
    "keltner": lambda d: c.keltner(d.bars(), d.n(), d.share(), d.n()),
    "linreg_slope": lambda d: [c.linreg_slope(d.value(), d.n(2))],
    "log": lambda d: [c.log(d.value())],
    "lowest": lambda d: [c.lowest(d.value(), d.n())],
    "macd": lambda d: c.macd(d.value(), d.n(), d.n(6), d.n()),
    "maximum": lambda d: [c.maximum(d.value(), d.operand())],
    "median": lambda d: [c.median(d.value(), d.n())],
    "minimum": lambda d: [c.minimum(d.operand(), d.value())],
    "obv": lambda d: [c.obv(d.bars())],
    "ols": lambda d: c.ols(d.value(), d.value(), d.n(2)),
    "pivot_high": lambda d: c.pivot_high(d.value(), d.n()),
    "pivot_low": lambda d: c.pivot_low(d.value(), d.n()),
    "quantile": lambda d: [c.quantile(d.value(), d.n(), d.share())],
    "rma": lambda d: [c.rma(d.value(), d.n())],
    "roc": lambda d: [c.roc(d.value(), d.n())],
    "rolling_sum": lambda d: [c.rolling_sum(d.value(), d.n())],
    "rsi": lambda d: [c.rsi(d.value(), d.n())],
    "sma": lambda d: [c.sma(d.value(), d.n())],
    "sqrt": lambda d: [c.sqrt(d.value())],
    "std": lambda d: [c.std(d.value(), d.n(2)), c.std(d.value(), d.n(), 0)],
    "stoch_rsi": lambda d: c.stoch_rsi(d.value(), d.n(), d.n(), d.n(), d.n()),
    "stochastic": lambda d: c.stochastic(d.bars(), d.n(), d.n(), d.n()),
    "supertrend": lambda d: c.supertrend(d.bars(), d.n(), d.share()),
    "true_range": lambda d: [c.true_range(d.bars())],
    "value_when": lambda d: [c.value_when(d.flag(), d.value(), d.n(0))],
    "variance": lambda d: [c.variance(d.value(), d.n(2))],
    "vwap": _vwap,
    "where": lambda d: [c.where(d.flag(), d.operand(), d.value())],
    "wma": lambda d: [c.wma(d.value(), d.n())],
    "zigzag": lambda d: c.zigzag(d.bars(), d.draw(st.sampled_from([0.002, 0.01, 0.03]))),
    "zscore": lambda d: [c.zscore(d.value(), d.n(2))],
}
# The operators, which have no public name.
OPERATORS: dict[str, Callable[[Drawn], Sequence[Column]]] = {
    "+": lambda d: [d.value() + d.operand(), d.operand() + d.value()],
    "-": lambda d: [d.value() - d.operand(), d.operand() - d.value()],
    "*": lambda d: [d.value() * d.operand(), d.operand() * d.value()],
    "/": lambda d: [d.value() / d.operand(), d.operand() / d.value()],
    "unary": lambda d: [-d.value(), abs(d.value())],
    ">": lambda d: [d.value() > d.operand(), d.operand() > d.value()],
    ">=": lambda d: [d.value() >= d.operand()],
    "<": lambda d: [d.value() < d.operand()],
    "<=": lambda d: [d.value() <= d.operand()],
    "&": lambda d: [d.flag() & d.flag()],
    "|": lambda d: [d.flag() | d.flag()],
    "~": lambda d: [~d.flag()],
    "shift": lambda d: [d.value().shift(d.n(0)), d.flag().shift(d.n(0))],
}


def _leaves() -> list[Column]:
    base, higher = Bars(SYMBOL), Bars(SYMBOL).at("3m")
    return [base.close, base.high, base.volume, base.time - MONDAY, higher.close, higher.hlc3, base.hl2]


@st.composite
def graphs(draw: st.DrawFn, name: str | None = None) -> list[Column]:
    """Columns that build on one another; the first one made uses the named function."""
    d = Drawn(draw, _leaves())
    everything = [*MAKERS, *OPERATORS]
    names = [name] if name else []
    names += draw(st.lists(st.sampled_from(everything), min_size=0 if name else 3, max_size=2 if name else 9))
    made: list[Column] = []
    for each in names:
        fresh = list((MAKERS | OPERATORS)[each](d))
        made += fresh
        d.values += fresh
        d.flags += [column for column in fresh if column.is_flag]
    return made


@st.composite
def series(draw: st.DrawFn, most: int = 150) -> BarSeries:
    """Minute bars on a coarse price grid: flat stretches, missing bars, no volume and jumps all happen.

    Size and seed are drawn and the rest follows from the seed, because lists that hypothesis draws stay short.
    """
    size, rng = draw(st.integers(1, most)), np.random.default_rng(draw(st.integers(0, 2**32)))
    is_still = np.repeat(rng.random(size // 10 + 1) < 0.3, 10)[:size]
    steps = np.where(is_still, 0, rng.choice([0, 0, 1, -1, 2, -3, 20, -20], size))
    up, down = (np.where(is_still, 0, rng.choice([0, 0, 1, 4], size)) for _ in range(2))
    volume = rng.choice([0.0, 1.0, 2.5], size)
    gaps = rng.choice([1, 2, 3, 11, 700, 11_000], size, p=[0.85, 0.05, 0.04, 0.04, 0.01, 0.01])
    close = 50.0 + np.cumsum(steps) * 0.1
    opening = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(opening, close) + up * 0.1, np.minimum(opening, close) - down * 0.1
    minute = draw(st.integers(0, 12)) + np.cumsum(gaps)
    return BarSeries(SYMBOL, "1m", (MONDAY + minute * 60) * NS, opening, high, low, close, volume)


@st.composite
def externals(draw: st.DrawFn) -> dict[str, ExternalSeries]:
    """One external series with times on and off the bars' ends."""
    steps = draw(st.lists(st.sampled_from([1, 29, 30, 60, 301, 9000]), min_size=3, max_size=12))
    time = (MONDAY + 60 + np.cumsum(np.array(steps, dtype=np.int64))) * NS
    value = [draw(st.sampled_from([0.0, 0.5, -1.0, float("nan")])) for _ in steps]
    return {"funding": ExternalSeries(time, np.array(value, dtype=float))}
