"""The comparison that every result stands beside: buying at the start and doing nothing.

The starting cash is split equally over the symbols. Each part buys at the open of its symbol's second bar, the first
open at which an order sent on a bar's close can fill, with the taker fee taken out of the part. Quantities are not rounded to lots,
funding is not charged, and a symbol with a single bar or an open price of zero or less stays in cash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries
from hookline.reporting.curve import Curve, spread
from hookline.reporting.metrics import CurveMetrics

__all__ = ["Comparison", "hold_curve", "taker_fee"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """An equity curve to compare with, on the bar ends of the run, and its figures."""

    name: str
    equity: Curve
    metrics: CurveMetrics


def taker_fee(config: Mapping[str, Any]) -> float:
    """Return the broker's taker fee as a fraction, 0 where a session's configuration states none.

    >>> taker_fee({"broker": {"use": "paper", "params": {"taker_fee_bps": 5}}})
    0.0005
    """
    broker = config.get("broker")
    params = broker.get("params") if isinstance(broker, Mapping) else None
    bps = params.get("taker_fee_bps", 0.0) if isinstance(params, Mapping) else 0.0
    return float(bps or 0.0) / 1e4


def hold_curve(series: Mapping[str, BarSeries], time: NDArray[np.int64], cash: float, fee: float) -> Curve:
    """Return equity at the given bar ends of holding all symbols from their second bar on."""
    equity = np.full(len(time), cash)
    part = cash / max(len(series), 1)
    for bars in series.values():
        if len(bars) < 2 or bars.open[1] <= 0.0:
            continue
        gain = bars.close * (part / (float(bars.open[1]) * (1.0 + fee)))
        gain -= part
        gain[0] = 0.0
        equity += spread(gain, bars, time)
    return Curve(time, equity)
