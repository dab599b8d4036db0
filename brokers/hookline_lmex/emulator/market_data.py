"""The data of an emulator's markets: what was before the start, and the events from then on in the order of time.

Rules of this file:

- Every feed is asked in one place and its errors name the market.
- At equal times bars come before messages, and the bars that end together are one group, as in a backtest.
- A loop plays the same events again, later by a whole number of days, so that funding and candles fall where they did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from heapq import merge
from typing import Any

import numpy as np

from hookline.columns import ExternalSeries
from hookline.data.external import load_external
from hookline.data.tape import cut_tape
from hookline.data.ticks import infer_instrument
from hookline.errors import ConfigError, DataError, HooklineError, PluginError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import (
    Bar,
    BarSeries,
    Instrument,
    InstrumentKind,
    MarginTier,
    MarketEvent,
    TapeSeries,
    timeframe_ns,
)
from hookline.model import MarketData as Kind
from hookline.params import PluginUse
from hookline.plugins import build_use
from hookline.session.schema import InstrumentEntry
from hookline_lmex.emulator.config import EmulatorConfig, MarketConfig
from hookline_lmex.emulator.start_times import start_time
from hookline_lmex.emulator.terms import MarketSetup

__all__ = ["Group", "MarketData", "load_market_data"]

_DAY = 86_400 * 10**9
_LEAD = 120 * 10**9  # before the start, in which there is a snapshot of the book
_LONGEST = 400 * _DAY  # for which a loop knows its funding

Group = tuple[int, Sequence[MarketEvent]]
"""Time of events, and those: one message, or the bars that end together."""


@dataclass(frozen=True, eq=False)
class _Market:
    """One market's terms, and its series from the start on."""

    setup: MarketSetup
    bars: BarSeries | None
    tape: TapeSeries | None


