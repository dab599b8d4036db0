"""Everything that a journal tells, rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.journal.batch import Amendment, Balance, Decision, Payment
from hookline.journal.header import SessionHeader
from hookline.journal.replay import LedgerState
from hookline.model import BarSeries, Fill, Order, OrderUpdate

__all__ = ["JournalContent", "Start", "Stop"]


@dataclass(frozen=True)
class Start:
    """A start of the session, by the system's clock, with the process it ran in and the version of hookline."""

    time: int
    pid: int
    engine: str


@dataclass(frozen=True)
class Stop:
    """An end that was written down; a killed process leaves none."""

    time: int
    reason: str


@dataclass
class JournalContent:
    """What a session did, in order, and where it stands.

    Orders stand as they ended or stand now. ``ledgers`` are by strategy, ``states`` by owner, ``series`` by symbol. ``halted`` is
    the reason of a halt that was not cleared, else empty. ``position`` is that of the last commit and ``time`` its time.
    ``bar_ends`` are the ends of the last bars by symbol.
    ``last_order`` and ``last_fill`` are the highest numbers given. ``commits`` is the number of the last commit, ``digest`` its
    digest. Where only the last segment was read, lists begin with that segment; open orders and what they refer to are there.
    """

    paths: list[Path]
    header: SessionHeader
    commits: int = 0
    digest: bytes = b""
    time: int = 0
    first_time: int = 0
    position: Mapping[str, Any] = field(default_factory=dict)
    starts: list[Start] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    updates: list[OrderUpdate] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    amendments: list[Amendment] = field(default_factory=list)
    halts: list[tuple[int, str]] = field(default_factory=list)
    resumes: list[tuple[int, str]] = field(default_factory=list)
    states: dict[str, Any] = field(default_factory=dict)
    series: dict[str, BarSeries] = field(default_factory=dict)
    bar_ends: dict[str, int] = field(default_factory=dict)
    ledgers: dict[str, LedgerState] = field(default_factory=dict)
    halted: str = ""
    last_order: int = 0
    last_fill: int = 0

    @property
    def open_orders(self) -> list[Order]:
        """Orders that can still be filled, canceled or amended, oldest first."""
        return [order for order in self.orders if order.is_open]
