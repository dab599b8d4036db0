"""Order books and tapes of the synthetic feed."""

import hashlib
import time
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest, TapeRequest
from hookline.model import BookUpdate, MarketData, Quote, RowKind, Side, TapeSeries, Trade
from hookline.model.book import OrderBook
from hookline.plugins import build
from hookline_feeds import book_kernel, synthetic_tape
from hookline_feeds.synthetic import Book, SyntheticFeed

SECOND = 10**9
MINUTE = 60 * SECOND
START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
ALL = frozenset({MarketData.QUOTES, MarketData.TRADES, MarketData.BOOK})
QUOTES = frozenset({MarketData.QUOTES})


def feed(book: Book | None = None, **params: object) -> SyntheticFeed:
    return SyntheticFeed(**{"start": "2024-01-01", "book": book or Book(), **params})


def tape(book: Book | None = None, kinds=ALL, since=None, until=None, **params: object) -> TapeSeries:
    return feed(book, **params).tape(TapeRequest("X", kinds, since, until))


def digest(series: TapeSeries) -> str:
    columns = (getattr(series, name).tobytes() for name in TapeSeries.COLUMNS)
    return hashlib.sha256(b"".join(columns)).hexdigest()[:16]


def tops(series: TapeSeries) -> tuple[np.ndarray, np.ndarray]:
    """Prices and quantities of quotes, a row for each, bid and ask."""
    rows = series.kind == RowKind.QUOTE
    return series.price[rows].reshape(-1, 2), series.quantity[rows].reshape(-1, 2)


@dataclass
class PlainBook:
    """A book as two dicts; checks that each message follows from the ones before."""

    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)
    sequence: int = -1
    traded: dict[float, float] = field(default_factory=dict)
    quoted: tuple[float, ...] = ()

    @property
    def top(self) -> tuple[float, ...]:
        bid, ask = max(self.bids), min(self.asks)
        return bid, self.bids[bid], ask, self.asks[ask]

    def see(self, event: Quote | Trade | BookUpdate) -> None:
        if isinstance(event, BookUpdate):
            self.update(event)
        elif isinstance(event, Trade):
            self.trade(event)
        else:
            self.quoted = (event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity)
            assert self.quoted == self.top

    def trade(self, trade: Trade) -> None:
        levels = self.asks if trade.side is Side.BUY else self.bids
        left = {price: size - self.traded.get(price, 0.0) for price, size in levels.items()}
        open_prices = [price for price, size in left.items() if size > 1e-9]
        touch = min(open_prices) if trade.side is Side.BUY else max(open_prices)
        assert trade.price == touch
        assert trade.quantity <= left[touch] + 1e-9
        self.traded[trade.price] = self.traded.get(trade.price, 0.0) + trade.quantity

    def update(self, update: BookUpdate) -> None:
        rows = list(zip(update.sides, update.prices, update.quantities, strict=True))
        assert len({row[:2] for row in rows}) == len(rows) > 0
        if update.is_snapshot:
            held = {(1, *level) for level in self.bids.items()} | {
                (-1, *level) for level in self.asks.items()
            }
            assert self.sequence == -1 or (set(rows) == held and update.sequence == self.sequence)
            self.bids, self.asks = {}, {}
        else:
            assert (update.previous, update.sequence) == (self.sequence, self.sequence + 1)
        before = {**self.bids, **self.asks}
        for side, price, quantity in rows:
            levels = self.bids if side > 0 else self.asks
            levels[price] = quantity
            if not quantity:
                del levels[price]
        for price, quantity in self.traded.items():
            after = self.bids.get(price, self.asks.get(price, 0.0))
            assert after == pytest.approx(before[price] - quantity, abs=1e-9)
        self.traded, self.sequence = {}, update.sequence
        assert max(self.bids) < min(self.asks)


BOOKS = {
    "usual": Book(),
    "wide": Book(spread_ticks=4, levels=5, trade_share=0.6),
    "thin": Book(levels=3, level_quantity=0.002, mean_reversion=1.0, snapshot_seconds=7.0),
    "lost": Book(events_per_second=0.05, minutes=600.0),  # the fair price often leaves the book
}


