"""Market data of both products over several sockets, in our model."""

import asyncio
import json
import math
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from small_venue import QUICK, Connection, SmallVenue, no_tasks_left, until

from hookline.clock import EventClock
from hookline.errors import ConfigError
from hookline.model import BookUpdate, Instrument, InstrumentKind, MarketData, OrderBook, Quote, Side, Trade
from hookline_lmex.settings import Settings
from hookline_lmex.streams import MarketStream

NOW_MS = 1_800_000_000_000
MS = 1_000_000
SPOT = Instrument("ETH-USDT", lot_size=Decimal("0.001"))
PERPETUAL = Instrument(
    "BTC-PERP", InstrumentKind.PERPETUAL, Decimal("0.5"), Decimal("0.001"), contract_size=Decimal("0.001")
)
DATED = Instrument(
    "BTC-270326", InstrumentKind.PERPETUAL, Decimal("0.5"), Decimal("0.001"), contract_size=Decimal("0.001")
)
INSTRUMENTS = {each.symbol: each for each in (SPOT, PERPETUAL, DATED)}
BOOK, QUOTES, TRADES = MarketData.BOOK, MarketData.QUOTES, MarketData.TRADES

Levels = list[tuple[str, str]]


class Follower:
    """A market stream and all that it tells."""

    def __init__(self, venue: SmallVenue, wanted: Mapping[str, set[MarketData]], **options: Any) -> None:
        self.events: list[Quote | Trade | BookUpdate] = []
        self.told: list[str] = []
        self.troubles: list[str] = []
        self.clock = EventClock(NOW_MS * MS)
        self.wanted = {symbol: frozenset(kinds) for symbol, kinds in wanted.items()}
        options.setdefault("times", QUICK)
        self.stream = MarketStream(
            Settings(socket_url=venue.url), self.clock, INSTRUMENTS,
            on_up=lambda name: self.told.append(f"{name} up"),
            on_down=lambda name, _: self.told.append(f"{name} down"),
            on_trouble=self.troubles.append,
            **options,
        )  # fmt: skip

    @asynccontextmanager
    async def running(self):
        task = asyncio.ensure_future(self.stream.run(self.wanted, self.events.append))
        try:
            await until(lambda: task.done() or self.stream.is_up)
            yield self
        finally:
            async with asyncio.timeout(5):
                await self.stream.aclose()
                await task


def run(test) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(15):
            async with SmallVenue() as venue:
                await test(venue)
            assert no_tasks_left()

    asyncio.run(bounded())


def snapshot(seq: int, bids: Levels, asks: Levels, symbol: str = "BTC-PERP") -> dict[str, Any]:
    return _book(seq, bids, asks, symbol, "snapshot", seq - 1)


def delta(
    seq: int, bids: Levels | None = None, asks: Levels | None = None, symbol: str = "BTC-PERP"
) -> dict[str, Any]:
    return _book(seq, bids or [], asks or [], symbol, "delta", seq - 1)


def _book(seq: int, bids: Levels, asks: Levels, symbol: str, kind: str, prev: int) -> dict[str, Any]:
    return {
        "topic": f"update:{symbol}_0",
        "data": {
            "bids": bids, "asks": asks, "seqNum": seq, "prevSeqNum": prev, "type": kind,
            "timestamp": NOW_MS + seq, "symbol": symbol,
        },
    }  # fmt: skip


def quote(
    bids: Levels, asks: Levels, symbol: str = "BTC-PERP", at: int = 0, topic: str = ""
) -> dict[str, Any]:
    return {
        "topic": topic or f"snapshotL1:{symbol}_0",
        "data": {
            "bids": bids,
            "asks": asks,
            "type": "snapshotL1",
            "symbol": symbol,
            "timestamp": NOW_MS + at,
        },
    }


def trade(
    number: int, at: int = 0, size: float = 1, side: str = "BUY", symbol: str = "BTC-PERP", price: Any = 100.5
):
    return {
        "symbol": symbol, "side": side, "size": size, "price": price, "tradeId": number, "timestamp": NOW_MS + at,
    }  # fmt: skip


