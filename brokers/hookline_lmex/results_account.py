"""Answers about money, positions and settings. See :mod:`hookline_lmex.results` for units."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from hookline.model import MarginMode, Side
from hookline_lmex.results_orders import AttachedOrder

__all__ = [
    "Asset",
    "Balance",
    "Conversion",
    "FuturesWallet",
    "LeverageSetting",
    "MarginSetting",
    "PositionModeSetting",
    "PositionState",
    "RiskLimitSetting",
    "SettingChange",
    "SubaccountRecord",
    "UnifiedMargin",
    "UnifiedWallet",
    "WalletRecord",
]


class Balance(msgspec.Struct, frozen=True):
    """Money in the spot wallet, in one currency."""

    currency: str
    total: Decimal
    available: Decimal


class Asset(msgspec.Struct, frozen=True):
    """Money in a futures wallet, in one currency; ``price`` is its value in the wallet's unit."""

    currency: str
    balance: Decimal
    price: Decimal


class FuturesWallet(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet behind futures positions.

    Args:
        name: ``CROSS@``, or of an isolated position; to be copied and never built.
        total: Value of all that is in it.
        margin_balance: With what positions have gained or lost.
        available: For new positions.
        unrealized: Gain or loss of its positions.
        maintenance_margin: Below which positions are liquidated.
        open_margin: Held for orders.
        leverage: In effect.
        assets: What is in it.
        in_use: What of it is held.
    """

    name: str
    total: Decimal
    margin_balance: Decimal
    available: Decimal
    unrealized: Decimal
    maintenance_margin: Decimal
    open_margin: Decimal
    leverage: Decimal
    assets: tuple[Asset, ...]
    in_use: tuple[Asset, ...]


class UnifiedWallet(msgspec.Struct, frozen=True, kw_only=True):
    """One wallet of a unified account."""

    name: str
    total: Decimal
    margin_balance: Decimal
    available: Decimal
    unrealized: Decimal
    maintenance_margin: Decimal


class UnifiedMargin(msgspec.Struct, frozen=True, kw_only=True):
    """Margin of an account with a unified futures wallet."""

    symbol: str
    total: Decimal
    unrealized: Decimal
    available: Decimal
    wallets: tuple[UnifiedWallet, ...]


class WalletRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a wallet.

    Args:
        time: Of the change.
        kind: ``Deposit``, ``Transfer_In`` and so on for spot; a number as text for futures, such as ``110`` for funding.
        status: A word for spot, a number as text for futures.
        currency: Of the amount.
        amount: Of the change.
        fee: Paid for it.
        wallet: Which.
        description: May be empty.
        record_id: The venue's, may be empty.
    """

    time: int
    kind: str
    status: str
    currency: str
    amount: Decimal
    fee: Decimal
    wallet: str
    description: str
    record_id: str

    @property
    def is_funding(self) -> bool:
        """Whether it is a payment of funding."""
        return self.kind == "110"


class SubaccountRecord(msgspec.Struct, frozen=True):
    """A transfer between sub-accounts."""

    time: int
    sender: str
    receiver: str
    currency: str
    amount: Decimal


class Conversion(msgspec.Struct, frozen=True):
    """What came of changing one currency into another."""

    amount: Decimal
    currency: str
    received: Decimal
    received_currency: str
    rate: Decimal


class PositionState(msgspec.Struct, frozen=True, kw_only=True):
    """An open futures position.

    Args:
        symbol: Name of the market.
        position_id: Unique among positions; to be copied and never built.
        wallet: Of its margin; to be copied and never built.
        side: Buy for a long, sell for a short.
        contracts: Above zero whatever the side.
        contract_size: Base units of one contract.
        entry_price: Average price.
        mark_price: At which it is valued.
        liquidation_price: None for nowhere.
        notional: At the mark price.
        unrealized: Gain or loss at the mark price.
        margin_mode: Cross or isolated.
        isolated_leverage: As set, where it is isolated; 0 elsewhere.
        current_leverage: In effect, which is not what is set.
        maintenance_margin: Below which it is liquidated.
        settle_currency: In which it is settled.
        is_liquidating: Whether the venue is closing it.
        time: Of its last change.
        position_mode: ``ONE_WAY``, ``HEDGE`` or ``ISOLATED``.
        position_direction: ``LONG``, ``SHORT`` or empty.
        take_profit: Bound to it.
        stop_loss: Bound to it.
    """

    symbol: str
    position_id: str
    wallet: str
    side: Side
    contracts: int
    contract_size: Decimal
    entry_price: Decimal
    mark_price: Decimal
    liquidation_price: Decimal | None
    notional: Decimal
    unrealized: Decimal
    margin_mode: MarginMode
    isolated_leverage: Decimal
    current_leverage: Decimal
    maintenance_margin: Decimal
    settle_currency: str
    is_liquidating: bool
    time: int
    position_mode: str
    position_direction: str
    take_profit: AttachedOrder | None = None
    stop_loss: AttachedOrder | None = None

    @property
    def signed_contracts(self) -> int:
        """Contracts, negative for a short."""
        return self.contracts * self.side


class LeverageSetting(msgspec.Struct, frozen=True):
    """Leverage that is set for a market, or one direction of it; 0 is the most that cross margin allows."""

    symbol: str
    leverage: Decimal
    margin_mode: MarginMode
    position_direction: str = ""


class RiskLimitSetting(msgspec.Struct, frozen=True):
    """Risk limit that is set for a market, as notional and as level."""

    symbol: str
    notional_limit: Decimal
    level: int


class PositionModeSetting(msgspec.Struct, frozen=True):
    """How positions of a market are held."""

    symbol: str
    mode: str


class MarginSetting(msgspec.Struct, frozen=True):
    """Margin demands of a market for this account, as fractions of the notional."""

    symbol: str
    initial_margin: Decimal
    maintenance_margin: Decimal


class SettingChange(msgspec.Struct, frozen=True):
    """A setting that was changed."""

    symbol: str
    time: int
    status: int
    message: str
