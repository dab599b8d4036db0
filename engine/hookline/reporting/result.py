"""The result of a run: every figure, worked out after the run and only when asked for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline.reporting import frames, summary
from hookline.reporting.book import Book, book_of
from hookline.reporting.buy_and_hold import Comparison, hold_curve, taker_fee
from hookline.reporting.curve import Curve, bar_ends, drawdowns, equity_curve, returns_of
from hookline.reporting.metrics import Metrics, curve_metrics, run_metrics
from hookline.reporting.monthly import MonthlyReturn, monthly_returns
from hookline.reporting.ratings import Rating, rate, warnings_of
from hookline.reporting.record import RunRecord
from hookline.reporting.round_trips import RoundTrip, RoundTrips, round_trips

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from hookline.reporting.reporter import Reporter

__all__ = ["Result"]


class Result:
    """What a run amounts to. Shows itself in a terminal (``print``) and in a notebook.

    Args:
        record: What the run left behind.
        benchmark: Another run to stand beside this one, next to buy and hold.
    """

    def __init__(self, record: RunRecord, benchmark: Result | None = None) -> None:
        self.record = record
        self.benchmark = benchmark

    @property
    def start(self) -> int:
        """Start of the first bar in nanoseconds UTC, 0 without bars."""
        return min((int(series.start[0]) for series in self.record.series.values() if len(series)), default=0)

    @property
    def end(self) -> int:
        """End of the last bar in nanoseconds UTC, 0 without bars."""
        return int(self._time[-1]) if len(self._time) else 0

    @cached_property
    def equity(self) -> Curve:
        """Equity at every bar end (of all series), as ``(time, value)``: int64 nanoseconds UTC and quote currency."""
        return equity_curve(self.book, self._time, self.record.cash)

    def equity_of(self, strategy_id: str) -> Curve:
        """Return the equity of one strategy: its own cash and fills.

        Raises:
            KeyError: if the run has no such strategy.
        """
        index = self.book.strategy_index(strategy_id)
        return equity_curve(self.book, self._time, self.record.strategies[index].cash, index)

    @property
    def returns(self) -> Curve:
        """Return of every bar; the first is measured from the starting cash."""
        return Curve(self._time, returns_of(self.equity.value, self.record.cash))

    @property
    def drawdown(self) -> Curve:
        """How far equity is below its highest value so far, as a fraction of it, 0 or more, at every bar end."""
        return Curve(self._time, drawdowns(self.equity.value, self.record.cash))

    @property
    def monthly_returns(self) -> list[MonthlyReturn]:
        """Returns by calendar month, UTC."""
        return monthly_returns(self.equity, self.record.cash)

    @property
    def round_trips(self) -> list[RoundTrip]:
        """Holdings from flat to flat, by entry; one still open at the end is marked so."""
        return self.trips.rows()

    @cached_property
    def trips(self) -> RoundTrips:
        """Round trips as columns."""
        return round_trips(self.book)

    @cached_property
    def metrics(self) -> Metrics:
        """All figures of the account; definitions are with :class:`~hookline.reporting.metrics.Metrics`."""
        trips = self.trips  # before the curve: what either needs for a moment is then not on top of the other
        return run_metrics(self.equity, self.record.cash, self.start, trips, self.book)

    def metrics_of(self, strategy_id: str) -> Metrics:
        """Return the figures of one strategy, measured against its own cash.

        Raises:
            KeyError: if the run has no such strategy.
        """
        index = self.book.strategy_index(strategy_id)
        cash = self.record.strategies[index].cash
        return run_metrics(
            self.equity_of(strategy_id), cash, self.start, self.trips.of(index), self.book, index
        )

    @cached_property
    def buy_and_hold(self) -> Comparison:
        """What holding all symbols of the run in equal parts would have given."""
        curve = hold_curve(self.record.series, self._time, self.record.cash, taker_fee(self.record.config))
        return Comparison("buy and hold", curve, curve_metrics(curve, self.record.cash, self.start))

    @property
    def ratings(self) -> dict[str, Rating]:
        """Rating of each figure that has a band, see :mod:`hookline.reporting.ratings`."""
        return rate(self.metrics)

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before believing the figures."""
        return warnings_of(self.record, self.metrics)

    def fills_frame(self) -> pd.DataFrame:
        """Return all fills as a pandas frame, in the order of events; times are aware, UTC."""
        return frames.fills_frame(self)

    def orders_frame(self) -> pd.DataFrame:
        """Return all orders as a pandas frame, as they stood at the end."""
        return frames.orders_frame(self)

    def equity_frame(self) -> pd.DataFrame:
        """Return equity, drawdown and buy and hold at every bar end as a pandas frame."""
        return frames.equity_frame(self)

    def round_trips_frame(self) -> pd.DataFrame:
        """Return all round trips as a pandas frame."""
        return frames.round_trips_frame(self)

    def report(self, use: str = "html", folder: str | Path = ".", **params: Any) -> list[Path]:
        """Write this result with a reporter (html, json, csv, parquet or a plugin's) and return the files written.

        Raises:
            PluginError: if no such reporter is installed.
            ConfigError: if a parameter breaks its rule.
        """
        from hookline import plugins

        reporter: Reporter = plugins.build("reporters", use, params, "report")
        Path(folder).mkdir(parents=True, exist_ok=True)
        return reporter.write(self, Path(folder))

    def summary(self) -> RenderableType:
        """Return the figures as a table for a terminal (print it with rich)."""
        return summary.rich_summary(self)

    def __str__(self) -> str:
        return summary.text_summary(self)

    def __repr__(self) -> str:
        return f"Result({self.record.name!r}, {len(self.record.fills)} fills)"

    def _repr_html_(self) -> str:
        return summary.html_summary(self)

    @cached_property
    def book(self) -> Book:
        """Fills and funding as columns."""
        return book_of(self.record)

    @cached_property
    def _time(self) -> NDArray[np.int64]:
        return bar_ends(self.record)
