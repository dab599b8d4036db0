"""Volatility targeting on arrays rounds as the sizing model does."""

import numpy as np
import pandas as pd
import pytest

import hookline as hl
from hookline.columns import Bars, Batch
from hookline.testing.market import random_bars

HOURS = 8760.0


def test_it_is_the_sizing_model_bit_for_bit():
    series = random_bars("ETH", 400, gaps=False)
    sizer = hl.VolatilityTarget(target_fraction=0.2, max_leverage=1.5, period=48)
    volatility = Batch(series).compute([sizer.volatility(Bars("ETH"), HOURS)])[0]

    returns = np.append(np.nan, series.close[1:] / series.close[:-1] - 1.0)
    found = hl.volatility_target(
        returns, target_fraction=0.2, max_leverage=1.5, period=48, bars_per_year=HOURS
    )

    assert found.tolist() == [sizer.quantity(1.0, 1.0, np.nan, one) for one in volatility.tolist()]
    assert len(set(found.tolist())) > 100


def test_frames_stay_frames_and_tell_the_bars_of_a_year():
    index = pd.date_range("2024-01-01", periods=300, freq="h")
    random = np.random.default_rng(3)
    returns = pd.DataFrame({"A": random.normal(0, 0.01, 300), "B": random.normal(0, 0.0005, 300)}, index)

    found = hl.volatility_target(returns, target_fraction=0.5, max_leverage=4.0, period=24)

    expected = (0.5 / (returns.rolling(24).std() * np.sqrt(HOURS))).clip(upper=4.0).fillna(1.0)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    assert (found["B"].iloc[30:] == 4.0).all()


def test_a_series_keeps_its_name_and_index():
    returns = pd.Series([0.01, 0.02, 0.03], name="A")
    found = hl.volatility_target(returns, period=2, bars_per_year=1.0)
    assert (found.name, found.index.tolist(), found.iloc[0]) == ("A", [0, 1, 2], 1.0)


def test_what_is_missing_or_wrong_is_told():
    with pytest.raises(hl.ConfigError, match="bars_per_year: is required"):
        hl.volatility_target([0.1, 0.2], period=2)
    with pytest.raises(hl.ConfigError, match=r"volatility_target.*period: must be at least 2"):
        hl.volatility_target([0.1, 0.2], period=1, bars_per_year=365)
