"""Whether two runs are the same, order by order."""

import math


def order_row(order):
    """Return what must be equal of an order."""
    return (
        order.number, order.side, order.type, order.lots, order.time, order.limit_price, order.trigger_price, order.reduce_only,
        order.tag, order.status, order.filled_lots, order.average_price, order.update_time,
        order.oco_leader and order.oco_leader.number, order.parent and order.parent.number,
    )  # fmt: skip


def assert_same_record(ours, theirs):
    """Compare orders, fills and payments exactly."""
    for one, other in zip(ours.orders, theirs.orders, strict=False):
        assert order_row(one) == order_row(other)
    assert len(ours.orders) == len(theirs.orders)
    assert ours.fills == theirs.fills
    assert ours.seen == theirs.seen
    assert ours.funding == theirs.funding


def assert_same_figures(ours, result):
    """Compare figures to 1e-9 of their size."""
    for name, value in ours.items():
        expected = float(getattr(result.metrics, name))
        same = math.isnan(value) if math.isnan(expected) else abs(value - expected) <= 1e-9 * abs(expected)
        assert same, f"{name}: {value!r}, the event kernel has {expected!r}"
