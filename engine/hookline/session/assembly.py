"""From a session's configuration to its plan: plugins built, data found, instruments completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from hookline import plugins
from hookline.data import infer_instrument
from hookline.errors import ConfigError, HooklineError
from hookline.feed import BarRequest, Feed
from hookline.model import BarSeries, Instrument, InstrumentKind
from hookline.model.instrument import MarginTier
from hookline.problems import Location, did_you_mean
from hookline.session.building import build_plugins, public_params, uses
from hookline.session.config import SessionConfig
from hookline.session.feeding import instrument_of, load_bars
from hookline.session.plan import Plan, Seat
from hookline.session.schema import ExternalEntry, InstrumentEntry

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["assemble"]


def assemble(config: SessionConfig) -> Plan:
    """Build what a configuration names.

    Raises:
        ConfigError: with one line for each parameter that breaks its rule.
        PluginError: if plugins are missing or broken.
        DataError: if the feed cannot say what the instruments are.
    """
    built = build_plugins(config)
    requests = [BarRequest(symbol, config.timeframe, config.since, config.until) for symbol in config.symbols]
    instruments, loaded, notes = _instruments(config, built[("feed",)], requests)
    external = {name: _external(name, entry) for name, entry in config.external.items()}
    return Plan(
        name=config.name,
        mode=config.mode,
        currency=config.currency,
        seed=config.seed,
        timeframe=config.timeframe,
        feed=built[("feed",)],
        requests=requests,
        instruments=instruments,
        broker=built[("broker",)],
        seats=[_seat(config, number, built) for number in range(len(config.strategies))],
        rules=[built[("risk", number)] for number in range(len(config.risk))],
        external=external,
        funding=_funding(config, instruments, external),
        modules=[plugins.module_of(kind, use.use) for _, kind, use in uses(config)],
        notifiers=[built[("notifiers", number)] for number in range(len(config.notifiers))],
        reporters=[built[("reporters", number)] for number in range(len(config.reporters))],
        loaded=loaded,
        config=config.dump(),
        notes=notes,
    )


def _instruments(
    config: SessionConfig, feed: Feed, requests: Sequence[BarRequest]
) -> tuple[dict[str, Instrument], dict[BarRequest, BarSeries], list[str]]:
    """Return the instruments, the series read to make them, and notes on what had to be guessed."""
    instruments, loaded, notes = {}, {}, []
    for request in requests:
        entry = config.instruments.get(request.symbol)
        said = _said(entry)
        known = instrument_of(feed, request.symbol)
        if known is None:
            loaded[request] = series = load_bars(feed, request)
            known = replace(infer_instrument(series, request.symbol), quote=config.currency)
            if "tick_size" not in said:
                notes.append(
                    f"{request.symbol}: tick size {known.tick_size} taken from the prices; "
                    f"name it under 'instruments' to be sure"
                )
        instruments[request.symbol] = instrument = _completed(known, said)
        if instrument.kind is InstrumentKind.PERPETUAL and (entry is None or entry.funding is None):
            notes.append(f"{request.symbol}: no funding series under 'instruments', so funding is left out")
    return instruments, loaded, notes


def _funding(
    config: SessionConfig, instruments: Mapping[str, Instrument], external: Mapping[str, ExternalSeries]
) -> dict[str, ExternalSeries]:
    """Return the funding rates of the instruments that name a series for them."""
    funding = {}
    for symbol, entry in config.instruments.items():
        if entry.funding is None:
            continue
        where = f"instruments.{symbol}.funding"
        if instruments[symbol].kind is not InstrumentKind.PERPETUAL:
            raise ConfigError(
                f"{where}: only a perpetual has funding, {symbol} is {instruments[symbol].kind}"
            )
        if entry.funding not in external:
            hint = did_you_mean(entry.funding, external)
            raise ConfigError(f"{where}: no series under 'external' is called {entry.funding!r}{hint}")
        funding[symbol] = external[entry.funding]
    return funding


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


def _seat(config: SessionConfig, number: int, built: Mapping[Location, Any]) -> Seat:
    use, where = config.strategies[number], ("strategies", number)
    strategy = built[where]
    params = public_params(config, where, strategy)
    cash = float(config.cash) * use.cash_fraction
    return Seat(use.id, use.use, strategy, use.symbols, cash, built.get((*where, "sizer")), params)


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
