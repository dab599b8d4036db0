"""Sessions that traded live at a venue in memory, run again in the simulator."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from math import fsum

import pytest
from live_sessions import PERP, bar, session_of
from wire_venue import START, LiveTape, WireBroker, WireVenue

import hookline as hl
from hookline import plugins
from hookline.errors import ConfigError
from hookline.journal import read_journal
from hookline.model import BarSeries, FundingRate, MarketData, MarkPrice, Quote
from hookline.session.plan import JournalPlan, Seat
from hookline.session.replaying import Assumed, replay

SECOND = 10**9


class QuotedVenue(WireVenue):
    """Fills what takes at the bid or the ask, as the simulator does."""

    def fill(self, order, lots=None, price=None, is_maker=False):
        if order.limit_price is None:
            price = self.prices[order.symbol] + SPREAD / 2 * order.side
        super().fill(order, lots, price, is_maker)


def venue(**settings):
    return QuotedVenue(PERP, **settings)


SPREAD = 1.0


def quote(second, price):
    time = START + round(second * SECOND)
    return Quote("PERP", time, time, price - SPREAD / 2, 5.0, price + SPREAD / 2, 5.0)


def pause(seconds=0.02):
    """Let the venue's answers arrive."""
    return lambda: asyncio.sleep(seconds)


class OnQuotes(hl.Strategy):
    """Buys on the second quote, sells on the fourth."""

    name = "on_quotes"
    amount = 1.0

    def __init__(self):
        self.count = 0

    def on_quote(self, ctx, quote):
        self.count += 1
        if self.count == 2:
            ctx.buy("PERP", self.amount)
        elif self.count == 4:
            ctx.close("PERP")


TAPES = {"PERP": frozenset({MarketData.QUOTES})}
FLAT = [quote(n, 100.0) for n in range(1, 8)]


def slowly(events):
    """Return the events with pauses between, so that what is under way arrives."""
    return [one for event in events for one in (event, pause())]


def live(folder, strategy, events, *, wire=None, broker=None, history=None, **more):
    """Run a session that records, and return how to run its strategies again."""
    wire = wire or venue()
    plan = {"tapes": TAPES} | more
    session = session_of(folder, strategy, wire, events, broker=broker, **plan)
    if history is not None:
        session.plan.feed.history["PERP"] = history
    session = hl_session(session, JournalPlan(folder, record=folder / "recording"))
    session.run()
    return again(session.plan, strategy)


def hl_session(session, journal):
    from hookline.session.session import Session

    return Session(replace(session.plan, journal=journal, broker=session.plan.broker))


def again(plan, strategy):
    def build(rates, latency_ms):
        params = {"maker_fee_bps": rates.maker * 1e4, "taker_fee_bps": rates.taker * 1e4}
        if latency_ms:
            params["latency"] = {"entry_ms": latency_ms / 2, "response_ms": latency_ms / 2}
        return replace(
            plan,
            mode="paper",
            feed=LiveTape([], None),
            broker=plugins.build("brokers", "paper", params, "broker"),
            seats=[Seat("one", "one", type(strategy)(), ("PERP",), 10_000.0)],
            journal=None,
        )

    return build


def parts(found):
    assert not [text for text in found.notes if "step by step" in text]
    assert fsum(found.difference.parts.values()) == pytest.approx(found.difference.total, abs=1e-9)
    return {name: round(value, 6) for name, value in found.difference.parts.items() if abs(value) > 1e-9}


def test_a_venue_that_does_as_the_simulator_has_no_difference(tmp_path):
    build = live(tmp_path, OnQuotes(), slowly(FLAT))
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert [order.status for order in read_journal(tmp_path).orders] == ["filled", "filled"]
    assert parts(found) == {}
    assert found.coverage.is_whole
    assert [row.is_different for row in found.difference.rows] == [False, False]


