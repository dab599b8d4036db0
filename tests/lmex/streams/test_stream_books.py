"""A book that follows the venue's, message by message."""

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.model import BookUpdate, OrderBook
from hookline_lmex.streams import BookKeeper
from hookline_lmex.streams.book_keeper import base_units
from hookline_lmex.streams.wire import BookData

Levels = list[tuple[str, str]]


def snapshot(seq: int, bids: Levels, asks: Levels) -> BookData:
    return BookData(1000 + seq, "BTC-PERP", bids, asks, "snapshot", seq, seq - 1)


def delta(
    seq: int, bids: Levels | None = None, asks: Levels | None = None, prev: int | None = None
) -> BookData:
    return BookData(
        1000 + seq, "BTC-PERP", bids or [], asks or [], "delta", seq, seq - 1 if prev is None else prev
    )


def take(keeper: BookKeeper, message: BookData) -> BookUpdate | None:
    return keeper.take(message, message.timestamp * 1_000_000, message.timestamp * 1_000_000)


def started(contract_size: Decimal | None = None) -> BookKeeper:
    keeper = BookKeeper("BTC-PERP", contract_size)
    first = snapshot(10, [("99.5", "2"), ("99.0", "5")], [("101.0", "7"), ("100.5", "3")])
    assert take(keeper, first) is not None
    return keeper


def test_a_snapshot_is_told_whole_and_asks_may_come_in_any_order() -> None:
    keeper = BookKeeper("BTC-PERP")
    assert keeper.is_stale
    update = take(keeper, snapshot(10, [("99.5", "2")], [("101.0", "7"), ("100.5", "3")]))
    assert update == BookUpdate(
        "BTC-PERP", 1_010_000_000, 1_010_000_000, True,
        [1, -1, -1], [99.5, 101.0, 100.5], [2.0, 7.0, 3.0], 10, 9,
    )  # fmt: skip
    assert keeper.asks() == [(100.5, 3.0), (101.0, 7.0)]
    assert not keeper.is_stale


def test_a_delta_sets_sizes_and_zero_deletes_even_what_was_not_there() -> None:
    keeper = started()
    update = take(keeper, delta(11, [("99.5", "0"), ("98.0", "0"), ("99.2", "4")], [("100.5", "1.5")]))
    assert update is not None
    assert (update.is_snapshot, update.sequence, update.previous) == (False, 11, 10)
    assert keeper.bids() == [(99.2, 4.0), (99.0, 5.0)]
    assert keeper.asks() == [(100.5, 1.5), (101.0, 7.0)]


def test_contracts_become_base_units() -> None:
    keeper = started(Decimal("0.00001"))
    assert keeper.bids() == [(99.5, 0.00002), (99.0, 0.00005)]


@pytest.mark.parametrize("size", ["0.001", "0.00001", "10", "0.3", "0.025", "1"])
def test_base_units_are_the_floats_nearest_to_the_exact_products(size: str) -> None:
    units = base_units(Decimal(size))
    for contracts in (1, 3, 7, 420, 51_200, 7_500_000, 123_456_789):
        assert units(str(contracts)) == units(float(contracts)) == float(contracts * Decimal(size))


def test_what_is_not_newer_than_the_book_is_ignored() -> None:
    keeper = started()
    assert take(keeper, delta(11, [("99.1", "1")])) is not None
    assert take(keeper, delta(11, [("99.1", "9")])) is None
    assert take(keeper, delta(10, [("99.1", "9")])) is None
    assert keeper.bids()[1] == (99.1, 1.0)
    assert not keeper.is_stale
    assert keeper.ignored == 2


def test_a_gap_makes_the_book_stale_until_the_next_snapshot() -> None:
    keeper = started()
    assert take(keeper, delta(12, [("99.1", "1")])) is None
    assert keeper.is_stale
    assert keeper.needs_snapshot
    assert keeper.gaps == 1
    assert take(keeper, delta(13)) is None
    assert take(keeper, delta(11)) is None
    update = take(keeper, snapshot(20, [("99.0", "1")], [("101.0", "1")]))
    assert update is not None
    assert update.is_snapshot
    assert not keeper.is_stale
    assert take(keeper, delta(21)) is not None


@pytest.mark.parametrize("bid", ["100.5", "100.6"])
def test_a_crossed_or_locked_book_is_stale_and_the_message_is_not_told(bid: str) -> None:
    keeper = started()
    assert take(keeper, delta(11, [(bid, "1")])) is None
    assert keeper.is_stale
    assert keeper.needs_snapshot
    assert keeper.crossings == 1
    assert keeper.gaps == 0


def test_a_crossed_snapshot_is_not_told() -> None:
    keeper = BookKeeper("BTC-PERP")
    assert take(keeper, snapshot(10, [("101", "1")], [("100", "1")])) is None
    assert keeper.is_stale
    assert keeper.snapshots == 0


def test_a_move_through_the_book_in_one_message_is_not_crossed() -> None:
    keeper = started()
    assert take(keeper, delta(11, [("100.5", "4")], [("100.5", "0")])) is not None
    assert not keeper.is_stale


def test_one_side_may_be_empty() -> None:
    keeper = BookKeeper("BTC-PERP")
    assert take(keeper, snapshot(10, [("99", "1")], [])) is not None
    assert take(keeper, delta(11, [("99", "0")])) is not None
    assert keeper.bids() == []
    assert not keeper.is_stale


