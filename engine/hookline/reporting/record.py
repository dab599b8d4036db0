"""What a run leaves behind: the raw material of every report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hookline.model import BarSeries, Fill, Instrument, Order, OrderUpdate
from hookline.risk import Decision

__all__ = ["RunRecord", "StrategyRecord"]


@dataclass(frozen=True)
class StrategyRecord:
    """One strategy of a run: its id in the session, its plugin, its parameters and what it traded with."""

    id: str
    use: str
    params: dict[str, Any]
    symbols: tuple[str, ...]
    cash: float


@dataclass(frozen=True)
class RunRecord:
    """Everything that happened in a run, in order; numbers are derived from this and nothing else.

    ``series`` holds the bars that were processed, one series for each symbol. ``fills``, ``orders`` and ``updates`` are in
    the order in which they happened. ``funding`` is a list of ``(time, strategy, position, amount)``, positive when
    received; the position is the symbol, in hedge mode ``SYMBOL|long`` or ``SYMBOL|short``.
    ``balances`` is the starting cash by currency where it lies in several, and ``rates`` the symbol whose price turns a currency
    into the run's: figures are in that one, other currencies at the last close. ``seen`` holds, for each fill, when strategies could know of it: the end of its bar. It may be left empty; the bar is
    then inferred, see :mod:`hookline.reporting.fill_bars`. ``decisions`` holds what the risk gate did other than letting orders
    pass.
    """

    name: str
    mode: str
    currency: str
    cash: float
    config: dict[str, Any]
    series: dict[str, BarSeries]
    instruments: dict[str, Instrument]
    strategies: list[StrategyRecord]
    orders: list[Order]
    fills: list[Fill]
    updates: list[OrderUpdate]
    funding: list[tuple[int, str, str, float]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    halted: str = ""
    interrupted: bool = False
    seconds: float = 0.0
    seen: list[int] = field(default_factory=list)
    balances: dict[str, float] = field(default_factory=dict)
    rates: dict[str, str] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)

    @property
    def unvalued(self) -> list[str]:
        """Symbols that were traded, or paid funding, and have no bars to be valued with: no figures can be worked out."""
        paid = (position.partition("|")[0] for _, _, position, _ in self.funding)
        touched = dict.fromkeys([*(fill.symbol for fill in self.fills), *paid])
        return [symbol for symbol in touched if not len(self.series.get(symbol, ()))]
