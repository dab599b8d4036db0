"""Making an order from a strategy's terms: prices on the grid, nonsense refused, children attached."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple, TypeVar

from hookline.clock import isoformat
from hookline.errors import OrderError
from hookline.model import Market, Order, OrderType, Side, TimeInForce

__all__ = ["Terms", "make_order"]

_E = TypeVar("_E", bound=StrEnum)


class Terms(NamedTuple):
    """Terms of an order as ``Context.submit`` documents them; ``expire`` is nanoseconds UTC."""

    type: OrderType | None = None
    limit: float | None = None
    trigger: float | None = None
    trail_amount: float | None = None
    trail_fraction: float | None = None
    stop_loss: float | None = None
    stop_loss_trail: float | None = None
    take_profit: float | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expire: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    oco: Order | None = None
    tag: str = ""
    position_id: str = ""


_NEEDS: dict[OrderType, tuple[str, ...]] = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit",),
    OrderType.STOP: ("trigger",),
    OrderType.STOP_LIMIT: ("trigger", "limit"),
    OrderType.TAKE_PROFIT: ("trigger",),
}
_PRICES = ("limit", "trigger", "trail_amount", "trail_fraction")
_PROTECTION = ("stop_loss", "stop_loss_trail", "take_profit")
_IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)


def make_order(strategy: str, market: Market, side: Side, lots: int, time: int, terms: Terms) -> Order:
    """Return the order of these terms, its children attached.

    An order whose protective prices are on the wrong side of the market, or whose time has passed, comes back with a
    ``reason``; the kernel denies it.

    Raises:
        OrderError: if the terms make no sense together.
    """
    instrument = market.instrument
    type_ = order_type(instrument.symbol, terms)
    check_life(instrument.symbol, type_, terms)
    order = Order(
        0,
        strategy,
        instrument,
        side,
        type_,
        lots,
        time,
        # Rounded in the strategy's favor: a limit is the worst price it accepts.
        limit_price=None if terms.limit is None else instrument.on_grid(terms.limit, -side),
        trigger_price=None if terms.trigger is None else instrument.on_grid(terms.trigger),
        trail_amount=terms.trail_amount,
        trail_fraction=terms.trail_fraction,
        time_in_force=TimeInForce(terms.time_in_force) if terms.expire is None else TimeInForce.GTD,
        expire_time=terms.expire,
        post_only=terms.post_only,
        reduce_only=terms.reduce_only,
        tag=terms.tag,
        position_id=terms.position_id,
    )
    if terms.expire is not None and terms.expire <= time:
        order.reason = f"expires at {isoformat(terms.expire)}: that has passed"
    if terms.oco is not None:
        _join(order, terms.oco)
    if terms.stop_loss is not None or terms.stop_loss_trail is not None or terms.take_profit is not None:
        _protect(order, market, terms)
    return order


def order_type(symbol: str, terms: Terms) -> OrderType:
    """Return the type that the terms describe.

    Raises:
        OrderError: if prices are missing, too many, or not finite.
    """
    for name in (*_PRICES, *_PROTECTION):
        if not math.isfinite(getattr(terms, name) or 0.0):
            raise OrderError(
                f"order on {symbol}: {name} must be a finite number, was {getattr(terms, name)!r}"
            )
    given = tuple(name for name in _PRICES if getattr(terms, name) is not None)
    named = None if terms.type is None else _member(symbol, "type", OrderType, terms.type)
    trails = tuple(name for name in given if name.startswith("trail"))
    if trails or named is OrderType.TRAILING_STOP:
        if named not in (None, OrderType.TRAILING_STOP):
            raise OrderError(f"order on {symbol}: a {named} order takes no trail, was given {trails[0]}")
        if len(trails) != 1 or given != trails or getattr(terms, trails[0]) <= 0.0:
            raise OrderError(
                f"order on {symbol}: a trailing stop takes one positive trail and no price, was {given}"
            )
        return OrderType.TRAILING_STOP
    type_: OrderType = named or next(t for t, names in _NEEDS.items() if set(names) == set(given))
    if set(_NEEDS[type_]) != set(given):
        needs = " and ".join(_NEEDS[type_]) or "no price"
        raise OrderError(
            f"order on {symbol}: a {type_} order takes {needs}, was given {' and '.join(given) or 'none'}"
        )
    return type_


def check_life(symbol: str, type_: OrderType, terms: Terms) -> None:
    """Refuse terms of life that contradict each other.

    Raises:
        OrderError: if they do.
    """
    life = _member(symbol, "time_in_force", TimeInForce, terms.time_in_force)
    if terms.post_only and type_ is not OrderType.LIMIT:
        raise OrderError(f"order on {symbol}: post_only is for limit orders, was {type_}")
    if terms.post_only and life in _IMMEDIATE:
        raise OrderError(f"order on {symbol}: a post_only order cannot be {life}, which never rests")
    if life is TimeInForce.GTD and terms.expire is None:
        raise OrderError(f"order on {symbol}: a gtd order needs expire")
    if terms.expire is not None and life in _IMMEDIATE:
        raise OrderError(f"order on {symbol}: expire goes with gtd, was {life}")


def _member(symbol: str, name: str, kind: type[_E], value: str) -> _E:
    """Return the member of an enum that a value or its text names."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(kind)
        raise OrderError(f"order on {symbol}: {name} must be one of {known}, was {value!r}") from None


