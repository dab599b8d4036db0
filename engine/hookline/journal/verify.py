"""Proof that a journal can be trusted: the file, the chain, the orders and the money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hookline.errors import JournalError
from hookline.journal.audit import Audit
from hookline.journal.connect import reading
from hookline.journal.content import JournalContent
from hookline.journal.faults import damaged, explained
from hookline.journal.reader import read_commits, read_journal
from hookline.journal.replay import worked
from hookline.journal.schema import TABLES, VERSION, statements
from hookline.journal.segments import journal_path, segments
from hookline.model import Fill, Order, OrderStatus

__all__ = ["Verification", "verify_journal"]


@dataclass(frozen=True)
class Verification:
    """What was checked, in order, and the first fault; empty if there is none."""

    checks: list[str]
    fault: str = ""

    @property
    def is_good(self) -> bool:
        """Whether no fault was found."""
        return not self.fault


def verify_journal(path: Path) -> Verification:
    """Check everything that can be known of a journal by itself, up to the first fault.

    Raises:
        JournalError: if there is no such file.
    """
    paths = segments(journal_path(path))
    checks: list[str] = []
    try:
        checks.extend(_checks(paths))
    except JournalError as error:
        return Verification(checks, str(error))
    return Verification(checks)


def _checks(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        _check_file(path)
    yield f"{_count(len(paths), 'file')} whole, with the tables and triggers of schema version {VERSION}"
    commits, audit, digest = 0, Audit(), None
    for path in paths:
        for commit in read_commits(path, digest):
            commits, digest = commits + 1, commit.digest
            audit.follow(commit)
    yield f"{_count(commits, 'commit')} chained without a gap, last digest {(digest or b'').hex()[:16]}"
    content = read_journal(paths[0])
    yield f"{_count(len(content.updates), 'order update')}, every step legal"
    _check_orders(content, paths[0])
    yield f"{_count(len(content.orders), 'order')} numbered once, fills add up to what is filled"
    _check_positions(content, paths[0])
    yield f"{_count(len(content.fills), 'fill')} of whole lots, sums equal to the positions"
    if audit.fault:
        raise JournalError(f"journal {paths[0]}: {audit.fault}")
    yield f"{_count(audit.balances, 'recorded balance')} equal to cash replayed in decimals"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _check_file(path: Path) -> None:
    with reading(path) as connection, explained(path):
        for (text,) in connection.execute("PRAGMA integrity_check(1)"):
            if text != "ok":
                raise damaged(path, text)
        found = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        for name, sql in statements().items():
            if sql.startswith("CREATE TRIGGER") and found.get(name) != sql:
                raise damaged(path, f"trigger {name} is not as it was made")
        for table, columns in TABLES.items():
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            if names != ["commit_number", *columns]:
                raise damaged(path, f"table {table} must have columns {', '.join(columns)}, has {names}")


def _check_orders(content: JournalContent, path: Path) -> None:
    filled: dict[int, int] = {}
    orders: dict[int, Order] = {}
    for order in content.orders:
        if order.number in orders:
            raise JournalError(f"journal {path}: order {order.client_order_id}: must be made once, was twice")
        orders[order.number] = order
    for number, fill in enumerate(content.fills, start=1):
        if fill.number != number:
            raise JournalError(
                f"journal {path}: fills must be numbered from 1 on, was {fill.number} after {number - 1}"
            )
        _check_fill(fill, orders[fill.order_number], path)
        order = orders[fill.order_number]
        parent = worked(order)
        for number_ in (order.number, *([] if parent is None else [parent.number])):
            filled[number_] = filled.get(number_, 0) + fill.lots
    for order in content.orders:
        _check_filled(order, filled.get(order.number, 0), path)


def _check_fill(fill: Fill, order: Order, path: Path) -> None:
    said = (fill.strategy, fill.symbol, fill.side.name)
    meant = (order.strategy, order.symbol, order.side.name)
    if said != meant or fill.lots <= 0:
        raise JournalError(
            f"journal {path}: fill {fill.number}: must be of {meant} as its order, was of {said}, {fill.lots} lots"
        )
    exact = order.instrument.units(fill.lots)
    if fill.quantity != exact:
        raise JournalError(
            f"journal {path}: fill {fill.number}: quantity must be {exact!r}, was {fill.quantity!r}"
        )


def _check_filled(order: Order, filled: int, path: Path) -> None:
    status = order.status
    is_right = {
        OrderStatus.FILLED: filled == order.lots,
        OrderStatus.PARTIALLY_FILLED: 0 < filled < order.lots,
    }.get(status, filled <= order.lots)
    if not is_right or filled != order.filled_lots:
        raise JournalError(
            f"journal {path}: order {order.client_order_id}: fills must add up to what its status says, "
            f"was {filled} of {order.lots} lots and {status}"
        )


def _check_positions(content: JournalContent, path: Path) -> None:
    sums: dict[tuple[str, str], int] = {}
    for fill in content.fills:
        key = (fill.strategy, fill.symbol)
        sums[key] = sums.get(key, 0) + fill.side * fill.lots
    held: dict[tuple[str, str], int] = {}
    for ledger in content.ledgers.values():
        for position in ledger.positions.values():
            key = (ledger.strategy, position.symbol)
            held[key] = held.get(key, 0) + position.lots
    for key, lots in sums.items():
        if held.get(key) != lots:
            raise JournalError(f"journal {path}: position of {key}: must be {lots} lots, was {held.get(key)}")