@pytest.fixture(scope="module", params=BOOKS)
def series(request):
    return tape(BOOKS[request.param])


class TestConsistency:
    def test_every_message_follows_from_the_book_before_it(self, series):
        book = PlainBook()
        for event in series.events():
            book.see(event)
        assert book.quoted == book.top

    def test_our_order_book_finds_neither_gaps_nor_crossings(self, series):
        book = OrderBook("X")
        for event in series.events():
            if isinstance(event, BookUpdate):
                assert book.apply(event)
            elif isinstance(event, Quote):
                assert (book.best_bid, book.best_ask) == (event.bid_price, event.ask_price)
        assert (book.gaps, book.crossings) == (0, 0)

    def test_a_quote_comes_whenever_the_top_changes_and_only_then(self, series):
        book, quoted = OrderBook("X"), None
        events = list(series.events())
        for event, after in zip(events, [*events[1:], None], strict=True):
            if isinstance(event, Quote):
                now = (event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity)
                assert now != quoted
                quoted = now
            elif isinstance(event, BookUpdate):
                book.apply(event)
                if (book.best_bid, book.bid_quantity, book.best_ask, book.ask_quantity) != quoted:
                    assert isinstance(after, Quote)
                    assert after.venue_time == event.venue_time

    def test_it_begins_with_a_snapshot_and_repeats_it(self, series):
        rows = series.kind == RowKind.SNAPSHOT
        assert rows[0]
        assert len(np.unique(series.message[rows])) > 5

    def test_prices_and_quantities_lie_on_their_grids(self, series):
        assert np.array_equal(series.price, np.rint(series.price * 100) / 100)
        assert np.array_equal(series.quantity, np.rint(series.quantity * 1000) / 1000)


class TestHabits:
    def test_trades_have_their_share_of_events_and_some_take_several_levels(self):
        series = tape(Book(minutes=300.0))
        trades = np.unique(series.venue_time[series.kind == RowKind.TRADE], return_counts=True)[1]
        events = len(np.unique(series.venue_time))
        assert 0.2 < len(trades) / events < 0.35
        assert set(trades) == {1, 2, 3}

    def test_events_come_at_their_rate(self):
        series = tape(Book(minutes=300.0, events_per_second=3.0))
        assert len(np.unique(series.venue_time)) == pytest.approx(300 * 60 * 3, rel=0.02)

    def test_latency_has_its_mean_and_its_least_and_nothing_overtakes(self):
        series = tape(Book(latency_ms=50.0, latency_jitter_ms=20.0, events_per_second=1.0))
        delay = (series.time - series.venue_time)[series.starts()] / 1e6
        assert delay.min() >= 30.0
        assert delay.mean() == pytest.approx(50.0, rel=0.05)
        assert (np.diff(series.time) >= 0).all()

    def test_without_latency_both_clocks_agree(self):
        series = tape(Book(latency_ms=0.0, latency_jitter_ms=0.0))
        assert np.array_equal(series.time, series.venue_time)

    def test_the_spread_is_the_usual_one_most_of_the_time_and_never_less(self):
        prices, _ = tops(tape(Book(spread_ticks=3)))
        ticks = np.rint((prices[:, 1] - prices[:, 0]) * 100)
        assert ticks.min() == 3
        assert (ticks == 3).mean() > 0.6

    def test_the_mid_price_keeps_to_the_bars_of_the_model(self):
        # Over minutes the book moves as a bar of the feed does: annual volatility 0.6 is 8 ticks a minute.
        mid = tops(tape(Book(minutes=1200.0), jumps_per_year=0.0))[0].mean(axis=1)
        steps = np.log(mid[::3000][1:] / mid[::3000][:-1])
        seconds = 1200 * 60 / len(mid) * 3000
        annual = steps.std() * np.sqrt(365 * 86_400 / seconds)
        assert 0.35 < annual < 0.9

    def test_a_price_that_falls_to_a_few_ticks_stays_a_book(self):
        series = tape(Book(levels=5, minutes=120.0), start_price=0.3, annual_volatility=5.0, jump_size=0.5)
        book = PlainBook()
        for event in series.events():
            book.see(event)
        assert series.price.min() >= 0.01


