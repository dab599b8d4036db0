"""A strategy that follows a script, so that a test says which order is sent on which bar and nothing else.

>>> import hookline as hl
>>> from hookline.testing import Scripted, bars, buy, sell
>>> script = Scripted({0: buy(2, limit=9), 2: sell(2)})
>>> result = hl.backtest(script, bars("10 10/11/9/10 12 13"))
>>> [(fill.side.name, fill.price) for fill in result.record.fills]
[('BUY', 9.0), ('SELL', 12.0)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from hookline.model import Bar, Order, Side
from hookline.params import Doc
from hookline.strategy import Context, Strategy

__all__ = ["Act", "Scripted", "amend", "buy", "cancel", "sell"]

Act = Callable[["Scripted", Context], object]
"""What a script does on a bar. ``buy``, ``sell``, ``amend`` and ``cancel`` make acts; any such function is one."""


@dataclass
class Scripted(Strategy):
    """Acts on the bars that the script names.

    A key is the index of a bar, counted from 0 for each instrument: a bare number for the strategy's first instrument,
    ``("BTC", 3)`` for a named one. A value is one act or a list of them.

    Attributes:
        orders: What was sent, under its label, or under the number of orders sent before it where it has none.
        symbol: The instrument of the bar being acted on.
    """

    name: ClassVar[str] = "scripted"

    script: Annotated[dict[Any, Any], Doc("bar index -> acts")]
    orders: dict[str | int, Order] = field(init=False, repr=False, default_factory=dict)
    symbol: str = field(init=False, repr=False, default="")
    _seen: dict[str, int] = field(init=False, repr=False, default_factory=dict)

    def on_start(self, ctx: Context) -> None:
        self.orders.clear()
        self._seen = dict.fromkeys(ctx.symbols, 0)

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        self.symbol, index = bar.symbol, self._seen[bar.symbol]
        self._seen[bar.symbol] = index + 1
        for act in _listed(self.script.get((bar.symbol, index))):
            act(self, ctx)
        if bar.symbol == ctx.symbols[0]:
            for act in _listed(self.script.get(index)):
                act(self, ctx)


def buy(quantity: float, *, label: str = "", symbol: str = "", oco: str = "", **terms: Any) -> Act:
    """Buy, with the terms of ``Context.submit``.

    Args:
        quantity: Base units.
        label: Name of the order for later acts.
        symbol: Instrument, the bar's by default.
        oco: Label of an earlier order: whichever fills first cancels the other.
        **terms: ``limit``, ``trigger``, ``stop_loss`` and so on.
    """
    return _order(Side.BUY, quantity, label, symbol, oco, terms)


def sell(quantity: float, *, label: str = "", symbol: str = "", oco: str = "", **terms: Any) -> Act:
    """Sell, see ``buy``."""
    return _order(Side.SELL, quantity, label, symbol, oco, terms)


def cancel(label: str | int) -> Act:
    """Cancel the order of a label."""
    return lambda script, ctx: ctx.cancel(script.orders[label])


def amend(label: str | int, **changes: float) -> Act:
    """Amend the order of a label, see ``Context.amend``."""
    return lambda script, ctx: ctx.amend(script.orders[label], **changes)


def _order(side: Side, quantity: float, label: str, symbol: str, oco: str, terms: Mapping[str, Any]) -> Act:
    def act(script: Scripted, ctx: Context) -> None:
        linked = script.orders[oco] if oco else None
        order = ctx.submit(symbol or script.symbol, side, quantity, oco=linked, **terms)
        script.orders[label or len(script.orders)] = order

    return act


def _listed(acts: Act | Sequence[Act] | None) -> Sequence[Act]:
    if acts is None:
        return ()
    return acts if isinstance(acts, Sequence) else (acts,)
