"""Faults that an emulator can be told to have, and switches for them.

Rules of this file:

- A fault does nothing by itself: the place where it belongs asks ``fires`` each time it could happen.
- Every choice comes from a seed. The same requests in the same order meet the same faults.
- A fault ends by itself after ``count`` firings or ``seconds``; without either it stays until it is cleared.
- What no venue does is no fault here: notifications are only ever lost together with the socket they were to be sent on.

=====================  ==============================================================================  ==================
name                   what it does                                                                    value
=====================  ==============================================================================  ==================
drop_sockets           cut all open sockets at once, and again every so often                          seconds between
drop_on_message        cut a socket instead of sending a message; ``only`` names its topic             -
refuse_sockets         answer 503 where a socket is asked for                                          -
stall_sockets          take what is sent and answer pings; everything else waits until the fault ends  -
half_open              open sockets hear nothing and say nothing any more, not even to pings           -
sequence_gaps          leave out a delta of an order book                                              -
crossed_books          add a bid at the best ask to a delta of an order book                           -
duplicate_fills        send a fill twice                                                               ms between
reorder_fills          send fills and notifications up to so much later, in another order              ms, at most
slow_market_data       send trades and books so much later                                             ms
delay_acks             do what a request says, and answer so much later                                seconds
error_before           answer an error before doing anything, or cut the connection                    status or 'cut'
error_after            do what a request says, then answer an error or cut the connection              status or 'cut'
rate_limit_storm       answer 429 before doing anything                                                Retry-After, s
malformed_json         cut answers and messages in the middle                                          'rest', 'socket'
clock_skew             show a clock that is so much ahead                                              ms
delist                 take a market off the list; back when the fault ends                            symbol
maintenance            503 for everything, sockets closed                                              -
ban                    429 for everything, sockets refused with 400                                    Retry-After, s
=====================  ==============================================================================  ==================

``stall_sockets``, ``clock_skew`` and ``delist`` are states: they last until they end, and are neither drawn nor counted.

``only`` limits a fault to what contains that text: ``POST /futures/api/v2.3/order`` for requests, the topic for messages, the path for
sockets (``oss``, ``/ws/futures``).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hookline.clock import stopwatch
from hookline.errors import ConfigError
from hookline.problems import did_you_mean, shown

__all__ = ["FAULTS", "Fault", "FaultSwitches", "Value", "fault_of"]

Value = float | str | bool | None


@dataclass(frozen=True)
class Trait:
    """What a fault's value may be: its default, and the texts that are allowed beside numbers of zero or more."""

    default: Value = None
    numbers: bool = False
    words: tuple[str, ...] = ()
    any_word: bool = False
    negative: bool = False


_STATES = ("stall_sockets", "clock_skew", "delist")

FAULTS: Mapping[str, Trait] = {
    "drop_sockets": Trait(None, numbers=True),
    "drop_on_message": Trait(),
    "refuse_sockets": Trait(),
    "stall_sockets": Trait(),
    "half_open": Trait(),
    "sequence_gaps": Trait(),
    "crossed_books": Trait(),
    "duplicate_fills": Trait(0.0, numbers=True),
    "reorder_fills": Trait(500.0, numbers=True),
    "slow_market_data": Trait(2000.0, numbers=True),
    "delay_acks": Trait(15.0, numbers=True),
    "error_before": Trait(503.0, numbers=True, words=("cut",)),
    "error_after": Trait(500.0, numbers=True, words=("cut",)),
    "rate_limit_storm": Trait(1.0, numbers=True),
    "malformed_json": Trait(None, words=("rest", "socket")),
    "clock_skew": Trait(5000.0, numbers=True, negative=True),
    "delist": Trait(None, any_word=True),
    "maintenance": Trait(),
    "ban": Trait(900.0, numbers=True),
}


@dataclass(frozen=True)
class Fault:
    """One fault that is switched on.

    Args:
        name: One of ``FAULTS``.
        value: How much of it; see the table above.
        probability: Chance, each time it could happen, that it does.
        count: Firings after which it is over; None for no end.
        seconds: How long it lasts; None for no end.
        only: Text that must be part of the request or the topic.
    """

    name: str
    value: Value = None
    probability: float = 1.0
    count: int | None = None
    seconds: float | None = None
    only: str = ""

    def __post_init__(self) -> None:
        """Check the name, the value and the bounds; give the value its default.

        Raises:
            ConfigError: if one breaks its rule.
        """
        trait = FAULTS.get(self.name)
        if trait is None:
            raise ConfigError(
                f"no fault is called {self.name!r}{did_you_mean(self.name, FAULTS) or '; there are ' + ', '.join(FAULTS)}"
            )
        value = trait.default if self.value is None or self.value is True else self.value
        object.__setattr__(self, "value", value)
        self._check_value(trait)
        for name, rule, holds in (
            (
                "probability",
                "must be above 0 and at most 1",
                _is_number(self.probability) and 0 < self.probability <= 1,
            ),
            ("count", "must be a whole number of at least 1", self.count is None or _is_count(self.count)),
            (
                "seconds",
                "must be above 0",
                self.seconds is None or (_is_number(self.seconds) and self.seconds > 0),
            ),
            ("only", "must be text", isinstance(self.only, str)),
        ):
            if not holds:
                raise ConfigError(f"{self.name}.{name}: {rule}, was {shown(getattr(self, name))}")

        if self.name in _STATES and (self.probability, self.count) != (1.0, None):
            raise ConfigError(f"{self.name}: lasts until it ends, and has neither probability nor count")

    def _check_value(self, trait: Trait) -> None:
        value = self.value
        if value is None and (not trait.any_word or trait.default is not None):
            return
        if isinstance(value, str) and (value in trait.words or (trait.any_word and value)):
            return
        if trait.numbers and _is_number(value) and (trait.negative or value >= 0):  # type: ignore[operator]
            return
        kinds = [
            *(["a number" if trait.negative else "a number of zero or more"] if trait.numbers else []),
            *map(repr, trait.words),
            *(["a symbol"] if trait.any_word else []),
        ]
        rule = f"must be {' or '.join(kinds)}" if kinds else "has no value"
        raise ConfigError(f"{self.name}.value: {rule}, was {shown(value)}")

    @property
    def number(self) -> float:
        """The value as a number; 0 where it is none."""
        return float(self.value) if _is_number(self.value) else 0.0  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def fault_of(name: str, said: object, where: str = "") -> Fault:
    """Return a fault from a value (``503``, ``true``) or a mapping of its fields.

    Raises:
        ConfigError: with the address of what is wrong.
    """
    place = where or name
    fields: dict[str, Any] = dict(said) if isinstance(said, Mapping) else {"value": said}
    known = ("value", "probability", "count", "seconds", "only")
    for key in fields:
        if key not in known:
            raise ConfigError(f"{place}.{key}: a fault has no such field{did_you_mean(key, known)}")
    try:
        return Fault(name, **fields)
    except ConfigError as error:
        text = str(error)
        if text.startswith(f"{name}."):
            raise ConfigError(f"{place}{text[len(name) :]}") from None
        raise ConfigError(f"{where}: {text}" if where else text) from None


