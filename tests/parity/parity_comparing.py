"""Whether two runs of one strategy on one market traded alike."""

from __future__ import annotations

from typing import Any

import pytest

from hookline.model import Fill, Order
from hookline.reporting.record import RunRecord
from hookline.reporting.result import Result


def assert_alike(one: Result, other: Result) -> None:
    """Compare orders, fills, funding, final positions and equity of two runs."""
    ours, theirs = one.record, other.record
    assert [terms(order) for order in theirs.orders] == [terms(order) for order in ours.orders]
    assert [ending(order) for order in theirs.orders] == [ending(order) for order in ours.orders]
    assert [execution(fill) for fill in theirs.fills] == [execution(fill) for fill in ours.fills]
    assert [fill.fee for fill in theirs.fills] == pytest.approx([fill.fee for fill in ours.fills], abs=1e-9)
    assert [row[:3] for row in theirs.funding] == [row[:3] for row in ours.funding]
    assert [row[3] for row in theirs.funding] == pytest.approx([row[3] for row in ours.funding], abs=1e-9)
    assert positions(theirs) == positions(ours)
    assert other.metrics.final_equity == pytest.approx(one.metrics.final_equity, abs=1e-9)


def terms(order: Order) -> tuple[Any, ...]:
    """Everything that says what an order wants, and what it got."""
    return (
        order.client_order_id, order.symbol, order.side, order.type, order.lots, order.limit_price,
        order.trigger_price, order.trail_amount, order.time_in_force, order.expire_time, order.post_only,
        order.reduce_only, order.oco_group, order.tag, order.filled_lots,
    )  # fmt: skip


def ending(order: Order) -> str:
    """How an order ended; those that did not are alike."""
    return str(order.status) if order.is_closed else "open"


def execution(fill: Fill) -> tuple[Any, ...]:
    """What an order got, whenever it was."""
    return fill.order_number, fill.symbol, fill.side, fill.lots, fill.price, fill.is_maker


def positions(record: RunRecord) -> dict[str, int]:
    """Return the lots held at the end, by symbol."""
    held = dict.fromkeys(record.instruments, 0)
    for fill in record.fills:
        held[fill.symbol] += fill.side * fill.lots
    return held
