"""Markets of two instruments, for strategies that trade both."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

import hookline as hl
from hookline.columns import ExternalSeries
from hookline.model import BarSeries, MarginMode
from hookline_feeds.synthetic import Pair, Perpetual, SyntheticFeed

START = 1_704_067_200 * 10**9  # 2024-01-01 00:00 UTC
HOUR = 3600 * 10**9


def closes(symbol: str, prices, timeframe: str = "1h", start: int = START) -> BarSeries:
    """Bars that open where the one before closed and hold nothing but their open and close."""
    close = np.asarray(prices, float)
    open_ = np.concatenate((close[:1], close[:-1]))
    length = hl.model.timeframe_ns(timeframe)
    begin = start + np.arange(len(close), dtype=np.int64) * length
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    return BarSeries(symbol, timeframe, begin, open_, top, bottom, close, np.full(len(close), 10.0))


def without(series: BarSeries, seed: int, share: float = 0.01) -> BarSeries:
    """The same bars with a few missing."""
    kept = np.random.default_rng(seed).random(len(series)) > share
    columns = (getattr(series, name)[kept] for name in ("start", *series.COLUMNS))
    return BarSeries(series.symbol, series.timeframe, *columns)


def cointegrated(count: int, seed: int = 3) -> dict[str, BarSeries]:
    """Two perpetuals whose spread reverts within hours."""
    feed = SyntheticFeed(seed=seed, bars=count, pairs={"B": Pair("A", 0.8, 5.0, 0.01)})
    return {symbol: feed.load(hl.BarRequest(symbol, "1h")) for symbol in ("A", "B")}


def carried(count: int, seed: int = 3) -> tuple[dict[str, BarSeries], dict[str, ExternalSeries]]:
    """Spot, its perpetual and the funding rates of that."""
    basis = Perpetual("S", basis_bps=5.0, basis_volatility_bps=10.0)
    feed = SyntheticFeed(seed=seed, bars=count, perpetuals={"P": basis})
    series = {symbol: feed.load(hl.BarRequest(symbol, "1h")) for symbol in ("S", "P")}
    rates = feed.funding("P", int(series["P"].start[0]), int(series["P"].end[-1]))
    assert rates is not None
    return series, {"P": rates}


def real_carry(
    folder: Path, since: str, count: int
) -> tuple[dict[str, BarSeries], dict[str, ExternalSeries]]:
    """Recorded hours of BTC spot ``S`` and its perpetual ``P`` from a day on, with the funding rates of that."""
    begin = int(np.datetime64(since, "ns").astype(np.int64))
    series = {}
    for symbol, name in (("S", "binance_spot_BTCUSDT"), ("P", "binance_usdm_BTCUSDT")):
        table = pq.read_table(folder / "bars_1h" / f"{name}_1h.parquet")
        first = int(np.searchsorted(table["ts"].to_numpy(), begin))
        kept = table.slice(first, count)
        columns = [kept[column].to_numpy() for column in ("ts", "open", "high", "low", "close", "volume")]
        series[symbol] = BarSeries(symbol, "1h", *columns)
    rates = pq.read_table(folder / "funding" / "binance_usdm_BTCUSDT_funding.parquet")
    time, rate = rates["ts"].to_numpy(), rates["funding_rate"].to_numpy()
    inside = (time >= begin) & (time <= int(series["P"].end[-1]))
    return series, {"P": ExternalSeries(time[inside], rate[inside])}


def spot(symbol: str = "S", **terms) -> hl.Instrument:
    """Spot in steps of 0.01 and 0.001."""
    return hl.Instrument(symbol, **{"tick_size": Decimal("0.01"), "lot_size": Decimal("0.001"), **terms})


def perpetual(symbol: str, **terms) -> hl.Instrument:
    """A perpetual in steps of 0.01 and 0.001."""
    return spot(symbol, kind=hl.InstrumentKind.PERPETUAL, **terms)


def isolated(symbol: str = "P", leverage: int = 2, **terms) -> hl.Instrument:
    """A perpetual with margin of its own."""
    return perpetual(symbol, leverage=leverage, margin_mode=MarginMode.ISOLATED, **terms)
