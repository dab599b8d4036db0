"""Indicators as expressions over bars, with a driver for arrays and one for streams.

>>> bars = Bars()
>>> crossed_above(ema(bars.close, 9), ema(bars.close, 21))
crossed_above(ema(close, 9), ema(close, 21))
"""

from hookline.columns.averages import ema, rma, rolling_sum, sma, wma
from hookline.columns.bars import Bars, external
from hookline.columns.batch import Batch
from hookline.columns.column import Column, apply, apply_all
from hookline.columns.directional import Dmi, adx, dmi
from hookline.columns.external import ExternalSeries
from hookline.columns.flags import bars_since, crossed_above, crossed_below, equals, value_when
from hookline.columns.op import Op
from hookline.columns.ranges import atr, true_range
from hookline.columns.stream import Stream
from hookline.columns.windows import highest, lowest, median, quantile

__all__ = [
    "Bars",
    "Batch",
    "Column",
    "Dmi",
    "ExternalSeries",
    "Op",
    "Stream",
    "adx",
    "apply",
    "apply_all",
    "atr",
    "bars_since",
    "crossed_above",
    "crossed_below",
    "dmi",
    "ema",
    "equals",
    "external",
    "highest",
    "lowest",
    "median",
    "quantile",
    "rma",
    "rolling_sum",
    "sma",
    "true_range",
    "value_when",
    "wma",
]
