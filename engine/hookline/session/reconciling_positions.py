"""Positions here against those at the venue, once fills are caught up with.

What happens where a position is adopted: the difference is booked as a fill of an order with the tag ``reconciled``, without a fee, to
the one strategy that trades the symbol.

=============================  ==================================================================================================
the venue holds more, or       at the price that gives our position the venue's entry price. Cash falls by what that is worth, as
holds what we do not           for any purchase (rises, for a short), so equity changes by what the missing fills have gained or
                               lost by now, which is what the venue shows
the venue holds less           at the mark price, else the last price: cash changes by what the position does, and equity stays.
                               What the venue has really paid for it shows as a difference of balances
the venue holds the other way  first ours is closed as above, then the rest is opened at the venue's entry price
=============================  ==================================================================================================

Of spot the venue may hold less than was bought because it takes fees in what was bought: what the fees booked so far are worth, and
what is less than a lot, is no difference that a position policy is asked about.
"""

from __future__ import annotations

import math

from hookline.model import InstrumentKind, Market, Order, OrderType, Position, Side, VenuePosition
from hookline.session.differences import DifferenceAction, DifferenceKind
from hookline.session.reconciling_look import Look

__all__ = ["TAG", "compare_positions"]

TAG = "reconciled"
_A, _K = DifferenceAction, DifferenceKind
# Prices of missing fills further than this from the venue's entry price are not believed.
_PLAUSIBLE = 2.0


def compare_positions(look: Look) -> None:
    """Compare what is held, and do what the policy says about differences."""
    ours = {
        id_: one.market for ledger in look.kernel.ledgers.values() for id_, one in ledger.positions.items()
    }
    for id_, market in ours.items():
        if look.moved.positions.intersection(look.together(id_)):
            continue
        excess = look.excess(id_)
        # What is one holding at the venue is judged once, under the first symbol.
        if excess and look.together(id_)[0] == id_ and not _is_fee(look, id_, market, excess):
            _judge(look, id_, market, excess, look.venue(id_))
    for id_ in {one.position_id: None for one in look.account.positions}:
        venue = look.venue(id_)
        if id_ not in ours and venue is not None and venue.symbol in look.kernel.markets and look.excess(id_):
            _judge_mode(look, venue)


def _judge(look: Look, id_: str, market: Market, excess: int, venue: VenuePosition | None) -> None:
    symbol, policy = market.instrument.symbol, look.policy.foreign_positions
    mark = f"{_K.POSITION}:{id_}:{excess}"
    is_sure = look.is_sure(mark)
    both = f"{look.held(id_)} lots", f"{0 if venue is None else venue.lots} lots"
    known = look.memory.offsets.get(id_, 0)
    besides = f" and {known} lots besides are ignored" if known else ""
    text = f"position {id_}: strategies hold {both[0]}{besides}, the venue holds {both[1]}"
    strategy, action = look.adopter(symbol), _A.REFUSED
    if not is_sure or id_ in look.undecided:
        action, strategy = _A.WAITED, ""
    elif policy == "ignore":
        action = _A.IGNORED
        look.memory.offsets[id_] = known + excess
    elif strategy:
        action = _A.ADOPTED
        text += f"; booked to {strategy}: {_adopt(look, strategy, id_, excess, venue)}"
    else:
        text += f"; {_remedy(look, symbol)}"
    look.add(_K.POSITION, symbol, id_, both, action, text, mark=mark, strategy=strategy)


def _remedy(look: Look, symbol: str) -> str:
    if look.policy.foreign_positions == "adopt":
        names, traders = look.together(symbol), look.policy.traders.get(symbol, ())
        found = f"{' and '.join(names)} are one holding there"
        if len(names) == 1:
            found = f"{symbol} is traded by {' and '.join(traders) or 'no strategy'}"
        return f"it cannot be adopted, {found}: bring the venue's position to what they hold"
    return "bring them together at the venue, or set live.foreign_positions to adopt or ignore"


