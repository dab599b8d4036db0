"""The context: a strategy's only door to the world."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from hookline.clock import to_ns
from hookline.errors import OrderError
from hookline.kernel.orders import Terms, make_order
from hookline.kernel.outlook import Outlook
from hookline.kernel.rows import Rows
from hookline.kernel.runner import Handle, Window
from hookline.model import (
    Market,
    Order,
    OrderType,
    Position,
    Side,
    TimeInForce,
    timeframe_ns,
)

if TYPE_CHECKING:
    from hookline.columns import Bars, Column
    from hookline.execution import ExecutionAlgorithm
    from hookline.kernel.kernel import Kernel
    from hookline.kernel.legs import Leg, LegGroup
    from hookline.notifier import Level
    from hookline.params import PluginUse

__all__ = ["Context"]

_H = TypeVar("_H", bound=Handle)
# Held here because every order asks for them: Python 3.11 runs a Python function for each ``OrderType.MARKET``.
_MARKET = OrderType.MARKET
_BUY, _SELL = Side.BUY, Side.SELL
_LOG_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Context(Outlook):
    """What a strategy may see and do. Quantities are base units, prices quote currency per base unit.

    Attributes:
        symbols: The instruments that the strategy trades.
        seed: The session's seed.
        state: A dict that survives restarts; keep plain values in it.
        log: A logger named after the strategy.
        groups: The leg groups that are not over, oldest first.
    """

    def __init__(self, kernel: Kernel, id_: str, symbols: tuple[str, ...], seed: int = 0) -> None:
        super().__init__(kernel, id_, symbols)
        self.seed = seed
        self.state: dict[str, Any] = {}
        self.log = logging.getLogger(f"hookline.strategies.{id_}")
        self.handles: dict[str, list[Handle]] = {}
        self.groups: list[LegGroup] = []
        self.started = False

    @cached_property
    def rng(self) -> random.Random:
        """A random generator seeded by the session, the only source of randomness to use."""
        return random.Random(f"{self.seed}:{self.id}")  # noqa: S311  # reproducible, not secret

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart, as values that JSON can hold."""
        saved: dict[str, Any] = {"state": self.state}
        if "rng" in vars(self):
            version, internal, gauss = self.rng.getstate()
            saved["rng"] = [version, list(internal), gauss]
        return saved

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take over what ``save`` returned before a restart."""
        self.state = dict(saved.get("state", {}))
        if "rng" in saved:
            version, internal, gauss = saved["rng"]
            self.rng.setstate((version, tuple(internal), gauss))

    def take_up(self) -> None:
        """Go on with the works and leg groups of before a restart, whose open orders the kernel has taken over."""
        if not self.state:
            return
        from hookline.kernel import leg_handler, works

        if works.STATE in self.state:
            works.restore_works(self._kernel, self)
        if leg_handler.STATE in self.state:
            leg_handler.restore_legs(self._kernel, self)

    def __repr__(self) -> str:
        return f"Context({self.id!r}, {', '.join(self.symbols)})"

    # -- what to prepare in on_start -----------------------------------------------------------------------------------

    def bars(self, symbol: str | None = None) -> Bars:
        """Return the bars of an instrument, to build columns from."""
        from hookline.columns import Bars

        return Bars(self.symbol if symbol is None else symbol)

    def use(self, column: Column) -> Handle:
        """Keep a column up to date; its handle has ``value`` and ``ready``. Only in ``on_start``.

        ``on_bar`` is not called for an instrument before every column in use on it has been ready once.
        """
        return self._keep(Handle(column))

    def window(self, column: Column, length: int) -> Window:
        """Keep the last values of a column, as an array that ends with the present one. Only in ``on_start``.

        ``on_bar`` is not called for an instrument before the window is full of known values. After a restart it is filled
        again from history.
        """
        if length < 1:
            raise OrderError(f"ctx.window: length must be at least 1, was {length!r}")
        return self._keep(Window(column, length))

    def rows(self, columns: Sequence[Column], length: int) -> Rows:
        """Keep the last values of columns of several instruments, side by side in time. Only in ``on_start``.

        There is a row for each time at which all of the instruments have a bar. See ``Rows`` for when they are ready.
        """
        return Rows(self, columns, length)

    def _keep(self, handle: _H) -> _H:
        if self.started:
            raise OrderError("ctx.use: only in on_start, so that warm-up is known before the first bar")
        symbol = handle.column.symbol or self.symbol
        self._market(symbol)
        self.handles.setdefault(symbol, []).append(handle)
        return handle

    def every(self, period: str, timer: str = "") -> None:
        """Call ``on_timer`` at whole multiples of a period since the epoch, such as ``24h`` for midnight UTC.

        The timer's name is what ``on_timer`` is given; it defaults to the period.
        """
        self._kernel.every(timeframe_ns(period), self.id, timer or period)

    # -- what to do ----------------------------------------------------------------------------------------------------

    def notify(self, text: str, level: Level = "warning") -> None:
        """Tell a person: through the session's notifiers, and in the log.

        Args:
            text: What happened, in a sentence.
            level: ``info``, ``warning`` or ``error``.
        """
        self.log.log(_LOG_LEVELS[level], "%s", text)
        self._kernel.notify(self.id, level, text)

    def buy(self, symbol: str, quantity: float, *, tag: str = "", **terms: Any) -> Order:
        """Buy; at the market unless terms say otherwise, see ``submit``."""
        if terms or symbol not in self._positions:
            return self.submit(symbol, _BUY, quantity, tag=tag, **terms)
        return self._take(symbol, _BUY, quantity, tag)

    def sell(self, symbol: str, quantity: float, *, tag: str = "", **terms: Any) -> Order:
        """Sell; at the market unless terms say otherwise, see ``submit``."""
        if terms or symbol not in self._positions:
            return self.submit(symbol, _SELL, quantity, tag=tag, **terms)
        return self._take(symbol, _SELL, quantity, tag)

    def submit(
        self,
        symbol: str,
        side: Side,
        quantity: float,
        *,
        type: OrderType | None = None,  # noqa: A002
        limit: float | None = None,
        trigger: float | None = None,
        trail_amount: float | None = None,
        trail_fraction: float | None = None,
        stop_loss: float | None = None,
        stop_loss_trail: float | None = None,
        take_profit: float | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        expire: datetime | timedelta | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        oco: Order | None = None,
        position: str = "",
        tag: str = "",
    ) -> Order:
        """Send an order and return it; its ``status`` tells at once if it was denied, and ``reason`` why.

        Args:
            symbol: One of the strategy's instruments.
            side: Buy or sell.
            quantity: Base units, rounded down to the lot.
            type: Follows from the prices if left out: ``limit`` makes a limit order, ``trigger`` a stop, both a
                stop-limit, a trail a trailing stop, none a market order. ``TAKE_PROFIT`` with a trigger must be said.
            limit: Worst price to accept, rounded to the tick in your favor.
            trigger: Price that sets off a stop or take-profit order.
            trail_amount: Distance of a trailing stop in price units.
            trail_fraction: Distance of a trailing stop as a fraction of the price.
            stop_loss: Trigger of a protective stop, sent when this order fills.
            stop_loss_trail: The same as a trailing stop at this distance.
            take_profit: Limit of an exit, sent when this order fills; cancels and is canceled by the stop.
            time_in_force: How long the order lives.
            expire: When a GTD order ends; giving it makes the order GTD.
            post_only: Reject the order instead of letting it take.
            reduce_only: Never open or add to a position.
            oco: Another order: whichever fills first cancels the other.
            position: ``long`` or ``short`` for an instrument in hedge mode: which of its positions the order changes. Selling
                from the long and buying back the short are reduce-only.
            tag: Text kept with the order.

        Raises:
            OrderError: if the terms make no sense together.
        """
        market, lots = self._sized(symbol, quantity, position)
        terms = Terms(
            type, limit, trigger, trail_amount, trail_fraction, stop_loss, stop_loss_trail, take_profit,
            time_in_force, None if expire is None else self._expiry(expire), post_only,
            reduce_only or (bool(position) and (side > 0) != (position == "long")), oco, tag,
            f"{symbol}|{position}" if position else "",
        )  # fmt: skip
        return self._kernel.submit(make_order(self.id, market, side, lots, self._kernel.clock.now, terms))

    def work(
        self,
        symbol: str,
        side: Side,
        quantity: float,
        algorithm: ExecutionAlgorithm | PluginUse,
        *,
        limit: float | None = None,
        reduce_only: bool = False,
        position: str = "",
        tag: str = "",
    ) -> Order:
        """Have an order worked by an execution algorithm and return it: the parent of what the algorithm sends.

        It passes the risk gate for its whole quantity, and each child again. ``on_order`` tells of the parent and of its
        children, ``on_fill`` of the children's fills; canceling the parent cancels its open children.

        Args:
            symbol: One of the strategy's instruments.
            side: Buy or sell.
            quantity: Base units, rounded down to the lot.
            algorithm: An instance such as ``Twap(...)``, or the use of a plugin as a session file names it.
            limit: Worst price that any child may accept.
            reduce_only: Never open or add to a position.
            position: ``long`` or ``short`` for an instrument in hedge mode, as for ``submit``.
            tag: Text kept with the parent.

        Raises:
            OrderError: if the terms make no sense.
            ConfigError: if a parameter of the algorithm breaks its rule.
            PluginError: if there is no such algorithm.
        """
        from hookline.kernel.works import place

        market, lots = self._sized(symbol, quantity, position)
        terms = Terms(
            limit=limit,
            reduce_only=reduce_only or (bool(position) and (side > 0) != (position == "long")),
            tag=tag,
            position_id=f"{symbol}|{position}" if position else "",
        )
        parent = make_order(self.id, market, side, lots, self._kernel.clock.now, terms)
        return place(self._kernel, self, parent, algorithm)

    def open_legs(self, legs: Sequence[Leg], *, timeout: str, tag: str = "") -> LegGroup:
        """Open several positions together or none: send an order for each leg, and unwind if one of them fails.

        A leg fails if its order is denied, rejected, canceled or expired before it is complete, or is not complete within the
        timeout. Then the others' orders are canceled, and what was filled is closed with reduce-only market orders, what the
        failing leg filled as well. ``on_legs`` tells of every step.

        Args:
            legs: At least two.
            timeout: How long the orders may take, in event time: a count and a unit, such as ``30s`` or ``2h``. With bars,
                orders meet the market at the next open, so it should be longer than a bar.
            tag: Text kept with the orders.

        Raises:
            OrderError: if the terms of a leg make no sense; nothing is sent then.
            ValueError: if the timeout is no duration.
        """
        from hookline.kernel.leg_handler import open_group

        return open_group(self._kernel, self, legs, timeframe_ns(timeout), tag)

    def target(self, symbol: str, quantity: float, tag: str = "") -> Order | None:
        """Trade the difference to a signed quantity at the market; None if there is nothing to trade.

        Market orders that are still on their way count as done.
        """
        position = self.position(symbol)
        return self._trade(position, position.market.instrument.lots(quantity), tag)

    def target_weight(
        self, symbol: str, weight: float, tolerance: float = 0.01, tag: str = ""
    ) -> Order | None:
        """Trade the difference to a signed share of equity at the market; None if there is nothing to trade.

        Room is left for the taker fee, so that a weight of 1 can be bought.

        Args:
            symbol: One of the strategy's instruments.
            weight: Signed share of equity.
            tolerance: Differences up to this share of equity are left alone, so that a weight may be asked for on every
                bar; going flat is always traded.
            tag: Text kept with the order.
        """
        position = self.position(symbol)
        held = position.lots + position.pending
        if weight == 0.0:
            return self._trade(position, 0, tag) if held else None
        market = position.market
        equity = self._ledger.equity
        price = market.last * position.wallet.rate
        if not (price > 0.0 and equity > 0.0):
            return None
        wanted = market.instrument.lots(equity * weight / (price * self._fee_room))
        if wanted * held > 0 and abs(market.instrument.units(wanted - held)) * price <= tolerance * equity:
            return None
        return self._trade(position, wanted, tag)

    def close(self, symbol: str, tag: str = "") -> Order | None:
        """Go flat at the market; None if there is nothing to close."""
        position = self.position(symbol)
        return self._trade(position, 0, tag) if position.lots + position.pending else None

    def cancel(self, order: Order) -> None:
        """Cancel an order; nothing happens to a closed one."""
        self._kernel.cancel(order)

    def cancel_all(self, symbol: str | None = None) -> None:
        """Cancel this strategy's open orders."""
        for order in self.open_orders(symbol):
            self._kernel.cancel(order)

    def cancel_all_after(self, seconds: float | None) -> None:
        """Have the venue cancel everything unless this is called again within that time; None switches it off."""
        self._kernel.broker.cancel_all_after(seconds)

    def amend(
        self,
        order: Order,
        *,
        quantity: float | None = None,
        limit: float | None = None,
        trigger: float | None = None,
    ) -> None:
        """Change an open order in place; what is left out stays.

        A new limit price meets the market anew: it may take, and post-only is judged again.

        Raises:
            OrderError: if the order is closed, is a market order, or has no such price.
        """
        instrument = order.instrument
        if order.type is _MARKET:
            raise OrderError(f"order {order.client_order_id}: a market order cannot be amended")
        if limit is not None and order.limit_price is None:
            raise OrderError(
                f"order {order.client_order_id}: a {order.type} order has no limit price to amend"
            )
        if trigger is not None and order.trigger_price is None:
            raise OrderError(
                f"order {order.client_order_id}: a {order.type} order has no trigger price to amend"
            )
        self._kernel.amend(
            order,
            order.lots if quantity is None else instrument.lots(quantity),
            order.limit_price if limit is None else instrument.on_grid(limit, -order.side),
            order.trigger_price if trigger is None else instrument.on_grid(trigger),
        )

    def _take(self, symbol: str, side: Side, quantity: float, tag: str) -> Order:
        """Send a plain market order, by a shorter way than ``submit``."""
        market, lots = self._sized(symbol, quantity)
        kernel = self._kernel
        return kernel.submit(
            Order(0, self.id, market.instrument, side, _MARKET, lots, kernel.clock.now, tag=tag)
        )

    def _sized(self, symbol: str, quantity: float, position: str = "") -> tuple[Market, int]:
        market = self.position(symbol, position).market
        if not 0.0 <= quantity < math.inf:
            raise OrderError(f"order on {symbol}: quantity must be 0 or more and finite, was {quantity!r}")
        return market, market.instrument.lots(quantity)

    def _trade(self, position: Position, lots: int, tag: str) -> Order | None:
        held = position.lots + position.pending
        difference = lots - held
        if difference == 0:
            return None
        side = _BUY if difference > 0 else _SELL
        kernel = self._kernel
        order = Order(
            0,
            self.id,
            position.market.instrument,
            side,
            _MARKET,
            abs(difference),
            kernel.clock.now,
            # A stop may fill first: what was to close a position must not open one.
            reduce_only=lots * held >= 0 and abs(lots) < abs(held),
            tag=tag,
        )
        return kernel.submit(order)

    def _expiry(self, expire: datetime | timedelta) -> int:
        if isinstance(expire, timedelta):
            return self._kernel.clock.now + round(expire.total_seconds() * 1e9)
        return to_ns(expire)