def _join(order: Order, other: Order) -> None:
    if other.is_closed:
        raise OrderError(
            f"order on {order.symbol}: oco names {other.client_order_id}, which is {other.status}"
        )
    if other.symbol != order.symbol or other.strategy != order.strategy:
        raise OrderError(f"order on {order.symbol}: oco needs an order of the same strategy and instrument")
    if other.oco_leader is None:
        other.oco_leader = other
    order.oco_leader = other.oco_leader


def _protect(entry: Order, market: Market, terms: Terms) -> None:
    if entry.reduce_only:
        raise OrderError(
            f"order on {entry.symbol}: a reduce_only order opens nothing that a stop could protect"
        )
    if terms.stop_loss is not None and terms.stop_loss_trail is not None:
        raise OrderError(f"order on {entry.symbol}: stop_loss or stop_loss_trail, not both")
    if terms.stop_loss_trail is not None and terms.stop_loss_trail <= 0.0:
        raise OrderError(
            f"order on {entry.symbol}: stop_loss_trail must be above 0, was {terms.stop_loss_trail!r}"
        )
    reference = entry.limit_price or entry.trigger_price or market.last
    exit_side = Side(-entry.side)
    children: list[Order] = []
    if terms.stop_loss is not None or terms.stop_loss_trail is not None:
        type_ = OrderType.STOP if terms.stop_loss is not None else OrderType.TRAILING_STOP
        stop = _child(entry, exit_side, type_)
        stop.trail_amount = terms.stop_loss_trail
        if terms.stop_loss is not None:
            stop.trigger_price = entry.instrument.on_grid(terms.stop_loss)
            if not entry.side * (reference - stop.trigger_price) > 0.0:
                entry.reason = (
                    f"stop on the wrong side: {stop.trigger_price!r} with the entry at {reference!r}"
                )
        children.append(stop)
    if terms.take_profit is not None:
        target = _child(entry, exit_side, OrderType.LIMIT)
        target.limit_price = entry.instrument.on_grid(terms.take_profit, entry.side)
        if not entry.side * (target.limit_price - reference) > 0.0:
            entry.reason = f"target on the wrong side: {target.limit_price!r} with the entry at {reference!r}"
        children.append(target)
    if len(children) == 2:
        children[0].oco_leader = children[1].oco_leader = children[0]
    entry.children = tuple(children)


def _child(entry: Order, side: Side, type_: OrderType) -> Order:
    return Order(
        0, entry.strategy, entry.instrument, side, type_, entry.lots, entry.time, reduce_only=True, parent=entry,
        tag=entry.tag, position_id=entry.position_id,
    )  # fmt: skip
