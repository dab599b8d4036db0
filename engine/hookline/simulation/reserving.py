"""What resting orders reserve: a venue takes no order that its owner could not pay for if it filled now.

Rules of this file:

- Limit orders that rest reserve the initial margin of what they would open, and its fee; of spot that is the price in full,
  and of a sale of spot the coins. Stops reserve nothing before they are triggered, reduce-only orders nothing at all.
- Orders of one position on opposite sides cannot both open it: the dearer side counts. Of a one-cancels-other group the
  dearest order counts.
- What closes a position needs no funds.
"""

from __future__ import annotations

from collections.abc import Iterable

from hookline.model import InstrumentKind, Ledger, Order, OrderStatus, OrderType, Position
from hookline.simulation.funds import Funds

__all__ = ["uncovered"]

_SPOT = InstrumentKind.SPOT
# Sums of floats may miss what is exactly affordable by this share.
_ROUNDING = 1e-9


def uncovered(
    order: Order, resting: Iterable[Order], ledger: Ledger, position: Position, funds: Funds, fee_rate: float
) -> str:
    """Return why an order may not rest beside those that do, empty if it may.

    Args:
        order: A limit order that has arrived.
        resting: The other open orders of its strategy.
        ledger: Of the strategy.
        position: That the order changes.
        funds: Margin terms of the instruments.
        fee_rate: Fee of orders that rest, as a fraction of notional.
    """
    spare = funds.spare(ledger, position.wallet)
    is_spot = position.market.instrument.kind is _SPOT
    others = list(resting)
    # Most orders are small beside the funds, which then cover all of them in full.
    in_full = funds.is_full_enough and not is_spot
    if in_full and sum(map(_value, others)) + _value(order) <= spare / (1.0 + max(0.0, fee_rate)):
        return ""
    claims: dict[Position, list[Order]] = {position: [order]}
    for other in others:
        if other is not order and _reserves(other):
            held = ledger.positions[other.position_id or other.instrument.symbol]
            if held.wallet is position.wallet:
                claims.setdefault(held, []).append(other)
    own = _dearest(claims[position])
    if is_spot and order.side < 0:
        there = position.lots + position.market.instrument.borrow_lots
        wanted = sum(one.open_lots for one in own if one.side < 0)
        if wanted > there:
            units = position.market.instrument.units
            return f"spot: cannot offer {units(wanted):g}, {units(max(0, there)):g} held"
    needed = sum(_margin(held, _dearest(orders), funds, fee_rate) for held, orders in claims.items())
    if _margin(position, own, funds, fee_rate) <= _margin(
        position, _dearest(claims[position][1:]), funds, fee_rate
    ):
        return ""  # whatever prices have done to the others, this one asks for nothing more
    if needed > spare * (1.0 + _ROUNDING) + _ROUNDING:
        return f"insufficient funds: {spare:.2f} free, resting orders would need {needed:.2f}"
    return ""


def _reserves(order: Order) -> bool:
    if order.reduce_only or order.limit_price is None or order.status is OrderStatus.SUBMITTED:
        return False
    return order.type is OrderType.LIMIT or order.status in (
        OrderStatus.TRIGGERED,
        OrderStatus.PARTIALLY_FILLED,
    )


def _dearest(orders: list[Order]) -> list[Order]:
    """Return the orders with only the dearest one of each one-cancels-other group."""
    groups: dict[object, Order] = {}
    for order in orders:
        key = order.oco_leader or order
        if key not in groups or _value(order) > _value(groups[key]):
            groups[key] = order
    return list(groups.values())


def _value(order: Order) -> float:
    return order.instrument.units(order.open_lots) * abs(order.limit_price or 0.0)


def _margin(position: Position, orders: list[Order], funds: Funds, fee_rate: float) -> float:
    """Return what orders of one position reserve: the dearer of its sides."""
    is_spot = position.market.instrument.kind is _SPOT
    sides = []
    for side, closes in ((1, max(0, -position.lots)), (-1, max(0, position.lots))):
        own = [one for one in orders if one.side == side]
        lots = sum(one.open_lots for one in own)
        opens = max(0, lots - closes) / lots if lots else 0.0
        notional = sum(map(_value, own)) * opens
        # Coins that are sold are reserved as coins; borrowed ones as what they open.
        margin = 0.0 if is_spot and side < 0 and not position.market.instrument.borrow_lots else 1.0
        sides.append(margin * funds.initial(position, notional) + max(0.0, fee_rate) * notional * margin)
    return max(sides)
