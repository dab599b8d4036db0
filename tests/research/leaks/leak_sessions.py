"""Sessions of 1,000 hourly bars for strategies that are made in a test."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hookline.columns import ExternalSeries
from hookline.research.study import Job, Study
from hookline.session.plan import Seat
from hookline.testing.market import random_bars

HOUR = 3_600 * 10**9
BARS = random_bars("ONE", 1_000, seed=11, gaps=False)
SESSION = {
    "symbols": ["ONE"],
    "timeframe": "1h",
    "feed": {"use": "synthetic", "params": {"seed": 3, "bars": 1_000}},
    "broker": {"use": "paper", "params": {"taker_fee_bps": 5}},
    "strategies": [{"use": "buy_and_hold"}],
}


def frame(series=BARS):
    return series.to_frame()


def plans(make, bars: Mapping | None = None, external=None, feed=None):
    """Return a function that plans a session of a strategy that ``make`` makes on some bars."""
    series = bars or {"ONE": BARS}
    base = Study.of_mapping({**SESSION, "symbols": list(series)}).plan(Job())

    def plan():
        strategy = make()
        loaded = {request: series[request.symbol] for request in base.requests}
        seats = [Seat(strategy.name, strategy.name, strategy, tuple(series), 100_000.0)]
        return replace(
            base,
            broker=replace(base.broker),
            seats=seats,
            loaded=loaded,
            feed=feed or _Feed(series),
            external=external or {},
        )

    return plan


class _Feed:
    name = "memory"
    is_live = False

    def __init__(self, series):
        self._series = series

    def load(self, request):
        return self._series[request.symbol].between(request.since, request.until)


def as_external(values, times):
    """Return a series without the values that are not known."""
    known = np.isfinite(values)
    return ExternalSeries(times[known], values[known])


def write_csv(path, series=BARS):
    table = frame(series).reset_index(names="time")
    table["time"] = table["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    table.to_csv(path, index=False)
    return path
