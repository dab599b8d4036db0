"""What an emulated exchange is made of: markets, accounts, and the choices where the venue's own rules are not known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from hookline.model import BarSeries, Instrument, InstrumentKind, MarketData

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["ALL_PERMISSIONS", "AccountSetup", "ExchangeOptions", "MarketSetup", "Permission", "Product"]


class Product(StrEnum):
    """Which of the venue's two exchanges; also the first part of its REST paths."""

    SPOT = "spot"
    FUTURES = "futures"


class Permission(StrEnum):
    """What a key may do."""

    READ = "Read"
    TRADING = "Trading"
    TRANSFER = "Transfer"
    WALLET = "Wallet"
    WITHDRAW = "Withdraw"


ALL_PERMISSIONS = frozenset(Permission)


@dataclass(frozen=True, eq=False)
class MarketSetup:
    """One market of the exchange.

    Args:
        instrument: Terms of it. A perpetual without a contract size counts its lots as contracts.
        maker_fee_bps: Of orders that rested. One product has one pair of fees.
        taker_fee_bps: Of orders that took.
        tape: Kinds of the tape that orders are matched against; empty for bars.
        history: Closed bars that candles begin with; those handled later are added.
        marks: Mark prices as bars, known at their ends; None where the last price is the mark.
        funding: Times and rates of funding, None where no rates are known beforehand.
        funding_interval_minutes: As the market summary says.
        max_lots: Largest order, in lots.
        is_listed: Whether the market is there from the start.
    """

    instrument: Instrument
    maker_fee_bps: float = 1.0
    taker_fee_bps: float = 6.0
    tape: frozenset[MarketData] = frozenset()
    history: BarSeries | None = None
    marks: BarSeries | None = None
    funding: ExternalSeries | None = None
    funding_interval_minutes: int = 480
    max_lots: int = 6_000_000
    is_listed: bool = True

    @property
    def symbol(self) -> str:
        """Name of the market."""
        return self.instrument.symbol

    @property
    def product(self) -> Product:
        """Where it trades."""
        return Product.SPOT if self.instrument.kind is InstrumentKind.SPOT else Product.FUTURES


@dataclass(frozen=True)
class AccountSetup:
    """One user of the exchange, with one key.

    Args:
        label: Name of the user.
        key: API key.
        secret: What it signs with.
        spot: Coins in the spot wallet at the start, by currency.
        futures: Money in the futures wallet at the start, by currency.
        permissions: What the key may do.
    """

    label: str = "trader1"
    key: str = field(default="emulated-key", repr=False)
    secret: str = field(default="emulated-secret", repr=False)
    spot: Mapping[str, float | Decimal] = field(default_factory=dict)
    futures: Mapping[str, float | Decimal] = field(default_factory=dict)
    permissions: frozenset[Permission] = ALL_PERMISSIONS


@dataclass(frozen=True)
class ExchangeOptions:
    """Choices where the venue's rules are not published, and quirks of its answers that may be switched off.

    Args:
        seed: Of order ids and the like.
        leverage: Of futures before anybody sets one; None for the most that their tiers allow, in cross margin.
        bar_grace_seconds: On bars, an order that arrives at most this long after a bar's end is matched by the next bar, as in
            a backtest; a later one by the bar after that.
        refuse_unfunded: How an order beyond the funds is refused: HTTP 400, or 200 with status 8.
        refuse_duplicates: Whether a second order with the client id of an open one is refused (status 15).
        unknown_order: How the cancellation of an order that is not open is refused: by HTTP, or 200 with status 16.
        closed_visible_seconds: How long a canceled order may still be asked for.
        filled_visible_seconds: How long a filled one may.
        protection_band: Greatest distance of a limit price from the mark, as a fraction; None for no band.
        spam_notional: Limit orders below it are spam: no post-only, and always the taker's fee; 0 for none.
        market_id_quote: What follows the symbol in position ids.
        unknown_fields: Whether answers carry fields that no document lists.
        liquidation_fee_bps: On top of the taker fee.
        slippage_bps: On bars, of market and stop orders, as the paper broker's.
        limit_fill: On bars, as the paper broker's.
        intrabar: On bars, as the paper broker's.
        forget_seconds: How long orders, fills and the history of money are kept once they are over; None for ever.
        earliest_candle_ms: Candles before it are refused, epoch milliseconds.
    """

    seed: int = 7
    leverage: Decimal | None = None
    bar_grace_seconds: float = math.inf
    refuse_unfunded: Literal["http", "status"] = "http"
    refuse_duplicates: bool = False
    unknown_order: Literal["http", "status"] = "http"
    closed_visible_seconds: float = 1800.0
    filled_visible_seconds: float = 1800.0
    protection_band: float | None = None
    spam_notional: float = 5.0
    market_id_quote: str = "USDT"
    unknown_fields: bool = True
    liquidation_fee_bps: float = 50.0
    slippage_bps: float = 0.0
    limit_fill: Literal["touch", "through"] = "touch"
    intrabar: Literal["stop_first", "path"] = "stop_first"
    forget_seconds: float | None = None
    earliest_candle_ms: int = 1_569_888_000_000
