"""How a live session is compared with its venue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from hookline.params import Doc, Ge, Gt

__all__ = ["ForeignOrders", "ForeignPositions", "LiveRules", "ReconcilePolicy"]

ForeignOrders = Literal["refuse", "cancel", "ignore"]
ForeignPositions = Literal["refuse", "adopt", "ignore"]


@dataclass(frozen=True)
class LiveRules:
    """How often a session is compared with its venue, and what becomes of what it cannot account for."""

    reconcile_seconds: Annotated[
        float, Gt(0), Doc("time between two comparisons with the venue's orders, positions and balances")
    ] = 60.0
    foreign_orders: Annotated[
        ForeignOrders,
        Doc("open orders that the session does not know: it refuses to trade, cancels them, or lets them be"),
    ] = "refuse"
    foreign_positions: Annotated[
        ForeignPositions,
        Doc(
            "a position that fills do not account for: the session refuses to trade, books it to the one strategy of the symbol, "
            "or remembers the difference"
        ),
    ] = "refuse"
    unknown_grace_seconds: Annotated[
        float, Ge(0), Doc("how long the venue must not know an order before it counts as never arrived")
    ] = 15.0
    settle_seconds: Annotated[
        float, Gt(0), Doc("how long a comparison waits for requests that are under way; then it is put off")
    ] = 5.0
    balance_tolerance_fraction: Annotated[
        float, Ge(0), Doc("how much less than expected the venue may hold before that is told")
    ] = 0.001

    def policy(self, traders: Mapping[str, Sequence[str]]) -> ReconcilePolicy:
        """Return the part that a single comparison needs; ``traders`` are the strategies that trade each symbol."""
        return ReconcilePolicy(
            self.foreign_orders,
            self.foreign_positions,
            self.unknown_grace_seconds,
            self.balance_tolerance_fraction,
            {symbol: tuple(strategies) for symbol, strategies in traders.items()},
        )


@dataclass(frozen=True)
class ReconcilePolicy:
    """What a comparison does about what it finds.

    Args:
        foreign_orders: As in :class:`LiveRules`.
        foreign_positions: As in :class:`LiveRules`.
        grace_seconds: How long the venue must not know an order before it counts as never arrived.
        balance_tolerance_fraction: How much less than expected the venue may hold before that is told.
        traders: Ids of the strategies that trade each symbol; only where it is one, a position can be adopted.
    """

    foreign_orders: ForeignOrders = "refuse"
    foreign_positions: ForeignPositions = "refuse"
    grace_seconds: float = 15.0
    balance_tolerance_fraction: float = 0.001
    traders: Mapping[str, Sequence[str]] = field(default_factory=dict)