def trades(*rows: dict[str, Any], topic: str = "tradeHistoryApiV3:BTC-PERP") -> dict[str, Any]:
    return {"topic": topic, "data": list(rows)}


def starts_with(*books: dict[str, Any]):
    """What a venue does that begins each subscription to a book with the snapshots of its market."""

    async def send(connection: Connection, topics: list[str]) -> None:
        for book in books:
            if book["topic"] in topics:
                await connection.send(book)

    return send


FIRST = snapshot(10, [("99.5", "20"), ("99.0", "50")], [("101.0", "70"), ("100.5", "30")])


def test_each_kind_comes_by_its_own_socket() -> None:
    async def test(venue: SmallVenue) -> None:
        wanted = {"BTC-PERP": {BOOK, QUOTES, TRADES, MarketData.BARS}, "ETH-USDT": {QUOTES, TRADES}}
        async with Follower(venue, wanted).running() as follower:
            assert venue.of("/ws/oss/futures").topics == ["update:BTC-PERP_0", "snapshotL1:BTC-PERP_0"]
            assert venue.of("/ws/futures").topics == ["tradeHistoryApiV3:BTC-PERP"]
            assert venue.of("/ws/oss/spot").topics == ["snapshotL1:ETH-USDT"]
            assert venue.of("/ws/spot").topics == ["tradeHistoryApi:ETH-USDT"]
            assert follower.stream.status().sockets_up == 4

    run(test)


def test_only_the_sockets_that_are_needed_are_opened() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"ETH-USDT": {TRADES}, "BTC-PERP": {MarketData.BARS}}).running():
            assert [each.path for each in venue.connections] == ["/ws/spot"]

    run(test)


def test_a_symbol_that_is_not_known_is_the_users_error() -> None:
    async def test(venue: SmallVenue) -> None:
        stream = Follower(venue, {"XYZ-PERP": {TRADES}}).stream
        with pytest.raises(ConfigError, match="'XYZ-PERP' must be a market of LMEX"):
            await stream.run({"XYZ-PERP": frozenset({TRADES})}, lambda _: None)

    run(test)


def test_a_book_is_a_snapshot_and_then_deltas_in_base_units() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(FIRST)
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            await venue.last.send(delta(11, [("99.5", "0")], [("100.5", "31")]))
            await until(lambda: len(follower.events) == 2)
            time = (NOW_MS + 11) * MS
            assert follower.events[0].is_snapshot
            assert follower.events[1] == BookUpdate(
                "BTC-PERP", time, time, False, [1, -1], [99.5, 100.5], [0.0, 0.031], 11, 10
            )
            assert not follower.stream.is_stale("BTC-PERP")
            assert follower.stream.is_stale("ETH-USDT")

    run(test)


def test_levels_may_be_numbers() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(snapshot(10, [(99.5, 20)], [(100, "30")]))
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            await until(lambda: len(follower.events) == 1)
            assert follower.events[0].prices == [99.5, 100.0]
            assert follower.events[0].quantities == [0.02, 0.03]

    run(test)


def test_a_book_is_known_by_its_symbol_or_else_by_its_topic() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(FIRST)
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            await venue.last.send(delta(11) | {"topic": "update:BTC-PERP"})
            for seq, topic in ((12, "update:BTC-PERP"), (13, "update:BTC-PERP_0")):
                content = {name: value for name, value in delta(seq)["data"].items() if name != "symbol"}
                await venue.last.send({"topic": topic, "data": content})
            await until(lambda: len(follower.events) == 4)

    run(test)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(delta(12), id="gap"),
        pytest.param(delta(11, [("100.5", "1")]), id="locked"),
        pytest.param(delta(11, [("102", "1")]), id="crossed"),
        pytest.param(delta(11, [("nan", "1")]), id="no number"),
        pytest.param(FIRST | {"data": FIRST["data"] | {"bids": [["1"]]}}, id="no level"),
    ],
)
def test_a_book_that_cannot_be_trusted_is_asked_for_again(bad: dict[str, Any]) -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(FIRST)
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            await until(lambda: not follower.stream.is_stale("BTC-PERP"))
            venue.on_subscribed = None
            await venue.last.send(bad)
            await until(lambda: len(venue.last.asked("subscribe")) == 2)
            assert follower.stream.is_stale("BTC-PERP")
            assert follower.stream.status().stale == ("BTC-PERP",)
            assert [each["op"] for each in venue.last.heard] == ["subscribe", "unsubscribe", "subscribe"]
            await venue.last.send(delta(13))
            await venue.last.send(snapshot(30, [("98.0", "1")], [("99.0", "1")]))
            await venue.last.send(delta(31, [("98.5", "2")]))
            await until(lambda: len(follower.events) == 3)
            assert [each.is_snapshot for each in follower.events] == [True, True, False]
            assert not follower.stream.is_stale("BTC-PERP")
            assert follower.stream.status().resyncs == 1

    run(test)