@pytest.mark.parametrize(
    "level",
    [("abc", "1"), ("100", ""), ("nan", "1"), ("100", "nan"), ("inf", "1"), ("99", "-1"), ("99", "inf")],
)
def test_a_level_that_is_no_number_makes_the_book_stale(level: tuple[str, str]) -> None:
    keeper = started()
    with pytest.raises(ValueError, match=r"number|float|finite|zero or more"):
        take(keeper, delta(11, [("99.1", "1"), level]))
    assert keeper.needs_snapshot
    assert keeper.is_stale


def test_a_message_without_a_sequence_makes_the_book_stale() -> None:
    keeper = started()
    with pytest.raises(ValueError, match="must have a sequence"):
        take(keeper, BookData(1, "BTC-PERP", [], [], "snapshot"))
    assert keeper.is_stale


def test_numbers_that_begin_again_do_not_freeze_the_book() -> None:
    keeper = started()
    for seq in range(1, 9):
        take(keeper, delta(seq))
    assert not keeper.is_stale
    for seq in range(1, 60):
        take(keeper, delta(min(seq, 9)))
    assert keeper.is_stale
    assert keeper.needs_snapshot
    assert keeper.reason == "the venue's numbers went back"


def test_a_lost_connection_makes_the_book_stale_without_asking() -> None:
    keeper = started()
    keeper.lose("the connection is lost")
    assert keeper.is_stale
    assert not keeper.needs_snapshot
    assert take(keeper, delta(11)) is None
    assert keeper.dropped == 1


class Venue:
    """A book at the venue that changes at random, in contracts."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.seq = self.random.randrange(1000)
        self.mid = 1000
        self.bids = {self.mid - n: n for n in range(1, 8)}
        self.asks = {self.mid + n: n for n in range(1, 8)}

    def snapshot(self) -> BookData:
        bids = sorted(self.bids.items(), reverse=True)
        asks = sorted(self.asks.items(), reverse=True)
        self.random.shuffle(asks)
        return snapshot(self.seq, self._text(bids), self._text(asks))

    def change(self) -> BookData:
        """Change a few levels, sometimes the price level of the whole market."""
        before = dict(self.bids), dict(self.asks)
        self.mid += self.random.choice((-3, 0, 0, 0, 3))
        for book, sign in ((self.bids, -1), (self.asks, 1)):
            for price in [price for price in book if (price - self.mid) * sign <= 0]:
                del book[price]
            for _ in range(self.random.randrange(4)):
                price = self.mid + sign * self.random.randrange(1, 9)
                size = self.random.randrange(6)
                book.update({price: size}) if size else book.pop(price, None)
        self.seq += 1
        changes = []
        for old, new in zip(before, (self.bids, self.asks), strict=True):
            moved = {p: new.get(p, 0) for p in old.keys() | new.keys() if old.get(p) != new.get(p)}
            levels = list(moved.items())
            self.random.shuffle(levels)
            changes.append(self._text(levels))
        return delta(self.seq, *changes)

    @staticmethod
    def _text(levels: list[tuple[int, int]]) -> Levels:
        return [(str(price / 2), str(size)) for price, size in levels]

    def shown(self, side: dict[int, int]) -> dict[float, float]:
        return {price / 2: size / 1000 for price, size in side.items()}


FAULTS = st.sampled_from(
    ["none"] * 6 + ["drop", "twice", "swap", "cross", "garbage", "unasked snapshot", "loss", "old"]
)


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.lists(st.tuples(FAULTS, st.integers(0, 3)), min_size=1, max_size=60))
def test_any_sequence_of_faults_ends_with_the_venues_book(seed: int, faults: list[tuple[str, int]]) -> None:
    venue, keeper, book = Venue(seed), BookKeeper("BTC-PERP", Decimal("0.001")), OrderBook("BTC-PERP")
    late: list[BookData] = []
    history: list[BookData] = []
    answer_in = 0

    def hear(message: BookData) -> None:
        was_stale = keeper.is_stale
        try:
            update = take(keeper, message)
        except ValueError:
            update = None
        if update is not None:
            assert update.is_snapshot or not was_stale
            assert book.apply(update)
            assert not book.is_stale
            assert not book.is_crossed

    hear(venue.snapshot())
    for fault, wait in faults:
        message = venue.change()
        history.append(message)
        if fault == "twice":
            hear(message)
        if fault == "old":
            hear(history[max(0, len(history) - 1 - wait)])
        if fault == "cross":
            message = delta(message.seq, [("9999", "1")], message.asks)
        if fault == "garbage":
            message = delta(message.seq, [("x", "1")], message.asks)
        if fault == "swap":
            late.append(message)
        elif fault != "drop":
            hear(message)
            for each in late:
                hear(each)
            late.clear()
        if fault == "unasked snapshot":
            hear(venue.snapshot())
        if fault == "loss":
            keeper.lose("lost")
            answer_in = wait
        elif keeper.needs_snapshot:
            keeper.lose(keeper.reason)
            answer_in = wait
        elif keeper.is_stale:
            if answer_in == 0:
                hear(venue.snapshot())
            answer_in -= 1
    for _ in range(2):  # as the owner does: ask as long as the book is stale, and look at the next message
        hear(venue.change())
        if keeper.is_stale:
            hear(venue.snapshot())
    assert not keeper.is_stale
    assert dict(keeper.bids()) == dict(book.bids()) == venue.shown(venue.bids)
    assert dict(keeper.asks()) == dict(book.asks()) == venue.shown(venue.asks)
    assert book.gaps == 0
    assert book.sequence == venue.seq
