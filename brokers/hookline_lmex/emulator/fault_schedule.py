"""Faults at times: written down, or drawn from a seed for campaigns.

A schedule knows no clock: whoever follows it says how many seconds have passed, of our time or the venue's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hookline_lmex.emulator.faults import Fault, FaultSwitches, Value

__all__ = ["FaultSchedule", "TimedFault"]


@dataclass(frozen=True)
class TimedFault:
    """A fault and when it begins, in seconds since the schedule began."""

    at: float
    fault: Fault


# How a random schedule draws a fault: the range of its value (a choice where it is a list), whether it has a probability, and
# the longest that it lasts as a share of the whole.
_DRAWS: Mapping[str, tuple[Sequence[Value] | tuple[float, float] | None, bool]] = {
    "drop_sockets": (None, False),
    "drop_on_message": (None, True),
    "refuse_sockets": (None, False),
    "stall_sockets": (None, False),
    "half_open": (None, False),
    "sequence_gaps": (None, True),
    "crossed_books": (None, True),
    "duplicate_fills": ((0.0, 200.0), True),
    "reorder_fills": ((5.0, 300.0), True),
    "slow_market_data": ((10.0, 500.0), False),
    "delay_acks": ((0.05, 2.0), True),
    "error_before": ([500, 502, 503, "cut"], True),
    "error_after": ([500, 502, 503, "cut"], True),
    "rate_limit_storm": ([1], True),
    "malformed_json": ([None, "rest", "socket"], True),
    "clock_skew": ((-20_000.0, 20_000.0), False),
    "maintenance": (None, False),
}


@dataclass
class FaultSchedule:
    """Faults at times, and how far they have been applied.

    >>> schedule = FaultSchedule([TimedFault(2.0, Fault("maintenance", seconds=1.0))])
    >>> switches = FaultSwitches()
    >>> schedule.apply(switches, 1.0), schedule.apply(switches, 2.5), [fault.name for fault in switches.active]
    (0, 1, ['maintenance'])
    """

    faults: list[TimedFault]
    _next: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Sort the faults by time."""
        self.faults = sorted(self.faults, key=lambda one: one.at)

    @classmethod
    def random(
        cls, seed: int, duration: float, *, names: Iterable[str] | None = None, faults: int | None = None
    ) -> FaultSchedule:
        """Return faults drawn from a seed, all of which are over before the end.

        Args:
            seed: Of every choice.
            duration: Seconds that the schedule covers; the last tenth is free of faults, so that things can settle.
            names: Faults to choose from; all but ``ban`` and ``delist`` by default.
            faults: How many; by default between three and eight.
        """
        draw = random.Random(seed)  # noqa: S311  # choices, not secrets
        choices = sorted(_DRAWS if names is None else names)
        count = draw.randint(3, 8) if faults is None else faults
        return cls([_drawn(draw, draw.choice(choices), duration) for _ in range(count)])

    def apply(self, switches: FaultSwitches, elapsed: float, timer: Callable[[], float] | None = None) -> int:
        """Switch on what has begun since the last call; return how many.

        Args:
            switches: Where to.
            elapsed: Seconds since the schedule began.
            timer: Seconds by which the faults end; those of the switches by default.
        """
        begun = 0
        while self._next < len(self.faults) and self.faults[self._next].at <= elapsed:
            switches.put(self.faults[self._next].fault, timer)
            self._next += 1
            begun += 1
        switches.expire()
        return begun

    @property
    def due(self) -> float | None:
        """When the next fault begins, in seconds since the schedule began; None if there is none left."""
        return self.faults[self._next].at if self._next < len(self.faults) else None


def _drawn(draw: random.Random, name: str, duration: float) -> TimedFault:
    values, has_probability = _DRAWS.get(name, (None, False))
    at = draw.uniform(0.0, 0.75 * duration)
    lasts = draw.uniform(0.02, 0.15) * duration
    value: Value = None
    if isinstance(values, tuple):
        value = round(draw.uniform(*values), 3)
    elif values is not None:
        value = draw.choice(values)
    if name == "drop_sockets":  # once: it is over as soon as it has begun
        return TimedFault(at, Fault(name, count=1))
    fault = Fault(name, value, seconds=round(min(lasts, 0.9 * duration - at), 3))
    if has_probability:
        fault = replace(fault, probability=draw.choice([0.05, 0.2, 0.5, 1.0]))
    return TimedFault(at, fault)
