"""Each kind of difference between us and a venue, and what is done about it."""

import json
import math
from dataclasses import replace
from decimal import Decimal

import pytest
from reconciling_desk import Sides

import hookline as hl
from hookline.model import OrderStatus, VenueBalance
from hookline.session.reconciling import Memory, is_equal, reconcile

REJECTED, CANCELED, UNKNOWN = OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.UNKNOWN


def test_two_equal_sides_differ_in_nothing():
    sides = Sides()
    order = sides.order(5, filled=2)
    sides.show(order)
    sides.hold(2)
    assert is_equal(sides.kernel, sides.account(), sides.memory)
    assert sides.told() == []


# -- orders that the venue does not show -----------------------------------------------------------------------------------


def test_an_order_that_never_arrived_is_rejected_once_the_venue_has_not_known_it_for_the_grace_time():
    sides = Sides()
    order = sides.order(5, status="unknown")
    assert sides.told() == [("order missing", "looks again")]
    assert sides.told(wait=6) == [("order missing", "outcome unknown")]
    assert order.status is UNKNOWN
    assert sides.told(wait=6) == [("order missing", "counts as rejected")]
    assert (order.status, order.reason) == (REJECTED, "never reached the venue")
    assert sides.told() == []


def test_an_order_without_an_answer_becomes_unknown_before_it_is_judged():
    sides = Sides()
    order = sides.order(5, status="submitted")
    sides.look()
    assert order.status is OrderStatus.SUBMITTED
    sides.look(wait=1)
    assert order.status is UNKNOWN


def test_one_look_rejects_nothing_however_late_it_is():
    sides = Sides()
    order = sides.order(5, status="unknown")
    assert sides.told(wait=1000) == [("order missing", "looks again")]
    sides.show(order)
    sides.look(wait=1000)
    sides.orders.clear()
    sides.look(wait=1000)
    assert order.is_open


def test_an_acknowledged_order_that_is_gone_counts_as_canceled_not_as_rejected():
    sides = Sides()
    order = sides.order(5)
    sides.look()
    assert sides.told(wait=1) == [("order missing", "outcome unknown")]
    assert order.status is UNKNOWN
    assert sides.told(wait=10) == [("order missing", "counts as canceled")]
    assert order.status is CANCELED


def test_what_the_venue_has_shown_once_is_acknowledged_also_after_a_restart():
    sides = Sides()
    order = sides.order(5, status="unknown")
    sides.show(order)
    sides.look()
    state = json.loads(json.dumps(sides.memory.save()))
    sides.memory = Memory()
    sides.memory.restore(state)
    sides.orders.clear()
    for _ in range(3):
        sides.look(wait=6)
    assert order.status is CANCELED


def test_protection_of_an_order_that_never_arrived_ends_with_it():
    sides = Sides(grace_seconds=0.0)
    order = sides.order(5, status="unknown", stop_loss=80)
    sides.look(is_start=True)
    assert [one.status for one in (order, *order.children)] == [REJECTED, CANCELED]


@pytest.mark.parametrize("policy", ["refuse", "ignore"])
def test_a_missing_order_that_may_have_been_filled_is_left_to_a_person(policy):
    sides = Sides(foreign_positions=policy)
    order = sides.order(5, status="unknown")
    sides.hold(5)
    for _ in range(4):
        found = sides.look(wait=6)
    assert order.status is UNKNOWN
    assert sides.lots() == 0
    assert sides.memory.offsets == {}
    (refused,) = found.refusals
    assert "may have been filled: the venue's position P differs by +5 lots" in refused.text


def test_a_missing_order_that_may_have_been_filled_ends_together_with_the_adoption_of_its_position():
    sides = Sides(foreign_positions="adopt")
    order = sides.order(5, status="unknown")
    sides.hold(5, entry=91.0)
    sides.look(wait=1)
    assert sides.told(wait=9) == [("order missing", "outcome unknown"), ("position", "looks again")]
    assert sides.lots() == 0
    assert sides.told(wait=1) == [("order missing", "counts as rejected"), ("position", "adopted")]
    assert (order.status, sides.lots()) == (REJECTED, 5)
    assert sides.told() == []


