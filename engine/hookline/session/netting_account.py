"""The account that strategies share, beside their own ledgers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookline.clock import Clock
from hookline.model import Ledger, Order, Position
from hookline.simulation.twins import fill_twin, twin_of_ledger

__all__ = ["ACCOUNT", "Account", "VenueClock"]

ACCOUNT = "account"
_TOLERANCE = 1e-9


class VenueClock:
    """The session's clock, held at an earlier time while what happened then is settled."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.held: int | None = None

    @property
    def now(self) -> int:
        """Nanoseconds UTC."""
        return self._clock.now if self.held is None else self.held


class Account:
    """One ledger with the cash of all strategies; what they hold adds up to what it holds.

    Args:
        ledgers: Of the strategies, by id.
    """

    def __init__(self, ledgers: Mapping[str, Ledger]) -> None:
        self.ledgers = dict(ledgers)
        first = next(iter(self.ledgers.values()))
        self.ledger = twin_of_ledger(first)
        self.ledger.strategy = ACCOUNT
        self.ledger.start_cash = sum(one.start_cash for one in self.ledgers.values())
        for number, wallet in enumerate(self.ledger.wallets):
            wallet.cash = wallet.start_cash = sum(one.wallets[number].cash for one in self.ledgers.values())
        self._told = self._cash()
        self._fill_count = 0

    def position_of(self, order: Order) -> Position:
        """Return the position of its strategy that an order changes."""
        return self.ledgers[order.strategy].positions[order.position_id or order.symbol]

    def holders(self, id_: str) -> list[Position]:
        """Return a position of every strategy, in the order of the strategies."""
        return [ledger.positions[id_] for ledger in self.ledgers.values()]

    def book(self, order: Order, lots: int, price: float, fee: float, is_maker: bool, time: int) -> None:
        """Fill an order of the account and book it."""
        self._fill_count += 1
        self.ledger.book(fill_twin(self._fill_count, order, lots, price, fee, is_maker, time))

    def bring_cash(self) -> None:
        """Bring to the account what else than fills has changed the strategies' cash since the last call of ``note_cash``."""
        for wallet, now, told in zip(self.ledger.wallets, self._cash(), self._told, strict=True):
            wallet.cash += now - told
        self.note_cash()

    def note_cash(self) -> None:
        """Note that the account has the cash that strategies have now."""
        self._told = self._cash()

    def _cash(self) -> list[float]:
        rows = zip(*(ledger.wallets for ledger in self.ledgers.values()), strict=True)
        return [sum(wallet.cash for wallet in row) for row in rows]

    def differences(self) -> list[str]:
        """Return where the strategies do not add up to the account, empty where they do."""
        found = []
        for id_, position in self.ledger.positions.items():
            lots = sum(one.lots for one in self.holders(id_))
            if lots != position.lots:
                found.append(f"{id_}: strategies hold {lots} lots, the account {position.lots}")
        for number, wallet in enumerate(self.ledger.wallets):
            parts = [ledger.wallets[number].cash for ledger in self.ledgers.values()]
            scale = max(1.0, abs(wallet.start_cash), *map(abs, parts))
            if not abs(sum(parts) - wallet.cash) <= _TOLERANCE * scale:
                found.append(f"{wallet.name}: strategies have {sum(parts)!r}, the account {wallet.cash!r}")
        return found

    # -- restarts ------------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """Return what the account holds, as values that JSON can hold."""
        return {
            "fills": self._fill_count,
            "cash": [wallet.cash for wallet in self.ledger.wallets],
            "positions": {
                id_: [one.lots, one.entry_price, one.opened, one.realized, one.fees]
                for id_, one in self.ledger.positions.items()
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``save`` returned, once the strategies' ledgers are as they were."""
        self._fill_count = state["fills"]
        for wallet, cash in zip(self.ledger.wallets, state["cash"], strict=True):
            wallet.cash = cash
        for id_, row in state["positions"].items():
            one = self.ledger.positions[id_]
            one.lots, one.entry_price, one.opened, one.realized, one.fees = row
            one.quantity = one.market.instrument.units(one.lots)
        self.note_cash()
