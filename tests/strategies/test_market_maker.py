"""market_maker: where its quotes lie, how they follow, and when a side is empty."""

import logging
from dataclasses import dataclass

import pytest
from book_markets import FINE, instrument, run, synthetic_tape, tape

import hookline as hl
from hookline.testing import bars
from hookline_paper.broker import PaperBroker
from hookline_strategies.market_maker import MarketMaker


@dataclass
class Watched(MarketMaker):
    """Writes down what becomes of its orders."""

    def on_start(self, ctx):
        super().on_start(ctx)
        self.told = []

    def on_order(self, ctx, order, update):
        seconds = (update.time // 10**6 - 1_704_067_200_000) / 1000
        what = update.reason or str(update.status)
        self.told.append(f"{seconds:g} {order.tag} {what} {order.quantity:g} @ {order.limit_price:g}")


MARKET = tape(
    """
    1.0 book bid 99:5 ask 101:5
    1.2 change bid 99.2:5
    1.3 sell 1 @ 99.5
    1.6 change bid 99.2:0
    2.0 sell 1 @ 99.3
    2.2 change bid 98.5:5
    2.5 buy 1 @ 100.3
    2.6 change bid 98.4:5
    """
)


def test_the_orders_on_a_scripted_market():
    maker = Watched(order_size=1, max_position=2, spread_bps=100)

    result = run(maker, MARKET)

    # Half the spread of 100 bps of the mid of 100 is 0.5: 99.5 and 100.5.
    # 1.2 comes 200 ms later and moves nothing. At 1.6 one is held, half of what may be: both quotes shift by
    # 0.5 * 0.5 * 0.5 = 0.125, to 99.375 and 100.375, which is 99.3 and 100.4 on the tick outward.
    # At 2.2 two are held: no bid, and the ask shifts by 0.25 to 100.25, so 100.3.
    # 2.6 comes 400 ms later and moves nothing; the end cancels what rests.
    assert maker.told == [
        "1 bid 0 submitted 1 @ 99.5",
        "1 bid 0 accepted 1 @ 99.5",
        "1 ask 0 submitted 1 @ 100.5",
        "1 ask 0 accepted 1 @ 100.5",
        "1.3 bid 0 filled 1 @ 99.5",
        "1.6 bid 0 submitted 1 @ 99.3",
        "1.6 bid 0 accepted 1 @ 99.3",
        "1.6 ask 0 amended 1 @ 100.4",
        "2 bid 0 filled 1 @ 99.3",
        "2.2 ask 0 amended 1 @ 100.3",
        "2.5 ask 0 filled 1 @ 100.3",
    ]
    fills = [(fill.side.name, fill.price, fill.is_maker) for fill in result.record.fills]
    assert fills == [("BUY", 99.5, True), ("BUY", 99.3, True), ("SELL", 100.3, True)]


def prices(maker, text, **options):
    """The limits that a maker asks for on one book."""
    result = run(maker, tape(f"1 book {text}\n2 change bid 1:1"), **options)
    return [(order.tag, order.limit_price, order.quantity) for order in result.record.orders]


def test_levels_lie_a_step_apart():
    maker = MarketMaker(order_size=1, max_position=9, spread_bps=100, levels=3, level_step_bps=20)

    assert prices(maker, "bid 99:5 ask 101:5") == [
        ("bid 0", 99.5, 1.0), ("bid 1", 99.3, 1.0), ("bid 2", 99.1, 1.0),
        ("ask 0", 100.5, 1.0), ("ask 1", 100.7, 1.0), ("ask 2", 100.9, 1.0),
    ]  # fmt: skip


def test_levels_end_where_the_position_would_be_too_large():
    maker = MarketMaker(order_size=1, max_position=1.5, spread_bps=100, levels=3, level_step_bps=20)

    sizes = [(tag, quantity) for tag, _, quantity in prices(maker, "bid 99:5 ask 101:5")]
    assert sizes == [("bid 0", 1.0), ("bid 1", 0.5), ("ask 0", 1.0), ("ask 1", 0.5)]


def test_quotes_are_rounded_outward():
    maker = MarketMaker(order_size=1, max_position=2, spread_bps=100)

    # The mid is 100.05: 99.54975 and 100.55025.
    assert [row[1] for row in prices(maker, "bid 99:5 ask 101.1:5")] == [99.5, 100.6]


def test_a_quote_never_reaches_the_opposite_best():
    maker = MarketMaker(order_size=1, max_position=2, spread_bps=1)

    # The mid is 100.05, and half a basis point from it lies inside the tick between 100 and 100.1.
    assert [row[1] for row in prices(maker, "bid 100:5 ask 100.1:5")] == [100.0, 100.1]


def test_a_quote_keeps_its_least_distance_from_the_mid():
    maker = MarketMaker(order_size=1, max_position=2, spread_bps=20, min_edge_bps=50)

    assert [row[1] for row in prices(maker, "bid 99:5 ask 101:5")] == [99.5, 100.5]


def test_spot_that_is_not_held_is_not_offered():
    maker = MarketMaker(order_size=1, max_position=2, spread_bps=100)

    rows = prices(maker, "bid 99:5 ask 101:5", one=instrument(hl.InstrumentKind.SPOT))
    assert rows == [("bid 0", 99.5, 1.0)]


def test_what_was_filled_in_part_is_quoted_in_full_again():
    maker = Watched(order_size=1, max_position=5, spread_bps=100, skew=0)

    run(maker, tape("1 book bid 99:5 ask 101:5\n1.1 sell 0.4 @ 99.5\n1.6 change ask 101:0 100:5"))

    # The mid has moved to 99.5 and with it the bid; 0.4 are filled, and one more is wanted.
    assert "1.1 bid 0 partially_filled 1 @ 99.5" in maker.told
    assert "1.6 bid 0 amended 1.4 @ 99" in maker.told


def test_it_is_silent_while_the_book_is_crossed():
    maker = Watched(order_size=1, max_position=2, spread_bps=100)

    run(maker, tape("1 book bid 99:5 ask 101:5\n2 change bid 102:5\n3 change bid 101.5:1"))

    # The bid at 102 fills the ask; nothing is quoted on the crossed book, and the end cancels what is left.
    assert [line.partition("0 ")[2] for line in maker.told[4:]] == ["canceled 1 @ 99.5", "canceled 1 @ 100.5"]


def test_a_spread_below_the_fees_is_told_at_the_start(caplog):
    with caplog.at_level(logging.WARNING, "hookline.strategies"):
        run(
            MarketMaker(order_size=1, max_position=2, spread_bps=9),
            MARKET,
            broker=PaperBroker(taker_fee_bps=5),
        )
        run(
            MarketMaker(order_size=1, max_position=2, spread_bps=10),
            MARKET,
            broker=PaperBroker(taker_fee_bps=5),
        )

    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "spread_bps 9 is less than twice the taker fee (10)"
    ]


