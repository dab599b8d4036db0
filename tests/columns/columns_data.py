"""Bars for tests of columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hookline.columns import Batch, Column, ExternalSeries, Stream
from hookline.model import BarSeries, timeframe_ns

NS = 1_000_000_000
MONDAY = 1_704_067_200  # 2024-01-01 00:00 UTC, a Monday


def closes(text: str, timeframe: str = "1m", begin: int = MONDAY) -> BarSeries:
    """Bars whose four prices are the numbers of a text and whose volume is 1; a dot is a missing bar."""
    rows = [(index, float(word)) for index, word in enumerate(text.split()) if word != "."]
    step = timeframe_ns(timeframe)
    start = np.array([begin * NS + index * step for index, _ in rows], dtype=np.int64)
    price = np.array([value for _, value in rows])
    return BarSeries("X", timeframe, start, price, price, price, price, np.ones(len(price)))


def ohlc(*rows: str, timeframe: str = "1m", begin: int = MONDAY) -> BarSeries:
    """Bars written as ``"open high low close"`` or ``"open high low close volume"``."""
    values = np.array([[float(word) for word in [*row.split(), "1"][:5]] for row in rows]).T
    start = begin * NS + np.arange(len(rows)) * timeframe_ns(timeframe)
    return BarSeries("X", timeframe, start, *values)


def random_walk(size: int = 600, seed: int = 7, timeframe: str = "1h") -> BarSeries:
    """Bars of a random walk."""
    rng = np.random.default_rng(seed)
    close = 100.0 + np.cumsum(rng.normal(0.0, 1.0, size)) * 0.5
    opening = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(opening, close) + rng.random(size)
    low = np.minimum(opening, close) - rng.random(size)
    start = MONDAY * NS + np.arange(size) * timeframe_ns(timeframe)
    return BarSeries("X", timeframe, start, opening, high, low, close, rng.random(size) * 10)


def rough(size: int = 400, seed: int = 3, timeframe: str = "1m") -> BarSeries:
    """Bars with missing ones, flat stretches, volume of zero and a begin in the middle of every higher timeframe."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(-3, 4, size) * (rng.random(size) < 0.6) * np.where(np.arange(size) % 100 < 30, 0, 1)
    close = 50.0 + np.cumsum(steps) * 0.1
    opening = np.concatenate(([50.0], close[:-1]))
    width = rng.integers(0, 3, size) * 0.1 * (steps != 0)
    volume = rng.integers(0, 4, size).astype(float)
    gaps = np.where(rng.random(size) < 0.1, rng.integers(2, 40, size), 1)
    start = (MONDAY + 7 * 60) * NS + np.cumsum(gaps) * timeframe_ns(timeframe)
    high, low = np.maximum(opening, close) + width, np.minimum(opening, close) - width
    return BarSeries("X", timeframe, start, opening, high, low, close, volume)


def recorded(folder: Path, rows: int = 3000) -> BarSeries:
    """The first hours of the recorded BTC perpetual."""
    frame = pd.read_parquet(folder / "bars_1h" / "binance_usdm_BTCUSDT_1h.parquet").iloc[:rows]
    columns = (frame[name].to_numpy() for name in ("ts", "open", "high", "low", "close", "volume"))
    return BarSeries("BTCUSDT", "1h", *columns)


def compute(
    series: BarSeries, *columns: Column, external: dict[str, ExternalSeries] | None = None
) -> list[list[float]]:
    """Values of columns on the batch driver, as lists."""
    return [values.tolist() for values in Batch(series, external).compute(columns)]


def streamed(
    series: BarSeries, columns: Sequence[Column], external: dict[str, ExternalSeries] | None = None
) -> list[np.ndarray]:
    """Values of columns on the streaming driver, as arrays."""
    stream = Stream(columns, series.timeframe, external)
    rows = [stream.update(series.bar(index)) for index in range(len(series))]
    return [np.array(values, dtype=float) for values in zip(*rows, strict=True)] if rows else []
