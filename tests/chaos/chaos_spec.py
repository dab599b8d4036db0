"""What one schedule of the campaign is: drawn from a seed, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hookline_lmex.emulator.fault_schedule import FaultSchedule, TimedFault
from hookline_lmex.emulator.faults import Fault, Value

__all__ = ["PERPS", "SEAT_CASH", "SPEED", "SPOT", "Kill", "Spec", "draw"]

SPEED = 60.0
"""Seconds of the venue in one of ours."""
PERPS, SPOT = ("BTC-PERP", "ETH-PERP"), "BTC-USDT"
SEAT_CASH = 100_000.0
"""Of each strategy."""

# How often a fault is drawn, the range of its value (choices where it is a list), whether it has a probability, and for how long
# it lasts at least and at most, in seconds of ours.
_DRAWS: Mapping[str, tuple[int, Sequence[Value] | tuple[float, float] | None, bool, float, float]] = {
    "drop_sockets": (2, None, False, 0.0, 0.0),
    "drop_on_message": (2, None, True, 0.1, 0.6),
    "refuse_sockets": (1, None, False, 0.1, 0.5),
    "stall_sockets": (1, None, False, 0.1, 0.6),
    "half_open": (1, None, False, 0.1, 0.9),
    "sequence_gaps": (1, None, True, 0.1, 0.8),
    "crossed_books": (1, None, True, 0.1, 0.8),
    "duplicate_fills": (2, (0.0, 200.0), True, 0.3, 1.5),
    "reorder_fills": (2, (5.0, 300.0), True, 0.3, 1.5),
    "slow_market_data": (1, (10.0, 300.0), False, 0.2, 1.0),
    "delay_acks": (3, (0.05, 1.2), True, 0.2, 1.0),
    "error_before": (3, [500, 502, 503, "cut"], True, 0.2, 0.8),
    "error_after": (4, [500, 502, 503, "cut"], True, 0.2, 0.8),
    "rate_limit_storm": (2, [1], True, 0.1, 0.4),
    "malformed_json": (3, [None, "rest", "socket"], True, 0.2, 0.8),
    "clock_skew": (1, (-900_000.0, 900_000.0), False, 0.2, 0.8),
    "maintenance": (1, None, False, 0.1, 0.5),
    "ban": (1, [1], False, 0.1, 0.3),
    "delist": (1, PERPS, False, 0.1, 0.4),
}


@dataclass(frozen=True)
class Kill:
    """One hard end of the session's process.

    Args:
        how: ``time`` for a signal from outside, ``commit`` for the moment before a commit of the journal, ``send`` for the moment
            after a request about an order was given to the network, ``flush`` for that between commit and sending.
        at: Seconds since the process began, or the count of such moments.
    """

    how: str
    at: float


@dataclass(frozen=True)
class Spec:
    """One schedule.

    Args:
        seed: Of all of it.
        seconds: How long faults may happen, in seconds of ours.
        minute: Of the venue's hour at which it begins: close to a full hour it pays funding.
        symbols: What is traded, and with which strategy.
        faults: What goes wrong.
        kills: For the processes of the session, one after the other.
        on_stop: What becomes of open orders at the end.
        latency_ms: From request to answer, in the venue's time.
        is_early: Whether faults begin with the session; else once it trades.
    """

    seed: int
    seconds: float
    minute: float
    symbols: Mapping[str, str]
    faults: Sequence[TimedFault] = field(default=(), repr=False)
    kills: Sequence[Kill] = ()
    on_stop: str = "keep"
    latency_ms: float = 0.0
    is_early: bool = False

    @property
    def schedule(self) -> FaultSchedule:
        """The faults, not begun."""
        return FaultSchedule(list(self.faults))


def draw(seed: int) -> Spec:
    """Return the schedule of a seed."""
    rng = random.Random(f"chaos {seed}")
    seconds = rng.uniform(1.1, 1.9)
    perp, other = rng.sample(PERPS, 2)
    symbols = {perp: "trader"}
    if rng.random() < 0.6:
        symbols[other] = rng.choice(["trader", "trader", "market_maker", "grid_arithmetic"])
    if rng.random() < 0.3:
        symbols[SPOT] = rng.choice(["trader", "market_maker"])
    names = [name for name in sorted(_DRAWS) for _ in range(_DRAWS[name][0])]
    faults = [_fault(rng, rng.choice(names), seconds) for _ in range(rng.randint(2, 8))]
    kills = [_kill(rng) for _ in range(rng.choice([0, 0, 0, 1, 1, 2]))]
    return Spec(
        seed,
        seconds,
        rng.choice([10.0, 58.5, 59.2]),
        symbols,
        tuple(faults),
        tuple(kills),
        rng.choice(["keep", "keep", "cancel", "flatten"]),
        rng.choice([0.0, 0.0, 200.0, 600.0]),
        rng.random() < 0.15,
    )


def _kill(rng: random.Random) -> Kill:
    how = rng.choice(["time", "time", "commit", "send", "flush"])
    return Kill(how, rng.uniform(0.2, 1.0) if how == "time" else rng.randint(1, 30))


def _fault(rng: random.Random, name: str, seconds: float) -> TimedFault:
    _, values, has_probability, shortest, longest = _DRAWS[name]
    at = rng.uniform(0.0, 0.85 * seconds)
    if name == "drop_sockets":
        return TimedFault(at, Fault(name, count=1))
    value: Value = None
    if values is not None:
        is_range = isinstance(values, tuple) and isinstance(values[0], float)
        value = round(rng.uniform(*values), 3) if is_range else rng.choice(values)  # type: ignore[misc, arg-type]
    lasts = min(rng.uniform(shortest, longest), seconds - at)
    only = ""
    if name in {"error_before", "error_after", "delay_acks", "malformed_json"} and value != "socket":
        only = rng.choice(["", "/order", rng.choice(["POST /", "DELETE /", "PUT /"])])
    if name == "drop_on_message":
        only = rng.choice(["", "fills", "notification"])
    probability = rng.choice([0.1, 0.3, 0.6, 1.0]) if has_probability else 1.0
    return TimedFault(at, Fault(name, value, probability, seconds=round(lasts, 3), only=only))
