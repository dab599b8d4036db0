"""Scripted runs on a few bars, told in words that a test can compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import hookline as hl
from hookline.testing import Scripted, bars

PERP = hl.Instrument("TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal(1))
SPOT = hl.Instrument("TEST", tick_size=Decimal("0.1"), lot_size=Decimal(1))
STEP = 3600 * 10**9


@dataclass
class Told(Scripted):
    """A script whose fills are told as they are heard, with the bar that held them."""

    heard: list[str] = field(init=False, repr=False, default_factory=list)
    times: list[str] = field(init=False, repr=False, default_factory=list)
    timer: tuple[str, Any] = ("", None)

    def on_start(self, ctx):
        super().on_start(ctx)
        if self.timer[0]:
            ctx.every(self.timer[0])

    def on_timer(self, ctx, timer):
        self.timer[1](self, ctx)

    def on_fill(self, ctx, fill):
        now = ctx._kernel.clock.now
        where = "open" if fill.time < now else "inside"
        side = fill.side.name.lower()
        self.heard.append(f"{side} {fill.quantity:g} @ {fill.price:g}")
        self.times.append(f"bar {(now - ORIGIN) // STEP - 1} {where}")


ORIGIN = int(bars("1").start[0])


@dataclass
class Run:
    """What a script led to."""

    script: Told
    result: Any

    @property
    def fills(self) -> list[str]:
        """Fills such as ``bar 1 open: buy 2 @ 10``."""
        return [f"{time}: {fill}" for time, fill in zip(self.script.times, self.script.heard, strict=True)]

    @property
    def liquidity(self) -> list[str]:
        return ["maker" if fill.is_maker else "taker" for fill in self.result.record.fills]

    def order(self, label: str | int) -> Any:
        return self.script.orders[label]

    def end(self, label: str | int) -> str:
        """The last status of an order, with its reason where there is one."""
        order = self.order(label)
        return f"{order.status}: {order.reason}" if order.reason else str(order.status)

    def story(self, label: str | int) -> list[str]:
        """Every status an order went through."""
        number = self.order(label).number
        return [update.status for update in self.result.record.updates if update.order_number == number]

    @property
    def position(self) -> float:
        return sum(fill.side * fill.quantity for fill in self.result.record.fills)


def run(
    text: str | Mapping[str, Any],
    script: Mapping[Any, Any],
    *,
    instrument: hl.Instrument | tuple[hl.Instrument, ...] = PERP,
    cash: float = 10_000.0,
    timer: tuple[str, Any] = ("", None),
    **broker: Any,
) -> Run:
    """Run a script on bars, written out or as series by symbol, and an act at every multiple of a period."""
    told = Told(dict(script), timer=timer)
    data = bars(text) if isinstance(text, str) else dict(text)
    instruments = instrument if isinstance(instrument, tuple) else (instrument,)
    return Run(told, hl.backtest(told, data, cash=cash, instruments=instruments, **broker))
