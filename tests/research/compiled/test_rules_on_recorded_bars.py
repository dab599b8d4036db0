"""Example sessions' strategies with their own risk rules on recorded bars, compiled and through the event kernel."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from same_runs import assert_same_figures, assert_same_record
from test_parity_on_recorded_bars import DAILY, MINUTES, PERPETUAL_HOURS, SPOT_HOURS, STRATEGIES, plan_of

from hookline import plugins
from hookline.research.compiled import CompiledRun
from hookline.session import Session

EXAMPLES = Path(__file__).parents[3] / "examples" / "sessions"
SESSIONS = ("ema_cross", "bollinger_reversion", "donchian_breakout", "supertrend")
TIGHT = [
    {"use": "max_drawdown", "params": {"max_fraction": 0.04, "flatten": True}},
    {"use": "daily_loss_limit", "params": {"max_fraction": 0.01}},
    {"use": "stop_cooldown", "params": {"cooldown_seconds": 50_000}},
    {"use": "consecutive_losses", "params": {"limit": 2, "pause_seconds": 200_000}},
    {"use": "max_position_notional", "params": {"limit": 9000, "shrink": True}},
    {"use": "max_order_notional", "params": {"limit": 7000, "shrink": True}},
]
GUARDED = {
    "kill_switch",
    "spread_guard",
    "liquidity_guard",
}  # the rules of the session that look at files, quotes and books


def rules_of(uses):
    return [plugins.build("risk_rules", one["use"], one.get("params", {}), "risk") for one in uses]


def risk_of(session):
    return yaml.safe_load((EXAMPLES / f"{session}.yaml").read_text())["risk"]


def compare(folder, data, name, uses):
    """Run a strategy with rules both ways, compare all there is, and return what the gate decided."""

    def plan():
        one = plan_of(folder, data, name, STRATEGIES[name], begin=400)
        return replace(one, rules=[*one.rules, *rules_of(uses)])

    event = Session(plan()).run()
    run = CompiledRun(plan())
    strategy = run.plan.seats[0].strategy
    record = run.record(strategy)
    assert len(event.record.fills) >= 2
    assert_same_record(record, event.record)
    assert record.halted == event.record.halted
    assert_same_figures(run.metrics([strategy])[0], event)
    return {(one.rule, str(one.verdict)) for one in event.record.decisions}


@pytest.mark.parametrize("data", [DAILY, SPOT_HOURS, PERPETUAL_HOURS, MINUTES], ids=lambda one: one[1])
@pytest.mark.parametrize("session", SESSIONS)
def test_an_example_session_trades_recorded_bars_with_its_own_rules_as_in_the_event_kernel(
    real_data, session, data
):
    compare(real_data, data, session, risk_of(session))


@pytest.mark.parametrize("data", [DAILY, PERPETUAL_HOURS], ids=lambda one: one[1])
def test_the_rules_of_the_guarded_session_do_what_they_do_in_the_event_kernel(real_data, data):
    uses = [one for one in risk_of("guarded") if one["use"] not in GUARDED]
    decided = compare(real_data, data, "bollinger_reversion", uses)
    assert {rule for rule, verdict in decided if verdict != "resume"}


def test_tight_rules_halt_deny_shrink_and_resume_on_recorded_bars(real_data):
    decided = set()
    for data in (DAILY, PERPETUAL_HOURS):
        for name in ("ema_cross", "donchian_breakout"):
            decided |= compare(real_data, data, name, TIGHT)
            decided |= compare(real_data, data, name, TIGHT[1:])
    assert {verdict for _, verdict in decided} == {"halt", "resume", "deny", "shrink"}
    assert {rule for rule, _ in decided} >= {one["use"] for one in TIGHT}
