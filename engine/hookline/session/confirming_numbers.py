"""What a session that is about to trade with money could do to it: its largest positions, and what these cost and risk.

Rules of this file, which the CONFIRM screen repeats as assumptions:

- The largest position is what the margin of the strategy's cash allows at today's price, all of it in one instrument, and what the
  session's rules let pass: they are asked, on copies, whether an order that opens it from flat, with a stop, would go through.
- A rule that would stop even the smallest order now, such as one for trading hours, says nothing about size and is left out.
- It is liquidated where the functions of ``simulation.margin`` say, by the instrument's margin tiers, entered at today's price with
  the taker fee paid, backed by the margin posted for it (isolated) or by the strategy's own cash (cross). What else the wallet holds
  would move the price away; what the venue itself reckons may differ.
- Fees are those of a taker twice. Funding is the rate of now for all of a day.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hookline.clock import SystemClock
from hookline.errors import HooklineError
from hookline.model import (
    Instrument,
    InstrumentKind,
    Ledger,
    MarginMode,
    Market,
    Order,
    OrderType,
    Side,
    VenueAccount,
)
from hookline.risk.rule import Action, RiskRule
from hookline.session.feeding import funding_of
from hookline.session.plan import Plan, Seat
from hookline.simulation.margin import estimate_liquidation, initial_margin, margin_terms

__all__ = ["FundingNow", "Outlook", "cash_for", "funding_now", "outlook_of"]

_MOST_LOTS = 2**52
_DAY = 86_400 * 10**9
_FUNDING_DAYS = 3
_STOP_FRACTION = 0.01


@dataclass(frozen=True)
class FundingNow:
    """Funding of a perpetual as it stands: the rate of the running interval, above zero if longs pay, and its length."""

    rate: float
    interval_hours: float = 8.0


def funding_now(plan: Plan) -> dict[str, FundingNow]:
    """Return the last funding rates that a session's feed knows, by perpetual."""
    found = {}
    now = plan.feed.clock.now
    for symbol, instrument in plan.instruments.items():
        if instrument.kind is InstrumentKind.SPOT:
            continue
        try:
            series = funding_of(plan.feed, symbol, now - _FUNDING_DAYS * _DAY, None)
        except HooklineError:
            continue
        if series is not None and len(series.value) > 1:
            hours = float(series.time[-1] - series.time[-2]) / 3.6e12
            found[symbol] = FundingNow(float(series.value[-1]), hours)
    return found


@dataclass(frozen=True)
class Outlook:
    """What one strategy could do in one instrument; money in its quote currency, NaN where it is not known.

    Args:
        strategy: Id of the strategy.
        instrument: What it trades.
        price: Today's.
        cash: What the strategy has for it.
        leverage: That is set.
        quantity: Of the largest position, in base units.
        limited_by: What keeps it from being larger.
        long_liquidation: Where a long of that size is liquidated, NaN for nowhere.
        short_liquidation: The same of a short.
        taker_fee: As a fraction of notional.
        round_trip_fee: Of opening and closing it as a taker.
        funding_day: What a long pays in 24 hours, below zero if it receives; a short the other way round.
    """

    strategy: str
    instrument: Instrument
    price: float
    cash: float
    leverage: float
    quantity: float
    limited_by: str
    long_liquidation: float
    short_liquidation: float
    taker_fee: float
    round_trip_fee: float
    funding_day: float

    @property
    def notional(self) -> float:
        """Value of the largest position."""
        return self.quantity * self.price


def outlook_of(
    plan: Plan,
    seat: Seat,
    symbol: str,
    prices: Mapping[str, float],
    taker_fee: float,
    funding: FundingNow | None = None,
    account: VenueAccount | None = None,
) -> Outlook:
    """Return what a strategy could do in an instrument.

    Args:
        plan: The session.
        seat: The strategy.
        symbol: One of its instruments.
        prices: Today's by symbol, as far as they are known.
        taker_fee: As a fraction of notional.
        funding: Of a perpetual, None where unknown.
        account: What the venue says: a position that is there keeps its leverage and margin mode.
    """
    instrument = _as_traded(plan.instruments[symbol], account)
    cash, leverage = cash_for(plan, seat, instrument), plan.broker.leverage
    chosen = _leverage(instrument, leverage)
    price = prices.get(symbol, math.nan)
    lots, why = _largest(plan, seat, instrument, prices, cash, taker_fee)
    quantity = instrument.units(lots)
    is_perpetual = instrument.kind is InstrumentKind.PERPETUAL

    def liquidation(side: int) -> float:
        if not (is_perpetual and lots):
            return math.nan
        return estimate_liquidation(
            instrument, side, quantity, price, cash, leverage=leverage, fee_rate=taker_fee
        )

    notional = quantity * price if lots else 0.0
    day = math.nan if funding is None else notional * funding.rate * 24.0 / funding.interval_hours
    return Outlook(
        seat.id, instrument, price, cash, chosen, quantity, why, liquidation(1), liquidation(-1),
        taker_fee, 2.0 * taker_fee * notional if lots else math.nan, day if is_perpetual and lots else math.nan,
    )  # fmt: skip


def _as_traded(instrument: Instrument, account: VenueAccount | None) -> Instrument:
    """Return an instrument with the leverage and margin mode that positions will have.

    Those of a position that is there stay.
    """
    if instrument.kind is InstrumentKind.SPOT:
        return instrument
    mode, leverage = str(instrument.margin_mode), instrument.leverage
    for held in () if account is None else account.positions:
        if held.symbol == instrument.symbol:
            mode = held.margin_mode or mode
            leverage = Decimal(repr(held.leverage)) if held.leverage > 0.0 else leverage
    if leverage is not None:
        leverage = min(leverage, instrument.tiers[0].max_leverage)
    known = {str(one) for one in MarginMode}
    return replace(
        instrument,
        leverage=leverage,
        margin_mode=MarginMode(mode) if mode in known else instrument.margin_mode,
    )


