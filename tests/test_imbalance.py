"""Weighted imbalance of books, and the study of what follows it."""

import math

import numpy as np
import pytest

from hookline.imbalance import (
    half_life_bps,
    imbalance_study,
    sample_books,
    sampled_imbalance,
    weighted_imbalance,
)
from hookline.model import BookUpdate, MarketData, OrderBook, RowKind, TapeSeries
from hookline_feeds.synthetic import Book, SyntheticFeed

SECOND = 10**9


def book(bids, asks):
    found = OrderBook("TEST")
    levels = [(1, *level) for level in bids] + [(-1, *level) for level in asks]
    found.apply(BookUpdate("TEST", 1, 1, True, *map(list, zip(*levels, strict=True))))
    return found


def told(mids, values, width=0.5):
    """Return a tape of a snapshot a second, with these mids and, level by level equally far from the mid, these imbalances."""
    times = [second * SECOND for second in range(len(mids))]
    rows = [
        (time, time, number, RowKind.SNAPSHOT, side, mid - side * width, 1 + side * value, -1, -1)
        for number, (time, mid, value) in enumerate(zip(times, mids, values, strict=True))
        for side in (1, -1)
    ]
    return TapeSeries("TEST", *map(np.array, zip(*rows, strict=True)))


# -- the formula -----------------------------------------------------------------------------------------------------


def test_quantities_count_by_their_distance_from_the_mid():
    # Mid 100. Bids 10 and 20 bps away, asks 10 and 30: 4 e^-1 + 8 e^-2 = 2.5542 and 2 e^-1 + 20 e^-3 = 1.7315.
    found = weighted_imbalance(book([(99.9, 4), (99.8, 8)], [(100.1, 2), (100.3, 20)]), decay=0.1)
    assert found.value == pytest.approx((2.5542 - 1.7315) / (2.5542 + 1.7315), abs=1e-4)
    # The best bid is 4 e^-1 = 1.4715 of the bids, the second 1.0827.
    assert found.largest_share == pytest.approx(1.4715 / 2.5542, abs=1e-4)


def test_the_largest_share_is_that_of_the_heavier_side():
    found = weighted_imbalance(book([(99.9, 1)], [(100.1, 5), (100.2, 5), (100.3, 5)]), decay=1e-9)
    assert found.value == pytest.approx(-14 / 16)
    assert found.largest_share == pytest.approx(1 / 3)


def test_only_the_best_levels_count():
    deep = book([(99.9, 1), (99.8, 50)], [(100.1, 1)])
    assert weighted_imbalance(deep, depth=1).value == pytest.approx(0.0)
    assert weighted_imbalance(deep, depth=2).value > 0.5


def test_after_the_half_life_a_quantity_counts_half():
    assert half_life_bps(0.1) == pytest.approx(6.93, abs=0.005)
    price = 100.0 * half_life_bps(0.1) / 1e4
    # One at the half-life on the bid side, and another at three half-lives: 1/2 + 1/8 against 1/2.
    found = weighted_imbalance(book([(100 - price, 1), (100 - 3 * price, 1)], [(100 + price, 1)]), decay=0.1)
    assert found.value == pytest.approx((0.625 - 0.5) / 1.125)


def test_a_side_without_levels_says_nothing():
    assert all(math.isnan(number) for number in weighted_imbalance(OrderBook("TEST")))


# -- samples ---------------------------------------------------------------------------------------------------------


def synthetic(minutes=5.0, **params):
    feed = SyntheticFeed(seed=7, book=Book(minutes=minutes, **params))
    from hookline import TapeRequest

    return feed.tape(TapeRequest("TEST", frozenset({MarketData.BOOK})))


def test_over_arrays_it_is_the_same_as_book_by_book():
    tape = synthetic()
    samples = sample_books(tape, every_seconds=0.5, depth=7)
    value, share = sampled_imbalance(samples, 0.3)
    live, place = OrderBook("TEST"), 0
    for event in tape.events():
        while place < len(samples.time) and samples.time[place] < event.time:
            wanted = weighted_imbalance(live, 0.3, 7)
            assert (value[place], share[place]) == pytest.approx(wanted, rel=1e-12, nan_ok=True)
            place += 1
        live.apply(event)
    assert place >= 590


def test_a_sample_shows_what_was_known_by_its_time():
    tape = told([100, 101, 103], [0, 0, 0])
    assert sample_books(tape).mid.tolist() == [100, 101, 103]
    early = sample_books(tape.between(None, 2 * SECOND))
    assert (early.time.tolist(), early.mid.tolist()) == ([0, SECOND], [100, 101])
    assert sample_books(tape, every_seconds=2).mid.tolist() == [100, 103]


def test_a_book_that_is_not_usable_is_nan():
    tape = told([100, 100], [0, 0], width=-0.5)
    samples = sample_books(tape)
    assert np.isnan(samples.mid).all()
    assert all(np.isnan(column).all() for column in sampled_imbalance(samples))


