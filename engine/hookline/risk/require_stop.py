"""No leverage without a stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline.hookspecs import hookimpl
from hookline.model import InstrumentKind, Order, OrderType
from hookline.params import Doc, Ge
from hookline.risk.exposure import is_part, lots_if_filled, position_of, reference_price
from hookline.risk.rule import Account, RiskRule, Verdict, deny

__all__ = ["RequireStop"]

_STOPS = frozenset({OrderType.STOP, OrderType.TRAILING_STOP})


@dataclass
class RequireStop(RiskRule):
    """Deny an order that would leave a leveraged position without a protective stop.

    A position is leveraged once it is worth more than the strategy's equity times ``threshold_leverage``, all open orders on its
    side filled, each valued at its own price or the last one, whichever is less. Then an order must carry a ``stop_loss``
    or ``stop_loss_trail``, or reduce-only stops that are open already must cover everything that would be held. Stop-limit
    orders do not count: they may not fill. Spot that cannot be borrowed passes, and so do parts of an order that an
    execution algorithm works: that order was judged.
    """

    name: ClassVar[str] = "require_stop"

    threshold_leverage: Annotated[float, Ge(0), Doc("notional over equity from which a stop is needed")] = 1.0

    def check(self, order: Order, account: Account) -> Verdict | None:
        instrument = order.instrument
        if instrument.kind is InstrumentKind.SPOT and not instrument.can_short:
            return None
        if any(child.type in _STOPS for child in order.children) or is_part(order):
            return None
        equity = account.ledgers[order.strategy].equity
        most = equity * self.threshold_leverage
        value = _value_if_filled(order, account)
        # A hair above is what rounding does to a position of all the equity.
        if value <= most * (1.0 + 1e-9):
            return None
        lots = lots_if_filled(order, account)
        covered = _covered_lots(order, account)
        if covered >= lots:
            return None
        found = f"stops cover {instrument.units(covered):g} of {instrument.units(lots):g}"
        return deny(
            f"position could be worth {value:.2f} with {equity:.2f} of equity: it needs a stop, {found}"
        )


def _value_if_filled(order: Order, account: Account) -> float:
    """Return what the position would be worth in the session's currency if all open orders on the order's side filled."""
    position = position_of(order, account)
    last = abs(position.market.last)
    side = order.side
    held = max(side * position.lots, 0) * last
    against = max(-side * position.lots, 0)
    orders = [
        one
        for one in account.open_orders(order.strategy, order.symbol)
        if one.side is side and one.position_id == order.position_id and one.number != order.number
    ]
    against -= min(against, sum(one.open_lots for one in orders if one.reduce_only))
    opening = [one for one in orders if not (one.reduce_only or is_part(one))]
    for one in (*opening, order):
        closing = min(against, one.open_lots)
        against -= closing
        price = abs(reference_price(one, account))
        held += (one.open_lots - closing) * (min(price, last) if last == last else price)  # noqa: PLR0124
    return held * order.instrument.units(1) * position.wallet.rate


def _covered_lots(order: Order, account: Account) -> int:
    return sum(
        one.open_lots
        for one in account.open_orders(order.strategy, order.symbol)
        if one.reduce_only
        and one.type in _STOPS
        and one.side is not order.side
        and one.position_id == order.position_id
    )


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [RequireStop]
