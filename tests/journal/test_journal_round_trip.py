import sqlite3
from contextlib import closing

import pytest
from journal_events import (
    BTC,
    CONFIG,
    START,
    bar,
    bar_batch,
    fill,
    header,
    order,
    time_of,
    trade_batch,
    update,
)

from hookline.errors import JournalError
from hookline.journal import Amendment, Balance, Batch, Decision, Journal, read_journal
from hookline.model import OrderType, Side


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "journal.sqlite"


def same_orders(left, right):
    names = [n for n in left[0].__struct_fields__ if n not in {"parent", "children", "oco_leader"}]
    for one, other in zip(left, right, strict=True):
        assert {n: getattr(one, n) for n in names} == {n: getattr(other, n) for n in names}


def test_what_was_committed_is_read_back(path):
    with Journal.create(path, header(), time=1) as journal:
        for number in range(4):
            assert journal.commit(trade_batch(number)) == number + 2
        journal.close("finished", time=9)
    content = read_journal(path)
    assert [b.close for b in map(content.series["BTC"].bar, range(4))] == [100.0] * 4
    assert content.series["BTC"].timeframe == "1h"
    assert [o.client_order_id for o in content.orders] == ["s-1", "s-2", "s-3", "s-4"]
    assert {str(o.status) for o in content.orders} == {"filled"}
    assert content.orders[3].average_price == 103.0
    assert content.fills == [trade_batch(n).fills[0] for n in range(4)]
    assert content.updates == [u for n in range(4) for u in trade_batch(n).updates]
    assert content.seen == [time_of(n) for n in range(4)]
    assert content.states == {"strategy:s": {"count": 3, "prices": [1.5, 1e-7]}}
    assert content.position == {"BTC": time_of(3)}
    assert content.time == time_of(3)
    assert (content.starts[0].time, content.stops[0].reason) == (1, "finished")
    assert content.header == header()
    assert content.header.config == CONFIG


def test_the_rest_of_a_batch_is_read_back(path):
    decisions = [Decision(START, "max_drawdown", "halt", "s", None, "drawdown 12 %")]
    balances = [Balance(START, "s", "USDT", BTC.price("990.1"))]
    batch = Batch(
        START,
        decisions=decisions,
        balances=balances,
        payments=[(START, "s", "BTC", -1e-7)],
        halts=[(START, "max_drawdown: 12 %")],
    )
    with Journal.create(path, header()) as journal:
        journal.commit(batch)
    content = read_journal(path)
    assert content.decisions == decisions
    assert content.balances == balances
    assert content.payments == [(START, "s", "BTC", -1e-7)]
    assert content.ledgers["s"].cash == {"USDT": 990.1}
    assert content.ledgers["s"].funding == -1e-7


def test_a_halt_stays_until_a_resume(path):
    with Journal.create(path, header()) as journal:
        journal.commit(Batch(START, halts=[(START, "drawdown")]))
        journal.commit(bar_batch(0))
    assert read_journal(path).halted == "drawdown"
    with Journal.open(path, header()) as journal:
        assert journal.content.halted == "drawdown"
        journal.commit(Batch(START + 1, resumes=[(START + 1, "ann")]))
    assert read_journal(path).halted == ""


def test_a_halt_wins_over_a_resume_of_the_same_time(path):
    with Journal.create(path, header()) as journal:
        journal.commit(Batch(START, halts=[(START, "drawdown")], resumes=[(START, "ann")]))
    assert read_journal(path).halted == "drawdown"


def test_brackets_and_groups_keep_their_ties(path):
    parent = order(1)
    stop = order(2, side=Side.SELL, type=OrderType.STOP, trigger_price=90.5, reduce_only=True, parent=parent)
    target = order(3, side=Side.SELL, type=OrderType.LIMIT, limit_price=120.1, parent=parent)
    stop.oco_leader = target.oco_leader = stop
    parent.children = (stop, target)
    with Journal.create(path, header()) as journal:
        journal.commit(Batch(START, orders=[parent, stop, target], updates=[update(1, "submitted")]))
        later = order(4, parent=parent, tag="again", position_id="BTC|long")
        journal.commit(Batch(START, orders=[later]))
    first, second, third, fourth = read_journal(path).orders
    assert first.children == (second, third)
    assert second.parent is first
    assert third.oco_leader is second
    assert second.oco_leader is second
    assert (second.trigger_price, third.limit_price, second.reduce_only) == (90.5, 120.1, True)
    assert fourth.parent is first
    assert (fourth.tag, fourth.position_id) == ("again", "BTC|long")


