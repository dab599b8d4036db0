"""From a session's configuration to its plan: plugins built, data found, instruments completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline import plugins
from hookline.broker import Broker
from hookline.data import infer_instrument
from hookline.errors import ConfigError, HooklineError
from hookline.feed import BarRequest, Feed
from hookline.kernel.runner import market_data_of
from hookline.model import BarSeries, Instrument, InstrumentKind, MarketData
from hookline.model.instrument import MarginTier
from hookline.problems import Location, did_you_mean
from hookline.risk import RequireStop
from hookline.session.building import build_plugins, public_params, uses
from hookline.session.config import SessionConfig
from hookline.session.feeding import funding_of, instrument_of, load_bars, mark_of
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.session.schema import ExternalEntry, InstrumentEntry
from hookline.session.stream_rules import StreamRules
from hookline.session.venues import broker_of, feed_of
from hookline.session.wallets import check_wallets, start_cash, wallets_of

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["assemble", "tapes_of"]


def assemble(config: SessionConfig, known: Plan | None = None) -> Plan:
    """Build what a configuration names.

    Args:
        config: What to run.
        known: Another plan on the same data, which is then not read again.

    Raises:
        ConfigError: with one line for each parameter that breaks its rule.
        PluginError: if plugins are missing or broken.
        DataError: if the feed cannot say what the instruments are.
    """
    built = build_plugins(config)
    feed, broker = feed_of(config, built), broker_of(config, built)
    _check_mode(config, feed, broker)
    market = _market(config, feed, known)
    wallets = wallets_of(config)
    check_wallets(market.instruments, wallets)
    cash = start_cash(config, wallets, feed, market.requests)
    seats = [_seat(config, number, built, cash) for number in range(len(config.strategies))]
    rules = [built[("risk", number)] for number in range(len(config.risk))]
    plan = Plan(
        name=config.name,
        mode=config.mode,
        currency=config.currency,
        seed=config.seed,
        timeframe=config.timeframe,
        feed=feed,
        requests=market.requests,
        instruments=market.instruments,
        broker=broker,
        seats=seats,
        rules=[*([RequireStop()] if config.require_stops else []), *rules],
        external=market.external,
        funding=market.funding,
        modules=[plugins.module_of(kind, use.use) for _, kind, use in uses(config)],
        notifiers=[built[("notifiers", number)] for number in range(len(config.notifiers))],
        reporters=[built[("reporters", number)] for number in range(len(config.reporters))],
        loaded=market.loaded,
        notes=market.notes,
        marks=market.marks,
        wallets=wallets,
        rates=config.rates,
    )
    return _run_as_told(plan, config)


def _run_as_told(plan: Plan, config: SessionConfig) -> Plan:
    """Return a plan with what a session says of its run, beside what trades and on which market."""
    return replace(
        plan,
        config=config.dump(),
        file=Path(config.origin.source) if config.origin.source else None,
        tapes=tapes_of(plan.seats, config.symbols, config.market_data),
        stream=StreamRules(
            config.stream.late_data, config.stream.bar_wait_seconds, config.stream.stall_seconds
        ),
        on_stall=config.stream.on_stall,
        flatten_on_halt=config.flatten_on_halt,
        on_stop=config.on_stop,
        warmup_bars=config.stream.warmup_bars,
        live=config.live,
        journal=_journal(config),
    )


def _check_mode(config: SessionConfig, feed: Feed, broker: Broker) -> None:
    """Refuse a mode that is not the combination of feed and broker that it says.

    Raises:
        ConfigError: naming what must change.
    """
    is_live = config.mode == "live"
    if is_live and not broker.is_live:
        raise ConfigError(
            f"broker: mode live needs one that sends orders to a venue, such as lmex; {broker.name!r} simulates"
        )
    if broker.is_live and not is_live:
        raise ConfigError(
            f"mode: must be live where the broker sends orders to a venue, was {config.mode} with broker {broker.name!r}; "
            f"to simulate, say broker: {{use: paper}}"
        )
    if is_live and not feed.is_live:
        raise ConfigError(
            f"feed: mode live needs one that follows the market, such as lmex; {feed.name!r} tells history"
        )


def tapes_of(
    seats: Sequence[Seat], symbols: Sequence[str], also: Sequence[str] = ()
) -> dict[str, frozenset[MarketData]]:
    """Return the kinds of tape to follow, by symbol: what strategies have callbacks for, and what is named."""
    wanted = {symbol: frozenset(MarketData(kind) for kind in also) for symbol in symbols}
    for seat in seats:
        for symbol in seat.symbols:
            wanted[symbol] |= market_data_of(seat.strategy)
    return {symbol: kinds for symbol, kinds in wanted.items() if kinds}


def _journal(config: SessionConfig) -> JournalPlan | None:
    """Return how the journal is kept, None where none is."""
    enabled = config.journal.enabled
    if not (config.mode != "backtest" if enabled is None else enabled):
        return None
    return JournalPlan(
        config.output,
        durable=config.mode == "live" if config.journal.durable is None else config.journal.durable,
        max_bytes=round(config.journal.max_megabytes * 2**20),
        record=config.output / "recording" if config.stream.record else None,
    )


@dataclass(frozen=True)
class _Market:
    """What a session trades on, as :class:`~hookline.session.plan.Plan` has it."""

    requests: list[BarRequest]
    instruments: Mapping[str, Instrument]
    loaded: Mapping[BarRequest, BarSeries]
    external: Mapping[str, ExternalSeries]
    funding: Mapping[str, ExternalSeries]
    marks: Mapping[str, BarSeries]
    notes: list[str]


def _market(config: SessionConfig, feed: Feed, known: Plan | None) -> _Market:
    """Return the market of a session; of a known plan on the same data its series."""
    requests = [BarRequest(symbol, config.timeframe, config.since, config.until) for symbol in config.symbols]
    instruments, loaded, notes = _instruments(config, feed, requests, {} if known is None else known.loaded)
    # What is followed live tells its funding and marks as they come.
    follows = feed.is_live and config.mode != "backtest"
    external: Mapping[str, ExternalSeries]
    funding: Mapping[str, ExternalSeries] = {}
    marks: Mapping[str, BarSeries] = {}
    if known is not None:
        external, funding, marks = known.external, known.funding, known.marks
    else:
        external = {name: _external(name, entry) for name, entry in config.external.items()}
        if not follows:
            funding = _funding(config, feed, instruments, external)
            marks = _marks(feed, requests, instruments)
    notes += [
        f"{symbol}: no funding series under 'instruments', so funding is left out"
        for symbol, one in instruments.items()
        if one.kind is InstrumentKind.PERPETUAL and symbol not in funding and not follows
    ]
    return _Market(requests, instruments, loaded, external, funding, marks, notes)


def _instruments(
    config: SessionConfig,
    feed: Feed,
    requests: Sequence[BarRequest],
    known_series: Mapping[BarRequest, BarSeries],
) -> tuple[dict[str, Instrument], dict[BarRequest, BarSeries], list[str]]:
    """Return the instruments, the series that are read, some of them to make these, and notes on what had to be guessed."""
    instruments, loaded, notes = {}, dict(known_series), []
    for request in requests:
        entry = config.instruments.get(request.symbol)
        said = _said(entry)
        venue = next((name for name, one in config.venues.items() if request.symbol in one.symbols), "")
        known = instrument_of(feed, request.symbol)
        if known is None:
            series = loaded.get(request) or load_bars(feed, request)
            loaded[request] = series
            known = replace(infer_instrument(series, request.symbol), quote=config.currency)
            if "tick_size" not in said:
                notes.append(
                    f"{request.symbol}: tick size {known.tick_size} taken from the prices; "
                    f"name it under 'instruments' to be sure"
                )
        instruments[request.symbol] = _completed(known, {"venue": venue, **said})
    return instruments, loaded, notes


def _funding(
    config: SessionConfig,
    feed: Feed,
    instruments: Mapping[str, Instrument],
    external: Mapping[str, ExternalSeries],
) -> dict[str, ExternalSeries]:
    """Return the funding rates of perpetuals: of the series that the session names, else as the feed knows them."""
    funding = {}
    for symbol, instrument in instruments.items():
        entry = config.instruments.get(symbol)
        name = None if entry is None else entry.funding
        perpetual = instrument.kind is InstrumentKind.PERPETUAL
        if name is not None:
            where = f"instruments.{symbol}.funding"
            if not perpetual:
                raise ConfigError(f"{where}: only a perpetual has funding, {symbol} is {instrument.kind}")
            if name not in external:
                hint = did_you_mean(name, external)
                raise ConfigError(f"{where}: no series under 'external' is called {name!r}{hint}")
            funding[symbol] = external[name]
        elif perpetual:
            known = funding_of(feed, symbol, config.since, config.until)
            if known is not None:
                funding[symbol] = known
    return funding


def _marks(
    feed: Feed, requests: Sequence[BarRequest], instruments: Mapping[str, Instrument]
) -> dict[str, BarSeries]:
    """Return the mark prices of perpetuals that the feed knows."""
    asked = [one for one in requests if instruments[one.symbol].kind is InstrumentKind.PERPETUAL]
    found = {request.symbol: mark_of(feed, request) for request in asked}
    return {symbol: series for symbol, series in found.items() if series is not None}


def _completed(known: Instrument, said: Mapping[str, Any]) -> Instrument:
    """Return an instrument with what a session says of it; with contracts, the lot is one unless it is said."""
    size = said.get("contract_size")
    lot = {"lot_size": size} if size is not None and known.lot_size % size else {}
    try:
        return replace(known, **{**lot, **said})
    except ValueError as error:
        raise ConfigError(f"instruments.{error}") from error


def _said(entry: InstrumentEntry | None) -> dict[str, Any]:
    """Return what a session says of an instrument; it overrules what the feed knows or the prices show."""
    said = {} if entry is None else {field.name: getattr(entry, field.name) for field in fields(entry)}
    said.pop("funding", None)
    tiers = said.pop("margin_tiers", None)
    if tiers is not None:
        said["margin_tiers"] = tuple(
            MarginTier(one.up_to, one.maintenance, one.max_leverage) for one in tiers
        )
    return {name: value for name, value in said.items() if value is not None}


def _seat(config: SessionConfig, number: int, built: Mapping[Location, Any], cash: float) -> Seat:
    use, where = config.strategies[number], ("strategies", number)
    strategy = built[where]
    params = public_params(config, where, strategy)
    return Seat(
        use.id,
        use.use,
        strategy,
        use.symbols,
        cash * use.cash_fraction,
        built.get((*where, "sizer")),
        params,
        use.cash_fraction,
    )


def _external(name: str, entry: ExternalEntry) -> ExternalSeries:
    from hookline.data import load_external

    try:
        return load_external(
            entry.path,
            entry.column,
            lag_seconds=entry.lag_seconds,
            symbol=entry.symbol,
            time_column=entry.time_column,
        )
    except HooklineError as error:
        raise ConfigError(f"external.{name}: {error}") from error
