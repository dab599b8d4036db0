"""A session that trades live: journal first, then the venue, and nothing left behind."""

import asyncio
import os
import signal

import pytest
from live_sessions import PERP, bar, session_of, venue
from wire_venue import START, LiveTape, WireBroker

import hookline as hl
from hookline.errors import StrategyError
from hookline.journal import read_journal
from hookline.model import BarSeries, OrderStatus
from hookline.session.requests import KillRequest, ask_to_kill, is_kill_asked
from hookline.session.schema import LiveEntry


class Buyer(hl.Strategy):
    """Buys once, protects it, and remembers what it is told."""

    name = "buyer"

    def __init__(self, stop=90.0):
        self.stop = stop
        self.bars, self.news = [], []

    def on_bar(self, ctx, bar):
        self.bars.append(bar.close)
        if len(self.bars) == 1:
            ctx.buy(bar.symbol, 1.0)
            if self.stop:
                ctx.sell(bar.symbol, 1.0, trigger=self.stop, reduce_only=True)

    def on_fill(self, ctx, fill):
        self.news.append(("fill", fill.side.name, fill.price))

    def on_order(self, ctx, order, update):
        self.news.append((order.type.value, update.status.value))


def test_what_is_sent_was_written_down_before(tmp_path):
    wire = venue()
    sent = []

    class Watched(WireBroker):
        def flush(self):
            if self._wanted:
                known = {order.number for order in read_journal(tmp_path).orders}
                sent.extend((what, order.number in known) for what, order, _ in self._wanted)
            super().flush()

    strategy = Buyer()
    session_of(tmp_path, strategy, wire, [bar(0, 100), bar(1, 101)], broker=Watched(venue=wire)).run()
    assert [what for what, _ in sent][:2] == ["create", "create"]
    assert all(is_known for _, is_known in sent)


def test_fills_reach_the_strategy_and_the_ledger_as_they_come(tmp_path):
    wire, strategy = venue(), Buyer(stop=None)
    result = session_of(
        tmp_path, strategy, wire, [bar(0, 100), lambda: asyncio.sleep(0.05), bar(1, 103), bar(2, 104)]
    ).run()
    assert ("fill", "BUY", 100.0) in strategy.news
    assert [fill.price for fill in result.record.fills] == [100.0]
    assert result.record.orders[0].status is OrderStatus.FILLED


def test_on_the_way_out_entries_are_canceled_and_protection_stays(tmp_path):
    wire = venue()

    class Leaving(Buyer):
        def on_bar(self, ctx, bar):
            super().on_bar(ctx, bar)
            if len(self.bars) == 2:
                ctx.buy(bar.symbol, 1.0, limit=50.0)

    events = [bar(0, 100), lambda: asyncio.sleep(0.05), bar(1, 101), lambda: asyncio.sleep(0.05)]
    session_of(tmp_path, Leaving(), wire, events).run()
    assert [one.type.value for one in wire.orders.values() if one.is_open] == ["stop"]
    assert wire.held["PERP"].lots == 1000


def test_flatten_leaves_nothing(tmp_path):
    wire = venue()
    events = [bar(0, 100), lambda: asyncio.sleep(0.05), bar(1, 101)]
    result = session_of(tmp_path, Buyer(), wire, events, on_stop="flatten").run()
    assert wire.held["PERP"].lots == 0
    assert not [one for one in wire.orders.values() if one.is_open]
    assert [fill.side.name for fill in result.record.fills] == ["BUY", "SELL"]


def test_a_session_goes_on_and_hears_what_was_filled_while_it_was_away(tmp_path):
    wire, before = venue(), Buyer()
    session_of(tmp_path, before, wire, [bar(0, 100), lambda: asyncio.sleep(0.05), bar(1, 101)]).run()
    wire.see(bar(2, 85))
    assert wire.held["PERP"].lots == 0

    class After(Buyer):
        def on_bar(self, ctx, bar):
            self.bars.append((bar.close, ctx.position("PERP").quantity))

    after = After()
    result = session_of(tmp_path, after, wire, [bar(3, 86)]).run()
    assert after.news[0] == ("fill", "SELL", 85.0) or ("fill", "SELL", 85.0) in after.news
    assert after.bars == [(86.0, 0.0)]
    assert [fill.side.name for fill in result.record.fills] == ["BUY", "SELL"]
    assert len([what for what, _ in wire.received if what == "create"]) == 2


