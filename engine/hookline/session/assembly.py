"""From a session's configuration to its plan: plugins built, data found, instruments completed."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hookline import plugins
from hookline.data import infer_instrument
from hookline.errors import ConfigError, HooklineError
from hookline.feed import BarRequest, Feed
from hookline.params import PluginUse
from hookline.session.config import SessionConfig
from hookline.session.plan import Plan, Seat
from hookline.session.schema import ExternalEntry, InstrumentEntry

__all__ = ["assemble"]


def assemble(config: SessionConfig) -> Plan:
    """Build what a configuration names.

    Raises:
        ConfigError: if a parameter breaks its rule.
        PluginError: if a plugin is missing or broken.
        DataError: if the feed cannot say what the instruments are.
    """
    feed: Feed = _build(config, "feeds", config.feed, "feed")
    requests = [BarRequest(symbol, config.timeframe, config.since, config.until) for symbol in config.symbols]
    instruments, notes, loaded = {}, [], {}
    for request in requests:
        said = _said(config.instruments.get(request.symbol))
        known = feed.instrument(request.symbol)
        if known is None:
            loaded[request] = series = feed.load(request)
            known = replace(infer_instrument(series, request.symbol), quote=config.currency)
            if "tick_size" not in said:
                notes.append(
                    f"{request.symbol}: tick size {known.tick_size} taken from the prices; "
                    f"name it under 'instruments' to be sure"
                )
        instruments[request.symbol] = replace(known, **said)
    uses = [("feeds", config.feed), ("brokers", config.broker)]
    uses += [("risk_rules", use) for use in config.risk] + [("reporters", use) for use in config.reporters]
    uses += [("notifiers", use) for use in config.notifiers]
    uses += [("strategies", PluginUse(seat.use)) for seat in config.strategies]
    return Plan(
        name=config.name,
        mode=config.mode,
        currency=config.currency,
        seed=config.seed,
        timeframe=config.timeframe,
        feed=feed,
        requests=requests,
        instruments=instruments,
        broker=_build(config, "brokers", config.broker, "broker"),
        seats=[_seat(config, number) for number in range(len(config.strategies))],
        rules=[_build(config, "risk_rules", use, f"risk[{i}]") for i, use in enumerate(config.risk)],
        external={name: _external(name, entry) for name, entry in config.external.items()},
        modules=[plugins.module_of(kind, use.use) for kind, use in uses],
        notifiers=[
            _build(config, "notifiers", use, f"notifiers[{i}]") for i, use in enumerate(config.notifiers)
        ],
        reporters=[
            _build(config, "reporters", use, f"reporters[{i}]") for i, use in enumerate(config.reporters)
        ],
        output=config.output,
        loaded=loaded,
        config=config.dump(),
        notes=notes,
    )


def _said(entry: InstrumentEntry | None) -> dict[str, Any]:
    """Return what a session says of an instrument; it overrules what the feed knows or the prices show."""
    said = {} if entry is None else {field.name: getattr(entry, field.name) for field in fields(entry)}
    return {name: value for name, value in said.items() if value is not None}


def _seat(config: SessionConfig, number: int) -> Seat:
    use = config.strategies[number]
    where = f"strategies[{number}]"
    strategy = _build(config, "strategies", PluginUse(use.use, use.params), where)
    sizer = None if use.sizer is None else _build(config, "sizers", use.sizer, f"{where}.sizer")
    return Seat(use.id, use.use, strategy, use.symbols, float(config.cash) * use.cash_fraction, sizer)


def _build(config: SessionConfig, kind: str, use: PluginUse, where: str) -> Any:
    return plugins.build(kind, use.use, use.params, where, config.base)


def _external(name: str, entry: ExternalEntry) -> Any:
    from hookline.data import load_external

    try:
        return load_external(entry.path, entry.column, lag_seconds=entry.lag_seconds)
    except HooklineError as error:
        raise ConfigError(f"external.{name}: {error}") from error
