"""Figures of a whole sample: a number that is one of them was worked out with the future."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries

__all__ = ["SampleNumbers"]

_NEAR = 1e-9  # relative difference of what is the same number
_DIGITS = 7  # of a number that nobody has chosen
_FAR = 6  # half standard deviations from the mean, in which bands are measured


class SampleNumbers:
    """The figures of the bars of some instruments: means and standard deviations, and what lies a few of these from the mean."""

    def __init__(self, bars: Mapping[str, BarSeries]) -> None:
        found = [pair for symbol, series in bars.items() for pair in _figures(symbol, series)]
        found.sort()
        self._numbers = np.array([number for number, _ in found])
        self._names = [name for _, name in found]

    def name_of(self, number: float) -> str:
        """Return of what a number is the figure, nothing if it is of none or is a round one that anybody may have chosen."""
        if not np.isfinite(number) or len(f"{abs(number):.15g}".replace(".", "").strip("0")) < _DIGITS:
            return ""
        spare = abs(number) * _NEAR
        first, last = np.searchsorted(self._numbers, (number - spare, number + spare))
        return self._names[int(first)] if last > first else ""


def _figures(symbol: str, series: BarSeries) -> Iterator[tuple[float, str]]:
    for name in series.COLUMNS:
        values = getattr(series, name)
        yield from _of(values, f"all values of {name} of {symbol}")
        if values.min() > 0.0:
            yield from _of(np.log(values), f"logarithms of all values of {name} of {symbol}")
    close = series.close
    if len(close) > 1 and close.min() > 0.0:
        yield from _of(np.diff(close) / close[:-1], f"all returns of {symbol}")
        yield from _of(np.diff(np.log(close)), f"all logarithmic returns of {symbol}")


def _of(values: NDArray[np.float64], what: str) -> Iterator[tuple[float, str]]:
    mean, middle = float(values.mean()), float(np.median(values))
    yield mean, f"the mean of {what}"
    yield middle, f"the median of {what}"
    for ddof in (0, 1):
        if len(values) > ddof and (deviation := float(values.std(ddof=ddof))) > 0.0:
            yield deviation, f"the standard deviation of {what}"
            for halves in range(-_FAR, _FAR + 1):
                if halves:
                    yield (
                        mean + halves / 2 * deviation,
                        f"{halves / 2:+g} standard deviations from the mean of {what}",
                    )