def test_an_order_whose_answer_was_lost_is_found_again_and_not_sent_twice(tmp_path):
    wire, strategy = venue(), Buyer(stop=None)
    wire.faults.append("lose_answer")
    events = [bar(0, 100), lambda: asyncio.sleep(0.1), bar(1, 101), lambda: asyncio.sleep(0.1)]
    result = session_of(tmp_path, strategy, wire, events).run()
    again = session_of(tmp_path, Buyer(stop=None), wire, []).run()
    assert [what for what, _ in wire.received].count("create") == 1
    assert [order.filled_lots for order in again.record.orders] == [1000]
    assert result.record.orders[0].status in {OrderStatus.FILLED, OrderStatus.UNKNOWN}


def test_indicators_are_warm_at_the_start_and_strategies_do_not_see_the_past(tmp_path):
    wire = venue()

    class Trend(hl.Strategy):
        name = "trend"

        def __init__(self):
            self.seen = []

        def on_start(self, ctx):
            self.mean = ctx.use(hl.sma(ctx.bars("PERP").close, 3))

        def on_bar(self, ctx, bar):
            self.seen.append(self.mean.value)

    starts = [START - (3 - n) * 60 * 10**9 for n in range(3)]
    prices = [10.0, 20.0, 30.0]
    history = BarSeries("PERP", "1m", starts, prices, prices, prices, prices, [1.0] * 3)
    strategy = Trend()
    session = session_of(tmp_path, strategy, wire, [bar(0, 40)], warmup_bars=3)
    session.plan.feed.history["PERP"] = history
    session.run()
    assert strategy.seen == [pytest.approx(30.0)]


def test_a_bug_in_a_strategy_cancels_its_entries_before_it_is_told(tmp_path):
    wire = venue()

    class Buggy(hl.Strategy):
        name = "buggy"

        def on_bar(self, ctx, bar):
            if bar.close > 100:
                raise ValueError("boom")
            ctx.buy("PERP", 1.0, limit=50.0)

    events = [bar(0, 100), lambda: asyncio.sleep(0.05), bar(1, 101)]
    with pytest.raises(StrategyError, match="boom"):
        session_of(tmp_path, Buggy(), wire, events).run()
    assert not [one for one in wire.orders.values() if one.is_open]


def test_a_bug_that_a_fill_sets_off_ends_the_session(tmp_path):
    wire = venue()

    class Buggy(Buyer):
        def on_fill(self, ctx, fill):
            raise ValueError("boom")

    with pytest.raises(StrategyError, match="boom"):
        session_of(tmp_path, Buggy(), wire, [bar(0, 100)], ends=False).run()


def test_a_session_that_fails_closes_the_stream_that_it_followed(tmp_path, monkeypatch):
    stream, tasks = LiveTape.stream, []

    async def watched(self, requests):
        tasks.append(asyncio.current_task())
        try:
            async for event in stream(self, requests):
                yield event
        finally:
            tasks.append(asyncio.current_task())  # another one, where the loop cleans up behind the session

    class Buggy(hl.Strategy):
        name = "buggy"

        def on_bar(self, ctx, bar):
            raise ValueError("boom")

    monkeypatch.setattr(LiveTape, "stream", watched)
    with pytest.raises(StrategyError, match="boom"):
        session_of(tmp_path, Buggy(), venue(), [bar(0, 100), bar(1, 101)]).run()
    assert len(tasks) == 2
    assert tasks[0] is tasks[1]


def test_an_interrupt_ends_a_session_that_waits(tmp_path):
    wire = venue()

    def interrupt():
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)

    result = session_of(tmp_path, Buyer(), wire, [bar(0, 100), interrupt], ends=False).run()
    assert result.record.interrupted
    assert result.record.orders[0].status is OrderStatus.FILLED


def test_nothing_is_done_before_somebody_has_said_yes(tmp_path):
    wire = venue()
    asked = []

    def confirm(account, prices):
        asked.append((account, list(wire.received)))
        raise hl.ConfigError("not confirmed")

    with pytest.raises(hl.ConfigError, match="not confirmed"):
        session_of(tmp_path, Buyer(), wire, [bar(0, 100)]).run(confirm=confirm)
    assert len(asked) == 1
    assert wire.received == []
    assert PERP.symbol not in wire.held