@pytest.mark.parametrize(
    ("cut", "stale"),
    [
        ('{"topic":"update:BTC-PERP_0","data":{"bids":[["99', ["BTC-PERP"]),
        ('{"topic":"update:BT', ["BTC-PERP", "BTC-270326"]),
        ('{"topic":"snapshotL1:BTC-PERP_0","da', []),
    ],
)
def test_a_message_that_is_cut_makes_the_book_stale_that_it_was_about(cut: str, stale: list[str]) -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(FIRST, snapshot(5, [("98", "1")], [("99", "1")], "BTC-270326"))
        async with Follower(venue, {"BTC-PERP": {BOOK}, "BTC-270326": {BOOK}}).running() as follower:
            await until(lambda: follower.stream.status().stale == ())
            await venue.last.send(cut)
            await until(
                lambda: len(follower.troubles) == 1 and follower.stream.status().resyncs == len(stale)
            )
            await until(lambda: len(follower.events) == 2 + len(stale))
            assert follower.stream.status().stale == ()
            given_back = [topic for topics in venue.last.asked("unsubscribe") for topic in topics]
            assert sorted(given_back) == sorted(f"update:{symbol}_0" for symbol in stale)

    run(test)


def test_a_socket_that_only_answers_pings_is_found_out_and_replaced() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(FIRST)
        times = replace(QUICK, quiet_seconds=0.1, answer_seconds=0.1)
        async with Follower(venue, {"BTC-PERP": {BOOK}}, times=times).running() as follower:
            await until(lambda: not follower.stream.is_stale("BTC-PERP"))
            await until(lambda: len(venue.last.asked("subscribe")) == 3)
            assert follower.told == ["oss/futures up"]
            assert not follower.stream.is_stale("BTC-PERP")
            venue.answers_pings_only = True
            await until(lambda: follower.told[1:2] == ["oss/futures down"])
            assert follower.stream.is_stale("BTC-PERP")
            venue.answers_pings_only = False
            await until(lambda: not follower.stream.is_stale("BTC-PERP"))

    run(test)


def test_a_gap_just_after_connecting_is_not_waited_with() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(FIRST)
        times = replace(QUICK, resync_seconds=60.0)
        async with Follower(venue, {"BTC-PERP": {BOOK}}, times=times).running() as follower:
            await until(lambda: not follower.stream.is_stale("BTC-PERP"))
            await venue.last.send(delta(12))
            await until(lambda: len(follower.events) == 2)
            assert follower.stream.status().resyncs == 1

    run(test)


def test_a_snapshot_that_does_not_come_is_asked_for_again_less_and_less_often() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            began = asyncio.get_running_loop().time()
            await until(lambda: follower.stream.status().resyncs == 4)
            took = asyncio.get_running_loop().time() - began
            assert took > QUICK.resync_seconds * (1 + 1 + 2 + 3)
            await venue.last.send(FIRST)
            await until(lambda: not follower.stream.is_stale("BTC-PERP"))

    run(test)


