"""Runs of a plan in compiled code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.columns import Bars, Batch, Column
from hookline.kernel.sizing import Sizer
from hookline.model import BarSeries, timeframe_ns
from hookline.reporting.record import RunRecord
from hookline.research.compiled import layout as at
from hookline.research.compiled.compiling import kernel_of
from hookline.research.compiled.deciding import decide_of, kinds_of, parameters_of
from hookline.research.compiled.figures import Period, figures_for, figures_of, is_sharp
from hookline.research.compiled.graph import Graph, columns_of, constant_nodes, graph_of
from hookline.research.compiled.marks import marks_of
from hookline.research.compiled.refusing import NotCompilable
from hookline.research.compiled.rule_terms import has_watches
from hookline.research.compiled.source import VOLATILITY, Figures, Form
from hookline.research.compiled.terms import arrays_of, check_plan, check_strategy, payments_of, sizer_numbers
from hookline.research.compiled.trading_times import put_hours
from hookline.research.table import METRICS
from hookline.session.feeding import load_bars
from hookline.session.plan import Plan
from hookline.signals import SignalStrategy
from hookline.strategy import Strategy

__all__ = ["CompiledRun"]

_YEAR = 365 * 86_400 * 10**9
_BAR_RUNS = 30_000_000
_MOST_RUNS = 256
_SUMS, _COUNTS, _ERROR = 14, 8, 7
_NO_LOGS = (0, 0, 0)
_ALL = Figures(returns=True, downside=True, drawdown=True, mean=True)
_FAILED = dict.fromkeys((*METRICS, "daily_sharpe"), float("nan"))
_DAY = 86_400 * 10**9


@dataclass
class _Job:
    """One strategy, ready for its kernel."""

    number: int
    strategy: SignalStrategy
    graph: Graph
    params: dict[str, float]
    decide: Callable[..., Any]
    sizer: tuple[int, float, float]

    @property
    def key(self) -> tuple[Any, ...]:
        """What jobs that run together have in common."""
        leaves = tuple(column.key for column in self.graph.leaves)
        return self.graph.shape, leaves, kinds_of(self.params), self.decide, self.sizer[0]


class CompiledRun:
    """A plan of one signal strategy on one instrument, compiled; any number of variants of the strategy run through it.

    May be used by several threads at a time: the loops run without Python's lock.

    Args:
        plan: What to run; its strategy is one of the variants.

    Raises:
        NotCompilable: if the plan asks for what only the event kernel does; ``reason`` says what.
        DataError: if the data is missing or cannot be trusted.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._seat = check_plan(plan)
        (request,) = plan.requests
        self._series: BarSeries = plan.loaded.get(request) or load_bars(plan.feed, request)
        begin = 0 if plan.begin is None else int(np.searchsorted(self._series.start, plan.begin))
        if begin >= len(self._series):
            raise NotCompilable("there are no bars from the begin of the run on")
        self._begin = begin
        self._terms = arrays_of(plan, self._seat.cash)
        self._hours = put_hours(self._terms[1], plan.rules, self._series.end)
        self._payments = payments_of(plan, self._series, begin)
        self._marks = marks_of(plan, self._series, self._payments)
        length = int(self._series.end[-1]) - int(self._series.start[begin])
        days = int(np.count_nonzero(np.diff((self._series.end[begin:] - 1) // _DAY))) + 1
        self._period = Period(len(self._series) - begin, length, self._seat.cash, days)
        self._bars = _rows(self._series)
        self._batch = Batch(self._series, plan.external)
        self._leaves: dict[bytes, NDArray[np.float64]] = {}
        self._constant: dict[type, frozenset[bytes]] = {}
        self._lock = threading.Lock()
        self._job(0, self._seat.strategy)

    def metrics(
        self,
        strategies: Sequence[SignalStrategy],
        progress: Callable[[int, int], None] | None = None,
        metrics: Sequence[str] = METRICS,
    ) -> list[dict[str, float]]:
        """Return the figures of each strategy, NaN in all of them where its run failed.

        A run fails where the event kernel raises, as with a size that is not finite: run it there to learn why.

        Args:
            strategies: Variants of the plan's strategy.
            progress: Called with how many are done and how many there are.
            metrics: Which of METRICS and ``daily_sharpe``, that of daily returns, not annualised; fewer take less time.

        Raises:
            NotCompilable: if one of the strategies cannot be compiled.
        """
        groups: dict[tuple[Any, ...], list[_Job]] = {}
        for number, strategy in enumerate(strategies):
            job = self._job(number, strategy)
            groups.setdefault(job.key, []).append(job)
        size = max(1, min(_MOST_RUNS, _BAR_RUNS // len(self._series)))
        found: list[dict[str, float]] = [{}] * len(strategies)
        done, figures = 0, figures_for(metrics)
        for jobs in groups.values():
            for first in range(0, len(jobs), size):
                part = jobs[first : first + size]
                for job, all_ in zip(part, self._figures(part, figures), strict=True):
                    found[job.number] = {name: all_[name] for name in metrics}
                done += len(part)
                if progress is not None:
                    progress(done, len(strategies))
        return found

    def record(self, strategy: SignalStrategy) -> RunRecord:
        """Return what a run leaves behind: orders, fills and payments as the event backtest makes them, without updates.

        Raises:
            NotCompilable: if the strategy cannot be compiled, or its run fails.
        """
        from hookline.research.compiled.recording import record_of

        job = self._job(0, strategy)
        try:
            _, _, _, counts = self._run([job], _ALL, _NO_LOGS)
        except (ArithmeticError, ValueError) as error:
            raise NotCompilable(f"{type(strategy).__name__}.decide: {error}") from error
        if counts[0, _ERROR]:
            raise NotCompilable(f"{type(strategy).__name__}: the run fails; the event kernel says why")
        rooms = (int(counts[0, 0]), int(counts[0, 1]), int(counts[0, 2]))
        f, k, _, _ = self._run([job], _ALL, rooms)
        return record_of(self.plan, strategy, self._series.slice(self._begin), f, k, rooms)

    def _figures(self, jobs: Sequence[_Job], figures: Figures) -> list[dict[str, float]]:
        try:
            _, _, sums, counts = self._run(jobs, figures, _NO_LOGS)
        # What Python's arithmetic raises, a decision raises here too, and it ends all that run with it.
        except (ArithmeticError, ValueError):
            if len(jobs) == 1:
                return [dict(_FAILED)]
            return [found for job in jobs for found in self._figures([job], figures)]
        return [self._of_job(*row, figures) for row in zip(jobs, sums, counts, strict=True)]

    def _of_job(self, job: _Job, sums: Any, counts: Any, figures: Figures) -> dict[str, float]:
        if counts[_ERROR]:
            return dict(_FAILED)
        if figures.returns and not is_sharp(sums, self._period):
            from hookline.reporting.result import Result
            from hookline.research.ledger.counting import daily_sharpe

            result = Result(self.record(job.strategy))
            known = {name: float(getattr(result.metrics, name)) for name in METRICS}
            return {**known, "daily_sharpe": daily_sharpe(result)}
        return figures_of(sums, counts, self._period)

    def _job(self, number: int, given: Strategy) -> _Job:
        strategy = check_strategy(given)
        kind: type[SignalStrategy] = type(strategy)
        decide, names = decide_of(kind)
        (instrument,) = self.plan.instruments.values()
        sizer: Sizer = self._seat.sizer or strategy.sizer()
        columns = columns_of(strategy, instrument.symbol)
        volatility = sizer.volatility(Bars(instrument.symbol), _YEAR / timeframe_ns(self.plan.timeframe))
        if kind not in self._constant:
            self._constant[kind] = constant_nodes(strategy, instrument.symbol)
        if volatility is not None:
            columns = {**columns, VOLATILITY: volatility}
        graph = graph_of(columns, self._constant[kind])
        params = parameters_of(strategy, names, instrument.can_short)
        return _Job(number, strategy, graph, params, decide, sizer_numbers(sizer))

    def _leaf(self, column: Column) -> NDArray[np.float64]:
        key = column.key
        if key not in self._leaves:
            with self._lock:
                (self._leaves[key],) = self._batch.compute([column], keep=False)
        return self._leaves[key]

    def _run(
        self, jobs: Sequence[_Job], figures: Figures, rooms: tuple[int, int, int]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Run jobs of one kind and return the arrays of the last one, and sums and counts of all."""
        one, series, payments = jobs[0], self._series, self._payments
        at_close, marks = bool(self._terms[1][at.FILLS_AT_CLOSE]), self._marks
        form = Form(
            kinds_of(one.params),
            figures,
            bool(len(payments)),
            has_watches(self.plan),
            at_close,
            marks is not None,
        )
        run = kernel_of(type(self._seat.strategy).name, one.graph, form, one.decide)
        f_start, k_start = self._terms[0].copy(), self._terms[1].copy()
        k_start[at.ORDER_ROOM], k_start[at.FILL_ROOM], k_start[at.PAYMENT_ROOM] = rooms
        k_start[at.SIZER] = one.sizer[0]
        orders, fills, paid = rooms
        f = np.zeros(at.F_LOG + orders * at.F_WIDTH + fills * at.FILL_F_WIDTH + paid)
        k_start[at.HOURS] = at.K_LOG + orders * at.K_WIDTH + fills * at.FILL_K_WIDTH + paid
        k = np.concatenate([np.zeros(k_start[at.HOURS], np.int64), self._hours])
        floats, ints, rings = _numbers(jobs)
        sums, counts = np.zeros((len(jobs), _SUMS)), np.zeros((len(jobs), _COUNTS), np.int64)
        run(
            self._begin, series.duration, self._bars, self._bars.view(np.int64),
            payments.bar, payments.is_after, payments.time, payments.rate, payments.is_interest, *(marks or ()),
            *(self._leaf(column) for column in one.graph.leaves), floats, ints, rings, f_start, k_start, f, k, f.ctypes.data, k.ctypes.data,
            sums, counts,
        )  # fmt: skip
        return f, k, sums, counts


def _rows(series: BarSeries) -> NDArray[np.float64]:
    """Return bars as rows of their prices and, in the bits of the last number, their starts."""
    rows = np.empty((len(series), 5))
    for column, name in enumerate(series.PRICES):
        rows[:, column] = getattr(series, name)
    rows.view(np.int64)[:, 4] = series.start
    return rows


def _numbers(jobs: Sequence[_Job]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of jobs, a row for each, and their arrays one after the other."""
    floats, ints, rings, size = [], [], [], 0
    for job in jobs:
        whole, places = list(job.graph.ints), iter(_ring_places(job.graph))
        for ring in job.graph.rings:
            whole[next(places)] = size
            size += len(ring)
            rings.append(ring)
        decided = job.params.values()
        whole += [int(value) for value in decided if isinstance(value, int)]
        ints.append(whole or [0])
        floats.append([*job.graph.floats, *(v for v in decided if not isinstance(v, int)), *job.sizer[1:]])
    return (
        np.array(floats, np.float64).reshape(len(jobs), -1),
        np.array(ints, np.int64).reshape(len(jobs), -1),
        np.concatenate(rings) if rings else np.empty(0),
    )


def _ring_places(graph: Graph) -> list[int]:
    """Return where in the ints of a graph the begins of its arrays are."""
    places, at_ = [], 0
    for step in graph.steps:
        at_ += sum(kind is int for kind in step.params)
        for kind in step.state:
            if kind is np.ndarray:
                places.append(at_)
                at_ += 2
            elif kind is int:
                at_ += 1
    return places
