"""Bar lengths such as ``1m``, ``4h`` or ``1d``."""

from __future__ import annotations

import re

__all__ = ["Timeframe", "timeframe_ns", "timeframe_of"]

Timeframe = str

_SECOND = 1_000_000_000
_UNITS = {
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
    "d": 86_400 * _SECOND,
    "w": 7 * 86_400 * _SECOND,
}
_LONGEST = 3660 * _UNITS["d"]
_PATTERN = re.compile(r"([1-9]\d*)([smhdw])")


def timeframe_ns(timeframe: Timeframe) -> int:
    """Return the length of a timeframe in nanoseconds.

    >>> timeframe_ns("4h") // 10**9
    14400

    Raises:
        ValueError: if the text is not a count followed by s, m, h, d or w, or is longer than ten years.
    """
    match = _PATTERN.fullmatch(timeframe)
    if match is None:
        raise ValueError(
            f"a timeframe is a count and one of s m h d w, such as '15m' or '4h', was {timeframe!r}"
        )
    length = int(match[1]) * _UNITS[match[2]]
    if length > _LONGEST:
        raise ValueError(f"a timeframe is ten years at most, was {timeframe!r}")
    return length


def timeframe_of(ns: int) -> Timeframe:
    """Return the shortest name of a length in nanoseconds.

    >>> timeframe_of(3600 * 10**9), timeframe_of(90 * 60 * 10**9)
    ('1h', '90m')

    Raises:
        ValueError: if the length is not a positive whole number of seconds.
    """
    if ns <= 0 or ns % _SECOND:
        raise ValueError(f"a timeframe is a positive whole number of seconds, was {ns / _SECOND} s")
    unit = max((u for u in _UNITS if ns % _UNITS[u] == 0), key=lambda u: _UNITS[u])
    return f"{ns // _UNITS[unit]}{unit}"
