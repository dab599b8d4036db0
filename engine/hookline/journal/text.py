"""Values as they stand in a journal: numbers as decimal text, structures as JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hookline.errors import JournalError

__all__ = ["from_json", "number_text", "optional_float", "optional_text", "to_json"]

# The order of keys is kept, because a strategy may go through its state in that order; NaN is written as NaN.
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def number_text(value: float) -> str:
    """Return the shortest decimal text that reads back as the same float, without an exponent.

    >>> number_text(0.1), number_text(1e-7)
    ('0.1', '0.0000001')

    Raises:
        JournalError: if the number is not finite.
    """
    text = repr(float(value))
    if "e" not in text and "n" not in text:
        return text
    number = Decimal(text)
    if not number.is_finite():
        raise JournalError(f"journal: prices, quantities and money must be finite, was {value!r}")
    return format(number, "f")


def optional_text(value: float | None) -> str | None:
    """Return a number as decimal text, None for none."""
    return None if value is None else number_text(value)


def optional_float(text: str | None) -> float | None:
    """Return the float of a decimal text, None for none."""
    return None if text is None else float(text)


def to_json(value: Any, what: str) -> str:
    """Return a value as JSON text.

    Raises:
        JournalError: naming what it is, if JSON cannot hold it.
    """
    try:
        return _encode(value)
    except (TypeError, ValueError) as error:
        raise JournalError(
            f"{what}: must be made of dict, list, str, int, float, bool and None: {error}"
        ) from error


def from_json(text: str) -> Any:
    """Return the value of a JSON text."""
    return json.loads(text)
