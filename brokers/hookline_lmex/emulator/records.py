"""What the exchange knows of orders, fills and money, and what it tells those who listen.

Sizes in notices are as on the wire: contracts (int) on futures, base units on spot. Times are nanoseconds UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hookline.model import BookUpdate, Order, Quote, Trade
from hookline_lmex.emulator.terms import Product

__all__ = [
    "ExchangeListener",
    "FillNotice",
    "OrderNotice",
    "OrderRecord",
    "PositionNotice",
    "Truth",
    "WalletEntry",
]

MARKET, LIMIT, PEG = 77, 76, 80
"""Order types on the wire."""


@dataclass(eq=False)
class OrderRecord:
    """One order as the venue sees it: the simulated order, and what the wire says beyond it.

    ``status`` is the wire's integer. ``tx_type`` is 0 for a plain order, 1 stop, 2 trigger, 3 one leg of an OCO pair.
    ``trigger_type`` is 0, 1001 (stop loss) or 1002 (take profit). ``quote_amount`` is what a spot market buy may spend.
    """

    order: Order
    account: str
    product: Product
    order_id: str
    request_id: int
    received: int
    client_order_id: str = ""
    order_type: int = LIMIT
    tx_type: int = 0
    life: str = "GTC"
    life_ms: int = 0
    price: float = 0.0
    trigger_price: float = 0.0
    original_trigger: float = 0.0
    stop_price: float | None = None
    trail_value: float = 0.0
    trigger_type: int = 0
    uses_last: bool = False
    quote_amount: float | None = None
    quote_spent: float = 0.0
    deviation: float | None = None
    stealth: float | None = None
    closes: bool = False
    is_user_initiated: bool = True
    is_announced: bool = False
    is_triggered: bool = False
    is_maker: bool = False
    is_withdrawn: bool = False
    is_final: bool = False
    is_spam: bool = False
    original_lots: int = 0
    status: int = 2
    message: str = ""
    updated: int = 0
    filled_now: int = 0
    take_profit: OrderRecord | None = None
    stop_loss: OrderRecord | None = None

    @property
    def symbol(self) -> str:
        """Name of the market."""
        return self.order.instrument.symbol

    @property
    def side(self) -> str:
        """``BUY`` or ``SELL``."""
        return self.order.side.name

    @property
    def is_trigger(self) -> bool:
        """Whether it waits, or has waited, for a price."""
        return self.trigger_type != 0

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a price now."""
        return self.is_trigger and not self.is_triggered

    @property
    def is_open(self) -> bool:
        """Whether it can still be filled; children of an entry that has not filled are not there yet."""
        return self.is_announced and self.order.is_open

    @property
    def trades_at_market(self) -> bool:
        """Whether it has no limit."""
        return self.order_type == MARKET


@dataclass(frozen=True)
class OrderNotice:
    """One step of an order. ``filled`` is what this step has filled, ``total_filled`` everything so far."""

    account: str
    product: Product
    symbol: str
    order_id: str
    client_order_id: str
    side: str
    order_type: int
    tx_type: int
    status: int
    time: int
    price: float
    trigger_price: float
    average_price: float
    original: float
    current: float
    filled: float
    total_filled: float
    remaining: float
    quote_amount: float | None
    quote_remaining: float | None
    life: str
    is_maker: bool
    post_only: bool
    is_user_initiated: bool
    deviation: float
    stealth: float
    position_id: str
    position_mode: str
    position_direction: str | None
    base: str
    quote: str
    detail_type: str | None = None


@dataclass(frozen=True)
class FillNotice:
    """One execution. ``fee`` is in ``fee_currency``; of spot that is the currency received."""

    account: str
    product: Product
    trade_id: str
    serial_id: int
    order_id: str
    client_order_id: str
    symbol: str
    side: str
    order_type: int
    trigger_type: int
    order_price: float
    trigger_price: float
    order_size: float
    price: float
    size: float
    fee: float
    fee_currency: str
    realized: float
    base: str
    quote: str
    is_maker: bool
    time: int
    matched_time: int
    average_price: float
    contract_size: float
    position_id: str
    wallet: str


@dataclass(frozen=True)
class PositionNotice:
    """A futures position after a change; ``contracts`` is 0 once it is closed, ``direction`` then what it was."""

    account: str
    symbol: str
    position_id: str
    market_id: str
    direction: str
    contracts: int
    contract_size: float
    entry_price: float
    mark_price: float
    liquidation_price: float
    unrealized: float
    maintenance_margin: float
    margin: float
    leverage: float
    is_isolated: bool
    wallet: str
    position_mode: str
    time: int
    order_value: float
    current_leverage: float
    settle_with: str
    take_profit: OrderRecord | None = field(default=None, compare=False)
    stop_loss: OrderRecord | None = field(default=None, compare=False)


@dataclass(frozen=True)
class WalletEntry:
    """One line of a wallet's history. ``type`` is 105 transfer, 106 liquidation, 108 realized profit, 110 funding."""

    product: Product
    time: int
    type: int
    amount: float
    fee: float
    currency: str
    wallet: str
    number: int
    symbol: str = ""
    description: str = ""


@dataclass(frozen=True)
class Truth:
    """What is so at the exchange, for tests to compare with what others believe.

    Args:
        open_orders: Those that may still fill, oldest first.
        orders: All, oldest first; ``received`` says when each arrived.
        fills: All, oldest first.
        positions: Lots by symbol, ``SYMBOL|long`` and ``SYMBOL|short`` in hedge mode; without those that are flat.
        balances: By product and currency: what is there, unrealized profit left out.
    """

    open_orders: tuple[OrderRecord, ...]
    orders: tuple[OrderRecord, ...]
    fills: tuple[FillNotice, ...]
    positions: Mapping[str, int]
    balances: Mapping[tuple[Product, str], float]

    def with_client_id(self, client_order_id: str) -> list[OrderRecord]:
        """Return every order that was sent with a client id, oldest first."""
        return [one for one in self.orders if one.client_order_id == client_order_id]


class ExchangeListener(Protocol):
    """Hears what happens at the exchange, in order. Called inside ``Exchange`` methods: it must not call them back."""

    def trade(self, symbol: str, trade: Trade, trade_id: int) -> None:
        """Hear of a public trade; ``trade_id`` rises by one."""

    def book(self, symbol: str, update: BookUpdate) -> None:
        """Hear of new quantities at price levels, in base units."""

    def quote(self, symbol: str, quote: Quote) -> None:
        """Hear of a new best bid and ask."""

    def order(self, account: str, notice: OrderNotice) -> None:
        """Hear of one step of an order."""

    def fill(self, account: str, notice: FillNotice) -> None:
        """Hear of an execution, after the order's notice of it."""

    def position(self, account: str, notice: PositionNotice) -> None:
        """Hear of a changed futures position."""