@dataclass(frozen=True, eq=False)
class MarketData:
    """What an emulator plays.

    Args:
        markets: The markets, with what was before the start.
        start: When playing begins, nanoseconds UTC.
        end: Time of the last event.
    """

    markets: Sequence[_Market]
    start: int
    end: int

    @property
    def setups(self) -> list[MarketSetup]:
        """Terms and history of the markets."""
        return [market.setup for market in self.markets]

    @property
    def round_days(self) -> int:
        """Days from one round of a loop to the next."""
        return -((self.start - self.end) // _DAY) or 1

    def groups(self, *, loop: bool) -> Iterator[Group]:
        """Yield the events from the start on, by time; with ``loop`` again and again."""
        shift = 0
        while True:
            yield from _grouped(self._events(shift))
            if not loop:
                return
            shift += self.round_days * _DAY

    def _events(self, shift: int) -> Iterator[tuple[int, int, MarketEvent]]:
        bars = [market.bars for market in self.markets if market.bars is not None]
        tapes = [market.tape for market in self.markets if market.tape is not None]
        return merge(
            *(_bars(series, order, shift) for order, series in enumerate(bars)),
            *(_messages(tape, len(bars) + order, shift) for order, tape in enumerate(tapes)),
        )


def _bars(series: BarSeries, order: int, shift: int) -> Iterator[tuple[int, int, MarketEvent]]:
    for number in range(len(series)):
        bar = series.bar(number)
        if shift:
            bar = Bar(
                bar.symbol,
                bar.start + shift,
                bar.end + shift,
                bar.open,
                bar.high,
                bar.low,
                bar.close,
                bar.volume,
            )
        yield bar.end, order, bar


def _messages(tape: TapeSeries, order: int, shift: int) -> Iterator[tuple[int, int, MarketEvent]]:
    if shift:
        # The numbers of a round begin anew: without them no update of the next one is taken for an old one.
        none = np.full(len(tape), -1)
        tape = replace(
            tape, time=tape.time + shift, venue_time=tape.venue_time + shift, sequence=none, previous=none
        )
    for event in tape.events():
        yield event.time, order, event


def _grouped(events: Iterator[tuple[int, int, MarketEvent]]) -> Iterator[Group]:
    bars: list[MarketEvent] = []
    end = 0
    for time, _, event in events:
        if bars and (time != end or not isinstance(event, Bar)):
            yield end, bars
            bars = []
        if isinstance(event, Bar):
            bars.append(event)
            end = time
        else:
            yield time, (event,)
    if bars:
        yield end, bars


def load_market_data(config: EmulatorConfig, given: Mapping[str, Feed] | None = None) -> MarketData:
    """Return what an emulator plays, read from its feeds.

    Args:
        config: What it is to play.
        given: Feeds made in Python, by the name under which the configuration uses them.

    Raises:
        ConfigError: if a market's terms contradict each other, or a feed's parameters break a rule.
        DataError: if there is no data from the start on, or it cannot be trusted.
        PluginError: if there is no such feed, or it raises.
    """
    asked_start, until = start_time(config.start, "start"), start_time(config.until, "until")
    feeds = _Feeds(config.feed, given or {})
    loaded = [
        _loaded(feeds.of(market, number), market, f"markets[{number}]", config, (asked_start, until))
        for number, market in enumerate(config.markets)
    ]
    firsts = [_first(one) for one in loaded]
    start = asked_start if asked_start is not None else min(first for first, _ in firsts)
    end, loop = max(last for _, last in firsts), config.at_end == "loop"
    paid = [
        _paid(one, market, (start, end), loop=loop)
        for one, market in zip(loaded, config.markets, strict=True)
    ]
    return MarketData(paid, start, end)


class _Feeds:
    """The feeds of an emulator; markets that name the same one share it."""

    def __init__(self, common: PluginUse | None, given: Mapping[str, Feed]) -> None:
        self._common, self._given = common, given
        self._made: list[tuple[PluginUse, Feed]] = []

    def of(self, market: MarketConfig, number: int) -> Feed:
        use = market.feed or self._common
        if use is None:
            raise ConfigError(f"markets[{number}].feed: is required where the emulator has no 'feed'")
        if use.use in self._given:
            return self._given[use.use]
        for known, feed in self._made:
            if known == use and known.base == use.base:
                return feed
        made: Feed = build_use("feeds", use, "feed" if market.feed is None else f"markets[{number}].feed")
        self._made.append((use, made))
        return made


def _loaded(
    feed: Feed, market: MarketConfig, where: str, config: EmulatorConfig, span: tuple[int | None, int | None]
) -> _Market:
    name, (start, until) = market.source or market.symbol, span
    duration = timeframe_ns(market.timeframe)
    since = None if start is None else (start - config.history_bars * duration) // duration * duration
    request = BarRequest(name, market.timeframe, since, until)
    try:
        bars = _bars_of(feed, request, optional=bool(market.tape))
        tape = _tape_of(feed, name, market, (start, until)) if market.tape else None
        instrument = _instrument(feed, market, name, bars, where)
        setup = MarketSetup(
            instrument,
            **_fees(config, instrument),
            tape=frozenset(market.tape),
            marks=_marks(feed, request, instrument, market.symbol),
            funding=_funding(feed, market, instrument, (start, until or _after(bars, tape)), name),
            funding_interval_minutes=60 * market.funding_hours,
            is_listed=market.listed,
        )
    except HooklineError as error:
        raise type(error)(_addressed(str(error), where)) from error
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        raise PluginError(f"{where}: feed {feed.name!r} raised {text}") from error
    return _split(setup, bars, tape, start)


def _addressed(text: str, where: str) -> str:
    return text if text.startswith((where, "feed")) else f"{where}: {text}"


def _bars_of(feed: Feed, request: BarRequest, *, optional: bool) -> BarSeries | None:
    try:
        return feed.load(request)
    except DataError:
        if optional:  # a tape can be shorter than a bar
            return None
        raise


def _tape_of(feed: Feed, name: str, market: MarketConfig, span: tuple[int | None, int | None]) -> TapeSeries:
    """Return the tape from the start on, with the book as it stood there."""
    (start, until), kinds = span, frozenset(market.tape)
    if start is not None:
        try:
            return cut_tape(feed.tape(TapeRequest(name, kinds, start - _LEAD, until)), start, until)
        except DataError:  # nothing is known of so long ago
            pass
    return feed.tape(TapeRequest(name, kinds, start, until))


def _split(setup: MarketSetup, bars: BarSeries | None, tape: TapeSeries | None, start: int | None) -> _Market:
    """Return a market whose bars that end at or before the start are history."""
    symbol = setup.symbol
    tape = None if tape is None else replace(tape, symbol=symbol)
    if bars is None:
        return _Market(setup, None, tape)
    bars = replace(bars, symbol=symbol)
    if tape is not None:  # bars are for candles then
        setup = replace(setup, tape=setup.tape | {Kind.BARS})
    cut = 0 if start is None else int(np.searchsorted(bars.end, start, side="right"))
    history = bars.slice(0, cut)
    return _Market(replace(setup, history=history if len(history) else None), bars.slice(cut), tape)


def _first(market: _Market) -> tuple[int, int]:
    """Return the time at which a market's data begins, and that of its last event."""
    begins, ends = [], []
    if market.bars is not None and len(market.bars):
        begins.append(int(market.bars.start[0]))
        ends.append(int(market.bars.end[-1]))
    if market.tape is not None and len(market.tape):
        begins.append(int(market.tape.time[0]))
        ends.append(int(market.tape.time[-1]))
    if not begins:
        raise DataError(f"{market.setup.symbol}: there is no data from the start on")
    return min(begins), max(ends)


def _instrument(
    feed: Feed, market: MarketConfig, name: str, bars: BarSeries | None, where: str
) -> Instrument:
    known = feed.instrument(name)
    if known is None and bars is not None:
        known = infer_instrument(bars, name)
    kind = InstrumentKind.SPOT if market.is_spot else InstrumentKind.PERPETUAL
    base, _, quote = market.symbol.partition("-")
    quote = quote if market.is_spot else "USDT"
    known = Instrument(name) if known is None else known
    said = {"kind": kind, "base": base, "quote": quote} | _said(market.instrument)
    size = said.get("contract_size")
    if size is not None and "lot_size" not in said and known.lot_size % size:
        said["lot_size"] = size
    try:
        return replace(known, **{**said, "symbol": market.symbol})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}.instrument: {error}") from error


