"""Open orders here against those at the venue.

What becomes of an order that is open here and not at the venue, once the venue was asked about it by our id:

=====================================  ==========================================================================================
it was never acknowledged              after the grace time: rejected, "never reached the venue"
it was acknowledged                    its end was not found; after the grace time: canceled, no longer open there
either, and the position at the venue  it may have been filled. Where positions are adopted, the position is, and the order ends as
differs in the order's direction       above; else the session refuses to trade and names both
before the grace time is over          outcome unknown
=====================================  ==========================================================================================

None is ever sent again. Quantities and prices of an order that is open on both sides are taken over from the venue. Fills are not:
they come from the broker, which is asked again; where it cannot find them for the grace time, the session refuses to trade.
"""

from __future__ import annotations

from hookline.model import Order, OrderStatus, OrderType, VenueOrder
from hookline.session.differences import DifferenceAction, DifferenceKind
from hookline.session.reconciling_look import Look, worked

__all__ = ["compare_orders"]

_S, _A, _K = OrderStatus, DifferenceAction, DifferenceKind
_NOT_KNOWN = frozenset({_S.SUBMITTED, _S.UNKNOWN})
_TERMS = ("lots", "limit_price", "trigger_price")


def compare_orders(look: Look) -> None:
    """Compare the open orders, and settle what can be."""
    at_venue = {one.number: one for one in look.account.orders if one.number}
    memory = look.memory
    memory.worked |= worked(look.open.values())
    for order in look.open.values():
        if order.number in memory.worked or not order.number:
            continue
        if order.number in look.moved.orders:
            if order.status in _NOT_KNOWN or order.type is OrderType.MARKET:
                look.undecided.add(order.position_id or order.symbol)
            continue
        one = at_venue.get(order.number)
        if one is not None:
            _compare(look, order, one)
        elif look.memory.newer is not None and order.number > look.memory.newer:
            look.undecided.add(order.position_id or order.symbol)  # it may not be sent yet
        elif order.status is not _S.HELD and order.is_open:
            _miss(look, order)
    for one in look.account.orders:
        if one.number not in look.open and one.number not in look.moved.orders:
            _stray(look, one)


# -- open here, not there ----------------------------------------------------------------------------------------------


def _miss(look: Look, order: Order) -> None:
    memory, position_id = look.memory, order.position_id or order.symbol
    mark = f"{_K.ORDER_MISSING}:{order.number}"
    arrived = order.number in memory.acknowledged or order.filled_lots > 0 or order.status not in _NOT_KNOWN
    if arrived:
        memory.acknowledged.add(order.number)
    is_sure, lasts = look.is_sure(mark), look.lasts(mark)
    excess = look.excess(position_id)
    may_be_filled = excess * order.side > 0
    # The position is booked at the same look, so that nobody acts on an order that ended and a position that is not there yet.
    is_booked = bool(look.adopter(order.symbol)) and look.is_sure(f"{_K.POSITION}:{position_id}:{excess}")
    if lasts and (not may_be_filled or is_booked):
        _end(look, order, arrived)
        return
    look.undecided.add(position_id)
    action = _A.WAITED
    if lasts:
        action = _A.REFUSED
    elif is_sure:
        action = _A.UNKNOWN
        if order.status in (_S.SUBMITTED, _S.ACCEPTED):
            reason = "the venue does not show it; its end is asked for"
            look.kernel.order_changed(order, _S.UNKNOWN, look.now, reason)
    text = f"{_name(order)} is open here and not at the venue; what became of it is not known"
    if action is _A.REFUSED:
        text += f"; it may have been filled: the venue's position {position_id} differs by {excess:+d} lots; compare its trades there"
    _add(look, _K.ORDER_MISSING, order, (str(order.status), "not open"), action, text, mark)


def _end(look: Look, order: Order, arrived: bool) -> None:
    """Close an order that the venue neither shows nor knows, and what waits for its fill."""
    status = _S.CANCELED if arrived else _S.REJECTED
    reason = "no longer open at the venue, its end was not found" if arrived else "never reached the venue"
    before = str(order.status)
    look.kernel.order_changed(order, status, look.now, reason)
    for child in order.children:
        if child.status is _S.HELD and not order.filled_lots:
            look.kernel.order_changed(child, _S.CANCELED, look.now, f"entry {status}")
    action = _A.CLOSED if arrived else _A.REJECTED
    mark = f"{_K.ORDER_MISSING}:{order.number}"
    _add(look, _K.ORDER_MISSING, order, (before, "not known"), action, f"{_name(order)}: {reason}", mark)


# -- open on both sides ------------------------------------------------------------------------------------------------


