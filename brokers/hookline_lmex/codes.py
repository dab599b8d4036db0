"""The venue's words and numbers for orders, in ours."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Self

__all__ = [
    "Direction",
    "Lifetime",
    "OrderCode",
    "OrderKind",
    "PositionModeName",
    "PriceSource",
    "TransferWallet",
    "TriggerKind",
    "TxKind",
]


class OrderCode(IntEnum):
    """The status of an order, as a number that the venue uses for many other things too.

    A number that is not listed is kept, as ``UNLISTED_`` and the number; it is neither open nor final.
    """

    TIMED_OUT = -1
    MARKET_UNAVAILABLE = 1
    RESTING = 2
    TRANSACTED = 3
    FILLED = 4
    PARTIALLY_FILLED = 5
    CANCELED = 6
    REFUNDED = 7
    INSUFFICIENT_BALANCE = 8
    TRIGGER_WAITING = 9
    TRIGGERED = 10
    CURRENCY_REFUSED = 11
    RISK_LIMIT_ERROR = 12
    LEVERAGE_REFUSED = 13
    REJECTED = 15
    NOT_FOUND = 16
    REQUEST_FAILED = 17
    SUCCESS = 20
    RISK_LIMIT_REFUSED = 41
    LIQUIDATING = 64
    BEYOND_LIQUIDATION = 101
    AMENDED = 123
    POSITION_MODE_REFUSED = 133
    POSITION_MODE_FIXED = 134
    POSITION_MODE_CHANGING = 138
    SIZE_TOO_LARGE = 300
    SIZE_REFUSED = 301
    PRICE_REFUSED = 302
    RATE_LIMITED = 303
    TOO_MANY_ORDERS = 304
    PRICE_PROTECTION = 305
    FROM_LIQUIDATION = 1003
    FROM_DELEVERAGING = 1004

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNLISTED_{value}"
        member._value_ = value
        return member

    @property
    def is_open(self) -> bool:
        """Whether the order works, or waits for its trigger. A partly filled market or IOC order is final all the same."""
        return self in _OPEN

    @property
    def is_final(self) -> bool:
        """Whether the venue took the order and it has ended: filled, canceled or refunded."""
        return self in _FINAL

    @property
    def is_refused(self) -> bool:
        """Whether the venue did not take the order."""
        return self in _REFUSED

    @property
    def is_unknown(self) -> bool:
        """Whether it must be asked what became of the order."""
        return not (self in _OPEN or self in _FINAL or self in _REFUSED)


_C = OrderCode
_OPEN = frozenset({_C.RESTING, _C.PARTIALLY_FILLED, _C.TRIGGER_WAITING, _C.TRIGGERED, _C.AMENDED})
# 3, "transacted", stands in some tables and was never seen: an order with it is asked about, which does no harm.
_FINAL = frozenset({_C.FILLED, _C.CANCELED, _C.REFUNDED})
_REFUSED = frozenset(
    {
        _C.MARKET_UNAVAILABLE, _C.INSUFFICIENT_BALANCE, _C.CURRENCY_REFUSED, _C.RISK_LIMIT_ERROR, _C.LEVERAGE_REFUSED,
        _C.REJECTED, _C.NOT_FOUND, _C.RISK_LIMIT_REFUSED, _C.LIQUIDATING, _C.BEYOND_LIQUIDATION, _C.POSITION_MODE_REFUSED,
        _C.POSITION_MODE_FIXED, _C.POSITION_MODE_CHANGING, _C.SIZE_TOO_LARGE, _C.SIZE_REFUSED, _C.PRICE_REFUSED,
        _C.RATE_LIMITED, _C.TOO_MANY_ORDERS, _C.PRICE_PROTECTION,
    }
)  # fmt: skip


class OrderKind(StrEnum):
    """What is created; ``OTHER`` only in answers."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    OCO = "OCO"
    PEG = "PEG"
    OTC = "OTC"
    OTHER = "OTHER"

    @classmethod
    def of(cls, number: int) -> OrderKind:
        """Return the kind of the venue's number."""
        return _KINDS.get(number, cls.OTHER)


_KINDS = {76: OrderKind.LIMIT, 77: OrderKind.MARKET, 80: OrderKind.PEG, 81: OrderKind.OTC}


class TxKind(StrEnum):
    """Whether an order waits for a trigger: ``STOP`` in the manner of a stop, ``TRIGGER`` in that of a take-profit."""

    LIMIT = "LIMIT"
    STOP = "STOP"
    TRIGGER = "TRIGGER"


class TriggerKind(IntEnum):
    """What kind of trigger order an answer speaks of."""

    NONE = 0
    STOP_LOSS = 1001
    TAKE_PROFIT = 1002


class Lifetime(StrEnum):
    """How long an order lives at the venue."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    HALF_MINUTE = "HALFMIN"
    FIVE_MINUTES = "FIVEMIN"
    HOUR = "HOUR"
    TWELVE_HOURS = "TWELVEHOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class PriceSource(StrEnum):
    """What price a trigger looks at: spot knows index and last, futures mark and last."""

    INDEX = "index"
    MARK = "mark"
    LAST = "last"


class PositionModeName(StrEnum):
    """How positions of a market are held: one, a long beside a short, or any number with margin of their own."""

    ONE_WAY = "ONE_WAY"
    HEDGE = "HEDGE"
    ISOLATED = "ISOLATED"


class Direction(StrEnum):
    """Direction of a position that is not alone in its market."""

    LONG = "LONG"
    SHORT = "SHORT"


class TransferWallet(StrEnum):
    """Where a transfer between an account's own wallets comes from and goes to."""

    SPOT = "SPOT"
    CROSS = "CROSS"
    ISOLATED = "ISOLATED"
