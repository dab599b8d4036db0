"""How much of a session its recording holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hookline.clock import isoformat
from hookline.data.recording import Entry
from hookline.journal.content import JournalContent
from hookline.model import Bar, BookUpdate

__all__ = ["Coverage", "coverage_of"]

_SILENT_SECONDS = 60.0


@dataclass(frozen=True)
class Coverage:
    """What was recorded. Times are nanoseconds UTC, 0 for none.

    ``problems`` name what the session handled and the recording lacks: the comparison is then of a part, or wrong. ``notes`` name what was
    late, lost or missing while the session ran; that is what the part ``missed`` is about.
    """

    events: int
    first: int
    last: int
    problems: Sequence[str] = field(default_factory=tuple)
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def is_whole(self) -> bool:
        """Whether the recording holds all that the session handled."""
        return not self.problems


def coverage_of(content: JournalContent, entries: Sequence[Entry]) -> Coverage:
    """Return how much of a session its recording holds."""
    handled = [entry for entry in entries if entry.kind not in ("start", "stop", "warm", "late", "lost")]
    times = [entry.time for entry in handled]
    first, last = (min(times), max(times)) if times else (0, 0)
    end = max([last, *(entry.time for entry in entries if entry.kind == "stop")])
    problems = [*_missing_bars(content, handled), *_outside_times(content, first, end)]
    return Coverage(
        len(handled), first, last, tuple(problems), tuple(_notes(content, entries, (end - last) / 1e9))
    )


def _missing_bars(content: JournalContent, handled: Sequence[Entry]) -> list[str]:
    recorded: dict[str, set[int]] = {}
    for bar in (one for entry in handled if entry.kind == "bar" for one in entry.events):
        if isinstance(bar, Bar):
            recorded.setdefault(bar.symbol, set()).add(bar.start)
    problems = []
    for symbol, series in content.series.items():
        lacking = [start for start in series.start.tolist() if start not in recorded.get(symbol, set())]
        if lacking:
            problems.append(
                f"{symbol}: {len(lacking):,} of {len(series):,} bars that the session handled were not recorded, "
                f"the first of {isoformat(lacking[0])}"
            )
    return problems


def _outside_times(content: JournalContent, first: int, last: int) -> list[str]:
    """Tell of orders before the recording begins and after it ends."""
    sent = [order for order in content.orders if order.tag != "reconciled"]
    early = sum(order.time < first for order in sent) if first else len(sent)
    late = sum(order.time > last for order in sent) if last else 0
    problems = []
    # Strategies may order when they start, before the first event.
    begun = content.first_time and first and first > content.first_time and early
    if begun:
        problems.append(f"{early:,} orders were made before the recording begins ({isoformat(first)})")
    if late and content.position.get("tape"):
        problems.append(f"{late:,} orders were made after the recording ends ({isoformat(last)})")
    return problems


def _notes(content: JournalContent, entries: Sequence[Entry], silent_seconds: float) -> list[str]:
    notes = []
    count = Counter(entry.kind for entry in entries)
    if count["late"]:
        notes.append(f"{count['late']:,} bars came too late or twice and were dropped")
    if count["lost"]:
        notes.append(f"{count['lost']:,} messages came too late and were dropped; what they said is not kept")
    books: Counter[str] = Counter()
    for event in (one for entry in entries if entry.kind == "b" for one in entry.events):
        if isinstance(event, BookUpdate) and event.is_snapshot:
            books[event.symbol] += 1
    notes += [
        f"{symbol}: the book began anew {times - 1:,} times" for symbol, times in books.items() if times > 1
    ]
    for symbol, series in content.series.items():
        lacking = int((series.end[-1] - series.start[0]) // series.duration) - len(series)
        if lacking > 0:
            notes.append(f"{symbol}: {lacking:,} bars never came, or while the session did not run")
    if silent_seconds > _SILENT_SECONDS:
        notes.append(f"nothing came in the last {silent_seconds:,.0f} s before the session stopped")
    if len(content.starts) > 1:
        notes.append(f"the session was started {len(content.starts):,} times; it is run again as one")
    return notes
