"""The scripted strategy that ships for tests."""

import doctest

import pytest
from venue_runs import PERP

import hookline as hl
from hookline.testing import Scripted, amend, bars, buy, cancel, scripted, sell


def test_its_example_runs():
    found = doctest.testmod(scripted)

    assert found.attempted > 0
    assert found.failed == 0


def test_acts_follow_their_bars_and_several_acts_their_order():
    script = Scripted(
        {0: buy(1), 1: [sell(1, limit=20, label="exit"), amend("exit", limit=30), cancel("exit")]}
    )
    result = hl.backtest(script, bars("10 10 10"), instruments=[PERP])

    assert [order.status for order in result.record.orders] == ["filled", "canceled"]
    assert script.orders[0].side is hl.Side.BUY
    assert script.orders["exit"].limit_price == 30.0


def test_bars_are_counted_for_each_instrument():
    seen = []

    def note(script, ctx):
        seen.append((script.symbol, ctx.now.hour))

    script = Scripted({1: note, ("B", 0): note, ("B", 1): note, ("A", 0): note})
    hl.backtest(script, {"A": bars("1 . 2", "A"), "B": bars("1 2", "B")})

    assert seen == [("A", 1), ("B", 1), ("B", 2), ("A", 3)]


def test_an_order_can_name_another_instrument_and_an_order_to_cancel():
    script = Scripted(
        {("A", 0): [buy(1, symbol="B", limit=1, label="one"), buy(1, symbol="B", limit=2, oco="one")]}
    )
    hl.backtest(script, {"A": bars("1 2", "A"), "B": bars("5 5", "B")})

    assert script.orders["one"].symbol == "B"
    assert script.orders[1].oco_group == script.orders["one"].client_order_id


def test_an_unknown_label_is_an_error_of_the_script():
    with pytest.raises(hl.StrategyError, match="KeyError: 'exit'"):
        hl.backtest(Scripted({0: cancel("exit")}), bars("1 2"))


def test_a_script_can_be_run_again():
    script = Scripted({0: buy(1)})
    for _ in range(2):
        result = hl.backtest(script, bars("10 11"), instruments=[PERP])
        assert len(result.record.fills) == len(script.orders) == 1
