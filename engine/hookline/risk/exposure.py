"""What rules reckon with: the price an order is valued at, and what would be held if orders filled.

Nobody knows which open orders will fill, so limits count the worst that can happen: every open order on one side fills, those
that only close an opposite position first, and none on the other. Two orders of which one cancels the other both count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from hookline.model import Instrument, Ledger, Order, OrderType, Position
from hookline.risk.rule import Account

__all__ = [
    "gross_if_filled",
    "is_part",
    "is_reducing",
    "lots_if_filled",
    "lots_within",
    "notional_of",
    "position_of",
    "quantity_within_gross",
    "reference_price",
]

# Held here because every order asks for it: Python 3.11 runs a Python function for each ``OrderType.MARKET``.
_TRAILING_STOP = OrderType.TRAILING_STOP


def position_of(order: Order, account: Account) -> Position:
    """Return the position that an order changes."""
    return account.ledgers[order.strategy].positions[order.position_id or order.instrument.symbol]


def is_reducing(order: Order, account: Account) -> bool:
    """Return whether an order can only make a position smaller, market orders on their way counted."""
    if order.reduce_only:
        return True
    position = position_of(order, account)
    held, side, lots = position.lots, order.side, order.lots
    if held * side >= 0 or lots > abs(held):
        return False
    soon = held + position.pending
    return soon * side < 0 and lots <= abs(soon)


def reference_price(order: Order, account: Account) -> float:
    """Return the price to value an order at: its limit, its trigger, or the last price."""
    if order.limit_price is not None:
        return order.limit_price
    if order.trigger_price is not None and order.type is not _TRAILING_STOP:
        return order.trigger_price
    return account.market(order.instrument.symbol).last


def notional_of(order: Order, account: Account) -> float:
    """Return what an order is worth in quote currency, NaN before the first price."""
    return order.quantity * abs(reference_price(order, account))


def lots_if_filled(order: Order, account: Account) -> int:
    """Return what would be held on an order's side if it and all open orders on that side filled.

    Negative while even that would leave a position on the other side.
    """
    others = account.open_orders(order.strategy, order.symbol)
    held = _reach(position_of(order, account), order.side, others, order)
    return held if is_part(order) else held + order.lots


def gross_if_filled(ledger: Ledger, account: Account, order: Order, lots: int | None = None) -> float:
    """Return the sum of the values of a strategy's positions if the worst of the open orders and this one filled.

    In the session's currency, at the last prices; the order's own lots count at the order's price where that is higher.

    Args:
        ledger: The strategy's.
        account: The account.
        order: The order that is judged, of this strategy or another.
        lots: What to count of it instead of all its lots.
    """
    total = 0.0
    pending = account.open_orders(ledger.strategy)
    adds = 0 if is_part(order) else order.lots if lots is None else lots
    for position in ledger.positions.values():
        symbol = position.symbol
        others = [one for one in pending if one.instrument.symbol == symbol]
        is_its = order.strategy == ledger.strategy and (order.position_id or order.symbol) == position.id
        if not position.lots and not others and not is_its:
            continue
        last = abs(position.market.last)
        worst = abs(position.lots) * last
        for side in (1, -1):
            held = _reach(position, side, others, order)
            value = max(held, 0) * last
            if is_its and order.side == side:
                # What closes the other side first is worth nothing.
                value += max(adds + min(held, 0), 0) * max(last, abs(reference_price(order, account)))
            worst = max(worst, value)
        if worst != 0.0:
            total += worst * position.market.instrument.units(1) * position.wallet.rate
    return total


def lots_within(instrument: Instrument, notional: float, price: float) -> int:
    """Return how many lots are worth at most a notional; 0 where the price is unknown or there is no room."""
    price = abs(price)
    if not (notional > 0.0 and price > 0.0):
        return 0
    lots = instrument.lots(notional / price)
    # The grid's tolerance may round up by a hair: a limit is a limit.
    while lots > 0 and instrument.units(lots) * price > notional:
        lots -= 1
    return lots


def is_part(order: Order) -> bool:
    """Return whether an order is a part of one that an execution algorithm works, and so counted with that one."""
    handler = order.handler
    return handler is not None and handler.parent is not None and handler.parent is not order


def _reach(position: Position, side: int, others: Iterable[Order], judged: Order) -> int:
    """Return the lots on a side if every open order of that side filled, those that close the other side first."""
    held = side * position.lots
    opening = closing = 0
    for other in others:
        is_ours = (other.position_id or other.instrument.symbol) == position.id
        # An amendment is judged as the order that it would become, in the place of the order that it is.
        if other.side == side and is_ours and not is_part(other) and other.number != judged.number:
            if other.reduce_only:
                closing += other.open_lots
            else:
                opening += other.open_lots
    return max(held, min(held + closing, 0)) + opening


def quantity_within_gross(order: Order, account: Account, ledgers: Sequence[Ledger], most: float) -> float:
    """Return what may stay of an order for the sums of ``gross_if_filled`` to be at most a limit, 0 if nothing may.

    Args:
        order: The order that is too much.
        account: The account.
        ledgers: Those that are held to the limit together.
        most: The limit, in the session's currency.
    """
    if not sum(gross_if_filled(ledger, account, order, 0) for ledger in ledgers) <= most:
        return 0.0
    excess = sum(gross_if_filled(ledger, account, order) for ledger in ledgers) - most
    position = position_of(order, account)
    instrument = order.instrument
    price = max(abs(position.market.last), abs(reference_price(order, account)))
    worth = instrument.units(1) * price * position.wallet.rate
    if not (worth > 0.0 and excess < math.inf):
        return 0.0
    # The last digit of a sum is worth no lot.
    return instrument.units(max(0, order.lots - math.ceil(excess / worth - 1e-9)))
