"""What a session is made of once every plugin is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hookline.broker import Broker
from hookline.feed import BarRequest, Feed
from hookline.kernel.desk import Wallets
from hookline.kernel.sizing import Sizer
from hookline.model import BarSeries, Instrument, Market, MarketData, Wallet
from hookline.risk import RiskRule
from hookline.session.streaming import StreamRules
from hookline.strategy import Strategy

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries
    from hookline.notifier import Notifier
    from hookline.reporting.reporter import Reporter

__all__ = ["JournalPlan", "Plan", "Seat"]


@dataclass(frozen=True)
class Seat:
    """One strategy of a session: what it is, what it trades and with how much cash.

    ``params`` is what reports may show of its parameters.
    """

    id: str
    use: str
    strategy: Strategy
    symbols: tuple[str, ...]
    cash: float
    sizer: Sizer | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


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
    """Everything that a run needs; ``mode`` is ``backtest`` or ``paper``.

    ``loaded`` holds series that had to be read while planning, so that they are not read twice. ``tapes`` says which symbols
    have quotes, trades or books followed; ``marks`` are mark prices where they are known.
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
    notes: Sequence[str] = ()
    tapes: Mapping[str, frozenset[MarketData]] = field(default_factory=dict)
    marks: Mapping[str, BarSeries] = field(default_factory=dict)
    stream: StreamRules = field(default_factory=StreamRules)
    on_stall: str = "warn"
    flatten_on_halt: bool = False
    journal: JournalPlan | None = None

    def wallets(self) -> Wallets:
        """Return how each strategy's cash is kept: in one wallet in the session's currency."""
        shares = {seat.id: seat.cash for seat in self.seats}

        def wallets(strategy: str, markets: Mapping[str, Market]) -> Callable[[Instrument], Wallet]:  # noqa: ARG001
            only = Wallet(shares[strategy], currency=self.currency)
            return lambda instrument: only  # noqa: ARG005

        return wallets
