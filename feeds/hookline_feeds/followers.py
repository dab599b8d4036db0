"""Synthetic prices that follow those of another symbol: pairs, and perpetuals with their basis and funding.

Rules of this file:

- A spread or basis is a log price difference that reverts to its mean: an Ornstein-Uhlenbeck process, seen at discrete times
  as x' = k x + s sqrt(1 - k^2) z with k = 2^(-step / half-life) and s its standard deviation (Uhlenbeck and Ornstein, Physical
  Review 36, 1930; the exact discretisation).
- The basis lives on whole hours of UTC, whatever the timeframe, so that bars of every length and the funding rates tell one
  story. Between hours it is a straight line, with fast noise on each bar that lasts minutes.
- A symbol's spread depends on its place and never on how much of it follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from hookline.params import Doc, Ge, Gt, Le
from hookline_feeds.generator import Floats, Generator, Path, each, scan

__all__ = ["Basis", "Pair", "Perpetual", "follow", "reverting"]

_SECOND = 10**9
_HOUR = 3600 * _SECOND
_NOISE_SHARE, _NOISE_HALF_LIFE = 0.2, 300 * _SECOND  # fast part of the basis
_INTEREST, _DAMPER, _STANDARD_HOURS = 1e-4, 5e-4, 8


@dataclass(frozen=True)
class Pair:
    """Parameters of a symbol that is cointegrated with another one.

    Its log price is ``beta`` times that of the other, each from its start price, plus a spread that begins at 0 and reverts to it.
    """

    of: Annotated[str, Doc("symbol to follow")]
    beta: Annotated[float, Doc("log return for each log return of the other")] = 1.0
    spread_half_life_bars: Annotated[float, Gt(0), Doc("bars; of a tape, seconds")] = 20.0
    spread_volatility: Annotated[float, Ge(0), Le(1), Doc("standard deviation of the spread, fraction")] = (
        0.01
    )
    start_price: Annotated[float | None, Gt(0), Doc("default: that of the feed")] = None


@dataclass(frozen=True)
class Perpetual:
    """Parameters of a perpetual that follows a spot price: a basis that reverts to its mean, and the funding it causes."""

    of: Annotated[str, Doc("symbol of the spot")]
    basis_bps: Annotated[float, Ge(-500), Le(500), Doc("mean of perpetual over spot")] = 5.0
    basis_volatility_bps: Annotated[float, Ge(0), Le(500), Doc("standard deviation")] = 8.0
    basis_half_life_hours: Annotated[float, Gt(0)] = 24.0
    funding_hours: Annotated[int, Ge(1), Le(24), Doc("hours between payments, from 00:00 UTC")] = 8
    funding_limit_bps: Annotated[float, Gt(0), Doc("largest rate either way")] = 75.0


def follow(base: Path, beta: float, shift: float, spread: Floats, innovation: float) -> Path:
    """Return the path of a follower.

    Args:
        base: Path of the symbol to follow.
        beta: Log return for each log return of it.
        shift: Log price of the follower where that of the other is zero and the spread too.
        spread: Spread when the first bar begins, then at the end of each bar; one longer than the path.
        innovation: Standard deviation of what a bar adds to the spread.
    """
    return Path(
        shift + beta * base.before + spread[:-1],
        shift + beta * base.opens + spread[:-1],
        shift + beta * base.closes + spread[1:],
        np.hypot(beta * base.volatility, innovation),
    )


def reverting(
    draws: np.random.Generator, count: int, keep: float, deviation: float, initial: float
) -> Floats:
    """Return ``count`` steps of a process that keeps a share of its distance from 0 at each step, the first being given."""
    shocks = deviation * sqrt(1.0 - keep * keep) * draws.standard_normal(max(count - 1, 0))
    return scan(lambda value, shock: keep * value + shock, each(shocks), initial, count)


@dataclass(frozen=True)
class Basis:
    """Log price of a perpetual over its spot.

    Args:
        habits: Parameters of the perpetual.
        generator: Source of the draws; that of the perpetual's symbol with bars of an hour.
        first: Nanoseconds at which the history of the feed begins.
    """

    habits: Perpetual
    generator: Generator
    first: int

    def at(self, times: NDArray[np.int64]) -> Floats:
        """Return the basis without its fast noise, at rising times."""
        begin = self.first // _HOUR * _HOUR
        hours = self._hours(int(times[-1]))
        places = (times - begin) / _HOUR
        return np.interp(places, np.arange(len(hours)), hours)

    def noisy(self, times: NDArray[np.int64], generator: Generator) -> Floats:
        """Return the basis at the beginning and the ends of bars."""
        keep = 2.0 ** (-generator.duration / _NOISE_HALF_LIFE)
        deviation = _NOISE_SHARE * self.habits.basis_volatility_bps / 1e4
        return self.at(times) + reverting(generator.draws("basis noise"), len(times), keep, deviation, 0.0)

    def innovation(self, duration: int) -> float:
        """Return the standard deviation of what a bar of so many nanoseconds adds to the basis."""
        keep = 2.0 ** (-duration / (self.habits.basis_half_life_hours * _HOUR))
        return self.habits.basis_volatility_bps / 1e4 * sqrt(1.0 - keep * keep)

    def funding(self, until: int) -> tuple[NDArray[np.int64], Floats]:
        """Return the times of the payments after the first moment and before ``until``, and the rates.

        The rate of an interval is F = (P + clamp(I - P, -0.05 %, 0.05 %)) / (8 h / interval), where P is the mean of the basis over
        the interval and I = 0.01 % the interest, and is then limited (Binance, "Introduction to Binance Futures Funding Rates").
        """
        interval = self.habits.funding_hours * _HOUR
        begin = self.first // _HOUR * _HOUR
        times = np.arange(self.first // interval + 1, -(-until // interval), dtype=np.int64) * interval
        if len(times) == 0:
            return times, np.zeros(0)
        total = np.concatenate(([0.0], np.cumsum(self._hours(int(times[-1])))))
        last = (times - begin) // _HOUR
        before = np.maximum(last - self.habits.funding_hours, 0)
        premium = np.expm1((total[last + 1] - total[before + 1]) / (last - before))
        rate = premium + np.clip(_INTEREST - premium, -_DAMPER, _DAMPER)
        limit = self.habits.funding_limit_bps / 1e4
        rate = np.clip(rate * self.habits.funding_hours / _STANDARD_HOURS, -limit, limit)
        return times, np.round(rate, 8)

    def _hours(self, last: int) -> Floats:
        """Return the basis at each hour from the one that holds the first moment to the one after ``last``."""
        count = last // _HOUR - self.first // _HOUR + 2
        keep = 2.0 ** (-1.0 / self.habits.basis_half_life_hours)
        deviation = self.habits.basis_volatility_bps / 1e4
        initial = deviation * float(self.generator.draws("first basis").standard_normal())
        return self.habits.basis_bps / 1e4 + reverting(
            self.generator.draws("basis"), count, keep, deviation, initial
        )
