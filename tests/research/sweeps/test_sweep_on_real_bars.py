"""A sweep of several coins and years: every row is the backtest that a session file with these values would be."""

import math
from datetime import UTC, datetime

import pytest
from sweep_sessions import FAST, SLOW

from hookline.clock import to_ns
from hookline.research.space import Space
from hookline.research.study import Study
from hookline.research.sweeping import run_sweep
from hookline.research.sweeping.request import parse_period
from hookline.research.table import METRICS, Objective
from hookline.session import Session
from hookline.session.executors import SerialExecutor
from hookline.session.loader import session_from

PERIODS = ["2022-01-01:2022-07-01", "2022-07-01:2023-01-01"]


def session_of(real_data, symbol, since, until, **params):
    return {
        "symbols": [symbol],
        "timeframe": "1h",
        "since": since,
        "until": until,
        "currency": "USDT",
        "feed": {
            "use": "parquet",
            "params": {"path": str(real_data / "bars_1h" / f"binance_spot_{symbol}_1h.parquet")},
        },
        "broker": {"use": "paper", "params": {"taker_fee_bps": 10, "slippage_bps": 2}},
        "instruments": {symbol: {"kind": "spot", "tick_size": "0.01", "lot_size": "0.00001"}},
        "strategies": [{"use": "ema_cross", "params": {"adx_min": 15, **params}}],
    }


@pytest.mark.slow
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_rows_on_real_bars_are_single_backtests(real_data, symbol):
    study = Study.of_mapping(session_of(real_data, symbol, "2022-01-01", "2023-01-01"))
    space = Space.of({FAST: "8,20", SLOW: "30,80"})
    periods = [parse_period(text) for text in PERIODS]
    frame = run_sweep(study, space, Objective(), periods=periods, executor=SerialExecutor()).frame
    assert len(frame) == 8
    assert list(frame["error"]) == [""] * 8
    first = frame[frame["since"] == to_ns(datetime(2022, 1, 1, tzinfo=UTC))]
    for row in first.to_dict("records"):
        # Nothing comes before the first period, so a session of these months alone is the same run.
        config = session_from(
            session_of(real_data, symbol, "2022-01-01", "2022-07-01", fast=row[FAST], slow=row[SLOW])
        )
        metrics = Session.from_config(config).run().metrics
        assert metrics.fills > 10
        for name in METRICS:
            value = getattr(metrics, name)
            assert row[name] == pytest.approx(value, rel=1e-9, nan_ok=True), name
    # The second period trades on columns that the first one warmed up: from its first bar on, and from fresh cash.
    second = frame[frame["since"] != to_ns(datetime(2022, 1, 1, tzinfo=UTC))]
    assert set(second["bars"]) == {184 * 24}
    assert not any(math.isnan(value) for value in second["sharpe"])
