"""What a replay is made of: runs, rows, the whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from hookline.model import Order
from hookline.session.replaying_run import Account

__all__ = ["PARTS", "Difference", "Rates", "Row", "Runs"]

PARTS = ("latency", "queue", "fees", "slippage", "funding", "missed", "logic")
"""The causes of differences."""


@dataclass(frozen=True)
class Rates:
    """Fees of the model, as fractions of the notional."""

    maker: float
    taker: float


@dataclass
class Row:
    """What became of one order in the runs, and what each cause has contributed; money in the session's currency.

    ``orders`` are those of the runs L, T, R and C, None where a run has none. Rows of funding have no order at all.
    """

    strategy: str
    symbol: str
    orders: tuple[Order | None, Order | None, Order | None, Order | None] = (None, None, None, None)
    parts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    gained_live: float = 0.0
    gained_again: float = 0.0

    @property
    def live(self) -> Order | None:
        """The order in the session."""
        return self.orders[0]

    @property
    def again(self) -> Order | None:
        """The order in the run on complete data."""
        return self.orders[-1]

    @property
    def total(self) -> float:
        """What the session has gained more than the run on complete data."""
        return self.gained_live - self.gained_again

    @property
    def is_different(self) -> bool:
        """Whether the row has anything to tell."""
        return any(self.parts.values()) or bool(self.total) or (self.live is None) != (self.again is None)


@dataclass(frozen=True)
class Difference:
    """The whole: rows by time, the sums of the parts, and what both runs have gained."""

    rows: Sequence[Row]
    parts: Mapping[str, float]
    gained_live: float
    gained_again: float

    @property
    def total(self) -> float:
        """What the session has gained more than the run on complete data."""
        return self.gained_live - self.gained_again


@dataclass(frozen=True)
class Runs:
    """The runs of the chain and which orders are the same: the pairs lead from each run to the next.

    ``logic`` is what was found by telling the strategies what the session was told: numbers of orders in L that they do not make then, and
    of orders in T that they make then and did not make in the session; None where that is not known. ``is_simulated`` says that L was made by the
    same simulator.
    """

    live: Account
    timed: Account
    received: Account
    complete: Account
    live_timed: Mapping[int, int]
    timed_received: Mapping[int, int]
    received_complete: Mapping[int, int]
    logic: tuple[Collection[int], Collection[int]] | None = None
    is_simulated: bool = False
