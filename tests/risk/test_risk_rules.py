"""The bundled risk rules, on orders that a script sends."""

import pytest

import hookline as hl
from hookline.testing import Scripted, bars, buy, sell
from hookline_risk.max_drawdown import MaxDrawdown
from hookline_risk.max_open_orders import MaxOpenOrders
from hookline_risk.max_order_notional import MaxOrderNotional
from hookline_risk.max_position_notional import MaxPositionNotional

PERPETUAL = [hl.Instrument("TEST", hl.InstrumentKind.PERPETUAL)]


def run(script, text, *rules, **options):
    return hl.backtest(Scripted(script), bars(text), risk=rules, instruments=PERPETUAL, cash=1000, **options)


def outcomes(result):
    """Status of every order, with the reason where there is one."""
    return [f"{o.status}: {o.reason}" if o.reason else str(o.status) for o in result.record.orders]


def test_an_order_above_the_limit_is_denied_and_one_at_it_is_sent():
    result = run({0: [buy(5), buy(5.01)]}, "100 100", MaxOrderNotional(500))
    assert outcomes(result) == ["filled", "denied: max_order_notional: order worth 501.00, at most 500.00"]


@pytest.mark.parametrize(
    ("terms", "worth"),
    [({"limit": 90}, "540.00"), ({"trigger": 120}, "720.00"), ({"trail_amount": 10}, "600.00")],
)
def test_an_order_is_valued_at_its_own_price(terms, worth):
    result = run({0: buy(6, **terms)}, "100 100", MaxOrderNotional(500))
    assert outcomes(result) == [f"denied: max_order_notional: order worth {worth}, at most 500.00"]


def test_closing_a_position_is_never_too_much():
    result = run({0: buy(5), 1: sell(5)}, "100 100 200 200", MaxOrderNotional(500))
    assert outcomes(result) == ["filled", "filled"]


def test_a_position_is_counted_with_what_is_on_its_way():
    rule = MaxPositionNotional(500)
    result = run({0: [buy(2), buy(2, limit=90), buy(1.5)], 1: buy(1)}, "100 100 100", rule)
    assert outcomes(result) == [
        "filled",
        "accepted",
        "denied: max_position_notional: position could be worth 550.00, at most 500.00",
        "filled",
    ]


def test_the_other_side_has_its_own_room():
    result = run({0: buy(5, limit=90), 1: sell(5, limit=110)}, "100 100 100", MaxPositionNotional(550))
    assert outcomes(result) == ["accepted", "accepted"]


def test_turning_counts_what_is_left_after_the_turn():
    rule = MaxPositionNotional(500)
    result = run({0: sell(4), 1: [buy(9)], 2: sell(10)}, "100 100 100 100", rule, leverage=2)
    assert outcomes(result) == [
        "filled",
        "filled",
        "filled",
    ]
    result = run({0: sell(4), 1: [buy(9.1)]}, "100 100 100 100", rule, leverage=2)
    assert (
        outcomes(result)[1] == "denied: max_position_notional: position could be worth 510.00, at most 500.00"
    )


def test_an_entry_behind_its_exit_is_counted_in_full():
    script = {0: sell(4), 1: [buy(4, reduce_only=True), buy(9)]}
    result = run(script, "100 100 100", MaxPositionNotional(500), leverage=2)
    assert outcomes(result)[1:] == [
        "filled",
        "denied: max_position_notional: position could be worth 900.00, at most 500.00",
    ]


def test_a_position_that_has_grown_by_itself_can_be_closed():
    result = run({0: buy(5), 2: [buy(0.1), sell(5)]}, "100 100 300 300", MaxPositionNotional(500))
    assert outcomes(result) == [
        "filled",
        "denied: max_position_notional: position could be worth 1530.00, at most 500.00",
        "filled",
    ]