def cash_for(plan: Plan, seat: Seat, instrument: Instrument) -> float:
    """Return what a strategy has to pay for an instrument with."""
    for wallet in plan.wallets:
        if (wallet.venue, wallet.currency) == (instrument.venue, instrument.quote):
            return wallet.cash * seat.cash_fraction
    return 0.0 if plan.wallets else seat.cash


def _leverage(instrument: Instrument, leverage: float) -> float:
    """Return what positions are leveraged with; spot is paid in full."""
    return 1.0 if instrument.kind is InstrumentKind.SPOT else margin_terms(instrument, leverage).leverage


def _largest(
    plan: Plan, seat: Seat, instrument: Instrument, prices: Mapping[str, float], cash: float, taker_fee: float
) -> tuple[int, str]:
    """Return the lots of the largest position, and what keeps it from being larger."""
    price = prices.get(instrument.symbol, math.nan)
    if not (price > 0.0 and math.isfinite(price)):
        return 0, "its price is not known"
    lots = _affordable(instrument, price, cash, plan.broker.leverage, taker_fee)
    why = "cash" if instrument.kind is InstrumentKind.SPOT else "margin"
    if lots < instrument.min_lots:
        return 0, f"the cash does not pay for the smallest order, {instrument.units(instrument.min_lots):g}"
    account = _Flat(plan, seat, instrument, prices, taker_fee)
    for rule in plan.rules:
        most = account.most_lots(rule, lots)
        if most < lots:
            lots, why = most, rule.name
    return lots, why


def _affordable(instrument: Instrument, price: float, cash: float, leverage: float, taker_fee: float) -> int:
    """Return the lots whose initial margin and fee of entry the cash pays for."""
    terms, is_spot = margin_terms(instrument, leverage), instrument.kind is InstrumentKind.SPOT

    def is_paid(lots: int) -> bool:
        notional = instrument.units(lots) * price
        margin = notional if is_spot else initial_margin(notional, terms.leverage, terms.tiers)
        return margin + taker_fee * notional <= cash * (1.0 + 1e-12)

    return _last(is_paid, _MOST_LOTS)


def _last(holds: Callable[[int], bool], most: int) -> int:
    """Return the largest count up to a limit for which something holds, given that it holds for all smaller ones; else 0."""
    low, high = 0, 1
    while high <= most and holds(high):
        low, high = high, 2 * high
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


class _Flat:
    """An account as rules see it, in which nothing is held and nothing open: whether they would let an order pass."""

    def __init__(
        self, plan: Plan, seat: Seat, instrument: Instrument, prices: Mapping[str, float], taker_fee: float
    ) -> None:
        self.now = SystemClock().now
        self.markets: Mapping[str, Market] = {symbol: Market(one) for symbol, one in plan.instruments.items()}
        for symbol, market in self.markets.items():
            market.show(prices.get(symbol, math.nan), self.now)
        purse = plan.purses()
        self.ledgers = {
            one.id: Ledger(one.id, one.cash, self.markets.values(), purse(one.id, self.markets))
            for one in plan.seats
        }
        self.fee_rate = taker_fee
        self.order_count = 0
        self._seat, self._instrument, self._price = seat, instrument, prices[instrument.symbol]

    @property
    def equity(self) -> float:
        return sum(ledger.equity for ledger in self.ledgers.values())

    @property
    def start_equity(self) -> float:
        return self.equity

    def market(self, symbol: str) -> Market:
        return self.markets[symbol]

    def open_orders(self, strategy: str | None = None, symbol: str | None = None) -> list[Order]:  # noqa: ARG002
        return []

    def most_lots(self, rule: RiskRule, lots: int) -> int:
        """Return the lots, up to those given, of the largest order that a rule lets pass."""
        least = self._instrument.min_lots
        if self._passed(rule, lots) >= lots or not self._passed(rule, least):
            return lots
        most = _last(lambda count: count < least or self._passed(rule, count) >= count, lots)
        return max(most, self._passed(rule, lots))

    def _passed(self, rule: RiskRule, lots: int) -> int:
        """Return what a rule lets pass of a market order; all of it where it cannot be asked."""
        try:
            asked = copy.deepcopy(rule)
            asked.reset()
            verdict = asked.check(self._order(lots), self)
        except Exception:  # noqa: BLE001  # a plugin is called
            return lots
        if verdict is None or verdict.action is Action.WARN:
            return lots
        if verdict.action is Action.SHRINK:
            return min(lots, self._instrument.lots(verdict.quantity))
        return 0

    def _order(self, lots: int) -> Order:
        instrument, hedge = self._instrument, ""
        if instrument.position_mode.value == "hedge":
            hedge = f"{instrument.symbol}|long"
        entry = Order(
            0, self._seat.id, instrument, Side.BUY, OrderType.MARKET, lots, self.now, position_id=hedge
        )
        stop = Order(
            0, self._seat.id, instrument, Side.SELL, OrderType.STOP, lots, self.now, reduce_only=True,
            trigger_price=instrument.on_grid(self._price * (1.0 - _STOP_FRACTION)), parent=entry, position_id=hedge,
        )  # fmt: skip
        entry.children = (stop,)
        return entry
