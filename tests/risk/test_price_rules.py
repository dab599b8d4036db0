"""Rules that look at prices: collar, spread, depth, edge."""

import math

import pytest

import hookline as hl
from hookline.model import BookUpdate, OrderBook
from hookline_risk.liquidity_guard import LiquidityGuard
from hookline_risk.min_edge import MinEdge
from hookline_risk.price_collar import PriceCollar
from hookline_risk.spread_guard import SpreadGuard


def quoted(it, bid, ask, last=100.0):
    market = it.kernel.markets["TEST"]
    market.bid, market.ask, market.last = bid, ask, last
    return it


def booked(it, bids, asks):
    """Give the market a book of ``(price, quantity)``."""
    book = OrderBook("TEST")
    sides = [1] * len(bids) + [-1] * len(asks)
    prices, quantities = zip(*bids, *asks, strict=True)
    book.apply(BookUpdate("TEST", 1, 1, True, sides, list(prices), list(quantities)))
    it.kernel.markets["TEST"].book = book
    return quoted(it, book.best_bid, book.best_ask)


# -- collar --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"limit": 90}, ""),
        ({"limit": 110}, ""),
        ({"limit": 89.99}, "limit price 89.99 is 1001 bps from 100, at most 1000 bps"),
        ({"limit": 1000}, "limit price 1000 is 90000 bps from 100, at most 1000 bps"),
        ({"trigger": 111}, "trigger price 111 is 1100 bps from 100, at most 1000 bps"),
        ({"trigger": 105, "limit": 112}, "limit price 112 is 1200 bps from 100, at most 1000 bps"),
        ({"trail_fraction": 0.5}, ""),
        ({}, ""),
    ],
)
def test_a_price_far_from_the_last_is_denied(stage, terms, reason):
    order = stage(PriceCollar()).buy(1, **terms)
    assert order.reason == (f"price_collar: {reason}" if reason else "")


def test_the_mid_is_what_counts_where_it_is_known(stage):
    it = quoted(stage(PriceCollar(100)), 104, 106)
    assert it.buy(1, limit=104).is_open
    assert (
        it.buy(1, limit=103.9).reason
        == "price_collar: limit price 103.9 is 105 bps from 105, at most 100 bps"
    )


def test_a_collar_of_one_side_lets_orders_wait_far_away(stage):
    it = stage(PriceCollar(100, both_sides=False))
    assert it.buy(1, limit=10).is_open
    assert it.sell(1, limit=500).is_open
    assert it.buy(1, limit=102).reason
    assert it.sell(1, limit=98).reason
    assert it.sell(1, trigger=98).reason


def test_a_market_order_is_denied_while_the_market_has_moved_away(stage):
    it = quoted(stage(PriceCollar(100)), 100.5, 102)
    assert it.buy(1).reason == "price_collar: market price 102 is 200 bps from 100, at most 100 bps"
    assert it.sell(1).is_open


def test_a_market_order_is_denied_while_the_spread_is_wide(stage):
    it = quoted(stage(PriceCollar(max_spread_bps=50)), 99.5, 100.5)
    assert it.buy(1).reason == "price_collar: spread is 100.0 bps, at most 50"
    assert quoted(it, 99.9, 100.1).buy(1).is_open


def test_nothing_passes_before_the_first_price(stage):
    it = quoted(stage(PriceCollar()), math.nan, math.nan, math.nan)
    assert it.buy(1, limit=100).reason == it.buy(1).reason == "price_collar: no price is known yet"


def test_the_distance_may_be_in_average_true_ranges(stage):
    it = stage(PriceCollar(max_bps=None, max_atr=3, atr_period=3))
    it.show("100")
    assert it.buy(1, limit=50).is_open, "nothing is known of the range yet"
    it.show("102 98 100 100")
    # Ranges of bars over: 0, 2, 4, 2; mean of three 2, then (2 * 2 + 2) / 3 = 2.
    assert it.buy(1, limit=94).is_open
    far = it.buy(1, limit=93)
    assert far.reason == "price_collar: limit price 93 is 3.5 average true ranges from 100, at most 3"


def test_a_market_without_a_range_measures_nothing(stage):
    it = stage(PriceCollar(max_bps=None, max_atr=3, atr_period=2))
    it.show("100 100 100 100 100")
    assert it.buy(1, limit=50).is_open


def test_a_price_of_zero_can_be_looked_at(stage):
    it = quoted(stage(PriceCollar(), MinEdge(times=1)), math.nan, math.nan, 0.0)
    assert it.buy(1, limit=1).reason == "price_collar: limit price 1 is 1 from 0, at most 1000 bps"
    assert it.buy(1, take_profit=5).reason == ""


