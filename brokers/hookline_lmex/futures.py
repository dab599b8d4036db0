"""Calls of the futures product, version 2.3. Sizes are whole contracts; base units = contracts x the market's contract size.

Withdrawals are left out on purpose, as for spot: a trading engine must not be able to move money out of an account. Transfers here are
between an account's own wallets and its own sub-accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from hookline.errors import OrderError
from hookline.model import MarginMode, Side
from hookline_lmex import parse_account, parse_market
from hookline_lmex.codes import OrderKind, PositionModeName, PriceSource, TransferWallet
from hookline_lmex.limits import CallClass
from hookline_lmex.product import ProductApi, read, write
from hookline_lmex.requests import side_word, trigger_word
from hookline_lmex.results import (
    FundingPoint,
    FuturesWallet,
    LeverageSetting,
    MarginSetting,
    OrderAction,
    PositionModeSetting,
    PositionState,
    PublicTrade,
    RiskLimitSetting,
    RiskTier,
    SettingChange,
    UnifiedMargin,
    WalletRecord,
)

__all__ = ["FuturesApi"]

_BASE = "/futures/api/v2.3"


class FuturesApi(ProductApi):
    """Futures: sizes are whole contracts."""

    base = _BASE
    is_futures = True

    # -- markets ---------------------------------------------------------------------------------------------------------

    async def trades(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        count: int = 500,
        include_old: bool = False,
        before_serial: int | None = None,
        after_serial: int | None = None,
    ) -> list[PublicTrade]:
        """Return prints of a market, oldest first: 500 at most.

        Args:
            symbol: Name of the market.
            start_ms: First time.
            end_ms: Last time.
            count: At most 500.
            include_old: Whether those older than 7 days count.
            before_serial: Only those with a smaller number, for paging inside one millisecond.
            after_serial: Only those with a larger number.
        """
        params = {
            "symbol": symbol,
            "startTime": start_ms,
            "endTime": end_ms,
            "count": count,
            "includeOld": "true" if include_old else None,
            "beforeSerialId": before_serial,
            "afterSerialId": after_serial,
        }
        return await self._get("/trades", parse_market.public_trades, params, signed=False)

    async def funding_history(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        count: int | None = None,
    ) -> list[FundingPoint]:
        """Return funding rates that were settled, oldest first: the last ``count``, or those of a range."""
        if count is not None and (start_ms is not None or end_ms is not None):
            raise OrderError(f"{symbol}: funding is asked for by count or by a range, was both")
        params = {"symbol": symbol, "from": start_ms, "to": end_ms, "count": count}
        found = await self._get("/funding_history", parse_market.funding_points, params, signed=False)
        return found.get(symbol, [])

    async def risk_limits(self, symbol: str | None = None) -> list[RiskTier]:
        """Return the margin tiers of one market or all, lowest first."""
        return await self._get(
            "/market/risk_limit", parse_market.risk_tiers, {"symbol": symbol}, signed=False
        )

    # -- positions -------------------------------------------------------------------------------------------------------

    async def positions(self, symbol: str | None = None) -> list[PositionState]:
        """Return the open positions of one market or all."""
        return await self._get("/user/positions", parse_account.positions, {"symbol": symbol})

    async def close_position(
        self,
        symbol: str,
        kind: OrderKind = OrderKind.MARKET,
        *,
        price: Decimal | None = None,
        post_only: bool = False,
        position_id: str = "",
    ) -> list[OrderAction]:
        """Close a position at the market or with a limit order; sent once.

        Args:
            symbol: Name of the market.
            kind: Market or limit.
            price: Of a limit.
            post_only: Only rest.
            position_id: As the venue's answers name it; needed unless the mode is one-way.

        Raises:
            LmexRefused: if there is no position.
            LmexUnknown: if nobody knows.
        """
        if kind not in (OrderKind.MARKET, OrderKind.LIMIT) or (kind is OrderKind.LIMIT) != (
            price is not None
        ):
            raise OrderError(f"{symbol}: a position is closed at the market, or by a limit with a price")
        body = {
            "symbol": symbol,
            "type": kind.value,
            "price": price,
            "postOnly": post_only or None,
            "positionId": position_id or None,
        }
        return await self._act(write(f"{self._order}/close_position"), body=_set(body))

    async def bind_tpsl(
        self,
        symbol: str,
        *,
        side: Side | None = None,
        take_profit_price: Decimal | None = None,
        take_profit_source: PriceSource | None = None,
        stop_loss_price: Decimal | None = None,
        stop_loss_source: PriceSource | None = None,
        position_mode: PositionModeName | None = None,
        position_id: str = "",
    ) -> list[OrderAction]:
        """Bind a take-profit, a stop or both to a position; sent once.

        Args:
            symbol: Name of the market.
            side: That which closes the position; needed in hedge mode.
            take_profit_price: Trigger of the take-profit.
            take_profit_source: What price it looks at; None leaves it to the venue.
            stop_loss_price: Trigger of the stop.
            stop_loss_source: What price it looks at.
            position_mode: Needed unless it is one-way.
            position_id: As the venue's answers name it; needed for isolated positions.
        """
        if take_profit_price is None and stop_loss_price is None:
            raise OrderError(f"{symbol}: take_profit_price or stop_loss_price must be given, was neither")
        body = {
            "symbol": symbol,
            "side": None if side is None else side_word(side),
            "takeProfitPrice": take_profit_price,
            "takeProfitTrigger": trigger_word(take_profit_source, is_futures=True),
            "stopLossPrice": stop_loss_price,
            "stopLossTrigger": trigger_word(stop_loss_source, is_futures=True),
            "positionMode": None if position_mode is None else position_mode.value,
            "positionId": position_id or None,
        }
        return await self._act(write(f"{self._order}/bind/tpsl"), body=_set(body))

    # -- settings --------------------------------------------------------------------------------------------------------

    async def leverage(self, symbol: str) -> list[LeverageSetting]:
        """Return the leverage that is set: one row, or one for each direction in hedge mode; 0 is the most that cross allows."""
        return await self._get("/leverage", parse_account.leverages, {"symbol": symbol})

    async def set_leverage(
        self,
        symbol: str,
        leverage: Decimal | int,
        margin_mode: MarginMode,
        *,
        position_mode: PositionModeName | None = None,
        position_id: str = "",
    ) -> SettingChange:
        """Set the leverage of a market; 0 is the most that cross margin allows.

        The margin mode is always sent: the venue would take isolated where it is left out, and leave cross as it was.
        """
        body = {
            "symbol": symbol,
            "leverage": leverage,
            "marginMode": margin_mode.value.upper(),
            "positionMode": None if position_mode is None else position_mode.value,
            "positionId": position_id or None,
        }
        return await self._set(f"{_BASE}/leverage", body)

    async def risk_limit(self, symbol: str) -> RiskLimitSetting:
        """Return the risk limit that is set for a market."""
        return await self._get("/risk_limit", parse_account.risk_limit, {"symbol": symbol})

    async def set_risk_limit(
        self, symbol: str, level: int, *, position_mode: PositionModeName | None = None
    ) -> SettingChange:
        """Set the risk limit of a market by the level of ``risk_limits``."""
        body = {
            "symbol": symbol,
            "riskLimitLevel": level,
            "positionMode": None if position_mode is None else position_mode.value,
        }
        return await self._set(f"{_BASE}/risk_limit", body)

    async def position_mode(self, symbol: str | None = None) -> list[PositionModeSetting]:
        """Return how positions of one market or all are held."""
        return await self._get("/position_mode", parse_account.position_modes, {"symbol": symbol})

    async def set_position_mode(self, symbol: str, mode: PositionModeName) -> SettingChange:
        """Set how positions of a market are held; refused while there are orders or a position."""
        return await self._set(f"{_BASE}/position_mode", {"symbol": symbol, "positionMode": mode.value})

    async def settle_in(self, symbol: str, currency: str, *, position_id: str = "") -> None:
        """Set the currency in which a position is settled."""
        body = _set({"symbol": symbol, "currency": currency, "positionId": position_id or None})
        await self._transport.call(write(f"{_BASE}/settle_in"), parse_account.nothing, body=body)

    async def margin_setting(self, symbol: str | None = None) -> list[MarginSetting]:
        """Return margin demands for this account."""
        return await self._get("/user/margin_setting", parse_account.margin_settings, {"symbol": symbol})

    async def _set(self, path: str, body: Mapping[str, object]) -> SettingChange:
        return await self._transport.call(write(path), parse_account.setting_change, body=_set(body))

    # -- wallets ---------------------------------------------------------------------------------------------------------

    async def wallet(self, wallet: str = "CROSS@") -> list[FuturesWallet]:
        """Return a wallet; the name of an isolated one is copied from a position."""
        return await self._transport.call(
            read(f"{_BASE}/user/wallet", kind=CallClass.WALLET),
            parse_account.futures_wallets,
            {"wallet": wallet},
        )

    async def wallet_history(
        self,
        wallet: str = "CROSS@",
        start_ms: int | None = None,
        end_ms: int | None = None,
        count: int | None = None,
    ) -> list[WalletRecord]:
        """Return changes of a wallet, oldest first; payments of funding are among them."""
        params = {"wallet": wallet, "startTime": start_ms, "endTime": end_ms, "count": count}
        endpoint = read(f"{_BASE}/user/wallet_history", kind=CallClass.WALLET)
        return await self._transport.call(endpoint, parse_account.wallet_records, params)

    async def unified_margin(self, symbol: str | None = None, *, position_id: str = "") -> UnifiedMargin:
        """Return the margin of an account with a unified wallet, for a market or a position."""
        params = {"symbol": symbol, "positionId": position_id or None}
        return await self._get("/user/unifiedWallet/margin", parse_account.unified_margin, params)

    async def margin(self, symbol: str | None = None) -> list[FuturesWallet]:
        """Return the wallets behind a market; refused for an account with a unified wallet."""
        return await self._get("/user/margin", parse_account.futures_wallets, {"symbol": symbol})

    async def transfer(
        self,
        currency: str,
        amount: Decimal | None,
        source: TransferWallet,
        destination: TransferWallet,
        *,
        source_wallet: str = "",
        destination_wallet: str = "",
    ) -> list[FuturesWallet]:
        """Move money between the account's own wallets; sent once.

        Args:
            currency: What.
            amount: How much; None for all.
            source: Kind of wallet it leaves.
            destination: Kind of wallet it goes to.
            source_wallet: Name of an isolated wallet, copied from a position.
            destination_wallet: Name of an isolated wallet, copied from a position.
        """
        body = _transfer_body(currency, amount, source, destination, source_wallet, destination_wallet)
        endpoint = write(f"{_BASE}/user/wallet/transfer", kind=CallClass.WALLET)
        return await self._transport.call(endpoint, parse_account.futures_wallets, body=body)

    async def subaccount_transfer(
        self,
        currency: str,
        amount: Decimal | None,
        source: TransferWallet,
        destination: TransferWallet,
        from_user: str,
        receiver: str,
    ) -> None:
        """Move money between the account's own sub-accounts; sent once."""
        body = _transfer_body(currency, amount, source, destination, "", "")
        body |= {"fromUser": from_user, "receiver": receiver}
        endpoint = write(f"{_BASE}/subaccount/wallet/transfer", kind=CallClass.WALLET)
        await self._transport.call(endpoint, parse_account.nothing, body=body)


def _set(body: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if value is not None}


def _transfer_body(
    currency: str,
    amount: Decimal | None,
    source: TransferWallet,
    destination: TransferWallet,
    source_wallet: str,
    destination_wallet: str,
) -> dict[str, object]:
    if amount is not None and not amount > 0:
        raise OrderError(f"transfer of {currency}: amount must be above 0, was {amount}")
    money: dict[str, object] = {"currency": currency, "allBalance": amount is None, "balance": amount or 0}
    return {
        "walletSrc": source_wallet,
        "walletSrcType": source.value,
        "walletDest": destination_wallet,
        "walletDestType": destination.value,
        "apiWallets": [money],
    }
