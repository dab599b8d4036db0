"""Indicators written again, over whole arrays and without a thought for speed, to compare with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import talib


def wilder(values: np.ndarray, n: int) -> np.ndarray:
    """Wilder's average by his own formula: (n - 1 times the average + value) / n."""
    out = np.full(len(values), np.nan)
    out[n - 1] = values[:n].mean()
    for i in range(n, len(values)):
        out[i] = ((n - 1) * out[i - 1] + values[i]) / n
    return out


def vwap_by_day(f: pd.DataFrame) -> list[np.ndarray]:
    """VWAP, deviation and bands at 1 and 2.5, summed anew on every bar over its UTC day so far."""
    price, volume = ((f.high + f.low + f.close) / 3).to_numpy(), f.volume.to_numpy()
    day = f.index.floor("1D").to_numpy()
    line, deviation = np.full(len(f), np.nan), np.full(len(f), np.nan)
    for i in range(len(f)):
        part = slice(int(np.searchsorted(day, day[i])), i + 1)
        if not volume[part].any():
            continue
        line[i] = np.average(price[part], weights=volume[part])
        deviation[i] = np.sqrt(np.average((price[part] - line[i]) ** 2, weights=volume[part]))
    return [
        line,
        deviation,
        line + deviation,
        line + 2.5 * deviation,
        line - deviation,
        line - 2.5 * deviation,
    ]


def supertrend_by_loop(f: pd.DataFrame, n: int, multiplier: float) -> list[np.ndarray]:
    """Supertrend in the form in which it is usually published: final bands first, then the line that switches."""
    atr = talib.ATR(f.high, f.low, f.close, n).to_numpy()
    close, middle = f.close.to_numpy(), ((f.high + f.low) / 2).to_numpy()
    upper, lower = middle + multiplier * atr, middle - multiplier * atr
    line, direction = np.full(len(f), np.nan), np.full(len(f), np.nan)
    for i in range(n, len(f)):
        if i > n:
            upper[i] = upper[i] if upper[i] < upper[i - 1] or close[i - 1] > upper[i - 1] else upper[i - 1]
            lower[i] = lower[i] if lower[i] > lower[i - 1] or close[i - 1] < lower[i - 1] else lower[i - 1]
        if i == n:
            is_up = close[i] >= middle[i]
        elif line[i - 1] == upper[i - 1]:
            is_up = close[i] > upper[i]
        else:
            is_up = close[i] >= lower[i]
        line[i], direction[i] = (lower[i], 1.0) if is_up else (upper[i], -1.0)
    return [line, direction]


def pivots_by_search(values: np.ndarray, n: int) -> list[np.ndarray]:
    """Value, age and confirmation of peaks, by looking at every bar's neighbours."""
    peaks = [
        i
        for i in range(n, len(values) - n)
        if values[i] > values[i - n : i].max() and values[i] >= values[i + 1 : i + n + 1].max()
    ]
    value, age, confirmed = (np.full(len(values), np.nan) for _ in range(3))
    confirmed[2 * n :] = 0.0
    for i in peaks:
        confirmed[i + n] = 1.0
        value[i + n :] = values[i]
        age[i + n :] = np.arange(n, len(values) - i)
    return [value, age, confirmed]


def zigzag_by_legs(f: pd.DataFrame, fraction: float) -> list[np.ndarray]:
    """Swings found leg by leg: the first bar that comes back far enough from the running extreme of the leg."""
    high, low = f.high.to_numpy(), f.low.to_numpy()
    price, direction, age = (np.full(len(f), np.nan) for _ in range(3))
    confirmed = np.zeros(len(f))
    begin, is_up = _first_leg(high, low, fraction)
    swing = int(np.argmin(low[:begin]) if is_up else np.argmax(high[:begin]))
    while True:
        ahead = high if is_up else -low
        price[begin:] = low[swing] if is_up else high[swing]
        direction[begin:] = 1.0 if is_up else -1.0
        age[begin:] = np.arange(begin - swing, len(f) - swing)
        confirmed[begin] = 1.0
        best = np.maximum.accumulate(ahead[begin:])
        back = (low if is_up else -high)[begin + 1 :]
        is_turn = (back <= best[:-1] - fraction * np.abs(best[:-1])) & (ahead[begin + 1 :] <= best[:-1])
        if not is_turn.any():
            return [price, direction, confirmed, age]
        end = begin + 1 + int(np.argmax(is_turn))
        swing = begin + int(np.argmax(ahead[begin:end]))
        begin, is_up = end, not is_up


def _first_leg(high: np.ndarray, low: np.ndarray, fraction: float) -> tuple[int, bool]:
    for i in range(1, len(high)):
        if high[i] >= low[:i].min() * (1 + fraction):
            return i, True
        if low[i] <= high[:i].max() * (1 - fraction):
            return i, False
    raise AssertionError("the data has no swing")


def since_by_search(flags: np.ndarray) -> np.ndarray:
    """Bars since the last set flag."""
    rows = [np.flatnonzero(flags[: i + 1]) for i in range(len(flags))]
    return np.array([i - set_at[-1] if len(set_at) else np.nan for i, set_at in enumerate(rows)])


def when_by_search(flags: np.ndarray, values: np.ndarray, occurrence: int) -> np.ndarray:
    """Value at the set flag that is ``occurrence`` before the last."""
    rows = [np.flatnonzero(flags[: i + 1]) for i in range(len(flags))]
    return np.array([values[r[-1 - occurrence]] if len(r) > occurrence else np.nan for r in rows])