def test_an_empty_tape_has_no_samples():
    assert len(sample_books(told([100], [0]).between(5, None)).time) == 0


# -- the study -------------------------------------------------------------------------------------------------------


def test_the_rows_of_a_market_worked_out_by_hand():
    # Signals at 0 (buy), 1 (buy), 3 (sell), 5 (buy). Over two seconds: from 0, 100 to 102 is 200 bps; 1 lies inside it.
    # From 3, 102 to 101 is 98.04 bps for a sale; 5 is the first after it: 101 to 101 is 0.
    mids = [100, 101, 102, 102, 102, 101, 101, 101]
    values = [0.5, 0.6, 0.0, -0.5, 0.1, 0.5, 0.0, 0.0]
    (row,) = imbalance_study(told(mids, values), thresholds=[0.4], horizons=[2])
    moves = np.array([200.0, 1e4 / 102, 0.0])
    assert (row.threshold, row.horizon_seconds, row.signals) == (0.4, 2, 3)
    assert row.mean_bps == pytest.approx(moves.mean())
    assert row.t == pytest.approx(moves.mean() / (moves.std(ddof=1) / math.sqrt(3)))
    assert row.hits == pytest.approx(2 / 3)


def test_signals_that_one_level_makes_are_left_out():
    # There is one level a side, so that it is the whole of it.
    tape = told([100, 101, 102], [0.5, 0.5, 0.5])
    found = [imbalance_study(tape, thresholds=[0.4], horizons=[1], max_single_share=s)[0] for s in (1.0, 0.9)]
    assert [row.signals for row in found] == [2, 0]
    assert math.isnan(found[1].mean_bps)


def test_one_signal_has_a_mean_and_no_t():
    (row,) = imbalance_study(told([100, 101], [0.5, 0]), thresholds=[0.4], horizons=[1])
    assert (row.signals, row.mean_bps) == (1, pytest.approx(100.0))
    assert math.isnan(row.t)


def noise(seed, seconds=900):
    """A random walk beside an imbalance that lasts for many seconds and has nothing to do with it."""
    draws = np.random.default_rng(seed)
    slow = np.convolve(draws.standard_normal(seconds + 60), np.ones(60) / 60**0.5, "valid")[:seconds]
    return 1e4 + np.cumsum(draws.standard_normal(seconds)), np.tanh(slow)


def test_on_noise_the_t_statistic_is_that_of_noise():
    t, naive = [], []
    for seed in range(150):
        mids, values = noise(seed)
        (row,) = imbalance_study(told(mids, values), thresholds=[0.4], horizons=[30])
        t.append(row.t)
        moves = np.sign(values[:-30]) * (mids[30:] / mids[:-30] - 1)
        moves = moves[np.abs(values[:-30]) > 0.4]
        naive.append(moves.mean() / (moves.std(ddof=1) / math.sqrt(len(moves))))
    # Beyond 1.96 is one in twenty; of returns that overlap it would be more than half.
    assert np.mean(np.abs(t) > 1.96) < 0.11
    assert 0.8 < np.std(t) < 1.25
    assert np.mean(np.abs(naive) > 1.96) > 0.5


def test_a_move_that_follows_the_imbalance_is_found():
    mids, values = noise(3, 3000)
    drift = np.concatenate(([0.0], np.cumsum(0.2 * np.sign(values[:-1]))))
    (row,) = imbalance_study(told(mids + drift, values), thresholds=[0.2], horizons=[10])
    assert row.t > 4
    # 0.2 a second of 10,000 are 0.2 bps; most signals outlast ten seconds.
    assert 1.0 < row.mean_bps < 2.6


def test_on_the_synthetic_book_runs_of_orders_can_be_seen_and_their_absence_too():
    def t(persistence):
        tape = synthetic(60.0, flow_persistence=persistence)
        return imbalance_study(tape, thresholds=[0.2], horizons=[10])[0].t

    assert t(0.98) > 3
    assert abs(t(0.0)) < 2


@pytest.mark.parametrize("horizon", [0.0, 0.4, 1.5])
def test_horizons_must_lie_on_the_grid(horizon):
    with pytest.raises(ValueError, match=r"whole multiples of every_seconds 1\.0"):
        imbalance_study(told([100], [0]), horizons=[horizon])


def test_the_grid_must_have_a_step():
    with pytest.raises(ValueError, match="must be above 0, were 0, 10"):
        sample_books(told([100], [0]), every_seconds=0)


def test_a_tape_shorter_than_the_horizon_has_no_signals():
    rows = imbalance_study(told([100, 101], [0.9, 0.9]), thresholds=[0.1], horizons=[1, 30])
    assert [row.signals for row in rows] == [1, 0]