def test_a_position_that_moved_at_the_last_moment_keeps_its_order_open():
    sides = Sides(foreign_positions="adopt")
    order = sides.order(5, status="unknown")
    sides.hold(3)
    sides.look()
    sides.hold(5)
    assert ("position", "looks again") in sides.told(wait=20)
    assert (order.status, sides.lots()) == (UNKNOWN, 0)
    sides.look()
    assert (order.status, sides.lots()) == (REJECTED, 5)


def test_a_difference_against_the_orders_direction_does_not_keep_it_open():
    sides = Sides()
    order = sides.order(5, status="unknown")
    sides.hold(-2)
    for _ in range(3):
        found = sides.look(wait=6)
    assert order.status is REJECTED
    assert [str(one.kind) for one in found.refusals] == ["position"]


def test_orders_that_wait_for_their_entry_and_orders_that_are_worked_are_not_expected_there():
    from hookline_algorithms.twap import Twap

    sides = Sides()
    entry = sides.order(5, stop_loss=80)
    sides.show(entry)
    parent = sides.ctx["s"].work("P", hl.Side.BUY, 0.5, Twap(duration="1h", slices=4))
    for child in sides.kernel.open_orders():
        if child.parent is parent:
            sides.kernel.order_changed(child, OrderStatus.ACCEPTED, sides.time)
            sides.show(child)
    assert parent.is_open
    assert sides.told(wait=100) == []


def test_a_worked_order_is_known_after_a_restart_that_finds_none_of_its_children():
    from hookline_algorithms.twap import Twap

    sides = Sides()
    parent = sides.ctx["s"].work("P", hl.Side.BUY, 0.5, Twap(duration="1h", slices=4))
    sides.look()
    for child in sides.kernel.open_orders():
        if child.parent is parent:
            sides.kernel.order_filled(child, child.lots, 100.0, 0.0, False, sides.time)
    sides.hold(sides.lots())
    parent.handler = None  # as it is read from the journal
    again = Memory()
    again.restore(json.loads(json.dumps(sides.memory.save())))
    sides.memory = again
    assert sides.told() == []


# -- orders that are open on both sides ------------------------------------------------------------------------------------


def test_terms_are_adopted_when_they_were_seen_twice():
    sides = Sides()
    order = sides.order(5, filled=1)
    sides.hold(1)
    sides.show(order, lots=4, limit_price=88.5)
    assert sides.told() == [("order terms", "looks again")]
    assert (order.lots, order.limit_price) == (5, 90.0)
    assert sides.told() == [("order terms", "adopted")]
    assert (order.lots, order.limit_price) == (4, 88.5)
    assert sides.told() == []


def test_terms_below_what_is_filled_are_not_adopted():
    sides = Sides()
    order = sides.order(5, filled=3)
    sides.hold(3)
    sides.show(order, lots=3)
    sides.look()
    assert sides.told() == [("order terms", "noted")]
    assert order.lots == 5


def test_a_trigger_that_trails_and_a_price_that_only_the_venue_has_are_no_differences():
    sides = Sides()
    sides.held(5)
    stop = sides.order(-5, limit=None, trail_amount=3.0)
    sides.show(stop, trigger_price=99.0, limit_price=95.0)
    sides.hold(5)
    assert sides.told() == []


def test_fills_are_never_adopted_from_an_order_but_asked_for_and_then_refused():
    sides = Sides(foreign_positions="adopt")
    order = sides.order(5)
    sides.show(order, filled_lots=2)
    sides.hold(2)
    expected = [("order fills", "asked about"), ("position", "looks again")]
    assert sides.told() == expected
    assert sides.told(wait=6) == expected
    assert sides.told(wait=6) == [("order fills", "refused"), ("position", "looks again")]
    assert (order.filled_lots, sides.lots()) == (0, 0)


