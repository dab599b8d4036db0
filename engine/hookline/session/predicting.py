"""What a session is likely to meet at its venue, judged by what its strategies did on the last bars.

Rules of this file:

- Sizes are those of the rehearsal, prices today's. The largest position is that of all strategies together: the account has one.
- It is liquidated where ``simulation.margin`` says, entered at today's price with the taker fee paid, backed by the margin posted for
  it (isolated) or by the cash of the strategies that trade it (cross).
- Fees are those of a taker for every fill. Funding is the last rate that the feed knows, for all of a day.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from hookline.clock import isoformat
from hookline.diagnosis import Finding, listed, plural
from hookline.model import InstrumentKind, OrderStatus, VenueAccount
from hookline.session.confirming_numbers import FundingNow, cash_for
from hookline.session.plan import Plan
from hookline.session.rehearsing import Rehearsal
from hookline.simulation.margin import estimate_liquidation, initial_margin, margin_terms

__all__ = ["predict"]

_NEAR_FRACTION = 0.1
_COSTLY_FRACTION = 0.01
_SECOND = 10**9


def predict(
    plan: Plan,
    rehearsal: Rehearsal,
    account: VenueAccount | None,
    funding: Mapping[str, FundingNow],
) -> list[Finding]:
    """Return what a session is likely to meet.

    Args:
        plan: The session.
        rehearsal: What its strategies did.
        account: What the venue says; None where it was not asked.
        funding: Of perpetuals, as far as it is known.
    """
    findings = [_summary(rehearsal), *_silent(rehearsal)]
    findings += _stopped(rehearsal)
    if rehearsal.sent:
        findings.append(_rate(rehearsal, plan.broker.order_rate))
    for key, lots in rehearsal.largest().items():
        symbol = key.partition("|")[0]
        position = _Position(plan, rehearsal, key, lots)
        findings.append(position.margin(account))
        if position.is_perpetual:
            findings += [position.liquidation(), position.funding(funding.get(symbol))]
    if rehearsal.record.fills:
        findings.append(_fees(plan, rehearsal))
    return findings


def _summary(rehearsal: Rehearsal) -> Finding:
    record, name = rehearsal.record, "rehearsal"
    count = max(len(series) for series in record.series.values())
    first = min(int(series.start[0]) for series in record.series.values())
    last = max(int(series.end[-1]) for series in record.series.values())
    text = (
        f"{plural(len(rehearsal.sent), 'order')} and {plural(len(record.fills), 'fill')} on the last {count:,} bars, "
        f"{isoformat(first)} to {isoformat(last)}; nothing was sent"
    )
    if rehearsal.sent:
        return Finding(name, "ok", text)
    return Finding(name, "warn", text, "look at more bars with --bars, or see on paper what the session does")


def _silent(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Yield what is to be known of strategies that did nothing."""
    busy = {order.strategy for order in rehearsal.record.orders}
    for one in rehearsal.record.strategies:
        if one.id in busy:
            continue
        tapes = rehearsal.tapes.get(one.id, frozenset())
        if tapes:
            text = f"placed no order on bars; it follows {listed(sorted(tapes))} as well, of which there is no history"
            yield Finding(one.id, "warn", text, "run it on paper first: mode: paper, broker: {use: paper}")
        elif len(rehearsal.record.strategies) > 1:
            yield Finding(one.id, "warn", "placed no order on these bars", "look at more with --bars")


def _stopped(rehearsal: Rehearsal) -> Iterator[Finding]:
    """Yield what the engine or the simulated venue did not let through."""
    record = rehearsal.record
    for status, name, what in (
        (OrderStatus.DENIED, "denied orders", "were stopped before they would be sent"),
        (OrderStatus.REJECTED, "rejected orders", "were refused by the simulated venue"),
    ):
        orders = [order for order in record.orders if order.status is status]
        if orders:
            kinds = Counter(f"{one.symbol} {one.reason.partition(':')[0]}" for one in orders)
            example = orders[0].reason
            text = f"{plural(len(orders), 'order')} {what}: {listed(list(kinds))}; such as {example!r}"
            yield Finding(name, "warn", text, "give the strategies more cash, or other parameters")
    liquidated = sum(order.tag == "liquidation" for order in record.orders)
    if liquidated:
        text = f"positions were liquidated {plural(liquidated, 'time')} on these bars"
        yield Finding("liquidations", "fail", text, "use less leverage, or stops")
    if record.halted:
        yield Finding("halt", "warn", f"the rules halted the session: {record.halted}")


def _rate(rehearsal: Rehearsal, budget: float) -> Finding:
    times = rehearsal.requests()
    one, ten = (_most_within(times, seconds * _SECOND) for seconds in (1, 10))
    name = "order rate"
    text = f"at most {plural(one, 'request')} about orders in a second and {ten:,} in ten"
    if not math.isfinite(budget):
        return Finding(name, "ok", text)
    text += f", of {budget:g} a second that are allowed"
    if one > budget or ten > 10 * budget:
        return Finding(name, "fail", f"{text}: some would be late", "place fewer orders at a time")
    if one > budget / 3:  # the burst that goes out at once
        return Finding(name, "warn", f"{text}: some would wait their turn", "place fewer orders at a time")
    return Finding(name, "ok", text)


