from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_records import HOUR, START, Run, series


def test_a_long_from_flat_to_flat():
    (trip,) = (
        Run("10 11 12 11").fill("1 buy 2 @ 10", fee=0.1).fill("3 sell 2 @ 12", fee=0.2).result().round_trips
    )
    assert (trip.strategy, trip.symbol, trip.side, trip.is_open) == ("s", "BTC", "long", False)
    assert (trip.quantity, trip.entry_price, trip.exit_price) == (2, 10, 12)
    assert (trip.entry_time, trip.exit_time, trip.bars) == (START + HOUR, START + 3 * HOUR, 2)
    assert trip.fees == pytest.approx(0.3)
    assert trip.profit == pytest.approx(3.7)
    assert trip.return_fraction == pytest.approx(3.7 / 20)


def test_scaling_in_and_out_averages_prices_and_keeps_the_peak():
    run = (
        Run("10 10 10 10 10")
        .fill("1 sell 1 @ 10")
        .fill("2 sell 3 @ 14")
        .fill("3 buy 2 @ 9")
        .fill("4 buy 2 @ 11")
    )
    (trip,) = run.result().round_trips
    assert (trip.side, trip.quantity, trip.entry_price, trip.exit_price) == ("short", 4, 13, 10)
    assert trip.profit == pytest.approx(12)


def test_an_order_through_zero_ends_one_and_starts_the_next_with_its_fee_split():
    run = Run("10 10 12 11").fill("1 buy 1 @ 10").fill("2 sell 4 @ 12", fee=0.8).fill("3 buy 3 @ 11")
    long, short = run.result().round_trips
    assert (long.side, long.quantity, long.exit_price) == ("long", 1, 12)
    assert long.fees == pytest.approx(0.2)
    assert long.profit == pytest.approx(1.8)
    assert (short.side, short.quantity, short.entry_price) == ("short", 3, 12)
    assert short.fees == pytest.approx(0.6)
    assert short.profit == pytest.approx(2.4)
    assert short.entry_time == long.exit_time


def test_an_open_one_is_valued_at_the_last_close_and_counts_in_no_rate():
    result = Run("10 10 10 13").fill("1 buy 2 @ 10", fee=0.5).fill("2 sell 1 @ 11", fee=0.5).result()
    (trip,) = result.round_trips
    assert trip.is_open
    assert trip.exit_price == 12  # one sold at 11, one marked at 13
    assert trip.profit == pytest.approx(3)
    assert (trip.exit_time, trip.bars) == (START + 4 * HOUR, 2)
    assert (result.metrics.round_trips, result.metrics.open_round_trips) == (0, 1)
    assert np.isnan(result.metrics.win_rate)


def test_strategies_and_symbols_are_kept_apart_and_listed_by_entry():
    run = Run(series("10 10 10 10"), series("5 5 5 5", "ETH"), strategies=("a", "b"))
    run.fill("1 buy 1 @ 10", strategy="b", symbol="BTC").fill("1 sell 1 @ 10", strategy="a", symbol="BTC")
    run.fill("1 buy 1 @ 5", strategy="a", symbol="ETH").fill("2 sell 1 @ 6", strategy="a", symbol="ETH")
    trips = [(trip.strategy, trip.symbol, trip.side) for trip in run.result().round_trips]
    assert trips == [("a", "BTC", "short"), ("a", "ETH", "long"), ("b", "BTC", "long")]


@pytest.mark.parametrize(
    ("hour", "first", "second"),
    [
        (1, 1.0, 0.0),  # at the entry of the first: it is the only one that can own it
        (2, 1.0, 0.0),
        (3, 1.0, 0.0),  # at the reversal: the position before it was held until then
        (4, 0.0, 1.0),
    ],
)
def test_funding_belongs_to_the_round_trip_open_just_before_it(hour, first, second):
    run = Run("10 10 10 10 10").fill("1 buy 1 @ 10").fill("3 sell 2 @ 10").fill("4 buy 1 @ 10")
    run.funding = [(START + hour * HOUR, "s", "BTC", 1.0)]
    assert [trip.funding for trip in run.result().round_trips] == [first, second]