def test_a_venue_that_answers_behind_our_fills_changes_nothing():
    sides = Sides()
    order = sides.order(5, filled=2)
    sides.show(order, filled_lots=1)
    sides.hold(2)
    assert sides.told() == sides.told() == [("order fills", "noted")]


def test_an_order_that_is_unknown_here_and_open_there_is_asked_about():
    sides = Sides()
    sides.show(sides.order(5, status="unknown"))
    assert sides.told() == sides.told(wait=100) == [("order status", "asked about")]


# -- orders that only the venue has ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "first", "then"),
    [("refuse", "looks again", "refused"), ("cancel", "looks again", "to be canceled"), ("ignore", "ignored", "ignored")],
)  # fmt: skip
def test_foreign_orders_follow_the_policy(policy, first, then):
    sides = Sides(foreign_orders=policy)
    sides.foreign("x1")
    assert sides.told() == [("foreign order", first)]
    found = sides.look()
    assert [str(one.action) for one in found.differences] == [then]
    assert found.cancel == (("x1",) if policy == "cancel" else ())


def test_the_start_needs_no_second_look():
    sides = Sides(foreign_orders="cancel", foreign_positions="adopt")
    sides.foreign("x1")
    sides.hold(5)
    found = sides.look(is_start=True)
    assert (found.cancel, sides.lots()) == (("x1",), 5)


def test_an_order_with_our_id_that_is_closed_here_is_judged_as_a_foreign_one_and_says_what_it_is():
    sides = Sides()
    order = sides.order(5)
    sides.kernel.order_changed(order, CANCELED, sides.time)
    sides.show(order)
    sides.foreign("x9", number=77)
    sides.look()
    closed, unheard = sides.look().refusals
    assert "order w-1 (buy 5 lots of P) is open at the venue and is closed here" in closed.text
    assert "order w-77 (sell 7 lots of P) is open at the venue and is not in the journal" in unheard.text


# -- positions -------------------------------------------------------------------------------------------------------------


def test_a_position_that_nobody_accounts_for_refuses_and_says_what_to_do():
    sides = Sides()
    sides.held(3)
    sides.hold(8)
    assert sides.told() == [("position", "looks again")]
    (refused,) = sides.look().refusals
    assert "strategies hold 3 lots, the venue holds 8 lots" in refused.text
    assert "set live.foreign_positions to adopt or ignore" in refused.text


def test_a_difference_that_was_on_its_way_is_forgotten():
    sides = Sides(foreign_positions="adopt")
    sides.hold(5)
    sides.look()
    sides.held(5)
    assert sides.told() == []
    assert [fill.lots for fill in sides.kernel.fills] == [5]


def test_a_difference_of_another_size_is_another_one():
    sides = Sides(foreign_positions="adopt")
    for lots in (5, 6, 7):
        sides.hold(lots)
        assert sides.told() == [("position", "looks again")]
    assert sides.lots() == 0


