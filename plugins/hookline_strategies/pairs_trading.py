"""Pairs trading: the spread of two cointegrated instruments.

Rules of this file:

- Everything is computed from rows of closes at which both instruments have a bar; the last row is the bar that has just closed.
- ``beta`` is the slope of a on b over ``window`` rows, the spread is ``a - beta * b`` with that one beta over all of them, and z is the
  last spread's distance from their mean in sample deviations.
- The legs are a leg group: both are opened or none, and they are closed together. What must survive a restart is in
  ``ctx.state`` and in ``ctx.groups``.
- Decisions are made on the bar of ``a``; bars that end together are one event, so that b's bar is known by then. An open pair is
  tested again on the first bar that ends at or after each whole multiple of ``retest`` since 1970-01-01 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

from hookline import (
    Bar,
    ConfigError,
    Context,
    Doc,
    Ge,
    Gt,
    Le,
    Leg,
    LegGroup,
    LegStatus,
    RiskByStop,
    Side,
    Strategy,
    hookimpl,
)
from hookline.clock import to_ns
from hookline.model import timeframe_ns
from hookline.statistics import engle_granger_p_value, hedge_ratio, zscore

_SECOND = 10**9
_NAN = float("nan")


class _Spread(NamedTuple):
    """The spread now: its hedge ratio, its sample deviation in quote currency for a unit of a, and its z-score."""

    beta: float
    deviation: float
    z: float


@dataclass
class PairsTrading(Strategy):
    """Sell the dear one of two cointegrated instruments and buy the cheap one, until their spread is back.

    Idea: two prices that share one driver drift apart and come back; their spread ``a - beta * b`` is traded, not either
    price. Wants pairs with a common cause (BTC and ETH, KO and PEP), liquid on both sides, and no event ahead that concerns
    one alone. Entry: on |z| >= ``entry``, a short spread above and a long one below, if the Engle-Granger p-value over
    ``calibration`` bars is below ``coint_p_open``, beta is positive and z is not beyond ``stop`` already. Exit: z is back
    within ``exit``, or beyond it on the other side. Stop: |z| >= ``stop``, a hold of ``max_hold``, p above
    ``coint_p_close`` at a retest, or a leg that a stop or a liquidation has taken; then, and after an entry that was
    unwound, the spread must first have been within ``entry`` again. Size: q units of a against beta * q units of b, where q
    loses ``risk`` of equity between this z and the stop, and both legs together are worth at most ``max_fraction`` of
    equity. The source asks for legs of equal dollars and for beta: with beta the pair's value moves as the spread does, and
    the legs are of equal dollars where ``a = beta * b``. Killed by a pair that parts for good, where a gap jumps the stop.
    Source: LMEX academy, Statistical Arbitrage.
    """

    name: ClassVar[str] = "pairs_trading"

    a: Annotated[str | None, Doc("dependent instrument; left out: the strategy's first symbol")] = None
    b: Annotated[str | None, Doc("hedge; left out: the strategy's second symbol")] = None
    window: Annotated[int, Ge(10), Doc("bars of the hedge ratio and the z-score")] = 60
    entry: Annotated[float, Gt(0), Doc("|z| that opens")] = 2.0
    exit: Annotated[float, Ge(0), Doc("|z| that closes")] = 0.5
    stop: Annotated[float, Gt(0), Doc("|z| that gives up")] = 3.5
    calibration: Annotated[int | None, Ge(30), Doc("bars of the cointegration test; left out: window")] = None
    coint_p_open: Annotated[float, Gt(0), Le(1), Doc("open only below this p-value")] = 0.05
    coint_p_close: Annotated[float, Gt(0), Le(1), Doc("close above this p-value at a retest")] = 0.10
    retest: Annotated[str, Doc("time between tests of an open pair")] = "7d"
    max_hold: Annotated[str, Doc("longest time in a pair")] = "14d"
    risk: Annotated[float, Gt(0), Le(1), Doc("share of equity lost at the stop")] = 0.02
    max_fraction: Annotated[float, Gt(0), Doc("both legs together, as a share of equity")] = 0.9
    leg_timeout: Annotated[str, Doc("unwind a leg not filled by then; longer than a bar")] = "2h"

    def __post_init__(self) -> None:
        """Check what belongs together.

        Raises:
            ValueError: naming the parameter that does not fit.
        """
        if self.a is not None and self.a == self.b:
            raise ValueError(f"b must be another instrument than a, was {self.b!r}")
        if not self.exit < self.entry < self.stop:
            raise ValueError(
                f"entry must lie between exit ({self.exit!r}) and stop ({self.stop!r}), was {self.entry!r}"
            )
        if self.coint_p_close < self.coint_p_open:
            raise ValueError(
                f"coint_p_close must be at least coint_p_open ({self.coint_p_open!r}), was {self.coint_p_close!r}"
            )
        if self.calibration is None and self.window < 30:
            raise ValueError(f"calibration must be given, 30 or more, with a window of {self.window!r}")
        for name in ("retest", "max_hold", "leg_timeout"):
            timeframe_ns(getattr(self, name))

    def on_start(self, ctx: Context) -> None:
        self._a, self._b = self._pair(ctx)
        closes = [ctx.bars(symbol).close for symbol in (self._a, self._b)]
        self._calibration = self.calibration or self.window
        self._rows = ctx.rows(closes, max(self.window, self._calibration))
        self._retest = timeframe_ns(self.retest)
        ctx.state.setdefault("armed", True)

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        if bar.symbol != self._a:
            return
        spread = self._spread() if self._rows.ready else _Spread(_NAN, _NAN, _NAN)
        group = _held(ctx)
        if group is None:
            self._look(ctx, spread)
        elif group.status is LegStatus.FAILED:
            group.close()
        elif group.is_open:
            self._watch(ctx, group, spread)

    def on_legs(self, ctx: Context, group: LegGroup) -> None:
        if group.status is LegStatus.UNWOUND:
            ctx.state["armed"] = False
            ctx.log.warning("unwound: %s", group.reason)
        else:
            ctx.log.debug("%s %s", group.status, group.reason)

    def _look(self, ctx: Context, spread: _Spread) -> None:
        """Open the pair if the spread is far out and the two are cointegrated."""
        distance = abs(spread.z)
        if distance < self.entry:
            ctx.state["armed"] = True
        elif ctx.state["armed"] and self.entry <= distance < self.stop and spread.beta > 0.0:
            p = self._p_value()
            if p < self.coint_p_open:
                self._open(ctx, spread, p)

    def _open(self, ctx: Context, spread: _Spread, p: float) -> None:
        unit = ctx.last(self._a) + spread.beta * ctx.last(self._b)
        at_stop = unit - (self.stop - abs(spread.z)) * spread.deviation
        quantity = RiskByStop(self.risk, self.max_fraction).quantity(ctx.spendable, unit, at_stop, _NAN)
        if not quantity > 0.0:
            return
        side = Side.SELL if spread.z > 0.0 else Side.BUY
        legs = [Leg(self._a, side, quantity), Leg(self._b, Side(-side), spread.beta * quantity)]
        ctx.log.info("z %.2f, beta %.4g, p %.4f: %s the spread", spread.z, spread.beta, p, side.name.lower())
        now = to_ns(ctx.now)
        ctx.state.update(side=int(side), opened=now, tested=now // self._retest)
        ctx.open_legs(legs, timeout=self.leg_timeout, tag="pair")

    def _watch(self, ctx: Context, group: LegGroup, spread: _Spread) -> None:
        """Close an open pair that is back, or that has gone wrong."""
        # Above zero while the spread is where it was sold, or below where it was bought: the way it has to go.
        ahead = -ctx.state["side"] * spread.z
        held = to_ns(ctx.now) - ctx.state["opened"]
        if not group.is_intact:
            self._close(ctx, group, "a leg is gone", rearm=False)
        elif ahead <= self.exit:
            self._close(ctx, group, f"back at z {spread.z:.2f}", rearm=True)
        elif ahead >= self.stop:
            self._close(ctx, group, f"stop at z {spread.z:.2f}", rearm=False)
        elif held >= timeframe_ns(self.max_hold):
            self._close(ctx, group, f"held for {self.max_hold}", rearm=False)
        elif self._rows.ready and to_ns(ctx.now) // self._retest > ctx.state["tested"]:
            self._test_again(ctx, group)

    def _test_again(self, ctx: Context, group: LegGroup) -> None:
        """Close a pair that is no longer cointegrated."""
        ctx.state["tested"] = to_ns(ctx.now) // self._retest
        p = self._p_value()
        if not p <= self.coint_p_close:
            self._close(ctx, group, f"p {p:.3f} at the retest", rearm=False)

    def _close(self, ctx: Context, group: LegGroup, reason: str, *, rearm: bool) -> None:
        ctx.state["armed"] = rearm
        ctx.log.info("closes: %s", reason)
        group.close(reason)

    def _spread(self) -> _Spread:
        a, b = self._rows.values[-self.window :].T
        beta = hedge_ratio(a, b)
        values = a - beta * b
        return _Spread(beta, float(values.std(ddof=1)), zscore(values))

    def _p_value(self) -> float:
        a, b = self._rows.values[-self._calibration :].T
        return engle_granger_p_value(a, b)

    def _pair(self, ctx: Context) -> tuple[str, str]:
        a, b = self.a or ctx.symbols[0], self.b or ctx.symbols[-1]
        for name, symbol in (("a", a), ("b", b)):
            if symbol not in ctx.symbols:
                raise ConfigError(
                    f"strategy {ctx.id!r}: {name}: must be one of {', '.join(ctx.symbols)}, was {symbol!r}"
                )
            if not ctx.instrument(symbol).can_short:
                raise ConfigError(
                    f"strategy {ctx.id!r}: {name}: must be an instrument that can be sold short, was {symbol!r}"
                )
        if a == b:
            raise ConfigError(f"strategy {ctx.id!r}: needs two instruments, was {a!r} alone")
        return a, b


def _held(ctx: Context) -> LegGroup | None:
    """Return the leg group that is not over."""
    return next(iter(ctx.groups), None)


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [PairsTrading]