def _most_within(times: Sequence[int], span: int) -> int:
    """Return the greatest count of sorted times within a span.

    >>> _most_within([0, 5, 9, 10, 30], 10)
    3
    """
    return max((bisect_left(times, time + span) - index for index, time in enumerate(times)), default=0)


class _Position:
    """The largest position of an instrument, or of one side of it, at today's price."""

    def __init__(self, plan: Plan, rehearsal: Rehearsal, key: str, lots: int) -> None:
        self._key = key
        self._instrument = instrument = plan.instruments[key.partition("|")[0]]
        self.is_perpetual = instrument.kind is not InstrumentKind.SPOT
        self._side = 1 if lots > 0 else -1
        self._quantity = instrument.units(abs(lots))
        self._price = rehearsal.prices[instrument.symbol]
        self._notional = self._quantity * self._price
        self._cash = sum(
            cash_for(plan, seat, instrument) for seat in plan.seats if instrument.symbol in seat.symbols
        )
        kinds = {one.kind is InstrumentKind.SPOT for one in plan.instruments.values()}
        self._where = " in all wallets together" if len(kinds) > 1 else ""
        self._leverage = plan.broker.leverage
        self._fee = plan.broker.taker_fee

    @property
    def _shown(self) -> str:
        side = "long" if self._side > 0 else "short"
        return f"{side} {self._quantity:g} worth {self._notional:,.2f} {self._instrument.quote}"

    def margin(self, account: VenueAccount | None) -> Finding:
        """Compare what the position takes with what is available."""
        instrument = self._instrument
        name, quote = f"{self._key} margin", instrument.quote
        terms = margin_terms(instrument, self._leverage)
        needed = (
            initial_margin(self._notional, terms.leverage, terms.tiers)
            if self.is_perpetual
            else self._notional
        )
        needed += self._fee * self._notional
        text = f"{self._shown} takes {needed:,.2f} {quote}"
        if account is None:
            return Finding(name, "ok", f"{text}; the session counts on {self._cash:,.2f}")
        available = sum(float(one.available) for one in account.balances if one.currency == quote)
        text += f"; {available:,.2f} available{self._where}"
        if needed > available:
            return Finding(
                name, "fail", text, f"transfer {needed - available:,.2f} {quote} or more, or lower 'cash'"
            )
        if self._cash > available:
            text += f", less than the {self._cash:,.2f} that the session counts on"
            return Finding(name, "warn", text, "set 'cash' to what is there")
        return Finding(name, "ok", text)

    def liquidation(self) -> Finding:
        """Say how far the price is from liquidating the position."""
        level = estimate_liquidation(
            self._instrument, self._side, self._quantity, self._price, self._cash,
            leverage=self._leverage, fee_rate=self._fee,
        )  # fmt: skip
        name, mode = f"{self._key} liquidation", self._instrument.margin_mode
        if math.isnan(level):
            return Finding(name, "ok", f"{self._shown} is liquidated nowhere ({mode} margin)")
        distance = level / self._price - 1.0
        text = f"{self._shown} is liquidated near {level:,.6g}, {distance:+.1%} from today's price ({mode} margin)"
        if abs(distance) > _NEAR_FRACTION:
            return Finding(name, "ok", text)
        return Finding(name, "warn", text, "use less leverage")

    def funding(self, now: FundingNow | None) -> Finding:
        """Say what funding costs in a day at the present rate."""
        name = f"{self._key} funding"
        if now is None:
            return Finding(name, "ok", "its rate is not known")
        paid = self._side * self._notional * now.rate * 24.0 / now.interval_hours
        does = "pays" if paid >= 0 else "receives"
        text = (
            f"{self._shown} {does} {abs(paid):,.2f} {self._instrument.quote} in 24 hours at "
            f"the last rate of {now.rate:+.4%} each {now.interval_hours:g} h"
        )
        if self._cash and paid > _COSTLY_FRACTION * self._cash:
            return Finding(
                name, "warn", f"{text}: {paid / self._cash:.1%} of the cash", "hold less, or not over funding"
            )
        return Finding(name, "ok", text)


def _fees(plan: Plan, rehearsal: Rehearsal) -> Finding:
    record, rate = rehearsal.record, plan.broker.taker_fee
    turnover = sum(fill.quantity * fill.price for fill in record.fills)
    paid, days = rate * turnover, rehearsal.days
    share = paid / record.cash / days if record.cash else 0.0
    text = (
        f"{plural(len(record.fills), 'fill')} turned over {turnover:,.2f} {plan.currency} in {days:.2g} days: {paid:,.2f} at "
        f"{1e4 * rate:g} bps, {share:.2%} of the cash a day"
    )
    if share > _COSTLY_FRACTION:
        return Finding("fees", "warn", text, "trade less often, or with limits that rest")
    return Finding("fees", "ok", text)
