"""Whatever happens on both sides of a bad network, looking at the venue makes them equal, and no fill counts twice."""

import asyncio
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from reconciling_live import SECOND, Live
from wire_venue import WireBroker

import hookline as hl
from hookline.model import OrderStatus

OURS = ["buy", "sell", "take", "protect", "cancel", "amend", "fill", "move", "wait", "look", "restart"]
NETWORK = ["lose_request", "lose_answer", "refuse", "mute", "away", "back"]
THEIRS = ["trade", "close", "turn", "place", "change", "end", "forget"]


def steps(*kinds):
    return st.lists(
        st.tuples(st.sampled_from([one for kind in kinds for one in kind]), st.integers(0, 11)), max_size=30
    )


class History:
    """Plays what happens: ``number`` chooses among what there is."""

    def __init__(self):
        self.live = Live(foreign_orders="cancel", foreign_positions="adopt", unknown_grace_seconds=10.0)
        self.price = 100.0

    @property
    def venue(self):
        return self.live.venue

    def mine(self, number):
        """One of the orders that we have open, None without any."""
        orders = self.live.kernel.open_orders()
        return orders[number % len(orders)] if orders else None

    def there(self, number):
        """One of the orders that are open at the venue, None without any."""
        orders = [one for one in self.venue.orders.values() if one.is_open]
        return orders[number % len(orders)] if orders else None

    async def play(self, what, number):
        live, venue = self.live, self.venue
        lots, mine, there = number % 4 + 1, self.mine(number), self.there(number)
        if what in ("buy", "sell"):
            side, away = (live.ctx.buy, -1) if what == "buy" else (live.ctx.sell, 1)
            side("P", lots / 1000, limit=self.price + away * (number % 3))
        elif what == "take":
            (live.ctx.buy if number % 2 else live.ctx.sell)("P", lots / 1000)
        elif what == "protect":
            live.ctx.buy("P", lots / 1000, stop_loss=self.price - 2, take_profit=self.price + 3)
        elif what == "cancel" and mine is not None:
            live.ctx.cancel(mine)
        elif what == "amend" and mine is not None and mine.limit_price is not None:
            live.ctx.amend(mine, limit=mine.limit_price + number % 3 - 1)
        elif what == "fill" and there is not None:
            venue.fill(there, number % 3 + 1, self.price)
        elif what == "move":
            self.price += number % 5 - 2
            venue.move("P", self.price)
            live.kernel.markets["P"].last = self.price
        elif what in ("lose_request", "lose_answer", "refuse"):
            venue.faults.append(what)
        elif what in ("mute", "away", "back"):
            venue.is_mute, venue.is_away = what == "mute", what == "away"
        elif what == "wait":
            venue.clock.now += number * SECOND
        elif what == "restart":
            await self.restart()
        elif what == "look":
            await self.look()
        else:
            self.meddle(what, number, there)
        await live.go()

    def meddle(self, what, number, there):
        """Let somebody else use the account."""
        venue = self.venue
        held = venue.held.get("P")
        if what == "trade":
            venue.hold("P", (held.lots if held else 0) + number - 5, self.price)
        elif what == "close" and held:
            venue.hold("P", 0, 0.0)
        elif what == "turn" and held:
            venue.hold("P", -held.lots, self.price)
        elif what == "place":
            venue.place(
                "P", hl.Side.SELL, number + 1, self.price + 50, client_id="" if number % 2 else "w1-999"
            )
        elif what == "change" and there is not None and there.limit_price is not None:
            there.lots, there.limit_price = there.lots + number, there.limit_price - 1.0
        elif what == "end" and there is not None:
            venue.end(there, OrderStatus.CANCELED, "by hand")
        elif what == "forget":
            venue.hidden |= {
                one.client_id for one in venue.orders.values() if not one.is_open and one.status != "held"
            }

    async def look(self):
        try:
            await self.live.reconciler._look(self.live.apply, 1.0)
        except hl.VenueError:
            assert self.venue.is_away

    async def restart(self):
        """Connect a new broker that knows what the old one has saved."""
        live = self.live
        state = json.loads(json.dumps([live.broker.save(), live.reconciler.save()]))
        await live.broker.aclose()
        live.broker = WireBroker(venue=self.venue)
        live.broker.connect(live.kernel, live.kernel.clock, self.venue.instruments, live.kernel.ledgers)
        live.broker.restore(state[0], {order.number: order for order in live.kernel.open_orders()})
        live.kernel.broker = live.reconciler._broker = live.broker
        away, self.venue.is_away = self.venue.is_away, False
        await live.broker.open(lambda: None)
        self.venue.is_away = away
        live.reconciler.restore(state[1])
        live.reconciler._memory.newer = None  # the strategy has been there all the time

    async def come_to_rest(self):
        """Let the network work again, and look until nothing waits any more."""
        venue = self.venue
        venue.is_mute = venue.is_away = False
        venue.faults.clear()
        await self.live.go()
        for _ in range(8):
            await self.look()
            venue.clock.now += 6 * SECOND
        assert self.live.kinds == []


def run(history, steps):
    async def test():
        async with asyncio.timeout(10), history.live.open():
            for what, number in steps:
                await history.play(what, number)
            await history.come_to_rest()
            await history.live.broker.aclose()

    asyncio.run(test())


def assert_equal(history):
    """Positions to the lot, open orders to their terms; no order was sent twice."""
    live, venue = history.live, history.venue
    held = venue.held.get("P")
    assert live.lots == (held.lots if held else 0)
    open_ = {
        live.broker.client_id(one): one
        for one in live.kernel.open_orders()
        if one.status is not OrderStatus.HELD
    }
    there = {one.client_id: one for one in venue.orders.values() if one.is_open}
    assert set(open_) == set(there)
    for id_, one in open_.items():
        assert (one.lots, one.filled_lots) == (there[id_].lots, there[id_].filled_lots)
        assert (one.limit_price, one.trigger_price) == (there[id_].limit_price, there[id_].trigger_price)
    created = [id_ for what, id_ in venue.received if what == "create"]
    assert len(created) == len(set(created))


@given(steps(OURS, NETWORK))
@settings(max_examples=150)
def test_nobody_else_trades_so_that_nothing_is_adopted_and_every_fill_is_booked_once(steps):
    history = History()
    run(history, steps)
    assert_equal(history)
    live, venue = history.live, history.venue
    assert {order.tag for order in live.kernel.orders} <= {
        "",
        "stop_loss",
        "take_profit",
        "stop loss",
        "take profit",
    }
    booked = sorted((fill.lots * fill.side, fill.price) for fill in live.kernel.fills)
    assert booked == sorted(
        (one.lots * order.side, one.price) for order in venue.orders.values() for one in order.fills
    )
    # Fills that are caught up with come late, so what is realized may differ for a while; what was gained in all does not.
    held = venue.held.get("P")
    unrealized = held.lots / 1000 * (history.price - held.entry_price) if held else 0.0
    gained = float(venue.balances["USDT"]) - 2_000_000 + unrealized
    assert abs(live.kernel.equity - 1e6 - gained) < 1e-6


@given(steps(OURS, NETWORK, THEIRS))
@settings(max_examples=250)
def test_whoever_trades_the_account_both_sides_end_equal(steps):
    history = History()
    run(history, steps)
    assert_equal(history)
    position = history.live.kernel.ledgers["s"].positions["P"]
    assert position.quantity == position.lots / 1000
    assert position.pending == 0
