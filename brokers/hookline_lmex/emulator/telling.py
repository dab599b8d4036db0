"""Tells a person what accounts do, one line for each step of an order."""

from __future__ import annotations

from collections.abc import Callable

from hookline.clock import from_ns
from hookline.model import BookUpdate, Quote, Trade
from hookline_lmex.emulator.records import FillNotice, OrderNotice, PositionNotice

__all__ = ["Teller"]

_STATUSES = {
    1: "refused, no market",
    2: "rests",
    4: "filled",
    5: "filled in part",
    6: "canceled",
    7: "refunded, nothing to trade with",
    8: "refused, not enough money",
    9: "waits for its trigger",
    10: "triggered",
    15: "rejected",
    123: "amended",
    1003: "liquidation",
}


class Teller:
    """Listens to the exchange and writes lines.

    Args:
        write: Given each line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def trade(self, symbol: str, trade: Trade, trade_id: int) -> None:
        """Say nothing: it is the market's own."""

    def book(self, symbol: str, update: BookUpdate) -> None:
        """Say nothing: it is the market's own."""

    def quote(self, symbol: str, quote: Quote) -> None:
        """Say nothing: it is the market's own."""

    def order(self, account: str, notice: OrderNotice) -> None:
        """Say what became of an order; what a fill says is left to it."""
        if notice.filled:
            return
        what = _STATUSES.get(notice.status, f"status {notice.status}")
        price = f" at {notice.price:g}" if notice.price else ""
        name = f" ({notice.client_order_id})" if notice.client_order_id else ""
        self._say(
            account, notice.time, f"{notice.side} {notice.current:g} {notice.symbol}{price}{name}: {what}"
        )

    def fill(self, account: str, notice: FillNotice) -> None:
        """Say what was traded."""
        role = "maker" if notice.is_maker else "taker"
        fee = f"fee {notice.fee:.8g} {notice.fee_currency}"
        name = f" ({notice.client_order_id})" if notice.client_order_id else ""
        what = (
            f"{notice.side} {notice.size:g} {notice.symbol}{name}: filled at {notice.price:g}, {role}, {fee}"
        )
        self._say(account, notice.time, what)

    def position(self, account: str, notice: PositionNotice) -> None:
        """Say how a position stands."""
        held = (
            f"{notice.direction} {notice.contracts} at {notice.entry_price:g}" if notice.contracts else "flat"
        )
        self._say(account, notice.time, f"{notice.symbol}: {held}")

    def _say(self, account: str, time: int, text: str) -> None:
        self._write(f"{from_ns(time):%Y-%m-%d %H:%M:%S} {account}: {text}")
