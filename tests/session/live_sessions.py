"""A session that trades live at a venue in memory."""

from __future__ import annotations

from decimal import Decimal

from wire_venue import START, LiveTape, WireBroker, WireVenue

import hookline as hl
from hookline.feed import BarRequest
from hookline.model import Bar, InstrumentKind
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.session.session import Session
from hookline.session.stream_rules import StreamRules

MINUTE = 60 * 10**9
PERP = hl.Instrument("PERP", InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))


def bar(number, price, low=None, high=None, symbol="PERP"):
    """Return a bar of a minute, counted from the start."""
    start = START + number * MINUTE
    return Bar(
        symbol,
        start,
        start + MINUTE,
        price,
        price if high is None else high,
        price if low is None else low,
        price,
        1.0,
    )


def venue(**settings):
    return WireVenue(PERP, **settings)


def session_of(folder, strategy, wire, events, *, broker=None, on_stop="cancel", ends=True, **plan):
    feed = LiveTape(events, wire, instruments={"PERP": PERP}, ends=ends)
    return Session(
        Plan(
            name="live",
            mode="live",
            currency="USDT",
            seed=0,
            timeframe="1m",
            feed=feed,
            requests=[BarRequest("PERP", "1m")],
            instruments={"PERP": PERP},
            broker=broker or WireBroker(venue=wire),
            seats=[Seat("one", "one", strategy, ("PERP",), 10_000.0)],
            journal=JournalPlan(folder),
            stream=StreamRules(late_data="drop", bar_wait_seconds=1.0),
            on_stop=on_stop,
            **plan,
        )
    )
