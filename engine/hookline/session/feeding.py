"""Bars from feeds, which are plugins: whatever one does wrong is told with its name."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from hookline.errors import DataError, HooklineError, PluginError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import BarSeries, Instrument, MarketEvent, TapeSeries

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["funding_of", "instrument_of", "load_bars", "load_tape", "mark_of", "stream_events"]

_T = TypeVar("_T")


def load_bars(feed: Feed, request: BarRequest) -> BarSeries:
    """Return the bars of a request.

    Raises:
        DataError: if there are none or they cannot be trusted.
        PluginError: if the feed raises something else, or returns what was not asked for.
    """
    series = _asked(feed, "load", lambda: feed.load(request))
    asked = f"feed {feed.name!r}: load must return the {request.timeframe} bars of {request.symbol}"
    if not isinstance(series, BarSeries):
        raise PluginError(f"{asked} as a BarSeries, returned {type(series).__name__}")
    if (series.symbol, series.timeframe) != (request.symbol, request.timeframe):
        raise PluginError(f"{asked}, returned the {series.timeframe} bars of {series.symbol}")
    if len(series) == 0:
        raise DataError(f"feed {feed.name!r}: no bars of {request.symbol} {request.timeframe}")
    return series


def load_tape(feed: Feed, request: TapeRequest) -> TapeSeries:
    """Return the quotes, trades and book updates of a request.

    Raises:
        DataError: if there are none or they cannot be trusted.
        PluginError: if the feed raises something else, or returns what was not asked for.
    """
    tape = _asked(feed, "tape", lambda: feed.tape(request))
    asked = f"feed {feed.name!r}: tape must return a TapeSeries of {request.symbol}"
    if not isinstance(tape, TapeSeries):
        raise PluginError(f"{asked}, returned {type(tape).__name__}")
    if tape.symbol != request.symbol:
        raise PluginError(f"{asked}, returned one of {tape.symbol}")
    if len(tape) == 0:
        raise DataError(f"feed {feed.name!r}: no {', '.join(sorted(request.kinds))} of {request.symbol}")
    return tape


def instrument_of(feed: Feed, symbol: str) -> Instrument | None:
    """Return what a feed knows of an instrument.

    Raises:
        PluginError: if the feed raises.
    """
    return _asked(feed, "instrument", lambda: feed.instrument(symbol))


def funding_of(feed: Feed, symbol: str, since: int | None, until: int | None) -> ExternalSeries | None:
    """Return the funding rates that a feed knows, None if it knows none.

    Raises:
        DataError: if they cannot be trusted.
        PluginError: if the feed raises something else.
    """
    return _asked(feed, "funding", lambda: feed.funding(symbol, since, until))


def mark_of(feed: Feed, request: BarRequest) -> BarSeries | None:
    """Return the mark prices that a feed knows, None if it knows none.

    Raises:
        DataError: if they cannot be trusted.
        PluginError: if the feed raises something else.
    """
    return _asked(feed, "mark", lambda: feed.mark(request))


def _asked(feed: Feed, method: str, ask: Callable[[], _T]) -> _T:
    try:
        return ask()
    except HooklineError:
        raise
    except Exception as error:
        raise _broken(feed, method, error) from error


async def stream_events(
    feed: Feed, requests: Sequence[BarRequest | TapeRequest]
) -> AsyncGenerator[MarketEvent, None]:
    """Yield market events as a feed sends them; closing this closes what the feed has opened.

    Raises:
        DataError: if there are none or they cannot be trusted.
        PluginError: if the feed raises something else.
    """
    events = feed.stream(requests)
    try:
        async for event in events:
            yield event
    except HooklineError:
        raise
    except Exception as error:
        raise _broken(feed, "stream", error) from error
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


def _broken(feed: Feed, method: str, error: Exception) -> PluginError:
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    return PluginError(f"feed {feed.name!r}: {method} raised {text}")