def test_a_position_smaller_than_one_order_is_refused():
    with pytest.raises(ValueError, match=r"max_position must be at least order_size \(2\), was 1"):
        MarketMaker(order_size=2, max_position=1)


def test_bars_alone_give_it_nothing_to_quote_on():
    maker = MarketMaker(order_size=1, max_position=2)

    with pytest.raises(
        hl.ConfigError, match="market_maker follows book of DATA, give its tape under 'tapes'"
    ):
        hl.backtest(maker, bars("10 11 12", "DATA"))


# -- on a longer tape ------------------------------------------------------------------------------------------------


def make():
    return Watched(order_size=0.5, max_position=2, spread_bps=3, levels=2, level_step_bps=2)


def test_it_holds_no_more_than_it_may_and_never_takes():
    result = run(make(), synthetic_tape(20), one=FINE)

    held = 0
    assert len(result.record.fills) > 20
    for fill in result.record.fills:
        held += fill.side * fill.lots
        assert abs(held) <= 2000
        assert fill.is_maker


def test_quotes_of_levels_that_are_no_longer_wanted_are_canceled():
    @dataclass
    class Fewer(MarketMaker):
        def on_book(self, ctx, book):
            self.levels = 2 if book.time < 1_704_067_202 * 10**9 else 1
            super().on_book(ctx, book)

    maker = Fewer(order_size=1, max_position=2, spread_bps=100, level_step_bps=20)
    text = "1 book bid 99:5 ask 101:5\n3 change bid 98:1\n4 sell 5 @ 99\n4.1 change bid 98:2"

    record = run(maker, tape(text)).record

    ended = {
        order.tag: (str(order.status), order.update_time // 10**9 - 1_704_067_200)
        for order in record.orders[:4]
    }
    assert ended["bid 1"] == ended["ask 1"] == ("canceled", 3)
    assert [(fill.side.name, fill.price) for fill in record.fills] == [("BUY", 99.5)]


def test_a_book_that_stays_crossed_takes_the_quotes_away(caplog):
    maker = Watched(order_size=1, max_position=2, spread_bps=100)

    with caplog.at_level(logging.WARNING, "hookline"):
        run(
            maker,
            tape("1 book bid 99:5 ask 101:5\n1.5 change bid 101.5:1\n2.5 change bid 98:1\n9 change bid 97:1"),
        )

    assert [line for line in maker.told if "canceled" in line] == [
        "2 bid 0 canceled 1 @ 99.5",
        "2 ask 0 canceled 1 @ 100.5",
    ]
    assert "cancels its quotes" in caplog.text


def test_after_a_restart_its_quotes_wait_for_the_first_message_of_the_book():
    class Restarted:
        """What a context is like between a restart and the first message: the last prices are known, and no book is."""

        canceled = False

        def open_orders(self, symbol):
            return ["a quote"]

        def bid(self, symbol):
            return 99.0

        def book(self, symbol):
            raise hl.OrderError("no book of it is followed yet")

        def cancel_all(self, symbol):
            self.canceled = True

    maker, ctx = MarketMaker(order_size=1, max_position=2), Restarted()
    maker._symbol = "TEST"
    maker.on_timer(ctx, "1s")
    assert not ctx.canceled


def test_a_kill_and_a_restart_change_no_order_and_no_fill(tmp_path):
    market = synthetic_tape(6)
    whole = run(Killed(**FINE_QUOTES), market, one=FINE, streamed=True, journal=tmp_path / "whole").record
    last = int(market.time[-1])
    for part in (0.2, 0.45, 0.7):
        cut = int(market.time[int(len(market) * part)]) // MINUTE * MINUTE
        early = market.between(None, cut)
        run(Killed(**FINE_QUOTES), early, one=FINE, streamed=True, journal=tmp_path / str(part))
        again = run(
            Killed(**FINE_QUOTES), market, one=FINE, streamed=True, journal=tmp_path / str(part)
        ).record
        assert again.fills == whole.fills
        assert [(o.number, o.tag, o.limit_price, o.status, o.lots) for o in again.orders] == [
            (o.number, o.tag, o.limit_price, o.status, o.lots) for o in whole.orders
        ]
    assert len(whole.fills) > 5
    assert whole.fills[-1].time <= last


@dataclass
class Killed(MarketMaker):
    """Ends as a process does that is killed: without a word."""

    def on_stop(self, ctx):
        pass


MINUTE = 60 * 10**9
FINE_QUOTES = {"order_size": 0.5, "max_position": 2, "spread_bps": 3, "levels": 2, "level_step_bps": 2}
