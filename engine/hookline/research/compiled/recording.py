"""From the logs of a compiled run to the record that reports are made of."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries, Fill, Instrument, Order, OrderStatus, OrderType, Side
from hookline.reporting.record import RunRecord
from hookline.research.compiled import layout as at
from hookline.research.compiled.rule_terms import Found, text_of
from hookline.session.plan import Plan
from hookline.signals import SignalStrategy

__all__ = ["record_of"]

_TYPES = {at.MARKET: OrderType.MARKET, at.LIMIT_ORDER: OrderType.LIMIT, at.STOP_ORDER: OrderType.STOP}
_STATUSES = {
    at.SUBMITTED: OrderStatus.SUBMITTED,
    at.ACCEPTED: OrderStatus.ACCEPTED,
    at.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    at.FILLED_UP: OrderStatus.FILLED,
    at.CANCELED: OrderStatus.CANCELED,
    at.REJECTED: OrderStatus.REJECTED,
    at.DENIED: OrderStatus.DENIED,
    at.HELD_BACK: OrderStatus.HELD,
}
_TAGS = {
    at.ENTRY_TAG: "entry",
    at.EXIT_TAG: "exit",
    at.REDUCE_TAG: "reduce",
    at.PROTECT_TAG: "protect",
    at.LIQUIDATION_TAG: "liquidation",
}
_REASONS = {
    at.NO_REASON: "",
    at.NOTHING_TO_REDUCE: "reduce-only: nothing to reduce",
    at.POSITION_CLOSED: "reduce-only: position closed",
    at.GROUP_FILLED: "one cancels other",
    at.FUNDS: "insufficient funds",
    at.FUNDS_FOR_REST: "insufficient funds for the rest",
    at.NOT_HELD: "spot: cannot sell more than is held",
    at.LIQUIDATED: "position liquidated",
    at.ENTRY_ENDED: "entry ended without a fill",
    at.QUANTITY_TOO_SMALL: "quantity below the minimum",
    at.NOTIONAL_TOO_SMALL: "notional below the minimum",
    at.STOP_ON_WRONG_SIDE: "stop on the wrong side",
    at.TARGET_ON_WRONG_SIDE: "target on the wrong side",
}

Rooms = tuple[int, int, int]


def record_of(
    plan: Plan,
    strategy: SignalStrategy,
    series: BarSeries,
    f: NDArray[np.float64],
    k: NDArray[np.int64],
    rooms: Rooms,
) -> RunRecord:
    """Return the record of a run whose logs have room for all of it: so many orders, fills and payments."""
    (instrument,) = plan.instruments.values()
    seat = plan.seats[0]
    params = {one.name: getattr(strategy, one.name) for one in fields(strategy) if one.init}  # type: ignore[arg-type]
    orders = _orders(plan, f, k, rooms[0])
    fills, seen = _fills(seat.id, instrument, f, k, rooms)
    return RunRecord(
        name=plan.name,
        mode=plan.mode,
        currency=plan.currency,
        cash=seat.cash,
        config=dict(plan.config),
        series={series.symbol: series},
        instruments=dict(plan.instruments),
        strategies=[replace(seat.record, params=params)],
        orders=orders,
        fills=fills,
        updates=[],
        funding=_payments(seat.id, instrument, f, k, rooms),
        warnings=list(plan.notes),
        seen=seen,
        halted=_halted(plan, f, k),
    )


def _orders(plan: Plan, f: NDArray[np.float64], k: NDArray[np.int64], count: int) -> list[Order]:
    whole = k[at.K_LOG : at.K_LOG + count * at.K_WIDTH].reshape(count, at.K_WIDTH).tolist()
    prices = f[at.F_LOG : at.F_LOG + count * at.F_WIDTH].reshape(count, at.F_WIDTH).tolist()
    orders = [_order(plan, row, price) for row, price in zip(whole, prices, strict=True)]
    for order, row in zip(orders, whole, strict=True):
        if row[at.PARENT]:
            order.parent = parent = orders[row[at.PARENT] - 1]
            parent.children = (*parent.children, order)
        if row[at.GROUP]:
            order.oco_leader = orders[row[at.GROUP] - 1]
    return orders


def _order(plan: Plan, row: list[int], prices: list[float]) -> Order:
    (instrument,) = plan.instruments.values()
    average, is_market = prices[at.AVERAGE], row[at.TYPE] == at.MARKET
    return Order(
        row[at.NUMBER],
        plan.seats[0].id,
        instrument,
        Side(row[at.SIDE]),
        _TYPES[row[at.TYPE]],
        row[at.QUANTITY],
        row[at.TIME],
        limit_price=None if is_market else _price(prices[at.LIMIT]),
        trigger_price=None if is_market else _price(prices[at.TRIGGER]),
        reduce_only=bool(row[at.REDUCES]),
        tag=_tag(plan, row, prices),
        status=_STATUSES[row[at.STATUS]],
        filled_lots=row[at.FILLED],
        average_price=average if row[at.FILLED] else 0.0,
        update_time=row[at.UPDATED],
        reason=_reason(plan, row, prices),
    )


def _halted(plan: Plan, f: NDArray[np.float64], k: NDArray[np.int64]) -> str:
    """Return why trading is halted at the end, empty if it is not."""
    if not k[at.HALTED_BY]:
        return ""
    found = Found(f[at.HALT_FOUND], f[at.HALT_AGAINST], math.nan, 0)
    return text_of(plan, int(k[at.HALTED_BY]) - 1, found)


def _tag(plan: Plan, row: list[int], prices: list[float]) -> str:
    number = row[at.TAG] - at.HALT_TAG
    if number < 0:
        return _TAGS[row[at.TAG]]
    found = Found(prices[at.LIMIT], prices[at.TRIGGER], math.nan, 0)
    return f"halted: {text_of(plan, number, found)}"


def _reason(plan: Plan, row: list[int], prices: list[float]) -> str:
    reason = row[at.REASON]
    if reason not in {at.HALTED, at.BY_RULE}:
        return _REASONS[reason]
    is_denied = row[at.STATUS] == at.DENIED
    found = Found(
        prices[at.CHILD_STOP],
        prices[at.CHILD_TARGET],
        prices[at.AVERAGE] if is_denied and reason == at.BY_RULE else math.nan,
        row[at.REPRICED],
    )
    text = text_of(plan, row[at.STOP_NUMBER], found)
    return f"halted: {text}" if reason == at.HALTED else text


def _price(price: float) -> float | None:
    return None if math.isnan(price) else price


def _fills(
    id_: str, instrument: Instrument, f: NDArray[np.float64], k: NDArray[np.int64], rooms: Rooms
) -> tuple[list[Fill], list[int]]:
    i, g = at.K_LOG + rooms[0] * at.K_WIDTH, at.F_LOG + rooms[0] * at.F_WIDTH
    count = rooms[1]
    whole = k[i : i + count * at.FILL_K_WIDTH].reshape(count, at.FILL_K_WIDTH).tolist()
    money = f[g : g + count * at.FILL_F_WIDTH].reshape(count, at.FILL_F_WIDTH).tolist()
    rows: list[Any] = list(enumerate(zip(whole, money, strict=True), 1))
    fills = [
        Fill(
            number, row[at.FILL_TIME], row[at.FILL_ORDER], id_, instrument.symbol, Side(row[at.FILL_SIDE]), row[at.FILL_LOTS],
            instrument.units(row[at.FILL_LOTS]), price[at.FILL_PRICE], price[at.FILL_FEE], bool(row[at.FILL_IS_MAKER]),
        )
        for number, (row, price) in rows
    ]  # fmt: skip
    return fills, [row[at.FILL_SEEN] for row in whole]


def _payments(
    id_: str, instrument: Instrument, f: NDArray[np.float64], k: NDArray[np.int64], rooms: Rooms
) -> list[tuple[int, str, str, float]]:
    i = at.K_LOG + rooms[0] * at.K_WIDTH + rooms[1] * at.FILL_K_WIDTH
    g = at.F_LOG + rooms[0] * at.F_WIDTH + rooms[1] * at.FILL_F_WIDTH
    times, amounts = k[i : i + rooms[2]].tolist(), f[g : g + rooms[2]].tolist()
    return [(time, id_, instrument.symbol, amount) for time, amount in zip(times, amounts, strict=True)]
