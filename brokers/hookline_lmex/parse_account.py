"""Readers of answers about money, positions and settings: from decoded JSON to results; ``UnreadableError`` where it cannot be read."""

from __future__ import annotations

from hookline.model import MarginMode, Side
from hookline_lmex.endpoints import Parsed
from hookline_lmex.failures import setting_failure
from hookline_lmex.parse_orders import attached
from hookline_lmex.results_account import (
    Asset,
    Balance,
    Conversion,
    FuturesWallet,
    LeverageSetting,
    MarginSetting,
    PositionModeSetting,
    PositionState,
    RiskLimitSetting,
    SettingChange,
    SubaccountRecord,
    UnifiedMargin,
    UnifiedWallet,
    WalletRecord,
)
from hookline_lmex.wire import (
    Row,
    decimal,
    decimal_or_none,
    flag,
    from_ms,
    row_of,
    rows_of,
    side,
    text,
    whole,
)

__all__ = [
    "balances",
    "conversion",
    "futures_wallets",
    "leverages",
    "margin_settings",
    "nothing",
    "position_modes",
    "positions",
    "risk_limit",
    "setting_change",
    "subaccount_records",
    "unified_margin",
    "wallet_records",
]

_ISOLATED = 92


def nothing(answer: Parsed) -> None:
    """Accept whatever the answer holds: failures were told apart before."""


def balances(answer: Parsed) -> list[Balance]:
    """Read the spot wallet."""
    return [
        Balance(
            text(row, "currency", default=None),
            decimal(row, "total", default=None),
            decimal(row, "available", default=None),
        )
        for row in rows_of(answer.payload)
    ]


def futures_wallets(answer: Parsed) -> list[FuturesWallet]:
    """Read futures wallets."""
    return [
        FuturesWallet(
            name=text(row, "wallet", "activeWalletName"),
            total=decimal(row, "totalValue", "walletTotalValue"),
            margin_balance=decimal(row, "marginBalance"),
            available=decimal(row, "availableBalance"),
            unrealized=decimal(row, "unrealisedProfitLoss", "unrealizedProfitLoss"),
            maintenance_margin=decimal(row, "maintenanceMargin"),
            open_margin=decimal(row, "openMargin"),
            leverage=decimal(row, "leverage"),
            assets=_assets(row, "assets"),
            in_use=_assets(row, "assetsInUse"),
        )
        for row in rows_of(answer.payload)
    ]


def _assets(row: Row, name: str) -> tuple[Asset, ...]:
    return tuple(
        Asset(text(item, "currency"), decimal(item, "balance"), decimal(item, "assetPrice"))
        for item in rows_of(row.get(name) or [])
    )


def unified_margin(answer: Parsed) -> UnifiedMargin:
    """Read the margin of a unified account."""
    row = row_of(answer.payload)
    wallets = tuple(
        UnifiedWallet(
            name=text(item, "activeWalletName", "wallet"),
            total=decimal(item, "walletTotalValue"),
            margin_balance=decimal(item, "marginBalance"),
            available=decimal(item, "availableBalance"),
            unrealized=decimal(item, "unrealisedProfitLoss"),
            maintenance_margin=decimal(item, "maintenanceMargin"),
        )
        for item in rows_of(row.get("wallets") or [])
    )
    return UnifiedMargin(
        symbol=text(row, "symbol"),
        total=decimal(row, "walletTotalValue"),
        unrealized=decimal(row, "walletTotalUnrealizedProfitLoss"),
        available=decimal(row, "futuresTotalAvailableBalance"),
        wallets=wallets,
    )


def wallet_records(answer: Parsed) -> list[WalletRecord]:
    """Read changes of a wallet, oldest first."""
    found = [
        WalletRecord(
            time=from_ms(row, "timestamp"),
            kind=text(row, "type"),
            status=text(row, "status"),
            currency=text(row, "currency"),
            amount=decimal(row, "amount", default=None),
            fee=decimal(row, "fees"),
            wallet=text(row, "wallet"),
            description=text(row, "description"),
            record_id=text(row, "orderId"),
        )
        for row in rows_of(answer.payload)
    ]
    found.sort(key=lambda record: record.time)
    return found


