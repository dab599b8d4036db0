"""Withdrawing a session from its venues from outside, whether or not its process lives.

Rules of this file:

- What counts is what the session ran with, as its journal says; the session file counts where there is no journal, and gives the
  variables of its ``.env`` in any case. A file that cannot be read any more stops nobody who has a journal.
- Only brokers and notifiers are built: no strategy, no data, nothing that takes long to import.
- One venue that fails does not keep the others from being withdrawn from.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline import plugins
from hookline.broker import Broker
from hookline.clock import stopwatch
from hookline.errors import ConfigError, HooklineError, JournalError, VenueError
from hookline.params import PluginUse
from hookline.session.document import Document
from hookline.session.environment import lend_variables, read_dotenv
from hookline.session.loader import load_session
from hookline.session.pulse import read_status
from hookline.session.requests import is_kill_asked

if TYPE_CHECKING:
    from hookline.notifier import Level, Notifier
    from hookline.session.config import SessionConfig

__all__ = ["Leg", "Target", "Withdrawal", "process_of", "reach", "target_of", "wait_for_end", "withdraw"]

_ATTEMPT_SECONDS = 60.0
_POLL_SECONDS = 0.1
_COMPARED = ("symbols", "broker", "venues")


@dataclass(frozen=True)
class Leg:
    """One venue of a session: its broker, not connected, and what is traded there. ``venue`` is empty where there is one."""

    venue: str
    broker: Broker
    symbols: tuple[str, ...]

    @property
    def title(self) -> str:
        """The venue by the name that a person knows."""
        return f"{self.venue} ({self.broker.name})" if self.venue else self.broker.name


@dataclass(frozen=True)
class Target:
    """A session as it is seen from outside.

    Args:
        name: The session's.
        mode: The session's.
        folder: Of its output.
        legs: The venues to which it sends orders over a network; empty on paper.
        notifiers: The session's.
        notes: What a person should know of how this was found out.
    """

    name: str
    mode: str
    folder: Path
    legs: tuple[Leg, ...]
    notifiers: tuple[Notifier, ...] = ()
    notes: tuple[str, ...] = ()

    def notify(self, level: Level, title: str, text: str) -> list[str]:
        """Tell every notifier, and return what went wrong."""
        wrong = []
        for notifier in self.notifiers:
            try:
                notifier.notify(level, title, text)
            except Exception as error:  # noqa: BLE001  # a plugin is called
                wrong.append(f"notifier {notifier.name!r}: {type(error).__name__}: {error}")
        return wrong


@dataclass(frozen=True)
class Withdrawal:
    """What came of withdrawing from one venue: what was done, and what is left or not known, empty for nothing."""

    title: str
    symbols: tuple[str, ...]
    done: tuple[str, ...]
    problem: str = ""


# -- what is withdrawn from --------------------------------------------------------------------------------------------


def target_of(session: Path) -> Target:
    """Return what a session sends orders to.

    Args:
        session: A session file, the folder of its output, or the name of that folder under ``runs``.

    Raises:
        ConfigError: if there is no such session, or neither its journal nor its file says where it trades.
        PluginError: if a broker is missing or broken.
    """
    file, folder = _found(session)
    config, why = _configured(file)
    if folder is None:
        folder = Path("runs") / session.stem if config is None else config.output
    header = _header(folder)
    if config is None and header is None:
        raise ConfigError(why or f"{folder}: has neither a journal nor a sign of life; name the session file")
    notes = [] if header is None or not why else [f"{why}; what the journal says counts"]
    lend_variables(file)
    uses = None if config is None else _Uses.of_config(config)
    if header is not None and (config is None or not _is_same(config, header[2])):
        uses = _last_used(header, file, uses, notes)
    assert uses is not None, "one of the two is there"
    return uses.built(folder, notes)


def _last_used(
    header: tuple[str, str, dict[str, Any]], file: Path | None, uses: _Uses | None, notes: list[str]
) -> _Uses:
    """Return what the session was started with; what its file says now where that is of no use, or paper."""
    try:
        before = _Uses.of_header(header, file)
    except HooklineError as error:
        if uses is None:
            raise
        notes.append(f"{error}; what {file} says counts")
        return uses
    if uses is None:
        return before
    if uses.is_live and not before.is_live:
        return uses
    notes.append(f"{file} has changed since the session was started; what it was started with counts")
    return before


def _found(session: Path) -> tuple[Path | None, Path | None]:
    """Return the session file, None where it is not known, and the folder, None where the file says it."""
    if not session.exists() and (Path("runs") / session).is_dir():
        session = Path("runs") / session
    if session.name.endswith(".sqlite"):
        session = session.parent
    if not session.is_dir():
        return session, None
    told = str(read_status(session).get("file") or "")
    return (Path(told) if told and Path(told).is_file() else None), session


def _configured(file: Path | None) -> tuple[SessionConfig | None, str]:
    if file is None:
        return None, ""
    try:
        return load_session(file), ""
    except ConfigError as error:
        return None, str(error)


def _header(folder: Path) -> tuple[str, str, dict[str, Any]] | None:
    """Return name, mode and configuration of the last start, None where no journal tells them."""
    from hookline.journal.connect import reading
    from hookline.journal.segments import journal_path, segments

    query = "SELECT name, mode, header FROM sessions ORDER BY commit_number DESC LIMIT 1"
    try:
        for path in reversed(segments(journal_path(folder))):
            with reading(path) as connection:
                row = connection.execute(query).fetchone()
            if row is not None:
                return row[0], row[1], json.loads(row[2])["config"]
    except (JournalError, ValueError, KeyError, TypeError):
        return None
    return None


def _is_same(config: SessionConfig, header: Mapping[str, Any]) -> bool:
    dumped = json.loads(json.dumps(config.dump()))
    return all(dumped.get(key) == header.get(key) for key in _COMPARED)


@dataclass(frozen=True)
class _Uses:
    """The brokers and notifiers that a session names."""

    name: str
    mode: str
    brokers: Sequence[tuple[str, PluginUse, tuple[str, ...]]]
    notifiers: Sequence[PluginUse]
    origin: Document

    @classmethod
    def of_config(cls, config: SessionConfig) -> _Uses:
        brokers = [("", config.broker, config.symbols)] if not config.venues else [
            (name, one.broker or config.broker, tuple(one.symbols)) for name, one in config.venues.items()
        ]  # fmt: skip
        return cls(config.name, config.mode, brokers, config.notifiers, config.origin)

    @classmethod
    def of_header(cls, header: tuple[str, str, dict[str, Any]], file: Path | None) -> _Uses:
        """Read what a journal keeps: values from the environment stand there as they were written."""
        import yaml

        from hookline.session.yaml_loader import parse

        base = Path() if file is None else file.parent
        variables = {**read_dotenv(base / ".env"), **os.environ}
        wanted = {key: header[2].get(key) for key in (*_COMPARED, "notifiers")}
        origin = parse(yaml.safe_dump(wanted), f"journal of {header[0]}", variables, is_file=False)
        data = origin.data

        def use(entry: Mapping[str, Any]) -> PluginUse:
            return PluginUse(entry["use"], dict(entry.get("params") or {})).anchored(base)

        session = use(data["broker"])
        brokers = [("", session, tuple(data["symbols"]))] if not data.get("venues") else [
            (name, use(one["broker"]) if one.get("broker") else session, tuple(one["symbols"]))
            for name, one in data["venues"].items()
        ]  # fmt: skip
        return cls(header[0], header[1], brokers, [use(one) for one in data.get("notifiers") or ()], origin)

    @property
    def is_live(self) -> bool:
        return any(plugins.load("brokers", use.use).is_live for _, use, _ in self.brokers)

    def built(self, folder: Path, notes: Sequence[str]) -> Target:
        """Build the brokers that trade over a network, and the notifiers; one that cannot be built is a note.

        Raises:
            ConfigError: if a broker's parameters cannot be used, such as a key that is not there.
            PluginError: if a broker is missing or broken.
        """
        legs = []
        for venue, use, symbols in self.brokers:
            where = f"venues.{venue}.broker" if venue else "broker"
            if plugins.load("brokers", use.use).is_live:
                try:
                    legs.append(Leg(venue, plugins.build_use("brokers", use, where), symbols))
                except ConfigError as error:
                    raise ConfigError(self.origin.scrub(str(error))) from None
        notifiers, notes = [], list(notes)
        for number, use in enumerate(self.notifiers):
            try:
                notifiers.append(plugins.build_use("notifiers", use, f"notifiers[{number}]"))
            except HooklineError as error:
                notes.append(self.origin.scrub(str(error)))
        return Target(self.name, self.mode, folder, tuple(legs), tuple(notifiers), tuple(notes))


# -- withdrawing -------------------------------------------------------------------------------------------------------


async def withdraw(target: Target, *, flatten: bool, seconds: float = _ATTEMPT_SECONDS) -> list[Withdrawal]:
    """Cancel the orders of a session's symbols at all of its venues at once, and close positions if wanted.

    Args:
        target: The session.
        flatten: Whether positions are closed at the market.
        seconds: How long a venue is given.
    """
    return list(await asyncio.gather(*(_withdraw(leg, flatten, seconds) for leg in target.legs)))


async def reach(target: Target, *, seconds: float = 15.0) -> list[str]:
    """Try the connections over which would be withdrawn: from no symbol, which does nothing else.

    Returns:
        What does not answer now, one line each.

    Raises:
        ConfigError: if a venue can never be reached so, such as without a key.
    """
    wrong = []
    for leg in target.legs:
        try:
            async with asyncio.timeout(seconds):
                await leg.broker.withdraw((), flatten=False)
        except TimeoutError:
            wrong.append(f"{leg.title}: no answer within {seconds:g} s")
        except VenueError as error:
            wrong.append(f"{leg.title}: {error}")
    return wrong


async def _withdraw(leg: Leg, flatten: bool, seconds: float) -> Withdrawal:
    try:
        async with asyncio.timeout(seconds):
            done = await leg.broker.withdraw(leg.symbols, flatten=flatten)
    except VenueError as error:
        return Withdrawal(leg.title, leg.symbols, (), str(error))
    except TimeoutError:
        return Withdrawal(
            leg.title, leg.symbols, (), f"not done after {seconds:g} s; what is left is not known"
        )
    except Exception as error:  # noqa: BLE001  # a plugin is called, and giving up is worse than trying again
        return Withdrawal(leg.title, leg.symbols, (), f"{type(error).__name__}: {error}")
    return Withdrawal(leg.title, leg.symbols, tuple(done))


# -- the process -------------------------------------------------------------------------------------------------------


def process_of(folder: Path) -> int | None:
    """Return the process that runs a session, None if none does."""
    from hookline.journal.lock import owner_of
    from hookline.journal.segments import FILE_NAME

    return owner_of(folder / FILE_NAME)


async def wait_for_end(
    folder: Path, say: Callable[[str], None], *, taken_seconds: float = 3.0, end_seconds: float = 10.0
) -> bool:
    """Give a running session the time to take a request to kill, and to end; return whether its process has.

    It closes its own positions then, and nobody closes them twice. One that does not answer is not waited for any longer.

    Args:
        folder: The session's.
        say: Told what happens, in lines.
        taken_seconds: How long it may take to answer.
        end_seconds: How long it may then take to end.
    """
    process = process_of(folder)
    if process is None:
        return True
    if not await _comes(lambda: not is_kill_asked(folder) or process_of(folder) is None, taken_seconds):
        say(f"process {process} does not answer")
        return False
    say(f"process {process} has taken the request to stop")
    if await _comes(lambda: process_of(folder) is None, end_seconds):
        say(f"process {process} has ended")
        return True
    say(f"process {process} has not ended within {end_seconds:g} s")
    return False


async def _comes(condition: Callable[[], bool], seconds: float) -> bool:
    end = stopwatch() + seconds
    while not condition():
        if stopwatch() >= end:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True
