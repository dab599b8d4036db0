"""What the venue remembers of amendments."""

from decimal import Decimal

from machine_worlds import START, Setting, World

import hookline as hl

PERP = hl.Instrument("TEST", hl.InstrumentKind.PERPETUAL, tick_size=Decimal(1), lot_size=Decimal(1))
HOUR = 3600 * 10**9


def world(*prices):
    """A world that has seen flat bars at these prices."""
    made = World(Setting({"TEST": PERP}, {}, {"a": 1000.0}))
    for number, price in enumerate(prices):
        see(made, number, price)
    return made


def see(made, number, price):
    end = START + (number + 1) * HOUR
    made.bars([hl.Bar("TEST", end - HOUR, end, price, price, price, price, 1.0)])
    made.news()


def repriced(made):
    return made.state()["broker"]["bars"]["repriced"]


def test_another_price_is_remembered_until_the_order_meets_the_market_or_is_closed():
    made = world(10)
    made.submit("a", "TEST", hl.Side.BUY, 1, {"limit": 5.0})
    see(made, 1, 10)
    made.amend(1, 1, 6.0)
    assert repriced(made) == [1]

    made.cancel(1)

    assert made.orders[1].is_closed
    assert made.kernel.broker._bars._repriced == set()


def test_another_price_of_an_order_that_has_not_met_the_market_is_nothing_to_remember():
    made = world(10)
    made.submit("a", "TEST", hl.Side.BUY, 1, {"limit": 9.0, "stop_loss": 5.0, "take_profit": 20.0})
    made.news()

    made.amend(1, 1, 8.0)
    made.amend(3, 1, 21.0)

    assert repriced(made) == []
    assert (made.orders[1].limit_price, made.orders[3].limit_price) == (8.0, 21.0)
