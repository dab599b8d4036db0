"""``hookline replay``: what a session did, what its strategies do on the recording of its market, and why the two differ.

Rules of this file:

- The strategies, rules and parameters are those of the journal; the broker is the simulator. A session that simulated keeps its own
  broker, so that nothing may differ but what was late or lost.
- Up to three runs are made on the recording: on the data as it was received with the latency that the session's orders had, the same
  without latency, and on the data as it would have been with nothing late or dropped. A run that could not differ from the one before is not
  made. Where bars alone are followed, orders fill with the next bar in the simulator: bars count as in time there, unless they were dropped. :mod:`hookline.session.replaying_parts` says what the differences between them mean.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from math import isnan, nan
from pathlib import Path
from statistics import median
from typing import Any

from hookline.data.recording import Entry, Recording, by_time, punctual
from hookline.errors import ConfigError
from hookline.journal import read_journal
from hookline.journal.content import JournalContent
from hookline.model import Fill, OrderStatus, timeframe_ns
from hookline.session.environment import read_dotenv
from hookline.session.plan import Plan
from hookline.session.replaying_config import as_in_a_file
from hookline.session.replaying_coverage import Coverage, coverage_of
from hookline.session.replaying_echo import Logic, logic_of
from hookline.session.replaying_matching import match_orders
from hookline.session.replaying_model import Difference, Rates, Runs
from hookline.session.replaying_parts import Market, explain
from hookline.session.replaying_run import OUTSIDE_TAGS, Account, Outside, Rerun

__all__ = ["Assumed", "Build", "Replay", "replay"]

_MILLISECOND = 10**6
_MOST_WINDOW_SECONDS = 300.0
_REPLACED = {"mode", "feed", "journal", "reporters", "notifiers", "stream", "live"}


@dataclass(frozen=True)
class Assumed:
    """What to reckon with in place of what was measured; None for the latter.

    ``window_seconds`` is how far apart in time two orders may be that are the same; by default the length of a bar, five
    minutes at most.
    """

    maker_fee_bps: float | None = None
    taker_fee_bps: float | None = None
    latency_ms: float | None = None
    window_seconds: float | None = None


@dataclass(frozen=True)
class Replay:
    """The answer. ``latency_ms`` is the round trip that orders were given in the simulator, None where it has none there."""

    name: str
    mode: str
    currency: str
    difference: Difference
    rates: Rates
    latency_ms: float | None
    coverage: Coverage
    notes: Sequence[str] = field(default_factory=tuple)


Build = Callable[[Rates, float | None], Plan]
"""Returns a new plan of a session with a broker that simulates, given the fees and the round trip of orders in milliseconds."""


def replay(folder: Path, assumed: Assumed | None = None, build: Build | None = None) -> Replay:
    """Run the strategies of a session on its recording and explain what differs.

    Args:
        folder: The session's, with its journal and its recording.
        assumed: What to reckon with.
        build: For sessions that were made in Python; by default the configuration in the journal is built.

    Raises:
        JournalError: if there is no journal, or it cannot be read.
        DataError: if the recording cannot be trusted.
        ConfigError: if nothing was recorded, or the session cannot be built again.
        PluginError: if a plugin of the session is missing or broken.
        StrategyError: if a strategy raises.
    """
    assumed = assumed or Assumed()
    content = read_journal(folder)
    recording = _recording(folder)
    told = _until(content.time, recording.entries())
    entries = [entry for entry in told if not entry.is_news]
    was_live = content.header.mode == "live"
    rates = _rates(content.fills, entries, assumed)
    bench = _Bench(content, recording, rates, build)
    live = _account(content)
    as_received = punctual(entries, bench.on_bars_alone) if was_live else told
    received = bench.run(as_received)
    latency, notes = _latency(content, assumed, bench) if was_live else (None, [])
    timed = received if not latency else bench.run(as_received, latency)
    in_time = by_time(entries)
    is_complete = _events(in_time) == _events(as_received)
    complete = received if is_complete else bench.run(in_time)
    window = assumed.window_seconds
    if window is None:
        window = min(timeframe_ns(recording.timeframe) / 1e9, _MOST_WINDOW_SECONDS)
    logic = bench.echo(told) if was_live else None
    runs = _chain(live, timed, received, complete, round(window * 1e9), logic)
    if logic is None and was_live:
        notes.append(
            "recording and journal do not fit together step by step: what is logic is judged by the fills alone"
        )
    header = content.header
    return Replay(
        header.name,
        header.mode,
        header.currency,
        explain(replace(runs, is_simulated=not was_live), _market(received, complete, content, rates)),
        rates,
        latency,
        coverage_of(content, entries),
        notes,
    )


def _until(time: int, entries: Iterable[Entry]) -> list[Entry]:
    """Return entries without those at the end that the journal does not know of yet, of a session that runs or was killed."""
    known = list(entries)
    while known and known[-1].time > time:
        known.pop()
    return known


def _recording(folder: Path) -> Recording:
    path = folder / "recording"
    if not path.is_dir():
        raise ConfigError(
            f"{path}: the session has recorded nothing; say stream: {{record: true}} before it runs"
        )
    recording = Recording(path)
    if recording.is_empty:
        raise ConfigError(f"{path}: the session has recorded nothing so far")
    return recording


class _Bench:
    """Builds the session anew for each run."""

    def __init__(
        self, content: JournalContent, recording: Recording, rates: Rates, build: Build | None
    ) -> None:
        from hookline.session.pulse import read_status

        self._content = content
        self._recording = recording
        self._rates = rates
        self._build = build or self._built
        self._was_live = content.header.mode == "live"
        file = read_status(recording.folder.parent).get("file", "")
        self._base = Path(file).parent if file else Path()
        self._environ = {**read_dotenv(self._base / ".env"), **os.environ}
        tapes = self._build(rates, None).tapes
        self.on_bars_alone = sorted(set(content.header.instruments) - set(tapes))
        """Symbols whose bars alone are followed: in the simulator their orders fill with the next bar, so what comes late by
        less than a bar cannot be told there."""

    def run(self, entries: Sequence[Entry], latency_ms: float | None = None) -> Account:
        """Run the strategies on entries."""
        plan = self._build(self._rates, latency_ms)
        outside = _outside(self._content) if self._was_live else []
        again = Rerun(plan, follows=self._recording.follows, was_live=self._was_live, outside=outside)
        return again.account(entries)

    def echo(self, told: Sequence[Entry]) -> Logic | None:
        """Return the orders that differ although the strategies are told what the session was told."""
        stated = next((entry.value for entry in told if entry.kind == "start"), 0.0)
        return logic_of(self._build(self._rates, None), self._content, told, _outside(self._content), stated)

    def _built(self, rates: Rates, latency_ms: float | None) -> Plan:
        from hookline.session.assembly import assemble
        from hookline.session.loader import session_from

        header = self._content.header
        config = session_from(self._data(rates, latency_ms), header.name, self._base)
        return replace(assemble(config), instruments=dict(header.instruments))

    def _data(self, rates: Rates, latency_ms: float | None) -> dict[str, Any]:
        """Return the session's configuration with a feed that plays the recording, and a broker that simulates."""
        config = deepcopy(dict(self._content.header.config))
        data = {key: value for key, value in config.items() if key not in _REPLACED}
        for venue in (data.get("venues") or {}).values():
            venue["feed"] = None
            venue["broker"] = None if self._was_live else venue["broker"]
        if self._was_live:
            data["broker"] = {"use": "paper", "params": self._simulator(rates, latency_ms)}
        path = str(self._recording.folder.absolute())
        return as_in_a_file(data, self._environ) | {
            "mode": "paper",
            "feed": {"use": "recording", "params": {"path": path}},
            "journal": {"enabled": False},
            "reporters": [],
        }

    def _simulator(self, rates: Rates, latency_ms: float | None) -> dict[str, Any]:
        params: dict[str, Any] = {
            "maker_fee_bps": rates.maker * 1e4,
            "taker_fee_bps": max(0.0, rates.taker) * 1e4,
        }
        leverage = (self._content.header.config.get("broker") or {}).get("params", {}).get("leverage")
        if isinstance(leverage, int | float):
            params["leverage"] = float(leverage)
        if latency_ms:
            params["latency"] = {
                "kind": "constant",
                "entry_ms": latency_ms / 2,
                "response_ms": latency_ms / 2,
            }
        return params


