"""The contract of brokers: see ``hookline.testing.contracts`` for how to use one."""

from __future__ import annotations

from decimal import Decimal

from hookline.broker import Broker
from hookline.clock import EventClock
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.model import Fill, Instrument, InstrumentKind, Order, OrderStatus, TimeInForce
from hookline.testing.bars import bars

__all__ = ["BrokerContract"]

_CASH = 10_000.0


class BrokerContract:
    """What holds for every broker that fills orders on bars: what it reports can happen, and happens once.

    The kernel refuses a status that the table of states does not allow, so every test here is a test of that too. Override
    ``make``.
    """

    def make(self) -> Broker:
        """Return a new instance."""
        raise NotImplementedError(f"{type(self).__name__}.make: must return the broker to test")

    def desk(self) -> Desk:
        """Connect a new broker to a market whose last price is 100."""
        desk = Desk(self.make())
        desk.show("100")
        return desk

    def test_its_fee_can_be_reckoned_with(self) -> None:
        assert 0.0 <= self.desk().kernel.broker.taker_fee < 0.1

    def test_an_order_never_fills_before_the_next_event(self) -> None:
        desk = self.desk()
        orders = [desk.ctx.buy("TEST", 1.0), desk.ctx.buy("TEST", 1.0, limit=101.0)]
        orders += [desk.ctx.sell("TEST", 1.0, trigger=101.0)]
        assert all(order.is_open for order in orders)
        assert not desk.kernel.fills

    def test_a_market_order_fills_once(self) -> None:
        desk = self.desk()
        order = desk.ctx.buy("TEST", 2.0)
        desk.show("101 102 103")
        assert order.status is OrderStatus.FILLED
        assert sum(fill.lots for fill in desk.fills(order)) == order.lots
        assert desk.ctx.position("TEST").lots == order.lots

    def test_cash_follows_the_fills(self) -> None:
        desk = self.desk()
        desk.ctx.buy("TEST", 2.0)
        desk.show("101 102")
        desk.ctx.sell("TEST", 1.0)
        desk.show("103")
        flows = sum(fill.side * fill.quantity * fill.price + fill.fee for fill in desk.kernel.fills)
        assert len(desk.kernel.fills) >= 2
        assert abs(desk.ctx.cash - (_CASH - flows)) < 1e-9

    def test_an_order_out_of_reach_rests_until_it_is_canceled(self) -> None:
        desk = self.desk()
        order = desk.ctx.buy("TEST", 1.0, limit=50.0)
        desk.show("101")
        assert desk.history(order) == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED]
        assert desk.watched() == [order]
        desk.ctx.cancel(order)
        desk.show("102/102/40/102")
        assert desk.history(order) == [OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.CANCELED]
        assert not desk.watched()
        assert not desk.kernel.fills

    def test_canceling_a_closed_order_does_nothing(self) -> None:
        desk = self.desk()
        order = desk.ctx.buy("TEST", 1.0)
        desk.show("101")
        known = len(desk.kernel.updates)
        desk.ctx.cancel(order)
        desk.show("102")
        assert order.status is OrderStatus.FILLED
        assert len(desk.kernel.updates) == known

    def test_an_amended_price_is_the_one_that_counts(self) -> None:
        desk = self.desk()
        order = desk.ctx.buy("TEST", 1.0, limit=50.0)
        desk.show("101")
        desk.ctx.amend(order, limit=90.0, quantity=2.0)
        desk.show("101/101/80/95")
        assert order.status is OrderStatus.FILLED
        assert [fill.price for fill in desk.fills(order)] == [90.0]
        assert desk.ctx.position("TEST").quantity == 2.0

    def test_a_limit_never_fills_beyond_its_price(self) -> None:
        desk = self.desk()
        order = desk.ctx.sell("TEST", 1.0, limit=104.0)
        desk.show("101/103.99/101/102 102/110/102/103")
        assert [fill.price for fill in desk.fills(order)] == [104.0]

    def test_post_only_is_rejected_rather_than_take(self) -> None:
        desk = self.desk()
        order = desk.ctx.buy("TEST", 1.0, limit=105.0, post_only=True)
        desk.show("101 102")
        assert order.status is OrderStatus.REJECTED
        assert not desk.kernel.fills

    def test_immediate_or_cancel_does_not_rest(self) -> None:
        desk = self.desk()
        order = desk.ctx.buy("TEST", 1.0, limit=50.0, time_in_force=TimeInForce.IOC)
        desk.show("101 101/101/40/101")
        assert order.status is OrderStatus.CANCELED
        assert not desk.kernel.fills

    def test_reduce_only_never_opens_and_never_turns(self) -> None:
        desk = self.desk()
        alone = desk.ctx.sell("TEST", 1.0, reduce_only=True)
        desk.show("101")
        assert alone.is_closed
        desk.ctx.buy("TEST", 1.0)
        desk.show("102")
        desk.ctx.sell("TEST", 5.0, reduce_only=True)
        desk.show("103")
        assert desk.ctx.position("TEST").is_flat
        assert [fill.quantity for fill in desk.kernel.fills] == [1.0, 1.0]

    def test_a_bracket_waits_for_its_entry_and_ends_together(self) -> None:
        desk = self.desk()
        entry = desk.ctx.buy("TEST", 1.0, stop_loss=90.0, take_profit=110.0)
        stop, target = entry.children
        assert stop.status is target.status is OrderStatus.HELD
        desk.show("101")
        assert {order.status for order in (entry, stop, target)} == {OrderStatus.FILLED, OrderStatus.ACCEPTED}
        desk.show("101/111/101/111")
        assert (stop.status, target.status) == (OrderStatus.CANCELED, OrderStatus.FILLED)
        assert desk.ctx.position("TEST").is_flat
        assert not desk.watched()

    def test_an_entry_that_is_canceled_takes_its_bracket_with_it(self) -> None:
        desk = self.desk()
        entry = desk.ctx.buy("TEST", 1.0, limit=50.0, stop_loss=40.0)
        desk.show("101")
        desk.ctx.cancel(entry)
        assert entry.status is entry.children[0].status is OrderStatus.CANCELED

    def test_one_cancels_other(self) -> None:
        desk = self.desk()
        desk.ctx.buy("TEST", 1.0)
        desk.show("100")
        stop = desk.ctx.sell("TEST", 1.0, trigger=90.0, reduce_only=True)
        target = desk.ctx.sell("TEST", 1.0, limit=110.0, reduce_only=True, oco=stop)
        desk.show("100/100/89/95 120")
        assert (stop.status, target.status) == (OrderStatus.FILLED, OrderStatus.CANCELED)
        assert desk.ctx.position("TEST").is_flat

    def test_cancel_all_after_cancels_unless_renewed(self) -> None:
        desk = self.desk()
        order = desk.ctx.buy("TEST", 1.0, limit=50.0)
        desk.ctx.cancel_all_after(2 * 3600)
        desk.show("101")
        desk.ctx.cancel_all_after(2 * 3600)
        desk.show("101")
        assert order.is_open
        desk.show("101 101")
        assert order.status is OrderStatus.CANCELED


