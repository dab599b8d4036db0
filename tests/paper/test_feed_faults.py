"""Feeds that fall silent, come late or say a thing twice."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

import pytest
from paper_sessions import HOUR, MARKET, Seat, plan_of

import hookline as hl
from hookline.clock import SystemClock, from_ns
from hookline.feed import Feed
from hookline.journal import read_journal
from hookline.model import Bar
from hookline.session.session import Session
from hookline.session.streaming import StreamRules


class ScriptedFeed(Feed):
    """Sends bars, and waits where a number of seconds stands between them."""

    name = "scripted"

    def __init__(self, script):
        self.script = script

    def load(self, request):
        return MARKET[request.symbol]

    async def stream(self, requests):
        for step in self.script:
            if isinstance(step, Bar):
                yield step
            else:
                await asyncio.sleep(step)


class LiveFeed(ScriptedFeed):
    """The same, as a market that moves by the system's clock."""

    is_live = True


@dataclass
class Resting(hl.Strategy):
    """Has one order resting, and hears timers."""

    name = "resting"

    def on_start(self, ctx):
        self.heard = []
        ctx.every("1s", "tick")

    def on_bar(self, ctx, bar):
        if not ctx.open_orders():
            ctx.buy(bar.symbol, 1, limit=1.0)

    def on_timer(self, ctx, timer):
        self.heard.append(ctx.now)


class Phone:
    """A notifier that keeps what it is told."""

    name = "phone"

    def __init__(self):
        self.told = []

    def notify(self, level, title, text):
        self.told.append((level, text))


def session_of(folder, feed, rules, **more):
    market = {"AAA": MARKET["AAA"]}
    strategy = Resting()
    seats = [Seat("resting", "resting", strategy, ("AAA",), 10_000.0)]
    plan = plan_of(folder, market=market, seats=seats, funding={}, rules=(), stream=rules, **more)
    return Session(replace(plan, feed=feed)), strategy


def bars(count, first=0):
    return [MARKET["AAA"].bar(index) for index in range(first, first + count)]


@pytest.mark.parametrize(
    ("on_stall", "open_orders", "halted"),
    [("warn", 1, ""), ("cancel", 0, ""), ("halt", 0, "feed stalled for ")],
)
def test_a_stall_is_told_and_does_what_the_session_says(tmp_path, on_stall, open_orders, halted):
    phone, feed = Phone(), ScriptedFeed([*bars(2), 0.8])
    session, _ = session_of(
        tmp_path, feed, StreamRules(stall_seconds=0.3), on_stall=on_stall, notifiers=[phone]
    )
    session.run()
    content = read_journal(tmp_path)
    assert phone.told[0][0] == "warning"
    assert phone.told[0][1].startswith("feed stalled for ")
    assert len(content.open_orders) == open_orders
    assert content.halted[:17] == halted
    assert next(one.rule for one in content.decisions if one.reason.startswith("feed stalled")) == "feed"


def test_data_after_a_stall_is_told(tmp_path):
    phone, feed = Phone(), ScriptedFeed([*bars(2), 0.8, *bars(1, 2)])
    session, _ = session_of(tmp_path, feed, StreamRules(stall_seconds=0.3), notifiers=[phone])
    session.run()
    assert ("info", "data again after 1 s") in phone.told
    reasons = [one.reason[:12] for one in read_journal(tmp_path).decisions if one.rule == "feed"]
    assert reasons == ["feed stalled", "data again a"]


def test_a_feed_that_never_rests_does_not_stall(tmp_path):
    phone, feed = Phone(), ScriptedFeed([bars(1)[0], 0.2, *bars(1, 1), 0.2, *bars(1, 2)])
    session, _ = session_of(tmp_path, feed, StreamRules(stall_seconds=0.35), notifiers=[phone])
    session.run()
    assert [text for _, text in phone.told if "stall" in text] == []


def live_bars(count):
    """Bars whose last one ends now."""
    now = SystemClock().now
    return [
        Bar("AAA", now - (count - index) * HOUR, now - (count - index - 1) * HOUR, 10.0, 11.0, 9.0, 10.0, 1.0)
        for index in range(count)
    ]


def test_timers_fire_by_the_clock_while_a_live_feed_is_silent(tmp_path):
    [bar] = live_bars(1)
    session, strategy = session_of(tmp_path, LiveFeed([bar, 2.7]), StreamRules(bar_wait_seconds=0.1))
    session.run()
    assert [time for time in strategy.heard if time > from_ns(bar.end)]


def test_timers_of_a_replay_wait_for_events(tmp_path):
    [bar] = live_bars(1)
    session, strategy = session_of(tmp_path, ScriptedFeed([bar, 1.6]), StreamRules(bar_wait_seconds=0.1))
    session.run()
    assert strategy.heard
    assert max(strategy.heard) <= from_ns(bar.end)


def test_what_comes_late_is_dropped_counted_and_logged_once(tmp_path, caplog):
    one, two, three = bars(3)
    session, _ = session_of(tmp_path, ScriptedFeed([one, two, one, one, one, three]), StreamRules("drop"))
    with caplog.at_level(logging.WARNING, "hookline.session"):
        record = session.run().record
    assert len(record.series["AAA"]) == 3
    assert "AAA: a bar came late or twice and was dropped (3 times)" in record.warnings
    assert caplog.text.count("dropped: AAA: time must rise") == 1


def test_a_bar_that_comes_twice_with_other_values_is_told_with_both(tmp_path, caplog):
    one, two = bars(2)
    other = Bar(two.symbol, two.start, two.end, two.open, two.high + 1, two.low, two.close, two.volume)
    session, _ = session_of(tmp_path, ScriptedFeed([one, two, other]), StreamRules("drop"))
    with caplog.at_level(logging.WARNING, "hookline.session"):
        record = session.run().record
    assert repr(two) in caplog.text
    assert repr(other) in caplog.text
    assert "AAA: a bar came twice with other values; the first counts" in record.warnings


@pytest.mark.parametrize(("on_stop", "types"), [("keep", ["limit"]), ("cancel", []), ("flatten", [])])
def test_what_becomes_of_open_orders_when_a_session_stops(tmp_path, on_stop, types):
    session, _ = session_of(tmp_path, ScriptedFeed(bars(3)), StreamRules(), on_stop=on_stop)
    session.run()
    assert [str(order.type) for order in read_journal(tmp_path).open_orders] == types
