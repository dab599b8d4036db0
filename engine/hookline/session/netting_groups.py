"""Plain market orders of one event, netted: the venue gets what they do not give each other.

Rules of this file:

- For each position of the account the orders of one event are a *group*. The account sends one market order of ``buys - sells``;
  the rest crosses inside, without a fee, at the average price of the account's order.
- Where nothing is left to send, or the venue fills nothing of it, the group crosses where a market order would have filled: on bars at
  the open of the first bar that starts at or after the orders, on the tape at the mid, else at the last price.
- What the venue fills is shared among the orders of the larger side in proportion to what each still wants. Of one strategy with a
  reduce-only order among them, older orders are served first. What the venue refuses stays refused; the crossing is done all the same.
- When an order leaves the group, or its strategy's position no longer has room for it, the account's order changes with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hookline.model import Bar, Market, Order, OrderStatus, OrderType, Side, TimeInForce, transition
from hookline.session.netting_account import ACCOUNT
from hookline.session.netting_shares import allot, ending, room, share_fee
from hookline.session.netting_twins import Ground
from hookline.simulation.requests import Request, Requests

__all__ = ["Groups", "is_plain"]

_FILLED, _CANCELED = OrderStatus.FILLED, OrderStatus.CANCELED


def is_plain(order: Order) -> bool:
    """Return whether an order can be netted with others."""
    return (
        order.type is OrderType.MARKET
        and not order.children
        and order.oco_leader is None
        and order.expire_time is None
        and order.time_in_force is not TimeInForce.FOK
    )


class _Group:
    """Orders that are netted; ``twin`` is the account's order for what is left, None while there is none.

    ``ended`` is how the venue has ended that order, and why; ``is_busy`` while fills are being shared.
    """

    __slots__ = ("ended", "is_busy", "members", "price", "time", "twin")

    def __init__(self, members: Sequence[Order], time: int) -> None:
        self.members = list(members)
        self.time = time
        self.twin: Order | None = None
        self.ended: tuple[OrderStatus, str] = (_FILLED, "")
        self.price = math.nan
        self.is_busy = False

    @property
    def first(self) -> Order:
        return self.members[0]

    def live(self) -> list[Order]:
        return [order for order in self.members if order.is_open]


class Groups:
    """Sends groups to the account, and shares what becomes of them."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._groups: list[_Group] = []
        self._waiting: list[_Group] = []
        self._dropped: set[Order] = set()
        self._requests = Requests(ground.open, self._grant)
        self.crossed: dict[str, int] = {}

    def has(self, order: Order) -> bool:
        """Return whether an order is in a group."""
        return self._group_of(order) is not None

    def has_twin(self, twin: Order) -> bool:
        """Return whether an order of the account is that of a group, or was."""
        return twin in self._dropped or any(group.twin is twin for group in self._groups)

    def _group_of(self, order: Order) -> _Group | None:
        return next((group for group in self._groups if order in group.members), None)

    # -- what strategies ask for ---------------------------------------------------------------------------------------

    def send(self, members: Sequence[Order], time: int) -> None:
        """Send a group: orders of one position, oldest first."""
        group = _Group(members, time)
        self._groups.append(group)
        self._send(group)

    def cancel(self, order: Order, reason: str) -> None:
        """Cancel an order of a group, in its place among the bars."""
        request = Request(self._ground.clock.now, order, reason)
        if order.symbol in self._ground.on_tape:
            self._grant(request)
        else:
            self._requests.ask(request)

    def _grant(self, request: Request) -> None:
        order, group = request.order, self._group_of(request.order)
        if order.is_closed or group is None or group.is_busy:
            return
        self._ground.end(order, _CANCELED, request.time, request.reason)
        self._renew(group)

    # -- the account's order -------------------------------------------------------------------------------------------

    def _wants(self, group: _Group) -> dict[Order, int]:
        """Return the lots that each open order of a group may still get.

        A strategy's orders on one side are served oldest first, so each counts what those before it leave of the position;
        what its own orders on the other side would add may not come, and does not count.
        """
        left: dict[tuple[str, Side], int] = {}
        wants = {}
        for order in group.live():
            key = (order.strategy, order.side)
            held = left.get(key, self._ground.account.position_of(order).lots)
            wants[order] = want = room(order, held)
            left[key] = held + order.side * want
        return wants

    def _send(self, group: _Group) -> None:
        wants, ground = self._wants(group), self._ground
        for order, want in wants.items():
            if not want:
                ground.refuse(order, ground.clock.now)
        group.members = group.live()
        net = sum(order.side * want for order, want in wants.items())
        if not group.members:
            self._groups.remove(group)
        elif net:
            group.twin = twin = self._twin(group, net)
            ground.inner.submit(twin)
        else:
            self._cross_or_wait(group)

    def _twin(self, group: _Group, net: int) -> Order:
        first, side = group.first, Side.BUY if net > 0 else Side.SELL
        time = group.time
        if self._ground.is_matching and self._ground.bar_for(first.symbol, time) is not None:
            # The venue has passed the open of this bar.
            time = self._ground.clock.now
        return Order(
            first.number, ACCOUNT, first.instrument, side, OrderType.MARKET, abs(net), time,
            position_id=first.position_id, status=OrderStatus.SUBMITTED,
        )  # fmt: skip

    def moved(self, filled: Order) -> None:
        """Bring groups in line with a position that has changed."""
        for group in tuple(self._groups):
            if any(
                one.strategy == filled.strategy
                and one.symbol == filled.symbol
                and one.position_id == filled.position_id
                for one in group.members
            ):
                self._renew(group)

    def _renew(self, group: _Group) -> None:
        """Send what is now left of a group instead of what was."""
        if group.is_busy or group.ended[0] is not _FILLED:
            return
        wants = self._wants(group)
        net = sum(order.side * want for order, want in wants.items())
        twin = group.twin
        if twin is not None and twin.side * twin.open_lots == net:
            return
        # Between bars an amendment would wait for the next one, a further one of the same event behind it.
        is_at_once = self._ground.is_matching or group.first.symbol in self._ground.on_tape
        if twin is not None and net * twin.side > 0 and is_at_once:
            self._ground.inner.amend(twin, twin.filled_lots + abs(net), None, None)
        elif twin is not None or net or not all(wants.values()):
            self._withdraw(group)
            self._send(group)

    def _withdraw(self, group: _Group) -> None:
        """Take back the account's order of a group."""
        if group in self._waiting:
            self._waiting.remove(group)
        twin, group.twin = group.twin, None
        if twin is not None:
            self._dropped.add(twin)
            self._ground.inner.cancel(twin, "netted with other orders")

    # -- what the venue reports ----------------------------------------------------------------------------------------

    def changed(self, twin: Order, status: OrderStatus, time: int, reason: str) -> None:
        """Move the account's order of a group to a status."""
        transition(twin, status, time, reason)
        if twin in self._dropped:
            if twin.is_closed:
                self._dropped.remove(twin)
            return
        group = next(one for one in self._groups if one.twin is twin)
        if twin.is_closed:
            self._close(group, twin, time, (status, reason))
            return
        for order in group.live():
            if order.status is OrderStatus.SUBMITTED:
                self._ground.listener.order_changed(order, status, time, reason)

    def filled(self, twin: Order, lots: int, price: float, fee: float, is_maker: bool, time: int) -> None:
        """Share what the venue has filled of a group's order, which the account has booked already."""
        group = next(one for one in self._groups if one.twin is twin)
        group.is_busy = True
        shares = _served(self._wants_of(group, twin.side, lots), lots)
        fees = share_fee(fee, list(shares.values()))
        for (order, share), part in zip(shares.items(), fees, strict=True):
            self._ground.fill(order, share, price, part, is_maker, time)
        is_one_price = twin.filled_lots == lots or group.price == price
        group.price = price if is_one_price else math.inf
        self._tell_moved(shares, time)
        group.is_busy = False
        if twin.is_closed:
            self._close(group, twin, time, (_FILLED, ""))

    def _wants_of(self, group: _Group, side: Side, lots: int) -> dict[Order, int]:
        """Return what one side of a group wants; a venue that was quicker than a change of mind finds what was ordered."""
        wants = {order: want for order, want in self._wants(group).items() if order.side is side}
        if sum(wants.values()) >= lots:
            return wants
        return {order: order.open_lots for order in group.live() if order.side is side}

    def _close(self, group: _Group, twin: Order, time: int, end: tuple[OrderStatus, str]) -> None:
        group.twin, group.ended = None, end
        if twin.filled_lots:
            average = twin.instrument.on_grid(twin.average_price)
            self._settle(group, group.price if math.isfinite(group.price) else average, time)
        else:
            self._cross_or_wait(group)

    # -- crossing ------------------------------------------------------------------------------------------------------

    def _cross_or_wait(self, group: _Group) -> None:
        """Cross a group of which the venue has filled nothing: at once, or once its bar comes."""
        ground, first = self._ground, group.first
        if first.symbol in ground.on_tape:
            price = _fair(ground.account.position_of(first).market)
            if price != price:  # noqa: PLR0124
                group.ended = (OrderStatus.REJECTED, f"no price of {first.symbol} yet")
            self._settle(group, price, ground.clock.now)
            return
        bar = ground.bar_for(first.symbol, group.time)
        if bar is None:
            self._waiting.append(group)
        else:
            self._settle(group, bar.open, bar.start)

    def begin(self, bar: Bar) -> None:
        """Before the venue sees a bar: grant what was asked for before it, and cross what waits for its open."""
        self._requests.begin(bar)
        for group in tuple(self._waiting):
            if group.first.symbol == bar.symbol and group.time <= bar.start and group in self._waiting:
                self._waiting.remove(group)
                self._settle(group, bar.open, bar.start)

    def finish(self, bar: Bar) -> None:
        """After the venue has seen a bar: grant the rest."""
        self._requests.finish(bar)

    def _settle(self, group: _Group, price: float, time: int) -> None:
        """Cross what crosses inside a group, and end it."""
        ground, (status, reason) = self._ground, group.ended
        group.is_busy = True
        if price == price:  # noqa: PLR0124
            self._cross(group, price, time)
        self._groups.remove(group)
        again = []
        for order, want in self._wants(group).items():
            if not want:
                how, why = ending(order, ground.account.position_of(order))
                ground.end(order, how, time, why)
            elif status is _FILLED:
                again.append(order)
            else:
                ground.end(order, _CANCELED if order.filled_lots else status, time, reason)
        for order in group.members:
            if order.is_closed:
                ground.drop(order)
        if again:
            self.send(again, ground.clock.now)

    def _cross(self, group: _Group, price: float, time: int) -> None:
        wants = self._wants(group)
        sides = [
            {order: want for order, want in wants.items() if order.side is side}
            for side in (Side.BUY, Side.SELL)
        ]
        lots = min(sum(side.values()) for side in sides)
        if not lots:
            return
        symbol = group.first.symbol
        self.crossed[symbol] = self.crossed.get(symbol, 0) + lots
        shares = {order: share for side in sides for order, share in _served(side, lots).items()}
        for order, share in sorted(shares.items(), key=lambda pair: pair[0].number):
            self._ground.fill(order, share, price, 0.0, False, time)
        self._tell_moved(shares, time)

    def _tell_moved(self, shares: Mapping[Order, int], time: int) -> None:
        """Tell once for each strategy that its position has changed."""
        for order in {order.strategy: order for order in shares}.values():
            self._ground.moved(order, time)

    # -- restarts ------------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """Return the groups, as values that JSON can hold."""
        return {
            "groups": [_saved(group) for group in self._groups],
            "waiting": [self._groups.index(group) for group in self._waiting],
            "requests": self._requests.save(),
            "crossed": dict(self.crossed),
        }

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> dict[int, Order]:
        """Take over what ``save`` returned and return the account's orders by number."""
        self._groups = [_restored(one, orders) for one in state["groups"]]
        self._waiting = [self._groups[index] for index in state["waiting"]]
        self._requests.restore(state["requests"], orders)
        self.crossed = dict(state["crossed"])
        return {group.twin.number: group.twin for group in self._groups if group.twin is not None}


