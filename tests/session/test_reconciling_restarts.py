"""What was reconciled is in the journal: a session that goes on knows it, and a crash before the journal says so changes nothing."""

import asyncio
import contextlib
import json

import pytest
from live_sessions import bar, session_of, venue

import hookline as hl
from hookline.errors import JournalError
from hookline.journal import read_journal
from hookline.session.difference_report import DIFFERENCES_FILE
from hookline.session.keeper import Keeper
from hookline.session.schema import LiveEntry


class Resting(hl.Strategy):
    """Rests one order far away, and one beside it for every later start."""

    name = "resting"

    def on_bar(self, ctx, bar):
        if not ctx.state.get("done"):
            ctx.state["done"] = True
            ctx.buy(bar.symbol, 1.0, limit=50.0, tag="far")


def live(**rules):
    return LiveEntry(
        **{"reconcile_seconds": 0.05, "unknown_grace_seconds": 0.0, "settle_seconds": 0.5} | rules
    )


def held(folder):
    return read_journal(folder).ledgers["one"].positions["PERP"]


def lines(folder):
    path = folder / DIFFERENCES_FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_an_adopted_position_is_an_order_with_a_fill_in_the_journal_and_is_not_adopted_again(tmp_path):
    wire = venue()
    wire.prices["PERP"] = 100.0
    wire.hold("PERP", 500, 95.0)
    for number in range(3):
        session_of(
            tmp_path, hl.Strategy(), wire, [bar(number, 100)], live=live(foreign_positions="adopt")
        ).run()
    content = read_journal(tmp_path)
    (order,) = content.orders
    assert (order.tag, [(fill.lots, fill.price) for fill in content.fills]) == ("reconciled", [(500, 95.0)])
    assert (held(tmp_path).lots, held(tmp_path).entry_price) == (500, 95.0)
    assert [one["action"] for one in lines(tmp_path)] == ["looks again", "adopted"]


def test_an_ignored_difference_is_known_to_the_next_run_and_a_change_of_it_is_told(tmp_path):
    wire = venue()
    wire.prices["PERP"] = 100.0
    wire.hold("PERP", 500, 95.0)
    for number in range(3):
        if number == 2:
            wire.hold("PERP", 400, 95.0)
        session_of(
            tmp_path, hl.Strategy(), wire, [bar(number, 100)], live=live(foreign_positions="ignore")
        ).run()
    told = [(one["venues"], one["action"]) for one in lines(tmp_path) if one["action"] != "looks again"]
    assert told == [("500 lots", "ignored"), ("400 lots", "ignored")]
    assert read_journal(tmp_path).fills == []
    assert read_journal(tmp_path).states["reconciler"]["offsets"] == {"PERP": 400}


def test_terms_that_were_changed_by_hand_are_in_the_journal(tmp_path):
    wire = venue()

    def change():
        (order,) = wire.orders.values()
        order.lots, order.limit_price = 700, 40.0

    events = [bar(0, 100), lambda: asyncio.sleep(0.1), change, lambda: asyncio.sleep(0.4), bar(1, 101)]
    session_of(tmp_path, Resting(), wire, events, live=live(), on_stop="keep").run()
    (order,) = read_journal(tmp_path).open_orders
    assert (order.lots, order.limit_price) == (700, 40.0)
    (decision,) = [one for one in read_journal(tmp_path).decisions if one.rule == "venue"]
    assert decision.reason.startswith("adopted: order one-1 (buy 1000 lots of PERP)")


def test_an_order_placed_by_hand_halts_and_the_journal_tells_why(tmp_path):
    wire = venue()
    foreign = lambda: wire.place("PERP", hl.Side.SELL, 7, 200.0) and None  # noqa: E731
    events = [bar(0, 100), lambda: asyncio.sleep(0.05), foreign, lambda: asyncio.sleep(0.4), bar(1, 101)]
    session_of(tmp_path, Resting(), wire, events, live=live(), on_stop="keep").run()
    content = read_journal(tmp_path)
    assert "none of this session" in content.halted
    assert [one.verdict for one in content.decisions] == ["warn", "halt"]
    assert [one.is_open for one in wire.orders.values()] == [False, True]


@pytest.mark.parametrize("at", range(1, 5))
def test_a_crash_at_any_commit_of_an_adoption_doubles_and_loses_nothing(tmp_path, at, monkeypatch):
    wire = venue()
    wire.prices["PERP"] = 100.0
    wire.hold("PERP", 500, 95.0)
    commit, count = Keeper.commit, iter(range(1, 1000))

    def failing(self, kernel, time):
        if next(count) == at:
            raise JournalError("the disk is gone")
        commit(self, kernel, time)

    rules = live(foreign_positions="adopt")
    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "commit", failing)
        with contextlib.suppress(JournalError):
            session_of(
                tmp_path, Resting(), wire, [bar(0, 100), bar(1, 100)], live=rules, on_stop="keep"
            ).run()
    session_of(tmp_path, Resting(), wire, [bar(2, 100), bar(3, 100)], live=rules, on_stop="keep").run()
    content = read_journal(tmp_path)
    assert [fill.lots for fill in content.fills] == [500]
    assert [order.tag for order in content.orders].count("reconciled") == 1
    created = [id_ for what, id_ in wire.received if what == "create"]
    assert len(created) == len(set(created)) == 1
