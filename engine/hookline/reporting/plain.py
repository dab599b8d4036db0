"""Values as JSON and YAML know them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from hookline.model import Instrument

__all__ = ["decimal_text", "plain", "price_text", "quantity_text"]


def plain(value: Any) -> Any:
    """Return a value made of dict, list, str, int, float, bool and None only; NaN and infinity become None.

    >>> plain({"size": Decimal("0.10"), "limits": (1, float("nan"))})
    {'size': '0.10', 'limits': [1, None]}
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=str)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    item = getattr(value, "item", None)  # a numpy scalar
    return (
        plain(item()) if callable(item) else decimal_text(value) if isinstance(value, Decimal) else str(value)
    )


def price_text(instrument: Instrument, value: float | None) -> str | None:
    """Return a price as decimal text with the digits of the tick size, None for none.

    >>> price_text(Instrument("BTC-PERP", tick_size=Decimal("0.10")), 12)
    '12.00'
    """
    return None if value is None else decimal_text(instrument.price(value).quantize(instrument.tick_size))


def quantity_text(instrument: Instrument, value: float) -> str:
    """Return a quantity as decimal text with the digits of the lot size."""
    return decimal_text(instrument.quantity(value).quantize(instrument.lot_size))


def decimal_text(value: Decimal | float) -> str:
    """Return a number as decimal text without an exponent; a float as the shortest text that reads back as the same.

    >>> decimal_text(1e-7), decimal_text(Decimal("1E+2"))
    ('0.0000001', '100')
    """
    number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    return format(number, "f")
