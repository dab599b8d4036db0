"""JSON as the venue writes and reads it.

Rules of this file:

- Numbers stay exact: every number with a fraction or an exponent becomes a Decimal, and numbers in texts are read too.
- Fields that are not known are ignored. A field that is missing, null or an empty text counts as absent.
- Nothing here shows a raw answer; who calls has it and puts it into the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from hookline.model import Side

__all__ = [
    "Row",
    "UnreadableError",
    "decimal",
    "decimal_or_none",
    "decode",
    "encode",
    "flag",
    "from_ms",
    "from_seconds",
    "number",
    "row_of",
    "rows_of",
    "side",
    "text",
    "whole",
]

Row = dict[str, Any]
T = TypeVar("T")
# An int of the venue has 64 bits; a longer one is a mistake and would take long to make.
_LONGEST_INT = 20
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL, "MODE_BUY": Side.BUY, "MODE_SELL": Side.SELL}
_MODES = {66: Side.BUY, 83: Side.SELL}
_ABSENT = (None, "")

decode: Callable[[bytes], Any] = msgspec.json.Decoder(float_hook=Decimal).decode
"""Return what a JSON text holds, with Decimals for numbers that are not whole."""


class UnreadableError(ValueError):
    """An answer that has not the shape it should have; whoever has the raw text says so with it."""


_encode = msgspec.json.Encoder().encode


def encode(body: Mapping[str, object]) -> bytes:
    """Return a body as the bytes that are signed and sent: compact, in the order of the fields, Decimals as plain numbers.

    >>> encode({"price": Decimal("64000.50"), "size": Decimal("1E-7"), "postOnly": True})
    b'{"price":64000.50,"size":0.0000001,"postOnly":true}'
    """
    return _encode({name: _plain(value) for name, value in body.items()})


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"a number must be finite to be sent, was {value!r}")
        return msgspec.Raw(format(value, "f").encode())
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def row_of(payload: object) -> Row:
    """Return an object, the only one of an array where the venue wraps it in one.

    Raises:
        UnreadableError: if it is something else.
    """
    if isinstance(payload, list) and len(payload) == 1:
        payload = payload[0]
    if not isinstance(payload, dict):
        raise UnreadableError(f"must be an object, was {_name(payload)}")
    return payload


def rows_of(payload: object) -> Iterable[Row]:
    """Return the objects of an array, of the ``data`` of an envelope, or the one object where the venue leaves the array out.

    Raises:
        UnreadableError: if it is something else.
    """
    if isinstance(payload, dict):
        if "data" in payload and ("success" in payload or "code" in payload):
            return rows_of(payload["data"] if payload["data"] is not None else [])
        return (payload,)
    if not isinstance(payload, list):
        raise UnreadableError(f"must be an array, was {_name(payload)}")
    for item in payload:
        if not isinstance(item, dict):
            raise UnreadableError(f"must be an array of objects, held {_name(item)}")
    return payload


def number(value: object, name: str) -> Decimal:
    """Return a number, however it is written.

    Raises:
        UnreadableError: if it is none, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise UnreadableError(f"{name}: must be a number, was {value!r}")
    try:
        found = Decimal(value) if not isinstance(value, float) else Decimal(repr(value))
    except InvalidOperation:
        raise UnreadableError(f"{name}: must be a number, was {value!r}") from None
    if not found.is_finite():
        raise UnreadableError(f"{name}: must be a finite number, was {value!r}")
    return found


def _first(row: Row, names: tuple[str, ...]) -> object:
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def decimal_or_none(row: Row, *names: str) -> Decimal | None:
    """Return the first of some fields that is there, None if none is.

    Raises:
        UnreadableError: if it is no number.
    """
    value = _first(row, names)
    return None if value is None else number(value, names[0])


def decimal(row: Row, *names: str, default: Decimal | None = Decimal(0)) -> Decimal:
    """Return the first of some fields that is there.

    Raises:
        UnreadableError: if it is no number, or none is there and ``default`` is None.
    """
    value = decimal_or_none(row, *names)
    if value is not None:
        return value
    if default is None:
        raise UnreadableError(f"{names[0]}: must be there, was missing")
    return default


def whole(row: Row, *names: str, default: int | None = 0) -> int:
    """Return the first of some fields that is there as an int.

    Raises:
        UnreadableError: if it is no whole number, or none is there and ``default`` is None.
    """
    value = _first(row, names)
    if type(value) is int:
        return value
    if value is None:
        if default is None:
            raise UnreadableError(f"{names[0]}: must be there, was missing")
        return default
    found = number(value, names[0])
    if found.adjusted() > _LONGEST_INT or found != found.to_integral_value():
        raise UnreadableError(f"{names[0]}: must be a whole number, was {value!r}")
    return int(found)


def text(row: Row, *names: str, default: str | None = "") -> str:
    """Return the first of some fields that is there as a text.

    Raises:
        UnreadableError: if none is there and ``default`` is None.
    """
    value = _first(row, names)
    if value is None:
        if default is None:
            raise UnreadableError(f"{names[0]}: must be there, was missing")
        return default
    return value if isinstance(value, str) else str(value)


def flag(row: Row, *names: str) -> bool:
    """Return the first of some fields that is there as a truth."""
    value = _first(row, names)
    return value.lower() == "true" if isinstance(value, str) else bool(value)


def side(row: Row, *names: str) -> Side:
    """Return a side, in any of the venue's ways to write one.

    Raises:
        UnreadableError: if it is none of them.
    """
    value = _first(row, names)
    found = None
    if isinstance(value, str):
        found = _SIDES.get(value.upper())
    elif isinstance(value, int):
        found = _MODES.get(value)
    if found is None:
        raise UnreadableError(f"{names[0]}: must be a side, was {value!r}")
    return found


def from_ms(row: Row, *names: str) -> int:
    """Return a time in milliseconds as nanoseconds; 0 where there is none."""
    return whole(row, *names) * 1_000_000


def from_seconds(row: Row, *names: str) -> int:
    """Return a time in seconds as nanoseconds; 0 where there is none."""
    return whole(row, *names) * 1_000_000_000


def _name(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a text", type(None): "null", bool: "a truth"}
    return names.get(type(value), "a number")
