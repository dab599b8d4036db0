"""Overrides from the command line: ``strategies[0].params.fast=12``.

The value is read by the same strict YAML loader as the file. A mapping on the way that the file does not write is made, so
that parameters left at their defaults can be set; entries of lists must exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookline.errors import ConfigError
from hookline.problems import Location, did_you_mean, join, read_location
from hookline.session.document import Document
from hookline.session.yaml_loader import parse

__all__ = ["apply", "parse_address"]


def apply(document: Document, override: str, environ: Mapping[str, str]) -> None:
    """Change one value of a document.

    Args:
        document: The session; shorthands are expanded.
        override: An address, ``=`` and a YAML value.
        environ: Variables for references in the value.

    Raises:
        ConfigError: if the text is no override or its address leads nowhere.
    """
    source = f"--set {override}"
    location, text = parse_address(override)
    value = parse(text, source, environ, is_file=False)
    _make_way(document, location, source)
    document.put(location, value, source)


def parse_address(override: str) -> tuple[Location, str]:
    """Return the location and the text of the value of an override.

    >>> parse_address("strategies[0].params.fast=12")
    (('strategies', 0, 'params', 'fast'), '12')

    Raises:
        ConfigError: if it is written differently.
    """
    location, rest = read_location(override)
    if not location or not rest.startswith("=") or override.startswith("."):
        raise ConfigError(
            f"--set {override}: must be an address, = and a value, such as strategies[0].params.fast=12"
        )
    return location, rest[1:]


def _make_way(document: Document, location: Location, source: str) -> None:
    """Make the mappings that lead to a location."""
    data: Any = document.data
    for depth, part in enumerate(location):
        where = join("", location[:depth]) or "a session"
        if isinstance(part, int):
            if not isinstance(data, list):
                raise ConfigError(f"{source}: {where} must be a list to be indexed, was {_kind(data)}")
            if part >= len(data):
                raise ConfigError(
                    f"{source}: {where} has {len(data)} entries, so the last index is {len(data) - 1}, was {part}"
                )
            data = data[part]
            continue
        if not isinstance(data, dict):
            raise ConfigError(f"{source}: {where} must be a mapping to hold {part!r}, was {_kind(data)}")
        if depth == len(location) - 1:
            return
        if data.get(part) is None:
            if isinstance(location[depth + 1], int):
                raise ConfigError(f"{source}: {where} has no list {part!r}{did_you_mean(part, data)}")
            data[part] = {}
            document.marks[location[: depth + 1]] = source
        data = data[part]


def _kind(value: object) -> str:
    return {dict: "a mapping", list: "a list", type(None): "null"}.get(type(value), repr(value))
