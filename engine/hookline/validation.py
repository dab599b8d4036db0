"""Read plain data, as YAML and JSON know it, into the fields of a dataclass.

Rules of this file:

- Types are strict: text is not a number, true is not 1. A whole number is fine where a float is declared; a number or its
  text is where a Decimal is; text is for a Path, a time or an enum; a mapping for a dataclass.
- Unknown names are refused, with the name that was probably meant. All problems are reported, not the first.
- Nothing is raised for bad data: problems are returned, so that the caller can say where the data came from.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import numbers
import re
import typing
from collections.abc import Mapping
from typing import Any, NotRequired

import pydantic
import pydantic_core
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from hookline.errors import PluginError
from hookline.params import PARAMETER_RULE, field_hints
from hookline.problems import Location, Problem, did_you_mean, shown

__all__ = ["read_fields", "schema_of"]

_CONFIG = {
    "extra": "forbid",
    "strict": True,
    "arbitrary_types_allowed": True,
    "revalidate_instances": "always",
}
_UNKNOWN_NAME = {"extra_forbidden", "unexpected_keyword_argument"}
_PYTHON_WORDS = {"None": "null"}
_MISSING = {"missing", "missing_argument"}

# pydantic's error types and our words for them; {…} are filled from the error's context.
_RULES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "path_type": "must be a path",
    "decimal_type": "must be a decimal number",
    "decimal_parsing": "must be a decimal number",
    "finite_number": "must be a finite number",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "dataclass_type": "must be a mapping",
    "dataclass_exact_type": "must be a mapping",
    "none_required": "must be null",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "is_instance_of": "must be a {class}",
    "needs_python_object": "must be an object made in Python",
}


def read_fields(
    cls: type, data: Mapping[str, Any], unknown: str = PARAMETER_RULE
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the values that data gives for a dataclass's fields, converted, and every problem found.

    Args:
        cls: The dataclass.
        data: Values by field name. One that is neither a scalar, a list nor a mapping (given from Python) must already
            have the declared type.
        unknown: Rule for names that the class does not have; ``{owner}`` is the class.

    Raises:
        PluginError: if an annotation is none that can be read from data.
    """
    validator = _adapter(cls)
    data = {name: _plain(value) for name, value in data.items()}
    text = {name: value for name, value in data.items() if _is_plain(value)}
    values: dict[str, Any] = {}
    errors: list[Any] = []
    try:
        values |= validator.validate_json(json.dumps(text))
    except pydantic.ValidationError as error:
        errors += error.errors(include_url=False)
    try:
        values |= validator.validate_python({name: data[name] for name in data if name not in text})
    except pydantic.ValidationError as error:
        errors += error.errors(include_url=False)
    problems = _merged([_problem(cls, data, error, unknown) for error in errors])
    missing = [name for name in _required(cls) if name not in data]
    return values, problems + [Problem((name,), "is required") for name in missing]


def schema_of(cls: type) -> dict[str, Any]:
    """Return the JSON Schema of a mapping of a dataclass's fields."""
    schema = _adapter(cls).json_schema(schema_generator=_SchemaGenerator)
    schema.pop("title", None)
    for item in dataclasses.fields(cls):
        if item.init and _has_default(item):
            default = item.default if item.default_factory is dataclasses.MISSING else item.default_factory()
            schema["properties"][item.name]["default"] = default if _is_plain(default) else str(default)
    schema["required"] = _required(cls)
    return schema


class _SchemaGenerator(GenerateJsonSchema):
    """Makes no titles from field names, and leaves open what only Python can make, such as a frame."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:
        del schema, error_info
        return {"description": "an object made in Python"}


@functools.lru_cache(maxsize=512)
def _adapter(cls: type) -> TypeAdapter[Any]:
    """Return a validator for mappings of a dataclass's fields, none of them required."""
    fields = {name: NotRequired[hint] for name, hint in field_hints(cls).items()}
    shape = TypedDict(cls.__name__, fields)  # type: ignore[misc]
    shape.__pydantic_config__ = _CONFIG  # type: ignore[attr-defined]
    try:
        return TypeAdapter(shape)
    except (pydantic.errors.PydanticUserError, pydantic_core.SchemaError, TypeError) as error:
        first = str(error).splitlines()[0]
        raise PluginError(
            f"{cls.__module__}.{cls.__qualname__}: cannot read its annotations: {first}"
        ) from error


