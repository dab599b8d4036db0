"""Bundled strategies through compiled code and through the event kernel: the same orders, fills and figures."""

import pytest
from same_runs import assert_same_figures, assert_same_record

from hookline.research.compiled import CompiledRun
from hookline.research.study import Job, Study

SESSION = {
    "symbols": ["ONE-PERP"],
    "timeframe": "1h",
    "since": "2024-01-01",
    "until": "2024-04-01",
    "feed": {"use": "synthetic", "params": {"seed": 3}},
    "broker": {"use": "paper", "params": {"taker_fee_bps": 5, "slippage_bps": 2}},
}
STRATEGIES = {
    "ema_cross": {"fast": 5, "slow": 20, "adx_min": 0},
    "supertrend": {"period": 7, "multiplier": 2.0},
    "donchian_breakout": {"entry_n": 12, "exit_n": 5, "atr_n": 9},
    "bollinger_reversion": {"period": 15, "adx_max": 40, "max_bandwidth": 1.0},
    "buy_and_hold": {"weight": 0.5},
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_bundled_strategy_trades_as_in_the_event_kernel(name):
    study = Study.of_mapping({**SESSION, "strategies": [{"use": name, "params": STRATEGIES[name]}]})
    plan = study.plan(Job())
    event = study.run(Job())
    run = CompiledRun(plan)
    assert len(event.record.fills) >= 1
    assert_same_record(run.record(plan.seats[0].strategy), event.record)
    assert_same_figures(run.metrics([plan.seats[0].strategy])[0], event)
