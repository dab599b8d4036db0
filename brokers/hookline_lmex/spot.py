"""Calls of the spot product, version 3.3; its wallet's at 3.2, where alone they are documented.

Withdrawals, addresses for deposits and transfers to other users are left out on purpose: a trading engine must not be able to move
money out of an account. Give it a key without those permissions all the same.
"""

from __future__ import annotations

from decimal import Decimal

from hookline_lmex import parse_account, parse_market
from hookline_lmex.endpoints import Endpoint
from hookline_lmex.limits import CallClass
from hookline_lmex.product import ProductApi, read, write
from hookline_lmex.results import (
    Balance,
    Conversion,
    Network,
    ServerTime,
    SubaccountRecord,
    WalletRecord,
)

__all__ = ["SERVER_TIME", "SpotApi"]

SERVER_TIME = read("/spot/api/v3.3/time", signed=False, kind=CallClass.CLOCK)
_WALLET = "/spot/api/v3.2/user/wallet"


class SpotApi(ProductApi):
    """Spot: sizes are base units."""

    base = "/spot/api/v3.3"
    is_futures = False

    async def server_time(self) -> ServerTime:
        """Return the venue's clock."""
        return await self._transport.call(SERVER_TIME, parse_market.server_time)

    async def wallet(self) -> list[Balance]:
        """Return the balances, one for each currency."""
        return await self._transport.call(_wallet_read(_WALLET), parse_account.balances)

    async def wallet_history(
        self,
        currency: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        count: int | None = None,
    ) -> list[WalletRecord]:
        """Return changes of the wallet, oldest first."""
        params = {
            "currency": currency,
            "startTime": start_ms,
            "endTime": end_ms,
            "count": count,
            "useNewSymbolNaming": "true",
        }
        return await self._transport.call(
            _wallet_read(f"{_WALLET}_history"), parse_account.wallet_records, params
        )

    async def available_currencies(self, action: str = "CONVERT") -> list[str]:
        """Return the currencies that can be converted (``CONVERT``), withdrawn (``WITHDRAW``) or sent (``SEND``)."""
        endpoint = read("/spot/api/v3.2/availableCurrencies", signed=False)
        return await self._transport.call(endpoint, parse_market.texts, {"action": action})

    async def convert(self, amount: Decimal, from_currency: str, to_currency: str) -> Conversion:
        """Change one currency into another inside the wallet; sent once."""
        body = {"amount": format(amount, "f"), "fromAsset": from_currency, "toAsset": to_currency}
        endpoint = write(f"{_WALLET}/convert", kind=CallClass.WALLET)
        return await self._transport.call(endpoint, parse_account.conversion, body=body)

    async def subaccount_history(
        self, start_ms: int | None = None, end_ms: int | None = None, page: int = 1, page_size: int = 50
    ) -> tuple[list[SubaccountRecord], int]:
        """Return one page of transfers between sub-accounts, and how many pages there are."""
        params = {"startTime": start_ms, "endTime": end_ms, "page": page, "pageSize": page_size}
        endpoint = _wallet_read("/spot/api/v3.2/subaccount/wallet/history")
        return await self._transport.call(endpoint, parse_account.subaccount_records, params)

    async def networks(self, currency: str) -> list[Network]:
        """Return the chains of a coin, with fees and limits as texts."""
        endpoint = read("/public-api/wallet/v1/crypto/networks", signed=False)
        return await self._transport.call(endpoint, parse_market.networks, {"crypto": currency})

    async def exchange_rate(
        self, base_currency: str, quote_currency: str, amount: Decimal = Decimal(1)
    ) -> Decimal:
        """Return what one currency is worth in another."""
        params = {
            "baseCurrency": base_currency,
            "amount": format(amount, "f"),
            "quoteCurrency": quote_currency,
        }
        endpoint = read("/public-api/wallet/v1/assets/exchangeRate", signed=False)
        return await self._transport.call(endpoint, parse_market.exchange_rate, params)


def _wallet_read(path: str) -> Endpoint:
    return read(path, kind=CallClass.WALLET)
