"""Round trips as rules see them: from flat to flat, fill by fill."""

from __future__ import annotations

from typing import Any

from hookline.model import Fill
from hookline.risk.rule import Account

__all__ = ["closed_round_trip", "reduces"]


def reduces(fill: Fill, account: Account) -> bool:
    """Return whether a fill that was just booked closed a part of a position, or all of it."""
    after = account.ledgers[fill.strategy].positions[fill.position_id or fill.symbol].lots
    return (after - fill.side * fill.lots) * fill.side < 0


def closed_round_trip(
    open_profits: dict[str, Any], fill: Fill, realized: float, account: Account
) -> float | None:
    """Return the profit after fees of the round trip that a fill ended, None if it ended none; funding is left out.

    A fill that turns a position ends one round trip and begins the next; its fee is shared by quantity.

    Args:
        open_profits: What the round trips under way have made so far, by position; a part of the rule's state.
        fill: A fill that was just booked.
        realized: The profit that it realized before fees.
        account: The account.
    """
    place = fill.position_id or fill.symbol
    key = f"{fill.strategy} {place}"
    after = account.ledgers[fill.strategy].positions[place].lots
    before = after - fill.side * fill.lots
    so_far = float(open_profits.get(key, 0.0)) + realized
    if after != 0 and (before == 0 or (before > 0) == (after > 0)):
        open_profits[key] = so_far - fill.fee
        return None
    opening_fee = fill.fee * abs(after) / fill.lots
    if after:
        open_profits[key] = -opening_fee
    else:
        open_profits.pop(key, None)
    return so_far - (fill.fee - opening_fee)
