"""The local order book."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.model import BookUpdate, OrderBook, Quote, Side


def update(levels: str, *, snapshot: bool = False, sequence: int = -1, previous: int = -1, time: int = 0):
    """Make an update of levels such as ``bid 99:2 98:5 ask 101:6``."""
    side, rows = 1, []
    for word in levels.split():
        if word in ("bid", "ask"):
            side = 1 if word == "bid" else -1
        else:
            price, quantity = word.split(":")
            rows.append((side, float(price), float(quantity)))
    sides, prices, quantities = ([row[n] for row in rows] for n in range(3))
    return BookUpdate("TEST", time, time, snapshot, sides, prices, quantities, sequence, previous)


def book_of(levels: str, sequence: int = -1) -> OrderBook:
    book = OrderBook("TEST")
    book.apply(update(levels, snapshot=True, sequence=sequence))
    return book


def quote(bid: float, bid_quantity: float, ask: float, ask_quantity: float, time: int = 0) -> Quote:
    return Quote("TEST", time, time, bid, bid_quantity, ask, ask_quantity)


def test_levels_are_best_first_however_they_came():
    book = book_of("bid 98:5 99:2 97:1 ask 103:1 101:6 102:4")
    assert book.bids() == [(99, 2), (98, 5), (97, 1)]
    assert book.asks(2) == [(101, 6), (102, 4)]


def test_an_update_sets_adds_and_removes_levels():
    book = book_of("bid 99:2 98:5 ask 101:6")
    book.apply(update("bid 99:0 98:4 97.5:1 ask 100.5:2 101:0 150:0"))
    assert book.bids() == [(98, 4), (97.5, 1)]
    assert book.asks() == [(100.5, 2)]


def test_a_snapshot_replaces_everything():
    book = book_of("bid 99:2 ask 101:6")
    book.apply(update("bid 89:1 ask 91:1", snapshot=True))
    assert (book.bids(), book.asks()) == ([(89, 1)], [(91, 1)])


def test_the_top_has_prices_and_quantities():
    book = book_of("bid 99:2 ask 101:6")
    assert (book.best_bid, book.bid_quantity, book.best_ask, book.ask_quantity) == (99, 2, 101, 6)
    assert (book.mid, book.spread) == (100, 2)


def test_the_microprice_leans_to_the_side_with_less_left():
    assert book_of("bid 99:2 ask 101:6").microprice == (99 * 6 + 101 * 2) / 8 == 99.5


def test_imbalance_is_the_share_of_bids_over_asks_of_the_best_levels():
    book = book_of("bid 99:2 98:5 ask 101:6 102:100")
    assert book.imbalance() == (2 - 6) / 8
    assert book.imbalance(2) == (7 - 106) / 113
    assert book.imbalance(50) == book.imbalance(2)


def test_a_side_alone_is_full_imbalance():
    assert book_of("bid 99:2").imbalance() == 1
    assert book_of("ask 99:2").imbalance(3) == -1


def test_quantity_at_a_price_is_that_of_its_side():
    book = book_of("bid 99:2 ask 101:6")
    assert book.quantity_at(Side.BUY, 99.0) == 2
    assert book.quantity_at(Side.SELL, 99.0) == book.quantity_at(Side.BUY, 98.0) == 0


def test_depth_counts_levels_up_to_a_distance_from_the_mid():
    book = book_of("bid 9999:1 9990:2 9000:4 ask 10001:8 10010:16 10011:32")
    assert book.depth_within(Side.BUY, 0.5) == 0
    assert book.depth_within(Side.BUY, 10) == 3
    assert book.depth_within(Side.SELL, 10) == 24


def test_an_empty_book_knows_no_prices():
    book = OrderBook("TEST")
    names = ("best_bid", "best_ask", "mid", "spread", "microprice")
    assert all(math.isnan(getattr(book, name)) for name in names)
    assert math.isnan(book.imbalance())
    assert math.isnan(book.depth_within(Side.BUY, 5))
    assert (book.bid_quantity, book.ask_quantity, book.bids(), book.is_usable) == (0, 0, [], False)


def test_a_book_with_one_side_is_not_usable():
    book = book_of("bid 99:2")
    assert not book.is_usable
    assert math.isnan(book.mid)
    book.apply(update("ask 100:1"))
    assert book.is_usable


def test_a_book_that_wanders_forgets_the_levels_it_has_left():
    book = book_of("bid 99:2 ask 1000000:6")
    for price in range(100, 30_000):
        book.apply(update(f"bid {price}:1 bid {price - 1}:0"))
    assert book.bids() == [(29_999, 1)]
    assert len(book._tops) < 10_000


# -- sequences ---------------------------------------------------------------------------------------------------------


def test_updates_before_the_first_snapshot_wait_for_it():
    book = OrderBook("TEST")
    assert not book.apply(update("bid 98:7", sequence=5, previous=4))
    assert book.bids() == []
    book.apply(update("bid 99:2", snapshot=True, sequence=9))
    assert book.bids() == [(99, 2)]


def test_held_updates_that_the_snapshot_lacks_are_applied_on_top_of_it():
    book = OrderBook("TEST")
    book.apply(update("bid 97:7", sequence=8, previous=6))
    book.apply(update("bid 98:1", sequence=12, previous=8))
    book.apply(update("bid 98:2", sequence=15, previous=12))
    book.apply(update("bid 99:2", snapshot=True, sequence=10))
    assert (book.bids(), book.sequence) == ([(99, 2), (98, 2)], 15)
    assert book.apply(update("bid 98:3", sequence=16, previous=15))
    assert book.gaps == 0


def test_the_first_update_may_overlap_the_snapshot():
    book = book_of("bid 99:2", sequence=10)
    assert book.apply(update("bid 99:3", sequence=13, previous=8))
    assert (book.bids(), book.sequence, book.gaps) == ([(99, 3)], 13, 0)


def test_only_the_first_update_may_overlap():
    book = book_of("bid 99:2", sequence=10)
    book.apply(update("bid 99:3", sequence=13, previous=10))
    assert not book.apply(update("bid 99:4", sequence=15, previous=12))
    assert book.is_stale


def test_old_updates_are_dropped():
    book = book_of("bid 99:2", sequence=10)
    assert not book.apply(update("bid 99:3", sequence=10, previous=9))
    book.apply(update("bid 99:4", sequence=12, previous=10))
    assert not book.apply(update("bid 99:5", sequence=12, previous=10))
    assert (book.bids(), book.gaps) == ([(99, 4)], 0)


def test_a_missed_update_makes_the_book_stale_until_the_next_snapshot():
    book = book_of("bid 99:2 ask 101:1", sequence=10)
    assert not book.apply(update("bid 99:3", sequence=13, previous=12))
    assert (book.is_stale, book.gaps, book.is_usable, book.bids()) == (True, 1, False, [(99, 2)])
    book.apply(update("bid 99:4", sequence=14, previous=13))
    assert (book.bids(), book.gaps) == ([(99, 2)], 1)
    book.apply(update("bid 98:1 ask 101:1", snapshot=True, sequence=13))
    assert (book.is_stale, book.is_usable, book.bids()) == (False, True, [(99, 4), (98, 1)])


def test_a_snapshot_older_than_the_gap_leaves_the_book_stale():
    book = book_of("bid 99:2", sequence=10)
    book.apply(update("bid 99:3", sequence=13, previous=12))
    book.apply(update("bid 98:1", snapshot=True, sequence=11))
    assert (book.is_stale, book.gaps) == (True, 2)


def test_updates_without_numbers_are_taken_as_they_come():
    book = book_of("bid 99:2")
    assert book.apply(update("bid 99:3"))
    assert book.apply(update("bid 99:4", sequence=7, previous=5))
    assert book.apply(update("bid 99:5", sequence=9))
    assert (book.bids(), book.gaps) == ([(99, 5)], 0)


def test_time_does_not_go_back_for_updates_that_were_held():
    book = OrderBook("TEST")
    book.apply(update("bid 98:1", sequence=12, previous=8, time=100))
    book.apply(update("bid 99:2", snapshot=True, sequence=10, time=200))
    assert (book.time, book.bids(1)) == (200, [(99, 2)])


# -- crossing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", ["99", "98.5"])
def test_a_crossed_or_locked_book_answers_but_is_not_usable(ask):
    book = book_of("bid 99:2 ask 101:6")
    book.apply(update(f"ask {ask}:1"))
    assert (book.is_crossed, book.is_usable, book.crossings) == (True, False, 1)
    assert book.best_ask == float(ask)
    assert book.spread <= 0


def test_a_crossing_counts_once_and_ends_with_the_level_that_crossed():
    book = book_of("bid 99:2 ask 101:6")
    book.apply(update("ask 98:1"))
    book.apply(update("ask 98:2"))
    assert book.crossings == 1
    book.apply(update("ask 98:0"))
    assert (book.is_crossed, book.is_usable) == (False, True)
    book.apply(update("bid 101:1"))
    assert book.crossings == 2


# -- quotes ------------------------------------------------------------------------------------------------------------


def test_without_updates_a_quote_is_the_book():
    book = OrderBook("TEST")
    book.apply_quote(quote(99, 2, 101, 6, time=1))
    book.apply_quote(quote(99.5, 1, 102, 3, time=2))
    assert (book.bids(), book.asks(), book.is_usable) == ([(99.5, 1)], [(102, 3)], True)


def test_a_quote_drops_the_levels_that_it_has_passed():
    book = book_of("bid 99:2 98:5 97:1 ask 101:6 102:4")
    book.apply_quote(quote(98, 3, 100, 2, time=1))
    assert book.bids() == [(98, 3), (97, 1)]
    assert book.asks() == [(100, 2), (101, 6), (102, 4)]
    assert not book.is_crossed


def test_a_quote_older_than_the_book_is_dropped():
    book = book_of("bid 99:2 ask 101:6")
    book.apply(update("bid 99:3", time=5))
    assert not book.apply_quote(quote(98, 3, 100, 2, time=4))
    assert book.best_bid == 99


def test_a_quote_without_a_side_empties_it():
    book = OrderBook("TEST")
    book.apply_quote(quote(math.nan, 0, 101, 6))
    assert (book.bids(), book.asks(), book.is_usable) == ([], [(101, 6)], False)


def test_a_crossed_quote_is_a_crossed_book():
    book = OrderBook("TEST")
    book.apply_quote(quote(102, 1, 101, 6))
    assert (book.is_crossed, book.crossings, book.is_usable) == (True, 1, False)


def test_a_stale_book_takes_no_quotes():
    book = book_of("bid 99:2 ask 101:6", sequence=1)
    book.apply(update("bid 99:1", sequence=5, previous=4))
    assert not book.apply_quote(quote(100, 1, 101, 1, time=9))
    assert book.best_bid == 99


LEVELS = st.lists(
    st.tuples(st.sampled_from([1, -1]), st.integers(1, 12), st.integers(0, 3)), min_size=0, max_size=6
)


@given(st.lists(LEVELS, max_size=12))
def test_the_book_is_what_the_last_change_of_each_level_says(changes):
    book, truth = OrderBook("TEST"), {}
    for number, rows in enumerate(changes):
        sides, prices, quantities = ([float(row[n]) for row in rows] for n in range(3))
        if number == 0:
            truth = {}
        book.apply(
            BookUpdate("TEST", number, number, number == 0, [int(s) for s in sides], prices, quantities)
        )
        truth.update(
            {(side, price): quantity for side, price, quantity in zip(sides, prices, quantities, strict=True)}
        )
    bids = sorted(((p, q) for (side, p), q in truth.items() if side > 0 and q), reverse=True)
    asks = sorted((p, q) for (side, p), q in truth.items() if side < 0 and q)
    assert (book.bids(), book.asks()) == (bids, asks)
    assert book.is_crossed == bool(bids and asks and bids[0][0] >= asks[0][0])
