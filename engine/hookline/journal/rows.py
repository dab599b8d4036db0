"""Between a batch and the rows of the tables.

Rules of this file:

- What comes back is equal to what went in: a float as its shortest decimal text, lots as integers.
- Fields that an order or a fill gained after the schema was made stand in ``more`` as JSON, if they are not at their default.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hookline.errors import JournalError
from hookline.journal.batch import Amendment, Balance, Batch, Decision
from hookline.journal.chain import Rows
from hookline.journal.text import from_json, number_text, optional_float, optional_text, to_json
from hookline.model import (
    Bar,
    Fill,
    Instrument,
    Order,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
    TimeInForce,
)
from hookline.reporting.plain import decimal_text

__all__ = ["Row", "batch_of", "batch_rows", "link", "order_of", "order_row"]

# Told by updates and fills, or by columns of another name.
_TOLD = {"status", "filled_lots", "average_price", "update_time", "reason", "handler"}
_ORDER = {
    "number", "time", "strategy", "instrument", "side", "type", "lots", "limit_price", "trigger_price", "trail_amount",
    "trail_fraction", "time_in_force", "expire_time", "post_only", "reduce_only", "parent", "children", "oco_leader", "tag",
}  # fmt: skip
_FILL = (
    "number", "time", "order_number", "strategy", "symbol", "side", "lots", "quantity", "price", "fee", "is_maker",
)  # fmt: skip
_DEFAULTS = dict(zip(reversed(Order.__struct_fields__), reversed(Order.__struct_defaults__), strict=False))
_ORDER_MORE = tuple(
    (name, _DEFAULTS.get(name)) for name in Order.__struct_fields__ if name not in _ORDER | _TOLD
)
_FILL_MORE = tuple((name, Fill._field_defaults.get(name)) for name in Fill._fields if name not in _FILL)
_PRICES = frozenset({"limit_price", "trigger_price", "trail_amount", "trail_fraction"})
_SIDES = {Side.BUY: "buy", Side.SELL: "sell"}
_SIDE_OF = {text: side for side, text in _SIDES.items()}
Row = tuple[Any, ...]


def batch_rows(batch: Batch, commit: int, states: Mapping[str, str]) -> Rows:
    """Return the rows of a batch by table, in the order of the schema.

    Args:
        batch: What happened.
        commit: Number of the commit.
        states: The states that changed, as JSON by owner.
    """
    rows: Rows = []
    if batch.bars:
        rows.append(("bars", [_bar_row(commit, bar) for bar in batch.bars]))
    if batch.orders:
        rows.append(("orders", [(commit, *order_row(order)) for order in batch.orders]))
    if batch.amendments:
        rows.append(("amendments", [_amendment_row(commit, one) for one in batch.amendments]))
    if batch.updates:
        updates = [(commit, u.time, u.order_number, str(u.status), u.reason) for u in batch.updates]
        rows.append(("updates", updates))
    if batch.fills:
        seen: Sequence[int | None] = batch.seen or [None] * len(batch.fills)
        rows.append(
            ("fills", [_fill_row(commit, fill, at) for fill, at in zip(batch.fills, seen, strict=True)])
        )
    _append_rare(rows, batch, commit)
    if states:
        rows.append(("states", [(commit, *item) for item in states.items()]))
    return rows


def _append_rare(rows: Rows, batch: Batch, commit: int) -> None:
    if batch.payments:
        payments = [
            (commit, time, who, what, number_text(amount)) for time, who, what, amount in batch.payments
        ]
        rows.append(("payments", payments))
    if batch.decisions:
        rows.append(("decisions", [(commit, *decision) for decision in batch.decisions]))
    if batch.balances:
        rows.append(("balances", [(commit, *one[:3], decimal_text(one.cash)) for one in batch.balances]))
    if batch.halts:
        rows.append(("halts", [(commit, *halt) for halt in batch.halts]))
    if batch.resumes:
        rows.append(("resumes", [(commit, *one) for one in batch.resumes]))


def _bar_row(commit: int, bar: Bar) -> Row:
    text = number_text
    return (
        commit, bar.symbol, bar.start, bar.end,
        text(bar.open), text(bar.high), text(bar.low), text(bar.close), text(bar.volume),
    )  # fmt: skip


def order_row(order: Order) -> Row:
    """Return the terms of an order as values of its table, without the commit."""
    parent, leader = order.parent, order.oco_leader
    children = [child.number for child in order.children if child.number] if order.children else []
    return (
        order.number, order.time, order.client_order_id, order.strategy, order.instrument.symbol,
        _SIDES[order.side], str(order.type), order.lots, number_text(order.quantity),
        optional_text(order.limit_price), optional_text(order.trigger_price),
        optional_text(order.trail_amount), optional_text(order.trail_fraction),
        str(order.time_in_force), order.expire_time, int(order.post_only), int(order.reduce_only),
        None if parent is None else parent.number, to_json(children, "children") if children else "[]",
        None if leader is None else leader.number, order.tag, _more(order, _ORDER_MORE),
    )  # fmt: skip


def _fill_row(commit: int, fill: Fill, seen: int | None) -> Row:
    return (
        commit, fill.number, fill.time, fill.order_number, fill.strategy, fill.symbol, _SIDES[fill.side],
        fill.lots, number_text(fill.quantity), number_text(fill.price), number_text(fill.fee),
        int(fill.is_maker), seen, _more(fill, _FILL_MORE),
    )  # fmt: skip


def _more(value: Any, fields: tuple[tuple[str, Any], ...]) -> str | None:
    found = {name: getattr(value, name) for name, default in fields if getattr(value, name) != default}
    return to_json(found, f"more of {value!r}") if found else None


def _amendment_row(commit: int, amendment: Amendment) -> Row:
    changes = {
        name: optional_text(value) if name in _PRICES else value for name, value in amendment.changes.items()
    }
    unknown = sorted(changes.keys() - set(Order.__struct_fields__))
    if unknown:
        raise JournalError(
            f"amendment of order {amendment.order_number}: must change fields of an order, was {unknown}"
        )
    return commit, amendment.time, amendment.order_number, to_json(changes, "amendment")


# -- and back --------------------------------------------------------------------------------------------------------


def batch_of(
    time: int,
    position: Mapping[str, Any],
    rows: Mapping[str, list[Row]],
    instruments: Mapping[str, Instrument],
    known: dict[int, Order],
) -> Batch:
    """Return the batch that rows were made from.

    Args:
        time: Time of the commit.
        position: Position of the commit.
        rows: Rows of the commit by table, each without the number of the commit.
        instruments: Instruments by symbol.
        known: Orders of commits before, by number.
    """
    batch = Batch(time, position)
    for table, values in rows.items():
        if table == "orders":
            batch.orders = _orders(values, instruments, known)
        elif table == "fills":
            batch.fills = [_fill(row) for row in values]
            batch.seen = [row[11] for row in values if row[11] is not None]
        elif table in _MAKERS:
            setattr(batch, table, [_MAKERS[table](row) for row in values])
        elif table == "states":
            batch.states = {owner: from_json(text) for owner, text in values}
    return batch


def _orders(rows: list[Row], instruments: Mapping[str, Instrument], known: dict[int, Order]) -> list[Order]:
    made = {row[0]: order_of(row, instruments) for row in rows}
    orders = ChainMap(made, known)
    for row in rows:
        link(made[row[0]], row, orders)
    return list(made.values())


def order_of(row: Row, instruments: Mapping[str, Instrument]) -> Order:
    """Return an order as it was made; ``link`` ties it to others."""
    return Order(
        number=row[0],
        strategy=row[3],
        instrument=instruments[row[4]],
        side=_SIDE_OF[row[5]],
        type=OrderType(row[6]),
        lots=row[7],
        time=row[1],
        limit_price=optional_float(row[9]),
        trigger_price=optional_float(row[10]),
        trail_amount=optional_float(row[11]),
        trail_fraction=optional_float(row[12]),
        time_in_force=TimeInForce(row[13]),
        expire_time=row[14],
        post_only=bool(row[15]),
        reduce_only=bool(row[16]),
        tag=row[20],
        **(from_json(row[21]) if row[21] else {}),
    )


def link(order: Order, row: Row, orders: Mapping[int, Order]) -> None:
    """Tie an order to its parent, its children and the leader of its group.

    A tie to an order that was closed before the files that are read were begun is left out.
    """
    order.parent = orders.get(row[17])
    order.oco_leader = orders.get(row[19])
    if row[18] != "[]":
        order.children = tuple(orders[number] for number in from_json(row[18]) if number in orders)


def _fill(row: Row) -> Fill:
    return Fill(
        number=row[0],
        time=row[1],
        order_number=row[2],
        strategy=row[3],
        symbol=row[4],
        side=_SIDE_OF[row[5]],
        lots=row[6],
        quantity=float(row[7]),
        price=float(row[8]),
        fee=float(row[9]),
        is_maker=bool(row[10]),
        **(from_json(row[12]) if row[12] else {}),
    )


def _bar(row: Row) -> Bar:
    return Bar(row[0], row[1], row[2], *map(float, row[3:8]))


def _amendment(row: Row) -> Amendment:
    changes = from_json(row[2])
    changes |= {name: optional_float(changes[name]) for name in _PRICES & changes.keys()}
    return Amendment(row[0], row[1], changes)


_MAKERS: dict[str, Callable[[Row], Any]] = {
    "bars": _bar,
    "amendments": _amendment,
    "updates": lambda row: OrderUpdate(row[0], row[1], OrderStatus(row[2]), row[3]),
    "payments": lambda row: (row[0], row[1], row[2], float(row[3])),
    "decisions": lambda row: Decision(*row),
    "balances": lambda row: Balance(row[0], row[1], row[2], Decimal(row[3])),
    "halts": lambda row: (row[0], row[1]),
    "resumes": lambda row: (row[0], row[1]),
}
