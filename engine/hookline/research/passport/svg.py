"""Small charts as SVG text: no script, no library, in the colors of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from hookline.clock import isoformat

__all__ = ["Line", "histogram", "lines", "steps"]

_WIDE, _NARROW = 1100, 360
_HEIGHT, _LOW = 220, 130
_RIGHT, _TOP, _BOTTOM = 10, 12, 26
_TICKS = 4


class Line(NamedTuple):
    """One line of a chart: its name, its color among those of the style sheet, times in milliseconds UTC and values."""

    name: str
    color: str
    t: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class _Frame:
    """Where values lie in the picture."""

    x0: float
    x1: float
    y0: float
    y1: float
    width: int = _NARROW
    height: int = _HEIGHT

    @property
    def left(self) -> int:
        """Where the axis is; on a narrow screen the text beside a wide picture is twice as large."""
        return 84 if self.width == _WIDE else 52

    def x(self, value: float) -> float:
        share = (value - self.x0) / ((self.x1 - self.x0) or 1.0)
        return self.left + share * (self.width - self.left - _RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.y0) / ((self.y1 - self.y0) or 1.0)
        return self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM)


def lines(drawn: Sequence[Line], label: str, text: Callable[[float], str], base: float | None = None) -> str:
    """Return a chart of lines over time.

    Args:
        drawn: The lines; nothing is drawn of one without points.
        label: What the chart shows, for those who cannot see it.
        text: Writes a value beside the axis.
        base: A value at which a line is drawn across, and which is always in the picture.
    """
    drawn = [line for line in drawn if len(line.t)]
    if not drawn:
        return ""
    values = [value for line in drawn for value in line.y if math.isfinite(value)] + (
        [] if base is None else [base]
    )
    times = [time for line in drawn for time in line.t]
    frame = _Frame(min(times), max(times), *_padded(values), _WIDE, 260)
    parts = [*_grid(frame, text), *_dates(frame)]
    if base is not None:
        parts.append(_across(frame, base))
    parts += [
        f'<polyline points="{_points(frame, line)}" fill="none" stroke="var(--{line.color})" stroke-width="1.6"/>'
        for line in drawn
    ]
    return _svg(frame, parts, label) + _legend(drawn)


def steps(t: Sequence[float], y: Sequence[float], label: str, text: Callable[[float], str]) -> str:
    """Return a chart of values that each hold from a time to the next; the last time ends the last one.

    Args:
        t: Times in milliseconds UTC, one more than values.
        y: The values.
        label: What the chart shows.
        text: Writes a value beside the axis.
    """
    frame = _Frame(t[0], t[-1], *_padded(y), height=_LOW)
    path = " ".join(
        f"{'M' if number == 0 else 'L'}{frame.x(t[number]):.1f} {frame.y(value):.1f} H{frame.x(t[number + 1]):.1f}"
        for number, value in enumerate(y)
    )
    drawn = f'<path d="{path}" fill="none" stroke="var(--accent)" stroke-width="1.8"/>'
    return _svg(frame, [*_grid(frame, text), *_dates(frame), drawn], label)


def histogram(
    edges: Sequence[float],
    counts: Sequence[float],
    mark: float | None,
    label: str,
    text: Callable[[float], str],
) -> str:
    """Return a histogram, with a value marked in it.

    Args:
        edges: Of the bins, one more than counts.
        counts: In each bin.
        mark: The value, None for none.
        label: What the chart shows.
        text: Writes a value below the axis.
    """
    if not len(counts):
        return ""
    shown = [*edges, *([] if mark is None else [mark])]
    spare = (max(shown) - min(shown)) * 0.03 or 1.0
    frame = _Frame(min(shown) - spare, max(shown) + spare, 0.0, max(counts) * 1.12 or 1.0)
    parts = list(_values_below(frame, text))
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        top = frame.y(count)
        worse = "hold" if mark is None or high <= mark else "warning"
        parts.append(
            f'<rect x="{frame.x(low):.1f}" y="{top:.1f}" width="{max(frame.x(high) - frame.x(low) - 0.7, 0.5):.1f}" '
            f'height="{frame.y(0.0) - top:.1f}" fill="var(--{worse})" opacity=".75"/>'
        )
    if mark is not None:
        x = frame.x(mark)
        anchor = "end" if x > frame.width / 2 else "start"
        aside = -6 if anchor == "end" else 6
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{frame.y(0.0):.1f}" stroke="var(--accent)" stroke-width="2.2"/>'
            f'<text x="{x + aside:.1f}" y="{_TOP + 10}" text-anchor="{anchor}" class="mark">this session {escape(text(mark))}</text>'
        )
    return _svg(frame, parts, label)


def _svg(frame: _Frame, parts: Sequence[str], label: str) -> str:
    inner = "".join(parts)
    kind = "wide" if frame.width == _WIDE else "small"
    return f'<svg class="{kind}" viewBox="0 0 {frame.width} {frame.height}" role="img" aria-label="{escape(label)}">{inner}</svg>'


def _legend(drawn: Sequence[Line]) -> str:
    if len(drawn) < 2:
        return ""
    items = "".join(
        f'<span><i style="background:var(--{line.color})"></i>{escape(line.name)}</span>' for line in drawn
    )
    return f"<p class=legend>{items}</p>"


def _points(frame: _Frame, line: Line) -> str:
    pairs = zip(line.t, line.y, strict=True)
    return " ".join(
        f"{frame.x(time):.1f},{frame.y(value):.1f}" for time, value in pairs if math.isfinite(value)
    )


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    spare = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - spare, high + spare


def _across(frame: _Frame, value: float) -> str:
    y = frame.y(value)
    return f'<line x1="{frame.left}" x2="{frame.width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--hold)" stroke-dasharray="4 4"/>'


def _grid(frame: _Frame, text: Callable[[float], str]) -> Iterator[str]:
    for value in _ticks(frame.y0, frame.y1):
        y = frame.y(value)
        yield f'<line x1="{frame.left}" x2="{frame.width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--grid)"/>'
        yield f'<text x="{frame.left - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(text(value))}</text>'


def _values_below(frame: _Frame, text: Callable[[float], str]) -> Iterator[str]:
    base = frame.y(0.0)
    yield f'<line x1="{frame.left}" x2="{frame.width - _RIGHT}" y1="{base:.1f}" y2="{base:.1f}" stroke="var(--line)"/>'
    for value in _ticks(frame.x0, frame.x1):
        yield f'<text x="{frame.x(value):.1f}" y="{frame.height - 8}" text-anchor="middle">{escape(text(value))}</text>'


def _dates(frame: _Frame) -> Iterator[str]:
    for number, anchor in enumerate(("start", "middle", "end")):
        time = frame.x0 + (frame.x1 - frame.x0) * number / 2
        shown = isoformat(int(time) * 10**6)[:10]
        yield f'<text x="{frame.x(time):.1f}" y="{frame.height - 8}" text-anchor="{anchor}">{shown}</text>'


def _ticks(low: float, high: float) -> list[float]:
    """Return a few round values between two."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0.0 else 1.0
    step = next(power * nice for nice in (1.0, 2.0, 2.5, 5.0, 10.0) if power * nice >= rough * 0.999)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]