class Desk:
    """A broker behind a kernel without strategies, and a context to send orders through.

    Args:
        broker: A broker that is not connected yet.
    """

    def __init__(self, broker: Broker) -> None:
        instrument = Instrument("TEST", InstrumentKind.PERPETUAL, Decimal("0.01"), Decimal("0.001"))
        self._start = 1_704_067_200_000_000_000
        self.kernel = Kernel(EventClock(self._start), broker, {"TEST": instrument}, {"desk": _CASH})
        self.ctx = Context(self.kernel, "desk", ("TEST",))

    def show(self, text: str) -> None:
        """Let hours pass; ``text`` is as for ``hookline.testing.bars``, and a close alone opens there too."""
        words = [word if "/" in word else "/".join([word] * 4) for word in text.split()]
        series = bars(" ".join(words), start=self.kernel.clock.now)
        lane = self.kernel.lane("TEST")
        self.kernel.run(lane, [series.bar(index) for index in range(len(series))])

    def fills(self, order: Order) -> list[Fill]:
        """Return the executions of an order."""
        return [fill for fill in self.kernel.fills if fill.order_number == order.number]

    def history(self, order: Order) -> list[str]:
        """Return the statuses that an order went through."""
        return [update.status for update in self.kernel.updates if update.order_number == order.number]

    def watched(self) -> list[Order]:
        """Return the orders that the broker says bars may fill."""
        return list(self.kernel.broker.watch("TEST"))
