"""No leverage without a stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline.hookspecs import hookimpl
from hookline.model import InstrumentKind, Order, OrderType, Position
from hookline.params import Doc, Ge
from hookline.risk.exposure import is_part, lots_if_filled, reference_price
from hookline.risk.rule import Account, RiskRule, Verdict, deny

__all__ = ["RequireStop"]

_SPOT = InstrumentKind.SPOT
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
        if (instrument.kind is _SPOT and not instrument.can_short) or _carries_stop(order) or is_part(order):
            return None
        ledger = account.ledgers[order.strategy]
        position = ledger.positions[order.position_id or instrument.symbol]
        equity = ledger.equity
        others = account.open_orders(order.strategy, instrument.symbol)
        value = _value_if_filled(order, position, others, account)
        # A hair above is what rounding does to a position of all the equity.
        if value <= equity * self.threshold_leverage * (1.0 + 1e-9):
            return None
        lots = lots_if_filled(order, account)
        covered = _covered_lots(order, others)
        if covered >= lots:
            return None
        found = f"stops cover {instrument.units(covered):g} of {instrument.units(lots):g}"
        return deny(
            f"position could be worth {value:.2f} with {equity:.2f} of equity: it needs a stop, {found}"
        )


def _carries_stop(order: Order) -> bool:
    # Most orders have no children: a loop over none costs less here than a generator.
    for child in order.children:  # noqa: SIM110
        if child.type in _STOPS:
            return True
    return False


def _value_if_filled(order: Order, position: Position, others: Sequence[Order], account: Account) -> float:
    """Return what the position would be worth in the session's currency if all open orders on the order's side filled."""
    side, last = order.side, abs(position.market.last)
    signed = side * position.lots
    held, against = (signed, 0) if signed > 0 else (0, -signed)
    value = held * last
    opening = [order]
    if others:
        ours = [
            one
            for one in others
            if one.side is side and one.position_id == order.position_id and one.number != order.number
        ]
        against -= min(against, sum(one.open_lots for one in ours if one.reduce_only))
        opening = [*(one for one in ours if not (one.reduce_only or is_part(one))), order]
    for one in opening:
        lots = one.lots - one.filled_lots
        closing = min(against, lots)
        against -= closing
        price = abs(reference_price(one, account))
        value += (lots - closing) * (min(price, last) if last == last else price)  # noqa: PLR0124
    return value * order.instrument.units(1) * position.wallet.rate


def _covered_lots(order: Order, others: Sequence[Order]) -> int:
    return sum(
        one.open_lots
        for one in others
        if one.reduce_only
        and one.type in _STOPS
        and one.side is not order.side
        and one.position_id == order.position_id
    )


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [RequireStop]
