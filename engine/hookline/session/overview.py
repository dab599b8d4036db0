"""Where a session stands, from its journal and its last sign of life."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.clock import SystemClock, isoformat
from hookline.journal import read_journal
from hookline.journal.connect import reading
from hookline.journal.content import JournalContent
from hookline.journal.lines import last_commit, lines_after
from hookline.journal.lock import owner_of
from hookline.journal.segments import journal_path, segments
from hookline.session.pulse import read_status

__all__ = ["Holding", "Overview", "overview_of"]

_DAY = 86_400 * 10**9
_LATEST = 5
_LOOKED_AT = 200  # commits
_DULL = frozenset({"bar", "state", "balance", "session"})


@dataclass(frozen=True)
class Holding:
    """A position of a strategy; ``profit`` is what it has gained so far at the last price, in quote currency."""

    strategy: str
    position: str
    quantity: float
    entry_price: float
    last: float
    profit: float


@dataclass(frozen=True)
class Overview:
    """A session at a glance. Times are nanoseconds UTC; money is in the session's currency, NaN where it is not known.

    ``state`` is ``running``, ``finished``, ``interrupted``, ``failed`` or ``dead``: a process that ended without saying so.
    """

    name: str
    mode: str
    currency: str
    state: str
    pid: int | None
    starts: int
    time: int
    equity: float
    today: float
    cash: Mapping[str, Mapping[str, float]]
    holdings: list[Holding]
    orders: list[str]
    halted: str
    feed: str
    data_age_seconds: float | None
    feed_lag_seconds: float | None
    slowest_event_ms: float | None
    warnings: Mapping[str, int]
    decisions: list[str]
    latest: list[str]


def overview_of(folder: Path) -> Overview:
    """Return where a session stands; its process may be writing meanwhile.

    Raises:
        JournalError: if there is no journal, or it cannot be read.
    """
    path = journal_path(folder)
    content = read_journal(path, last_segment=True)
    pid, status = owner_of(path), read_status(path.parent)
    is_running = pid is not None
    age = _age(status) if is_running else None
    kernel = content.states.get("kernel", {})
    last = {symbol: _number(known[0]) for symbol, known in kernel.get("markets", {}).items()}
    equity = _number(status.get("equity"))
    return Overview(
        name=content.header.name,
        mode=content.header.mode,
        currency=content.header.currency,
        state=_state(content, status, is_running=is_running),
        pid=pid,
        starts=_starts(path),
        time=max(content.time, status.get("event_time", 0) if is_running else 0),
        equity=equity,
        today=_today(status, content.time, equity),
        cash={id_: dict(ledger.cash) for id_, ledger in content.ledgers.items()},
        holdings=_holdings(content, last),
        orders=[f"{order!r}"[6:-1] for order in content.open_orders],
        halted=content.halted,
        feed=_feed(status, is_running=is_running),
        data_age_seconds=age,
        feed_lag_seconds=status.get("feed_lag_seconds") if is_running else None,
        slowest_event_ms=status.get("slowest_event_ms") if is_running else None,
        warnings=kernel.get("warnings", {}),
        decisions=[
            f"{isoformat(one.time)} {one.rule} {one.verdict} {one.strategy}: {one.reason}"
            for one in content.decisions[-_LATEST:]
        ],
        latest=_latest(path),
    )


def _starts(path: Path) -> int:
    """Return how often the session was started; the content has the last file's starts alone."""
    count = 0
    for file in segments(path):
        with reading(file) as connection:
            count += int(connection.execute("SELECT count(*) FROM starts").fetchone()[0])
    return count


def _state(content: JournalContent, status: Mapping[str, Any], *, is_running: bool) -> str:
    if is_running:
        return "running"
    written = status.get("state")
    if written in ("finished", "interrupted", "failed") and content.stops:
        return str(written)
    return content.stops[-1].reason if content.stops and written is None else "dead"


def _feed(status: Mapping[str, Any], *, is_running: bool) -> str:
    if not is_running:
        return "not running"
    return "stalled" if status.get("stalled") else "alive"


def _age(status: Mapping[str, Any]) -> float | None:
    """Return how old the data is: at the last sign of life, and what has passed since."""
    if "written" not in status:
        return None
    since = max(0.0, (SystemClock().now - int(status["written"])) / 1e9)
    return float(status.get("data_age_seconds", 0.0)) + since


def _today(status: Mapping[str, Any], time: int, equity: float) -> float:
    day = status.get("day", {})
    if day.get("day") != time // _DAY:
        return math.nan
    return equity - _number(day.get("equity"))


def _holdings(content: JournalContent, last: Mapping[str, float]) -> list[Holding]:
    held = []
    for id_, ledger in content.ledgers.items():
        for name, position in ledger.positions.items():
            if position.lots:
                price = last.get(position.symbol, math.nan)
                profit = position.quantity * (price - position.entry_price)
                held.append(Holding(id_, name, position.quantity, position.entry_price, price, profit))
    return held


def _latest(path: Path) -> list[str]:
    lines = [line for _, line in lines_after(path, max(0, last_commit(path) - _LOOKED_AT))]
    return [line for line in lines if not set(line.split()[1:2]) & _DULL][-_LATEST:]


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