def _events(entries: Sequence[Entry]) -> list[tuple[str, object]]:
    return [(entry.kind, entry.events) for entry in entries if entry.kind != "lost" and not entry.is_news]


# -- what the session did ----------------------------------------------------------------------------------------------


def _account(content: JournalContent) -> Account:
    return Account(content.orders, content.fills, content.seen, content.payments, content.updates)


def _outside(content: JournalContent) -> list[Outside]:
    fills: dict[int, list[Fill]] = {}
    for fill in content.fills:
        fills.setdefault(fill.order_number, []).append(fill)
    found = [order for order in content.orders if order.tag.startswith(OUTSIDE_TAGS)]
    return [Outside(order, fills.get(order.number, [])) for order in sorted(found, key=lambda one: one.time)]


def _rates(fills: Sequence[Fill], entries: Sequence[Entry], assumed: Assumed) -> Rates:
    """Return the fees to simulate: as assumed, of takers else as the broker stated them, else as most of the volume was charged."""
    stated = next((entry.value for entry in entries if entry.kind == "start"), 0.0)
    maker, taker = _charged(fills, is_maker=True), stated or _charged(fills, is_maker=False)
    if assumed.maker_fee_bps is not None:
        maker = assumed.maker_fee_bps / 1e4
    if assumed.taker_fee_bps is not None:
        taker = assumed.taker_fee_bps / 1e4
    return Rates(maker, taker)


