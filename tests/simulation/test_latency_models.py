"""Latency of orders, reports and market data."""

import numpy as np
import pytest

from hookline.model import RowKind, TapeSeries
from hookline.simulation.latency import ConstantLatency, NoLatency, RandomLatency, RecordedLatency, delayed


def trades(*rows: tuple[int, int]) -> TapeSeries:
    """Make a tape of trades with these times of arrival and of the venue."""
    count = len(rows)
    times, venue_times = (np.array([row[n] for row in rows], np.int64) for n in (0, 1))
    none = np.full(count, -1)
    kind, ones = np.full(count, RowKind.TRADE), np.ones(count)
    return TapeSeries("TEST", times, venue_times, np.arange(count), kind, ones, ones, ones, none, none)


def test_constant_latency_is_the_same_each_way_and_time():
    model = ConstantLatency(5, 7)
    assert [(model.entry(now), model.response(now)) for now in (0, 10**18)] == [(5, 7), (5, 7)]
    assert (NoLatency().entry(3), NoLatency().response(3)) == (0, 0)


def test_constant_latency_is_not_negative():
    with pytest.raises(ValueError, match="from_venue: must be 0 or more, was -1"):
        ConstantLatency(1, -1)


def test_random_latency_repeats_with_its_seed():
    one, same, other = (RandomLatency(10**6, seed=seed) for seed in (1, 1, 2))
    draws = [[model.entry(0) for _ in range(20)] for model in (one, same, other)]
    assert draws[0] == draws[1] != draws[2]


def test_random_latency_has_its_median_and_floor():
    model = RandomLatency(1_000_000, sigma=0.7, floor=400_000, seed=3)
    draws = np.array([model.response(0) for _ in range(20_000)])
    assert draws.min() > 400_000
    assert np.median(draws) == pytest.approx(1_000_000, rel=0.02)
    # The logarithm above the floor is normal with this deviation.
    assert np.log(draws - 400_000).std() == pytest.approx(0.7, rel=0.03)


def test_random_latency_without_spread_is_its_median():
    assert RandomLatency(1000, sigma=0.0, floor=10).entry(0) == 1000


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((5, 0.5, 5), "median: must be above floor"), ((5, -1.0), "sigma: must be 0 or more, was -1.0")],
)
def test_random_latency_refuses_what_makes_no_sense(arguments, error):
    with pytest.raises(ValueError, match=error):
        RandomLatency(*arguments)


def test_recorded_latency_is_interpolated_between_messages():
    model = RecordedLatency(trades((100, 90), (200, 170)), entry_factor=1.0, response_factor=3.0)
    assert [model.entry(now) for now in (0, 100, 150, 175, 200, 999)] == [10, 10, 20, 25, 30, 30]
    assert model.response(150) == 60


def test_recorded_latency_has_a_floor_and_is_never_negative():
    tape = trades((100, 90), (200, 250))
    assert RecordedLatency(tape).entry(200) == 0
    assert RecordedLatency(tape, floor=15).entry(100) == 15


def test_recorded_latency_needs_messages():
    with pytest.raises(ValueError, match="must have messages"):
        RecordedLatency(trades())


def test_a_delayed_tape_is_known_later_and_happened_when_it_did():
    tape = delayed(trades((100, 90), (200, 170)), ConstantLatency(0, 50).response)
    assert (tape.time.tolist(), tape.venue_time.tolist()) == ([150, 250], [90, 170])


def test_a_slow_message_holds_up_those_behind_it():
    late = {100: 70, 110: 5, 200: 0}
    assert delayed(trades((100, 100), (110, 110), (200, 200)), late.__getitem__).time.tolist() == [
        170,
        170,
        200,
    ]


def test_rows_of_one_message_stay_together():
    one = trades((100, 90), (100, 90), (200, 190))
    tape = TapeSeries(
        "TEST", one.time, one.venue_time, np.array([0, 0, 1]), np.full(3, RowKind.BOOK), one.side, one.price,
        one.quantity, one.sequence, one.previous,
    )  # fmt: skip
    calls = iter([30, 1])
    assert delayed(tape, lambda _: next(calls)).time.tolist() == [130, 130, 201]
