"""Hours in which to trade, and times in which not to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from hookline import Doc, Order, RiskRule, deny, hookimpl
from hookline.clock import from_ns, isoformat, to_ns
from hookline.risk import Account, Verdict

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY, _TIME = "|".join(_DAYS), r"(\d{1,2}):(\d{2})"
_WINDOW = re.compile(rf"(?:(?P<first>{_DAY})(?:-(?P<last>{_DAY}))? *)?(?P<times>{_TIME}-{_TIME})?")


class _Window(NamedTuple):
    """Days of the week, 0 for Monday, and minutes of the day; a window that ends at or before its begin ends a day later."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, day: int, minute: int) -> bool:
        """Return whether a minute of a day of the week lies in the window."""
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or (
            (day - 1) % 7 in self.days and minute < self.end
        )


@dataclass
class TradingHours(RiskRule):
    """Deny orders that open or add outside of trading hours, and at times that are named, such as around events.

    A window is days, hours, or both: ``mon-fri 09:30-16:00``, ``sat``, ``22:00-04:00`` (into the next day, which need not
    be one that is named). Hours are those of the time zone, daylight saving included. Orders that are open already stay.
    """

    name: ClassVar[str] = "trading_hours"

    windows: Annotated[list[str], Doc("such as mon-fri 09:30-16:00; empty: always")] = field(
        default_factory=list
    )
    time_zone: Annotated[str, Doc("IANA name of the windows' time zone, such as America/New_York")] = "UTC"
    closed: Annotated[
        list[str], Doc("times without trading: ISO begin/end, UTC unless they say otherwise")
    ] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._zone = _zone(self.time_zone)
        self._windows = [_window(text) for text in self.windows]
        self._closed = [_range(text) for text in self.closed]

    def check(self, order: Order, account: Account) -> Verdict | None:  # noqa: ARG002
        now = account.now
        for begin, end in self._closed:
            if begin <= now < end:
                return deny(f"closed until {isoformat(end)}")
        if not self._windows:
            return None
        local = from_ns(now).astimezone(self._zone)
        minute = local.hour * 60 + local.minute
        if any(window.holds(local.weekday(), minute) for window in self._windows):
            return None
        return deny(f"outside of trading hours: {local:%a %H:%M} {self.time_zone}, {_listed(self.windows)}")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(
            f"time_zone: must be an IANA name such as America/New_York that this system knows, was {name!r}"
        ) from None


def _window(text: str) -> _Window:
    match = _WINDOW.fullmatch(text.strip().lower())
    if match is None or not text.strip():
        raise ValueError(f"windows: must be like 'mon-fri 09:30-16:00', was {text!r}")
    first, last = match["first"], match["last"]
    begin, end = 0, 24 * 60
    if match["times"]:
        hours = [int(part) for part in re.findall(r"\d+", match["times"])]
        begin, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if max(begin, end) > 24 * 60 or max(hours[1], hours[3]) > 59:
            raise ValueError(f"windows: times must be from 00:00 to 24:00, was {text!r}")
    start = 0 if first is None else _DAYS.index(first)
    length = 7 if first is None else 1 if last is None else (_DAYS.index(last) - start) % 7 + 1
    return _Window(frozenset((start + day) % 7 for day in range(length)), begin, end)


def _range(text: str) -> tuple[int, int]:
    begin, slash, end = text.partition("/")
    try:
        times = _instant(begin), _instant(end)
    except ValueError:
        times = (0, 0)
    if not slash or times[0] >= times[1]:
        raise ValueError(
            f"closed: must be begin/end in ISO form, such as 2024-03-20T17:30/2024-03-20T19:00, was {text!r}"
        )
    return times


def _instant(text: str) -> int:
    moment = datetime.fromisoformat(text.strip())
    return to_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _listed(windows: Sequence[str]) -> str:
    return "open " + ", ".join(windows)


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [TradingHours]