def _has_default(item: dataclasses.Field[Any]) -> bool:
    return item.default is not dataclasses.MISSING or item.default_factory is not dataclasses.MISSING


def _required(cls: type) -> list[str]:
    return [item.name for item in dataclasses.fields(cls) if item.init and not _has_default(item)]


def _plain(value: Any) -> Any:
    """Return Python's own number for one of numpy, anything else as it is."""
    if type(value) in {bool, int, float}:
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def _is_plain(value: object) -> bool:
    """Whether JSON can say the value; only exact types, since an enum or a subclass must keep its type."""
    if isinstance(value, dict):
        return all(type(key) is str and _is_plain(part) for key, part in value.items())
    if type(value) in {list, tuple}:
        return all(_is_plain(part) for part in value)  # type: ignore[attr-defined]
    return value is None or type(value) in {bool, int, float, str}


def _problem(cls: type, data: object, error: Mapping[str, Any], unknown: str) -> Problem:
    kind = error["type"]
    location = _follow(data, error["loc"], keep_last=kind in _MISSING)
    if kind in _MISSING:
        return Problem(location, "is required")
    if kind in _UNKNOWN_NAME:
        owner = _owner(cls, location[:-1])
        names = [] if owner is None else list(field_hints(owner))
        rule = unknown.format(owner="it" if owner is None else owner.__name__)
        return Problem(location, rule, hint=did_you_mean(location[-1], names))
    context = {name: _bound(value) for name, value in error.get("ctx", {}).items()}
    if kind in {"value_error", "assertion_error"}:
        return Problem(location, str(context["error"]))
    if kind in {"too_short", "string_too_short"} and context.get("min_length") == 1:
        return Problem(location, "must not be empty")
    message = error["msg"].removeprefix("Input should ").removeprefix("Value error, ")
    rule = _RULES[kind].format(**context) if kind in _RULES else f"must {message}"
    choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    hint = did_you_mean(error["input"], choices) if choices else ""
    if isinstance(error["input"], str) and error["input"] in _PYTHON_WORDS:
        hint = f"; YAML writes {_PYTHON_WORDS[error['input']]}"
    return Problem(location, rule, shown(error["input"]), hint)


def _bound(value: Any) -> Any:
    """Return a bound as it was probably written: 0 for 0.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _follow(data: Any, location: Location, *, keep_last: bool) -> Location:
    """Return the parts of pydantic's location that lie in the data: it also names members of unions."""
    found: list[str | int] = []
    for number, part in enumerate(location):
        is_index = isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        if is_index or (isinstance(data, Mapping) and part in data):
            data = data[part]
        elif dataclasses.is_dataclass(data) and isinstance(part, str) and hasattr(data, part):
            data = getattr(data, part)
        elif not (keep_last and number == len(location) - 1):
            continue
        found.append(part)
    return tuple(found)


def _owner(hint: Any, location: Location) -> type | None:
    """Return the dataclass at a location below an annotation."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Annotated:
        return _owner(arguments[0], location)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _owner(field_hints(hint).get(str(location[0])), location[1:]) if location else hint
    origin = typing.get_origin(hint)
    is_container = isinstance(origin, type) and issubclass(origin, list | tuple | dict | set)
    rest = location[1:] if is_container else location
    owners = [_owner(argument, rest) for argument in arguments if is_container or argument is not type(None)]
    return next((owner for owner in owners if owner is not None), None)


def _merged(problems: list[Problem]) -> list[Problem]:
    """Return the problems with those of one place, the members of a union, as one: ``must be a number or text``."""
    merged: dict[Location, Problem] = {}
    for problem in problems:
        before = merged.get(problem.location)
        if before is None:
            merged[problem.location] = problem
        elif problem.rule not in before.rule:
            rule = f"{before.rule} or {problem.rule.removeprefix('must be ')}"
            merged[problem.location] = dataclasses.replace(before, rule=rule)
    return list(merged.values())
