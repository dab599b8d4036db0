"""Rules that limit how much: positions, orders, trades, leverage, budgets."""

import pytest

from hookline.model import PositionMode
from hookline_risk.max_leverage import MaxLeverage
from hookline_risk.max_order_notional import MaxOrderNotional
from hookline_risk.max_order_rate import MaxOrderRate
from hookline_risk.max_position import MaxPosition
from hookline_risk.max_position_notional import MaxPositionNotional
from hookline_risk.max_trades import MaxTrades
from hookline_risk.strategy_budget import StrategyBudget

# -- what one order or position may be -----------------------------------------------------------------------------------


def test_an_order_is_shrunk_to_its_notional(stage):
    it = stage(MaxOrderNotional(500, shrink=True))
    assert [it.buy(8).quantity, it.buy(8, limit=80).quantity, it.buy(2).quantity] == [5, 6.25, 2]
    assert it.gate.decisions[0].reason == "order worth 800.00, at most 500.00; 8 became 5"


def test_a_position_is_shrunk_to_its_notional_with_what_is_on_its_way(stage):
    it = stage(MaxPositionNotional(500, shrink=True))
    assert [it.buy(3).quantity, it.buy(3).quantity] == [3, 2]
    assert it.buy(3).reason.startswith(
        "max_position_notional: position could be worth 800.00, at most 500.00; 0"
    )
    assert it.sell(9).quantity == 5


def test_a_position_has_a_largest_quantity(stage):
    it = stage(MaxPosition(5))
    it.buy(3, limit=90)
    assert it.buy(2.5).reason == "max_position: position could be 5.5, at most 5"
    assert it.buy(2).is_open


def test_a_position_is_shrunk_to_its_largest_quantity(stage):
    it = stage(MaxPosition(5, shrink=True))
    it.buy(3)
    it.show("100")
    assert it.buy(9).quantity == 2
    it.show("100")
    assert it.sell(99).quantity == 10, "five to close and five the other way"


def test_a_largest_quantity_may_be_of_some_instruments_only(stage):
    it = stage(MaxPosition(5, symbols=["TEST"]), symbols=("TEST", "OTHER"))
    assert it.buy(6).reason
    assert it.buy(6, "OTHER").is_open


# -- how many ------------------------------------------------------------------------------------------------------------

FOUR = ("A", "B", "C", "D")


def test_only_so_many_positions_are_open_at_once(stage):
    it = stage(MaxTrades(), symbols=FOUR)
    it.buy(1, "A")
    it.show("100 100", "A")
    it.sell(1, "B")
    it.buy(1, "C", limit=50)
    assert it.buy(1, "D").reason == "max_trades: 3 positions open or about to be, at most 3"
    assert it.buy(1, "A").is_open, "adding to a position opens none"
    assert it.buy(1, "C", limit=40).is_open


def test_a_position_that_is_closed_makes_room(stage):
    it = stage(MaxTrades(1), symbols=FOUR)
    it.buy(1, "A")
    it.show("100", "A")
    assert it.buy(1, "B").reason
    it.ctx.close("A")
    it.show("100", "A")
    assert it.buy(1, "B").is_open


def test_positions_are_counted_for_all_strategies_or_for_each(stage):
    for scope, passes in (("account", False), ("strategy", True)):
        it = stage(MaxTrades(1, scope=scope), strategies={"one": 500.0, "two": 500.0})
        it.buy(1)
        assert it.desks["two"].buy("TEST", 1).is_open is passes


def test_only_so_many_positions_are_opened_in_a_day(stage):
    it = stage(MaxTrades(9, per_day=2))
    for _ in range(2):
        it.buy(1)
        it.show("100")
        it.ctx.close("TEST")
        it.show("100")
    assert it.buy(1).reason == "max_trades: 2 positions opened today, at most 2"
    it.wait(20)
    assert it.buy(1).is_open


def test_turning_a_position_opens_one(stage):
    it = stage(MaxTrades(1, per_day=2))
    it.buy(1)
    it.show("100")
    it.sell(2)
    it.show("100")
    assert it.buy(2).reason == "max_trades: 2 positions opened today, at most 2"


def test_positions_that_are_about_to_open_count_for_the_day(stage):
    it = stage(MaxTrades(9, per_day=1), symbols=FOUR)
    it.buy(1, "A", limit=90)
    assert it.buy(1, "A", limit=80).is_open
    assert it.buy(1, "B").reason == "max_trades: 1 positions opened today, at most 1"


def test_what_was_opened_today_survives_a_restart(stage):
    it = stage(MaxTrades(9, per_day=1))
    it.buy(1)
    it.show("100")
    it.ctx.close("TEST")
    it.show("100")
    again = stage(MaxTrades(9, per_day=1))
    again.gate.restore(it.gate.save())
    again.wait(1)
    assert again.buy(1).reason == "max_trades: 1 positions opened today, at most 1"


def test_only_so_many_orders_are_sent_in_a_window(stage):
    it = stage(MaxOrderRate(2, window_seconds=3600))
    assert [it.buy(1, limit=90).reason for _ in range(3)] == [
        "",
        "",
        "max_order_rate: 2 orders in 3600 seconds, at most 2",
    ]
    it.wait(0.5)
    assert it.buy(1, limit=90).reason
    it.wait(0.5)
    assert it.buy(1, limit=90).is_open


def test_amendments_count_as_orders_and_reducing_orders_do_not(stage):
    it = stage(MaxOrderRate(3, window_seconds=36_000))
    order = it.buy(1, limit=90)
    it.ctx.amend(order, limit=91)
    it.buy(1)
    it.show("100 100")
    assert it.sell(1).is_open
    it.ctx.amend(order, limit=92)
    assert it.kernel.updates[-1].reason == "not amended: max_order_rate: 3 orders in 36000 seconds, at most 3"


