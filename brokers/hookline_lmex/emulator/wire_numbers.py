"""Numbers, times and ids as the wire has them."""

from __future__ import annotations

import math
import random
import uuid

__all__ = ["Ids", "milliseconds", "number", "size_text", "wire_size"]

from hookline.model import Instrument, InstrumentKind

_MILLISECOND = 10**6


def number(value: float) -> float | int:
    """Return a number as it is written in JSON: whole ones without a fraction, unknown ones as 0.

    Small ones come out in exponent form, as they do at the venue. What is beyond twelve places is rounding.

    >>> number(50.0), number(0.1 + 0.2), number(float("nan")), repr(number(0.00001))
    (50, 0.3, 0, '1e-05')
    """
    if not math.isfinite(value):
        return 0
    rounded = round(float(f"{value:.15g}"), 12)
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def milliseconds(ns: int) -> int:
    """Return epoch milliseconds of nanoseconds."""
    return ns // _MILLISECOND


def wire_size(instrument: Instrument, lots: int) -> float | int:
    """Return a quantity as the wire counts it: contracts on futures, base units on spot."""
    if instrument.kind is InstrumentKind.SPOT:
        return number(instrument.units(lots))
    return instrument.contracts(lots)


def size_text(instrument: Instrument, quantity: float) -> str:
    """Return the quantity of a book level as the wire writes it: whole contracts, or base units with all their places."""
    if instrument.kind is InstrumentKind.SPOT:
        exponent = instrument.lot_size.normalize().as_tuple().exponent
        places = max(0, -exponent) if isinstance(exponent, int) else 0
        return f"{quantity:.{places}f}"
    contract = float(instrument.contract_size or instrument.lot_size)
    return str(round(quantity / contract))


class Ids:
    """Ids of orders, trades and requests; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - ids, not secrets
        self._request = 2**62  # more than a double can count
        self._serial = 70_000_000
        self._entry = 20_000_000

    def uuid(self) -> str:
        """Return the next id of an order or a trade."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def request(self) -> int:
        """Return the next request id, a 64-bit number."""
        self._request += 1
        return self._request

    def serial(self) -> int:
        """Return the next number of the counter that public and own trades share."""
        self._serial += 1
        return self._serial

    def entry(self) -> int:
        """Return the next number of a wallet's history."""
        self._entry += 1
        return self._entry