def test_a_worse_price_at_the_venue_is_slippage(tmp_path):
    class Worse(WireBroker):
        def _show(self, wire, *, adopts=False):
            fills = tuple(replace(one, price=one.price + 0.5 * wire.side) for one in wire.fills)
            super()._show(replace(wire, fills=fills), adopts=adopts)

    wire = venue()
    build = live(tmp_path, OnQuotes(), slowly(FLAT), wire=wire, broker=Worse(venue=wire))
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert [fill.price for fill in read_journal(tmp_path).fills] == [101.0, 99.0]
    assert parts(found) == {"slippage": -1.0}


def test_fees_other_than_stated_are_fees(tmp_path):
    wire = venue(taker_fee=0.0007)
    build = live(
        tmp_path, OnQuotes(), slowly(FLAT), wire=wire, broker=WireBroker(venue=wire, taker_fee=0.0005)
    )
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert found.rates.taker == 0.0005
    assert parts(found) == {"fees": -0.04}
    assert replay(tmp_path, Assumed(latency_ms=0, taker_fee_bps=7), build).difference.parts[
        "fees"
    ] == pytest.approx(0)


def test_funding_that_the_venue_did_not_pay_as_its_rate_says_is_funding(tmp_path):
    wire = venue()
    time = START + 3 * SECOND

    def pay():
        wire.pay_funding("PERP", 0.002)

    events = [
        *FLAT[:2],
        MarkPrice("PERP", time, time, 101.0),
        pay,
        FundingRate("PERP", time, time, 0.001),
        *FLAT[2:],
    ]
    build = live(tmp_path, OnQuotes(), [one for event in events for one in (event, pause())], wire=wire)
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    # Paid 1 * 100 * 0.002; the rate that came says 1 * 101 * 0.001.
    assert parts(found) == {"funding": round(-0.2 + 0.101, 6)}


def test_a_maker_whose_fill_the_simulator_does_not_see_is_the_fill_model(tmp_path):
    class Resting(OnQuotes):
        def on_quote(self, ctx, quote):
            self.count += 1
            if self.count == 2:
                ctx.buy("PERP", 1.0, limit=99.0, post_only=True)

    wire = venue()

    def fill():
        [resting] = wire.orders.values()
        wire.fill(resting, 600, 99.0, is_maker=True)

    build = live(tmp_path, Resting(), slowly([*FLAT[:4], fill, *FLAT[4:]]), wire=wire)
    assert parts(replay(tmp_path, Assumed(latency_ms=0), build)) == {"queue": 0.6}


def test_an_order_that_the_strategy_does_not_make_again_is_logic(tmp_path):
    class Fickle(OnQuotes):
        runs = 0

        def on_start(self, ctx):
            type(self).runs += 1

        def on_quote(self, ctx, quote):
            self.count += 1
            if self.count == 2 and type(self).runs == 1:
                ctx.buy("PERP", 1.0)

    build = live(tmp_path, Fickle(), slowly([*FLAT[:6], quote(9, 104.0)]))
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert parts(found) == {"logic": 3.5}


def test_orders_that_take_their_time_miss_the_price_that_they_were_made_at(tmp_path):
    class Holding(OnQuotes):
        def on_quote(self, ctx, quote):
            self.count += 1
            if self.count == 2:
                ctx.buy("PERP", 1.0)

    class Slow(QuotedVenue):
        """Sees the quote after next before an order arrives."""

        def fill(self, order, lots=None, price=None, is_maker=False):
            self.prices["PERP"] += 2.0
            super().fill(order, lots, price, is_maker)

    rising = [quote(1 + n, 100.0 + n) for n in range(7)]
    build = live(tmp_path, Holding(), slowly(rising), wire=Slow(PERP))
    found = replay(tmp_path, Assumed(latency_ms=4200), build)
    assert found.latency_ms == 4200
    assert parts(found) == {"latency": -2.0}


class OnBars(hl.Strategy):
    """Buys one when a bar closes above the one before."""

    name = "on_bars"

    def __init__(self):
        self.before = None

    def on_bar(self, ctx, bar):
        if self.before is not None and bar.close > self.before:
            ctx.buy("PERP", 1.0)
        self.before = bar.close


