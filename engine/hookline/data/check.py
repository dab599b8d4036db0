"""What is wrong with bars: everything at once, not only the first thing.

Works on columns as a file holds them, since a ``BarSeries`` cannot be made from bars that are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.data.raw import RawBars
from hookline.data.resample import bucket_start
from hookline.data.ticks import infer_tick_size
from hookline.model import BarSeries, Timeframe, timeframe_ns

__all__ = ["CheckReport", "Finding", "FindingKind", "Gap", "check"]

_SHOWN = 5

FindingKind = Literal[
    "not_finite",
    "high_low",
    "negative_volume",
    "non_positive",
    "out_of_order",
    "duplicate",
    "overlap",
    "off_grid",
    "gap",
]


@dataclass(frozen=True)
class Finding:
    """One kind of problem: how many bars have it, what should hold, and the first bars with what was found there."""

    kind: FindingKind
    count: int
    rule: str
    first: tuple[str, ...]


@dataclass(frozen=True)
class Gap:
    """Bars that are missing: from the time of the first one to that of the next bar there is, nanoseconds UTC."""

    start: int
    end: int
    missing: int


@dataclass(frozen=True)
class CheckReport:
    """What there is to say about some bars.

    ``first`` and ``last`` are the starts of the earliest and the latest bar. ``largest_move`` is the largest absolute log
    return from one close to the next, at ``largest_move_time``; None where no two prices in a row are positive.
    """

    source: str
    symbol: str
    timeframe: Timeframe
    bars: int
    first: int
    last: int
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    zero_volume: int
    largest_move: float | None
    largest_move_time: int | None
    tick_size: Decimal

    @property
    def missing(self) -> int:
        """Number of bars that are missing in gaps."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def longest_gap(self) -> Gap | None:
        """The gap with the most missing bars, the earliest of equals."""
        return max(self.gaps, key=lambda gap: gap.missing, default=None)

    def problems(self, allowed: frozenset[str] = frozenset()) -> list[Finding]:
        """Return the findings that are not of an allowed kind."""
        return [finding for finding in self.findings if finding.kind not in allowed]


def check(bars: BarSeries | RawBars) -> CheckReport:
    """Look for everything that can be wrong with bars; at least one bar is needed."""
    raw = bars if isinstance(bars, RawBars) else _raw(bars)
    gaps = _gaps(raw)
    findings = [
        _finding(raw, kind, rule, mask, show) for kind, rule, mask, show in _row_checks(raw) if mask.any()
    ]
    if gaps:
        shown = tuple(
            f"{gap.missing} missing from {isoformat(gap.start)} before {isoformat(gap.end)}"
            for gap in gaps[:_SHOWN]
        )
        findings.append(Finding("gap", len(gaps), f"a bar must follow every {raw.timeframe}", shown))
    move, time = _largest_move(raw)
    return CheckReport(
        source=raw.source,
        symbol=raw.symbol,
        timeframe=raw.timeframe,
        bars=len(raw),
        first=int(raw.start.min()),
        last=int(raw.start.max()),
        findings=tuple(findings),
        gaps=tuple(gaps),
        zero_volume=int((raw.volume == 0).sum()),
        largest_move=move,
        largest_move_time=time,
        tick_size=infer_tick_size(raw),
    )


_Check = tuple[FindingKind, str, NDArray[np.bool_], tuple[str, ...]]


def _row_checks(raw: RawBars) -> Iterator[_Check]:
    """Yield the kind, the rule, the rows that break it and the columns to show."""
    finite = np.logical_and.reduce([np.isfinite(getattr(raw, name)) for name in BarSeries.COLUMNS])
    yield "not_finite", "prices and volume must be finite numbers", ~finite, BarSeries.COLUMNS
    outside = (raw.high < np.maximum(raw.open, raw.close)) | (raw.low > np.minimum(raw.open, raw.close))
    rule = "open and close must lie between low and high"
    yield "high_low", rule, outside | (raw.high < raw.low), BarSeries.PRICES
    yield "negative_volume", "volume must be zero or more", raw.volume < 0, ("volume",)
    lowest = np.minimum(np.minimum(raw.open, raw.high), np.minimum(raw.low, raw.close))
    yield "non_positive", "prices must be above zero", lowest <= 0, BarSeries.PRICES
    steps = np.diff(raw.start)
    yield "out_of_order", "time must rise", _after_first(steps < 0), ()
    yield "duplicate", "a time must occur once", _repeats(raw.start), BarSeries.PRICES
    short = (steps > 0) & (steps < timeframe_ns(raw.timeframe))
    yield "overlap", f"bars must start {raw.timeframe} apart or more", _after_first(short), ()
    off_grid = bucket_start(raw.start, raw.timeframe) != raw.start
    yield "off_grid", f"bars must start at multiples of {raw.timeframe}", off_grid, ()


def _after_first(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask of steps between rows as a mask of the rows that the steps lead to."""
    return np.concatenate((np.zeros(1, np.bool_), mask))


def _repeats(start: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows have the time of an earlier row."""
    order = np.argsort(start, kind="stable")
    again = np.zeros(len(start), np.bool_)
    again[order[1:]] = np.diff(start[order]) == 0
    return again


def _finding(
    raw: RawBars, kind: FindingKind, rule: str, mask: NDArray[np.bool_], columns: tuple[str, ...]
) -> Finding:
    where: Callable[[int], str] = raw.where or (lambda row: f"row {row}")
    shown = []
    for row in np.flatnonzero(mask)[:_SHOWN].tolist():
        values = ", ".join(f"{name} {float(getattr(raw, name)[row])!r}" for name in columns)
        place = where(row).removeprefix(f"{raw.source}").lstrip(": ")
        shown.append(f"{place} ({isoformat(int(raw.start[row]))})" + (f": {values}" if values else ""))
    return Finding(kind, int(mask.sum()), rule, tuple(shown))


def _gaps(raw: RawBars) -> list[Gap]:
    duration = timeframe_ns(raw.timeframe)
    start = raw.start if (np.diff(raw.start) > 0).all() else np.unique(raw.start)
    missing = np.diff(start) // duration - 1
    rows = np.flatnonzero(missing > 0).tolist()
    return [Gap(int(start[row]) + duration, int(start[row + 1]), int(missing[row])) for row in rows]


def _largest_move(raw: RawBars) -> tuple[float | None, int | None]:
    usable = np.isfinite(raw.close) & (raw.close > 0)
    pairs = usable[1:] & usable[:-1]
    if not pairs.any():
        return None, None
    moves = np.zeros(len(pairs))
    moves[pairs] = np.abs(np.log(raw.close[1:][pairs] / raw.close[:-1][pairs]))
    row = int(np.argmax(moves))
    return float(moves[row]), int(raw.start[row + 1])


def _raw(series: BarSeries) -> RawBars:
    columns = (getattr(series, name) for name in BarSeries.COLUMNS)
    return RawBars(
        f"{series.symbol} {series.timeframe}", series.symbol, series.timeframe, series.start, *columns
    )