@pytest.mark.parametrize(
    ("ours", "venue", "fills"),
    [
        ((0, 0.0), (5, 91.0), [(5, 91.0)]),
        ((0, 0.0), (-5, 91.0), [(5, 91.0)]),
        ((10, 100.0), (15, 102.0), [(5, 106.0)]),  # (15 * 102 - 10 * 100) / 5
        ((-10, 100.0), (-15, 102.0), [(5, 106.0)]),
        ((10, 100.0), (4, 100.0), [(6, 97.0)]),
        ((10, 100.0), (0, 0.0), [(10, 97.0)]),
        ((10, 100.0), (-4, 95.0), [(10, 97.0), (4, 95.0)]),
    ],
)
def test_an_adopted_position_is_the_venues(ours, venue, fills):
    sides = Sides(foreign_positions="adopt")
    if ours[0]:
        sides.held(*ours)
        sides.kernel.take()
    sides.kernel.markets["P"].last = 97.0
    sides.hold(*venue)
    sides.look()
    before = sides.kernel.equity
    assert sides.told() == [("position", "adopted")]
    position = sides.kernel.ledgers["s"].positions["P"]
    assert (position.lots, position.quantity) == (venue[0], venue[0] / 1000)
    assert position.entry_price == pytest.approx(venue[1])
    assert position.pending == 0
    assert [(fill.lots, fill.price) for fill in sides.kernel.fills] == fills
    (order,) = sides.kernel.orders
    assert (order.tag, order.status) == ("reconciled", OrderStatus.FILLED)
    # Equity moves by what the missing fills have gained or lost by now; what is closed moves nothing.
    side = 1 if venue[0] > ours[0] else -1
    gained = sum(side * lots / 1000 * (97.0 - price) for lots, price in fills)
    assert sides.kernel.equity - before == pytest.approx(gained, abs=1e-9)
    assert sides.told() == []


def test_a_closed_position_is_booked_at_the_mark_where_there_is_one():
    sides = Sides(foreign_positions="adopt")
    sides.held(5)
    sides.kernel.markets["P"].mark = 98.0
    sides.look(is_start=True)
    assert sides.kernel.fills[-1].price == 98.0


def test_an_entry_price_that_cannot_be_is_not_extrapolated():
    sides = Sides(foreign_positions="adopt")
    sides.held(1000, 100.0)
    sides.hold(1001, 150.0)
    sides.look(is_start=True)
    assert sides.kernel.fills[-1].price == 150.0


def test_a_position_of_a_symbol_that_several_trade_cannot_be_adopted():
    sides = Sides("a", "b", foreign_positions="adopt")
    sides.held(3, strategy="a")
    sides.held(4, strategy="b")
    sides.hold(7)
    assert sides.told() == []
    sides.hold(9)
    sides.look()
    (refused,) = sides.look().refusals
    assert "strategies hold 7 lots, the venue holds 9 lots" in refused.text
    assert "it cannot be adopted, P is traded by a and b:" in refused.text


def test_an_ignored_difference_is_remembered_over_restarts_and_told_again_only_when_it_changes():
    sides = Sides(foreign_positions="ignore")
    sides.hold(5)
    sides.look()
    assert sides.told() == [("position", "ignored")]
    sides.held(2)
    sides.hold(7)
    sides.memory.restore(json.loads(json.dumps(sides.memory.save())))
    assert sides.told() == []
    sides.hold(2)
    sides.look()
    assert sides.told() == [("position", "ignored")]
    assert sides.memory.save()["offsets"] == {}
    assert sides.lots() == 2


def test_a_position_in_a_mode_that_the_session_does_not_trade_is_refused():
    sides = Sides(foreign_positions="adopt")
    sides.hold(5, id_="P|long")
    sides.look()
    (refused,) = sides.look().refusals
    assert "set instruments.P.position_mode to the venue's" in refused.text


def test_spot_that_went_into_fees_is_explained_and_more_is_not():
    sides = Sides()
    sides.held(1000, 100.0, symbol="S", fee=0.25)  # 0.0025 coins: 2.5 lots
    sides.hold(997, math.nan, id_="S")
    assert sides.told() == sides.told() == [("fees in base currency", "noted")]
    sides.hold(996, math.nan, id_="S")
    sides.look()
    assert [str(one.kind) for one in sides.look().refusals] == ["position"]


def test_dust_of_spot_is_no_difference_that_anybody_is_asked_about():
    sides = Sides()
    sides.held(1000, symbol="S")
    sides.hold(999, math.nan, id_="S")
    sides.look()
    assert sides.look().refusals == []


