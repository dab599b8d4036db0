"""The warm-up check: how much history a session needs before it decides as one that has run for long.

Live and on paper a session begins with some bars of history (``stream.warmup_bars``), and so does each window of a walk-forward. If
that is too little, indicators still carry what they began with, and orders differ from those of the backtest.

- Each column is computed on bars that begin at several places; :mod:`hookline.research.warming.columns` tells when it has settled.
- Trading is begun at some times with all of the history, and with the session's warm-up only: the orders must be the same.
- What strategies keep by themselves cannot be warmed up with bars. How far orders agree in the second half, wherever the data begins,
  is told but not judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from hookline import plugins
from hookline.clock import isoformat
from hookline.errors import DataError
from hookline.model import BarSeries
from hookline.research.peeking.market import MarketCopy
from hookline.research.peeking.runs import Trace, columns_in_use, quiet, trace
from hookline.research.study import Job, Study
from hookline.research.warming.columns import Settling, settle
from hookline.signals import SignalStrategy

if TYPE_CHECKING:
    from hookline.session.plan import Plan
    from hookline.testing.recording import Request

__all__ = ["WarmUpFinding", "WarmUpReport", "check_warm_up"]

Plans = Callable[[], "Plan"]
_FEWEST_BARS = 20
_COLUMN_STARTS = 4  # for each one of orders


@dataclass(frozen=True)
class WarmUpFinding:
    """One thing that is not warm in time.

    Args:
        kind: ``column`` one that needs more bars of history, ``endless`` one that never settles, ``order`` requests that differ.
        where: What it is.
        text: What was found.
    """

    kind: Literal["column", "endless", "order"]
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


@dataclass(frozen=True)
class WarmUpReport:
    """What came of a warm-up check.

    Attributes:
        name: Of the session.
        findings: What is not warm in time.
        warmup_bars: The history that was checked.
        recommended: Bars of history after which every column that settles has settled.
        columns: How each column settles.
        notes: What else a reader should know.
    """

    name: str
    findings: tuple[WarmUpFinding, ...]
    warmup_bars: int
    recommended: int
    columns: tuple[Settling, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether the history is enough for every column and every order."""
        return not self.findings

    @property
    def lines(self) -> list[str]:
        """The report as lines for people."""
        enough = "is enough" if self.is_clean else "is not enough"
        found = [f"{self.name}: a warm-up of {self.warmup_bars:,} bars {enough}"]
        found += [f"  {one}" for one in self.findings]
        found += [f"  {one}" for one in self.columns]
        if self.recommended > self.warmup_bars:
            found.append(f"  say stream: {{warmup_bars: {self.recommended}}}")
        found += [f"  note: {one}" for one in self.notes]
        return found


