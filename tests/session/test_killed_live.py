"""Sessions that trade live and are killed: what is closed is closed once, and nothing is left."""

import asyncio
import json

import pytest
from live_sessions import bar, session_of, venue
from wire_venue import WireBroker

import hookline as hl
from hookline.journal import read_journal
from hookline.model import OrderType
from hookline.session.requests import KillRequest, ask_to_kill, is_kill_asked


class Holder(hl.Strategy):
    """Buys once and protects it."""

    name = "holder"

    def on_bar(self, ctx, bar):
        if not ctx.state.get("bought"):
            ctx.state["bought"] = True
            ctx.buy(bar.symbol, 1.0)
            ctx.sell(bar.symbol, 1.0, trigger=90.0, reduce_only=True)


def wait(seconds):
    return lambda: asyncio.sleep(seconds)


def killed(folder, wire, request, *, delay=0.1, **session):
    ask = lambda: ask_to_kill(folder, request)  # noqa: E731
    events = [bar(0, 100), wait(0.5), ask, bar(1, 101), wait(1.5), bar(2, 102)]
    broker = WireBroker(venue=wire, delay_seconds=delay)
    return session_of(folder, Holder(), wire, events, broker=broker, ends=False, **session).run()


def sales(wire):
    return [one for one in wire.orders.values() if one.side is hl.Side.SELL and one.type is OrderType.MARKET]


@pytest.mark.parametrize("on_stop", ["keep", "cancel", "flatten"])
def test_a_position_is_closed_once_whatever_happens_at_a_stop(tmp_path, on_stop):
    wire = venue()
    result = killed(tmp_path, wire, KillRequest("too hot", flatten=True), on_stop=on_stop)
    assert len(sales(wire)) == 1
    assert wire.held["PERP"].lots == 0
    assert [one for one in wire.orders.values() if one.is_open] == []
    assert result.record.halted == "killed: too hot"


def test_without_closing_every_order_goes_and_the_position_stays(tmp_path):
    wire = venue()
    killed(tmp_path, wire, KillRequest("too hot"))
    assert sales(wire) == []
    assert wire.held["PERP"].lots == 1000
    assert [one for one in wire.orders.values() if one.is_open] == []


def test_the_journal_says_so_and_the_request_is_taken(tmp_path):
    killed(tmp_path, venue(), KillRequest("too hot", flatten=True))
    assert read_journal(tmp_path).halted == "killed: too hot"
    assert not is_kill_asked(tmp_path)
    assert json.loads((tmp_path / "status.json").read_text())["state"] in {"finished", "interrupted"}


def test_a_halt_that_is_closing_positions_already_is_not_helped(tmp_path):
    """The halt sends its order, the kill comes while that is under way."""
    wire = venue()

    class Halting(Holder):
        def on_bar(self, ctx, bar):
            super().on_bar(ctx, bar)
            if bar.close > 100.0:
                ctx._kernel.halt("risk", flatten=True)

    ask = lambda: ask_to_kill(tmp_path, KillRequest("too hot", flatten=True))  # noqa: E731
    events = [bar(0, 100), wait(1.2), ask, bar(1, 101), wait(2.0), bar(2, 102)]
    broker = WireBroker(venue=wire, delay_seconds=0.4)
    session_of(tmp_path, Halting(), wire, events, broker=broker, ends=False).run()
    assert len(sales(wire)) == 1
    assert wire.held["PERP"].lots == 0
