"""Prices and positions as people have them, brought into one shape: a row for each bar, a column for each instrument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline.errors import DataError
from hookline.model import BarSeries, timeframe_ns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Prices", "bars_per_year_of", "read_positions", "read_prices", "year_of"]

Floats = NDArray[np.float64]
DAYS = 365.0
YEAR_NS = 365 * 86_400 * 10**9
_OHLC = frozenset(BarSeries.PRICES)


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of instruments on a common time axis.

    Attributes:
        symbols: Names of the columns.
        close: Closes, NaN before an instrument's first bar.
        open: Opens, None where only closes were given.
        index: pandas index of the rows as they were given, None for plain arrays.
        is_flat: Whether there was one instrument, given without a dimension of its own.
    """

    symbols: tuple[str, ...]
    close: Floats
    open: Floats | None
    index: pd.Index | None
    is_flat: bool

    def __len__(self) -> int:
        return len(self.close)

    def time(self, bars_per_year: float | None = None) -> tuple[NDArray[np.int64], int]:
        """Return the ends of the bars, nanoseconds UTC, and the start of the first; of bars without times, days."""
        start = _times(self.index)
        if start is None or bars_per_year is not None:
            step = round(YEAR_NS / (bars_per_year or DAYS))
            return step * np.arange(1, len(self) + 1), 0
        return start + _step(start), int(start[0])


def read_prices(given: Any) -> Prices:
    """Return the prices of what a user has.

    Args:
        given: A ``BarSeries``, a frame with columns open, high, low and close, or a mapping of symbols to those; or closes alone: a
            Series, a frame with a column for each instrument, or an array of one or two dimensions.

    Raises:
        DataError: if a price is missing after the first, or is not above zero.
    """
    import pandas as pd

    if isinstance(given, BarSeries | Mapping) or (
        isinstance(given, pd.DataFrame) and {str(name).lower() for name in given.columns} >= _OHLC
    ):
        return _of_bars(given)
    index = given.index if isinstance(given, pd.Series | pd.DataFrame) else None
    close = np.array(given, dtype=np.float64)
    if close.ndim not in (1, 2) or not len(close):
        raise DataError(f"prices: must have one or two dimensions and a row, had the shape {close.shape}")
    is_flat = close.ndim == 1
    close = close.reshape(len(close), -1)
    if isinstance(given, pd.DataFrame):
        symbols = tuple(map(str, given.columns))
    elif isinstance(given, pd.Series) and given.name is not None:
        symbols = (str(given.name),)
    else:
        symbols = tuple(f"asset{number}" for number in range(close.shape[1]))
    _check(close, symbols)
    return Prices(symbols, close, None, index, is_flat)


def _of_bars(given: Any) -> Prices:
    import pandas as pd

    from hookline.api import series_of

    series = series_of(given)
    start = np.unique(np.concatenate([one.start for one in series.values()]))
    close, opens = np.full((2, len(start), len(series)), np.nan)
    for column, one in enumerate(series.values()):
        rows = np.searchsorted(start, one.start)
        close[rows, column], opens[rows, column] = one.close, one.open
    symbols = tuple(series)
    _check(close, symbols)
    is_frame = isinstance(given, pd.DataFrame) and len(given) == len(start)
    index = given.index if is_frame else pd.to_datetime(start, utc=True)
    return Prices(symbols, close, opens, index, not isinstance(given, Mapping))


def _check(close: Floats, symbols: tuple[str, ...]) -> None:
    """Refuse prices that a share of equity cannot be bought at."""
    for column, symbol in enumerate(symbols):
        known = np.isfinite(close[:, column])
        first = int(np.argmax(known)) if known.any() else len(known)
        wrong = ~(close[first:, column] > 0.0) | ~known[first:]
        if first == len(known) or wrong.any():
            row = first + int(np.argmax(wrong)) if first < len(known) else 0
            raise DataError(
                f"prices: {symbol}: must be above zero from the first one on, row {row} was {float(close[row, column])!r}"
            )


def read_positions(given: Any, prices: Prices) -> Floats:
    """Return positions, a row for each bar and a column for each instrument; NaN leaves what is held as it is.

    A Series or frame may have fewer rows than there are bars: on the others nothing is traded.

    Raises:
        DataError: if rows or instruments have no prices, or shapes differ.
    """
    import pandas as pd

    shape = prices.close.shape
    if isinstance(given, pd.Series | pd.DataFrame) and prices.index is not None:
        return _aligned(given, prices)
    found = np.array(given, dtype=np.float64)
    if found.ndim == 1 and shape[1] == 1:
        found = found[:, None]
    if found.shape != shape:
        raise DataError(f"positions: must have the shape of the prices {shape}, had {found.shape}")
    return _without_infinity(found)


def _aligned(given: pd.Series[float] | pd.DataFrame, prices: Prices) -> Floats:
    import pandas as pd

    frame = given.to_frame() if isinstance(given, pd.Series) else given
    columns = [str(name) for name in frame.columns]
    if len(prices.symbols) == 1 and len(columns) == 1:
        columns = list(prices.symbols)
    if sorted(columns) != sorted(prices.symbols):
        raise DataError(f"positions: must be of {', '.join(prices.symbols)}, were of {', '.join(columns)}")
    rows = pd.Index(_labels(prices.index)).get_indexer(pd.Index(_labels(frame.index)))
    if (rows < 0).any():
        raise DataError(f"positions: there is no price at {frame.index[int(np.argmax(rows < 0))]}")
    found = np.full(prices.close.shape, np.nan)
    order = [columns.index(symbol) for symbol in prices.symbols]
    found[rows] = frame.to_numpy(dtype=np.float64)[:, order]
    return _without_infinity(found)


def _without_infinity(found: Floats) -> Floats:
    if np.isinf(found).any():
        raise DataError(
            f"positions: must be finite or NaN, row {int(np.argmax(np.isinf(found).any(axis=1)))} was not"
        )
    return found


def _labels(index: Any) -> Any:
    """Return what rows are told apart by: moments where they are moments, whatever zone they are written in."""
    times = _times(index)
    return index if times is None else times


def _times(index: Any) -> NDArray[np.int64] | None:
    import pandas as pd

    if not isinstance(index, pd.DatetimeIndex):
        return None
    times: NDArray[np.int64] = index.as_unit("ns").asi8
    return times


def _step(start: NDArray[np.int64]) -> int:
    from hookline.data.times import infer_timeframe

    timeframe = infer_timeframe(start)
    return (
        int(np.diff(start).min()) if timeframe is None and len(start) > 1 else timeframe_ns(timeframe or "1d")
    )


def bars_per_year_of(given: Any) -> float | None:
    """Return how many bars a year of 365 days has by the times of a Series or frame, None where there are none."""
    start = _times(getattr(given, "index", None))
    if start is None or len(start) < 2:
        return None
    return year_of(start)


def year_of(start: NDArray[np.int64]) -> float:
    """Return how many bars a year of 365 days has, given when they start: bars by the whole period, gaps included."""
    return len(start) * YEAR_NS / (int(start[-1]) - int(start[0]) + _step(start))