def _judge_mode(look: Look, venue: VenuePosition) -> None:
    """Judge a position of a symbol that is held in another mode than the session trades."""
    mark = f"{_K.POSITION_MODE}:{venue.position_id}"
    is_sure = look.is_sure(mark)
    text = (
        f"position {venue.position_id}: the venue holds {venue.lots} lots, and the session has no such position; "
        f"set instruments.{venue.symbol}.position_mode to the venue's, or close it there"
    )
    action = _A.REFUSED if is_sure else _A.WAITED
    if is_sure and look.policy.foreign_positions == "ignore":
        action = _A.IGNORED
        look.memory.offsets[venue.position_id] = venue.lots
    both = "no such position", f"{venue.lots} lots"
    look.add(_K.POSITION_MODE, venue.symbol, venue.position_id, both, action, text, mark=mark)


def _is_fee(look: Look, id_: str, market: Market, excess: int) -> bool:
    """Return whether fees taken in what was bought explain what is missing of spot, and note it if they do."""
    instrument = market.instrument
    if instrument.kind is not InstrumentKind.SPOT or excess > 0:
        return False
    positions = [position for name in look.together(id_) for position in look.positions(name)]
    price = next((one.entry_price for one in positions if one.lots > 0), market.last)
    fees = sum(one.fees for one in positions)
    lots = fees / (price * instrument.units(1)) if price > 0.0 and fees > 0.0 else 0.0
    # One more: the venue's quantity is rounded down to lots.
    if -excess > math.floor(lots) + 1:
        return False
    held = sum(one.lots for one in positions)
    text = f"{id_}: the venue holds {-excess} lots less than was bought, as fees taken in {instrument.base or id_} explain"
    look.add(
        _K.BASE_FEES, instrument.symbol, id_, (f"{held} lots", f"{held + excess} lots"), _A.NOTED, text,
        mark=f"{_K.BASE_FEES}:{id_}:{excess}",
    )  # fmt: skip
    return True


# -- adopting ----------------------------------------------------------------------------------------------------------


def _adopt(look: Look, strategy: str, id_: str, excess: int, venue: VenuePosition | None) -> str:
    """Book a difference to a strategy's position, and return how in a few words."""
    kernel = look.kernel
    position = kernel.ledgers[strategy].positions[id_]
    instrument = position.market.instrument
    side = Side.BUY if excess > 0 else Side.SELL
    order = Order(
        0, strategy, instrument, side, OrderType.MARKET, abs(excess), look.now,
        tag=TAG, position_id="" if id_ == instrument.symbol else id_,
    )  # fmt: skip
    parts = _parts(position, excess, venue)
    kernel.order_adopted(order)
    for lots, price in parts:
        kernel.order_filled(order, lots, price, 0.0, False, look.now)
    return ", ".join(f"{side.name.lower()} {lots} lots at {price:g}" for lots, price in parts)


def _parts(position: Position, excess: int, venue: VenuePosition | None) -> list[tuple[int, float]]:
    """Return lots without a sign and prices of the fills that bring a position to the venue's."""
    held = position.lots
    closing = min(abs(held), abs(excess)) if held * excess < 0 else 0
    adding = abs(excess) - closing
    parts = [(closing, _closing_price(position, venue))] if closing else []
    if adding:
        parts.append((adding, _entry_price(position, 0 if closing else held, excess, venue)))
    return parts


def _closing_price(position: Position, venue: VenuePosition | None) -> float:
    market = position.market
    known = (math.nan if venue is None else venue.mark_price, market.mark, market.last, position.entry_price)
    return next(price for price in known if price == price)  # noqa: PLR0124


def _entry_price(position: Position, held: int, excess: int, venue: VenuePosition | None) -> float:
    """Return the price of the missing fills: the one that makes our entry price the venue's."""
    entry = math.nan if venue is None else venue.entry_price
    if not entry > 0.0:
        return _closing_price(position, venue)
    if not held:
        return entry
    price = ((held + excess) * entry - held * position.entry_price) / excess
    return price if entry / _PLAUSIBLE <= price <= entry * _PLAUSIBLE else entry
