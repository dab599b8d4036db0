"""Accounts made by hand: orders and fills in a few words."""

from __future__ import annotations

from decimal import Decimal

import hookline as hl
from hookline.model import Fill, InstrumentKind, Order, OrderStatus, OrderType, Side
from hookline.session.replaying_matching import match_orders
from hookline.session.replaying_model import Rates, Runs
from hookline.session.replaying_parts import Market, explain
from hookline.session.replaying_run import Account

SECOND = 10**9
WINDOW = 60 * SECOND
PERP = hl.Instrument("PERP", InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
LOT = 0.001


def order(number, time, side=1, lots=1000, *, limit=None, strategy="one", tag=""):
    """Return an order made at a second; a market order without a limit."""
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    made = Order(number, strategy, PERP, Side(side), kind, lots, time * SECOND, limit_price=limit, tag=tag)
    made.status = OrderStatus.ACCEPTED
    return made


def account(*orders, payments=()):
    """Return an account of orders, each alone or with its fills: ``(second, lots, price)``, more for a fee and ``maker``."""
    made, rows = [], []
    for one in orders:
        placed, *fills = one if isinstance(one, tuple) else (one,)
        made.append(placed)
        rows += [(placed, *fill) for fill in fills]
    rows.sort(key=lambda row: row[1])
    fills = []
    for number, (placed, second, lots, price, *more) in enumerate(rows, 1):
        fee = next((part for part in more if part != "maker"), 0.0)
        fills.append(
            Fill(
                number, second * SECOND, placed.number, placed.strategy, "PERP", placed.side, lots, lots * LOT, price, fee,
                "maker" in more,
            )
        )  # fmt: skip
        placed.filled_lots += lots
    paid = [(second * SECOND, strategy, "PERP", amount) for second, strategy, amount in payments]
    return Account(made, fills, [fill.time for fill in fills], paid)


def difference(live, timed=None, received=None, complete=None, *, last=100.0, points=(), rates=None):
    """Explain accounts; a run that is left out is the one before it on the way to the session."""
    complete = complete or received or timed or live
    received = received or complete
    timed = timed or received
    runs = Runs(
        live, timed, received, complete, *map(_pairs, (live, timed, received), (timed, received, complete))
    )
    return explain(runs, Market({"PERP": last}, points, {}, {"PERP": rates or Rates(0.0, 0.0)}))


def _pairs(first, second):
    return match_orders(first.orders, second.orders, WINDOW)


def only(found):
    """Return the parts that are not zero."""
    return {name: round(value, 9) for name, value in found.parts.items() if abs(value) > 1e-9}