def check_warm_up(
    study: Study | Plans,
    *,
    job: Job | None = None,
    warmup_bars: int | None = None,
    starts: int = 5,
    tolerance: float = 1e-3,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> WarmUpReport:
    """Begin the history of a session at other bars and report what still differs once it is warm.

    Args:
        study: The session; or a function that returns a new plan of it each time.
        job: Which variant of the study; the session as it is by default.
        warmup_bars: History to be judged; the session's ``stream.warmup_bars`` by default.
        starts: How many other beginnings to try, at least 1.
        tolerance: Relative difference of a column that does not matter.
        seed: Of the beginnings.
        progress: Called with how many steps are done, and of how many.

    Raises:
        ConfigError: if a parameter breaks its rule.
        DataError: if the data is missing, cannot be trusted, or is less than 20 bars.
        StrategyError: if a strategy raises.
        ValueError: if there are no starts, or the tolerance is below zero.
    """
    if starts < 1 or not tolerance >= 0.0:
        raise ValueError(f"starts and tolerance: must be at least 1 and 0, were {starts!r} and {tolerance!r}")
    plans = (lambda: study.plan(job or Job())) if isinstance(study, Study) else study
    with plugins.remembering(), quiet():
        return _Check(plans, warmup_bars, seed, starts, progress).run(tolerance)


class _Check:
    """One check of one session."""

    def __init__(
        self,
        plans: Plans,
        warmup_bars: int | None,
        seed: int,
        starts: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._plans = plans
        self._plan = plan = plans()
        self._market = MarketCopy.of(plan)
        self._history = plan.warmup_bars if warmup_bars is None else warmup_bars
        lengths = {symbol: len(one) for symbol, one in self._market.bars.items()}
        if min(lengths.values()) < _FEWEST_BARS:
            raise DataError(f"{plan.name}: a warm-up check needs {_FEWEST_BARS} bars or more, were {lengths}")
        self._draws = np.random.default_rng(seed)
        self._starts = starts
        self._progress = progress
        self._done = 0

    def run(self, tolerance: float) -> WarmUpReport:
        plan, market = self._plan, self._market
        columns = columns_in_use(market.put_into(self._plans()))
        # Columns are cheap, so they begin at more places.
        starts = self._draws.uniform(0.0, 0.5, _COLUMN_STARTS * self._starts).tolist()
        settlings = settle(columns, market.bars, market.external, starts, tolerance)
        self._step()
        findings = list(self._of_columns(settlings))
        notes: list[str] = []
        if plan.tapes:
            notes.append("the session follows a tape, so its orders were not compared: a tape has no warm-up")
        elif columns:
            findings += self._of_orders(notes)
        if not plan.tapes and any(not isinstance(seat.strategy, SignalStrategy) for seat in plan.seats):
            notes += self._agreement(starts[: self._starts])
        settled = [one.settled for one in settlings if one.settled is not None]
        return WarmUpReport(
            plan.name,
            tuple(findings),
            self._history,
            _rounded(max(settled, default=0)),
            tuple(settlings),
            tuple(notes),
        )

    def _of_columns(self, settlings: list[Settling]) -> Iterator[WarmUpFinding]:
        for one in settlings:
            where = str(one.place)
            if one.is_endless:
                yield WarmUpFinding(
                    "endless", where, "depends on where the data begins, so no warm-up is enough"
                )
            elif one.settled is None:
                yield WarmUpFinding("column", where, f"needs more than the {one.bars:,} bars that there are")
            elif one.settled > self._history:
                yield WarmUpFinding("column", where, f"needs {one.settled:,} bars, has {self._history:,}")

    def _of_orders(self, notes: list[str]) -> Iterator[WarmUpFinding]:
        """Begin to trade at some times, with all of the history and with the warm-up only."""
        longest = max(self._market.bars.values(), key=len)
        first = max(self._history, len(longest) // 3)
        if first >= len(longest) - 2:
            notes.append(
                f"{len(longest):,} bars are too few to compare orders after a warm-up of {self._history:,}"
            )
            return
        for row in sorted(self._draws.integers(first, len(longest) - 1, self._starts).tolist()):
            begin = int(longest.start[row])
            short = {
                symbol: one.between(begin - self._history * one.duration, None)
                for symbol, one in self._market.bars.items()
            }
            if not all(len(one.between(None, begin)) or not self._history for one in short.values()):
                notes.append(f"not every instrument has bars before {isoformat(begin)}")
                continue
            whole, cold = self._begun(begin, self._market.bars), self._begun(begin, short)
            text = _difference(whole.requests, cold.requests) or _difference(whole.denied, cold.denied)
            if text:
                where = f"orders from {isoformat(begin)} on"
                yield WarmUpFinding(
                    "order", where, f"with {self._history:,} bars before instead of all, {text}"
                )

    def _begun(self, begin: int, bars: Mapping[str, BarSeries]) -> Trace:
        found = trace(replace(replace(self._market, bars=bars).put_into(self._plans()), begin=begin))
        if found.failure is not None:
            raise found.failure
        self._step()
        return found

    def _agreement(self, starts: list[float]) -> Iterator[str]:
        """Tell how far orders agree in the second half, wherever the data begins."""
        longest = max(self._market.bars.values(), key=len)
        middle = int(longest.start[len(longest) // 2])
        runs = []
        for start in (0.0, *starts):
            since = int(longest.start[round(start * (len(longest) - 1))])
            bars = {symbol: one.between(since, None) for symbol, one in self._market.bars.items()}
            if all(len(one) for one in bars.values()):
                found = trace(replace(self._market, bars=bars).put_into(self._plans()))
                runs.append(_kinds(found, middle))
                self._step()
        whole, *later = runs
        shares = [len(whole & one) / len(whole | one) for one in later if whole | one]
        if shares:
            yield (
                f"wherever the data begins, at least {min(shares):.0%} of the orders of the second half are the same but for their sizes; "
                f"what a strategy keeps by itself is not warmed up"
            )

    def _step(self) -> None:
        self._done += 1
        if self._progress is not None:
            event = any(not isinstance(seat.strategy, SignalStrategy) for seat in self._plan.seats)
            total = 1 + 2 * self._starts + (1 + self._starts) * event
            self._progress(self._done, max(total, self._done))


def _difference(whole: Sequence[Request], cold: Sequence[Request]) -> str:
    """Return the first request that differs as text, nothing if none does."""
    for number, (one, other) in enumerate(zip(whole, cold, strict=False)):
        if one != other:
            return f"request {number + 1} of {len(whole):,} differs: {_shown(one)} becomes {_shown(other)}"
    return "" if len(whole) == len(cold) else f"there are {len(cold):,} requests instead of {len(whole):,}"


def _shown(one: Request) -> str:
    return f"{isoformat(one.time)} {one.text}"


def _kinds(found: Trace, since: int) -> set[tuple[int, str, int, str]]:
    """Return orders from a time on without their sizes, which depend on what was earned before."""
    return {
        (one.time, one.symbol, int(one.side), one.type.value) for one in found.orders if one.time >= since
    }


def _rounded(bars: int) -> int:
    """Return a number of bars rounded up to two digits."""
    if bars < 100:
        return bars
    step = int(10 ** (int(math.log10(bars)) - 1))
    return -(-bars // step) * step
