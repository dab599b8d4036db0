"""Values that are tried, as people write them.

| text | means |
|---|---|
| ``5:50:5`` | 5, 10, … 50: both ends, by counting steps; decimals are exact |
| ``5,8,13`` | these; numbers, words, true, false and null as YAML reads them |
| ``0.5..3`` | any number between; with whole ends any whole number |
| ``0.001..1@log`` | the same, each power of ten as likely as another |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hookline.errors import ConfigError
from hookline.problems import join, read_location, shown
from hookline.research.table import Parameter

__all__ = ["parameter_of", "parse_parameter"]

_NUMBER = r"[-+]?(?:\d+(?:_\d{3})*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*:\s*({_NUMBER})\s*")
_CONTINUOUS = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?:@\s*(\w+))?\s*")
_COLONS = re.compile(r"[-+\d_.eE\s]*:[-+\d_.eE:\s]*")
_MOST_VALUES = 1_000_000
_FORMS = "5:50:5 for steps, 5,8,13 for a list, or 0.5..3 for anything between"


def parse_parameter(text: str) -> Parameter:
    """Return the parameter that a text such as ``strategies[0].params.fast=5:50:5`` names.

    Raises:
        ConfigError: if it is written differently, saying what should hold.
    """
    location, rest = read_location(text)
    if not location or not rest.startswith("=") or text.startswith("."):
        raise ConfigError(
            f"--param {text}: must be an address, = and values, such as strategies[0].params.fast=5:50:5"
        )
    return parameter_of(join("", location), rest[1:], f"--param {text}")


def parameter_of(address: str, values: str | Sequence[Any], where: str = "") -> Parameter:
    """Return a parameter with values as text (see the table above) or one by one.

    Args:
        address: As ``--set`` takes it.
        values: What is tried.
        where: What to call it in messages; the address by default.

    Raises:
        ConfigError: if the address or the values break a rule.
    """
    where = where or address
    location, rest = read_location(address)
    if not location or rest or address.startswith("."):
        raise ConfigError(f"{where}: must be an address such as strategies[0].params.fast")
    address = join("", location)
    if not isinstance(values, str):
        return Parameter(address, _listed(list(values), where))
    found = _CONTINUOUS.fullmatch(values)
    if found:
        return _continuous(address, found, where)
    found = _RANGE.fullmatch(values)
    if found:
        return Parameter(address, _counted(found, where))
    if _COLONS.fullmatch(values):
        raise ConfigError(f"{where}: steps must be first:last:step, such as 5:50:5, was {values!r}")
    return Parameter(address, _listed(_read(values, where), where))


def _number(text: str) -> int | float:
    return int(text.replace("_", "")) if re.fullmatch(r"[-+]?[\d_]+", text) else float(text.replace("_", ""))


def _continuous(address: str, found: re.Match[str], where: str) -> Parameter:
    low, high = _number(found[1]), _number(found[2])
    if not low < high:
        raise ConfigError(f"{where}: the first end must be below the second, was {found[1]}..{found[2]}")
    if isinstance(low, float) or isinstance(high, float):
        low, high = float(low), float(high)
    if found[3] is None:
        return Parameter(address, (low, high), is_continuous=True)
    if found[3] != "log":
        raise ConfigError(f"{where}: must be @log or nothing after the ends, was @{found[3]}")
    if low <= 0:
        raise ConfigError(f"{where}: with @log both ends must be above 0, was {found[1]}")
    return Parameter(address, (low, high), is_continuous=True, is_log=True)


def _counted(found: re.Match[str], where: str) -> tuple[int | float, ...]:
    """Return first, first + step, … last. Steps are counted in decimals, so that 0.1:0.3:0.1 ends with 0.3."""
    first, last, step = (Decimal(text.replace("_", "")) for text in found.groups())
    if step == 0 or (last - first) / step < 0:
        raise ConfigError(
            f"{where}: the step must lead from {first} to {last}, was {found[3]}; write first:last:step"
        )
    count = int((last - first) / step) + 1
    if count > _MOST_VALUES:
        raise ConfigError(f"{where}: must be at most {_MOST_VALUES:,} values, was {count:,}")
    is_whole = all(isinstance(_number(text), int) for text in found.groups())
    return tuple((int if is_whole else float)(first + number * step) for number in range(count))


def _read(text: str, where: str) -> list[Any]:
    from hookline.session.yaml_loader import parse

    if not text.strip():
        raise ConfigError(f"{where}: must have values: {_FORMS}")
    inner = text.strip()
    wrapped = inner if inner.startswith("[") and inner.endswith("]") else f"[{inner}]"
    try:
        return list(parse(wrapped, where, {}, is_file=False).data)
    except ConfigError as error:
        raise ConfigError(f"{error}; values are {_FORMS}") from error


def _listed(values: list[Any], where: str) -> tuple[Any, ...]:
    if not values:
        raise ConfigError(f"{where}: must have values: {_FORMS}")
    for number, value in enumerate(values):
        if not (value is None or isinstance(value, str | bool | int | float)):
            raise ConfigError(
                f"{where}: values must be numbers, words, true, false or null, was {shown(value)}"
            )
        if isinstance(value, float) and not abs(value) < float("inf"):
            raise ConfigError(f"{where}: values must be finite, was {value!r}")
        if value in values[:number]:  # as Python sees it: 1 and true are the same
            raise ConfigError(f"{where}: values must be listed once, was {shown(value)} again")
    return tuple(values)
