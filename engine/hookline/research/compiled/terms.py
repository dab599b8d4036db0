"""What a plan asks of a compiled run: its terms as numbers, or why it cannot be compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.broker import Broker
from hookline.kernel.sizing import (
    EquityFraction,
    FixedNotional,
    FixedQuantity,
    RiskByStop,
    Sizer,
    VolatilityTarget,
)
from hookline.model import BarSeries, Instrument, InstrumentKind, PositionMode
from hookline.research.compiled import layout as at
from hookline.research.compiled.refusing import NotCompilable
from hookline.research.compiled.rule_terms import check_rules, put_rules
from hookline.session.plan import Plan, Seat
from hookline.signals import SignalStrategy
from hookline.simulation.bar_rules import BarRules
from hookline.simulation.funds import Funds
from hookline.simulation.margin import SPOT_TIERS
from hookline.strategy import Strategy

__all__ = [
    "Payments",
    "arrays_of",
    "bar_rules_of",
    "check_plan",
    "check_strategy",
    "payments_of",
    "sizer_numbers",
]

_SIZERS: dict[type[Sizer], tuple[int, Callable[[Any], tuple[float, float]]]] = {
    FixedQuantity: (at.FIXED_QUANTITY, lambda one: (one.base, 0.0)),
    FixedNotional: (at.FIXED_NOTIONAL, lambda one: (one.quote, 0.0)),
    EquityFraction: (at.EQUITY_FRACTION, lambda one: (one.fraction, 0.0)),
    RiskByStop: (at.RISK_BY_STOP, lambda one: (one.risk_fraction, one.max_position_fraction)),
    VolatilityTarget: (at.VOLATILITY_TARGET, lambda one: (one.target_fraction, one.max_leverage)),
}


@dataclass(frozen=True)
class Payments:
    """What is paid while a position is held: in which bar, whether after its decision, when, at what rate."""

    bar: NDArray[np.int64]
    is_after: NDArray[np.int64]
    time: NDArray[np.int64]
    rate: NDArray[np.float64]
    is_interest: int = 0

    def __len__(self) -> int:
        return len(self.bar)


def check_plan(plan: Plan) -> Seat:
    """Return the only seat of a plan.

    Raises:
        NotCompilable: if the plan asks for what only the event kernel does.
    """
    if len(plan.seats) != 1:
        raise NotCompilable(f"the session must have one strategy, had {len(plan.seats)}")
    if len(plan.instruments) != 1:
        raise NotCompilable(f"the session must have one instrument, had {', '.join(plan.instruments)}")
    seat = plan.seats[0]
    (instrument,) = plan.instruments.values()
    for is_there, what in (
        (plan.tapes, "quotes, trades or books are followed"),
        (plan.wallets, "cash lies in several wallets"),
        (instrument.position_mode is PositionMode.HEDGE, "the instrument is in hedge mode"),
    ):
        if is_there:
            raise NotCompilable(what)
    check_rules(plan)
    bar_rules_of(plan.broker)
    check_strategy(seat.strategy)
    return seat


def bar_rules_of(broker: Broker) -> BarRules:
    """Return the rules by which a broker fills bars.

    Raises:
        NotCompilable: if it has others than those that are compiled.
    """
    rules = broker.bar_rules()
    if rules is None:
        raise NotCompilable(f"the broker {broker.name!r} does not say by what rules it fills bars")
    if rules.walk_path:
        raise NotCompilable("orders fill along a path inside each bar (intrabar: path)")
    return rules


def check_strategy(strategy: Strategy) -> SignalStrategy:
    """Return a strategy that is a signal strategy and nothing more.

    Raises:
        NotCompilable: if it is another one, or does more than decide.
    """
    kind = type(strategy)
    if not isinstance(strategy, SignalStrategy):
        raise NotCompilable(f"{kind.__name__} is no signal strategy: it acts on events, not on columns alone")
    for name in ("on_start", "on_stop"):
        if getattr(kind, name) is not getattr(Strategy, name):
            raise NotCompilable(f"{kind.__name__} overrides {name}")
    return strategy


def sizer_numbers(sizer: Sizer) -> tuple[int, float, float]:
    """Return the kind of a sizing model and its parameters.

    Raises:
        NotCompilable: if it is none of the built-in ones.
    """
    if type(sizer) not in _SIZERS:
        raise NotCompilable(f"the sizer {type(sizer).__name__} is not built in")
    kind, numbers = _SIZERS[type(sizer)]
    a, b = numbers(sizer)
    return kind, float(a), float(b)


def arrays_of(plan: Plan, cash: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the terms of a plan and an account that has only cash, as ``layout.py`` says.

    Raises:
        NotCompilable: if margin or steps of the instrument are not plain.
    """
    (instrument,) = plan.instruments.values()
    rules = bar_rules_of(plan.broker)
    fees, slippage = rules.fees, rules.slippage
    f, k = np.zeros(at.F_ORDERS), np.zeros(at.K_SCRATCH, np.int64)
    _put_grid(f, instrument)
    _put_margin(f, k, instrument, rules.leverage, fees.taker)
    f[at.MIN_NOTIONAL] = instrument.min_notional_float
    f[at.MAKER_FEE], f[at.TAKER_FEE] = fees.maker, fees.taker
    f[at.LIQUIDATION_FEE] = rules.liquidation_fee
    f[at.SLIP_FRACTION] = slippage.bps / 1e4
    f[at.SLIP_AMOUNT] = slippage.ticks * float(instrument.tick_size)
    f[at.SLIP_RANGE] = slippage.range_fraction
    f[at.CASH] = cash
    f[at.FLOOR], f[at.CEILING] = -np.inf, np.inf
    f[at.HELD_ENTRY], f[at.HELD_STOP], f[at.VOLATILITY], f[at.MARK] = np.nan, np.nan, np.nan, np.nan
    k[at.HAS_MARKS] = instrument.symbol in plan.marks
    k[at.IS_SPOT] = instrument.kind is InstrumentKind.SPOT
    k[at.BORROW_LOTS], k[at.MIN_LOTS] = instrument.borrow_lots, instrument.min_lots
    k[at.CAN_SHORT] = instrument.can_short
    k[at.IS_THROUGH], k[at.FILLS_AT_CLOSE] = rules.through, rules.fills_at_close
    k[at.SETTLED] = -1
    put_rules(f, k, plan)
    return f, k


