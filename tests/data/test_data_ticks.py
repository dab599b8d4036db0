"""Tick sizes read from prices."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.data import infer_instrument, infer_tick_size
from hookline.data.ticks import tick_size_of
from hookline.model import BarSeries, InstrumentKind
from hookline.testing import bars


@pytest.mark.parametrize(
    ("closes", "tick"),
    [
        ("100 101 250", "1"),
        ("12.34 12.3", "0.01"),
        ("0.00001234", "0.00000001"),
        ("60000.12345678 60000", "0.00000001"),
        ("0.123456789", "0.00000001"),
        ("-36.98 -37.63", "0.01"),
        ("1e-7 2e-7", "0.0000001"),
    ],
)
def test_the_step_is_the_last_decimal_in_use(closes, tick):
    assert infer_tick_size(bars(closes)) == Decimal(tick)


def test_float_noise_is_no_decimal():
    noisy = [0.1 + 0.2, 1.1 * 3, 64000.1 + 0.2, sum([0.1] * 10)]
    assert noisy[0] != 0.3
    assert infer_tick_size(bars(noisy)) == Decimal("0.1")


@pytest.mark.parametrize(
    ("step", "tick"), [(0.5, "0.5"), (0.25, "0.25"), (0.05, "0.05"), (5.0, "5"), (0.02, "0.02")]
)
def test_steps_of_5_and_25_are_seen_in_enough_prices(step, tick):
    prices = 100 + step * np.arange(200)
    assert infer_tick_size(bars(prices.tolist())) == Decimal(tick)
    assert infer_tick_size(bars(prices[[0, 1]].tolist())) <= Decimal(tick)


def test_a_late_bar_with_more_decimals_counts():
    assert infer_tick_size(bars([float(n % 7 + 1) for n in range(5000)] + [1.125])) == Decimal("0.001")


@given(
    decimals=st.integers(0, 8),
    ticks=st.lists(st.integers(1, 10**6), min_size=1, max_size=20),
)
def test_every_price_is_a_multiple_of_the_step_and_the_step_is_no_finer_than_needed(decimals, ticks):
    prices = [tick / 10**decimals for tick in ticks]
    step = infer_tick_size(bars(prices))
    exact = [Decimal(tick).scaleb(-decimals) for tick in ticks]
    assert all(price % step == 0 for price in exact)
    assert step >= Decimal(1).scaleb(-decimals)


@pytest.mark.parametrize(
    ("symbol", "kind", "quote"),
    [
        ("BTCUSDT", "spot", "USDT"),
        ("BTC-PERP", "perpetual", "USDT"),
        ("BTC/USDC:USDC", "perpetual", "USDC"),
        ("BTCUSD_PERP", "perpetual", "USDT"),
        ("BTC-USD", "spot", "USD"),
        ("ETHBTC", "spot", "BTC"),
        ("BTC", "spot", "USDT"),
    ],
)
def test_kind_and_quote_come_from_the_symbol(symbol, kind, quote):
    instrument = infer_instrument(bars("10.5 11"), symbol)
    assert (instrument.kind, instrument.quote) == (InstrumentKind(kind), quote)
    assert instrument.tick_size == Decimal("0.1")


def test_small_prices_keep_their_digits():
    prices = np.array([1.2345e-7, 1.2401e-7, 1.1999e-7])
    assert tick_size_of([prices]) == Decimal("1E-11")
    assert tick_size_of([np.random.default_rng(1).uniform(1e-7, 2e-7, 100)]) <= Decimal("1E-14")


def test_prices_of_any_size_have_a_tick_size():
    assert tick_size_of([np.array([1.5e250, 2.5e250] * 30)]) == 1
    assert tick_size_of([np.array([])]) == 1


def test_what_costs_next_to_nothing_has_larger_lots():
    price = np.full(3, 2.5e-9)
    start = 3600 * 10**9 * np.arange(3)
    series = BarSeries("PEBBLE", "1h", start, price, price, price, price, price)
    assert infer_instrument(series, "PEBBLE").lot_size == Decimal("0.1")
    assert infer_instrument(bars("0.05 0.06"), "TEST").lot_size == Decimal("0.000001")