@dataclass
class _Switch:
    """A fault and what is left of it."""

    fault: Fault
    timer: Callable[[], float]
    ends: float | None
    left: int | None

    @property
    def is_over(self) -> bool:
        return self.ends is not None and self.timer() >= self.ends


class FaultSwitches:
    """The faults of an emulator: which are on, and how often each has fired.

    Args:
        seed: Of every choice.
        timer: Seconds by which ``Fault.seconds`` counts: wall time by default.
    """

    def __init__(self, seed: int = 0, timer: Callable[[], float] = stopwatch) -> None:
        self._random = random.Random(seed)  # noqa: S311  # choices, not secrets
        self._timer = timer
        self._switches: dict[str, _Switch] = {}
        self._fired: Counter[str] = Counter()
        self._hearers: list[Callable[[str, Fault | None], None]] = []

    def set(
        self,
        name: str,
        value: Value = None,
        *,
        probability: float = 1.0,
        count: int | None = None,
        seconds: float | None = None,
        only: str = "",
    ) -> None:
        """Switch a fault on, in place of one of the same name.

        Raises:
            ConfigError: if there is no such fault, or a field breaks its rule.
        """
        self.put(Fault(name, value, probability, count, seconds, only))

    def put(self, fault: Fault, timer: Callable[[], float] | None = None) -> None:
        """Switch a fault on, in place of one of the same name.

        Args:
            fault: What is to go wrong.
            timer: Seconds by which it ends; those of the switches by default.
        """
        if fault.name in self._switches:
            self.clear(fault.name)
        timer = timer or self._timer
        ends = None if fault.seconds is None else timer() + fault.seconds
        self._switches[fault.name] = _Switch(fault, timer, ends, fault.count)
        if fault.name in _STATES:
            self._fired[fault.name] += 1
        self._tell(fault.name, fault)

    def clear(self, name: str | None = None) -> None:
        """Switch a fault off, or all of them.

        Raises:
            ConfigError: if there is no such fault.
        """
        if name is not None and name not in FAULTS:
            raise ConfigError(f"no fault is called {name!r}{did_you_mean(name, FAULTS)}")
        for ended in list(self._switches) if name is None else [name]:
            if self._switches.pop(ended, None) is not None:
                self._tell(ended, None)

    def expire(self) -> None:
        """Switch off what is over by now."""
        for name in [name for name, switch in self._switches.items() if switch.is_over]:
            self.clear(name)

    def find(self, name: str) -> Fault | None:
        """Return a fault that is on, None if it is off; nothing is drawn or counted."""
        switch = self._switches.get(name)
        if switch is None:
            return None
        if switch.is_over:
            self.clear(name)
            return None
        return switch.fault

    def fires(self, name: str, what: str = "") -> Fault | None:
        """Return a fault if it happens now, None if not; a firing counts.

        Args:
            name: One of ``FAULTS``.
            what: The request or topic that it would happen to.
        """
        if name not in self._switches:  # nearly always
            return None
        fault = self.find(name)
        if fault is None or fault.only not in what:
            return None
        if fault.probability < 1.0 and self._random.random() >= fault.probability:
            return None
        self._fired[name] += 1
        switch = self._switches[name]
        if switch.left is not None:
            switch.left -= 1
            if switch.left == 0:
                self.clear(name)
        return fault

    def draw(self, most: float) -> float:
        """Return a random number from 0 to ``most``."""
        return self._random.uniform(0.0, most)

    def listen(self, hearer: Callable[[str, Fault | None], None]) -> None:
        """Tell a function of every fault that is switched on, and with None of every one that ends."""
        self._hearers.append(hearer)

    def _tell(self, name: str, fault: Fault | None) -> None:
        for hearer in self._hearers:
            hearer(name, fault)

    @property
    def active(self) -> list[Fault]:
        """What is on."""
        self.expire()
        return [switch.fault for switch in self._switches.values()]

    @property
    def fired(self) -> dict[str, int]:
        """How often each fault has happened."""
        return dict(self._fired)

    def state(self) -> dict[str, Any]:
        """Return what is on and what has happened, as values that JSON can hold."""
        return {"active": [asdict(fault) for fault in self.active], "fired": self.fired}
