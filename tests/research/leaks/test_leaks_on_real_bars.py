"""Recorded markets: closes of spot beside a perpetual, with the lag that a bar's length asks for and without it."""

import pytest

from hookline.research.peeking import check_look_ahead
from hookline.research.study import Study
from hookline.research.warming import check_warm_up

HOUR, DAY = 3_600, 86_400


@pytest.fixture
def study(real_data):
    def make(hour_lag, day_lag, **changes):
        funding = real_data / "funding" / "binance_usdm_BTCUSDT_funding.parquet"
        hourly = real_data / "bars_1h" / "binance_spot_BTCUSDT_1h.parquet"
        daily = real_data / "bars_1d" / "binance_spot_BTCUSDT_1d.parquet"
        bars = real_data / "bars_1h" / "binance_usdm_BTCUSDT_1h.parquet"
        return Study.of_mapping(
            {
                "symbols": ["BTCUSDT"],
                "timeframe": "1h",
                "since": "2021-01-01",
                "until": "2021-07-01",
                "feed": {"use": "parquet", "params": {"path": str(bars)}},
                "broker": {"use": "paper", "params": {"taker_fee_bps": 5}},
                "instruments": {"BTCUSDT": {"kind": "perpetual", "funding": "rate"}},
                "external": {
                    "rate": {"path": str(funding), "column": "funding_rate"},
                    "spot": {"path": str(hourly), "column": "close", "lag_seconds": hour_lag},
                    "daily": {"path": str(daily), "column": "close", "lag_seconds": day_lag},
                },
                "strategies": [{"use": "ema_cross"}],
                **changes,
            }
        )

    return make


def test_closes_that_are_known_when_their_bars_end(study):
    report = check_look_ahead(study(HOUR, DAY), cuts=2)
    assert report.is_clean, report.lines


def test_closes_that_are_known_when_their_bars_begin(study):
    report = check_look_ahead(study(0, 0), cuts=1)
    found = {one.where: one for one in report.findings}
    assert set(found) == {"external series 'spot'", "external series 'daily'"}
    assert (found["external series 'spot'"].bars, found["external series 'daily'"].bars) == (1, 24)
    assert all("rank correlation 0.9" in one.text or "1.00" in one.text for one in report.findings)


@pytest.mark.parametrize("use", ["ema_cross", "bollinger_reversion", "donchian_breakout", "supertrend"])
def test_bundled_strategies_raise_no_suspicion_and_are_warm_in_time(use, study):
    made = study(HOUR, DAY, strategies=[{"use": use}])
    assert check_look_ahead(made, cuts=1).is_clean
    assert check_warm_up(made, starts=1).is_clean
