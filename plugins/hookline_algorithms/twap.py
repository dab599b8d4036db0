"""Time-weighted average price: equal slices at equal distances of time.

Rules of this file:

- A slice is what is due by its time less what is filled or still working: what an earlier slice has left, or could not send,
  is caught up without being counted twice.
- Sums are made of whole lots. Every slice is the same number of lots and the last one is all that is left.
- The schedule follows from its begin and a seed, both kept in ``work.state``, so that a restart goes on with the same times.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from hookline import Doc, ExecutionAlgorithm, Ge, Gt, Le, Order, OrderType, OrderUpdate, Work, hookimpl
from hookline.clock import from_ns, to_ns
from hookline.model import timeframe_ns

__all__ = ["Twap", "register_algorithms"]

_SLICE, _END = "slice", "end"


@dataclass
class Twap(ExecutionAlgorithm):
    """Spread an order evenly over time.

    Idea: an order that is large for the market pays less when it is cut into pieces small enough for the book to refill in
    between, and its average price is that of the time it took. Wants markets without a strong drift while it runs. Entry: the
    first slice at once, the others at equal distances, so that the last has as long to fill as each before it. A slice goes out
    at the market, as a limit order at the limit price where there is one, or, with ``style: limit``, as a limit order at the best
    opposite price. What it leaves is canceled and caught up with the next one. A slice waits for the next while the market is beyond the limit, and
    while it, or what it would leave for later, is below the instrument's minimum order. Exit: none of its own; what is left
    at the end of the duration is canceled, and a warning and the order's reason say how much. Size: the order's, in equal
    whole lots; the last slice takes the rounding remainder. Where that would be less than the minimum order, slices grow until they reach it.
    Killed by a market that runs away while it waits, and by others who see the pattern, which is what ``randomize`` is for. With bars, slices closer together than a bar
    meet the market at the same open. Source: LMEX academy, TWAP.
    """

    name: ClassVar[str] = "twap"

    duration: Annotated[str, Doc("time from the first slice to the end, such as 30m")] = "1h"
    slices: Annotated[int, Ge(1), Le(10_000), Doc("how many")] = 12
    limit_price: Annotated[float | None, Gt(0), Doc("worst price to accept; none by default")] = None
    randomize: Annotated[
        float, Ge(0), Le(1), Doc("largest shift of a slice, as a fraction of the time between two")
    ] = 0.0
    style: Annotated[
        Literal["market", "limit"], Doc("take what there is, or at most the best opposite price")
    ] = "market"

    def __post_init__(self) -> None:
        """Check the duration.

        Raises:
            ValueError: if it is no duration.
        """
        try:
            timeframe_ns(self.duration)
        except ValueError as error:
            raise ValueError(f"duration: {error}") from error

    def on_start(self, work: Work) -> None:
        work.state["begin"] = to_ns(work.now)
        work.state["seed"] = work.rng.getrandbits(32)
        self._go_on(work)

    def on_timer(self, work: Work, timer: str) -> None:
        if timer == _END or to_ns(work.now) >= self._end(work):  # a slice comes that late after a long stop
            work.state["ended"] = True
            self._withdraw(work)
            self._report(work)
        else:
            self._go_on(work)

    def on_order(self, work: Work, order: Order, update: OrderUpdate) -> None:  # noqa: ARG002
        if work.state.get("ended"):
            self._report(work)

    def _go_on(self, work: Work) -> None:
        """Send what is due and set the next timer."""
        number = self._count_due(work)
        if number:
            self._withdraw(work)
            self._send(work, number)
        if number < self.slices:
            work.at(from_ns(self._due(work, number)), _SLICE)
        else:
            work.at(from_ns(self._end(work)), _END)

    def _due(self, work: Work, number: int) -> int:
        """Return when a slice, counted from 0, is due."""
        shift = 0.0
        if self.randomize:
            drawn = random.Random(f"{work.state['seed']}:{number}").random()  # noqa: S311  # reproducible, not secret
            shift = drawn * self.randomize
        step = timeframe_ns(self.duration) / self.slices
        # Whole microseconds, which is what datetimes can say.
        due = int(work.state["begin"]) + round((number + shift) * step) // 1000 * 1000
        return min(due, self._end(work) - 1000)

    def _count_due(self, work: Work) -> int:
        """Return how many slices are due by now."""
        now = to_ns(work.now)
        passed = (now - int(work.state["begin"])) * self.slices // timeframe_ns(self.duration)
        # Each slice is due within its own part of the time, so those of the parts that have passed are; one less for rounding.
        number = min(max(0, passed - 1), self.slices)
        while number < self.slices and self._due(work, number) <= now:
            number += 1
        return number

    def _end(self, work: Work) -> int:
        return int(work.state["begin"]) + timeframe_ns(self.duration)

    def _send(self, work: Work, number: int) -> None:
        lots = self._due_lots(work, number) - work.filled_lots - work.working_lots
        cap = self._cap(work)
        beyond = cap is not None and work.side * (work.touch - cap) > 0.0
        if lots <= 0 or beyond:
            return
        left = work.available_lots - lots
        if number < self.slices and (self._is_small(work, lots) or (left and self._is_small(work, left))):
            return
        work.submit(
            work.instrument.units(lots),
            limit=self._limit(work, cap),
            tag=f"{self.name} {number}/{self.slices}",
        )

    def _due_lots(self, work: Work, number: int) -> int:
        """Return the lots of the first slices, the last of which takes the remainder."""
        if number >= self.slices:
            return work.lots
        equal = work.lots // self.slices
        if equal >= work.instrument.min_lots:
            return equal * number
        # Such slices are merged; that fractions of a lot do not add up in the last one, they are not rounded each.
        return work.lots * number // self.slices

    def _cap(self, work: Work) -> float | None:
        """Return the tighter of the algorithm's and the order's limit."""
        caps = [price for price in (self.limit_price, work.limit) if price is not None]
        if not caps:
            return None
        return min(caps) if work.side > 0 else max(caps)

    def _limit(self, work: Work, cap: float | None) -> float | None:
        if self.style == "market" or work.touch != work.touch:
            return cap
        return work.touch  # not beyond the cap, or the slice would wait

    def _is_small(self, work: Work, lots: int) -> bool:
        """Return whether an order of so many lots would be refused as too small."""
        instrument = work.instrument
        if work.parent.reduce_only:
            return lots < 1
        worth = instrument.units(lots) * abs(work.touch)
        return lots < instrument.min_lots or worth < instrument.min_notional_float

    def _withdraw(self, work: Work) -> None:
        """Cancel what rests; a market order on its way fills or fails by itself."""
        for child in work.children:
            if child.type is not OrderType.MARKET:
                work.cancel(child)

    def _report(self, work: Work) -> None:
        """End the order once the last child is closed, and say what is left."""
        if not work.children and not work.is_ending:
            left = f"{work.remaining:g} of {work.quantity:g} {work.symbol} not filled in {self.duration}"
            work.warn(f"{self.name}: {left}")
            work.finish(left)


@hookimpl
def register_algorithms() -> list[type[ExecutionAlgorithm]]:
    """Return the algorithm of this module."""
    return [Twap]
