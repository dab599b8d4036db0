"""Whether what a session believes is what its venue knows."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_spec import SEAT_CASH, SPOT
from chaos_venue import CASH, LABEL, ChaosVenue

from hookline.journal import JournalContent, read_journal
from hookline.model import OrderStatus
from hookline.session.difference_report import DIFFERENCES_FILE
from hookline_lmex.emulator.records import OrderRecord
from hookline_lmex.emulator.terms import Product
from hookline_lmex.wire_orders import lots_of, number_of

if TYPE_CHECKING:
    from chaos_run import Outcome

__all__ = ["compare"]

_HARMLESS = frozenset({"noted", "looks again", "asked about"})
_UNWELCOME = re.compile(
    r"Traceback|ERROR asyncio|never retrieved|was destroyed|never awaited|ResourceWarning|unclosed",
    re.MULTILINE,
)


def compare(
    folder: Path, venue: ChaosVenue, report: dict[str, Any], secrets: tuple[str, str], outcome: Outcome
) -> None:
    """Add what differs to the problems of an outcome, and counts of what happened."""
    content = read_journal(folder / "journal" / "journal.sqlite")
    problems = outcome.problems
    problems += _orders(content, venue, report)
    problems += _fills(content, venue, report)
    problems += _positions(content, venue, report)
    problems += _cash(venue, report)
    problems += _files(folder, secrets)
    problems += [f"{id_}: sent {count} times" for id_, count in venue.received.items() if count > 1]
    left = {one.number for one in content.orders if one.status is OrderStatus.UNKNOWN}
    problems += [f"order {number}: still unknown" for number in sorted(left)]
    unknown = {one.order_number for one in content.updates if one.status is OrderStatus.UNKNOWN}
    outcome.counts["unknowns resolved"] += len(unknown - left)
    outcome.counts.update(_comparisons(folder))
    if report["halted"]:
        problems.append(f"halted: {report['halted']}")


def _comparisons(folder: Path) -> Counter[str]:
    """Return what the periodic comparison with the venue had to do, which the news of orders had not done already."""
    path = folder / "journal" / DIFFERENCES_FILE
    lines = path.read_text().splitlines() if path.exists() else []
    done = Counter(json.loads(line)["action"] for line in lines)
    return Counter(
        {f"compared: {action}": count for action, count in done.items() if action not in _HARMLESS}
    )


def _orders(content: JournalContent, venue: ChaosVenue, report: dict[str, Any]) -> list[str]:
    """Compare the orders that were sent with those that the venue has."""
    problems, truth, tag = [], venue.truth, report["tag"]
    ours = {one.number: one for one in content.orders}
    kernel = {int(number): state for number, state in report["open"].items()}
    seen: set[int] = set()
    for record in truth.orders:
        number = number_of(tag, record.client_order_id)
        if not number:
            problems.append(f"the venue has an order of nobody: {record.client_order_id!r} {record.order_id}")
            continue
        if number in seen:
            problems.append(f"{record.client_order_id}: the venue has it twice")
        seen.add(number)
        order = ours.get(number)
        if order is None:
            problems.append(f"{record.client_order_id}: the journal does not know it, {_told(record)}")
            continue
        if order.is_open != record.is_open:
            problems.append(
                f"order {number}: {order.status} ({order.reason}) here, at the venue {_told(record)}"
            )
        if order.filled_lots != record.order.filled_lots:
            problems.append(
                f"order {number}: {order.filled_lots} lots filled here ({order.status}), at the venue {_told(record)}"
            )
        if record.is_open and order.lots != record.order.lots:
            problems.append(f"order {number}: {order.lots} lots here, at the venue {record.order.lots}")
        if record.is_open and order.is_open and order.limit_price != record.order.limit_price:
            problems.append(
                f"order {number}: limit {order.limit_price} here, at the venue {record.order.limit_price}"
            )
    for number, order in ours.items():
        is_sent = order.status not in (OrderStatus.HELD, OrderStatus.DENIED, OrderStatus.INITIALIZED)
        if order.is_open and is_sent and number not in seen:
            problems.append(f"order {number}: {order.status} here, the venue has never had it")
        state = kernel.get(number)
        if order.is_open != (state is not None):
            problems.append(f"order {number}: {order.status} in the journal, {state} in the kernel")
        elif state is not None and state[1:] != [order.filled_lots, order.lots]:
            problems.append(
                f"order {number}: {order.filled_lots} of {order.lots} lots in the journal, {state} in the kernel"
            )
    return problems


def _told(record: OrderRecord) -> str:
    order = record.order
    return f"{order.type} {order.status} {order.filled_lots} of {order.lots} lots, code {record.status}, {record.message!r}"


def _fills(content: JournalContent, venue: ChaosVenue, report: dict[str, Any]) -> list[str]:
    """Compare every execution: of which order, how much, at what price and for what fee."""
    tag, instruments = report["tag"], content.header.instruments
    theirs: dict[int, Counter[tuple[int, float]]] = defaultdict(Counter)
    ours: dict[int, Counter[tuple[int, float]]] = defaultdict(Counter)
    fees: Counter[int] = Counter()
    for one in venue.truth.fills:
        number = number_of(tag, one.client_order_id)
        lots = lots_of(instruments[one.symbol], Decimal(repr(one.size)))
        theirs[number][lots, round(one.price, 6)] += 1
        fees[number] += one.fee * one.price if one.fee_currency == one.base else one.fee  # type: ignore[assignment]
    tags = {one.number: one.tag for one in content.orders}
    for fill in content.fills:
        if not tags[fill.order_number].startswith("fee in "):
            ours[fill.order_number][fill.lots, round(fill.price, 6)] += 1
            fees[fill.order_number] -= fill.fee  # type: ignore[assignment]
    problems = [
        f"order {number}: fills {dict(ours[number] - theirs[number])} only here, {dict(theirs[number] - ours[number])} only at the venue"
        for number in sorted(ours.keys() | theirs.keys())
        if ours[number] != theirs[number]
    ]
    return problems + [f"order {n}: fees differ by {fee}" for n, fee in fees.items() if abs(fee) > 1e-6]


def _positions(content: JournalContent, venue: ChaosVenue, report: dict[str, Any]) -> list[str]:
    truth = venue.truth
    theirs = {id_: lots for id_, lots in truth.positions.items() if lots}
    journal: Counter[str] = Counter()
    for state in content.ledgers.values():
        for id_, position in state.positions.items():
            journal[id_] += position.lots
    problems = []
    for id_ in sorted(theirs.keys() | report["positions"].keys() | journal.keys()):
        if id_ == SPOT:
            continue
        kernel = report["positions"].get(id_, 0)
        if not theirs.get(id_, 0) == kernel == journal[id_]:
            problems.append(
                f"{id_}: {kernel} lots in the kernel, {journal[id_]} in the journal, {theirs.get(id_, 0)} at the venue"
            )
    if SPOT in content.header.instruments:
        lot = float(content.header.instruments[SPOT].lot_size)
        coins = truth.balances.get((Product.SPOT, "BTC"), 0.0) / lot
        held = report["positions"].get(SPOT, 0)
        if not -1e-6 <= coins - held < 1.0 + 1e-6 or journal[SPOT] != held:
            problems.append(
                f"{SPOT}: {held} lots in the kernel, {journal[SPOT]} in the journal, {coins} at the venue"
            )
    return problems


def _cash(venue: ChaosVenue, report: dict[str, Any]) -> list[str]:
    """Compare all that was paid and received: for what was bought and sold, as fees and as funding."""
    problems = []
    for product in Product:
        names = [name for name in report["cash"] if (name == f"on_{SPOT}") is (product is Product.SPOT)]
        ours = sum(report["cash"][name] - SEAT_CASH for name in names)
        theirs = sum(wallet.cash - CASH for wallet in venue.exchange.desk(LABEL, product).wallets)
        # Fees in coins are booked as a sale of whole lots: the rest of a lot is the rounding.
        if abs(ours - theirs) > (0.7 if product is Product.SPOT else 1e-4):
            problems.append(f"{product}: cash has changed by {ours:.6f} here, by {theirs:.6f} at the venue")
    return problems


def _files(folder: Path, secrets: tuple[str, str]) -> list[str]:
    problems = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        problems += [f"{path.name} holds a secret" for one in secrets if one.encode() in data]
        if path.name == "session.log":
            text = data.decode()
            found = [text[max(0, m.start() - 200) : m.end() + 1500] for m in _UNWELCOME.finditer(text)]
            problems += [f"log: {one}" for one in found[:2]]
    return problems
