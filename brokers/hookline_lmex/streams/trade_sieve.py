"""Lets each public trade through once, in the order in which they happened.

Rules of this file:

- Trades are told apart by their ids alone: many share a millisecond, and ids inside one are in no order.
- A subscription may begin with trades of the past. Those from before it was first made are history, not news; they are remembered, so
  that no other spelling of the topic brings them back. After a reconnect the same batch brings what was missed meanwhile.
- A message whose first trade is newer than its last is newest first, and is turned round.
"""

from __future__ import annotations

from collections.abc import Sequence

from hookline_lmex.streams.wire import TradeData

__all__ = ["TradeSieve"]

_REMEMBERED = 4096


class TradeSieve:
    """The trades of one market that were seen.

    Attributes:
        repeated: How many trades came again.
        old: How many were from before the subscription.
    """

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self.repeated = self.old = 0
        self._remembered = remembered
        self._seen: dict[int, None] = {}

    def news(self, trades: Sequence[TradeData], since_ms: int = 0) -> list[TradeData]:
        """Return the trades that are new, oldest first.

        Args:
            trades: Those of one market in one message.
            since_ms: Trades before this are history.
        """
        seen = self._seen
        fresh: list[TradeData] = []
        for trade in trades:
            if trade.trade_id in seen:
                self.repeated += 1
                continue
            seen[trade.trade_id] = None
            if trade.timestamp < since_ms:
                self.old += 1
                continue
            fresh.append(trade)
        while len(seen) > self._remembered:
            del seen[next(iter(seen))]
        if len(fresh) > 1 and trades[0].timestamp > trades[-1].timestamp:
            fresh.reverse()
        return fresh
