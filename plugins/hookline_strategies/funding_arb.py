"""Funding arbitrage: spot against a perpetual, for the funding that the perpetual pays.

Rules of this file:

- The rate is that of the last funding time, for one interval; the interval is the time between the last two.
- The legs are a leg group of equal base quantity. What they hold is looked at on every bar of the perpetual, the rate at every
  ``check``, and only where the last bars of both ended at one time: a basis between prices of two times is none.
- The perpetual's margin is isolated. Its liquidation price moves with the margin posted and not with its size, so that a leg made
  smaller is no safer: when the buffer is gone the pair is closed, and may be opened anew with fresh margin.
- After an entry that had to be unwound none is tried before the next funding time.
- While no group is open, spot is kept at ``inventory``: it is bought at first, and bought back after it was lent to a reverse pair.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from hookline import (
    Bar,
    ConfigError,
    Context,
    Doc,
    Ge,
    Gt,
    Instrument,
    InstrumentKind,
    Le,
    Leg,
    LegGroup,
    LegStatus,
    Lt,
    Side,
    Strategy,
    hookimpl,
)
from hookline.model import Funding, MarginMode, timeframe_ns

_HOUR = 3600 * 10**9
_YEAR_HOURS = 24 * 365


def annual_rate(rate: float, interval_hours: float) -> float:
    """Return a funding rate as a simple rate for a year: ``rate * 24 / interval * 365``."""
    return rate * _YEAR_HOURS / interval_hours


def common_lots(first: Instrument, second: Instrument, quantity: float) -> float:
    """Return the largest quantity, at most the one given, that is a whole number of lots of both instruments."""
    one, other = Fraction(first.lot_size), Fraction(second.lot_size)
    step = Fraction(
        math.lcm(one.numerator * other.denominator, other.numerator * one.denominator),
        one.denominator * other.denominator,
    )
    count = math.floor(Fraction(first.quantity(quantity)) / step)
    return float(count * step)


@dataclass
class FundingArb(Strategy):
    """Hold spot against a short perpetual while longs pay, and the other way round where coins are there to sell.

    Idea: where a perpetual is crowded, one side pays the other at every funding time; a position in it that spot offsets
    earns the payment without the price. Wants high and stable rates and a small basis. Entry: at a rate above ``min_rate``
    buy spot and sell the same quantity of the perpetual; below -``min_rate`` sell spot out of ``inventory`` and buy the
    perpetual; only with a basis within ``max_basis``, an income at this rate over ``horizon`` above the taker fees of the
    four orders, and a liquidation price at least ``buffer`` away. Exit: the rate in the pair's favor is below
    ``exit_rate``, or has turned. Stop: the liquidation price comes closer than ``buffer``, or a leg is gone. Size: each leg
    is ``max_fraction`` of equity. Killed by rates that turn before the fees are earned, and by a price that runs through
    the buffer between two bars. Source: LMEX academy, Funding Rate Arbitrage.
    """

    name: ClassVar[str] = "funding_arb"

    spot: Annotated[str | None, Doc("left out: the strategy's first spot instrument")] = None
    perp: Annotated[str | None, Doc("left out: the strategy's first perpetual")] = None
    min_rate: Annotated[float, Gt(0), Doc("funding rate of an interval that opens, either way")] = 0.0003
    exit_rate: Annotated[float, Ge(0), Doc("funding rate that closes")] = 0.0001
    max_basis: Annotated[float, Gt(0), Doc("largest distance of the perpetual from spot, fraction")] = 0.001
    max_fraction: Annotated[float, Gt(0), Le(0.5), Doc("each leg as a share of equity")] = 0.20
    buffer: Annotated[float, Gt(0), Lt(1), Doc("least distance to the liquidation price, fraction")] = 0.30
    check: Annotated[str, Doc("time between looks at the rate")] = "1h"
    horizon: Annotated[str, Doc("time over which income must exceed the four fees")] = "3d"
    inventory: Annotated[float, Ge(0), Doc("base units of spot to own, lent to reverse pairs")] = 0.0
    leg_timeout: Annotated[str, Doc("unwind a leg not filled by then; longer than a bar")] = "2h"

    def __post_init__(self) -> None:
        """Check what belongs together.

        Raises:
            ValueError: naming the parameter that does not fit.
        """
        if self.exit_rate >= self.min_rate:
            raise ValueError(f"exit_rate must be below min_rate ({self.min_rate!r}), was {self.exit_rate!r}")
        for name in ("check", "horizon", "leg_timeout"):
            timeframe_ns(getattr(self, name))

    def on_start(self, ctx: Context) -> None:
        self._spot = self._named(ctx, "spot", self.spot, InstrumentKind.SPOT)
        self._perp = self._named(ctx, "perp", self.perp, InstrumentKind.PERPETUAL)
        self._require_margin(ctx)
        for key in ("paid", "interval", "direction", "failed", "spot_bar", "perp_bar"):
            ctx.state.setdefault(key, 0)
        ctx.every(self.check, "check")

    def on_funding(self, ctx: Context, funding: Funding) -> None:
        if funding.symbol != self._perp:
            return
        state = ctx.state
        state["interval"] = funding.time - state["paid"] if state["paid"] else 0
        state["paid"] = funding.time
        if state["interval"]:
            # A payment that nothing was held for is news only to who asks for a verbose log.
            ctx.log.log(
                logging.INFO if funding.amount else logging.DEBUG,
                "funding of %s %.4f %%, APR %.1f %%, received %.2f",
                self._perp, funding.rate * 100, self._annual(ctx, funding.rate) * 100, funding.amount,
            )  # fmt: skip

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        if bar.symbol == self._spot:
            ctx.state["spot_bar"] = bar.end
        elif bar.symbol == self._perp:
            ctx.state["perp_bar"] = bar.end
            self._guard(ctx)

    def on_timer(self, ctx: Context, timer: str) -> None:  # noqa: ARG002
        if not ctx.state["perp_bar"] or ctx.state["perp_bar"] != ctx.state["spot_bar"]:
            return
        group, rate = _held(ctx), ctx.funding_rate(self._perp)
        if group is None:
            self._keep_inventory(ctx)
            self._look(ctx, rate)
        elif group.is_open and ctx.state["direction"] * rate < self.exit_rate:
            self._close(ctx, group, f"rate {rate:.4%}, APR {self._annual(ctx, rate):.1%}")

    def on_legs(self, ctx: Context, group: LegGroup) -> None:
        ctx.log.debug("%s %s", group.status, group.reason)
        if group.status is LegStatus.UNWOUND:
            ctx.log.warning("unwound: %s", group.reason)
            ctx.state["failed"] = ctx.state["paid"]
        if group.is_over:
            self._keep_inventory(ctx)

    def _look(self, ctx: Context, rate: float) -> None:
        """Open a pair if the rate is worth it."""
        state, instrument = ctx.state, ctx.instrument(self._spot)
        direction = 1 if rate > self.min_rate else -1 if rate < -self.min_rate else 0
        if not direction or not state["interval"] or state["failed"] == state["paid"]:
            return
        basis = ctx.last(self._perp) / ctx.last(self._spot) - 1.0
        income = abs(rate) * timeframe_ns(self.horizon) / state["interval"]
        if not abs(basis) <= self.max_basis or income <= 4.0 * ctx.fee_rate:
            return
        quantity = common_lots(instrument, ctx.instrument(self._perp), self._affordable(ctx, direction))
        if quantity <= 0.0 or self._distance(ctx, -direction * quantity) < self.buffer:
            return
        ctx.log.info(
            "opens %s %g: rate %.4f %%, APR %.1f %%, basis %.4f %%, income %.4f %% in %s against fees of %.4f %%",
            "long spot, short perpetual" if direction > 0 else "short spot, long perpetual", quantity,
            rate * 100, self._annual(ctx, rate) * 100, basis * 100, income * 100, self.horizon, 400 * ctx.fee_rate,
        )  # fmt: skip
        state["direction"] = direction
        side = Side(direction)
        legs = [
            Leg(self._spot, side, quantity, reduce_only=direction < 0),
            Leg(self._perp, Side(-side), quantity),
        ]
        ctx.open_legs(legs, timeout=self.leg_timeout, tag="carry")

    def _affordable(self, ctx: Context, direction: int) -> float:
        """Return the base units of a leg: a share of equity, and no more than cash or inventory can be asked for."""
        price = max(ctx.last(self._spot), ctx.last(self._perp))
        wanted = self.max_fraction * ctx.spendable / price
        if direction < 0:
            return min(wanted, ctx.position(self._spot).quantity)
        # Spot takes its value from cash, the perpetual's margin at most as much again.
        return min(wanted, max(0.0, ctx.cash) / (2.0 * price * (1.0 + ctx.fee_rate)))

    def _guard(self, ctx: Context) -> None:
        """Close a pair that has lost a leg or its buffer."""
        group = _held(ctx)
        if group is None:
            return
        if group.status is LegStatus.FAILED:
            group.close()
        elif group.is_open and not group.is_intact:
            self._close(ctx, group, "a leg is gone")
        elif group.is_open and self._distance(ctx) < self.buffer:
            self._close(ctx, group, f"liquidation is {self._distance(ctx):.1%} away")

    def _close(self, ctx: Context, group: LegGroup, reason: str) -> None:
        ctx.log.info("closes: %s", reason)
        group.close(reason)

    def _distance(self, ctx: Context, quantity: float | None = None) -> float:
        """Return how far the perpetual is from liquidation, as a fraction of its price; infinite where nothing liquidates."""
        price, mark = ctx.liquidation_price(self._perp, quantity), ctx.mark(self._perp)
        at = ctx.last(self._perp) if math.isnan(mark) else mark
        return math.inf if math.isnan(price) else abs(price - at) / at

    def _keep_inventory(self, ctx: Context) -> None:
        """Bring spot to the inventory."""
        if ctx.position(self._spot).quantity != self.inventory:
            ctx.target(self._spot, self.inventory, tag="inventory")

    def _annual(self, ctx: Context, rate: float) -> float:
        return annual_rate(rate, ctx.state["interval"] / _HOUR)

    def _named(self, ctx: Context, field: str, symbol: str | None, kind: InstrumentKind) -> str:
        """Return the instrument of a field: the one that is named, else the first of its kind."""
        fitting = [one for one in ctx.symbols if ctx.instrument(one).kind is kind]
        found = symbol if symbol is not None else next(iter(fitting), None)
        if found not in fitting:
            wanted = f"must be a {kind} among {', '.join(ctx.symbols)}"
            raise ConfigError(f"strategy {ctx.id!r}: {field}: {wanted}, was {symbol!r}")
        return found

    def _require_margin(self, ctx: Context) -> None:
        """Refuse margin that the whole wallet backs, and leverage that leaves no buffer to begin with."""
        mode = ctx.instrument(self._perp).margin_mode
        if mode is not MarginMode.ISOLATED:
            raise ConfigError(f"instruments.{self._perp}.margin_mode: must be isolated, was {mode}")
        nearest = min(abs(self._liquidation_at_one(ctx, side) - 1.0) for side in (-1, 1))
        if nearest < self.buffer:
            rule = f"must leave {self.buffer:.0%} to the liquidation price"
            raise ConfigError(f"instruments.{self._perp}.leverage: {rule}, leaves {nearest:.1%}")

    def _liquidation_at_one(self, ctx: Context, side: int) -> float:
        price = ctx.liquidation_price(self._perp, float(side), price=1.0)
        return math.inf if math.isnan(price) else price


def _held(ctx: Context) -> LegGroup | None:
    """Return the leg group that is not over."""
    return next(iter(ctx.groups), None)


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [FundingArb]
