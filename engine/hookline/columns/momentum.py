"""Momentum: change, ROC, RSI, MACD, stochastics.

Sources: RSI from Wilder, New Concepts in Technical Trading Systems (1978); MACD from Appel; stochastics from Lane.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeVar

from hookline.columns.averages import ema, sma
from hookline.columns.bars import Bars
from hookline.columns.checks import period
from hookline.columns.column import Column, apply
from hookline.columns.op import Op, stateless
from hookline.columns.windows import highest, lowest

__all__ = ["Macd", "Stochastic", "change", "macd", "roc", "rsi", "stoch_rsi", "stochastic"]

State = TypeVar("State")
# Changes counted, value before, averages (totals until ready) of gains and of losses.
Strength = tuple[int, float, float, float]


def change(column: Column, n: int = 1) -> Column:
    """Return the value less that of n bars ago (TA-Lib MOM)."""
    return column - column.shift(period("change", n))


def roc(column: Column, n: int) -> Column:
    """Return the change over n bars in percent of the value n bars ago (TA-Lib ROC)."""
    return (column / column.shift(period("roc", n)) - 1) * 100


def rsi_init(_n: int) -> Strength:
    """Return a state without a value before."""
    return 0, math.nan, 0.0, 0.0


def rsi_step(state: Strength, x: float, n: int) -> tuple[Strength, float]:
    """Return the share of gains in all movement, averaged by Wilder's method."""
    count, before, gains, losses = state
    if not math.isfinite(x):
        return state, math.nan
    if math.isnan(before):
        return (0, x, 0.0, 0.0), math.nan
    gain, loss = max(x - before, 0.0), max(before - x, 0.0)
    if count < n:
        count += 1
        gains += gain
        losses += loss
        if count < n:
            return (count, x, gains, losses), math.nan
        gains, losses = gains / n, losses / n
    else:
        gains += (gain - gains) / n
        losses += (loss - losses) / n
    moved = gains + losses
    return (count, x, gains, losses), 100.0 * gains / moved if moved > 0.0 else 50.0


RSI = Op("rsi", rsi_init, rsi_step)


def rsi(column: Column, n: int = 14) -> Column:
    """Return Wilder's relative strength index over n bars, between 0 and 100 (TA-Lib RSI), first ready on bar n + 1.

    Without any movement it is 50, neither strong nor weak; TA-Lib says 0.
    """
    return apply(RSI, column, params=(period("rsi", n),))


class Macd(NamedTuple):
    """Difference of two averages, its own average, and the distance between these two."""

    line: Column
    signal: Column
    histogram: Column


def macd(column: Column, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Return the fast less the slow exponential average, its exponential average, and the difference of both.

    Both averages are :func:`ema`, each seeded by its own first values. TA-Lib MACD seeds the fast one later, when
    the slow one begins; the difference fades by a factor of (fast - 1) / (fast + 1) each bar.

    Raises:
        ValueError: if fast is not below slow.
    """
    if not period("macd: fast", fast) < period("macd: slow", slow):
        raise ValueError(f"macd: fast must be below slow, was {fast!r} and {slow!r}")
    line = ema(column, fast) - ema(column, slow)
    average = ema(line, signal)
    return Macd(line, average, line - average)


def location_step(state: State, x: float, low: float, high: float) -> tuple[State, float]:
    """Return where x lies between low and high, in percent."""
    if math.isnan(x) or math.isnan(low) or math.isnan(high):
        return state, math.nan
    return state, 100.0 * (x - low) / (high - low) if high > low else 50.0


LOCATION = Op("location", stateless, location_step)


class Stochastic(NamedTuple):
    """%K and its average %D, between 0 and 100."""

    k: Column
    d: Column


def stochastic(bars: Bars, n: int = 14, k: int = 3, d: int = 3) -> Stochastic:
    """Return where the close lies in the range of n bars, averaged over k bars (%K) and again over d bars (%D).

    All averages are simple (TA-Lib STOCH; with k = 1 it is STOCHF). Where the range is nothing, 50; TA-Lib says 0.
    """
    raw = apply(LOCATION, bars.close, lowest(bars.low, n), highest(bars.high, n))
    smoothed = sma(raw, k) if period("stochastic: k", k) > 1 else raw
    return Stochastic(smoothed, sma(smoothed, d))


def stoch_rsi(column: Column, n: int = 14, stoch: int = 14, k: int = 3, d: int = 3) -> Stochastic:
    """Return where the RSI over n bars lies in its own range of the last ``stoch`` bars.

    Averaged as in :func:`stochastic`. With k = 1 it is TA-Lib STOCHRSI with simple averages.
    """
    strength = rsi(column, n)
    raw = apply(LOCATION, strength, lowest(strength, stoch), highest(strength, stoch))
    smoothed = sma(raw, k) if period("stoch_rsi: k", k) > 1 else raw
    return Stochastic(smoothed, sma(smoothed, d))
