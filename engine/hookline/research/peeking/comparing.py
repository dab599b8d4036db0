"""Compare a run with one that had another future, and sum up what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from hookline.clock import isoformat
from hookline.errors import HooklineError
from hookline.model import BarSeries
from hookline.research.peeking.market import MarketCopy
from hookline.research.peeking.report import LookAheadFinding
from hookline.research.peeking.runs import Place, Read, Trace
from hookline.testing.recording import Request

if TYPE_CHECKING:
    from hookline.session.plan import Plan

__all__ = ["Comparison", "compare_feed"]


@dataclass
class _Differences:
    """What differed at one place, over all cuts."""

    example: str
    cuts: set[int] = field(default_factory=set)
    bars: int = 0
    is_whole: bool = True


class Comparison:
    """A run and how those with other futures differ from it."""

    def __init__(self, whole: Trace, market: MarketCopy) -> None:
        self._whole = whole
        self._market = market
        self._owners = {order.number: order.strategy for order in whole.orders}
        self._columns: dict[Place, _Differences] = {}
        self._orders: dict[str, _Differences] = {}
        self._errors: dict[str, _Differences] = {}
        self._unsteady: list[LookAheadFinding] = []

    def expect_same(self, again: Trace) -> None:
        """Note what a second run on the same data does otherwise: then no comparison means anything."""
        found = _first_difference(self._whole.requests, again.requests)
        if found is not None:
            text = f"a second run on the same data differs: {_change(*found)}; take randomness from ctx.rng"
            self._unsteady.append(LookAheadFinding("unsteady", self._owner(*found), text))

    def compare(self, other: Trace, cut: int, *, is_deleted: bool) -> None:
        """Note what differs up to a cut."""
        done = f"the data after {isoformat(cut)} is {'deleted' if is_deleted else 'drawn anew'}"
        if other.failure is not None and other.failed <= cut:
            where, _, what = str(other.failure).splitlines()[0].partition(": ")
            self._errors.setdefault(where, _Differences(f"raises once {done}: {what}")).cuts.add(cut)
            return
        for name in ("requests", "denied"):
            before = [one for one in getattr(self._whole, name) if one.time <= cut]
            after = [one for one in getattr(other, name) if one.time <= cut]
            found = _first_difference(before, after)
            if found is not None:
                text = f"once {done}, {_change(*found)}"
                self._orders.setdefault(self._owner(*found), _Differences(text)).cuts.add(cut)
        if other.failure is None:
            for place, read in self._whole.columns.items():
                self._compare_column(place, read, other.columns.get(place), cut, done)

    def _compare_column(self, place: Place, before: Read, after: Read | None, cut: int, done: str) -> None:
        count = int(np.searchsorted(before.end, cut, side="right"))
        if after is None:
            self._columns.setdefault(place, _Differences(f"is not read once {done}")).cuts.add(cut)
            return
        one, other = before.values[:count], after.values[:count]
        rows = np.flatnonzero(~((one == other) | (np.isnan(one) & np.isnan(other))))
        if not len(rows):
            return
        row = int(rows[-1])
        text = f"at {isoformat(int(before.end[row]))} it is {one[row]:.6g}, and {other[row]:.6g} once {done}"
        noted = self._columns.setdefault(place, _Differences(text))
        noted.cuts.add(cut)
        noted.bars = max(noted.bars, count - int(rows[0]))
        known = np.flatnonzero(~np.isnan(one))
        noted.is_whole &= not len(known) or int(rows[0]) <= int(known[0])

    def _owner(self, before: Request | None, after: Request | None) -> str:
        """Return the strategy whose request differs, or all where that cannot be told."""
        for one in (before, after):
            number = None if one is None else re.search(r"\d+", one.text)
            if number is not None and int(number[0]) in self._owners:
                return self._owners[int(number[0])]
        return ", ".join(sorted(set(self._owners.values()))) or "orders"

    def findings(self) -> list[LookAheadFinding]:
        """Return what differed: of each place once, with how often."""
        found = list(self._unsteady)
        for place, one in self._columns.items():
            reach = (
                "looks at the whole sample"
                if one.is_whole
                else f"looks {one.bars} bar{'s' * (one.bars != 1)} ahead"
            )
            text = f"{reach}: {one.example} (it is {self._text(place)}; {_times(one)})"
            found.append(LookAheadFinding("column", str(place), text, one.bars))
        found += [
            LookAheadFinding("order", f"{owner}: orders", f"know the future: {one.example} ({_times(one)})")
            for owner, one in self._orders.items()
        ]
        found += [
            LookAheadFinding("error", where, f"{one.example} ({_times(one)})")
            for where, one in self._errors.items()
        ]
        return found

    def _text(self, place: Place) -> str:
        return self._whole.columns[place].text


def _times(one: _Differences) -> str:
    return f"at {len(one.cuts)} cut{'s' * (len(one.cuts) != 1)}"


def _first_difference(
    before: Sequence[Request], after: Sequence[Request]
) -> tuple[Request | None, Request | None] | None:
    for one, other in zip(before, after, strict=False):
        if one != other:
            return one, other
    if len(before) == len(after):
        return None
    least = min(len(before), len(after))
    return (before[least], None) if len(before) > least else (None, after[least])


def _change(before: Request | None, after: Request | None) -> str:
    if before is None:
        return f"there is {_shown(after)}"
    return f"{_shown(before)} {'is gone' if after is None else f'becomes {_shown(after)}'}"


def _shown(one: Request | None) -> str:
    return "nothing" if one is None else f"{isoformat(one.time)} {one.text}"


def compare_feed(plan: Plan, market: MarketCopy, cuts: Sequence[int]) -> Iterator[LookAheadFinding]:
    """Ask the feed for the bars up to some cuts alone: they must be those that it gives when asked for more."""
    from hookline.session.feeding import load_bars

    for request in plan.requests:
        whole = market.bars[request.symbol]
        for cut in cuts:
            until = cut - whole.duration + 1
            expected = whole.between(None, until)
            try:
                found = load_bars(plan.feed, replace(request, until=until))
            except HooklineError as error:
                yield LookAheadFinding(
                    "feed",
                    f"feed {plan.feed.name!r}",
                    f"has no bars of {request.symbol} up to {isoformat(cut)}: {error}",
                )
                break
            text = _bars_differ(expected, found)
            if text:
                where = f"feed {plan.feed.name!r}: {request.symbol}"
                yield LookAheadFinding(
                    "feed", where, f"gives other bars when asked up to {isoformat(cut)} only: {text}"
                )
                break


def _bars_differ(expected: BarSeries, found: BarSeries) -> str:
    if not np.array_equal(expected.start, found.start):
        return f"{len(found):,} instead of {len(expected):,}, or at other times"
    for name in BarSeries.COLUMNS:
        one, other = getattr(expected, name), getattr(found, name)
        rows = np.flatnonzero(one != other)
        if len(rows):
            row = int(rows[0])
            return f"the {name} of {isoformat(int(expected.start[row]))} is {one[row]:.8g}, and then {other[row]:.8g}"
    return ""
