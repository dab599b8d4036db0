"""Cash replayed in decimals from the rows as they stand in the file, apart from every other reading of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hookline.journal.header import SessionHeader
from hookline.reporting.plain import decimal_text

if TYPE_CHECKING:
    from hookline.journal.reader import Commit

__all__ = ["Audit"]

# Cash is kept in floats: it may miss the decimals by this share of all the money that flowed.
_TOLERANCE = Decimal("1e-9")


class Audit:
    """Follows the money, commit by commit; ``fault`` is the first that was found, else empty."""

    def __init__(self) -> None:
        self.balances = 0
        self.fault = ""
        self._header: SessionHeader | None = None
        self._cash: dict[tuple[str, str], Decimal] = {}
        self._flows: dict[tuple[str, str], Decimal] = {}

    def follow(self, commit: Commit) -> None:
        """Add a commit and compare the balances that it records."""
        rows = commit.rows
        for row in rows.get("sessions", ()):
            self._begin(SessionHeader.from_text(row[1], row[2], row[3], row[5]))
        for row in rows.get("fills", ()):
            sign = -1 if row[5] == "buy" else 1
            self._flow(row[3], row[4], sign * Decimal(row[7]) * Decimal(row[8]) - Decimal(row[9]))
        for _, strategy, symbol, amount in rows.get("payments", ()):
            self._flow(strategy, symbol, Decimal(amount))
        for _, ledger, wallet, cash in rows.get("balances", ()):
            self.balances += 1
            self._compare(commit.number, ledger, wallet, Decimal(cash))

    def _compare(self, commit: int, ledger: str, wallet: str, cash: Decimal) -> None:
        key = (ledger, wallet)
        replayed, flowed = self._cash.get(key, Decimal(0)), self._flows.get(key, Decimal(0))
        if not self.fault and abs(replayed - cash) > _TOLERANCE * max(Decimal(1), flowed):
            meant, found = decimal_text(replayed.normalize()), decimal_text(cash)
            self.fault = f"commit {commit}: cash of {ledger!r} in {wallet!r} must be {meant} after all fills and payments, was {found}"

    def _begin(self, header: SessionHeader) -> None:
        self._header = header
        for strategy in header.strategies:
            for wallet, cash in header.start_cash(strategy).items():
                amount = Decimal(repr(cash))
                self._cash.setdefault((strategy.id, wallet), amount)
                self._flows.setdefault((strategy.id, wallet), abs(amount))

    def _flow(self, strategy: str, symbol: str, amount: Decimal) -> None:
        assert self._header is not None, "a journal begins with a session"
        key = (strategy, self._header.wallet(symbol))
        self._cash[key] = self._cash.get(key, Decimal(0)) + amount
        self._flows[key] = self._flows.get(key, Decimal(0)) + abs(amount)
