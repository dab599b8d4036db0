"""The look-ahead check: change the future, and nothing that was done before may change.

A session is run once as it is. Then, at some times, everything after the cut is deleted, and drawn anew at random: bars of every
instrument, volumes, mark prices, funding, external series, tapes, and the data that strategies are given as parameters. Every
request up to the cut (orders, amendments, cancels, with their terms) and every value of every column up to it must be the same.

A leak of one bar shows only where the next bar decides, so half of the cuts are made where the session sent something. What was made with
the future before the session sees it cannot be changed so; it is looked for by what it foresees, see
:mod:`hookline.research.peeking.foresight`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hookline import plugins
from hookline.errors import DataError
from hookline.research.peeking.code import Global, forget
from hookline.research.peeking.comparing import Comparison, compare_feed
from hookline.research.peeking.held import changed, held_by, hidden
from hookline.research.peeking.inputs import FutureChange, alter_inputs, sort_inputs
from hookline.research.peeking.market import MarketCopy
from hookline.research.peeking.reads import watch_reads
from hookline.research.peeking.report import LookAheadFinding, LookAheadKind, LookAheadReport
from hookline.research.peeking.runs import Trace, quiet, trace
from hookline.research.peeking.suspecting import suspicions
from hookline.research.study import Job, Study

if TYPE_CHECKING:
    from hookline.session.plan import Plan

__all__ = ["LookAheadFinding", "LookAheadKind", "LookAheadReport", "check_look_ahead"]

Plans = Callable[[], "Plan"]
_VARIANTS = 3  # of each cut: one with the future deleted, the others with one drawn anew
_FEWEST_BARS = 20


def check_look_ahead(
    study: Study | Plans,
    *,
    job: Job | None = None,
    cuts: int = 10,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> LookAheadReport:
    """Change the future of a session at some times and report what changes before.

    Args:
        study: The session; or a function that returns a new plan of it each time, for strategies that hold data in memory.
        job: Which variant of the study; the session as it is by default.
        cuts: How many times to cut at, at least 1.
        seed: Of the times and of the futures that are drawn.
        progress: Called with how many runs are done, and of how many.

    Raises:
        ConfigError: if a parameter breaks its rule.
        DataError: if the data is missing, cannot be trusted, or is less than 20 bars.
        StrategyError: if a strategy raises on the data as it is.
        ValueError: if there are no cuts.
    """
    if cuts < 1:
        raise ValueError(f"cuts: must be at least 1, was {cuts!r}")
    plans = _plans_of(study, job)
    with (
        plugins.remembering(),
        tempfile.TemporaryDirectory(prefix="hookline-") as folder,
        watch_reads() as reads,
    ):
        return _Check(plans, Path(folder), seed, progress).run(cuts, reads)


def _plans_of(study: Study | Plans, job: Job | None) -> Plans:
    return (lambda: study.plan(job or Job())) if isinstance(study, Study) else study


class _Check:
    """One check of one session."""

    def __init__(
        self, plans: Plans, folder: Path, seed: int, progress: Callable[[int, int], None] | None
    ) -> None:
        self._plans = plans
        self._folder = folder
        self._seed = seed
        self._progress = progress
        self._runs = 0
        self._plan = plans()
        self._market = MarketCopy.of(self._plan)
        lengths = {symbol: len(one) for symbol, one in self._market.bars.items()}
        if min(lengths.values()) < _FEWEST_BARS:
            raise DataError(
                f"{self._plan.name}: a look-ahead check needs {_FEWEST_BARS} bars or more, were {lengths}"
            )
        # Arrays as parameters are as long as the bars of the first instrument.
        self._ends = next(iter(self._market.bars.values())).end
        self._plugins = [plugin for _, plugin in _plugins(self._plan)]
        self._held: list[Global] = []
        self._ticks = {symbol: float(one.tick_size) for symbol, one in self._plan.instruments.items()}

    def run(self, cuts: int, reads: set[str]) -> LookAheadReport:
        total = 2 + cuts * _VARIANTS
        forget(*map(type, self._plugins))  # so that what they read is seen being read
        whole = self._trace(self._market, None, total)
        self._held = held_by(
            self._plugins, self._ends
        )  # once it ran: some read their data when they first need it
        if whole.failure is not None:
            raise whole.failure
        comparison = Comparison(whole, self._market)
        comparison.expect_same(self._trace(self._market, None, total))
        times = self._times(whole, cuts)
        for number, cut in enumerate(times):
            for variant, (market, change) in enumerate(self._variants(cut, number)):
                # With the future deleted, what is due after the last event waits for one that never comes.
                until = market.last_event(cut) if variant == 0 else cut
                comparison.compare(self._trace(market, change, total), until, is_deleted=variant == 0)
        findings = comparison.findings()
        if not self._plan.feed.is_live:
            findings += compare_feed(self._plan, self._market, times[:2])
        findings += suspicions(self._plan, self._market, whole, self._held, findings)
        return LookAheadReport(
            self._plan.name,
            tuple(findings),
            tuple(times),
            self._runs,
            tuple(self._checked(whole)),
            tuple(self._unseen(reads)),
        )

    def _variants(self, cut: int, number: int) -> Iterator[tuple[MarketCopy, FutureChange]]:
        """Yield other futures: none first, then some at random."""
        for variant in range(_VARIANTS):
            draws = np.random.default_rng([self._seed, 1, number, variant]) if variant else None
            market = (
                self._market.deleted(cut) if draws is None else self._market.redrawn(cut, self._ticks, draws)
            )
            folder = self._folder / f"{number}-{variant}"
            yield market, FutureChange(cut, draws, self._ends, folder)

    def _trace(self, market: MarketCopy, change: FutureChange | None, total: int) -> Trace:
        with quiet() if self._runs else nullcontext():
            made = self._run(market, change)
        self._runs += 1
        if self._progress is not None:
            self._progress(self._runs, total)
        return made

    def _run(self, market: MarketCopy, change: FutureChange | None) -> Trace:
        if change is None:
            return trace(market.put_into(self._plans()))
        with changed(self._plugins, self._held, change):
            plan = _altered(self._plans(), change)
            made = trace(market.put_into(plan), market.next_event(change.cut))
        shutil.rmtree(change.folder, ignore_errors=True)
        return made

    def _times(self, whole: Trace, count: int) -> list[int]:
        """Return when to cut: half of the times where the session sent something, the rest anywhere."""
        series = self._market.bars.values()
        first = max(int(one.end[0]) for one in series)
        last = max(int(one.end[-1]) for one in series)
        ends = np.unique(np.concatenate([one.end for one in series]))
        ends = ends[(ends >= first) & (ends < last)]
        if not len(ends):
            raise DataError(f"{self._plan.name}: there is no time at which all instruments have bars")
        asked = np.unique([one.time for one in whole.requests if first <= one.time < last]).astype(np.int64)
        draws = np.random.default_rng([self._seed, 0])
        chosen = draws.choice(asked, size=min(len(asked), (count + 1) // 2), replace=False).tolist()
        rest = np.setdiff1d(ends, chosen)
        chosen += draws.choice(rest, size=min(len(rest), count - len(chosen)), replace=False).tolist()
        return sorted(int(cut) for cut in chosen)

    def _checked(self, whole: Trace) -> Iterator[str]:
        yield f"{len(whole.requests):,} requests and {len(whole.denied):,} denied orders"
        if whole.columns:
            yield f"{len(whole.columns)} columns: {', '.join(dict.fromkeys(one.name for one in whole.columns))}"
        for name, plugin in _plugins(self._plan):
            data, _ = sort_inputs(plugin, self._ends)
            if data:
                yield (
                    f"{name}: with the data in {', '.join(data)} changed as well "
                    f"(rows with open, high, low and close count as bars named by their start)"
                )

        for one in self._held:
            yield f"{one.where}: with the data in {one.name} changed as well"

    def _unseen(self, reads: set[str]) -> Iterator[str]:
        if self._plan.feed.is_live:
            yield "whether the feed gives the same bars when asked for fewer: it would have to ask the venue"
        for name, plugin in _plugins(self._plan):
            for what in sort_inputs(plugin, self._ends)[1]:
                yield f"{name}: parameter {what} is no table with times, and stayed as it is"
        yield from hidden(self._plugins, self._ends)
        for path in sorted(reads):
            if not Path(path).is_relative_to(self._folder) and path not in self._given():
                yield f"{path} was read by a strategy itself, and stayed as it is; give its path as a parameter"
        if not any(self._plan.tapes.values()):
            return
        yield "prices on the tape: only its quantities were drawn anew; all of it was deleted after the cuts"

    def _given(self) -> set[str]:
        """Return the files among the parameters."""
        values = [value for _, plugin in _plugins(self._plan) for value in vars(plugin).values()]
        values += [one.value for one in self._held]
        return {str(Path(value)) for value in values if isinstance(value, str | Path)}


def _plugins(plan: Plan) -> Iterator[tuple[str, object]]:
    """Yield what decides about orders, with what to call it: strategies, their sizers, risk rules."""
    for seat in plan.seats:
        yield seat.id, seat.strategy
        if seat.sizer is not None:
            yield f"sizer of {seat.id}", seat.sizer
    for rule in plan.rules:
        yield f"risk rule {rule.name}", rule


def _altered(plan: Plan, change: FutureChange) -> Plan:
    """Return the plan with the data that its plugins are given changed."""
    seats = [
        replace(
            seat,
            strategy=alter_inputs(seat.strategy, change),
            sizer=None if seat.sizer is None else alter_inputs(seat.sizer, change),
        )
        for seat in plan.seats
    ]
    return replace(plan, seats=seats, rules=[alter_inputs(rule, change) for rule in plan.rules])
