"""pandas frames of bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hookline.data.layout import find_layout
from hookline.data.raw import RawBars
from hookline.data.times import infer_timeframe
from hookline.errors import DataError
from hookline.model import BarSeries, Timeframe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_frame"]

_INDEX = "time"


def read_frame(
    frame: pd.DataFrame,
    symbol: str,
    *,
    columns: Mapping[str, str] | None = None,
    timeframe: Timeframe | None = None,
    default_timeframe: Timeframe = "1m",
) -> RawBars:
    """Return a frame's bars: indexed by start (a DatetimeIndex, UTC where it names no zone), columns in any case.

    Raises:
        DataError: if the index is not one of times, a column is missing or not numeric, or there are no rows.
    """
    import pandas as pd

    source = f"frame of {symbol}"
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{source}: must be a pandas DataFrame, was {type(frame).__name__}")
    if not isinstance(frame.index, pd.DatetimeIndex):
        raise DataError(
            f"{source}: must be indexed by time (DatetimeIndex), was {type(frame.index).__name__}"
        )
    if len(frame) == 0:
        raise DataError(f"{source}: has no rows")
    if frame.index.hasnans:
        raise DataError(f"{source}: row {int(np.argmax(frame.index.isna()))}: a bar needs a time, was empty")
    names = [str(name) for name in frame.columns]
    layout = find_layout([_INDEX, *names], source, columns, time_column=_INDEX)
    start = frame.index.as_unit("ns").asi8
    found = {name: getattr(layout, name) for name in BarSeries.COLUMNS}
    values: dict[str, Any] = {}
    for name, column in found.items():
        if column is None:
            values[name] = np.zeros(len(start))
            continue
        try:
            values[name] = frame.iloc[:, names.index(column)].to_numpy(
                dtype=np.float64, na_value=np.nan, copy=True
            )
        except (TypeError, ValueError) as error:
            raise DataError(f"{source}: column {column!r} must hold numbers: {error}") from None
    stored = timeframe or infer_timeframe(start) or default_timeframe
    return RawBars(source, symbol, stored, start.copy(), **values)