def test_ranges_survive_a_restart(stage):
    it, again = (stage(PriceCollar(max_bps=None, max_atr=3, atr_period=3)) for _ in range(2))
    it.show("100 102 98 100 100")
    again.gate.restore(it.gate.save())
    assert again.buy(1, limit=90).reason == it.buy(1, limit=90).reason != ""


# -- spread --------------------------------------------------------------------------------------------------------------


def test_a_wide_spread_denies_market_orders_only(stage):
    it = quoted(stage(SpreadGuard(20)), 99.8, 100.2)
    assert it.buy(1).reason == "spread_guard: spread is 40.0 bps, at most 20"
    assert it.buy(1, limit=99).is_open
    assert quoted(it, 99.9, 100.1).buy(1).is_open


def test_crossed_quotes_are_no_spread(stage):
    assert quoted(stage(SpreadGuard()), 100.1, 100.0).buy(1).reason.startswith("spread_guard: spread is -")


def test_a_book_that_cannot_be_used_denies_market_orders(stage):
    it = booked(stage(SpreadGuard(), LiquidityGuard()), [(99.99, 50)], [(100.01, 50)])
    assert it.buy(1).is_open
    it.kernel.markets["TEST"].book.is_stale = True
    assert it.buy(1).reason == "spread_guard: the book is stale, crossed or one-sided"


@pytest.mark.parametrize("rule", [SpreadGuard, LiquidityGuard])
@pytest.mark.parametrize(("unknown", "decided"), [("pass", []), ("warn", ["warn"]), ("deny", ["deny"])])
def test_what_is_not_known_passes_warns_once_or_denies(stage, rule, unknown, decided):
    it = stage(rule(unknown=unknown))
    orders = [it.buy(1), it.buy(1)]
    assert [order.is_open for order in orders] == [unknown != "deny"] * 2
    assert [one.verdict for one in it.gate.decisions] == decided


# -- depth ---------------------------------------------------------------------------------------------------------------

DEEP = [(99.99, 3), (99.95, 3), (99, 100)], [(100.01, 2), (100.05, 2), (101, 100)]


def test_depth_near_the_mid_must_be_a_multiple_of_the_order(stage):
    it = booked(stage(LiquidityGuard(10, 2)), *DEEP)
    assert it.buy(2).is_open
    assert it.buy(2.5).reason == "liquidity_guard: 4 within 10 bps of the mid, at least 2 times 2.5"
    it = booked(stage(LiquidityGuard(10, 2)), *DEEP)
    assert it.sell(3).is_open
    assert it.buy(9, limit=100.01).is_open


def test_an_order_is_shrunk_to_the_depth(stage):
    it = booked(stage(LiquidityGuard(10, 2, shrink=True)), *DEEP)
    assert [it.buy(9).quantity, it.sell(9).quantity] == [2, 3]


def test_an_empty_side_denies(stage):
    it = booked(stage(LiquidityGuard()), [(99.99, 3)], [(100.01, 0.0)])
    assert it.buy(1).reason == "liquidity_guard: the book is stale, crossed or one-sided"


# -- edge ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "target", "reason"),
    [
        (MinEdge(), 100.2, ""),
        (MinEdge(), 100.19, "target is 19.0 bps away, at least 20.0 for 2 times the costs"),
        (MinEdge(3, slippage_bps=1), 100.3, "target is 30.0 bps away, at least 36.0 for 3 times the costs"),
        (MinEdge(3, slippage_bps=1), 100.36, ""),
    ],
)
def test_a_target_must_be_worth_its_costs(stage, rule, target, reason):
    order = stage(rule, fee_bps=5).buy(1, take_profit=target, stop_loss=90)
    assert order.reason == (f"min_edge: {reason}" if reason else "")


def test_the_move_is_measured_from_the_price_of_the_entry(stage):
    it = stage(MinEdge(), fee_bps=5)
    assert it.sell(1, limit=101, take_profit=100.9).reason
    assert it.sell(1, limit=101, take_profit=100.7).is_open


def test_an_entry_without_a_target_passes_or_not(stage):
    assert stage(MinEdge()).buy(1).is_open
    order = stage(MinEdge(without_target="deny")).buy(1)
    assert (order.status, order.reason) == (
        hl.OrderStatus.DENIED,
        "min_edge: no target to compare with the fees",
    )


def test_amending_an_entry_is_no_new_edge(stage):
    it = stage(MinEdge(without_target="deny"), fee_bps=5)
    order = it.buy(1, limit=95, take_profit=110)
    it.ctx.amend(order, limit=96)
    it.show("100")
    assert order.limit_price == 96
