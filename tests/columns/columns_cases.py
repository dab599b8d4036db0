"""For every public indicator: how to build it, and the same values from an independent source.

A case is a function of bars to columns and a function of a pandas frame to the arrays that these columns must equal. The
tests walk ``hookline.columns.__all__`` and fail for a public function that has no case here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import talib
from columns_references import (
    pivots_by_search,
    since_by_search,
    supertrend_by_loop,
    vwap_by_day,
    when_by_search,
    wilder,
    zigzag_by_legs,
)

from hookline.columns import (
    Bars,
    Column,
    absolute,
    adx,
    atr,
    bars_since,
    bollinger,
    change,
    clip,
    correlation,
    crossed_above,
    crossed_below,
    dmi,
    donchian,
    ema,
    equals,
    fill,
    highest,
    ichimoku,
    is_nan,
    keltner,
    linreg_slope,
    log,
    lowest,
    macd,
    maximum,
    median,
    minimum,
    obv,
    ols,
    pivot_high,
    pivot_low,
    quantile,
    rma,
    roc,
    rolling_sum,
    rsi,
    sma,
    sqrt,
    std,
    stoch_rsi,
    stochastic,
    supertrend,
    true_range,
    value_when,
    variance,
    vwap,
    where,
    wma,
    zigzag,
    zscore,
)

Arrays = Sequence[np.ndarray]


@dataclass(frozen=True)
class Case:
    """One public function with its oracle.

    ``settled`` is the row from which values must agree, where the two differ in how they start.
    """

    name: str
    build: Callable[[Bars], Sequence[Column]]
    oracle: Callable[[pd.DataFrame], Arrays]
    settled: int = 0


def flag(condition: pd.Series, *known: pd.Series) -> np.ndarray:
    unknown = np.logical_or.reduce([series.isna() for series in known])
    return np.where(unknown, np.nan, condition.astype(float))


def location(value: pd.Series, n: int, low: pd.Series, high: pd.Series) -> pd.Series:
    bottom, top = low.rolling(n).min(), high.rolling(n).max()
    return 100 * (value - bottom) / (top - bottom)


def middle(f: pd.DataFrame, n: int) -> pd.Series:
    return (f.high.rolling(n).max() + f.low.rolling(n).min()) / 2


def talib_macd_by_pandas(f: pd.DataFrame) -> Arrays:
    fast, slow = pd.Series(talib.EMA(f.close, 5)), pd.Series(talib.EMA(f.close, 12))
    line = fast - slow
    signal = pd.Series(talib.EMA(line, 4))
    return [line, signal, line - signal]


def regression(f: pd.DataFrame, n: int) -> Arrays:
    rows = np.full((3, len(f)), np.nan)
    for i in range(n - 1, len(f)):
        y, x = f.close.iloc[i - n + 1 : i + 1].to_numpy(), f.volume.iloc[i - n + 1 : i + 1].to_numpy()
        rows[:2, i] = np.polyfit(x, y, 1)
        rows[2, i] = np.corrcoef(x, y)[0, 1]
    return list(rows)


def stoch_rsi_by_talib(f: pd.DataFrame) -> Arrays:
    k, d = talib.STOCHRSI(f.close, 14, 10, 3, 0)
    return [k, d]


def vwap_with_bands(bars: Bars) -> list[Column]:
    result = vwap(bars, "1d", (1.0, 2.5))
    return [result.line, result.deviation, *result.upper, *result.lower]


def crossing(a: pd.Series, b: pd.Series) -> np.ndarray:
    return flag((a > b) & (a.shift(1) <= b.shift(1)), a, b, a.shift(1), b.shift(1))


CASES = [
    Case("sma", lambda b: [sma(b.close, 20)], lambda f: [talib.SMA(f.close, 20)]),
    Case("ema", lambda b: [ema(b.close, 9)], lambda f: [talib.EMA(f.close, 9)]),
    Case("rma", lambda b: [rma(b.close, 14)], lambda f: [wilder(f.close.to_numpy(), 14)]),
    Case("wma", lambda b: [wma(b.close, 10)], lambda f: [talib.WMA(f.close, 10)]),
    Case("rolling_sum", lambda b: [rolling_sum(b.volume, 15)], lambda f: [talib.SUM(f.volume, 15)]),
    Case("highest", lambda b: [highest(b.high, 10)], lambda f: [talib.MAX(f.high, 10)]),
    Case("lowest", lambda b: [lowest(b.low, 10)], lambda f: [talib.MIN(f.low, 10)]),
    Case(
        "median",
        lambda b: [median(b.close, 9), median(b.close, 6)],
        lambda f: [f.close.rolling(9).median(), f.close.rolling(6).median()],
    ),
    Case(
        "quantile",
        lambda b: [quantile(b.low, 25, 0.1), quantile(b.low, 8, 1.0)],
        lambda f: [f.low.rolling(25).quantile(0.1), f.low.rolling(8).max()],
    ),
    Case(
        "std",
        lambda b: [std(b.close, 20), std(b.close, 20, ddof=0)],
        lambda f: [f.close.rolling(20).std(), talib.STDDEV(f.close, 20)],
    ),
    Case(
        "variance",
        lambda b: [variance(b.close, 20), variance(b.close, 20, ddof=0)],
        lambda f: [f.close.rolling(20).var(), f.close.rolling(20).var(ddof=0)],
    ),
    Case(
        "zscore",
        lambda b: [zscore(b.close, 30)],
        lambda f: [(f.close - f.close.rolling(30).mean()) / f.close.rolling(30).std()],
    ),
    Case("rsi", lambda b: [rsi(b.close, 14)], lambda f: [talib.RSI(f.close, 14)]),
    Case("macd", lambda b: macd(b.close, 5, 12, 4), talib_macd_by_pandas),
    Case("macd", lambda b: macd(b.close), lambda f: talib.MACD(f.close), settled=300),
    Case("roc", lambda b: [roc(b.close, 10)], lambda f: [talib.ROC(f.close, 10)]),
    Case("change", lambda b: [change(b.close, 3)], lambda f: [talib.MOM(f.close, 3)]),
    Case(
        "stochastic",
        lambda b: stochastic(b, 9, 3, 4),
        lambda f: talib.STOCH(f.high, f.low, f.close, 9, 3, 0, 4, 0),
        settled=14,
    ),
    Case(
        "stochastic",
        lambda b: stochastic(b, 9, 1, 3),
        lambda f: [
            location(f.close, 9, f.low, f.high),
            location(f.close, 9, f.low, f.high).rolling(3).mean(),
        ],
    ),
    Case("stoch_rsi", lambda b: stoch_rsi(b.close, 14, 10, 1, 3), stoch_rsi_by_talib, settled=30),
    Case(
        "bollinger",
        lambda b: bollinger(b.close, 20, 2.5)[:3],
        lambda f: [talib.BBANDS(f.close, 20, 2.5, 2.5)[i] for i in (1, 0, 2)],
    ),
    Case(
        "bollinger",
        lambda b: bollinger(b.close, 20, 2)[3:],
        lambda f: [
            0.5 + (f.close - f.close.rolling(20).mean()) / (4 * f.close.rolling(20).std(ddof=0)),
            4 * f.close.rolling(20).std(ddof=0) / f.close.rolling(20).mean(),
        ],
    ),
    Case(
        "keltner",
        lambda b: keltner(b, 20, 1.5, atr_n=10),
        lambda f: [
            talib.EMA(f.close, 20) + side * talib.ATR(f.high, f.low, f.close, 10) for side in (0, 1.5, -1.5)
        ],
    ),
    Case(
        "donchian",
        lambda b: donchian(b, 20),
        lambda f: [middle(f, 20), f.high.rolling(20).max(), f.low.rolling(20).min()],
    ),
    Case("true_range", lambda b: [true_range(b)], lambda f: [talib.TRANGE(f.high, f.low, f.close)]),
    Case("atr", lambda b: [atr(b, 14)], lambda f: [talib.ATR(f.high, f.low, f.close, 14)]),
    Case("adx", lambda b: [adx(b, 14)], lambda f: [talib.ADX(f.high, f.low, f.close, 14)]),
    Case(
        "dmi",
        lambda b: dmi(b, 7),
        lambda f: [g(f.high, f.low, f.close, 7) for g in (talib.PLUS_DI, talib.MINUS_DI, talib.ADX)],
    ),
    Case("ols", lambda b: ols(b.close, b.volume, 12), lambda f: regression(f, 12)),
    Case(
        "correlation",
        lambda b: [correlation(b.close, b.volume, 30)],
        lambda f: [f.close.rolling(30).corr(f.volume)],
    ),
    Case(
        "linreg_slope",
        lambda b: [linreg_slope(b.close, 14)],
        lambda f: [talib.LINEARREG_SLOPE(f.close, 14)],
    ),
    Case("obv", lambda b: [obv(b)], lambda f: [talib.OBV(f.close, f.volume)]),
    Case("vwap", vwap_with_bands, vwap_by_day),
    Case(
        "ichimoku",
        lambda b: ichimoku(b, 9, 26, 52, 26),
        lambda f: [
            middle(f, 9),
            middle(f, 26),
            ((middle(f, 9) + middle(f, 26)) / 2).shift(26),
            middle(f, 52).shift(26),
            f.close.shift(26),
        ],
    ),
    Case("supertrend", lambda b: supertrend(b, 10, 2.0), lambda f: supertrend_by_loop(f, 10, 2.0)),
    Case("pivot_high", lambda b: pivot_high(b.high, 4), lambda f: pivots_by_search(f.high.to_numpy(), 4)),
    Case(
        "pivot_low",
        lambda b: pivot_low(b.low, 3),
        lambda f: [s * v for s, v in zip((-1, 1, 1), pivots_by_search(-f.low.to_numpy(), 3), strict=True)],
    ),
    Case("zigzag", lambda b: zigzag(b, 0.03), lambda f: zigzag_by_legs(f, 0.03)),
    Case(
        "crossed_above",
        lambda b: [crossed_above(b.close, sma(b.close, 5)), crossed_above(b.volume, 4)],
        lambda f: [crossing(f.close, f.close.rolling(5).mean()), crossing(f.volume, 4.0 + 0 * f.volume)],
    ),
    Case(
        "crossed_below",
        lambda b: [crossed_below(b.volume, 4)],
        lambda f: [crossing(-f.volume, -4.0 + 0 * f.volume)],
    ),
    Case(
        "equals",
        lambda b: [equals(b.high, highest(b.high, 5))],
        lambda f: [flag(f.high == f.high.rolling(5).max(), f.high.rolling(5).max())],
    ),
    Case(
        "bars_since",
        lambda b: [bars_since(b.close > b.close.shift(2))],
        lambda f: [since_by_search((f.close > f.close.shift(2)).to_numpy())],
    ),
    Case(
        "value_when",
        lambda b: [value_when(b.close > b.open, b.volume, 2)],
        lambda f: [when_by_search((f.close > f.open).to_numpy(), f.volume.to_numpy(), 2)],
    ),
    Case("absolute", lambda b: [absolute(b.close - b.open)], lambda f: [(f.close - f.open).abs()]),
    Case(
        "minimum",
        lambda b: [minimum(b.close, b.open), minimum(b.close.shift(1), 100)],
        lambda f: [f[["close", "open"]].min(axis=1), f.close.shift(1).clip(upper=100)],
    ),
    Case(
        "maximum",
        lambda b: [maximum(b.close, b.open), maximum(b.close.shift(1), 100)],
        lambda f: [f[["close", "open"]].max(axis=1), f.close.shift(1).clip(lower=100)],
    ),
    Case(
        "where",
        lambda b: [where(b.close > b.open, b.high, -1)],
        lambda f: [np.where(f.close > f.open, f.high, -1.0)],
    ),
    Case(
        "is_nan",
        lambda b: [is_nan(b.close.shift(3))],
        lambda f: [f.close.shift(3).isna().astype(float)],
    ),
    Case(
        "fill",
        lambda b: [fill(b.close.shift(3), 0), fill(b.close.shift(3), b.open)],
        lambda f: [f.close.shift(3).fillna(0), f.close.shift(3).fillna(f.open)],
    ),
    Case(
        "log",
        lambda b: [log(b.close), log(b.close - b.open)],
        lambda f: [np.log(f.close), np.log((f.close - f.open).where(f.close > f.open))],
    ),
    Case(
        "sqrt",
        lambda b: [sqrt(b.volume), sqrt(b.close - b.open)],
        lambda f: [np.sqrt(f.volume), np.sqrt((f.close - f.open).where(f.close >= f.open))],
    ),
    Case(
        "clip",
        lambda b: [clip(b.close, 90, 100), clip(b.close, b.low + 0.1, b.high)],
        lambda f: [f.close.clip(90, 100), np.minimum(np.maximum(f.close, f.low + 0.1), f.high)],
    ),
]
