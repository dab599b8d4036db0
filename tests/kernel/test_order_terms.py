"""What ``ctx.submit`` refuses, what the gate denies, and what an order becomes."""

import math
from datetime import timedelta
from decimal import Decimal

import pytest

import hookline as hl
from hookline import OrderType, TimeInForce
from hookline.errors import OrderError, StrategyError
from hookline.testing import Scripted, amend, bars, buy, cancel, sell

PERP = hl.Instrument(
    "TEST",
    kind=hl.InstrumentKind.PERPETUAL,
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.1"),
    min_quantity=Decimal("0.5"),
    min_notional=Decimal(10),
)


def sent(*acts, text="10 10 10", key=0):
    """Run acts on one bar and return the script that kept the orders."""
    script = Scripted({key: list(acts)})
    hl.backtest(script, bars(text), instruments=[PERP])
    return script


def refusal(*acts):
    with pytest.raises(StrategyError) as caught:
        sent(*acts)
    assert isinstance(caught.value.__cause__, OrderError)
    return str(caught.value).partition("OrderError: ")[2]


@pytest.mark.parametrize(
    ("terms", "type_"),
    [
        ({}, OrderType.MARKET),
        ({"limit": 9}, OrderType.LIMIT),
        ({"trigger": 11}, OrderType.STOP),
        ({"trigger": 11, "limit": 12}, OrderType.STOP_LIMIT),
        ({"trail_amount": 1}, OrderType.TRAILING_STOP),
        ({"trail_fraction": 0.1}, OrderType.TRAILING_STOP),
        ({"type": OrderType.TAKE_PROFIT, "trigger": 9}, OrderType.TAKE_PROFIT),
        ({"type": "take_profit", "trigger": 9}, OrderType.TAKE_PROFIT),
        ({"type": "trailing_stop", "trail_amount": 1}, OrderType.TRAILING_STOP),
    ],
)
def test_the_type_follows_from_the_prices(terms, type_):
    assert sent(buy(1, **terms)).orders[0].type is type_


def test_time_in_force_may_be_given_as_text_and_expire_makes_an_order_gtd():
    script = sent(buy(1, limit=9, time_in_force="ioc"), buy(1, limit=9, expire=timedelta(hours=1)))

    assert script.orders[0].time_in_force is TimeInForce.IOC
    assert script.orders[1].time_in_force is TimeInForce.GTD


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"limit": math.nan}, "limit must be a finite number, was nan"),
        ({"trigger": math.inf}, "trigger must be a finite number, was inf"),
        ({"stop_loss": math.nan}, "stop_loss must be a finite number, was nan"),
        ({"take_profit": -math.inf}, "take_profit must be a finite number, was -inf"),
        ({"trail_amount": 0.0}, "a trailing stop takes one positive trail and no price"),
        ({"trail_amount": 1, "trail_fraction": 0.1}, "a trailing stop takes one positive trail and no price"),
        ({"trail_amount": 1, "limit": 9}, "a trailing stop takes one positive trail and no price"),
        ({"type": OrderType.TRAILING_STOP}, "a trailing stop takes one positive trail and no price"),
        ({"type": OrderType.LIMIT, "trail_amount": 1}, "a limit order takes no trail"),
        ({"type": OrderType.LIMIT}, "a limit order takes limit, was given none"),
        ({"type": OrderType.MARKET, "limit": 9}, "a market order takes no price, was given limit"),
        ({"type": OrderType.STOP_LIMIT, "limit": 9}, "a stop_limit order takes trigger and limit"),
        ({"type": "stopp", "trigger": 9}, "type must be one of market, limit"),
        ({"limit": 9, "time_in_force": "day"}, "time_in_force must be one of gtc, ioc, fok, gtd, was 'day'"),
        ({"post_only": True}, "post_only is for limit orders, was market"),
        ({"trail_amount": 1, "post_only": True}, "post_only is for limit orders, was trailing_stop"),
        ({"limit": 9, "post_only": True, "time_in_force": TimeInForce.IOC}, "cannot be ioc"),
        ({"limit": 9, "time_in_force": TimeInForce.GTD}, "a gtd order needs expire"),
        ({"trail_amount": 1, "time_in_force": TimeInForce.GTD}, "a gtd order needs expire"),
        ({"limit": 9, "time_in_force": "fok", "expire": timedelta(1)}, "expire goes with gtd, was fok"),
        ({"stop_loss": 9, "stop_loss_trail": 1}, "stop_loss or stop_loss_trail, not both"),
        ({"stop_loss_trail": -1}, "stop_loss_trail must be above 0, was -1"),
        ({"reduce_only": True, "stop_loss": 9}, "a reduce_only order opens nothing"),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms, message):
    assert message in refusal(buy(1, **terms))