def _charged(fills: Sequence[Fill], *, is_maker: bool) -> float:
    """Return the rate below and above which half of the volume was charged each, 0 where nothing was."""
    rated = sorted(
        (fill.fee / abs(fill.quantity * fill.price), abs(fill.quantity * fill.price))
        for fill in fills
        if fill.is_maker == is_maker and fill.quantity * fill.price
    )
    half = sum(notional for _, notional in rated) / 2
    for rate, notional in rated:
        half -= notional
        if half <= 0.0:
            return rate
    return 0.0


def _latency(content: JournalContent, assumed: Assumed, bench: _Bench) -> tuple[float | None, list[str]]:
    """Return the round trip to simulate in milliseconds, and what is to be said about it."""
    milliseconds = _measured_latency(content) if assumed.latency_ms is None else assumed.latency_ms
    if not milliseconds:
        return None, []
    if bench.on_bars_alone:
        text = (
            f"orders took {milliseconds:,.0f} ms; on bars alone ({', '.join(bench.on_bars_alone)}) the simulator knows no "
            "latency, so what it has cost is part of slippage and of the queue and fill model"
        )
        return None, [text]
    return milliseconds, []


def _measured_latency(content: JournalContent) -> float:
    """Return the median milliseconds from an order to the venue's first word about it."""
    sent: dict[int, int] = {}
    trips: dict[int, int] = {}
    for update in content.updates:
        if update.status is OrderStatus.SUBMITTED:
            sent[update.order_number] = update.time
        elif update.order_number in sent and update.status is not OrderStatus.UNKNOWN:
            trips.setdefault(update.order_number, update.time - sent[update.order_number])
    for outside in _outside(content):
        trips.pop(outside.order.number, None)
    return max(0.0, median(trips.values()) / _MILLISECOND) if trips else 0.0


# -- the chain ---------------------------------------------------------------------------------------------------------


def _chain(
    live: Account, timed: Account, received: Account, complete: Account, window: int, logic: Logic | None
) -> Runs:
    def pairs(first: Account, second: Account) -> dict[int, int]:
        if first is second:
            return {order.number: order.number for order in first.orders}
        return match_orders(first.orders, second.orders, window)

    same = pairs(live, timed)
    judged = None
    if logic is not None:
        left = [order for order in timed.orders if order.number not in same.values()]
        judged = logic.session, frozenset(match_orders(left, logic.again, window))
    return Runs(
        live, timed, received, complete, same, pairs(timed, received), pairs(received, complete), judged
    )


def _market(received: Account, complete: Account, content: JournalContent, rates: Rates) -> Market:
    instruments = content.header.instruments
    last = dict(received.last)
    for fill in [*content.fills, *complete.fills]:  # of a symbol whose price nobody saw
        if isnan(last.get(fill.symbol, nan)):
            last[fill.symbol] = fill.price
    return Market(last, received.points, received.worth, dict.fromkeys(instruments, rates))