def test_a_bar_that_came_late_is_missed_data(tmp_path):
    events = [
        bar(0, 100.0),
        quote(61, 101.0),
        quote(110, 102.0),
        quote(150, 105.0),
        bar(1, 105.0),
        quote(200, 105.0),
    ]
    build = live(tmp_path, OnBars(), slowly(events), tapes=TAPES)
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    # The bar ended at second 120: in time, the order is made when the price is 102.
    assert parts(found) == {"missed": -3.0}


def test_positions_that_were_there_before_are_there_again(tmp_path):
    wire = venue()
    wire.hold("PERP", 2000, 90.0)

    class Closing(OnQuotes):
        def on_quote(self, ctx, quote):
            self.count += 1
            if self.count == 3:
                ctx.close("PERP")

    from hookline.session.schema import LiveEntry

    build = live(tmp_path, Closing(), slowly(FLAT), wire=wire, live=LiveEntry(foreign_positions="adopt"))
    content = read_journal(tmp_path)
    assert content.orders[0].tag == "reconciled"
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert parts(found) == {}
    assert len(found.difference.rows) == 2


def test_a_session_that_recorded_nothing_says_so(tmp_path):
    session_of(tmp_path, OnQuotes(), venue(), FLAT, tapes=TAPES).run()
    with pytest.raises(ConfigError, match="record: true"):
        replay(tmp_path)


def test_a_part_of_the_session_that_was_not_recorded_is_named(tmp_path):
    wire = venue()
    session_of(tmp_path, OnBars(), wire, [bar(0, 100.0), bar(1, 101.0)]).run()
    build = live(tmp_path, OnBars(), [bar(2, 102.0), bar(3, 103.0)], wire=wire, tapes={})
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert not found.coverage.is_whole
    assert "2 of 4 bars" in found.coverage.problems[0]


def test_logic_is_found_behind_fills_that_differ(tmp_path):
    class Worse(WireBroker):
        def _show(self, wire, *, adopts=False):
            fills = tuple(replace(one, price=one.price + 0.5 * wire.side) for one in wire.fills)
            super()._show(replace(wire, fills=fills), adopts=adopts)

    class Fickle(OnQuotes):
        runs = 0

        def on_start(self, ctx):
            type(self).runs += 1

        def on_quote(self, ctx, quote):
            super().on_quote(ctx, quote)
            if self.count == 5 and type(self).runs == 1:
                ctx.buy("PERP", 1.0)

    wire = venue()
    broker = Worse(venue=wire)
    build = live(tmp_path, Fickle(), slowly([*FLAT[:6], quote(9, 104.0)]), wire=wire, broker=broker)
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    # Bought at 101, half a unit above the ask; the last price is 104.
    assert parts(found) == {"logic": 3.0, "slippage": -1.0}


def test_an_order_that_answers_a_refusal_of_the_venue_is_no_logic(tmp_path):
    class Stubborn(OnQuotes):
        def on_quote(self, ctx, quote):
            self.count += 1
            if self.count == 2:
                ctx.buy("PERP", 1.0, limit=90.0)

        def on_order(self, ctx, order, update):
            if update.status == "rejected":
                ctx.buy("PERP", 2.0, tag="instead")

    wire = venue()
    wire.faults.append("refuse")
    build = live(tmp_path, Stubborn(), slowly([*FLAT[:6], quote(9, 104.0)]), wire=wire)
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert [order.status for order in read_journal(tmp_path).orders] == ["rejected", "filled"]
    assert parts(found) == {"queue": 7.0}


def test_a_strategy_that_decides_otherwise_now_is_logic_on_both_sides(tmp_path):
    class Fickle(OnQuotes):
        runs = 0

        def on_start(self, ctx):
            type(self).runs += 1

        def on_quote(self, ctx, quote):
            self.count += 1
            if self.count == 2:
                ctx.buy("PERP", 1.0) if type(self).runs == 1 else ctx.sell("PERP", 1.0)

    build = live(tmp_path, Fickle(), slowly([*FLAT[:6], quote(9, 104.0)]))
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert parts(found) == {"logic": 8.0}  # bought at 100.5, would sell at 99.5
    assert [(row.live is None, row.again is None) for row in found.difference.rows] == [
        (False, True),
        (True, False),
    ]