def test_a_venue_whose_book_stays_crossed_is_not_stormed() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(snapshot(10, [("101", "1")], [("100", "1")]))
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            await asyncio.sleep(1.0)
            assert 2 <= follower.stream.status().resyncs <= 7
            assert follower.events == []

    run(test)


def test_a_book_is_stale_from_a_loss_to_the_next_snapshot() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(FIRST)
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            await until(lambda: not follower.stream.is_stale("BTC-PERP"))
            venue.on_subscribed = None
            venue.last.drop()
            await until(lambda: follower.told[1:] == ["oss/futures down", "oss/futures up"])
            assert follower.stream.is_stale("BTC-PERP")
            await venue.last.send(delta(11))
            await venue.last.send(snapshot(40, [("98.0", "1")], [("99.0", "1")]))
            await until(lambda: not follower.stream.is_stale("BTC-PERP"))
            assert [each.sequence for each in follower.events] == [10, 40]

    run(test)


def test_a_refused_book_stays_stale_and_is_not_asked_for_again() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = {"update:BTC-PERP_0"}
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            await asyncio.sleep(0.5)
            assert follower.stream.status().refused == ("update:BTC-PERP_0",)
            assert follower.stream.is_stale("BTC-PERP")
            assert len(venue.last.heard) == 1
            assert len(follower.troubles) == 1

    run(test)


def test_books_of_many_messages_equal_the_venues() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(FIRST)
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            for seq in range(11, 1011):
                if seq % 97:
                    await venue.last.send(delta(seq, [("99.5", str(seq))], [("100.5", str(seq * 2))]))
                else:
                    venue.on_subscribed = starts_with(
                        snapshot(seq, [("99.5", str(seq))], [("100.5", str(seq * 2))])
                    )
                    await until(lambda: len(follower.events) >= seq % 97)  # noqa: B023
                    await venue.last.send(delta(seq + 5))
                    await until(lambda: follower.events[-1].sequence == seq)  # noqa: B023
            await until(lambda: follower.events[-1].sequence == 1010)
            book = OrderBook("BTC-PERP")
            for event in follower.events:
                book.apply(event)
            assert book.bids(1) == [(99.5, 1.01)]
            assert book.asks(1) == [(100.5, 2.02)]
            assert book.gaps == 0
            assert follower.stream.status().gaps == follower.stream.status().resyncs == 10

    run(test)


def test_a_quote_is_the_best_of_each_side() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-PERP": {QUOTES}, "ETH-USDT": {QUOTES}}).running() as follower:
            await venue.of("/ws/oss/futures").send(quote([("99.5", "200")], [("100.5", "300")], at=7))
            await until(lambda: len(follower.events) == 1)
            await venue.of("/ws/oss/spot").send(
                quote([("9.5", "2.50")], [], symbol="ETH-USDT", at=8, topic="snapshotL1:ETH-USDT")
            )
            await until(lambda: len(follower.events) == 2)
            first, second = follower.events
            assert first == Quote("BTC-PERP", (NOW_MS + 7) * MS, (NOW_MS + 7) * MS, 99.5, 0.2, 100.5, 0.3)
            assert (second.bid_price, second.bid_quantity, second.ask_quantity) == (9.5, 2.5, 0.0)
            assert math.isnan(second.ask_price)

    run(test)


def test_quotes_that_are_older_or_crossed_are_not_told() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-PERP": {QUOTES}}).running() as follower:
            for bid, ask, at in (("99", "100", 5), ("97", "98", 4), ("101", "100", 6), ("98", "100", 6)):
                await venue.last.send(quote([(bid, "1")], [(ask, "1")], at=at))
            await until(lambda: len(follower.events) == 2)
            assert [each.bid_price for each in follower.events] == [99.0, 98.0]

    run(test)


def test_the_plain_topic_of_quotes_is_kept_where_the_one_with_a_group_is_refused() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = {"snapshotL1:BTC-PERP_0"}
        async with Follower(venue, {"BTC-PERP": {QUOTES}}).running() as follower:
            assert venue.last.topics == ["snapshotL1:BTC-PERP"]
            await venue.last.send(quote([("99", "1")], [("100", "1")], topic="snapshotL1:BTC-PERP"))
            await until(lambda: len(follower.events) == 1)
            assert follower.troubles == []

    run(test)


