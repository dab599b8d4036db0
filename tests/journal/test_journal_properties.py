"""Whatever happened, what is read is what was written."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from journal_events import BTC, START, header

from hookline.journal import Amendment, Balance, Batch, Decision, Journal, read_journal
from hookline.model import (
    TRANSITIONS,
    Bar,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
    TimeInForce,
)

LINKS = {"parent", "children", "oco_leader"}
prices = st.integers(1, 10**7).map(BTC._tick.__mul__).map(BTC.on_grid)
money = st.floats(-1e9, 1e9, allow_nan=False)
texts = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | texts
states = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)


class Market:
    """Makes batches that could have happened."""

    def __init__(self, draw):
        self.draw = draw
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.time = START

    def batch(self) -> Batch:
        draw = self.draw
        self.time += draw(st.integers(1, 1000)) * 10**9
        batch = Batch(self.time, {"BTC": self.time, "rows": draw(st.integers(0, 9))})
        for _ in range(draw(st.integers(0, 6))):
            draw(st.sampled_from([self.order, self.step, self.step, self.step, self.amend, self.other]))(
                batch
            )
        return batch

    def order(self, batch):
        draw, number = self.draw, len(self.orders) + 1
        made = Order(
            number, draw(st.sampled_from(["s", "t"])), BTC, draw(st.sampled_from(Side)), draw(st.sampled_from(OrderType)),
            draw(st.integers(1, 10**9)), self.time,
            limit_price=draw(st.none() | prices), trigger_price=draw(st.none() | prices),
            trail_fraction=draw(st.none() | st.floats(1e-9, 1.0)), time_in_force=draw(st.sampled_from(TimeInForce)),
            expire_time=draw(st.none() | st.just(self.time + 1)), post_only=draw(st.booleans()), tag=draw(texts),
            position_id=draw(st.sampled_from(["", "BTC|long"])),
            parent=draw(st.sampled_from([None, *(order for order in self.orders if order.is_open)])),
        )  # fmt: skip
        if made.parent is not None and made.parent.side is made.side:
            made.parent = None  # a child on its parent's side works it, and its fills are the parent's too
        if made.parent is not None and draw(st.booleans()):
            made.oco_leader = made.parent
        self.orders.append(made)
        batch.orders.append(made)

    def step(self, batch):
        """Move an order along the table; a step to partially filled or filled brings a fill."""
        able = [order for order in self.orders if order.is_open]
        if not able:
            return
        order = self.draw(st.sampled_from(able))
        following = sorted(TRANSITIONS[order.status])
        if order.open_lots == 1:
            following = [one for one in following if one is not OrderStatus.PARTIALLY_FILLED]
        status = self.draw(st.sampled_from(following))
        if status in (OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED):
            most = order.open_lots - 1
            lots = order.open_lots if status is OrderStatus.FILLED else self.draw(st.integers(1, most))
            self.fill(batch, order, lots)
        reason = self.draw(texts) if status is not order.status else ""
        order.status, order.update_time = status, self.time
        order.reason = reason or order.reason
        batch.updates.append(OrderUpdate(self.time, order.number, status, reason))

    def fill(self, batch, order, lots):
        draw, before = self.draw, order.filled_lots
        price = draw(prices)
        order.filled_lots += lots
        order.average_price = (order.average_price * before + price * lots) / order.filled_lots
        self.fills.append(
            Fill(
                len(self.fills) + 1, self.time, order.number, order.strategy, "BTC", order.side, lots, BTC.units(lots),
                price, draw(money), draw(st.booleans()),
            )
        )  # fmt: skip
        batch.fills.append(self.fills[-1])
        batch.seen.append(self.time)

    def amend(self, batch):
        able = [order for order in self.orders if order.is_open]
        if able:
            order = self.draw(st.sampled_from(able))
            changes = {"lots": order.lots + self.draw(st.integers(1, 9)), "limit_price": self.draw(prices)}
            order.lots, order.limit_price = changes["lots"], changes["limit_price"]
            batch.amendments.append(Amendment(self.time, order.number, changes))
            batch.updates.append(OrderUpdate(self.time, order.number, order.status, "amended"))

    def other(self, batch):
        draw, time = self.draw, self.time
        kind = draw(st.integers(0, 6))
        if kind == 0:
            batch.payments.append((time, "s", "BTC", draw(money)))
        elif kind == 1:
            batch.decisions.append(
                Decision(time, draw(texts), "deny", "s", draw(st.none() | st.just(1)), draw(texts))
            )
        elif kind == 2:
            batch.halts.append((time, draw(st.text(min_size=1, max_size=5))))
        elif kind == 3:
            batch.resumes.append((time, draw(texts)))
        elif kind == 4:
            batch.states[draw(st.sampled_from(["strategy:s", "broker"]))] = draw(states)
        elif kind == 5:
            batch.balances.append(Balance(time, "t", "USDT", draw(st.decimals(-(10**9), 10**9, places=9))))
        elif not batch.bars:
            batch.bars.append(Bar("BTC", time, time + 10**9, 1.5, 1e9, 1e-9, 0.1 + 0.2, 1e23))


def same(found: Order, meant: Order) -> bool:
    fields = [name for name in Order.__struct_fields__ if name not in LINKS]
    ties = [[one and one.number for one in (order.parent, order.oco_leader)] for order in (found, meant)]
    return ties[0] == ties[1] and all(getattr(found, name) == getattr(meant, name) for name in fields)


# Journals are large examples: making a failing one small takes minutes.
@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.data(), st.integers(1, 12), st.sampled_from([1, 1 << 30]))
def test_what_is_read_is_what_was_written(data, count, segment_bytes):
    market = Market(data.draw)
    with tempfile.TemporaryDirectory() as folder, _checks_every_commit():
        path = Path(folder) / "journal.sqlite"
        journal = Journal.create(path, header(), segment_bytes=segment_bytes)
        batches = []
        try:
            for _ in range(count):
                batches.append(market.batch())
                journal.commit(batches[-1])
                if data.draw(st.integers(0, 5)) == 0:
                    journal.close(data.draw(st.sampled_from(["", "finished"])))
                    journal = Journal.open(path, header(), segment_bytes=segment_bytes)
        finally:  # hypothesis gives up an example in the middle of it
            journal.close()
        content, last = read_journal(path), read_journal(path, last_segment=True)
    assert all(map(same, content.orders, market.orders))
    assert len(content.orders) == len(market.orders)
    for name in (
        "updates",
        "fills",
        "seen",
        "payments",
        "decisions",
        "balances",
        "halts",
        "resumes",
        "amendments",
    ):
        assert getattr(content, name) == [one for batch in batches for one in getattr(batch, name)], name
    assert content.states == {owner: state for batch in batches for owner, state in batch.states.items()}
    assert (content.time, content.position) == (batches[-1].time, batches[-1].position)
    bars = [bar for batch in batches for bar in batch.bars]
    assert list(map(content.series["BTC"].bar, range(len(bars)))) == bars if bars else not content.series
    assert [order.number for order in last.open_orders] == [o.number for o in market.orders if o.is_open]
    assert all(same(found, market.orders[found.number - 1]) for found in last.open_orders)
    for name in ("ledgers", "states", "halted", "last_order", "last_fill", "position", "commits", "digest"):
        assert getattr(last, name) == getattr(content, name), name


def _checks_every_commit():
    from unittest.mock import patch

    return patch("hookline.journal.writer._SIZE_CHECK", 1)
