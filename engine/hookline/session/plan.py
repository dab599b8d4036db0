"""What a session is made of once every plugin is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hookline.broker import Broker
from hookline.feed import BarRequest, Feed
from hookline.kernel.desk import Purses
from hookline.kernel.sizing import Sizer
from hookline.model import (
    BarSeries,
    Instrument,
    InstrumentKind,
    Market,
    MarketData,
    Purse,
    Wallet,
    timeframe_ns,
)
from hookline.reporting.record import StrategyRecord
from hookline.risk import RiskRule
from hookline.session.schema import LiveEntry
from hookline.session.stream_rules import StreamRules
from hookline.strategy import Strategy

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries
    from hookline.notifier import Notifier
    from hookline.reporting.reporter import Reporter

__all__ = ["JournalPlan", "Plan", "Seat", "WalletPlan"]


@dataclass(frozen=True)
class Seat:
    """One strategy of a session: what it is, what it trades and with how much cash, in the session's currency.

    ``cash_fraction`` is its share of every wallet. ``params`` is what reports may show of its parameters.
    """

    id: str
    use: str
    strategy: Strategy
    symbols: tuple[str, ...]
    cash: float
    sizer: Sizer | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    cash_fraction: float = 1.0

    @property
    def record(self) -> StrategyRecord:
        """What results say of the strategy."""
        return StrategyRecord(self.id, self.use, dict(self.params), self.symbols, self.cash)


@dataclass(frozen=True)
class WalletPlan:
    """Cash of the session at one venue in one currency."""

    venue: str
    currency: str
    cash: float

    @property
    def name(self) -> str:
        """The currency, and the venue where a session has several."""
        return f"{self.currency}@{self.venue}" if self.venue else self.currency


@dataclass(frozen=True)
class JournalPlan:
    """Where a session's journal is kept and how.

    ``record`` is where the market data is kept beside it, None for nowhere.
    """

    folder: Path
    durable: bool = False
    max_bytes: int = 256 * 2**20
    accept_changes: bool = False
    record: Path | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs; ``mode`` is ``backtest``, ``paper`` or ``live``.

    ``loaded`` holds series that had to be read while planning, so that they are not read twice. ``tapes`` says which symbols
    have quotes, trades or books followed; ``marks`` are mark prices where they are known. ``wallets`` is empty where all cash is in
    the session's currency and pays for everything; ``begin`` is when a backtest starts to trade, nanoseconds UTC, where bars
    before that only warm up its columns; ``rates`` names, by currency, the symbol that turns it into that one.
    """

    name: str
    mode: str
    currency: str
    seed: int
    timeframe: str
    feed: Feed
    requests: Sequence[BarRequest]
    instruments: Mapping[str, Instrument]
    broker: Broker
    seats: Sequence[Seat]
    rules: Sequence[RiskRule] = ()
    external: Mapping[str, ExternalSeries] = field(default_factory=dict)
    funding: Mapping[str, ExternalSeries] = field(default_factory=dict)
    modules: Sequence[ModuleType] = ()
    notifiers: Sequence[Notifier] = ()
    reporters: Sequence[Reporter] = ()
    loaded: Mapping[BarRequest, BarSeries] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
    notes: Sequence[str] = ()
    tapes: Mapping[str, frozenset[MarketData]] = field(default_factory=dict)
    marks: Mapping[str, BarSeries] = field(default_factory=dict)
    stream: StreamRules = field(default_factory=StreamRules)
    on_stall: str = "warn"
    flatten_on_halt: bool = False
    on_stop: str = "keep"
    warmup_bars: int = 0
    live: LiveEntry = field(default_factory=LiveEntry)
    journal: JournalPlan | None = None
    wallets: Sequence[WalletPlan] = ()
    begin: int | None = None
    rates: Mapping[str, str] = field(default_factory=dict)

    @property
    def quiet_seconds(self) -> float:
        """How long the market data may have nothing to say although all is well: a bar where only bars are followed."""
        perpetuals = any(one.kind is InstrumentKind.PERPETUAL for one in self.instruments.values())
        tells_marks = self.feed.is_live and perpetuals
        return 0.0 if self.tapes or tells_marks else timeframe_ns(self.timeframe) / 1e9

    def balances(self) -> dict[str, float]:
        """Return the starting cash by currency, empty where all of it is in the session's."""
        balances: dict[str, float] = {}
        for one in self.wallets:
            balances[one.currency] = balances.get(one.currency, 0.0) + one.cash
        return balances

    def purses(self) -> Purses:
        """Return how strategies keep their cash: a share of every wallet of the session."""
        fractions = {seat.id: seat.cash_fraction for seat in self.seats}
        cash = {seat.id: seat.cash for seat in self.seats}

        def purse(strategy: str, markets: Mapping[str, Market]) -> Purse:
            if not self.wallets:
                return Purse([Wallet(cash[strategy], currency=self.currency)], is_shared=True)
            rates = {currency: markets[symbol] for currency, symbol in self.rates.items()}
            return Purse(
                [
                    Wallet(one.cash * fractions[strategy], one.venue, one.currency, rates.get(one.currency))
                    for one in self.wallets
                ]
            )

        return purse