def subaccount_records(answer: Parsed) -> tuple[list[SubaccountRecord], int]:
    """Read a page of transfers between sub-accounts, and how many pages there are."""
    outer = row_of(answer.payload)
    page = outer.get("data")
    page = page if isinstance(page, dict) else outer
    found = [
        SubaccountRecord(
            from_ms(row, "timestamp"),
            text(row, "fromUser"),
            text(row, "receiver"),
            text(row, "currency"),
            decimal(row, "amount", default=None),
        )
        for row in rows_of(page.get("data") or [])
    ]
    return found, whole(page, "totalPages", default=1)


def conversion(answer: Parsed) -> Conversion:
    """Read what came of changing a currency."""
    row = row_of(answer.payload)
    return Conversion(
        decimal(row, "amount", default=None),
        text(row, "amountCurrency"),
        decimal(row, "settlementAmount", default=None),
        text(row, "settlementCurrency"),
        decimal(row, "rate"),
    )


def positions(answer: Parsed) -> list[PositionState]:
    """Read positions that are not flat."""
    found = [_position(row) for row in rows_of(answer.payload)]
    return [position for position in found if position.contracts]


def _position(row: Row) -> PositionState:
    liquidation = decimal_or_none(row, "liquidationPrice")
    return PositionState(
        symbol=text(row, "symbol", default=None),
        position_id=text(row, "positionId") or text(row, "symbol"),
        wallet=text(row, "walletName"),
        side=_position_side(row),
        contracts=abs(whole(row, "size", default=None)),
        contract_size=decimal(row, "contractSize"),
        entry_price=decimal(row, "entryPrice"),
        mark_price=decimal(row, "markPrice"),
        liquidation_price=liquidation if liquidation is not None and liquidation > 0 else None,
        notional=decimal(row, "orderValue"),
        unrealized=decimal(row, "unrealizedProfitLoss"),
        margin_mode=MarginMode.ISOLATED if whole(row, "marginType") == _ISOLATED else MarginMode.CROSS,
        isolated_leverage=decimal(row, "isolatedLeverage"),
        current_leverage=decimal(row, "currentLeverage"),
        maintenance_margin=decimal(row, "totalMaintenanceMargin"),
        settle_currency=text(row, "settleWithAsset"),
        is_liquidating=flag(row, "liquidationInProgress"),
        time=from_ms(row, "timestamp"),
        position_mode=text(row, "positionMode"),
        position_direction=text(row, "positionDirection"),
        take_profit=attached(row.get("takeProfitOrder")),
        stop_loss=attached(row.get("stopLossOrder")),
    )


def _position_side(row: Row) -> Side:
    """Return the side: the direction where positions are held side by side, else ``side``."""
    direction = text(row, "positionDirection").upper()
    if direction in ("LONG", "SHORT"):
        return Side.BUY if direction == "LONG" else Side.SELL
    return side(row, "side")


def leverages(answer: Parsed) -> list[LeverageSetting]:
    """Read leverage settings."""
    return [
        LeverageSetting(
            text(row, "symbol"),
            decimal(row, "leverage", default=None),
            MarginMode(text(row, "marginMode", default="CROSS").lower()),
            text(row, "positionDirection"),
        )
        for row in rows_of(answer.payload)
    ]


def risk_limit(answer: Parsed) -> RiskLimitSetting:
    """Read a risk limit."""
    row = row_of(answer.payload)
    return RiskLimitSetting(text(row, "symbol"), decimal(row, "riskLimit"), whole(row, "riskLimitLevel"))


def position_modes(answer: Parsed) -> list[PositionModeSetting]:
    """Read position modes."""
    return [
        PositionModeSetting(text(row, "symbol"), text(row, "positionMode", default=None))
        for row in rows_of(answer.payload)
    ]


def margin_settings(answer: Parsed) -> list[MarginSetting]:
    """Read margin demands."""
    return [
        MarginSetting(
            text(row, "symbol"),
            decimal(row, "initialMarginPercentage"),
            decimal(row, "maintenanceMarginPercentage"),
        )
        for row in rows_of(answer.payload)
    ]


def setting_change(answer: Parsed) -> SettingChange:
    """Read what came of changing a setting.

    Raises:
        LmexError: if it was refused, or nobody knows.
    """
    row = row_of(answer.payload)
    status, message = whole(row, "status", default=None), text(row, "message")
    failure = setting_failure(answer.where, status, message)
    if failure is not None:
        raise failure
    return SettingChange(text(row, "symbol"), from_ms(row, "timestamp"), status, message)
