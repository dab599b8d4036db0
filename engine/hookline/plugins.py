"""Find plugins by name and import only those that are named.

Rules of this file:

- A plugin is an entry point: its group is the kind, its name the name used in session files, its value a module.
- Listing names imports nothing. Loading one imports that module alone, through its registration hook.
- Everything that is wrong with a plugin is one line that begins with the distribution that brought it.
- A class that somebody made in this process is adopted under a name of its own; it is in no list, and gone with the process.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import itertools
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from hookline.errors import ConfigError, HooklineError, PluginError
from hookline.params import PluginUse
from hookline.problems import Problem, did_you_mean, read_location

__all__ = [
    "KINDS",
    "Kind",
    "PluginInfo",
    "adopt",
    "build",
    "build_use",
    "kind_of",
    "load",
    "module_of",
    "names",
    "remembering",
    "schema",
]


@dataclass(frozen=True)
class Kind:
    """One kind of plugin: its entry-point group, its registration hook and the class it must extend.

    ``base`` is a dotted path, imported when a plugin is loaded; it is empty for commands, which are functions.
    """

    name: str
    singular: str
    base: str
    article: str = "a"

    @property
    def group(self) -> str:
        """Entry-point group."""
        return f"hookline.{self.name}"

    @property
    def hook(self) -> str:
        """Name of the registration hook."""
        return f"register_{self.name}"


@dataclass(frozen=True)
class PluginInfo:
    """What is known of a plugin without importing it. ``version`` is that of the distribution."""

    name: str
    kind: str
    module: str
    distribution: str
    version: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind("strategies", "strategy", "hookline.strategy.Strategy"),
            Kind("brokers", "broker", "hookline.broker.Broker"),
            Kind("feeds", "feed", "hookline.feed.Feed"),
            Kind("risk_rules", "risk rule", "hookline.risk.RiskRule"),
            Kind("sizers", "sizer", "hookline.kernel.sizing.Sizer"),
            Kind("algorithms", "algorithm", "hookline.execution.ExecutionAlgorithm", "an"),
            Kind("reporters", "reporter", "hookline.reporting.reporter.Reporter"),
            Kind("notifiers", "notifier", "hookline.notifier.Notifier"),
            Kind("executors", "executor", "hookline.session.executors.Executor", "an"),
            Kind("commands", "command", ""),
        )
    }
)


def kind_of(text: str) -> Kind:
    """Return a kind by its plural or singular name.

    >>> kind_of("risk-rule").name
    'risk_rules'

    Raises:
        ConfigError: if there is no such kind.
    """
    words = {kind.name: kind for kind in KINDS.values()}
    words |= {kind.singular.replace(" ", "_"): kind for kind in KINDS.values()}
    word = text.replace("-", "_").replace(" ", "_")
    if word not in words:
        hint = did_you_mean(word, words) or f"; there are {', '.join(KINDS)}"
        raise ConfigError(f"no kind of plugin is called {text!r}{hint}")
    return words[word]


def names(kind: str) -> list[PluginInfo]:
    """Return the installed plugins of a kind by name, without importing them.

    A name that two distributions bring is listed twice.
    """
    from importlib.metadata import entry_points

    sort, remembered = kind_of(kind), _REMEMBERED.get()
    if remembered is not None and sort.name in remembered.infos:
        return list(remembered.infos[sort.name])
    found = set()
    for point in entry_points(group=sort.group):
        dist = point.dist
        owner, version = (dist.name, dist.version) if dist is not None else ("unknown", "")
        found.add(PluginInfo(point.name, sort.name, point.module, owner, version))
    infos = sorted(found, key=lambda info: (info.name, info.distribution))
    if remembered is not None:
        remembered.infos[sort.name] = infos
    return list(infos)


@dataclass
class _Remembered:
    """What was found of the installed plugins, by kind, and of one by kind and name."""

    infos: dict[str, list[PluginInfo]] = field(default_factory=dict)
    classes: dict[tuple[str, str], type[Any]] = field(default_factory=dict)


_REMEMBERED: ContextVar[_Remembered | None] = ContextVar("remembered", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Look for installed plugins but once while this lasts; each look takes milliseconds."""
    token = _REMEMBERED.set(_REMEMBERED.get() or _Remembered())
    try:
        yield
    finally:
        _REMEMBERED.reset(token)


# Classes of this process, by kind and name.
_ADOPTED: dict[tuple[str, str], type[Any]] = {}