def test_funding_at_an_entry_after_a_flat_time_belongs_to_the_new_one():
    run = (
        Run("10 10 10 10 10")
        .fill("1 buy 1 @ 10")
        .fill("2 sell 1 @ 10")
        .fill("3 buy 1 @ 10")
        .fill("4 sell 1 @ 10")
    )
    run.funding = [(START + 3 * HOUR, "s", "BTC", 1.0)]
    assert [trip.funding for trip in run.result().round_trips] == [0.0, 1.0]


def test_a_negative_price_has_a_profit_and_a_return_on_the_absolute_notional():
    (trip,) = (
        Run(series([-10.0, -10.0, -4.0])).fill("1 buy 1 @ -10").fill("2 sell 1 @ -4").result().round_trips
    )
    assert trip.profit == 6
    assert trip.return_fraction == pytest.approx(0.6)


FILLS = st.lists(
    st.tuples(
        st.integers(0, 29),  # bar
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 5000),  # lots of 0.001
        st.integers(50, 20_000),  # cents
        st.floats(-1.0, 5.0, allow_nan=False),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["BTC", "ETH"]),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(FILLS, st.lists(st.tuples(st.integers(0, 31), st.sampled_from("ab"), st.floats(-5, 5)), max_size=5))
def test_profits_of_all_round_trips_add_up_to_the_change_of_equity(fills, payments):
    prices = np.linspace(100.0, 130.0, 30)
    run = Run(series(prices, "BTC"), series(prices[::-1], "ETH"), strategies=("a", "b"))
    for bar, side, lots, cents, fee, strategy, symbol, inside in sorted(fills, key=lambda row: row[0]):
        text = f"{bar} {side} {lots / 1000} @ {cents / 100}"
        run.fill(text, fee=fee, symbol=symbol, strategy=strategy, inside=inside)
    traded = {(fill.strategy, fill.symbol) for fill in run.fills}
    run.funding = [
        (START + hour * HOUR, who, "BTC", amount) for hour, who, amount in payments if (who, "BTC") in traded
    ]
    result = run.result()
    scale = 1000.0 + sum(fill.price * fill.quantity for fill in run.fills)
    trips = result.round_trips

    assert sum(trip.profit for trip in trips) == pytest.approx(
        result.equity.value[-1] - 1000.0, abs=1e-9 * scale
    )
    assert sum(trip.fees for trip in trips) == pytest.approx(sum(fill.fee for fill in run.fills), abs=1e-9)
    assert sum(trip.funding for trip in trips) == pytest.approx(sum(row[3] for row in run.funding), abs=1e-9)
    for who in ("a", "b"):
        own = sum(trip.profit for trip in trips if trip.strategy == who)
        assert own == pytest.approx(result.equity_of(who).value[-1] - 500.0, abs=1e-9 * scale)


@settings(max_examples=150)
@given(FILLS)
def test_round_trips_are_those_of_a_ledger_kept_one_fill_at_a_time(fills):
    run = Run(series(np.full(30, 100.0), "BTC"), series(np.full(30, 50.0), "ETH"), strategies=("a", "b"))
    for bar, side, lots, cents, fee, strategy, symbol, _ in sorted(fills, key=lambda row: row[0]):
        run.fill(f"{bar} {side} {lots / 1000} @ {cents / 100}", fee=fee, symbol=symbol, strategy=strategy)
    expected = sorted(_by_hand(run))
    found = sorted(
        (trip.strategy, trip.symbol, trip.entry_time, trip.side, round(trip.quantity * 1000), trip.is_open)
        for trip in run.result().round_trips
    )
    assert found == expected


def _by_hand(run: Run):
    held: dict[tuple[str, str], list] = {}
    for fill in run.fills:
        key = (fill.strategy, fill.symbol)
        lots, peak, since = held.get(key, [0, 0, 0])
        after = lots + fill.side * fill.lots
        if lots and after * lots <= 0:
            yield (*key, since, "long" if lots > 0 else "short", peak, False)
        if lots == 0 or lots * after < 0:
            since, peak = fill.time, 0
        held[key] = [after, max(peak, abs(after)), since]
    for key, (lots, peak, since) in held.items():
        if lots:
            yield (*key, since, "long" if lots > 0 else "short", peak, True)