def _put_grid(f: NDArray[np.float64], instrument: Instrument) -> None:
    for first, step in ((at.TICKS_PER_UNIT, instrument.tick_size), (at.LOTS_PER_UNIT, instrument.lot_size)):
        above, below = Decimal(step).as_integer_ratio()
        if max(above, below) >= at.LARGEST:
            raise NotCompilable(f"{instrument.symbol}: the step {step} has too many digits")
        inverse = below / above
        f[first] = inverse if below % above == 0 and inverse < at.LARGEST else 0.0
        f[first + 1], f[first + 2], f[first + 3] = float(step), above, below


def _put_margin(
    f: NDArray[np.float64], k: NDArray[np.int64], instrument: Instrument, leverage: float, taker: float
) -> None:
    funds = Funds({instrument.symbol: instrument}, leverage)
    terms = funds.terms[instrument.symbol]
    tiers = SPOT_TIERS if instrument.kind is InstrumentKind.SPOT else terms.tiers
    count = len(tiers.up_to)
    if count > at.TIER_ROOM:
        raise NotCompilable(
            f"the margin of the instrument must have at most {at.TIER_ROOM} tiers, had {count}"
        )
    k[at.TIERS] = count
    rows = f[at.F_TIERS : at.F_TIERS + count * at.TIER_WIDTH].reshape(count, at.TIER_WIDTH)
    rows[:, at.TIER_UP_TO], rows[:, at.TIER_MAINTENANCE] = tiers.up_to, tiers.maintenance
    # What spot is bought on has no tiers of leverage.
    rows[:, at.TIER_DEDUCTION], rows[:, at.TIER_LEVERAGE] = tiers.deduction, terms.tiers.leverage
    is_plain = terms.leverage == leverage <= terms.tiers.leverage[-1] and terms.tiers.up_to[-1] == np.inf
    k[at.IS_PLAIN], k[at.IS_ISOLATED] = is_plain and not terms.is_isolated, terms.is_isolated
    f[at.LEVERAGE] = terms.leverage
    k[at.IS_GUARDED] = instrument.can_short or terms.leverage > 1.0
    f[at.CLOSE_SHARE] = tiers.maintenance[0] + taker


def payments_of(plan: Plan, series: BarSeries, begin: int) -> Payments:
    """Return the payments of a run whose first bar is ``begin``, each with the bar in which it counts."""
    (instrument,) = plan.instruments.values()
    first, end = int(series.start[begin]), series.end
    known = plan.funding.get(series.symbol)
    if known is not None:
        keep = ~np.isnan(known.value)
        time, rate, is_interest = known.time[keep], known.value[keep], 0
    elif instrument.borrow_lots and instrument.borrow_rate:
        day = 86_400 * 10**9
        time = np.arange(-(-first // day) * day, int(end[-1]) + 1, day, dtype=np.int64)
        rate, is_interest = np.full(len(time), float(instrument.borrow_rate)), 1
    else:
        time, rate, is_interest = np.empty(0, np.int64), np.empty(0), 0
    keep = (time >= first) & (time <= end[-1])
    time, rate = np.ascontiguousarray(time[keep]), np.ascontiguousarray(rate[keep])
    bar = np.searchsorted(end, time)
    is_after = (bar >= begin) & (end[bar] == time)
    return Payments(np.maximum(bar, begin), is_after.astype(np.int64), time, rate, is_interest)
