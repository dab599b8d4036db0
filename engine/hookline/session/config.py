"""A session as configured: every default filled in, every reference within the file checked.

Plugins are not loaded here; their parameters are validated when a session is assembled.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from hookline.clock import isoformat, to_ns
from hookline.model.timeframe import timeframe_ns
from hookline.params import PluginUse
from hookline.problems import Location, Problem, did_you_mean, shown
from hookline.session.document import Document
from hookline.session.schema import (
    ExternalEntry,
    InstrumentEntry,
    JournalEntry,
    LiveEntry,
    SessionFile,
    StrategyEntry,
    StreamEntry,
    SweepEntry,
    VenueEntry,
)
from hookline.session.validation_rules import ValidationRules

__all__ = ["SessionConfig", "StrategyUse", "jsonable", "resolve"]

# Shares such as 0.1 are not exact in binary; their sum may miss 1 by this much.
_ROUNDING = 1e-9
_AS_WRITTEN = (
    "mode",
    "cash",
    "balances",
    "rates",
    "accounts",
    "currency",
    "seed",
    "timeframe",
    "instruments",
    "stream",
    "journal",
    "require_stops",
    "flatten_on_halt",
    "sweep",
    "validation",
)
# What 64-bit nanoseconds can hold, in whole centuries.
_FIRST_YEAR, _YEARS_END = 1700, 2200
_UNSAFE = set('/\\:*?"<>|\0')


@dataclass(frozen=True)
class StrategyUse:
    """One strategy of a session with its defaults filled in. ``cash_fraction`` is its share of the session's cash."""

    use: str
    id: str
    symbols: tuple[str, ...]
    cash_fraction: float
    params: dict[str, Any] = field(default_factory=dict)
    sizer: PluginUse | None = None


@dataclass(frozen=True)
class SessionConfig:
    """What a session runs. ``since`` and ``until`` are nanoseconds UTC; bars start in ``[since, until)``.

    ``base`` is the folder of the session file, against which relative paths in parameters are resolved; ``origin`` knows
    where in the file everything was written.
    """

    name: str
    mode: Literal["backtest", "paper", "live"]
    cash: Decimal
    balances: dict[str, Decimal]
    rates: dict[str, str]
    venues: dict[str, VenueEntry]
    accounts: Literal["apart", "netted"]
    currency: str
    seed: int
    timeframe: str
    symbols: tuple[str, ...]
    since: int | None
    until: int | None
    instruments: dict[str, InstrumentEntry]
    external: dict[str, ExternalEntry]
    feed: PluginUse
    broker: PluginUse
    strategies: tuple[StrategyUse, ...]
    market_data: tuple[str, ...]
    stream: StreamEntry
    live: LiveEntry
    journal: JournalEntry
    require_stops: bool
    flatten_on_halt: bool
    on_stop: Literal["keep", "cancel", "flatten"]
    risk: tuple[PluginUse, ...]
    reporters: tuple[PluginUse, ...]
    notifiers: tuple[PluginUse, ...]
    sweep: SweepEntry | None
    validation: ValidationRules
    executor: PluginUse | None
    output: Path
    base: Path
    origin: Document = field(repr=False, compare=False, default_factory=lambda: Document(""))

    def dump(self) -> dict[str, Any]:
        """Return the session as JSON can hold it, with every default; what only studies of it read is left out.

        Values from the environment are as they were written: a result file that carries this holds no secret.
        """
        left_out = {"base", "origin", "output", "since", "until", "sweep", "validation", "executor"}
        names = [item.name for item in dataclasses.fields(self) if item.name not in left_out]
        data = {name: jsonable(getattr(self, name)) for name in names}
        for name in ("since", "until"):
            data[name] = None if getattr(self, name) is None else isoformat(getattr(self, name))
        kept = {place: text for place, text in self.origin.references.items() if place[0] in data}
        dumped: dict[str, Any] = Document("", references=kept).as_written((), data)
        return dumped