def _said(entry: InstrumentEntry) -> dict[str, Any]:
    said = {one.name: getattr(entry, one.name) for one in fields(entry)}
    said.pop("funding", None)
    if said["margin_tiers"] is not None:
        said["margin_tiers"] = tuple(
            MarginTier(tier.up_to, tier.maintenance, tier.max_leverage) for tier in said["margin_tiers"]
        )
    return {name: value for name, value in said.items() if value is not None}


def _after(bars: BarSeries | None, tape: TapeSeries | None) -> int | None:
    """Return a day after the last event: funding is wanted until then, for a loop is whole days."""
    ends = [
        int(series[-1])
        for series in (None if bars is None else bars.end, None if tape is None else tape.time)
        if series is not None and len(series)
    ]
    return max(ends) + _DAY if ends else None


def _fees(config: EmulatorConfig, instrument: Instrument) -> Mapping[str, Any]:
    fees = config.spot_fees if instrument.kind is InstrumentKind.SPOT else config.futures_fees
    return {"maker_fee_bps": fees.maker_bps, "taker_fee_bps": fees.taker_bps}


def _marks(feed: Feed, request: BarRequest, instrument: Instrument, symbol: str) -> BarSeries | None:
    if instrument.kind is InstrumentKind.SPOT:
        return None
    marks = feed.mark(request)
    return None if marks is None else replace(marks, symbol=symbol)


def _funding(
    feed: Feed, market: MarketConfig, instrument: Instrument, span: tuple[int | None, int | None], name: str
) -> ExternalSeries | None:
    """Return the rates of a perpetual: those that are configured, else what the feed knows."""
    if instrument.kind is InstrumentKind.SPOT:
        return None
    entry = market.funding
    if entry is not None:
        return load_external(
            entry.path,
            entry.column,
            lag_seconds=entry.lag_seconds,
            symbol=entry.symbol,
            time_column=entry.time_column,
        )
    if market.funding_rate is None:
        return feed.funding(name, *span)
    return ExternalSeries(np.zeros(0, np.int64), np.zeros(0))  # made once it is known how long is played


def _paid(one: _Market, market: MarketConfig, span: tuple[int, int], *, loop: bool) -> _Market:
    """Return a market with the funding of all the time that it is played.

    Mark prices are left out of a loop: they belong to one round. The last price is the mark then.
    """
    setup, (start, end) = one.setup, span
    if setup.funding is None:
        return replace(one, setup=replace(setup, marks=None)) if loop else one
    time, value = setup.funding.time, setup.funding.value
    period = (-((start - end) // _DAY) or 1) * _DAY
    if market.funding_rate is not None:
        interval = market.funding_hours * 3600 * 10**9
        time = np.arange(start // interval + 1, (start + period) // interval + 1, dtype=np.int64) * interval
        value = np.full(len(time), float(market.funding_rate))
    if loop:
        inside = (time > start) & (time <= start + period)
        rounds = max(1, _LONGEST // period)
        shifts = np.arange(rounds, dtype=np.int64) * period
        time = (shifts[:, None] + time[inside][None, :]).ravel()
        value = np.tile(value[inside], rounds)
    marks = None if loop else setup.marks
    return replace(one, setup=replace(setup, funding=ExternalSeries(time, value), marks=marks))
