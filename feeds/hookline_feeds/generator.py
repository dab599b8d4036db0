"""The arithmetic of synthetic bars; ``SyntheticFeed`` says what is modelled.

Rules of this file:

- Each kind of draw has its own stream of random numbers and takes the same number of draws for every bar, in the order of
  the bars. Recurrences only look back. So more bars never change earlier ones.
- Prices and volumes are rounded to a grid at the end, which hides differences in the last bit between machines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Generator", "Habits", "Path", "each", "on_grid", "scan"]

Floats = NDArray[np.float64]

_SECOND = 10**9
_DAY = 86_400 * _SECOND
_YEAR = 365 * _DAY
_BLOCK = 65_536  # bars whose inner paths are held in memory at once
_STEPS = 8  # of the path inside a bar
_SHOCK, _MEMORY = 0.08, 0.90  # GARCH(1, 1) weights of the last squared shock and the last variance
_RANGE_SHARE, _UP_SHARE = 0.5, 0.25
_PULL = 10.0  # of a range, per regime length
_HALF_LIFE = 2.0  # years
_LARGEST_MOVE = 1.0  # log return of one bar


@dataclass(frozen=True)
class Habits:
    """Parameters of the model, as documented for ``SyntheticFeed``."""

    start_price: float
    tick_size: Decimal
    annual_volatility: float
    regime_bars: int
    trend_strength: float
    jumps_per_year: float
    jump_size: float
    mean_volume: float


@dataclass(frozen=True)
class Path:
    """Where each bar begins and ends: arrays of equal length.

    Args:
        before: Log price at the end of the bar before.
        opens: Log price of the open, after a jump.
        closes: Log price of the close.
        volatility: Standard deviation of the bar's log return.
    """

    before: Floats
    opens: Floats
    closes: Floats
    volatility: Floats


@dataclass(frozen=True)
class Generator:
    """Bars of one symbol and timeframe.

    Args:
        habits: Parameters of the model.
        duration: Length of a bar in nanoseconds.
        seed: Non-negative integers; those and the duration decide every draw.
    """

    habits: Habits
    duration: int
    seed: tuple[int, ...]

    def path(self, start: NDArray[np.int64]) -> Path:
        """Return beginning and end of the bars with the given starts, from the first bar on."""
        shocks = self.draws("shocks").standard_normal(len(start))
        volatility = self._volatility(shocks, self._profile(start))
        moves = self._moves(shocks, volatility)
        jumps = self._jumps(len(start))
        closes = self._log_prices(moves + jumps)
        before = np.concatenate(([log(self.habits.start_price)], closes[:-1]))
        opens = before + jumps + 0.03 * volatility * self.draws("opens").standard_normal(len(start))
        return Path(before, opens, closes, volatility)

    def columns(
        self, start: NDArray[np.int64], path: Path, shift: tuple[Floats, Floats] | None = None
    ) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return open, high, low, close and volume of the bars of a path.

        Args:
            start: Starts of the bars, from the first one on.
            path: Their beginnings and ends, from ``path()`` or made from another's.
            shift: What to add to the log prices at the begin and at the end of each bar.
        """
        opens, closes = path.opens, path.closes
        highs, lows = self._extremes(opens, closes, path.volatility)
        if shift is not None:
            highs, lows = highs + np.maximum(*shift), lows + np.minimum(*shift)
            opens, closes = opens + shift[0], closes + shift[1]
        volume = self._volume(np.abs(path.closes - path.before), path.volatility, self._profile(start))
        tick = self.habits.tick_size
        opens, highs, lows, closes = (
            on_grid(np.exp(one) / float(tick), tick) for one in (opens, highs, lows, closes)
        )
        return opens, highs, lows, closes, volume

    def draws(self, purpose: str) -> np.random.Generator:
        """Return the stream of random numbers of a purpose, from its beginning."""
        words = (*self.seed, self.duration // _SECOND, int.from_bytes(purpose.encode()))
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))

    @property
    def _bar_volatility(self) -> float:
        return self.habits.annual_volatility * sqrt(self.duration / _YEAR)

    def _profile(self, start: NDArray[np.int64]) -> Floats:
        """Return the activity by the time of day: mean 1, highest at 14:00 UTC, lowest at 02:00; 1 for daily bars."""
        if self.duration >= _DAY:
            return np.ones(len(start))
        day_share = ((start + self.duration // 2) % _DAY) / _DAY
        return 1.0 + 0.4 * np.cos(2 * np.pi * (day_share - 14 / 24))

    def _volatility(self, shocks: Floats, profile: Floats) -> Floats:
        """Return the standard deviation of each bar's log return: GARCH(1, 1) in units of its mean, times the profile."""
        factors = _MEMORY + _SHOCK * shocks[:-1] ** 2
        variance = scan(
            lambda value, factor: (1 - _SHOCK - _MEMORY) + factor * value, each(factors), 1.0, len(shocks)
        )
        return self._bar_volatility * np.sqrt(np.minimum(variance, 100.0) * profile)

    def _moves(self, shocks: Floats, volatility: Floats) -> Floats:
        """Return log returns of trends and ranges."""
        count = len(shocks)
        draws = self.draws("regimes")
        uniforms = draws.random((count, 2))
        begins = uniforms[:, 0] < 1 / self.habits.regime_bars
        begins[0] = True
        latest = np.maximum.accumulate(np.where(begins, np.arange(count), 0))
        kind = uniforms[latest, 1]
        is_range = kind < _RANGE_SHARE
        sign = np.where(is_range, 0.0, np.where(kind < _RANGE_SHARE + _UP_SHARE, 1.0, -1.0))
        drift = sign * self.habits.trend_strength * self._bar_volatility / sqrt(self.habits.regime_bars)
        keep = np.where(begins, 0.0, np.where(is_range, 1.0 - min(0.5, _PULL / self.habits.regime_bars), 1.0))
        steps = np.clip(drift + volatility * shocks, -_LARGEST_MOVE, _LARGEST_MOVE)
        # Distance from where the regime began; a new regime begins at 0.
        distance = scan(
            lambda value, pair: pair[0] * value + pair[1],
            zip(each(keep), each(steps), strict=True),
            None,
            count,
        )
        moves = np.diff(distance, prepend=0.0)
        moves[begins] = distance[begins]
        return moves

    def _jumps(self, count: int) -> Floats:
        chance = self.habits.jumps_per_year * self.duration / _YEAR
        happens = self.draws("jumps").random(count) < 1.0 - np.exp(-chance)
        sizes = self.draws("jump sizes").standard_normal(count)
        return np.where(happens, np.clip(self.habits.jump_size * sizes, -_LARGEST_MOVE, _LARGEST_MOVE), 0.0)

    def _log_prices(self, returns: Floats) -> Floats:
        """Return log prices at the bars' ends, pulled slowly towards the start."""
        keep = 1.0 - min(1.0, log(2.0) * self.duration / (_HALF_LIFE * _YEAR))
        distance = scan(lambda value, step: keep * value + step, each(returns), None, len(returns))
        return log(self.habits.start_price) + distance

    def _extremes(self, opens: Floats, closes: Floats, volatility: Floats) -> tuple[Floats, Floats]:
        """Return log highs and lows: those of a random path that is bent to end at the close."""
        highs, lows = np.maximum(opens, closes), np.minimum(opens, closes)
        draws = self.draws("paths")
        share = np.arange(1, _STEPS) / _STEPS
        for begin in range(0, len(opens), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            path = draws.standard_normal((len(opens[rows]), _STEPS)).cumsum(axis=1)
            bridge = (path[:, :-1] - share * path[:, -1:]) * (volatility[rows, None] / sqrt(_STEPS))
            inner = opens[rows, None] + share * (closes - opens)[rows, None] + bridge
            np.maximum(highs[rows], inner.max(axis=1), out=highs[rows])
            np.minimum(lows[rows], inner.min(axis=1), out=lows[rows])
        return highs, lows

    def _volume(self, moves: Floats, volatility: Floats, profile: Floats) -> Floats:
        minutes = self.duration / (60 * _SECOND)
        liveliness = np.sqrt(volatility / self._bar_volatility) * (0.5 + moves / volatility / 1.6)
        noise = np.exp(0.4 * self.draws("volume").standard_normal(len(moves)) - 0.08)
        return np.round(self.habits.mean_volume * minutes * profile * liveliness * noise, 3)


def on_grid(ticks: Floats, tick: Decimal) -> Floats:
    """Return the prices nearest to numbers of ticks: floats nearest to multiples of the tick size, one tick at least."""
    steps = np.maximum(np.rint(ticks), 1.0)
    inverse = 1 / tick
    # n / 100 is the float nearest to the decimal price; n * 0.01 often is not.
    return steps / float(inverse) if inverse == inverse.to_integral_value() else steps * float(tick)


def each(values: Floats) -> Iterable[float]:
    """Yield Python floats without making a list of all of them."""
    return memoryview(np.ascontiguousarray(values).data).cast("B").cast("d")


def scan(step: Callable[..., float], inputs: Iterable[object], initial: float | None, count: int) -> Floats:
    """Return the running value of a recurrence.

    With an ``initial`` value that is the first of ``count``; without, the recurrence begins from 0 before the first.
    """
    running = accumulate(inputs, step, initial=0.0 if initial is None else initial)
    if initial is None:
        next(running)
    return np.fromiter(running, np.float64, count)
