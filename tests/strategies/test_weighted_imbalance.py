"""weighted_imbalance: when it joins the fuller side of the book, when it gives up, and when it leaves."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest
from book_markets import FINE, SECOND, START, instrument, real_tape, run, synthetic_tape, tape
from book_markets import _TapeFeed as TapeFeed

import hookline as hl
from hookline import plugins
from hookline.feed import BarRequest
from hookline.imbalance import imbalance_study
from hookline.model import MarketData
from hookline.reporting.journal_export import journal_lines
from hookline.session.assembly import tapes_of
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline_paper.broker import PaperBroker
from hookline_strategies.weighted_imbalance import WeightedImbalance


@dataclass
class Watched(WeightedImbalance):
    """Writes down what becomes of its orders."""

    def on_start(self, ctx):
        super().on_start(ctx)
        self.told = []

    def on_order(self, ctx, order, update):
        seconds = (update.time - START) / SECOND
        price = "" if order.limit_price is None else f" @ {order.limit_price:g}"
        self.told.append(
            f"{seconds:g} {order.tag} {update.status} {order.side.name.lower()} {order.quantity:g}{price}"
        )


# A level on each side has the same distance from the mid, so that the weights cancel out; one level is all of its side.
ONE_LEVEL = {"max_single_share": 1.0, "hold": "5s"}


def told(text, broker=None, one=None, **params):
    strategy = Watched(**(ONE_LEVEL | params))
    run(strategy, tape(text), broker=broker, one=one)
    return strategy.told


def late(entry_ms, response_ms):
    params = {"latency": {"entry_ms": entry_ms, "response_ms": response_ms}}
    return plugins.build("brokers", "paper", params, "broker")


def entries(lines):
    return [line for line in lines if " entry submitted " in line]


def test_the_orders_on_a_scripted_market():
    # Mid 100.05; levels are 5.0 and 15.0 bps away and count e^-0.5 = 0.607 and e^-1.5 = 0.223.
    # At 1: (30 * 0.830 - 10 * 0.830) / (40 * 0.830) = 0.5, beyond 0.4; the best bid is 0.607 / 0.830 = 0.73 of its side.
    #       A tenth of 10,000 at 100 is 10. It stands behind the 30 at its price.
    # At 2: 34 are sold at 100: 30 to those ahead, 4 to us. The hold of 5 s begins.
    # At 3: the other 6.
    # At 6: the book is even. At 7 the hold is over, and nothing is sent by the market until 9: the clock says so.
    strategy = Watched(max_single_share=0.8, hold="5s")
    market = tape(
        """
        1 book bid 100:30 99.9:30 ask 100.1:10 100.2:10
        2 sell 34 @ 100
        3 sell 6 @ 100
        6 change bid 100:10 99.9:10
        9 change ask 100.3:1
        """
    )

    result = run(strategy, market, broker=PaperBroker(maker_fee_bps=1, taker_fee_bps=0))

    assert strategy.told == [
        "1 entry submitted buy 10 @ 100",
        "1 entry accepted buy 10 @ 100",
        "2 entry partially_filled buy 10 @ 100",
        "3 entry filled buy 10 @ 100",
        "7 hold submitted sell 10",
        "7 hold filled sell 10",
    ]
    fills = [(fill.side.name, fill.quantity, fill.price, fill.is_maker) for fill in result.record.fills]
    assert fills == [("BUY", 4.0, 100.0, True), ("BUY", 6.0, 100.0, True), ("SELL", 10.0, 100.0, False)]
    # Bought and sold at 100; 1 bps of 1,000 for the maker.
    assert result.metrics.final_equity == pytest.approx(10_000 - 0.1)


def test_it_sells_where_more_is_offered():
    lines = told(
        """
        1 book bid 99.9:10 ask 100:30
        2 buy 40 @ 100
        3 change ask 100:10
        9 change bid 99.8:1
        """
    )
    assert lines[0] == "1 entry submitted sell 10 @ 100"
    assert lines[2:4] == ["2 entry filled sell 10 @ 100", "7 hold submitted buy 10"]


def test_an_imbalance_at_the_threshold_is_none():
    # (14 - 6) / 20 = 0.4, and with 15 to 6 a little more.
    market = "1 book bid 99.9:14 ask 100:6\n2 change bid 99.9:15"
    assert entries(told(market)) == ["2 entry submitted buy 10 @ 99.9"]


def test_quantities_farther_from_the_mid_count_less():
    # The mid is 100. 100 bps away 1,000 count 1,000 * e^-10 = 0.05: nothing beside 10 at 10 bps, which count 10 * e^-1 = 3.7.
    far = "1 book bid 99.9:10 99:1000 ask 100.1:10"
    assert told(far) == []
    # With a decay of 0.001 they count 1,000 * e^-0.1 = 905 to 9.9.
    assert len(entries(told(far, decay=0.001))) == 1
    assert told(far, decay=0.001, depth=1) == []


def test_a_signal_that_one_level_makes_is_ignored():
    # Bids 5, 15 and 25 bps from the mid count 0.607, 0.223 and 0.082: 30 at each are 18.2, 6.7 and 2.5, the best is 0.665 of them.
    text = "1 book bid 100:30 99.9:30 99.8:30 ask 100.1:5"
    assert told(text, max_single_share=0.66) == []
    assert len(entries(told(text, max_single_share=0.67))) == 1


def test_an_entry_that_the_price_leaves_behind_is_canceled_and_not_chased():
    lines = told(
        """
        1 book bid 100:30 ask 100.1:10
        2 change bid 100.1:30 ask 100.1:0 100.2:10
        3 change bid 100.1:40
        4 change ask 100.2:40
        5 change ask 100.2:5
        """,
        max_slippage_bps=9,
    )
    # From 100 to 100.1 is 10 bps. At 3 the signal is the old one; at 4 the book is even, at 5 there is a new one.
    assert lines == [
        "1 entry submitted buy 10 @ 100",
        "1 entry accepted buy 10 @ 100",
        "2 entry canceled buy 10 @ 100",
        "5 entry submitted buy 9.9 @ 100.1",
        "5 entry accepted buy 9.9 @ 100.1",
    ]


def test_an_entry_within_the_slippage_stays():
    lines = told(
        "1 book bid 100:30 ask 100.1:10\n2 change bid 100.1:30 ask 100.1:0 100.2:10\n3 change bid 100.1:31",
        max_slippage_bps=10,
    )
    assert lines[1:] == ["1 entry accepted buy 10 @ 100"]


def test_an_entry_is_canceled_when_the_book_turns():
    lines = told(
        "1 book bid 100:30 ask 100.1:10\n2 change bid 100:10\n3 change ask 100.1:30\n4 change ask 100.1:10"
    )
    assert lines[2] == "3 entry canceled buy 10 @ 100"
    assert len(entries(lines)) == 1


def test_an_entry_waits_no_longer_than_the_hold():
    lines = told(
        "1 book bid 100:30 ask 100.1:10\n5.9 change bid 100:31\n6.1 change bid 100:32\n7 change bid 100:33"
    )
    assert lines[2:] == ["6 entry expired buy 10 @ 100"]


def test_what_is_left_of_an_entry_goes_when_the_hold_is_over():
    lines = told(
        """
        1 book bid 100:30 ask 100.1:10
        2 sell 34 @ 100
        3 change ask 100.1:30
        8 change bid 99.9:1
        """,
        hold="4s",
    )
    # Good until 5; what was bought at 2 is sold at 6.
    assert lines[2:5] == [
        "2 entry partially_filled buy 10 @ 100",
        "5 entry expired buy 10 @ 100",
        "6 hold submitted sell 4",
    ]


def test_after_a_hold_it_enters_again_while_the_signal_lasts():
    lines = told("1 book bid 100:30 ask 100.1:10\n2 sell 40 @ 100\n8 change bid 100:31")
    assert entries(lines) == ["1 entry submitted buy 10 @ 100", "8 entry submitted buy 10 @ 100"]


def test_an_entry_that_comes_too_late_to_be_post_only_is_not_sent_again():
    # Half a second on its way, in which the offer falls to its price.
    text = """
        1 book bid 100:30 ask 100.1:10
        1.2 change ask 100:5 bid 100:0 99.9:30
        3 change bid 99.9:31
        """
    lines = told(text, broker=late(500, 0))
    assert [line.split()[2] for line in lines] == ["submitted", "rejected"]


def test_what_the_risk_gate_denies_is_asked_for_once_a_signal():
    changes = "\n".join(f"{second} change bid 100:{30 + second}" for second in range(2, 9))
    assert len(told(f"1 book bid 100:30 ask 100.1:10\n{changes}", weight=1e-9)) == 1


def test_spot_is_not_sold_short():
    text = "1 book bid 99.9:10 ask 100:30"
    spot = instrument(hl.InstrumentKind.SPOT)
    assert told(text, one=spot) == []
    assert told(text, allow_short=False) == []
    assert len(entries(told(text))) == 1


def test_the_hold_is_a_length_of_time():
    with pytest.raises(ValueError, match="was 'soon'"):
        WeightedImbalance(hold="soon")


# -- on longer tapes -------------------------------------------------------------------------------------------------


def lines(result):
    return list(journal_lines(result.record))[1:]


@pytest.mark.parametrize("broker", [PaperBroker, lambda: late(40, 30)], ids=["at once", "late"])
def test_a_stream_and_a_backtest_trade_the_same(broker):
    market = synthetic_tape()
    backtest = run(Watched(threshold=0.2), market, one=FINE, broker=broker())
    stream = run(Watched(threshold=0.2), market, one=FINE, broker=broker(), streamed=True)
    assert len(backtest.record.fills) > 10
    assert lines(backtest) == lines(stream)


def test_later_messages_change_nothing_that_was_done_before():
    market = synthetic_tape()
    cut = int(market.time[len(market) // 2])
    whole, part = Watched(threshold=0.2), Watched(threshold=0.2)
    run(whole, market, one=FINE)
    run(part, market.between(None, cut), one=FINE)
    # The end of the shorter run cancels what rests.
    before = [line for line in part.told if float(line.split()[0]) < (cut - START) / SECOND - 1]
    assert len(before) > 20
    assert before == whole.told[: len(before)]


def test_no_entry_takes_and_nothing_is_held_for_longer_than_the_hold():
    result = run(Watched(threshold=0.2, hold="7s"), synthetic_tape(20), one=FINE)
    tags = {order.number: order.tag for order in result.record.orders}
    held, since, longest = 0, 0, 0
    assert len(result.record.fills) > 20
    for fill in result.record.fills:
        assert fill.is_maker == (tags[fill.order_number] == "entry")
        since = fill.time if held == 0 else since
        held += fill.side * fill.lots
        longest = max(longest, fill.time - since)
    assert longest <= 8 * SECOND


def test_on_recorded_books_it_trades_and_the_study_says_what_the_signals_were_worth(real_data):
    market = real_tape(real_data)
    one = hl.Instrument(
        "TEST", hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal("0.001")
    )
    result = run(WeightedImbalance(), market, one=one, cash=100_000.0)
    assert len(result.record.fills) > 2
    assert not result.record.halted
    rows = imbalance_study(market, thresholds=[0.4], max_single_share=0.5)
    assert [row.horizon_seconds for row in rows] == [10, 30, 60]
    assert all(row.signals > 1 and np.isfinite(row.t) for row in rows)


class CutFeed(TapeFeed):
    """Ends its stream at a time, in the middle of a bar."""

    def __init__(self, tape, until):
        super().__init__([tape])
        self._until = until

    async def stream(self, requests):
        async for event in super().stream(requests):
            if self._until is None or (event.end if isinstance(event, hl.Bar) else event.time) < self._until:
                yield event


def kept(folder, market, until=None):
    """Run a session on paper from where the folder's journal stands; return its orders and fills."""
    strategy = WeightedImbalance(threshold=0.2, hold="7s")
    seat = Seat("s", "weighted_imbalance", strategy, ("TEST",), 10_000.0)
    plan = Plan(
        name="kept",
        mode="paper",
        currency="USDT",
        seed=0,
        timeframe="1s",
        feed=CutFeed(market, until),
        requests=[BarRequest("TEST", "1s")],
        instruments={"TEST": FINE},
        broker=plugins.build("brokers", "paper", {"taker_fee_bps": 2}, "broker"),
        seats=[seat],
        tapes=tapes_of([seat], ["TEST"], [MarketData.TRADES]),
        journal=JournalPlan(folder=folder),
    )
    record = hl.Session(plan).run().record
    orders = [(o.number, o.time, o.side, o.lots, o.limit_price, o.tag, o.status) for o in record.orders]
    return orders, record.fills


def test_restarts_while_it_holds_and_while_it_waits_change_nothing(tmp_path):
    market = synthetic_tape(5)
    whole = kept(tmp_path / "whole", market)
    sent, entry = whole[0][0], whole[1][0]
    assert len(whole[1]) > 10
    for name, time, fills in (
        ("waiting", sent[1] + 1, 0),
        ("filled", entry.time + 1, 1),
        ("holding", entry.time + 3 * SECOND, 1),
    ):
        before = kept(tmp_path / name, market, time)
        assert len(before[1]) == fills
        assert kept(tmp_path / name, market) == whole, name