@pytest.mark.parametrize(
    ("refused", "topic", "name"),
    [
        ((), "tradeHistoryApiV3:BTC-PERP", "BTC-PERP"),
        (("V3",), "tradeHistoryApiV2", "BTC-PERP"),
        (("V3",), "tradeHistoryApiV2:BTC-PERP", "BTC-PERP"),
        (("V3", "V2"), "tradeHistoryApi", "BTCPFC"),
    ],
)
def test_trades_come_in_every_version_of_their_topic(refused: tuple[str, ...], topic: str, name: str) -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = {f"tradeHistoryApi{version}:BTC-PERP" for version in refused}
        async with Follower(venue, {"BTC-PERP": {TRADES}}).running() as follower:
            await venue.last.send(
                trades(
                    trade(1, 5, 420, "SELL", name), trade(2, 6, 0.5, "BUY", name, price="1e2"), topic=topic
                )
            )
            await until(lambda: len(follower.events) == 2)
            time = (NOW_MS + 5) * MS
            assert follower.events[0] == Trade("BTC-PERP", time, time, 100.5, 0.42, Side.SELL)
            assert (follower.events[1].price, follower.events[1].side) == (100.0, Side.BUY)
            assert follower.troubles == []

    run(test)


def test_the_old_name_of_a_dated_contract_is_known_where_it_is_followed() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-270326": {TRADES}}).running() as follower:
            await venue.last.send(trades(trade(1, symbol="BTCH27"), topic="tradeHistoryApi"))
            await until(lambda: len(follower.events) == 1)
            assert follower.events[0].symbol == "BTC-270326"

    run(test)


def test_trades_that_are_no_list_are_reported() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-PERP": {TRADES}}).running() as follower:
            await venue.last.send({"topic": "tradeHistoryApiV3:BTC-PERP", "data": trade(1)})
            await until(lambda: len(follower.troubles) == 1)
            assert follower.told == ["futures up"]

    run(test)


def test_trades_of_another_market_are_not_told() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-PERP": {TRADES}}).running() as follower:
            await venue.last.send(trades(trade(1, symbol="XYZPFC"), trade(2), topic="tradeHistoryApi"))
            await until(lambda: len(follower.events) == 1)

    run(test)