def test_orders_are_counted_for_each_strategy_or_for_all(stage):
    for scope, passes in (("account", False), ("strategy", True)):
        it = stage(MaxOrderRate(1, scope=scope), strategies={"one": 500.0, "two": 500.0})
        it.buy(1)
        assert it.desks["two"].buy("TEST", 1).is_open is passes


def test_the_window_survives_a_restart(stage):
    it, again = (stage(MaxOrderRate(1, window_seconds=3600)) for _ in range(2))
    it.buy(1)
    again.gate.restore(it.gate.save())
    assert again.buy(1).reason


# -- leverage ------------------------------------------------------------------------------------------------------------


def test_leverage_is_warned_of_and_then_denied(stage):
    it = stage(MaxLeverage())
    assert it.buy(50, limit=100).is_open
    assert not it.gate.decisions
    assert it.buy(1, limit=100).is_open
    assert it.gate.decisions[0].reason == "leverage could be 5.10, above 5"
    assert it.buy(50, limit=100).reason == "max_leverage: leverage could be 10.10, at most 10"


def test_leverage_counts_every_instrument_and_the_worst_side(stage):
    it = stage(MaxLeverage(2, warn_above=None), symbols=FOUR)
    it.buy(5, "A")
    it.show("100", "A")
    it.sell(5, "B", limit=101)
    it.buy(3, "C", limit=99)
    it.sell(4, "C", limit=101)
    assert it.buy(7, "D").reason == "max_leverage: leverage could be 2.10, at most 2"
    assert it.buy(1, "C", limit=99).is_open, "the four that would be sold are worse"


def test_an_order_is_not_blamed_for_the_worth_of_the_other_side(stage):
    it = stage(MaxLeverage(1.6, warn_above=None, shrink=True))
    it.sell(14)
    assert it.buy(1, limit=130).quantity == 1
    it.kernel.ledgers["one"].wallets[0].cash -= 300
    assert it.buy(1).reason.startswith("max_leverage: leverage could be 2.00, at most 1.6; 0 would be left")


def test_turning_is_leverage_of_what_is_left(stage):
    it = stage(MaxLeverage(2))
    it.buy(20)
    it.show("100")
    assert it.sell(40).is_open
    assert it.sell(1).reason


@pytest.mark.parametrize(("held", "sent"), [(0, 20.0), (5, 15.0), (-5, 25.0)])
def test_an_order_is_shrunk_to_the_leverage(stage, held, sent):
    it = stage(MaxLeverage(2, warn_above=None, shrink=True))
    if held:
        it.ctx.target("TEST", held)
        it.show("100")
    assert it.buy(99).quantity == sent


def test_leverage_may_be_that_of_all_strategies(stage):
    it = stage(MaxLeverage(2, scope="account"), strategies={"one": 500.0, "two": 500.0})
    it.buy(15)
    assert it.desks["two"].buy("TEST", 5.1).reason == "max_leverage: leverage could be 2.01, at most 2"
    assert it.desks["two"].buy("TEST", 5).is_open


def test_without_equity_there_is_no_leverage(stage):
    it = stage(MaxLeverage())
    it.kernel.ledgers["one"].wallets[0].cash = -1.0
    assert it.buy(1).reason == "max_leverage: leverage needs equity, there is -1.00"


# -- budgets -------------------------------------------------------------------------------------------------------------


def test_a_strategy_holds_no_more_than_its_budget(stage):
    it = stage(StrategyBudget(max_notional=500))
    it.buy(3)
    assert it.buy(3).reason == "strategy_budget: one could hold 600.00, at most 500.00"
    assert it.buy(2).is_open


def test_a_budget_may_be_a_share_of_the_account(stage):
    it = stage(StrategyBudget(["one"], max_fraction=0.5), strategies={"one": 500.0, "two": 1500.0})
    assert it.buy(11).reason == "strategy_budget: one could hold 1100.00, at most 1000.00"
    assert it.buy(10).is_open
    assert it.desks["two"].buy("TEST", 15).is_open, "held to no budget"


def test_an_order_is_shrunk_to_the_budget(stage):
    it = stage(StrategyBudget(max_notional=500, shrink=True), symbols=("TEST", "OTHER"))
    it.buy(3, "OTHER")
    assert it.buy(9).quantity == 2


def test_a_strategy_that_has_lost_its_budget_opens_nothing_more(stage):
    it = stage(StrategyBudget(max_loss=50), strategies={"one": 1000.0, "two": 1000.0})
    it.buy(5)
    it.show("100 91")
    assert it.buy(1).is_open
    it.show("90 90")
    assert it.buy(1).reason == "strategy_budget: one has lost 50.00, at most 50.00"
    assert it.sell(1).is_open
    assert it.desks["two"].buy("TEST", 1).is_open


def test_a_budget_needs_a_limit():
    with pytest.raises(ValueError, match="one of max_notional, max_loss and max_fraction must be given"):
        StrategyBudget()


# -- hedge mode ----------------------------------------------------------------------------------------------------------


def test_long_and_short_side_by_side_are_two_positions(stage):
    it = stage(
        MaxPosition(5, shrink=True), MaxLeverage(0.8, warn_above=None), position_mode=PositionMode.HEDGE
    )
    assert it.buy(9, position="long").quantity == 5
    it.show("100")
    assert it.sell(9, position="short").reason == "max_leverage: leverage could be 1.00, at most 0.8"
    assert it.sell(3, position="short").is_open
    it.show("100")
    assert it.sell(5, position="long").is_open
    assert it.buy(3, position="short").is_open
    it.show("100")
    assert all(position.is_flat for position in it.kernel.ledgers["one"].positions.values())
