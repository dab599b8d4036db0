"""What a ledger can afford."""

from __future__ import annotations

from hookline.model import Ledger, Position

__all__ = ["affordable_lots"]


def affordable_lots(
    ledger: Ledger, position: Position, side: int, price: float, fee_rate: float, leverage: float
) -> int:
    """Return the most lots that may be filled at a price on that side, fee included; 0 or less for none.

    After the fill, the value of all positions must not exceed ``leverage`` times the equity left after the fee. With
    leverage 1 that is: spot is bought from cash. What closes the position needs no funds and may always be filled.
    """
    closing = max(0, -side * position.lots)
    own = position.quantity * price
    equity, others = position.wallet.cash + own, 0.0
    if len(ledger.positions) > 1:
        for other in ledger.positions.values():
            if other is not position and other.wallet is position.wallet:
                equity += other.notional
                others += abs(other.notional)
    # leverage * (equity - fee) >= others + |own + side * x * price|, with fee = x * price * rate
    room = leverage * equity - others - side * own
    if price <= 0.0 or room <= 0.0:
        return closing
    return max(closing, position.market.instrument.lots(room / (price * (1.0 + leverage * fee_rate))))
