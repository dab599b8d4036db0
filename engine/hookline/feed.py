"""Feeds: where market data comes from.

A feed answers with history (``load``) or follows the market (``stream``). A feed plugin is a ``@dataclass`` whose fields
are its parameters, as every plugin is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hookline.clock import Clock, SystemClock
from hookline.errors import ConfigError
from hookline.model import BarSeries, Instrument, MarketData, MarketEvent, TapeSeries, Timeframe

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["BarRequest", "Feed", "TapeRequest"]


@dataclass(frozen=True)
class BarRequest:
    """Which bars: those of a symbol that start in ``[since, until)`` (nanoseconds UTC, None for no bound)."""

    symbol: str
    timeframe: Timeframe
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class TapeRequest:
    """Which messages: those of a symbol that are known in ``[since, until)`` (nanoseconds UTC, None for no bound).

    ``kinds`` are ``QUOTES``, ``TRADES`` and ``BOOK``, at least one of them.
    """

    symbol: str
    kinds: frozenset[MarketData]
    since: int | None = None
    until: int | None = None


class Feed(ABC):
    """Source of market data. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]
    is_live: ClassVar[bool] = False
    """Whether ``stream`` follows a market as it moves, by ``clock``."""

    @property
    def clock(self) -> Clock:
        """The time of a market that is followed as it moves: the system's, unless the venue's clock is known better."""
        return SystemClock()

    @abstractmethod
    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request, oldest first.

        Raises:
            DataError: if there are none or they cannot be trusted.
        """

    def tape(self, request: TapeRequest) -> TapeSeries:
        """Return the quotes, trades and book updates of a request, in the order of arrival.

        Raises:
            ConfigError: if the feed has only bars.
            DataError: if there are none or they cannot be trusted.
        """
        wanted = ", ".join(sorted(request.kinds))
        raise ConfigError(f"feed {self.name!r} has bars only, was asked for {wanted} of {request.symbol}")

    def stream(
        self,
        requests: Sequence[BarRequest | TapeRequest],  # noqa: ARG002
    ) -> AsyncIterator[MarketEvent]:
        """Yield what the requests ask for as it becomes known: by time, bars first, then in the order of the requests.

        Raises:
            ConfigError: if the feed has only history.
        """
        raise ConfigError(f"feed {self.name!r} has history only; wrap it: use 'replay' with it as 'source'")

    def instrument(self, symbol: str) -> Instrument | None:  # noqa: ARG002
        """Return what the feed knows of an instrument, None if nothing."""
        return None

    def funding(self, symbol: str, since: int | None, until: int | None) -> ExternalSeries | None:  # noqa: ARG002
        """Return the funding rates of a perpetual that are paid in ``[since, until)`` (nanoseconds UTC, None for no bound).

        A value is the rate of the interval that ends at its time, as a fraction of the notional; above zero the longs pay.
        None if the feed knows no funding of the symbol.

        Raises:
            DataError: if the rates cannot be trusted.
        """
        return None

    def mark(self, request: BarRequest) -> BarSeries | None:  # noqa: ARG002
        """Return bars of the mark price, at which a venue values positions; None if the feed knows none.

        Raises:
            DataError: if they cannot be trusted.
        """
        return None