@pytest.mark.parametrize("quantity", [math.nan, math.inf, -1.0])
def test_a_quantity_must_be_finite_and_not_negative(quantity):
    assert "quantity must be 0 or more and finite" in refusal(buy(quantity))
    assert "quantity must be 0 or more and finite" in refusal(buy(quantity, limit=9))


def test_an_unknown_symbol_is_refused_by_name():
    assert refusal(buy(1, symbol="TSET")) == "ctx.position: must be one of TEST, was 'TSET'"


def test_one_cancels_other_needs_an_open_order_of_the_same_strategy_and_instrument():
    closed = [buy(2, limit=9, label="a"), cancel("a"), buy(2, limit=8, oco="a")]

    assert "oco names scripted-1, which is canceled" in refusal(*closed)


def test_amending_needs_an_open_order_that_has_such_a_price():
    bid = buy(2, limit=9, label="a")

    assert "a limit order has no trigger price to amend" in refusal(bid, amend("a", trigger=8))
    assert "a stop order has no limit price to amend" in refusal(
        buy(1, trigger=11, label="a"), amend("a", limit=8)
    )
    assert "a market order cannot be amended" in refusal(buy(1, label="a"), amend("a", quantity=2))
    assert "cannot amend, it is canceled" in refusal(bid, cancel("a"), amend("a", limit=8))


def test_an_amendment_is_rounded_like_the_order():
    script = sent(buy(2, limit=9, label="a"), amend("a", limit=8.57, quantity=1.27))

    assert script.orders["a"].limit_price == 8.5
    assert script.orders["a"].quantity == 1.2


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (buy(0.4, limit=100), "quantity below the minimum: 0.4 of 0.5 TEST"),
        (buy(0.9), "notional below the minimum: 9.00 of 10"),
        (buy(0.9, limit=9), "notional below the minimum: 8.10 of 10"),
        (buy(0.05), "quantity below the minimum: 0 of 0.5 TEST"),
        (sell(0.05, reduce_only=True), "quantity below the minimum: 0 of 0.1 TEST"),
        (buy(2, limit=9, expire=timedelta(0)), "expires at 2024-01-01T01:00:00Z: that has passed"),
    ],
)
def test_an_order_that_cannot_be_sent_is_denied_with_the_reason(act, reason):
    order = sent(act).orders[0]

    assert (order.status, order.reason) == ("denied", reason)
    assert order.filled_lots == 0


def test_minimums_do_not_hold_back_what_reduces():
    script = Scripted({0: buy(1.2), 1: sell(0.1, reduce_only=True)})
    result = hl.backtest(script, bars("10 10 10"), instruments=[PERP])

    assert [fill.quantity for fill in result.record.fills] == [1.2, 0.1]


def test_the_same_denial_on_the_next_bar_is_counted_not_recorded():
    script = Scripted({bar: buy(0.1) for bar in range(5)})
    result = hl.backtest(script, bars("10 10 10 10 10 10"), instruments=[PERP])

    assert [order.status for order in result.record.orders] == ["denied"]
    assert result.record.warnings == [
        "scripted: further orders on TEST denied: quantity below the minimum (4 times)"
    ]


def test_what_is_sent_while_the_session_stops_is_denied():
    class Late(Scripted):
        def on_stop(self, ctx):
            self.orders["late"] = ctx.buy("TEST", 1)

    script = Late({})
    hl.backtest(script, bars("10 10"), instruments=[PERP])

    assert (script.orders["late"].status, script.orders["late"].reason) == (
        "denied",
        "the session is stopping",
    )


def test_canceling_a_closed_order_does_nothing():
    script = Scripted({0: buy(1, label="a"), 2: cancel("a")})
    hl.backtest(script, bars("10 10 10"), instruments=[PERP])

    assert script.orders["a"].status == "filled"
