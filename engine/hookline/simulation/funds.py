"""What a ledger can afford."""

from __future__ import annotations

from hookline.model import Ledger, Position

__all__ = ["affordable_lots"]


def affordable_lots(ledger: Ledger, position: Position, side: int, price: float, fee_rate: float, leverage: float) -> int:
    """Return the most lots that may be filled at a price on that side, fee included; 0 or less for none.

    After the fill, the value of all positions must not exceed ``leverage`` times the equity left after the fee. With
    leverage 1 that is: spot is bought from cash.
    """
    instrument = position.market.instrument
    own = position.quantity * price
    others = sum(abs(p.notional) for p in ledger.positions.values() if p is not position)
    equity = ledger.cash + own + sum(p.notional for p in ledger.positions.values() if p is not position)
    # leverage * (equity - fee) >= others + |own + side * x * price|, with fee = x * price * rate
    room = leverage * equity - others - side * own
    if price <= 0.0 or room <= 0.0:
        return 0
    return instrument.lots(room / (price * (1.0 + leverage * fee_rate)))
