"""Indicators as expressions over bars, with a driver for arrays and one for streams.

>>> bars = Bars()
>>> crossed_above(ema(bars.close, 9), ema(bars.close, 21))
crossed_above(ema(close, 9), ema(close, 21))
"""

from hookline.columns.averages import ema, rma, rolling_sum, sma, wma
from hookline.columns.bars import Bars, external
from hookline.columns.batch import Batch
from hookline.columns.channels import Bollinger, Channel, bollinger, donchian, keltner
from hookline.columns.column import Column, apply, apply_all
from hookline.columns.deviation import std, variance, zscore
from hookline.columns.directional import Dmi, adx, dmi
from hookline.columns.elementwise import absolute, clip, fill, is_nan, log, maximum, minimum, sqrt, where
from hookline.columns.external_series import ExternalSeries
from hookline.columns.flags import bars_since, crossed_above, crossed_below, equals, value_when
from hookline.columns.momentum import Macd, Stochastic, change, macd, roc, rsi, stoch_rsi, stochastic
from hookline.columns.op import Op
from hookline.columns.ranges import atr, true_range
from hookline.columns.regression import Ols, correlation, linreg_slope, ols
from hookline.columns.stream import Stream
from hookline.columns.swings import Pivot, ZigZag, pivot_high, pivot_low, zigzag
from hookline.columns.trends import Ichimoku, Supertrend, ichimoku, supertrend
from hookline.columns.volume import Vwap, obv, vwap
from hookline.columns.windows import highest, lowest, median, quantile

__all__ = [
    "Bars",
    "Batch",
    "Bollinger",
    "Channel",
    "Column",
    "Dmi",
    "ExternalSeries",
    "Ichimoku",
    "Macd",
    "Ols",
    "Op",
    "Pivot",
    "Stochastic",
    "Stream",
    "Supertrend",
    "Vwap",
    "ZigZag",
    "absolute",
    "adx",
    "apply",
    "apply_all",
    "atr",
    "bars_since",
    "bollinger",
    "change",
    "clip",
    "correlation",
    "crossed_above",
    "crossed_below",
    "dmi",
    "donchian",
    "ema",
    "equals",
    "external",
    "fill",
    "highest",
    "ichimoku",
    "is_nan",
    "keltner",
    "linreg_slope",
    "log",
    "lowest",
    "macd",
    "maximum",
    "median",
    "minimum",
    "obv",
    "ols",
    "pivot_high",
    "pivot_low",
    "quantile",
    "rma",
    "roc",
    "rolling_sum",
    "rsi",
    "sma",
    "sqrt",
    "std",
    "stoch_rsi",
    "stochastic",
    "supertrend",
    "true_range",
    "value_when",
    "variance",
    "vwap",
    "where",
    "wma",
    "zigzag",
    "zscore",
]