def test_only_so_many_orders_may_be_open():
    script = {0: [buy(1, limit=90), buy(1, limit=80), buy(1, limit=70)], 1: buy(1, limit=60)}
    result = run(script, "100 100/100/85/95 95", MaxOpenOrders(2))
    assert outcomes(result) == [
        "filled",
        "accepted",
        "denied: max_open_orders: 2 orders open and 1 more, at most 2",
        "accepted",
    ]


def test_a_bracket_counts_as_the_orders_it_becomes():
    script = {0: [buy(1, stop_loss=90, take_profit=110)], 1: sell(1, reduce_only=True, limit=105)}
    assert outcomes(run(script, "100 100 100", MaxOpenOrders(2))) == [
        "denied: max_open_orders: 0 orders open and 3 more, at most 2",
        "canceled: reduce-only: nothing to reduce",
    ]
    assert outcomes(run(script, "100 100 100", MaxOpenOrders(3)))[0] == "filled"


def test_orders_of_another_strategy_do_not_count():
    first, second = Scripted({0: buy(1, limit=90)}), Scripted({0: buy(1, limit=90)})
    result = hl.backtest([first, second], bars("100 100"), risk=[MaxOpenOrders(1)], instruments=PERPETUAL)
    assert outcomes(result) == ["accepted", "accepted"]


# Ten bought at 100; at 70 a third of the 1000 is lost.
FALL = "100 100 110 99 82 82 80 120"


def test_a_drawdown_halts_cancels_and_lets_reducing_orders_pass():
    script = {
        0: buy(10),
        1: [buy(1, limit=50), sell(1, limit=150), sell(5, trigger=60, reduce_only=True)],
        5: [buy(1), sell(4)],
    }
    result = run(script, FALL, MaxDrawdown(0.25), leverage=2)
    reason = "max_drawdown: equity fell 25.5% from 1100.00, at most 25.0%"
    assert result.record.halted == reason
    assert outcomes(result) == [
        "filled",
        f"canceled: halted: {reason}",
        f"canceled: halted: {reason}",
        "accepted",
        f"denied: halted: {reason}",
        "filled",
    ]


def test_a_drawdown_at_the_limit_is_let_be():
    assert run({0: buy(10)}, "100 100 75 90 100", MaxDrawdown(0.25)).record.halted == ""
    assert run({0: buy(10)}, "100 100 74.9 90 100", MaxDrawdown(0.25)).record.halted != ""


def test_a_drawdown_is_measured_from_the_highest_equity_and_begins_at_the_start():
    assert run({0: buy(10)}, "100 100 400 310 310", MaxDrawdown(0.25)).record.halted == ""
    found = run({0: buy(10)}, "100 100 400 290 290", MaxDrawdown(0.25)).record.halted
    assert found == "max_drawdown: equity fell 27.5% from 4000.00, at most 25.0%"


def test_a_rule_serves_one_session_after_another():
    rule = MaxDrawdown(0.25)
    assert run({0: buy(10)}, "100 100 400 400", rule).record.halted == ""
    assert run({0: buy(10)}, "100 100 101 101", rule).record.halted == ""


def test_the_first_rule_that_objects_is_named():
    rules = [MaxOpenOrders(5), MaxOrderNotional(50), MaxPositionNotional(50)]
    result = run({0: buy(1)}, "100 100", *rules)
    assert outcomes(result) == ["denied: max_order_notional: order worth 100.00, at most 50.00"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("max_order_notional", "limit: must be above 0, was 0"),
        ("max_position_notional", "limit: must be above 0, was 0"),
        ("max_open_orders", "limit: must be at least 1, was 0"),
    ],
)
def test_limits_have_bounds(rule, message):
    with pytest.raises(hl.ConfigError, match=message):
        hl.plugins.build("risk_rules", rule, {"limit": 0}, "risk[0]")


@pytest.mark.parametrize("fraction", [0, 1])
def test_a_drawdown_is_a_fraction(fraction):
    with pytest.raises(hl.ConfigError, match="max_fraction: must be"):
        hl.plugins.build("risk_rules", "max_drawdown", {"max_fraction": fraction}, "risk[0]")
