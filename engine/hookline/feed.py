"""Feeds: where market data comes from.

A feed answers with history (``load``) or follows the market (``stream``). A feed plugin is a ``@dataclass`` whose fields
are its parameters, as every plugin is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hookline.errors import ConfigError
from hookline.model import Bar, BarSeries, Instrument, Timeframe

__all__ = ["BarRequest", "Feed"]


@dataclass(frozen=True)
class BarRequest:
    """Which bars: those of a symbol that start in ``[since, until)`` (nanoseconds UTC, None for no bound)."""

    symbol: str
    timeframe: Timeframe
    since: int | None = None
    until: int | None = None


class Feed(ABC):
    """Source of bars. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]

    @abstractmethod
    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request, oldest first.

        Raises:
            DataError: if there are none or they cannot be trusted.
        """

    def stream(self, requests: Sequence[BarRequest]) -> AsyncIterator[Bar]:  # noqa: ARG002
        """Yield bars of all requests as they become visible: by end time, then in the order of the requests.

        Raises:
            ConfigError: if the feed has only history.
        """
        raise ConfigError(f"feed {self.name!r} has history only; wrap it: use 'replay' with it as 'source'")

    def instrument(self, symbol: str) -> Instrument | None:  # noqa: ARG002
        """Return what the feed knows of an instrument, None if nothing."""
        return None
