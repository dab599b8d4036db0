"""Brackets, one-cancels-other, times, liquidations, fees in coins, funding: what follows from what the venue does."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hand_lmex import PERP, SECOND, SPOT, C, Desk
from test_lmex_orders import resting

from hookline.clock import from_ns
from hookline.model import OrderStatus
from hookline_lmex.broker_news import FillNews, FundingNews, OrderNews, Source

S = OrderStatus


def bracket(desk):
    entry = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0, stop_loss=80.0, take_profit=120.0)
    desk.arrive()
    desk.tell_all()
    return entry, *entry.children


def test_children_are_sent_when_their_entry_fills_as_large_as_what_has_filled():
    desk = Desk()
    entry, stop, target = bracket(desk)
    assert desk.sent() == ["create"]
    desk.venue.fill(desk.at_venue(entry), 2)
    desk.tell_all()
    desk.run()
    desk.tell_all()
    assert [desk.at_venue(one).size for one in (stop, target)] == [2, 2]
    assert stop.status is target.status is S.ACCEPTED
    desk.venue.fill(desk.at_venue(entry))
    desk.tell_all()
    desk.run()
    desk.tell_all()
    assert [desk.at_venue(one).size for one in (stop, target)] == [5, 5]
    desk.agree()


def test_the_other_of_a_pair_is_canceled_by_any_fill():
    desk = Desk()
    entry, stop, target = bracket(desk)
    desk.venue.fill(desk.at_venue(entry))
    desk.tell_all()
    desk.run()
    desk.tell_all()
    desk.venue.fill(desk.at_venue(target))
    desk.tell_all()
    desk.run()
    desk.tell_all()
    assert (target.status, stop.status) == (S.FILLED, S.CANCELED)
    assert stop.reason == f"one cancels other: {target.client_order_id}"
    assert desk.ctx.position("BTC-PERP").is_flat
    desk.agree()


def test_both_of_a_pair_that_fill_at_once_do_not_turn_the_position():
    desk = Desk()
    entry, stop, target = bracket(desk)
    desk.venue.fill(desk.at_venue(entry))
    desk.tell_all()
    desk.run()
    desk.tell_all()
    desk.venue.fill(desk.at_venue(target), 3)
    desk.venue.fill(desk.at_venue(stop), price=80)
    desk.tell_all()
    desk.settle(5.0, sweep=True)
    assert desk.ctx.position("BTC-PERP").is_flat
    desk.agree()


def test_an_entry_that_ends_without_a_fill_takes_its_children_along():
    desk = Desk()
    entry, stop, target = bracket(desk)
    desk.ctx.cancel(entry)
    desk.arrive()
    desk.tell_all()
    assert entry.status is stop.status is target.status is S.CANCELED
    assert desk.sent() == ["create", "cancel"]


def test_what_protects_a_position_that_is_closed_is_canceled():
    desk = Desk()
    desk.ctx.buy("BTC-PERP", 0.005)
    desk.arrive()
    desk.tell_all()
    stop = desk.ctx.sell("BTC-PERP", 0.005, trigger=80.0, reduce_only=True)
    desk.arrive()
    desk.tell_all()
    desk.ctx.close("BTC-PERP")
    desk.arrive()
    desk.tell_all()
    desk.run()
    desk.tell_all()
    assert (stop.status, stop.reason) == (S.CANCELED, "reduce-only: position closed")
    desk.agree()


def test_an_order_with_an_end_is_canceled_from_here_and_expires():
    desk = Desk()
    end = desk.clock.now + 60 * SECOND
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0, expire=from_ns(end))
    desk.arrive()
    desk.tell_all()
    assert order.status is S.ACCEPTED
    desk.venue.now = end
    from hookline_lmex.broker_steps import expired

    (track,) = expired(desk.broker._book)
    desk.broker._tracker.cancel(track.order, "its time is up", S.EXPIRED)
    desk.link.sender.cancel_again()
    desk.run()
    desk.tell_all()
    assert order.status is S.EXPIRED
    desk.agree()


def test_spot_refuses_pairs_before_anything_is_sent():
    desk = Desk(SPOT)
    entry = desk.ctx.buy("BTC-USDT", 0.005, limit=90.0, stop_loss=80.0, take_profit=120.0)
    desk.arrive()
    assert entry.status is S.REJECTED
    assert "on spot the venue cannot hold a stop and a target" in entry.reason
    assert [child.status for child in entry.children] == [S.CANCELED, S.CANCELED]
    assert not desk.venue.received


# -- what the venue does by itself ---------------------------------------------------------------------------------------


def news(desk, code, order_id="venues-own"):
    return OrderNews("BTC-PERP", order_id, "", code, desk.venue.now, Source.NOTICE, filled=Decimal(5))


def execution(desk, lots=5, price="70", trade_id="t-own", order_id="venues-own", side=-1, **changes):
    from hookline.model import Side

    one = FillNews(
        "BTC-PERP", trade_id, order_id, "", Side(side), Decimal(price), Decimal(lots), Decimal("0.01"), "USDT",
        is_maker=False, time=desk.venue.now,
    )  # fmt: skip
    return replace(one, **changes)


@pytest.mark.parametrize("first", ["fill", "state"])
def test_a_liquidation_is_adopted_in_either_order_of_its_messages(first):
    desk = Desk()
    desk.ctx.buy("BTC-PERP", 0.005)
    desk.arrive()
    desk.tell_all()
    told = [execution(desk), news(desk, C.FROM_LIQUIDATION)]
    for one in told if first == "fill" else reversed(told):
        desk.broker._put(one)
        desk.broker._put(one)
    desk.hear()
    assert desk.ctx.position("BTC-PERP").is_flat
    assert desk.kernel.orders[-1].tag == "liquidation"
    assert [fill.price for fill in desk.kernel.fills] == [100.0, 70.0]


def test_what_somebody_else_did_is_left_to_reconciliation():
    desk = Desk()
    desk.ctx.buy("BTC-PERP", 0.005)
    desk.arrive()
    desk.tell_all()
    desk.broker._put(execution(desk))
    desk.broker._put(news(desk, C.FILLED))
    desk.hear()
    assert desk.ctx.position("BTC-PERP").lots == 5


def spot_buy(desk, lots, fee, trade_id):
    order = desk.ctx.buy("BTC-USDT", 0.001 * lots, limit=90.0)
    desk.arrive()
    desk.venue.wire.clear()
    one = execution(
        desk, lots, "90", trade_id, desk.at_venue(order).id, 1, symbol="BTC-USDT", fee=Decimal(fee), fee_currency="BTC",
        size=Decimal("0.001") * lots, client_order_id=desk.at_venue(order).new.client_order_id,
    )  # fmt: skip
    desk.broker._put(one)
    desk.hear()
    return order


def test_fees_in_coins_leave_no_more_lots_than_the_venue_holds():
    desk = Desk(SPOT)
    held = Decimal(0)
    for count in range(1, 8):
        spot_buy(desk, 3, "0.0003", f"t{count}")
        held += Decimal("0.003") - Decimal("0.0003")
        lots = desk.ctx.position("BTC-USDT").lots
        assert lots * SPOT.lot_size <= held < (lots + 1) * SPOT.lot_size
    gone = [order for order in desk.kernel.orders if order.tag == "fee in BTC"]
    assert sum(order.filled_lots for order in gone) == 3
    # Of the value, exactly the fees are gone.
    value = desk.ctx.cash + desk.ctx.position("BTC-USDT").quantity * 90.0
    assert value == pytest.approx(10_000 - 7 * 0.0003 * 90.0)


def test_what_was_sold_ahead_for_fees_survives_a_restart():
    desk = Desk(SPOT)
    spot_buy(desk, 3, "0.0003", "t1")
    desk.restart()
    spot_buy(desk, 3, "0.0003", "t2")
    assert desk.ctx.position("BTC-USDT").lots == 5


def test_a_fee_in_a_strange_currency_is_reckoned_from_the_rates():
    desk = Desk()
    desk.broker._rates.learn("BTC-PERP", 0.0002, 0.0006)
    order = resting(desk)
    id_ = desk.at_venue(order).id
    desk.broker._put(execution(desk, 5, "90", "t1", id_, 1, fee=Decimal(3), fee_currency="LMX"))
    desk.hear()
    assert desk.kernel.fills[-1].fee == pytest.approx(0.005 * 90 * 0.0006)
    assert any("paid in LMX" in text for text in desk.kernel.warnings)


def test_funding_is_booked_once_even_over_a_restart():
    desk = Desk()
    desk.ctx.buy("BTC-PERP", 0.005)
    desk.arrive()
    desk.tell_all()
    desk.broker._put(FundingNews("BTC-PERP", desk.venue.now, 0.0001, -0.05, "key"))
    desk.hear()
    assert desk.kernel.ledgers["desk"].funding == pytest.approx(-0.05)
    desk.restart()
    assert "key" in desk.broker._funding.booked


def test_liquidation_prices_are_those_that_the_venue_says():
    desk = Desk()
    position = desk.ctx.position("BTC-PERP")
    desk.broker.learn_liquidation("BTC-PERP", 42.0)
    assert desk.broker.liquidation_price(position) != desk.broker.liquidation_price(position)
    desk.ctx.buy("BTC-PERP", 0.005)
    desk.arrive()
    desk.tell_all()
    assert desk.broker.liquidation_price(position) == 42.0


def test_instruments_without_a_contract_size_cannot_be_counted():
    with pytest.raises(ValueError, match="contract_size"):
        replace(PERP, contract_size=None).contracts(1)
