"""What holds for every rule, whatever orders come."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline import plugins
from hookline.model import OrderStatus

SYMBOLS = ("A", "B")
STRICT = {
    "max_order_notional": {"limit": 1},
    "max_position_notional": {"limit": 1},
    "max_position": {"limit": 0.001},
    "max_open_orders": {"limit": 1},
    "max_trades": {"limit": 1, "per_day": 1},
    "max_order_rate": {"limit": 1, "window_seconds": 1e9},
    "price_collar": {"max_bps": 0.01, "max_atr": 0.01},
    "max_leverage": {"limit": 0.001, "warn_above": None},
    "max_drawdown": {"max_fraction": 1e-9},
    "daily_loss_limit": {"max_fraction": 1e-9},
    "consecutive_losses": {"limit": 1, "pause_seconds": 1e9},
    "stop_cooldown": {"cooldown_seconds": 1e9},
    "trading_hours": {"closed": ["2000-01-01/2100-01-01"]},
    "min_edge": {"times": 1e6, "without_target": "deny"},
    "spread_guard": {"unknown": "deny"},
    "liquidity_guard": {"unknown": "deny"},
    "strategy_budget": {"max_notional": 0.001, "max_loss": 0.001},
    "kill_switch": {"path": Path(__file__), "flatten": False},
    "require_stop": {"threshold_leverage": 0},
}


def strict(name):
    return plugins.build("risk_rules", name, STRICT[name], "risk[0]")


def test_every_rule_is_here():
    assert set(STRICT) == {info.name for info in plugins.names("risk_rules")}


@pytest.mark.parametrize("name", STRICT)
def test_a_reducing_order_is_never_stopped(stage, name):
    @given(
        held=st.floats(-9, 9).filter(lambda q: abs(q) >= 0.01),
        part=st.floats(0.01, 1),
        prices=st.lists(st.floats(60, 140), min_size=1, max_size=4),
        terms=st.sampled_from(
            [
                {},
                {"limit": 50},
                {"limit": 150},
                {"trigger": 90},
                {"trail_fraction": 0.1},
                {"reduce_only": True},
            ]
        ),
        is_halted=st.booleans(),
    )
    @settings(max_examples=12, deadline=timedelta(seconds=5))
    def holds(held, part, prices, terms, is_halted):
        it = stage()
        it.ctx.target("TEST", held)
        it.show("100")
        rule = strict(name)
        gate = type(it.gate)([rule], it.kernel)
        it.kernel.gate = it.gate = gate
        it.kernel.is_busy = True
        it.kernel._rules_on_fill = [rule]
        it.show(" ".join(f"{price:.2f}" for price in prices))
        if is_halted:
            it.kernel.halt("by hand")
        position = it.ctx.position("TEST")
        side = hl.Side.SELL if position.lots > 0 else hl.Side.BUY
        quantity = max(abs(position.quantity) * part, 0.001)
        order = it.ctx.submit("TEST", side, quantity, **terms)
        assert order.status is not OrderStatus.DENIED, order.reason
        assert order.quantity == pytest.approx(quantity, abs=0.001)
        saved = gate.save()
        assert json.loads(json.dumps(saved)) == saved, "what is kept over a restart is plain"

    holds()


SHRINKING = {
    "max_order_notional": lambda limit: {"limit": limit},
    "max_position_notional": lambda limit: {"limit": limit},
    "max_position": lambda limit: {"limit": limit / 100},
    "max_leverage": lambda limit: {"limit": limit / 1000, "warn_above": None},
    "strategy_budget": lambda limit: {"max_notional": limit},
}

orders = st.lists(
    st.tuples(
        st.sampled_from([1, -1]),
        st.floats(0.01, 30),
        st.sampled_from([{}, {"limit": 95.0}, {"limit": 105.0}, {"trigger": 110.0}]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("name", SHRINKING)
def test_what_is_shrunk_passes_the_rule_it_was_shrunk_by(stage, name):
    @given(asked=orders, limit=st.floats(20, 2000))
    @settings(max_examples=25, deadline=timedelta(seconds=5))
    def holds(asked, limit):
        rule = plugins.build("risk_rules", name, {**SHRINKING[name](limit), "shrink": True}, "risk[0]")
        it = stage(rule, symbols=SYMBOLS)
        for number, (side, quantity, terms, moves) in enumerate(asked):
            symbol = SYMBOLS[number % 2]
            before = it.gate.decisions[:]
            order = it.ctx.submit(symbol, hl.Side(side), quantity, **terms)
            asked_lots = order.instrument.lots(quantity)
            assert order.lots <= asked_lots
            if order.is_open and order.lots < asked_lots:
                assert it.gate.decisions[len(before) :][0].verdict == "shrink"
                again = rule.check(_whole(it, order), it.kernel)
                # But for the last digit of a sum, which may be worth a lot.
                assert again is None or again.quantity >= order.quantity - 0.001 - 1e-9
            if moves:
                it.show("100", symbol)

    holds()


def _whole(it, order):
    """Take an order back and return it, to judge it as if it came now."""
    it.kernel._live.pop(order.number)
    it.kernel.broker.watch(order.symbol).remove(order)
    if order.type is hl.OrderType.MARKET:
        it.ctx.position(order.symbol).pending -= order.side * order.lots
    order.status = OrderStatus.INITIALIZED
    order.number = 0
    return order
