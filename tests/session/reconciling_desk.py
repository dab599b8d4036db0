"""A kernel and what a venue says of its account, both moved by hand."""

import math
from decimal import Decimal

import hookline as hl
from hand_venue import START, HandBroker
from hookline.clock import EventClock
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.kernel.runner import EventRunner
from hookline.model import OrderType, VenueAccount, VenueBalance, VenueOrder, VenuePosition
from hookline.session.live_rules import ReconcilePolicy
from hookline.session.reconciling import Memory, reconcile

__all__ = ["SECOND", "START", "Sides"]

SECOND = 10**9


class Sides:
    """Both sides. A lot of the perpetual P and of the spot S is 0.001; strategies are ``s``, or those that are named."""

    def __init__(self, *strategies, memory=None, cash=1e6, also=None, **policy):
        lot = Decimal("0.001")
        self.instruments = {
            "P": hl.Instrument("P", hl.InstrumentKind.PERPETUAL, lot_size=lot, leverage=Decimal(3)),
            "S": hl.Instrument("S", lot_size=lot, base="COIN"),
        } | (also or {})
        self.broker = HandBroker(holds_cancels=True)
        self.strategies = strategies or ("s",)
        traders = dict.fromkeys(self.instruments, self.strategies)
        self.policy = ReconcilePolicy(**{"grace_seconds": 10.0, "traders": traders} | policy)
        self.kernel = Kernel(
            EventClock(START), self.broker, self.instruments, dict.fromkeys(self.strategies, cash)
        )
        self.ctx = {}
        for id_ in self.strategies:
            self.ctx[id_] = Context(self.kernel, id_, tuple(self.instruments), seed=1)
        self.kernel.start({id_: EventRunner(id_, hl.Strategy(), ctx) for id_, ctx in self.ctx.items()})
        for symbol in self.instruments:
            self.kernel.markets[symbol].last = 100.0
        self.memory = memory or Memory()
        self.time = START
        self.orders, self.positions = [], []
        self.balances = [VenueBalance("USDT", Decimal(10**9), Decimal(10**9))]

    # -- ours ----------------------------------------------------------------------------------------------------------

    def order(self, lots=5, *, status="accepted", filled=0, strategy="s", symbol="P", limit=90.0, **terms):
        """An order of ours in a status, positive lots for a purchase."""
        ctx = self.ctx[strategy]
        side = ctx.buy if lots > 0 else ctx.sell
        order = side(symbol, abs(lots) / 1000, limit=limit, **terms)
        if status == "submitted":
            return order
        if status == "unknown":
            self.kernel.order_changed(order, hl.OrderStatus.UNKNOWN, START)
            return order
        self.kernel.order_changed(order, hl.OrderStatus.ACCEPTED, START)
        if filled:
            self.kernel.order_filled(order, filled, limit or 100.0, 0.0, True, START)
        return order

    def held(self, lots, price=100.0, *, strategy="s", symbol="P", fee=0.0):
        """Let a strategy trade lots; what it holds is the sum."""
        order = self.order(lots, strategy=strategy, symbol=symbol, limit=None)
        self.kernel.order_filled(order, abs(lots), price, fee, False, START)

    def lots(self, strategy="s", id_="P"):
        return self.kernel.ledgers[strategy].positions[id_].lots

    # -- the venue's ---------------------------------------------------------------------------------------------------

    def show(self, order, **terms):
        """Let the venue show an order of ours, with other terms where they are given."""
        shown = {
            "venue_order_id": f"v{order.number}", "client_order_id": f"w-{order.number}", "number": order.number,
            "symbol": order.symbol, "side": order.side, "type": order.type, "lots": order.lots,
            "filled_lots": order.filled_lots, "limit_price": order.limit_price, "trigger_price": order.trigger_price,
        } | terms  # fmt: skip
        self.orders.append(VenueOrder(**shown))

    def foreign(self, id_="x1", lots=7, number=0):
        self.orders.append(
            VenueOrder(
                id_,
                f"w-{number}" if number else "",
                number,
                "P",
                hl.Side.SELL,
                OrderType.LIMIT,
                lots,
                0,
                120.0,
            )
        )

    def hold(self, lots, entry=100.0, id_="P", mark=math.nan, **settings):
        symbol = id_.split("|")[0]
        self.positions = [one for one in self.positions if one.position_id != id_]
        if lots:
            self.positions.append(VenuePosition(id_, symbol, lots, entry, mark, math.nan, **settings))

    def account(self):
        return VenueAccount(self.time, tuple(self.orders), tuple(self.positions), tuple(self.balances))

    # -- looking -------------------------------------------------------------------------------------------------------

    def look(self, *, wait=0.0, is_start=False):
        """Compare, some seconds after the last time."""
        self.time += round(wait * SECOND)
        return reconcile(self.kernel, self.account(), self.policy, self.memory, is_start=is_start)

    def told(self, **terms):
        """What a look tells: kind and action of each difference."""
        return [(str(one.kind), str(one.action)) for one in self.look(**terms).differences]
