"""Which of a session's orders LMEX would not take, or not as they are meant.

Prices are moved to today's: a limit is taken to be as far from the market as it was when the order was placed. Whether a price is on
the grid is asked of the price as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from hookline.diagnosis import Finding, PlannedOrder, State, listed, plural
from hookline.errors import VenueError
from hookline.model import OrderType
from hookline_lmex.client import LmexClient, is_futures_symbol
from hookline_lmex.results_market import MarketSummary

__all__ = ["examine_orders"]

# The venue refuses limits too far on the wrong side of the market. How far is not published and differs by market.
_BAND_FRACTION = 0.05
# On spot, between trigger and limit; documented.
_TRIGGER_FRACTION = 0.05


class _Problem(NamedTuple):
    """What the venue would make of an order."""

    name: str
    state: State
    text: str
    fix: str


async def examine_orders(
    client: LmexClient, planned: Sequence[PlannedOrder], markets: Mapping[str, MarketSummary]
) -> list[Finding]:
    """Judge orders by the rules of their markets; those of markets that are not there are passed over."""
    findings = []
    for symbol, group in groupby(sorted(planned, key=lambda one: one.symbol), lambda one: one.symbol):
        if symbol in markets:
            mark = await _mark(client, symbol)
            findings += _judged(client, list(group), markets[symbol], mark)
    return findings


async def _mark(client: LmexClient, symbol: str) -> Decimal | None:
    try:
        price = await client.product(symbol).price(symbol)
    except VenueError:
        return None
    return price.mark or price.last or None


def _judged(
    client: LmexClient, orders: Sequence[PlannedOrder], market: MarketSummary, mark: Decimal | None
) -> list[Finding]:
    found: dict[_Problem, list[PlannedOrder]] = {}
    for order in orders:
        for problem in _problems(order, market, client.settings.min_notional, mark):
            found.setdefault(problem, []).append(order)
    worth = [order.notional for order in orders]
    title, quote = f"{market.symbol} orders", market.quote
    span = f"{plural(len(orders), 'order')} worth {min(worth):,.2f} to {max(worth):,.2f} {quote} at today's prices"
    if not found:
        return [Finding(title, "ok", f"{span}: the venue takes them all")]
    return [
        Finding(
            f"{market.symbol} {problem.name}",
            problem.state,
            f"{len(bad):,} of {plural(len(orders), 'order')} {problem.text}; such as {_example(bad, market)}",
            problem.fix,
        )
        for problem, bad in found.items()
    ]


def _example(orders: Sequence[PlannedOrder], market: MarketSummary) -> str:
    order = min(orders, key=lambda one: one.notional)
    kind = order.type.replace("_", " ")
    by = listed(sorted({one.strategy for one in orders}))
    return (
        f"{order.side.name.lower()} {order.quantity:g} ({kind}, {order.notional:,.2f} {market.quote}) by {by}"
    )


def _problems(
    order: PlannedOrder, market: MarketSummary, min_notional: float, mark: Decimal | None
) -> Iterator[_Problem]:
    yield from _of_size(order, market)
    yield from _of_worth(order, min_notional)
    if any(
        Decimal(repr(price)) % market.tick_size for price in (order.limit_price, order.trigger_price) if price
    ):
        yield _Problem(
            "tick", "fail", f"have prices off the tick of {market.tick_size:f}", "take tick_size of the instrument from the venue"
        )  # fmt: skip
    yield from _of_price(order, mark)


def _of_size(order: PlannedOrder, market: MarketSummary) -> Iterator[_Problem]:
    unit = market.contract_size or Decimal(1)
    quantity = order.instrument.quantity(order.quantity)
    step, least, most = (unit * value for value in (market.size_step, market.min_size, market.max_size))
    if quantity % step:
        yield _Problem(
            "lot", "fail", f"are no multiple of {step:f}", "take lot_size of the instrument from the venue"
        )
    if quantity < least:
        yield _Problem(
            "smallest size", "fail", f"are smaller than {least:f}", "trade with more cash or weight"
        )
    if most and quantity > most:
        yield _Problem(
            "largest size", "fail", f"are larger than {most:f}", "split them, or trade less at a time"
        )


def _of_worth(order: PlannedOrder, min_notional: float) -> Iterator[_Problem]:
    if order.notional >= min_notional:
        return
    text = f"are worth less than {min_notional:g}: the venue hides them and lets them pay the taker fee"
    fix = "trade with more cash or weight, or with fewer and larger orders"
    if order.post_only:
        yield _Problem("smallest worth", "fail", f"{text}, and refuses those that are post-only", fix)
    elif not order.reduce_only:
        yield _Problem("smallest worth", "warn", text, fix)


def _of_price(order: PlannedOrder, mark: Decimal | None) -> Iterator[_Problem]:
    limit, trigger = order.limit_price, order.trigger_price
    if limit is None:
        return
    if order.type is OrderType.STOP_LIMIT and trigger and not is_futures_symbol(order.symbol):
        if abs(limit / trigger - 1.0) > _TRIGGER_FRACTION:
            text = f"have a limit more than {_TRIGGER_FRACTION:.0%} from their trigger"
            yield _Problem("trigger", "fail", text, "set the limit nearer to the trigger")
        return
    now = limit / order.price * order.price_now
    market = trigger or (order.price_now if mark is None else float(mark))
    if order.side * (now / market - 1.0) > _BAND_FRACTION:
        text = f"have a limit more than {_BAND_FRACTION:.0%} beyond the market, which price protection may refuse"
        yield _Problem("price protection", "warn", text, "set the limit nearer to the market")