def test_a_session_that_was_restarted_is_run_again_as_one(tmp_path):
    wire = venue()

    class Again(OnQuotes):
        def on_quote(self, ctx, quote):
            count = ctx.state["count"] = ctx.state.get("count", 0) + 1
            if count == 2:
                ctx.buy("PERP", 1.0)
            elif count == 5:
                ctx.close("PERP")

    live(tmp_path, Again(), slowly(FLAT[:3]), wire=wire)
    build = live(tmp_path, Again(), slowly(FLAT[3:]), wire=wire)
    assert [order.status for order in read_journal(tmp_path).orders] == ["filled", "filled"]
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert parts(found) == {}
    assert found.coverage.is_whole


def test_a_session_on_paper_that_followed_a_market_has_no_difference(tmp_path):
    class Timed(OnQuotes):
        def on_start(self, ctx):
            ctx.every("5s", "often")

        def on_timer(self, ctx, timer):
            ctx.buy("PERP", 0.5, limit=99.0) if not ctx.open_orders() else ctx.cancel(ctx.open_orders()[0])

    def build(*_):
        broker = plugins.build("brokers", "paper", {"taker_fee_bps": 5}, "broker")
        wire = venue()
        session = session_of(
            tmp_path, Timed(), wire, slowly(events), broker=WireBroker(venue=wire), tapes=TAPES
        )
        return replace(session.plan, mode="paper", broker=broker, journal=None)

    from hookline.session.session import Session

    events = [*FLAT, quote(12, 98.0), quote(30, 97.0), bar(0, 98.0), quote(70, 99.0), quote(80, 98.0)]
    Session(replace(build(), journal=JournalPlan(tmp_path, record=tmp_path / "recording"))).run()
    found = replay(tmp_path, build=build)
    assert len(read_journal(tmp_path).fills) > 2
    assert len(found.difference.rows) > 4
    assert parts(found) == {}
    assert not any(row.is_different for row in found.difference.rows)


class OnMean(hl.Strategy):
    """Buys one when a bar closes above the mean of three."""

    name = "on_mean"

    def on_start(self, ctx):
        self.mean = ctx.use(hl.sma(ctx.bars("PERP").close, 3))

    def on_bar(self, ctx, bar):
        if bar.close > self.mean.value:
            ctx.buy("PERP", 1.0, tag=f"{self.mean.value:g}")


def test_columns_are_warmed_up_with_the_bars_of_then_once(tmp_path):
    def series(closes):
        starts = [START + (number - 3) * 60 * SECOND for number in range(len(closes))]
        return BarSeries("PERP", "1m", starts, closes, closes, closes, closes, [1.0] * len(closes))

    closes = [100.0, 100.0, 100.0, 102.0, 98.0, 103.0]
    wire, warm = venue(), {"tapes": TAPES, "warmup_bars": 10}
    first = [quote(30, 102.0), bar(0, 102.0), quote(61, 102.0), bar(1, 98.0), quote(121, 98.0)]
    second = [quote(185, 104.0), bar(3, 104.0), quote(241, 104.0)]
    live(tmp_path, OnMean(), slowly(first), wire=wire, history=series(closes[:3]), **warm)
    wire.clock.now = START + 181 * SECOND
    build = live(tmp_path, OnMean(), slowly(second), wire=wire, history=series(closes), **warm)
    assert [order.tag for order in read_journal(tmp_path).orders] == ["100.667", "101.667"]
    found = replay(tmp_path, Assumed(latency_ms=0), build)
    assert parts(found) == {}
    assert [(row.live.tag, row.again.tag) for row in found.difference.rows] == [
        ("100.667",) * 2,
        ("101.667",) * 2,
    ]
