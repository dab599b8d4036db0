"""Parameters of plugins: the fields of a dataclass, with bounds and a line of documentation.

A field is declared once and read by the validation of session files, the JSON Schema, ``hookline show`` and the Python API::

    fast: Annotated[int, Ge(2), Doc("bars")] = 9

Importing this module is cheap; pydantic is imported when the first value is checked.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt, Le, Lt

from hookline.errors import ConfigError, PluginError

__all__ = ["Doc", "Ge", "Gt", "Le", "Lt", "Parameter", "PluginUse", "check_params", "describe", "field_hints"]

PARAMETER_RULE = "{owner} has no such parameter"

_BOUNDS: dict[type, tuple[str, str]] = {
    Ge: ("ge", "at least"),
    Gt: ("gt", "above"),
    Le: ("le", "at most"),
    Lt: ("lt", "below"),
}


@dataclass(frozen=True)
class Doc:
    """What a parameter means, in a few words: ``Annotated[int, Doc("bars")]``."""

    text: str

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Show the text as the description in the JSON Schema."""
        return {**handler(core_schema), "description": self.text}


@dataclass(frozen=True)
class PluginUse:
    """A plugin and its parameters, as ``{use: paper, params: {taker_fee_bps: 5}}`` names them in a session file.

    Also the type of a plugin's own field that names another plugin, such as the source of a replay.

    Args:
        use: Name of the plugin.
        params: Its parameters.

    ``base`` is the folder against which relative paths among the parameters are resolved, None for the working directory.
    """

    use: Annotated[str, Doc("name of the plugin")]
    params: Annotated[dict[str, Any], Doc("parameters of the plugin")] = field(default_factory=dict)
    base: Path | None = field(default=None, init=False, repr=False, compare=False)
    # An instance made in Python is taken as it is: validated anew, its base would count as an unknown parameter.
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "strict": True,
        "revalidate_instances": "never",
    }

    def anchored(self, base: Path | None) -> PluginUse:
        """Return a copy whose relative paths are resolved against a folder."""
        copy = PluginUse(self.use, self.params)
        object.__setattr__(copy, "base", base)
        return copy


@dataclass(frozen=True)
class Parameter:
    """One parameter of a plugin class, as text for people. ``default`` is None when the parameter is required."""

    name: str
    type: str
    default: str | None
    bounds: str
    doc: str

    @property
    def required(self) -> bool:
        """Whether the parameter has no default."""
        return self.default is None


def field_hints(cls: type) -> dict[str, Any]:
    """Return the annotations of a dataclass's parameters (its fields that the constructor takes), in order.

    Raises:
        PluginError: if an annotation names something that its module does not have.
    """
    return dict(_field_hints(cls))


@functools.lru_cache(maxsize=512)
def _field_hints(cls: type) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise PluginError(
            f"{cls.__module__}.{cls.__qualname__}: cannot read its annotations: {error}"
        ) from error
    return {item.name: hints[item.name] for item in dataclasses.fields(cls) if item.init}


def describe(cls: type) -> list[Parameter]:
    """Return the parameters of a plugin class, in order.

    >>> from typing import Annotated
    >>> @dataclass
    ... class Cross:
    ...     fast: Annotated[int, Ge(2), Doc("bars")] = 9
    >>> describe(Cross)
    [Parameter(name='fast', type='int', default='9', bounds='at least 2', doc='bars')]
    """
    fields = {item.name: item for item in dataclasses.fields(cls)}
    return [_parameter(fields[name], hint) for name, hint in field_hints(cls).items()]


def check_params(instance: object, where: str = "") -> None:
    """Hold a plugin made in Python to the types and bounds that a session file is held to.

    What YAML would convert is converted in place: a str becomes the Path, an int the Decimal that the field declares.

    Args:
        instance: A dataclass instance such as ``EmaCross(fast=9)``.
        where: What to call it in messages; its class name by default.

    Raises:
        ConfigError: with one line for each parameter that breaks its rule.
    """
    from hookline.validation import read_fields

    where = where or type(instance).__name__
    given = {name: getattr(instance, name) for name in field_hints(type(instance))}
    values, problems = read_fields(type(instance), given)
    if problems:
        raise ConfigError("\n".join(problem.at(where) for problem in problems))
    for name, value in values.items():
        if type(value) is not type(given[name]):
            object.__setattr__(instance, name, value)


def type_name(hint: Any) -> str:
    """Return how an annotation is written, without bounds and module names.

    >>> type_name(dict[str, int | None])
    'dict[str, int | None]'
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return type_name(arguments[0])
    if origin is typing.Literal:
        return " | ".join(repr(argument) for argument in arguments)
    if origin in {typing.Union, types.UnionType}:
        return " | ".join(type_name(argument) for argument in arguments)
    if origin is not None:
        inner = ", ".join("..." if argument is Ellipsis else type_name(argument) for argument in arguments)
        return f"{origin.__name__}[{inner}]"
    if hint is type(None):
        return "None"
    return getattr(hint, "__name__", str(hint))


def _parameter(item: dataclasses.Field[Any], hint: Any) -> Parameter:
    metadata = _metadata(hint)
    bounds = [
        f"{word} {getattr(extra, name)}"
        for extra in metadata
        for kind, (name, word) in _BOUNDS.items()
        if isinstance(extra, kind)
    ]
    docs = [extra.text for extra in metadata if isinstance(extra, Doc)]
    return Parameter(item.name, type_name(hint), _default(item), ", ".join(bounds), " ".join(docs))


def _metadata(hint: Any) -> list[Any]:
    """Return what is attached to an annotation, also inside ``X | None``."""
    if typing.get_origin(hint) is typing.Annotated:
        return [*_metadata(typing.get_args(hint)[0]), *hint.__metadata__]
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return [extra for argument in typing.get_args(hint) for extra in _metadata(argument)]
    return []


def _default(item: dataclasses.Field[Any]) -> str | None:
    if item.default is not dataclasses.MISSING:
        return _literal(item.default)
    if item.default_factory is not dataclasses.MISSING:
        return _literal(item.default_factory())
    return None


def _literal(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str | Path):
        return str(value) or "''"
    if isinstance(value, Mapping) and not value:
        return "{}"
    return str(value) if not inspect.isclass(value) else value.__name__