def _compare(look: Look, order: Order, one: VenueOrder) -> None:
    look.memory.acknowledged.add(order.number)
    if one.filled_lots != order.filled_lots:
        _compare_fills(look, order, one)
    elif order.status in _NOT_KNOWN or order.status is _S.HELD:
        mark = f"{_K.ORDER_STATUS}:{order.number}:{order.status}"
        look.is_sure(mark)
        text = f"{_name(order)} is {order.status} here and open at the venue"
        _add(look, _K.ORDER_STATUS, order, (str(order.status), "open"), _A.ASKED, text, mark)
    _compare_terms(look, order, one)


def _compare_fills(look: Look, order: Order, one: VenueOrder) -> None:
    mark = f"{_K.ORDER_FILLS}:{order.number}:{one.filled_lots - order.filled_lots}"
    both = f"{order.filled_lots} lots", f"{one.filled_lots} lots"
    text = f"{_name(order)} has filled {both[0]} here and {both[1]} at the venue"
    if one.filled_lots < order.filled_lots:
        look.is_sure(mark)
        _add(look, _K.ORDER_FILLS, order, both, _A.NOTED, f"{text}, which answers late", mark)
        return
    look.undecided.add(order.position_id or order.symbol)
    if look.lasts(mark):
        text += "; the venue does not tell the fills: compare its trades"
        _add(look, _K.ORDER_FILLS, order, both, _A.REFUSED, text, mark)
        return
    _add(look, _K.ORDER_FILLS, order, both, _A.ASKED, text, mark)


def _compare_terms(look: Look, order: Order, one: VenueOrder) -> None:
    changes = {
        name: getattr(one, name)
        for name in _TERMS
        if getattr(one, name) is not None and _differs(order, name, getattr(one, name))
    }
    if not changes:
        return
    ours = ", ".join(f"{name} {getattr(order, name)!r}" for name in changes)
    venues = ", ".join(f"{name} {value!r}" for name, value in changes.items())
    mark = f"{_K.ORDER_TERMS}:{order.number}:{venues}"
    text = f"{_name(order)} has {ours} here and {venues} at the venue"
    action = _A.WAITED
    if look.is_sure(mark):
        fits = changes.get("lots", order.lots) > max(order.filled_lots, one.filled_lots)
        action = _A.ADOPTED if fits and order.type is not OrderType.MARKET else _A.NOTED
    if action is _A.ADOPTED:
        for name, value in changes.items():
            setattr(order, name, value)
    _add(look, _K.ORDER_TERMS, order, (ours, venues), action, text, mark)


def _differs(order: Order, name: str, value: float) -> bool:
    ours = getattr(order, name)
    if name == "lots":
        return bool(ours != value)
    if ours is None or (name == "trigger_price" and order.type is OrderType.TRAILING_STOP):
        return False  # a venue may show a price where an order has none, and moves triggers that trail
    grid = order.instrument.on_grid
    return grid(ours) != grid(value)


# -- open there, not here ----------------------------------------------------------------------------------------------


def _stray(look: Look, one: VenueOrder) -> None:
    """Judge an order that nobody here manages."""
    policy, is_ours = look.policy.foreign_orders, one.number > 0
    kind = _K.ORDER_UNEXPECTED if is_ours else _K.ORDER_FOREIGN
    mark = f"{kind}:{one.venue_order_id}"
    is_sure = look.is_sure(mark)
    shown = f"{one.side.name.lower()} {one.lots} lots of {one.symbol}"
    if is_ours:
        known = "is closed here" if one.number <= look.kernel.order_count else "is not in the journal"
        text = f"order {one.client_order_id} ({shown}) is open at the venue and {known}"
    else:
        text = f"order {one.venue_order_id} ({shown}) at the venue is none of this session"
    action = {"ignore": _A.IGNORED, "cancel": _A.CANCELED, "refuse": _A.REFUSED}[policy]
    if action is not _A.IGNORED and not is_sure:
        action = _A.WAITED
    if action is _A.CANCELED:
        look.cancel.append(one.venue_order_id)
    elif action is _A.REFUSED:
        text += "; cancel it, or set live.foreign_orders to cancel or ignore"
    subject = one.client_order_id if is_ours else one.venue_order_id
    venues = f"{one.side.name.lower()} {one.filled_lots} of {one.lots} lots filled"
    look.add(kind, one.symbol, subject, ("not open", venues), action, text, mark=mark)


def _name(order: Order) -> str:
    return f"order {order.client_order_id} ({order.side.name.lower()} {order.lots} lots of {order.symbol})"


def _add(
    look: Look,
    kind: DifferenceKind,
    order: Order,
    both: tuple[str, str],
    action: DifferenceAction,
    text: str,
    mark: str,
) -> None:
    look.add(kind, order.symbol, order.client_order_id, both, action, text, mark=mark, order=order)