def test_history_at_the_beginning_is_no_news_but_what_was_missed_in_a_loss_is() -> None:
    async def test(venue: SmallVenue) -> None:
        async def recent(connection: Connection, topics: list[str]) -> None:
            if any(topic.endswith("BTC-PERP") for topic in topics):
                await connection.send(trades(*batch))

        batch = [trade(number, at=-1000 * (50 - number)) for number in range(49, 0, -1)]
        venue.on_subscribed = recent
        async with Follower(venue, {"BTC-PERP": {TRADES}}).running() as follower:
            await venue.last.send(trades(trade(60, at=10)))
            await until(lambda: len(follower.events) == 1)
            assert follower.stream.status().old_trades == 49
            batch = [trade(62, at=30), trade(61, at=20), trade(60, at=10), *batch[:-2], trade(0, at=-2)]
            venue.last.drop()
            await until(lambda: len(follower.events) == 3)
            await venue.last.send(trades(trade(63, at=40)))
            await until(lambda: len(follower.events) == 4)
            assert [each.venue_time // MS - NOW_MS for each in follower.events] == [10, 20, 30, 40]

    run(test)


def test_late_trades_are_news_once_no_history_can_come() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-PERP": {TRADES}}).running() as follower:
            await asyncio.sleep(QUICK.old_news_seconds)
            await venue.last.send(trades(trade(1, at=-5000)))
            await until(lambda: len(follower.events) == 1)

    run(test)


def test_a_burst_keeps_its_order_and_is_told_once() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-PERP": {TRADES}}).running() as follower:
            burst = [trade(number * 13 % 200, at=5, size=number + 1) for number in range(200)]
            for start in range(0, 200, 20):
                await venue.last.send(trades(*burst[start : start + 20]))
                await venue.last.send(trades(*burst[start : start + 20]))
            await until(lambda: len(follower.events) == 200)
            assert [round(each.quantity * 1000) for each in follower.events] == list(range(1, 201))
            await until(lambda: follower.stream.status().repeated_trades == 200)

    run(test)


@pytest.mark.parametrize(
    "bad", [{"size": 0}, {"side": "LEFT"}, {"price": None}, {"price": "nan"}, {"size": -1}]
)
def test_a_trade_that_makes_no_sense_is_reported(bad: dict[str, Any]) -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-PERP": {TRADES}}).running() as follower:
            await venue.last.send(trades(trade(1), trade(2) | bad, trade(3)))
            await until(lambda: len(follower.events) == 2)
            assert len(follower.troubles) == 1
            assert "tradeHistoryApiV3:BTC-PERP" in follower.troubles[0]
            assert follower.stream.status().malformed == 1

    run(test)


def test_nothing_is_known_before_it_happened_and_time_never_goes_back() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Follower(venue, {"BTC-PERP": {TRADES}}).running() as follower:
            await venue.last.send(trades(trade(1, at=300)))
            await venue.last.send(trades(trade(2, at=100)))
            await until(lambda: len(follower.events) == 2)
            follower.clock.now = (NOW_MS + 700) * MS
            await venue.last.send(trades(trade(3, at=650)))
            await until(lambda: len(follower.events) == 3)
            follower.clock.now = (NOW_MS + 600) * MS
            await venue.last.send(trades(trade(4, at=660), trade(5, at=90_000_000)))
            await until(lambda: len(follower.events) == 5)
            times = [(each.time // MS - NOW_MS, each.venue_time // MS - NOW_MS) for each in follower.events]
            assert follower.stream.status().ahead == 1
            assert times == [(300, 300), (300, 100), (700, 650), (700, 660), (700, 600)]

    run(test)


def test_many_markets_are_spread_over_sockets() -> None:
    many = {
        f"C{number}-PERP": Instrument(f"C{number}-PERP", InstrumentKind.PERPETUAL, contract_size=None)
        for number in range(70)
    }

    async def test(venue: SmallVenue) -> None:
        stream = MarketStream(Settings(socket_url=venue.url), EventClock(NOW_MS * MS), many, times=QUICK)
        wanted = {symbol: frozenset({TRADES, BOOK}) for symbol in many}
        task = asyncio.ensure_future(stream.run(wanted, lambda _: None))
        await until(lambda: stream.is_up)
        assert (
            sorted(each.path for each in venue.connections) == ["/ws/futures"] * 2 + ["/ws/oss/futures"] * 2
        )
        assert all(len(each.topics) <= 100 for each in venue.connections)
        assert all(
            len({t for ask in each.asked("subscribe") for t in ask}) <= 100 for each in venue.connections
        )
        assert sum(len(each.topics) for each in venue.connections) == 140
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(test)


def test_five_thousand_messages_cost_a_fraction_of_a_second() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.on_subscribed = starts_with(FIRST)
        messages = [json.dumps(delta(seq, [("99.0", str(seq))], [("101.0", "1")])) for seq in range(11, 5011)]
        async with Follower(venue, {"BTC-PERP": {BOOK}}).running() as follower:
            began = time.process_time()
            for message in messages:
                await venue.last.send(message)
            await until(lambda: len(follower.events) == 5001)
            assert time.process_time() - began < 1.0  # the venue's own part is in it

    run(test)


def test_an_error_of_whoever_listens_ends_the_stream() -> None:
    async def test(venue: SmallVenue) -> None:
        def fail(_: object) -> None:
            raise KeyError("a bug")

        stream = Follower(venue, {}).stream
        task = asyncio.ensure_future(stream.run({"BTC-PERP": frozenset({TRADES})}, fail))
        await until(lambda: stream.is_up)
        await venue.last.send(trades(trade(1)))
        with pytest.raises(KeyError, match="a bug"):
            await task

    run(test)
