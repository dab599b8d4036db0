"""Bars of a higher timeframe, built from base bars as these close.

Rules:

- A bucket is ``[begin, begin + length)``. Buckets are counted from 1970-01-01 00:00 UTC; whole weeks from a Monday.
- A base bar belongs to the bucket in which it starts.
- A bucket closes at the first base bar that ends at or after the bucket's end. If that base bar starts after the
  bucket's end, it is not part of it: the bucket's last bars were missing.
- The first bucket is dropped unless the first base bar starts exactly where it begins. Later gaps are accepted.
- Nothing is visible of a bucket before it closes.

The functions are plain Python that numba compiles: the batch driver loops over them compiled, the streaming
driver calls them.
"""

from __future__ import annotations

from hookline.errors import ConfigError
from hookline.model import Timeframe, timeframe_ns

__all__ = [
    "EMPTY",
    "Bucket",
    "absorb",
    "bucket_offset",
    "bucket_start",
    "check_multiple",
    "is_complete",
    "is_left",
    "seconds",
]

_DAY = 86_400 * 1_000_000_000
_WEEK = 7 * _DAY

CLOSED, OPEN, DROPPED, NEVER = 0, 1, 2, 3

# Status, begin, open, high, low, close, volume.
Bucket = tuple[int, int, float, float, float, float, float]
EMPTY: Bucket = (NEVER, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


def seconds(ns: int) -> float:
    """Return nanoseconds as seconds. Microseconds fit a double exactly, so the result is the nearest double."""
    return (ns // 1000) / 1e6


def bucket_offset(length: int) -> int:
    """Return how long before 1970-01-01 a bucket of a length began: 3 days for weeks, as that was a Thursday."""
    return 3 * _DAY if length % _WEEK == 0 else 0


def bucket_start(time: int, length: int, offset: int) -> int:
    """Return the begin of the bucket that a time lies in."""
    return (time + offset) // length * length - offset


def is_left(bucket: Bucket, start: int, length: int) -> bool:
    """Return whether a bar that starts then shows the open bucket to be over."""
    return bucket[0] == OPEN and start >= bucket[1] + length


def absorb(
    bucket: Bucket,
    start: int,
    bar: tuple[float, float, float, float, float],
    length: int,
    offset: int,
) -> Bucket:
    """Return the bucket with a base bar (open, high, low, close, volume) in it."""
    first, high, low, close, volume = bar
    begin = bucket_start(start, length, offset)
    status = bucket[0]
    if status != NEVER and begin == bucket[1]:
        high, low = max(bucket[3], high), min(bucket[4], low)
        return status, begin, bucket[2], high, low, close, bucket[6] + volume
    status = DROPPED if status == NEVER and start != begin else OPEN
    return status, begin, first, high, low, close, volume


def is_complete(bucket: Bucket, end: int, length: int) -> bool:
    """Return whether a base bar that ends then, the last one absorbed, closes the bucket."""
    return bucket[0] == OPEN and end >= bucket[1] + length


def shut(bucket: Bucket) -> Bucket:
    """Return the bucket after it was handed out."""
    return CLOSED, bucket[1], bucket[2], bucket[3], bucket[4], bucket[5], bucket[6]


def check_multiple(timeframe: Timeframe, base: Timeframe) -> int:
    """Return the length of a higher timeframe in nanoseconds.

    Raises:
        ConfigError: if it is not a whole multiple of the base timeframe.
    """
    length, step = timeframe_ns(timeframe), timeframe_ns(base)
    if length % step:
        raise ConfigError(
            f"bars.at({timeframe!r}): must be a whole multiple of the bars' timeframe, was on {base!r} bars"
        )
    return length
