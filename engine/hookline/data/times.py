"""Times in files: integers, timestamps and text become int64 nanoseconds UTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hookline.data.arrays import array_of
from hookline.errors import ConfigError, DataError
from hookline.model import Timeframe, timeframe_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TimeUnit", "infer_timeframe", "times_of", "to_utc"]

TimeUnit = Literal["auto", "s", "ms", "us", "ns"]

_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
# Largest value that is taken for each unit: as seconds, 1e11 is the year 5138, and as the next unit the year 1973.
_LARGEST = {"s": 10**11, "ms": 10**14, "us": 10**17}
_SECOND = 10**9


def times_of(
    column: pa.ChunkedArray, unit: TimeUnit, zone: str, where: Callable[[int], str]
) -> NDArray[np.int64]:
    """Return the times of an Arrow column as a fresh array of nanoseconds UTC.

    Args:
        column: Integers, floats, timestamps, dates or ISO 8601 text.
        unit: What integers count; ``auto`` tells by their magnitude (right for all times after March 1973).
        zone: Time zone of text and timestamps that name none.
        where: Gives the address of a row for messages.

    Raises:
        DataError: if a time is missing or cannot be read.
    """
    import pyarrow as pa

    if column.null_count:
        raise DataError(f"{where(_first_null(column))}: a bar needs a time, was empty")
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _numbers_of_text(column)
        kind = column.type
    if pa.types.is_integer(kind):
        return _scaled(array_of(column).astype(np.int64, copy=False), unit, where)
    if pa.types.is_floating(kind):
        return _from_floats(array_of(column), unit, where)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        aware = pa.types.is_timestamp(kind) and kind.tz is not None
        times = _cast(column, pa.timestamp("ns", tz=kind.tz if aware else None), where)
        return times if aware else to_utc(times, zone, where)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(column, zone, where)
    raise DataError(
        f"{where(0)}: a time must be a number, a timestamp or ISO text, was of type {str(kind)!r}"
    )


def to_utc(local: NDArray[np.int64], zone: str, where: Callable[[int], str]) -> NDArray[np.int64]:
    """Return wall-clock times of a zone as times UTC; an hour that happens twice is told apart by the order of rows.

    Raises:
        ConfigError: if there is no such zone.
        DataError: if a time does not exist in the zone or happens twice and the order does not tell which it is.
    """
    if zone.upper() == "UTC":
        return local
    import pandas as pd

    index = pd.DatetimeIndex(local)
    try:
        aware = index.tz_localize(zone, ambiguous="infer", nonexistent="raise")
    except (KeyError, ValueError) as error:
        if type(error).__name__ == "ZoneInfoNotFoundError" or not _is_zone(zone):
            raise ConfigError(f"time_zone: must be a name such as 'America/New_York', was {zone!r}") from None
        raise DataError(f"{where(0)}: times do not fit the time zone {zone!r}: {error}") from None
    return aware.as_unit("ns").asi8.copy()


def infer_timeframe(start: NDArray[np.int64]) -> Timeframe | None:
    """Return the most frequent step between different times, the shorter one of equals; None for fewer than two times."""
    if len(start) < 2:
        return None
    steps = np.diff(start)
    steps = steps[steps > 0] if (steps > 0).mean() > 0.5 else np.diff(np.unique(start))
    if not len(steps):
        return None
    if (steps == steps[0]).all():
        step = int(steps[0])
    else:
        values, counts = np.unique(steps, return_counts=True)
        step = int(values[np.argmax(counts)])
    return timeframe_of(step) if step % _SECOND == 0 else None


def _is_zone(zone: str) -> bool:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _first_null(column: pa.ChunkedArray) -> int:
    return int(np.argmax(column.is_null().to_numpy()))


def _scaled(values: NDArray[np.int64], unit: TimeUnit, where: Callable[[int], str]) -> NDArray[np.int64]:
    return values * _NS[unit if unit != "auto" else _told_unit(values, where)]


def _told_unit(values: NDArray[Any], where: Callable[[int], str]) -> str:
    """Return the unit that the size of times tells; files put together of parts may have two."""
    units = {_magnitude(part): int(row) for row, part in _ends(values)}
    if len(units) > 1:
        (first, _), (other, row) = units.items()
        rule = "times must all count the same, or say it with 'time_unit'"
        raise DataError(
            f"{where(row)}: {rule}, was {values[row].item()!r}, which counts {other} after {first}"
        )
    return next(iter(units), "ns")


def _ends(values: NDArray[Any]) -> list[tuple[int, NDArray[Any]]]:
    """Return the smallest and the largest time with their rows, in the order of the rows."""
    if not len(values):
        return []
    rows = sorted({int(np.argmin(values)), int(np.argmax(values))})
    return [(row, values[row : row + 1]) for row in rows]


def _magnitude(values: NDArray[Any]) -> str:
    largest = float(np.abs(values).max()) if len(values) else 0.0
    return next((unit for unit, limit in _LARGEST.items() if largest < limit), "ns")


def _from_floats(
    values: NDArray[np.float64], unit: TimeUnit, where: Callable[[int], str]
) -> NDArray[np.int64]:
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(f"{where(row)}: a time must be a finite number, was {float(values[row])!r}")
    factor = _NS[unit if unit != "auto" else _told_unit(values, where)]
    # Whole and fractional part apart: a float of seconds times 1e9 would lose the last digits.
    whole = np.floor(values)
    return whole.astype(np.int64) * factor + np.rint((values - whole) * factor).astype(np.int64)


def _numbers_of_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text as integers or floats where all of it is numeric, else unchanged."""
    import pyarrow as pa

    for kind in (pa.int64(), pa.float64()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column


def _from_text(column: pa.ChunkedArray, zone: str, where: Callable[[int], str]) -> NDArray[np.int64]:
    import pyarrow as pa

    try:
        return to_utc(_cast(column, pa.timestamp("ns"), where), zone, where)
    except DataError:
        # Text with a zone ("Z", "+02:00") is refused by the cast to a time without one.
        if not _has_zone(column[0].as_py()):
            raise
        return _cast(column, pa.timestamp("ns", tz="UTC"), where)


def _has_zone(text: str) -> bool:
    clock = text[10:]
    return clock.endswith(("Z", "z")) or "+" in clock or "-" in clock


def _cast(column: pa.ChunkedArray, kind: pa.DataType, where: Callable[[int], str]) -> NDArray[np.int64]:
    import pyarrow as pa

    try:
        return array_of(column.cast(kind).cast(pa.int64()))
    except pa.ArrowInvalid:
        row = _first_refused(column, kind)
        raise DataError(
            f"{where(row)}: a time must be a number or ISO 8601 text, was {column[row].as_py()!r}"
        ) from None


def _first_refused(column: pa.ChunkedArray, kind: pa.DataType) -> int:
    import pyarrow as pa

    low, high = 0, len(column)  # the first refused row is in [low, high)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            column.slice(low, middle - low).cast(kind)
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low