def test_spot_of_one_currency_under_two_symbols_is_one_holding():
    sides = Sides(
        foreign_positions="adopt",
        also={"T": hl.Instrument("T", lot_size=Decimal("0.001"), base="COIN", quote="EUR")},
    )
    sides.held(300, symbol="S")
    sides.held(200, symbol="T")
    for symbol in "ST":
        sides.hold(500, math.nan, id_=symbol)
    assert sides.told() == []
    for symbol in "ST":
        sides.hold(507, math.nan, id_=symbol)
    sides.look()
    (refused,) = sides.look().refusals
    assert "strategies hold 500 lots, the venue holds 507 lots" in refused.text
    assert "it cannot be adopted, S and T are one holding there:" in refused.text


def test_parts_of_a_position_that_the_venue_shows_apart_count_together():
    sides = Sides(foreign_positions="adopt")
    sides.hold(4, entry=90.0)
    sides.positions.append(replace(sides.positions[0], entry_price=105.0))
    sides.look(is_start=True)
    position = sides.kernel.ledgers["s"].positions["P"]
    assert (position.lots, position.entry_price) == (8, 97.5)  # (4 * 90 + 4 * 105) / 8


# -- money and settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("total", "told"), [("1000000", 0), ("999100", 0), ("998000", 1), (None, 1)])
def test_less_money_than_strategies_have_is_told_with_both_numbers(total, told):
    sides = Sides()
    sides.balances = [] if total is None else [VenueBalance("USDT", Decimal(total), Decimal(0))]
    found = sides.look().differences
    assert [str(one.kind) for one in found] == ["balance"] * told
    if told:
        assert "strategies have 1,000,000.00 USDT" in found[0].text
        assert found[0].level == "warning"


def test_a_perpetuals_notional_is_not_missing_from_the_balance():
    sides = Sides()
    sides.held(5_000_000, 100.0)
    sides.hold(5_000_000)
    sides.balances = [VenueBalance("USDT", Decimal(1_000_000), Decimal(0))]
    assert sides.told() == []
    sides.kernel.markets["P"].last = 110.0  # the venue counts no unrealized profit
    assert sides.told() == []
    sides.kernel.markets["P"].last = 90.0  # the venue counts the loss
    sides.balances = [VenueBalance("USDT", Decimal(950_000), Decimal(0))]
    assert sides.told() == []


def test_leverage_and_margin_mode_are_told_and_left():
    sides = Sides()
    sides.held(5)
    sides.hold(5, leverage=10.0, margin_mode="isolated")
    assert sides.told() == [("leverage", "noted"), ("margin mode", "noted")]
    sides.hold(5, leverage=3.0, margin_mode="cross")
    assert sides.told() == []


# -- hedge mode ------------------------------------------------------------------------------------------------------------


def test_the_two_sides_of_a_hedge_are_compared_and_adopted_apart():
    from hand_venue import START, HandBroker
    from hookline.clock import EventClock
    from hookline.kernel.kernel import Kernel
    from hookline.session.live_rules import ReconcilePolicy

    hedged = hl.Instrument(
        "P", hl.InstrumentKind.PERPETUAL, lot_size=Decimal("0.001"), position_mode=hl.model.PositionMode.HEDGE
    )
    kernel = Kernel(EventClock(START), HandBroker(), {"P": hedged}, {"s": 1e6})
    kernel.markets["P"].last = 100.0
    sides = Sides()
    sides.hold(5, id_="P|long", leverage=1.0)
    sides.hold(-3, id_="P|short", leverage=1.0)
    policy = ReconcilePolicy("refuse", "adopt", traders={"P": ("s",)})
    found = reconcile(kernel, sides.account(), policy, is_start=True)
    assert [(one.subject, str(one.action)) for one in found.differences] == [
        ("P|long", "adopted"),
        ("P|short", "adopted"),
    ]
    held = kernel.ledgers["s"].positions
    assert (held["P|long"].lots, held["P|short"].lots) == (5, -3)