def jsonable(value: Any) -> Any:
    """Return a value as JSON can hold it: a Decimal, a path, a time or an enum as text, a dataclass as a mapping."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value):
        return {
            item.name: jsonable(getattr(value, item.name)) for item in dataclasses.fields(value) if item.init
        }
    if isinstance(value, Mapping):
        return {str(key): jsonable(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(part) for part in value]
    return str(value)


def resolve(
    file: SessionFile, stem: str, base: Path, origin: Document
) -> tuple[SessionConfig | None, list[Problem]]:
    """Return the session that a file means, or None and what is wrong with it.

    Args:
        file: The session as written.
        stem: Name of the session where the file gives none.
        base: Folder of relative paths.
        origin: Where everything was written.
    """
    problems = [
        *_check_names(file),
        *_check_symbols(file),
        *_check_instruments(file),
        *_check_journal(file),
        *_check_venues(file),
        *_check_rates(file),
    ]
    since = _moment(file.since, "since", problems)
    until = _moment(file.until, "until", problems)
    if since is not None and until is not None and since >= until:
        problems.append(Problem(("until",), f"must be after since ({file.since!r})", shown(file.until)))
    strategies = _strategies(file, problems)
    if problems:
        return None, problems
    name = file.name or stem
    config = SessionConfig(
        **{key: getattr(file, key) for key in _AS_WRITTEN},
        name=name,
        live=_live(file.live, base),
        symbols=tuple(file.symbols),
        market_data=tuple(file.market_data),
        since=since,
        until=until,
        on_stop=file.on_stop or ("cancel" if file.mode == "live" else "keep"),
        external={key: _external(entry, base) for key, entry in file.external.items()},
        venues={name: _anchored_venue(entry, base) for name, entry in file.venues.items()},
        feed=file.feed.anchored(base),
        broker=file.broker.anchored(base),
        strategies=tuple(_anchored(use, base) for use in strategies),
        risk=tuple(use.anchored(base) for use in file.risk),
        reporters=tuple(use.anchored(base) for use in file.reporters),
        notifiers=tuple(use.anchored(base) for use in file.notifiers),
        executor=None if file.executor is None else file.executor.anchored(base),
        output=file.output or Path("runs") / name,
        base=base,
        origin=origin,
    )
    return config, []


def _anchored_venue(entry: VenueEntry, base: Path) -> VenueEntry:
    feed, broker = (None if use is None else use.anchored(base) for use in (entry.feed, entry.broker))
    return dataclasses.replace(entry, feed=feed, broker=broker)


def _live(entry: LiveEntry, base: Path) -> LiveEntry:
    return (
        entry
        if entry.passport is None
        else dataclasses.replace(entry, passport=base / entry.passport.expanduser())
    )


def _external(entry: ExternalEntry, base: Path) -> ExternalEntry:
    return dataclasses.replace(entry, path=base / entry.path.expanduser())


def _check_names(file: SessionFile) -> Iterator[Problem]:
    if file.name is not None and (_UNSAFE & set(file.name) or file.name.strip(" .") != file.name):
        yield Problem(("name",), "must be usable as the name of a folder", shown(file.name))
    try:
        timeframe_ns(file.timeframe)
    except ValueError as error:
        rule = "must be a count and one of s m h d w, such as '15m' or '4h'"
        rule = "must be ten years at most" if "at most" in str(error) else rule
        yield Problem(("timeframe",), rule, shown(file.timeframe))


def _check_symbols(file: SessionFile) -> Iterator[Problem]:
    yield from _check_unique(file.symbols, ("symbols",))
    for number, entry in enumerate(file.strategies):
        location: Location = ("strategies", number, "symbols")
        yield from _check_unique(entry.symbols or [], location)
        for index, symbol in enumerate(entry.symbols or []):
            if symbol not in file.symbols:
                yield _unknown_symbol((*location, index), symbol, file)


def _check_instruments(file: SessionFile) -> Iterator[Problem]:
    for symbol in file.instruments:
        if symbol not in file.symbols:
            yield _unknown_symbol(("instruments", symbol), symbol, file)


def _check_journal(file: SessionFile) -> Iterator[Problem]:
    if file.journal.enabled and file.mode == "backtest":
        yield Problem(
            ("journal", "enabled"), "must be left out of a backtest, which keeps no journal", "true"
        )
    if file.journal.enabled is False and file.mode == "live":
        yield Problem(("journal", "enabled"), "must not be off where orders go to a venue", "false")
    if file.mode == "live":
        yield from _check_live(file)


def _check_live(file: SessionFile) -> Iterator[Problem]:
    """Refuse what one account at a venue cannot tell apart: whose a position is."""
    if file.accounts == "netted":
        yield Problem(("accounts",), "must be 'apart' where orders go to a venue", "'netted'")
    owners: dict[str, int] = {}
    for number, entry in enumerate(file.strategies):
        for symbol in entry.symbols or file.symbols:
            first = owners.setdefault(symbol, number)
            if first != number:
                rule = f"must trade symbols of their own where orders go to a venue, strategies[{first}] trades {symbol} too"
                yield Problem(("strategies", number, "symbols"), rule)
                break


def _check_venues(file: SessionFile) -> Iterator[Problem]:
    if (file.balances or file.venues) and file.cash != SessionFile.cash:
        instead = "balances" if file.balances else "the balances of the venues"
        yield Problem(("cash",), f"must be left out where there are {instead}", str(file.cash))
    if file.balances and file.venues:
        yield Problem(("balances",), "must be given for each venue where there are venues")
    for name in file.venues:
        if not name or _UNSAFE & set(name):
            yield Problem(("venues", name), "must be usable as the name of a file", shown(name))
    if file.venues:
        yield from _check_places(file)


def _check_places(file: SessionFile) -> Iterator[Problem]:
    """Refuse symbols that do not trade at exactly one venue."""
    places: dict[str, str] = {}
    for name, entry in file.venues.items():
        for number, symbol in enumerate(entry.symbols):
            location: Location = ("venues", name, "symbols", number)
            if symbol not in file.symbols:
                yield _unknown_symbol(location, symbol, file)
            elif symbol in places:
                rule = f"must trade at one venue, trades at {places[symbol]!r} already"
                yield Problem(location, rule, shown(symbol))
            places.setdefault(symbol, name)
    for number, symbol in enumerate(file.symbols):
        if symbol not in places:
            rule = f"must be listed under one of the venues {', '.join(file.venues)}"
            yield Problem(("symbols", number), rule, shown(symbol))


def _check_rates(file: SessionFile) -> Iterator[Problem]:
    for currency, symbol in file.rates.items():
        if symbol not in file.symbols:
            yield _unknown_symbol(("rates", currency), symbol, file)
    where: list[tuple[Location, Mapping[str, Decimal]]] = [(("balances",), file.balances)]
    where += [(("venues", name, "balances"), entry.balances) for name, entry in file.venues.items()]
    for location, balances in where:
        for currency in balances:
            if currency != file.currency and currency not in file.rates:
                rule = f"must be {file.currency} or have an instrument under 'rates' that turns it into {file.currency}"
                yield Problem((*location, currency), rule, shown(currency))
    if (file.balances or file.venues) and not any(any(one.values()) for _, one in where):
        yield Problem(("balances",), "must hold some cash")


def _check_unique(values: Sequence[str], location: Location) -> Iterator[Problem]:
    for number, value in enumerate(values):
        if value in values[:number]:
            yield Problem((*location, number), "must be listed once", f"{value!r} again")


def _unknown_symbol(location: Location, symbol: str, file: SessionFile) -> Problem:
    hint = did_you_mean(symbol, file.symbols)
    return Problem(
        location, f"must be one of the session's symbols {', '.join(file.symbols)}", shown(symbol), hint
    )


def _moment(text: str | None, name: str, problems: list[Problem]) -> int | None:
    """Return the nanoseconds of an ISO date or time; without a zone it is UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        rule = "must be an ISO date or time such as 2024-01-31 or '2024-01-31T12:00:00Z'"
        problems.append(Problem((name,), rule, shown(text)))
        return None
    if not _FIRST_YEAR <= moment.year < _YEARS_END:
        problems.append(
            Problem((name,), f"must be from {_FIRST_YEAR} on and before {_YEARS_END}", shown(text))
        )
        return None
    return to_ns(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _strategies(file: SessionFile, problems: list[Problem]) -> list[StrategyUse]:
    ids = _ids(file.strategies, problems)
    fractions = _cash_fractions(file.strategies, problems)
    return [
        StrategyUse(
            entry.use, name, tuple(entry.symbols or file.symbols), fraction, dict(entry.params), entry.sizer
        )
        for entry, name, fraction in zip(file.strategies, ids, fractions, strict=True)
    ]


def _ids(entries: Sequence[StrategyEntry], problems: list[Problem]) -> list[str]:
    """Return the ids of the strategies: as given, else the plugin's name, numbered where it is taken."""
    given = [entry.id for entry in entries if entry.id is not None]
    ids: list[str] = []
    for number, entry in enumerate(entries):
        name = entry.id
        if name is None:
            name, count = entry.use, 1
            while name in ids or name in given:
                count += 1
                name = f"{entry.use}-{count}"
        elif name in ids:
            problems.append(Problem(("strategies", number, "id"), "must be unique", f"{name!r} again"))
        elif _UNSAFE & set(name):
            problems.append(
                Problem(("strategies", number, "id"), "must be usable as the name of a file", shown(name))
            )
        ids.append(name)
    return ids


def _cash_fractions(entries: Sequence[StrategyEntry], problems: list[Problem]) -> list[float]:
    """Return each strategy's share of the cash; those without one share equally what the others leave."""
    given = [entry.cash_fraction for entry in entries if entry.cash_fraction is not None]
    open_entries = len(entries) - len(given)
    left = 1.0 - math.fsum(given)
    if left < -_ROUNDING:
        problems.append(
            Problem(("strategies",), "cash_fraction must add up to at most 1", f"{math.fsum(given):g}")
        )
    elif open_entries and left <= _ROUNDING:
        problems.append(Problem(("strategies",), "cash_fraction of some leaves no cash for the others"))
    return [left / open_entries if entry.cash_fraction is None else entry.cash_fraction for entry in entries]


def _anchored(use: StrategyUse, base: Path) -> StrategyUse:
    return use if use.sizer is None else dataclasses.replace(use, sizer=use.sizer.anchored(base))
