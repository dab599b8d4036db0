"""Paper on a market that is followed live: bars and messages come by several ways, a little out of order."""

from live_sessions import MINUTE, PERP, bar
from wire_venue import START, LiveTape

import hookline as hl
from hookline.clock import from_ns
from hookline.feed import BarRequest
from hookline.model import FundingRate, MarketData, MarkPrice, Side, Trade
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.session.session import Session
from hookline.session.stream_rules import StreamRules
from hookline_paper.broker import PaperBroker


def trade(seconds, price):
    time = START + round(seconds * 1e9)
    return Trade("PERP", time, time, price, 1.0, Side.BUY)


class Watcher(hl.Strategy):
    name = "watcher"

    def __init__(self):
        self.seen = []

    def on_bar(self, ctx, bar):
        self.seen.append(("bar", bar.close, (ctx.now - from_ns(START)).total_seconds()))
        if ctx.position("PERP").is_flat:
            ctx.buy("PERP", 1.0)

    def on_trade(self, ctx, trade):
        self.seen.append(("trade", trade.price, (ctx.now - from_ns(START)).total_seconds()))

    def on_funding(self, ctx, funding):
        self.seen.append(("funding", funding.amount, funding.rate))


def run(folder, events, tapes=True):
    strategy = Watcher()
    session = Session(
        Plan(
            name="paper", mode="paper", currency="USDT", seed=0, timeframe="1m",
            feed=LiveTape(events), requests=[BarRequest("PERP", "1m")], instruments={"PERP": PERP},
            broker=PaperBroker(), seats=[Seat("one", "one", strategy, ("PERP",), 10_000.0)],
            journal=JournalPlan(folder), stream=StreamRules(late_data="drop"),
            tapes={"PERP": frozenset({MarketData.TRADES})} if tapes else {},
        )
    )  # fmt: skip
    return strategy, session.run()


def test_a_bar_that_comes_after_trades_of_the_next_one_is_no_late_bar(tmp_path):
    strategy, result = run(tmp_path, [trade(59, 100), trade(60.5, 101), bar(0, 100), trade(61, 102)])
    assert strategy.seen == [
        ("trade", 100, 59.0), ("trade", 101, 60.5), ("bar", 100, 60.5), ("trade", 102, 61.0),
    ]  # fmt: skip
    assert not [text for text in result.record.warnings if "late" in text]


def test_a_message_of_an_earlier_time_counts_when_it_comes(tmp_path):
    strategy, _ = run(tmp_path, [trade(10, 100), trade(9, 101)])
    assert strategy.seen == [("trade", 100, 10.0), ("trade", 101, 10.0)]


def test_a_bar_that_came_before_is_dropped(tmp_path):
    strategy, result = run(tmp_path, [bar(0, 100), bar(1, 101), bar(0, 100)])
    assert [what for what, *_ in strategy.seen] == ["bar", "bar"]
    assert [text for text in result.record.warnings if "late or twice" in text]


def test_funding_is_paid_at_the_mark_when_its_interval_ends(tmp_path):
    time = START + 3 * MINUTE
    events = [
        bar(0, 100),
        bar(1, 110),
        MarkPrice("PERP", time, time, 105.0),
        FundingRate("PERP", time, time, 0.001),
    ]
    strategy, result = run(tmp_path, events, tapes=False)
    assert strategy.seen[-1] == ("funding", -0.105, 0.001)
    assert [row[3] for row in result.record.funding] == [-0.105]
