"""What stands when a new file of a journal is begun, so that going on needs that file alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hookline.journal.replay import LedgerState, PositionState, Replay
from hookline.journal.rows import link, order_of, order_row
from hookline.journal.text import from_json, number_text, to_json
from hookline.model import Order, OrderStatus

if TYPE_CHECKING:
    from hookline.journal.content import JournalContent

__all__ = ["checkpoint_text", "restore"]


def checkpoint_text(
    replay: Replay, states: Mapping[str, str], digest: bytes, time: int, first_time: int
) -> str:
    """Return what stands as JSON text; ``states`` holds JSON by owner, ``digest`` is the last commit's."""
    replay.forget_closed()
    data = {
        "digest": digest.hex(),
        "time": time,
        "first_time": first_time,
        "orders": [[*order_row(order), *_progress(order)] for order in replay.orders.values()],
        "ledgers": [dataclasses.asdict(ledger) for ledger in replay.ledgers.values()],
        "bar_ends": replay.bar_ends,
        "halted": replay.halted,
        "last_order": replay.last_order,
        "last_fill": replay.last_fill,
        "states": dict(states),
    }
    return to_json(data, "journal checkpoint")


def _progress(order: Order) -> tuple[Any, ...]:
    return (
        str(order.status), order.filled_lots, number_text(order.average_price), order.update_time, order.reason,
    )  # fmt: skip


def restore(text: str, replay: Replay, content: JournalContent) -> None:
    """Set what stood when the file was begun."""
    data = from_json(text)
    rows = data["orders"]
    orders = {row[0]: order_of(tuple(row), replay.header.instruments) for row in rows}
    for row in rows:
        order = orders[row[0]]
        link(order, row, orders)
        status, order.filled_lots, average, order.update_time, order.reason = row[-5:]
        order.status, order.average_price = OrderStatus(status), float(average)
    replay.orders = orders
    for item in data["ledgers"]:
        positions = {key: PositionState(**one) for key, one in item.pop("positions").items()}
        replay.ledgers[item["strategy"]] = LedgerState(**item, positions=positions)
    replay.bar_ends = data["bar_ends"]
    replay.halted, replay.last_order, replay.last_fill = data["halted"], data["last_order"], data["last_fill"]
    content.orders = list(orders.values())
    content.states = {owner: from_json(state) for owner, state in data["states"].items()}
    content.first_time = data["first_time"]
