"""Data of the report's charts: few enough points to open at once, chosen so that no extreme is lost.

Rules of this file:

- A line with more than ``LINE_POINTS`` points is cut into stretches of equal length; the lowest and the highest point
  of each are kept, in their order, and the first and the last point of all. What is drawn touches every extreme.
- Prices: candles up to ``CANDLES`` bars, the closes up to ``LINE_POINTS`` bars, beyond that the lowest low and the highest
  high of each stretch.
- Fills: one marker each up to ``MARKERS``; beyond that one marker stands for all buys (or all sells) of a stretch of time, at their
  average price. Several symbols share these limits.
- Every chart carries a note that says what is drawn from how much.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries, Fill
from hookline.reporting.formats import counted
from hookline.reporting.result import Result

__all__ = ["CANDLES", "LINE_POINTS", "MARKERS", "chart_data", "extremes"]

CANDLES = 500
LINE_POINTS = 3_000
MARKERS = 2_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def chart_data(result: Result) -> dict[str, Any]:
    """Return everything that the page's script draws; times are milliseconds since the epoch, UTC."""
    share = max(1, len(result.record.series))
    fills: dict[str, list[Fill]] = {symbol: [] for symbol in result.record.series}
    for fill in result.record.fills:
        fills[fill.symbol].append(fill)
    limits = _Limits(
        max(60, CANDLES // share), max(120, LINE_POINTS * 2 // (share + 1)), max(60, MARKERS // share)
    )
    return {
        "period": [result.start // 10**6, result.end // 10**6],
        "prices": [
            {"symbol": symbol, **_price(series, limits), **_markers(fills[symbol], series, limits)}
            for symbol, series in result.record.series.items()
            if len(series)
        ],
        "equity": _line(result.equity.time, result.equity.value),
        "hold": _line(result.buy_and_hold.equity.time, result.buy_and_hold.equity.value),
        "drawdown": _line(result.drawdown.time, -result.drawdown.value),
    }


class _Limits(NamedTuple):
    candles: int
    points: int
    markers: int


def extremes(low: Floats, high: Floats, points: int) -> Ints:
    """Return the rows of the lowest low and the highest high of each of ``points / 2`` stretches, rising.

    The first and the last row are always among them. All rows are returned when there are no more than ``points``.
    """
    size = len(low)
    if size <= points:
        return np.arange(size)
    length = -(-size // (points // 2 - 1))
    whole = size // length * length
    offsets = np.arange(0, whole, length)
    lowest = low[:whole].reshape(-1, length).argmin(axis=1) + offsets
    highest = high[:whole].reshape(-1, length).argmax(axis=1) + offsets
    rest = [whole + int(low[whole:].argmin()), whole + int(high[whole:].argmax())] if whole < size else []
    return np.unique(np.concatenate([lowest, highest, np.array([*rest, 0, size - 1])]))


def _line(time: Ints, value: Floats, points: int = LINE_POINTS) -> dict[str, Any]:
    filled = np.nan_to_num(value)
    rows = extremes(filled, filled, points)
    return {"t": _ms(time[rows]), "y": _short(value[rows]), "note": _note(len(rows), len(time))}


def _note(drawn: int, total: int) -> str:
    if drawn == total:
        return f"Drawn in full: {counted(total, 'point')}." if total else "No bars."
    return f"Drawn from {drawn:,} of {total:,} points: the lowest and highest of each stretch, so no extreme is lost."


def _price(series: BarSeries, limits: _Limits) -> dict[str, Any]:
    size = len(series)
    if size <= limits.candles:
        columns = {name: _short(getattr(series, name)) for name in series.PRICES}
        return {
            "kind": "candles",
            "t": _ms(series.start),
            **columns,
            "note": f"Drawn in full: {counted(size, 'bar')}.",
        }
    if size <= limits.points:
        note = f"Closes of all {size:,} bars."
        return {"kind": "line", "t": _ms(series.end), "y": _short(series.close), "note": note}
    # A stretch's low and high are two points; where one bar has both, its low goes first.
    rows = extremes(series.low, series.high, limits.points // 2)
    times = np.repeat(series.start[rows], 2)
    times[1::2] += series.duration // 2
    values = np.column_stack([series.low[rows], series.high[rows]]).ravel()
    return {"kind": "line", "t": _ms(times), "y": _short(values), "note": _note(len(rows), size)}


def _markers(fills: list[Fill], series: BarSeries, limits: _Limits) -> dict[str, Any]:
    if len(fills) <= limits.markers:
        sides = {1: [f for f in fills if f.side > 0], -1: [f for f in fills if f.side < 0]}
        note = f"All fills are marked: {len(fills):,}." if fills else "No fills."
        return {"buys": _single(sides[1]), "sells": _single(sides[-1]), "fills_note": note}
    stretches = limits.markers // 4
    buys, sells = (_grouped([f for f in fills if f.side == side], series, stretches) for side in (1, -1))
    drawn = len(buys["t"]) + len(sells["t"])
    note = (
        f"{len(fills):,} fills are drawn as {drawn:,} markers: each stands for all buys or all sells "
        f"in one of {stretches:,} stretches of the period, at their average price."
    )
    return {"buys": buys, "sells": sells, "fills_note": note}


def _single(fills: list[Fill]) -> dict[str, Any]:
    return {
        "t": [fill.time // 10**6 for fill in fills],
        "y": _short(np.array([fill.price for fill in fills])),
        "quantity": _short(np.array([fill.quantity for fill in fills])),
        "strategy": [fill.strategy for fill in fills],
    }


def _grouped(fills: list[Fill], series: BarSeries, stretches: int) -> dict[str, Any]:
    time = np.array([fill.time for fill in fills], dtype=np.int64)
    quantity = np.array([fill.quantity for fill in fills])
    price = np.array([fill.price for fill in fills])
    begin, end = int(series.start[0]), int(series.end[-1])
    length = -(-(end - begin) // stretches)  # divided first: nanoseconds times a count would overflow int64
    stretch = np.clip((time - begin) // length, 0, stretches - 1)
    order = np.argsort(stretch, kind="stable")
    first = np.flatnonzero(np.diff(stretch[order], prepend=-1))
    if not len(order):
        return {"t": [], "y": [], "quantity": [], "count": []}
    total = np.add.reduceat(quantity[order], first)
    counts = np.diff(np.append(first, len(order)))
    # Times are averaged as offsets from the begin, which float64 holds to the microsecond.
    middle = np.add.reduceat((time[order] - begin).astype(np.float64), first) / counts
    return {
        "t": _ms(begin + middle.astype(np.int64)),
        "y": _short(np.add.reduceat((quantity * price)[order], first) / total),
        "quantity": _short(total),
        "count": counts.tolist(),
    }


def _ms(time: Ints) -> list[int]:
    milliseconds: list[int] = (time // 10**6).tolist()
    return milliseconds


def _short(values: Floats) -> list[float | None]:
    """Return values with the nine digits that a chart can show; None where there is none."""
    return [float(f"{value:.9g}") if np.isfinite(value) else None for value in values.tolist()]
