from strategy_runs import orders, run

from hookline.testing import bars
from hookline_strategies.buy_and_hold import BuyAndHold


def test_it_buys_once_at_the_second_open_and_keeps():
    assert orders(run(BuyAndHold(), bars("100 100 90 200"))) == ["1 buy 100 market -> 100 at 1"]


def test_after_an_opening_above_the_close_it_keeps_what_the_cash_bought():
    result = run(BuyAndHold(), bars("100 125/130/120/128 90 200"))
    assert orders(result) == ["1 buy 100 market -> 125 at 1 canceled"]
    assert result.record.fills[0].quantity == 80


def test_a_weight_leaves_the_rest_in_cash():
    result = run(BuyAndHold(weight=0.25), bars("100 100 110"))
    assert orders(result) == ["1 buy 25 market -> 100 at 1"]
    assert result.metrics.final_equity == 10_250.0


def test_it_leaves_room_for_the_fee():
    result = run(BuyAndHold(), bars("100 100 110"), taker_fee_bps=100)
    fill = result.record.fills[0]
    assert fill.quantity == 99.009
    assert fill.quantity * 100 + fill.fee <= 10_000
