"""Latency as a parameter of the paper broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from hookline.params import Doc, Ge, Gt
from hookline.simulation.latency import ConstantLatency, LatencyModel, ObservedLatency, RandomLatency

__all__ = ["Latency"]

_MILLISECOND = 10**6


@dataclass(frozen=True)
class Latency:
    """How long orders take to the venue, and reports back."""

    kind: Annotated[
        Literal["constant", "random", "observed"],
        Doc("always the same, log-normal around the median, or that of the last market data seen"),
    ] = "constant"
    entry_ms: Annotated[float, Ge(0), Doc("constant: milliseconds of orders")] = 5.0
    response_ms: Annotated[float, Ge(0), Doc("constant: milliseconds of reports")] = 5.0
    median_ms: Annotated[float, Gt(0), Doc("random: median milliseconds each way, floor included")] = 5.0
    sigma: Annotated[float, Ge(0), Doc("random: spread of the logarithm of what is above the floor")] = 0.5
    floor_ms: Annotated[float, Ge(0), Doc("random, observed: least milliseconds each way")] = 0.0
    factor: Annotated[float, Ge(0), Doc("observed: multiple of the latency of market data")] = 1.0
    seed: Annotated[int, Ge(0), Doc("random: start of the randomness")] = 0

    def __post_init__(self) -> None:
        if self.kind == "random" and not self.floor_ms < self.median_ms:
            raise ValueError(f"floor_ms must be below median_ms ({self.median_ms!r}), was {self.floor_ms!r}")

    def model(self) -> LatencyModel:
        """Return a new model of this latency."""
        if self.kind == "constant":
            return ConstantLatency(_nanoseconds(self.entry_ms), _nanoseconds(self.response_ms))
        if self.kind == "random":
            return RandomLatency(
                _nanoseconds(self.median_ms), self.sigma, _nanoseconds(self.floor_ms), self.seed
            )
        return ObservedLatency(self.factor, self.factor, _nanoseconds(self.floor_ms))

    def observe(self, model: LatencyModel, time: int, venue_time: int) -> None:
        """Show a model of this latency when a message was known here and when it happened, nanoseconds UTC."""
        if isinstance(model, ObservedLatency):
            model.observe(time, venue_time)


def _nanoseconds(milliseconds: float) -> int:
    return round(milliseconds * _MILLISECOND)
