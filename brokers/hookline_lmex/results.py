"""What the venue's REST interface answers, in our words. Messages: none of them changes.

Times are nanoseconds UTC, prices and money Decimals. Sizes are as the venue counts them: base units on spot (Decimals), contracts
on futures (ints).
"""

from __future__ import annotations

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
from hookline_lmex.results_market import (
    BookLevel,
    BookSnapshot,
    Candle,
    FundingPoint,
    MarketSummary,
    Network,
    Price,
    PublicTrade,
    RiskTier,
    ServerTime,
)
from hookline_lmex.results_orders import AttachedOrder, Fee, OrderAction, OrderState, OwnTrade, Size

__all__ = [
    "Asset",
    "AttachedOrder",
    "Balance",
    "BookLevel",
    "BookSnapshot",
    "Candle",
    "Conversion",
    "Fee",
    "FundingPoint",
    "FuturesWallet",
    "LeverageSetting",
    "MarginSetting",
    "MarketSummary",
    "Network",
    "OrderAction",
    "OrderState",
    "OwnTrade",
    "PositionModeSetting",
    "PositionState",
    "Price",
    "PublicTrade",
    "RiskLimitSetting",
    "RiskTier",
    "ServerTime",
    "SettingChange",
    "Size",
    "SubaccountRecord",
    "UnifiedMargin",
    "UnifiedWallet",
    "WalletRecord",
]
