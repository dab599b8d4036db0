"""What a broker says of how it fills bars, for those who simulate many runs without it."""

from __future__ import annotations

from dataclasses import dataclass

from hookline.simulation.fees import MakerTaker
from hookline.simulation.slippage import BarSlippage

__all__ = ["BarRules"]


@dataclass(frozen=True, slots=True)
class BarRules:
    """The choices that the rules of ``fills.py``, ``core.py`` and ``liquidation.py`` leave open.

    A broker that returns them from ``Broker.bar_rules`` fills bars as a ``BarVenue`` made with the same values does.

    Args:
        fees: Of fills; the taker's is the broker's ``taker_fee``.
        slippage: Of market and stop orders.
        leverage: Of instruments that have chosen none.
        liquidation_fee: Further fee of a liquidation, as a fraction of notional.
        through: Whether the price must pass a limit rather than touch it.
        walk_path: Whether orders fill along a path inside a bar; else stops before limits.
        fills_at_close: Whether market orders sent as a bar ends fill at its close.
    """

    fees: MakerTaker
    slippage: BarSlippage
    leverage: float = 1.0
    liquidation_fee: float = 0.0
    through: bool = False
    walk_path: bool = False
    fills_at_close: bool = False