def test_a_kill_from_outside_withdraws_and_ends_the_session(tmp_path):
    wire, strategy = venue(), Buyer()
    kill = KillRequest("enough", flatten=True)
    events = [bar(0, 100), lambda: asyncio.sleep(0.05), lambda: ask_to_kill(tmp_path, kill)]
    result = session_of(tmp_path, strategy, wire, events, ends=False).run()
    assert wire.held["PERP"].lots == 0
    assert not [one for one in wire.orders.values() if one.is_open]
    assert result.record.halted == "killed: enough"
    assert not is_kill_asked(tmp_path)


def test_a_session_that_was_killed_while_it_was_away_does_not_trade_again(tmp_path):
    wire = venue()
    ask_to_kill(tmp_path, KillRequest("enough"))
    session_of(tmp_path, Buyer(), wire, [bar(0, 100)], ends=False).run()
    assert wire.received == []


def test_a_position_that_nobody_accounts_for_stops_the_start(tmp_path):
    wire = venue()
    wire.prices["PERP"] = 100.0
    wire.hold("PERP", 500, 95.0)
    with pytest.raises(hl.VenueError, match="PERP"):
        session_of(tmp_path, Buyer(), wire, [bar(0, 100)]).run()
    assert wire.received == []


def test_a_position_that_is_adopted_is_there_when_the_strategy_starts(tmp_path):
    wire = venue()
    wire.prices["PERP"] = 100.0
    wire.hold("PERP", 500, 95.0)

    class Looking(hl.Strategy):
        name = "looking"

        def on_start(self, ctx):
            self.held = ctx.position("PERP").quantity

    strategy = Looking()
    live = LiveEntry(foreign_positions="adopt")
    session_of(tmp_path, strategy, wire, [bar(0, 100)], live=live).run()
    assert strategy.held == 0.5


def test_the_dead_mans_switch_is_on_while_the_session_runs_and_off_once_nothing_is_left(tmp_path):
    wire = venue()
    seen = []
    events = [lambda: asyncio.sleep(0.05), lambda: seen.append(wire.cancel_after), bar(0, 100)]
    session_of(tmp_path, hl.Strategy(), wire, events, live=LiveEntry(dead_man_seconds=30.0)).run()
    assert seen == [30.0]
    assert wire.cancel_after is None


def test_an_order_that_somebody_canceled_by_hand_is_noticed_while_the_session_runs(tmp_path):
    wire = venue()

    class Resting(Buyer):
        def on_bar(self, ctx, bar):
            self.bars.append(bar.close)
            if len(self.bars) == 1:
                ctx.buy(bar.symbol, 1.0, limit=50.0)

    def gone():
        wire.is_mute = True
        (order,) = wire.orders.values()
        wire.end(order, OrderStatus.CANCELED, "by hand")
        wire.is_mute = False

    strategy = Resting()
    events = [bar(0, 100), lambda: asyncio.sleep(0.1), gone, lambda: asyncio.sleep(0.5), bar(1, 101)]
    live = LiveEntry(reconcile_seconds=0.1, unknown_grace_seconds=0.0)
    session_of(tmp_path, strategy, wire, events, live=live).run()
    assert strategy.news[-1] == ("limit", "canceled")


def test_what_a_halt_is_closing_already_is_not_closed_again_at_the_end(tmp_path):
    wire = venue()
    events = [bar(0, 100), lambda: asyncio.sleep(0.2)]
    session = session_of(
        tmp_path, Buyer(), wire, events, broker=WireBroker(venue=wire, delay_seconds=0.05), on_stop="flatten"
    )
    events.append(lambda: session.kernel.halt("enough", flatten=True))
    session.run()
    assert wire.held["PERP"].lots == 0
    assert [one.side.name for one in wire.orders.values() if one.type.value == "market"] == ["BUY", "SELL"]


def test_a_person_is_told_when_protection_is_refused(tmp_path):
    wire, told = venue(), []
    wire.faults.extend(["", "refuse"])

    class Notifier(hl.Notifier):
        name = "hand"

        def notify(self, level, title, text):
            told.append((level, title))

    session_of(
        tmp_path, Buyer(), wire, [bar(0, 100), lambda: asyncio.sleep(0.05)], notifiers=[Notifier()]
    ).run()
    assert ("error", "live: an order that protects a position was rejected") in told