def adopt(kind: str, cls: type[Any]) -> str:
    """Return the name under which this process finds a class, installed or not.

    A class that is not installed gets its own name, or a number after it where that is taken.

    Raises:
        PluginError: if the class cannot serve as a plugin of its kind.
    """
    own = str(getattr(cls, "name", "") or cls.__name__)
    installed = {info.name for info in names(kind)}
    for number in itertools.count(1):
        name = own if number == 1 else f"{own}-{number}"
        known = load(kind, name) if name in installed else _ADOPTED.get((kind, name), cls)
        if known is cls:
            break
    if name not in installed:
        _check_class(PluginInfo(name, kind, cls.__module__, "this process", ""), cls)
        _ADOPTED[kind, name] = cls
    return name


def load(kind: str, name: str) -> type[Any]:
    """Return the class of a plugin; imports its module and no other plugin's.

    Raises:
        ConfigError: if there is no such kind.
        PluginError: if the plugin is not installed, is installed twice, or is broken.
    """
    remembered = _REMEMBERED.get()
    if remembered is not None and (kind, name) in remembered.classes:
        return remembered.classes[kind, name]
    found = _load(kind, name)
    if remembered is not None:
        remembered.classes[kind, name] = found
    return found


def _load(kind: str, name: str) -> type[Any]:
    info = find(kind, name)
    if (info.kind, name) in _ADOPTED:
        return _ADOPTED[info.kind, name]
    members, sort = registered(info), KINDS[info.kind]
    for member in members:
        if _name(member) == (name if sort.base else name.replace("_", "-")):
            _check_class(info, member)
            return member  # type: ignore[no-any-return]
    what = "class whose name is" if sort.base else "function called"
    known = ", ".join(repr(_name(member)) for member in members) or "an empty list"
    raise PluginError(
        f"{info.distribution}: {sort.hook}() in {info.module!r} must return a {what} {name!r}, returned {known}"
    )


def find(kind: str, name: str) -> PluginInfo:
    """Return what is known of one plugin, without importing it.

    Raises:
        PluginError: if it is not installed, or by two distributions.
    """
    sort = kind_of(kind)
    adopted = _ADOPTED.get((sort.name, name))
    if adopted is not None:
        return PluginInfo(name, sort.name, adopted.__module__, "this process", "")
    installed = names(kind)
    found = [info for info in installed if info.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        owners = " and ".join(f"{info.distribution} ({info.module})" for info in found)
        raise PluginError(f"{sort.singular} {name!r} is brought by both {owners}; uninstall one of them")
    candidates = sorted({info.name for info in installed})
    hint = did_you_mean(name, candidates)
    if not hint:
        hint = f"; there are {', '.join(candidates)}" if candidates else "; none is installed"
    raise PluginError(f"no {sort.singular} is called {name!r}{hint}")


def module_of(kind: str, name: str) -> ModuleType:
    """Return the module of a plugin, where its lifecycle hooks are.

    Raises:
        PluginError: if it is not installed, is installed twice, or cannot be imported.
    """
    return _import(find(kind, name))


def registered(info: PluginInfo) -> list[Any]:
    """Return what a plugin module registers for its kind.

    Raises:
        PluginError: if the module cannot be imported or its hook is missing or broken.
    """
    import pluggy

    from hookline import hookspecs

    module, hook = _import(info), KINDS[info.kind].hook
    manager = pluggy.PluginManager("hookline")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module)
        returned = getattr(manager.hook, hook)()
    except pluggy.PluginValidationError as error:
        raise PluginError(
            f"{info.distribution}: {info.module!r}: {str(error).splitlines()[-1].strip()}"
        ) from error
    except Exception as error:
        raise PluginError(
            f"{info.distribution}: {hook}() in {info.module!r} raised {_one_line(error)}"
        ) from error
    if not returned:
        raise PluginError(
            f"{info.distribution}: {info.module!r} must define {hook}() marked with @hookimpl, has no such hook"
        )
    if not isinstance(returned[0], list | tuple):
        raise PluginError(
            f"{info.distribution}: {hook}() in {info.module!r} must return a list, returned {returned[0]!r}"
        )
    return list(returned[0])


def build(kind: str, use: str, params: Mapping[str, Any], where: str, base: Path | None = None) -> Any:
    """Return an instance of a plugin with its parameters validated.

    Args:
        kind: One of ``KINDS``.
        use: Name of the plugin.
        params: Its parameters as YAML gives them.
        where: Address of the mapping that holds ``use`` and ``params``, such as ``strategies[0]``.
        base: Folder of relative paths among the parameters, None for the working directory.

    Raises:
        ConfigError: with one line for each parameter that breaks its rule.
        PluginError: if the plugin is not installed, is installed twice, or is broken.
    """
    try:
        instance, problems = read(kind, use, params, base)
    except PluginError as error:
        raise PluginError(f"{where}.use: {error}" if where else str(error)) from error
    if problems:
        raise ConfigError("\n".join(problem.at(where) for problem in problems))
    return instance


