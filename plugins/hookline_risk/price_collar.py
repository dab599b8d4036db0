"""Limit of the distance between an order and the market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Ge, Gt, Order, OrderType, RiskRule, deny, hookimpl
from hookline.model import Market, timeframe_ns
from hookline.risk import Account, Verdict


@dataclass
class PriceCollar(RiskRule):
    """Deny an order whose price is far from the market: the guard against fat fingers and prices of another instrument.

    A limit or trigger is compared with the mid of best bid and ask, or with the last price where those are not known. A
    market order is compared, at the bid or ask it would take, with the last price. An order passes while it lies
    within every distance that is given. Orders cannot be judged before the first price, and are denied.

    The average true range is Wilder's, of bars of ``atr_timeframe`` that the rule makes from the prices it sees after each event: of
    bars of that length it sees their closes. Until ``atr_period`` of them are over, only the other distance counts.
    """

    name: ClassVar[str] = "price_collar"

    max_bps: Annotated[float, Gt(0), Doc("distance in basis points of the market's price")] | None = 1000.0
    max_atr: Annotated[float, Gt(0), Doc("distance in average true ranges; null: not looked at")] | None = (
        None
    )
    atr_period: Annotated[int, Ge(2), Doc("bars")] = 14
    atr_timeframe: Annotated[str, Doc("length of a bar")] = "1h"
    max_spread_bps: Annotated[float, Gt(0), Doc("spread above which market orders are denied")] | None = None
    both_sides: Annotated[
        bool, Doc("also orders that would wait far from the market; false: only what would pay too much")
    ] = True

    def __post_init__(self) -> None:
        self._step = timeframe_ns(self.atr_timeframe)

    def check(self, order: Order, account: Account) -> Verdict | None:
        market = account.market(order.symbol)
        if order.type is OrderType.MARKET:
            return self._market_order(order, market)
        mid = _mid(market)
        for name, price in (("limit", order.limit_price), ("trigger", order.trigger_price)):
            if price is None or order.type is OrderType.TRAILING_STOP:
                continue
            # Paying too much is a price beyond the market for a limit and for a trigger alike.
            away = order.side * (price - mid)
            verdict = self._judge(name, price, abs(away) if self.both_sides else away, mid, order.symbol)
            if verdict is not None:
                return verdict
        return None

    def _market_order(self, order: Order, market: Market) -> Verdict | None:
        bid, ask = market.bid, market.ask
        spread = (ask - bid) / abs(ask + bid) * 2e4 if ask + bid else 0.0
        if self.max_spread_bps is not None and spread > self.max_spread_bps:
            return deny(f"spread is {spread:.1f} bps, at most {self.max_spread_bps:g}")
        price = ask if order.side > 0 else bid
        if price != price:  # noqa: PLR0124  # no quotes: the last price is all that is known
            price = market.last
        return self._judge("market", price, abs(price - market.last), market.last, order.symbol)

    def _judge(self, name: str, price: float, away: float, market: float, symbol: str) -> Verdict | None:
        if away != away:  # noqa: PLR0124
            return deny("no price is known yet")
        if self.max_bps is not None and away > self.max_bps * abs(market) / 1e4:
            found = f"{away / abs(market) * 1e4:.0f} bps" if market else f"{away:g}"
            return deny(f"{name} price {price:g} is {found} from {market:g}, at most {self.max_bps:g} bps")
        atr = self._atr(symbol)
        if self.max_atr is not None and atr and away > self.max_atr * atr:
            found = f"{away / atr:.1f} average true ranges"
            return deny(f"{name} price {price:g} is {found} from {market:g}, at most {self.max_atr:g}")
        return None

    # -- the average true range ----------------------------------------------------------------------------------------

    def watch(self, account: Account) -> Verdict | None:
        if self.max_atr is not None:
            for ledger in account.ledgers.values():
                for position in ledger.positions.values():
                    self._see(position.market, account.now)
        return None

    def _see(self, market: Market, now: int) -> None:
        """Add the last price to the bar under way; a bar that has ended counts first. An event at its end belongs to it."""
        last, bucket = market.last, (now - 1) // self._step
        if last != last:  # noqa: PLR0124
            return
        bar = self.state.get(market.instrument.symbol)
        if bar is None:
            bar = {"bucket": bucket, "high": last, "low": last, "close": last, "count": 0, "atr": 0.0}
            self.state[market.instrument.symbol] = bar
        elif bar["bucket"] != bucket:
            self._count(bar)
            # The range of the next bar begins where this one ended.
            bar.update(bucket=bucket, high=max(bar["close"], last), low=min(bar["close"], last))
        bar["high"], bar["low"], bar["close"] = max(bar["high"], last), min(bar["low"], last), last

    def _count(self, bar: dict[str, float]) -> None:
        count, true_range = int(bar["count"]) + 1, bar["high"] - bar["low"]
        # A plain mean at first, then smoothed: Wilder, New Concepts in Technical Trading Systems, 1978.
        bar["atr"] += (true_range - bar["atr"]) / min(count, self.atr_period)
        bar["count"] = min(count, self.atr_period)

    def _atr(self, symbol: str) -> float:
        """Return the average true range, 0 while it is unknown; a market without a range has no measure of distance."""
        bar = self.state.get(symbol)
        return 0.0 if bar is None or bar["count"] < self.atr_period else float(bar["atr"])


def _mid(market: Market) -> float:
    mid = (market.bid + market.ask) / 2.0
    return mid if mid == mid else market.last  # noqa: PLR0124


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [PriceCollar]
