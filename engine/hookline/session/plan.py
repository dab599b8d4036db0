"""What a session is made of once every plugin is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hookline.broker import Broker
from hookline.feed import BarRequest, Feed
from hookline.kernel.sizing import Sizer
from hookline.model import BarSeries, Instrument
from hookline.risk import RiskRule
from hookline.strategy import Strategy

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries
    from hookline.notifier import Notifier
    from hookline.reporting.reporter import Reporter

__all__ = ["Plan", "Seat"]


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
class Plan:
    """Everything that a run needs; ``mode`` is ``backtest`` or ``paper``.

    ``loaded`` holds series that had to be read while planning, so that they are not read twice.
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