def test_amendments_change_orders_and_their_news_is_no_step(path):
    one = order(1, lots=10, type=OrderType.LIMIT, limit_price=99.0)
    with Journal.create(path, header()) as journal:
        steps = [update(1, "submitted"), update(1, "accepted")]
        journal.commit(Batch(START, orders=[one], updates=steps))
        partial = update(1, "partially_filled", START + 5)
        journal.commit(Batch(START + 5, updates=[partial], fills=[fill(1, one, lots=4)]))
        amendment = Amendment(START + 7, 1, {"lots": 8, "limit_price": 98.5})
        news = update(1, "partially_filled", START + 7, "amended")
        journal.commit(Batch(START + 7, amendments=[amendment], updates=[news]))
    content = read_journal(path)
    found = content.orders[0]
    assert (found.lots, found.limit_price, found.filled_lots) == (8, 98.5, 4)
    assert (str(found.status), found.update_time, found.reason) == ("partially_filled", START + 5, "")
    assert content.amendments == [amendment]
    assert content.open_orders == [found]


def test_a_state_is_written_only_when_it_changed(path):
    with Journal.create(path, header()) as journal:
        for number, state in enumerate([{"a": 1}, {"a": 1}, {"a": 2}]):
            journal.commit(bar_batch(number, states={"strategy:s": state, "broker": {}}))
    with Journal.open(path, header()) as journal:
        journal.commit(bar_batch(3, states={"strategy:s": {"a": 2}, "broker": {}}))
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT owner, state FROM states").fetchall()
    assert rows == [("strategy:s", '{"a":1}'), ("broker", "{}"), ("strategy:s", '{"a":2}')]


def test_states_keep_the_order_of_keys_and_numbers_that_json_does_not_know(path):
    state = {"b": [0.1 + 0.2], "a": float("inf"), "long": 2**70}
    with Journal.create(path, header()) as journal:
        journal.commit(bar_batch(0, states={"strategy:s": state}))
    found = read_journal(path).states["strategy:s"]
    assert found == state
    assert list(found) == ["b", "a", "long"]


def test_a_state_that_json_cannot_hold_is_refused_and_nothing_is_written(path):
    with Journal.create(path, header()) as journal:
        with pytest.raises(JournalError, match="state of 'strategy:s': must be made of dict, list"):
            journal.commit(bar_batch(0, states={"strategy:s": {"seen": {1, 2}}}))
        journal.commit(bar_batch(0))
    assert read_journal(path).commits == 2


def test_numbers_that_are_not_finite_are_refused(path):
    journal = Journal.create(path, header())
    with journal, pytest.raises(JournalError, match="must be finite, was nan"):
        journal.commit(Batch(START, bars=[bar(0, close=float("nan"))]))


def test_a_session_goes_on_where_it_was(path):
    with Journal.create(path, header()) as journal:
        for number in range(3):
            journal.commit(trade_batch(number))
    with Journal.open(path.parent, header()) as journal:
        assert journal.content.last_order == 3
        assert journal.content.position == {"BTC": time_of(2)}
        journal.commit(trade_batch(3))
    whole = path.with_name("whole.sqlite")
    with Journal.create(whole, header()) as journal:
        for number in range(4):
            journal.commit(trade_batch(number))
    resumed, straight = read_journal(path), read_journal(whole)
    same_orders(resumed.orders, straight.orders)
    assert resumed.ledgers == straight.ledgers
    assert resumed.fills == straight.fills
    assert len(resumed.starts) == 2


@pytest.mark.parametrize(
    ("impossible", "message"),
    [
        (
            Batch(START, fills=[fill(1, order(7))]),
            "a fill must be of an order that was written, was of order 7",
        ),
        (
            bar_batch(0),
            "bars of BTC must follow each other, was 2024-01-01T00:00:00Z after one to 2024-01-01T01",
        ),
        (Batch(START, updates=[update(7, "filled")]), "an update must be of an order that was written"),
        (
            Batch(START, orders=[order(1)], updates=[update(1, "filled")]),
            "order s-1: cannot go from initialized to filled",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_not_written(path, impossible, message):
    journal = Journal.create(path, header())
    journal.commit(bar_batch(0))
    with pytest.raises(JournalError, match=message):
        journal.commit(impossible)
    with pytest.raises(JournalError, match="must be open, was closed"):
        journal.commit(bar_batch(1))
    assert read_journal(path).commits == 2
    Journal.open(path, header()).close()