def build_use(kind: str, use: PluginUse, where: str) -> Any:
    """Return an instance of the plugin that a parameter names; see :func:`build`."""
    return build(kind, use.use, use.params, where, use.base)


def read(
    kind: str, use: str, params: Mapping[str, Any], base: Path | None = None
) -> tuple[Any, list[Problem]]:
    """Return an instance of a plugin, or None and what is wrong with its parameters (addresses begin with ``params``).

    Raises:
        PluginError: if the plugin is not installed, is installed twice, or is broken.
    """
    from hookline.validation import read_fields

    cls = load(kind, use)
    values, problems = read_fields(cls, params)
    if problems:
        return None, [
            dataclasses.replace(problem, location=("params", *problem.location)) for problem in problems
        ]
    try:
        return cls(**{name: _anchored(value, base) for name, value in values.items()}), []
    except (ValueError, HooklineError) as error:
        return None, [
            _problem(line, {item.name for item in dataclasses.fields(cls)})
            for line in str(error).splitlines()
        ]
    except Exception as error:
        raise PluginError(
            f"{find(kind, use).distribution}: {cls.__qualname__} raised {_one_line(error)}"
        ) from error


def schema(kind: str, name: str) -> dict[str, Any]:
    """Return the JSON Schema of a plugin's parameters, described by the first line of its docstring.

    Raises:
        PluginError: if the plugin is not installed, is installed twice, or is broken.
    """
    from hookline.validation import schema_of

    cls = load(kind, name)
    return {"description": summary(cls), **schema_of(cls)}


def summary(cls: object) -> str:
    """Return the first line of a docstring; empty without one."""
    return (inspect.getdoc(cls) or "").partition("\n")[0]


def _problem(line: str, fields: Collection[str]) -> Problem:
    """Return what a plugin says is wrong as a problem; it may begin with the address of one of its parameters."""
    location, rest = read_location(line)
    if location and location[0] in fields and rest.startswith(": "):
        return Problem(("params", *location), rest[2:])
    return Problem(("params",), line)


def _import(info: PluginInfo) -> ModuleType:
    try:
        return importlib.import_module(info.module)
    except (Exception, SystemExit) as error:  # a script that exits must not take this process along
        text = str(error) if isinstance(error, ImportError) else _one_line(error)
        raise PluginError(f"{info.distribution}: cannot import {info.module!r}: {text}") from error


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _name(member: Any) -> str:
    """Return the name of a class, that of a function as the command line spells it, or that of a group of commands."""
    if inspect.isfunction(member):
        return member.__name__.replace("_", "-")
    of_group = getattr(getattr(member, "info", None), "name", None)
    return str(getattr(member, "name", None) or getattr(member, "__name__", None) or of_group or member)


@functools.cache
def _base(path: str) -> type:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def _check_class(info: PluginInfo, member: Any) -> None:
    """Refuse what cannot serve as a plugin of its kind."""
    kind = KINDS[info.kind]
    where = f"{info.distribution}: {info.module}.{getattr(member, '__qualname__', member)}"
    if not kind.base:
        return
    base = _base(kind.base)
    if not (inspect.isclass(member) and issubclass(member, base)):
        raise PluginError(f"{where} must extend {kind.base} to be {kind.article} {kind.singular}")
    if not dataclasses.is_dataclass(member) or _undeclared(member):
        raise PluginError(f"{where} must be a dataclass: write @dataclass above the class")
    if inspect.isabstract(member):
        missing = ", ".join(sorted(member.__abstractmethods__))
        raise PluginError(f"{where} must define {missing}")


def _undeclared(cls: type) -> bool:
    """Whether a class adds annotations below a base that is a dataclass without being decorated itself."""
    own = {name for name, hint in inspect.get_annotations(cls).items() if "ClassVar" not in str(hint)}
    return bool(own - {item.name for item in dataclasses.fields(cls)})


def _anchored(value: Any, base: Path | None) -> Any:
    """Return a parameter with the relative paths in it resolved against a folder."""
    if base is None:
        return value
    if isinstance(value, Path):
        return base / value.expanduser()
    if isinstance(value, PluginUse):
        return value.anchored(base)
    if isinstance(value, list | tuple):
        return type(value)(_anchored(part, base) for part in value)
    if isinstance(value, dict):
        return {key: _anchored(part, base) for key, part in value.items()}
    return value
