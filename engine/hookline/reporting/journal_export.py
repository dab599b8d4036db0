"""Export of a run as one JSON line for each event, in the order in which they happened.

Rules of this file:

- The same session gives the same bytes: keys are sorted, nothing depends on the wall clock.
- Times are nanoseconds UTC; prices, quantities and money are decimal text.
- ``run`` comes first. An ``order`` comes just before its first update, a ``fill`` just before the update that tells of it;
  funding and what has no update stand where their time puts them.
- An order is written with the fields it was made with; one that was amended shows what it was amended to.
"""

from __future__ import annotations

import heapq
import json
from collections import defaultdict, deque
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from hookline.model import Fill, Instrument, Order, OrderStatus, OrderUpdate
from hookline.reporting.plain import decimal_text, price_text, quantity_text
from hookline.reporting.record import RunRecord
from hookline.reporting.reporter import replacing

__all__ = ["journal_lines", "write_journal"]

_Event = tuple[int, dict[str, Any]]
_FILLED = (OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED)


def write_journal(record: RunRecord, path: Path) -> Path:
    """Write a run's events as JSON lines, replacing the file in one step.

    Raises:
        OSError: if the file cannot be written.
    """
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in journal_lines(record))
    return path


def journal_lines(record: RunRecord) -> Iterator[str]:
    """Yield a run's events as JSON texts, oldest first."""
    encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
    yield encode(_run(record))
    told, rest = _events(record)
    for _, event in heapq.merge(told, rest, key=itemgetter(0)):
        yield encode(event)


def _events(record: RunRecord) -> tuple[list[_Event], list[_Event]]:
    """Return the events that updates put in order, and the others by time."""
    orders = {order.number: order for order in record.orders}
    fills: dict[int, deque[Fill]] = defaultdict(deque)
    for fill in record.fills:
        fills[fill.order_number].append(fill)
    told: list[_Event] = []
    for update in record.updates:
        order = orders.pop(update.order_number, None)
        if order is not None:
            told.append((update.time, _order(order)))
        if update.status in _FILLED and fills[update.order_number]:
            told.append((update.time, _fill(fills[update.order_number].popleft(), record)))
        told.append((update.time, _update(update)))
    rest = [(order.time, _order(order)) for order in orders.values()]
    rest += [(fill.time, _fill(fill, record)) for queue in fills.values() for fill in queue]
    rest += [(row[0], _funding(row)) for row in record.funding]
    return told, sorted(rest, key=itemgetter(0))


def _run(record: RunRecord) -> dict[str, Any]:
    return {
        "event": "run",
        "name": record.name,
        "mode": record.mode,
        "currency": record.currency,
        "cash": decimal_text(record.cash),
        "strategies": {strategy.id: strategy.use for strategy in record.strategies},
        "bars": {symbol: len(series) for symbol, series in record.series.items()},
    }


def _order(order: Order) -> dict[str, Any]:
    instrument = order.instrument
    return {
        "event": "order",
        "time": order.time,
        "number": order.number,
        "client_order_id": order.client_order_id,
        "strategy": order.strategy,
        "symbol": order.symbol,
        "side": order.side.name.lower(),
        "type": order.type.value,
        "quantity": quantity_text(instrument, order.quantity),
        "limit_price": price_text(instrument, order.limit_price),
        "trigger_price": price_text(instrument, order.trigger_price),
        "trail_amount": price_text(instrument, order.trail_amount),
        "trail_fraction": None if order.trail_fraction is None else decimal_text(order.trail_fraction),
        "time_in_force": order.time_in_force.value,
        "expire_time": order.expire_time,
        "post_only": order.post_only,
        "reduce_only": order.reduce_only,
        "parent": None if order.parent is None else order.parent.number,
        "oco_group": order.oco_group,
        "tag": order.tag,
    }


def _update(update: OrderUpdate) -> dict[str, Any]:
    return {
        "event": "update",
        "time": update.time,
        "order": update.order_number,
        "status": str(update.status),
        "reason": update.reason,
    }


def _fill(fill: Fill, record: RunRecord) -> dict[str, Any]:
    instrument = record.instruments.get(fill.symbol) or Instrument(fill.symbol)
    return {
        "event": "fill",
        "time": fill.time,
        "number": fill.number,
        "order": fill.order_number,
        "strategy": fill.strategy,
        "symbol": fill.symbol,
        "side": fill.side.name.lower(),
        "quantity": quantity_text(instrument, fill.quantity),
        "price": price_text(instrument, fill.price),
        "fee": decimal_text(fill.fee),
        "is_maker": fill.is_maker,
    }


def _funding(row: tuple[int, str, str, float]) -> dict[str, Any]:
    time, strategy, symbol, amount = row
    return {
        "event": "funding",
        "time": time,
        "strategy": strategy,
        "symbol": symbol,
        "amount": decimal_text(amount),
    }