def imbalance_and_next_move(book: Book) -> float:
    """Correlation of the imbalance of the best levels with the sign of the next change of the mid price."""
    prices, quantities = tops(tape(book, QUOTES))
    mid = prices.mean(axis=1)
    imbalance = (quantities[:, 0] - quantities[:, 1]) / quantities.sum(axis=1)
    changes = np.flatnonzero(np.diff(mid))
    following = np.searchsorted(changes, np.arange(len(mid)))
    known = following < len(changes)
    return float(np.corrcoef(imbalance[known], np.sign(np.diff(mid)[changes[following[known]]]))[0, 1])


class TestFlow:
    def test_imbalance_tells_of_the_next_move_where_order_flow_persists(self):
        assert imbalance_and_next_move(Book(minutes=600.0)) > 0.12
        assert imbalance_and_next_move(Book(minutes=600.0, flow_persistence=0.98, mean_reversion=0.02)) > 0.25

    def test_imbalance_tells_nothing_where_order_flow_does_not_persist(self):
        assert abs(imbalance_and_next_move(Book(minutes=600.0, flow_persistence=0.0))) < 0.04

    def test_the_pull_of_the_fair_price_takes_back_moves(self):
        def later_by_now(mean_reversion: float) -> float:
            book = Book(minutes=600.0, flow_persistence=0.0, mean_reversion=mean_reversion)
            mid = tops(tape(book, QUOTES, annual_volatility=0.05))[0].mean(axis=1)[::20]
            moves = np.diff(mid)
            return float(np.corrcoef(moves[1:], moves[:-1])[0, 1])

        assert later_by_now(0.5) < -0.1
        assert later_by_now(0.5) < later_by_now(0.0) - 0.08