def _served(wants: Mapping[Order, int], lots: int) -> dict[Order, int]:
    """Return who gets how many lots, without those who get none."""
    orders = list(wants)
    shares = dict(zip(orders, allot(lots, list(wants.values())), strict=True))
    for strategy in {order.strategy: None for order in orders if order.reduce_only}:
        own = [order for order in orders if order.strategy == strategy]
        left = sum(shares[order] for order in own)
        for order in own:
            shares[order] = min(left, wants[order])
            left -= shares[order]
    return {order: share for order, share in shares.items() if share}


def _fair(market: Market) -> float:
    """Return the mid on the grid, else the last price; NaN before there is one."""
    if market.bid < market.ask and math.isfinite(market.bid) and math.isfinite(market.ask):
        return market.instrument.on_grid((market.bid + market.ask) / 2.0)
    return market.last


def _saved(group: _Group) -> dict[str, Any]:
    twin = group.twin
    return {
        "members": [order.number for order in group.live()],
        "time": group.time,
        "ended": [group.ended[0].value, group.ended[1]],
        "twin": None if twin is None else [twin.number, int(twin.side), twin.open_lots, twin.time, twin.status.value],
    }  # fmt: skip


def _restored(saved: Mapping[str, Any], orders: Mapping[int, Order]) -> _Group:
    group = _Group([orders[number] for number in saved["members"]], saved["time"])
    status, reason = saved["ended"]
    group.ended = (OrderStatus(status), reason)
    if saved["twin"] is not None:
        number, side, lots, time, status = saved["twin"]
        group.twin = Order(
            number, ACCOUNT, group.first.instrument, Side(side), OrderType.MARKET, lots, time,
            position_id=group.first.position_id, status=OrderStatus(status),
        )  # fmt: skip
    return group
