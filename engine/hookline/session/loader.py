"""Read session files."""

from __future__ import annotations

import copy
import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError
from hookline.problems import Location, Problem, shown
from hookline.session import overrides as changes
from hookline.session.config import SessionConfig, resolve
from hookline.session.document import Document
from hookline.session.environment import read_dotenv
from hookline.session.schema import SessionFile
from hookline.session.yaml_loader import parse
from hookline.validation import read_fields

__all__ = ["load_session", "session_from"]

_SINGLE_USES = ("feed", "broker")
_USE_LISTS = ("strategies", "risk", "reporters", "notifiers")


def load_session(
    path: Path | str, overrides: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> SessionConfig:
    """Return the session of a file.

    Args:
        path: A YAML file.
        overrides: Changes such as ``strategies[0].params.fast=12``.
        environ: Variables for ``${NAME}``; the process's environment by default. What is not in it is looked up in the
            file ``.env`` beside the session file.

    Raises:
        ConfigError: with one line for each problem.
    """
    path = Path(path)
    text = _read(path)
    variables = {**read_dotenv(path.with_name(".env")), **(os.environ if environ is None else environ)}
    document = parse(text, str(path), variables)
    if document.data is None:
        raise ConfigError(f"{path}: is empty; a session needs symbols, timeframe, feed and strategies")
    if not isinstance(document.data, dict):
        raise ConfigError(document.report(Problem((), "a session must be a mapping", shown(document.data))))
    _change(document, overrides, variables)
    return _config(document, path.stem, path.parent)


def session_from(
    data: Mapping[str, Any],
    name: str = "session",
    base: Path | str | None = None,
    overrides: Sequence[str] = (),
) -> SessionConfig:
    """Return the session that a mapping from Python means; it is what a file would hold.

    Args:
        data: The session.
        name: Its name where the data gives none.
        base: Folder of relative paths; the working directory by default.
        overrides: Changes such as ``strategies[0].params.fast=12``.

    Raises:
        ConfigError: with one line for each problem.
    """
    document = Document("", _copied(data))
    _change(document, overrides, {})
    return _config(document, name, Path(base) if base is not None else Path())


def _change(document: Document, overrides: Sequence[str], variables: Mapping[str, str]) -> None:
    """Write out what is short in a document and in its changes."""
    _expand(document)
    for override in overrides:
        changes.apply(document, override, variables)
    if overrides:
        _expand(document)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file{_nearest_file(path)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: must be UTF-8 text, byte {error.start} is not") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _nearest_file(path: Path) -> str:
    found = path.parent.glob("*.y*ml") if path.parent.is_dir() else iter(())
    stems = {file.stem: str(file) for file in sorted(found)}
    near = difflib.get_close_matches(path.stem, stems, n=1)
    return f"; did you mean {stems[near[0]]!r}?" if near else ""


def _config(document: Document, stem: str, base: Path) -> SessionConfig:
    values, problems = read_fields(SessionFile, document.data, unknown="no such key")
    if problems:
        problems += _further_problems(document, problems, stem, base)
        config = None
    else:
        config, problems = resolve(SessionFile(**values), stem, base, document)
    if config is None:
        raise ConfigError("\n".join(document.report(problem) for problem in document.in_order(problems)))
    return config


def _further_problems(
    document: Document, problems: Sequence[Problem], stem: str, base: Path
) -> list[Problem]:
    """Return what else is wrong with a session once what is wrong in itself is left out; best effort."""
    data = copy.deepcopy(document.data)
    for problem in problems:
        parent = data
        for part in problem.location[:-1]:
            parent = parent[part]
        if isinstance(parent, dict):
            parent.pop(problem.location[-1], None)
    values, left = read_fields(SessionFile, data)
    return [] if left else resolve(SessionFile(**values), stem, base, document)[1]


def _expand(document: Document) -> None:
    """Write out what may be left short: ``broker: paper`` is ``broker: {use: paper}``, an empty key is a key left out."""
    data = document.data
    _drop_empty(data)
    if isinstance(data.get("instruments"), dict):
        _drop_empty(data["instruments"])
    for name in (*_SINGLE_USES, "executor"):
        if name in data:
            _expand_use(document, data, name, (name,))
    venues = data.get("venues")
    for venue, entry in venues.items() if isinstance(venues, dict) else ():
        for name in _SINGLE_USES:
            if isinstance(entry, dict) and name in entry:
                _expand_use(document, entry, name, ("venues", venue, name))
    for name in _USE_LISTS:
        entries = data.get(name)
        for number in range(len(entries) if isinstance(entries, list) else 0):
            _expand_use(document, entries, number, (name, number))
            if name == "strategies" and isinstance(entries[number], dict) and "sizer" in entries[number]:
                _expand_use(document, entries[number], "sizer", (name, number, "sizer"))


def _expand_use(document: Document, parent: Any, key: str | int, location: Location) -> None:
    if isinstance(parent[key], str):
        parent[key] = {"use": parent[key]}
        document.move(location, (*location, "use"))
    elif isinstance(parent[key], dict):
        _drop_empty(parent[key])


def _drop_empty(data: dict[str, Any]) -> None:
    for name in [name for name, value in data.items() if value is None]:
        del data[name]


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(part) for key, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list | tuple) else value