class TestPrefix:
    def test_the_tape_of_a_seed_is_this(self):
        assert digest(tape()) == "fa41013c92b32fa3"

    def test_compiled_or_not_it_is_the_same(self, monkeypatch):
        for book in BOOKS.values():
            short = replace(book, minutes=10.0)
            fast = digest(tape(short))
            with monkeypatch.context() as patch:
                patch.setattr(synthetic_tape, "compiled", lambda: book_kernel.run)
                assert digest(tape(short)) == fast

    @settings(max_examples=15)
    @given(few=st.integers(SECOND, 40 * MINUTE), more=st.integers(1, 400 * MINUTE))
    def test_a_longer_tape_begins_with_the_shorter_one(self, few, more):
        book = Book(events_per_second=2.0, latency_jitter_ms=5.0)
        short = tape(book, until=START + few)
        long = tape(book, until=START + few + more)
        assert digest(long.between(None, START + few)) == digest(short)

    def test_a_longer_tape_begins_with_the_shorter_one_across_blocks(self):
        book = Book(events_per_second=200.0)
        long = tape(book, until=START + 12 * MINUTE)
        assert len(np.unique(long.venue_time)) > 140_000
        cut = int(long.time[len(long) // 2 + 1])
        assert digest(long.between(None, cut)) == digest(tape(book, until=cut))

    def test_seed_and_symbol_make_other_tapes(self):
        other = feed().tape(TapeRequest("Y", ALL))
        assert len({digest(tape()), digest(tape(seed=2)), digest(other)}) == 3

    def test_kinds_are_parts_of_one_tape(self):
        whole = tape()
        for kind, rows in (("quotes", [0]), ("trades", [1]), ("book", [2, 3])):
            part = tape(kinds=frozenset({MarketData(kind)}))
            chosen = np.isin(whole.kind, rows)
            for name in TapeSeries.COLUMNS:
                assert np.array_equal(getattr(part, name), getattr(whole, name)[chosen])

    def test_without_a_start_the_tape_begins_where_it_is_asked_from(self):
        series = tape(since=START + 7, until=START + MINUTE, start=None)
        assert (series.kind[0], series.venue_time[0]) == (RowKind.SNAPSHOT, START + 7)

    def test_without_an_end_it_lasts_as_many_minutes_as_the_book_says(self):
        assert (START + 2 * MINUTE - 3 * SECOND) < tape(Book(minutes=2.0)).time[-1] < START + 2 * MINUTE


class TestBars:
    def bars(self, timeframe: str = "1m", **params: object):
        return feed(Book(minutes=60.0), **params).load(BarRequest("X", timeframe))

    def test_they_are_those_of_the_trades(self):
        trades, bars = tape(kinds=frozenset({MarketData.TRADES})), self.bars()
        assert len(bars) == 60
        for row in (0, 1, 30, 59):
            inside = trades.between(int(bars.start[row]), int(bars.end[row]))
            assert bars.open[row] == inside.price[0]
            assert bars.high[row] == inside.price.max()
            assert bars.low[row] == inside.price.min()
            assert bars.close[row] == inside.price[-1]
            assert bars.volume[row] == pytest.approx(inside.quantity.sum())

    def test_longer_bars_are_shorter_ones_put_together(self):
        minutes, longer = self.bars(), self.bars("15m")
        assert np.array_equal(longer.close, minutes.close[14::15])
        assert np.array_equal(longer.high, minutes.high.reshape(-1, 15).max(axis=1))

    def test_a_bar_without_trades_stays_where_the_one_before_ended(self):
        quiet = feed(Book(events_per_second=0.02, minutes=120.0)).load(BarRequest("X", "1m"))
        empty = np.flatnonzero(quiet.volume == 0)
        assert len(empty) > 20
        rows = empty[empty > 0]
        assert np.array_equal(quiet.high[rows], quiet.close[rows - 1])
        assert np.array_equal(quiet.low[rows], quiet.close[rows - 1])

    def test_a_window_is_part_of_the_whole(self):
        request = BarRequest("X", "1m", START + 10 * MINUTE, START + 20 * MINUTE)
        assert np.array_equal(feed().load(request).close, self.bars().close[10:20])


class TestRefusals:
    def test_a_feed_without_a_book_has_bars_only(self):
        with pytest.raises(ConfigError, match="feed 'synthetic' has bars only, was asked for trades of X"):
            SyntheticFeed().tape(TapeRequest("X", frozenset({MarketData.TRADES})))

    def test_a_request_before_the_start_is_refused(self):
        with pytest.raises(DataError, match="the tape begins at 2024-01-01T00:00:00Z, was asked from 2023-"):
            tape(since=START - 1)

    def test_a_range_without_messages_is_refused(self):
        with pytest.raises(DataError, match="no messages of X in the range asked for"):
            tape(until=START)

    def test_a_price_of_few_ticks_is_refused(self):
        with pytest.raises(ConfigError, match=r"start price of X must be 40 ticks or more .*was 20"):
            tape(tick_size=Decimal(5))

    def test_a_tape_beyond_2199_is_refused(self):
        with pytest.raises(DataError, match="a tape must end before 2200"):
            tape(start="2199-12-31T23:30:00")

    @pytest.mark.parametrize(
        ("book", "error"),
        [
            ({"levels": 2}, "feed.params.book.levels: must be at least 3, was 2"),
            ({"flow_persistence": 1}, "feed.params.book.flow_persistence: must be below 1"),
            ({"level": 5}, "feed.params.book.level: Book has no such parameter; did you mean 'levels'"),
            ({"latency_ms": 1.0}, r"latency_jitter_ms must be at most latency_ms \(1.0\), was 2.0"),
        ],
    )
    def test_wrong_parameters_are_refused(self, book, error):
        with pytest.raises(ConfigError, match=error):
            build("feeds", "synthetic", {"book": book}, "feed")

    def test_an_empty_mapping_gives_the_usual_book(self):
        assert build("feeds", "synthetic", {"book": {}}, "feed").book == Book()


def test_a_million_rows_take_a_few_seconds():
    tape(Book(minutes=1.0))
    begin = time.perf_counter()
    assert len(tape(replace(Book(), minutes=1200.0))) > 1_000_000
    assert time.perf_counter() - begin < 10
