"""Bars from feeds, which are plugins: whatever one does wrong is told with its name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hookline.errors import DataError, HooklineError, PluginError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import BarSeries, Instrument, MarketEvent

__all__ = ["instrument_of", "load_bars", "stream_events"]


def load_bars(feed: Feed, request: BarRequest) -> BarSeries:
    """Return the bars of a request.

    Raises:
        DataError: if there are none or they cannot be trusted.
        PluginError: if the feed raises something else, or returns what was not asked for.
    """
    try:
        series = feed.load(request)
    except HooklineError:
        raise
    except Exception as error:
        raise _broken(feed, "load", error) from error
    asked = f"feed {feed.name!r}: load must return the {request.timeframe} bars of {request.symbol}"
    if not isinstance(series, BarSeries):
        raise PluginError(f"{asked} as a BarSeries, returned {type(series).__name__}")
    if (series.symbol, series.timeframe) != (request.symbol, request.timeframe):
        raise PluginError(f"{asked}, returned the {series.timeframe} bars of {series.symbol}")
    if len(series) == 0:
        raise DataError(f"feed {feed.name!r}: no bars of {request.symbol} {request.timeframe}")
    return series


def instrument_of(feed: Feed, symbol: str) -> Instrument | None:
    """Return what a feed knows of an instrument.

    Raises:
        PluginError: if the feed raises.
    """
    try:
        return feed.instrument(symbol)
    except HooklineError:
        raise
    except Exception as error:
        raise _broken(feed, "instrument", error) from error


async def stream_events(
    feed: Feed, requests: Sequence[BarRequest | TapeRequest]
) -> AsyncIterator[MarketEvent]:
    """Yield market events as a feed sends them.

    Raises:
        DataError: if there are none or they cannot be trusted.
        PluginError: if the feed raises something else.
    """
    try:
        async for event in feed.stream(requests):
            yield event
    except HooklineError:
        raise
    except Exception as error:
        raise _broken(feed, "stream", error) from error


def _broken(feed: Feed, method: str, error: Exception) -> PluginError:
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    return PluginError(f"feed {feed.name!r}: {method} raised {text}")
