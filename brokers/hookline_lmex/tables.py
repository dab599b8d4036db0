"""What the ``hookline lmex`` commands show: rows of plain values, drawn as a table or written as JSON.

Sizes of futures are shown in base units, as strategies and session files have them; the venue counts contracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.markup import escape

from hookline.clock import isoformat
from hookline.model import Side
from hookline_lmex.results import (
    Balance,
    BookLevel,
    BookSnapshot,
    FuturesWallet,
    MarketSummary,
    OrderState,
    PositionState,
    Price,
)
from hookline_lmex.tables_cells import (
    Column,
    Part,
    View,
    age_text,
    colored,
    money_cell,
    number_cell,
    optional,
    plain_number,
    short,
    side_text,
    text_cell,
)

__all__ = ["View", "balance_view", "book_view", "orders_view", "positions_view", "ticker_view"]


def ticker_view(
    spot: Sequence[MarketSummary],
    futures: Sequence[MarketSummary],
    prices: Mapping[str, Price],
    top: int | None,
) -> View:
    """Return today's figures of markets, those of the most turnover first.

    Args:
        spot: Markets of the spot product.
        futures: Markets of the futures product.
        prices: Index and mark prices by symbol, where they were asked for.
        top: How many rows; None for all, in the order given.
    """
    markets = [*futures, *spot]
    if top is not None:
        markets = sorted((one for one in markets if one.is_active), key=lambda one: -one.quote_volume)
    shown = markets if top is None else markets[:top]
    rows = [_ticker_row(one, prices.get(one.symbol)) for one in shown]
    columns = [
        Column("symbol", text_cell("symbol"), is_right=False),
        Column("last", number_cell("last")),
        Column("24 h %", lambda row: colored(row["change_fraction"] * 100, "+,.2f")),
        Column("bid", number_cell("bid")),
        Column("ask", number_cell("ask")),
        Column("spread bps", lambda row: optional(row["spread_bps"], ",.2f")),
    ]
    if prices:
        columns.append(Column("mark", number_cell("mark")))
    columns += [
        Column("turnover", lambda row: short(row["quote_volume"])),
        Column("funding", lambda row: optional(row["funding_rate"], "+.4%")),
        Column("next", lambda row: "" if row["next_funding"] is None else row["next_funding"][11:16]),
    ]
    notes = (
        [f"{len(shown)} of {len(markets)} markets, by turnover of 24 h"] if len(shown) < len(markets) else []
    )
    return View([Part("ticker", "", columns, rows, "no such market")], notes)


def book_view(book: BookSnapshot, contract_size: Decimal | None, depth: int) -> View:
    """Return a book side by side, best prices at the top, with the notional up to each level."""
    unit = contract_size or Decimal(1)
    bids, asks = _levels(book.bids[:depth], unit), _levels(book.asks[:depth], unit)
    empty: dict[str, Any] = {"price": None, "quantity": None, "notional": None}
    rows = []
    for number in range(max(len(bids), len(asks))):
        sides = (("bid", bids), ("ask", asks))
        rows.append(
            {
                f"{side}_{name}": value
                for side, levels in sides
                for name, value in (levels[number] if number < len(levels) else empty).items()
            }
        )
    columns = [
        Column("notional", lambda row: short(row["bid_notional"])),
        Column("quantity", number_cell("bid_quantity")),
        Column("bid", number_cell("bid_price", "green")),
        Column("ask", number_cell("ask_price", "red"), is_right=False),
        Column("quantity", number_cell("ask_quantity")),
        Column("notional", lambda row: short(row["ask_notional"])),
    ]
    notes = [f"at {isoformat(book.time // 10**9 * 10**9)}"]
    if bids and asks:
        bid, ask = bids[0]["price"], asks[0]["price"]
        middle = (bid + ask) / 2
        notes.insert(0, f"spread {plain_number(ask - bid)} or {(ask - bid) / middle * 10_000:,.2f} bps")
    return View([Part("book", book.symbol, columns, rows, "the book is empty")], notes)


def positions_view(positions: Sequence[PositionState]) -> View:
    """Return open positions."""
    rows = [_position_row(one) for one in positions]
    columns = [
        Column("symbol", text_cell("symbol"), is_right=False),
        Column("side", lambda row: side_text(row["direction"], row["direction"] == "long"), is_right=False),
        Column("quantity", number_cell("quantity")),
        Column("entry", number_cell("entry_price")),
        Column("mark", number_cell("mark_price")),
        Column("liquidation", _liquidation),
        Column("notional", lambda row: optional(row["notional"], ",.2f")),
        Column("gain", lambda row: colored(row["unrealized"], "+,.2f")),
        Column("margin", lambda row: f"{row['margin_mode']} {row['leverage']:,.2f}x"),
    ]
    notes = ["! the venue is closing this position"] if any(row["is_liquidating"] for row in rows) else []
    return View([Part("positions", "", columns, rows, "no open position")], notes)


def orders_view(orders: Sequence[OrderState], now: int) -> View:
    """Return open orders, oldest first; ``now`` is the venue's time."""
    rows = [_order_row(one) for one in sorted(orders, key=lambda one: (one.time, one.order_id))]
    columns = [
        Column("symbol", text_cell("symbol"), is_right=False),
        Column("side", lambda row: side_text(row["side"], row["side"] == "buy"), is_right=False),
        Column("type", text_cell("type"), is_right=False),
        Column("quantity", number_cell("quantity")),
        Column("filled", number_cell("filled")),
        Column("price", number_cell("price")),
        Column("trigger", number_cell("trigger_price")),
        Column("client order id", _order_name, is_right=False, may_wrap=True),
        Column("age", lambda row: age_text(now - row["time_ns"])),
    ]
    return View([Part("orders", "", columns, rows, "no open order")])


def balance_view(spot: Sequence[Balance], futures: Sequence[FuturesWallet]) -> View:
    """Return what is in the spot wallet and in the futures wallets."""
    return View([_spot_part(spot), _futures_part(futures)])


def _spot_part(balances: Sequence[Balance]) -> Part:
    rows = [
        {
            "currency": one.currency,
            "total": one.total,
            "available": one.available,
            "held": one.total - one.available,
        }
        for one in balances
        if one.total
    ]
    columns = [
        Column("currency", text_cell("currency"), is_right=False),
        *(Column(name, number_cell(name)) for name in ("total", "available", "held")),
    ]
    return Part("spot", "spot", columns, rows, "nothing")


def _futures_part(wallets: Sequence[FuturesWallet]) -> Part:
    rows = [
        {
            "wallet": one.name,
            "margin_balance": one.margin_balance,
            "available": one.available,
            "unrealized": one.unrealized,
            "maintenance_margin": one.maintenance_margin,
            "order_margin": one.open_margin,
            "assets": {asset.currency: asset.balance for asset in one.assets},
        }
        for one in wallets
    ]
    columns = [
        Column("wallet", text_cell("wallet"), is_right=False),
        Column("equity", money_cell("margin_balance")),
        Column("available", money_cell("available")),
        Column("maintenance", money_cell("maintenance_margin")),
        Column("orders", money_cell("order_margin")),
        Column("gain", lambda row: colored(row["unrealized"], "+,.2f")),
        Column("holds", lambda row: _holdings(row["assets"]), is_right=False),
    ]
    return Part("futures", "futures", columns, rows, "no wallet")


# -- rows --------------------------------------------------------------------------------------------------------------


def _ticker_row(one: MarketSummary, price: Price | None) -> dict[str, Any]:
    is_quoted = one.bid > 0 and one.ask > 0
    is_perpetual = one.contract_size is not None and not one.is_dated
    return {
        "symbol": one.symbol,
        "last": _on_grid(one.last, one),
        "change_fraction": one.change_fraction,
        "bid": _on_grid(one.bid, one) if one.bid > 0 else None,
        "ask": _on_grid(one.ask, one) if one.ask > 0 else None,
        "spread_bps": round((one.ask - one.bid) / (one.ask + one.bid) * 20_000, 4) if is_quoted else None,
        "mark": None if price is None or not price.mark else _on_grid(price.mark, one),
        "index": None if price is None else price.index,
        "high": one.high,
        "low": one.low,
        "quote_volume": one.quote_volume,
        "open_interest": one.open_interest_notional if one.contract_size is not None else None,
        "funding_rate": one.funding_rate if is_perpetual else None,
        "next_funding": isoformat(one.next_funding) if one.next_funding else None,
        "tick_size": one.tick_size,
        "is_open": one.is_open,
    }


def _levels(levels: Iterable[BookLevel], unit: Decimal) -> list[dict[str, Any]]:
    rows, notional = [], Decimal(0)
    for level in levels:
        quantity = level.size * unit
        notional += quantity * level.price
        rows.append({"price": level.price, "quantity": quantity, "notional": notional})
    return rows


def _position_row(one: PositionState) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "direction": "long" if one.side is Side.BUY else "short",
        "quantity": one.contracts * one.contract_size,
        "contracts": one.contracts,
        "entry_price": one.entry_price,
        "mark_price": one.mark_price,
        "liquidation_price": one.liquidation_price,
        "notional": abs(one.notional),
        "unrealized": one.unrealized,
        "leverage": one.current_leverage,
        "margin_mode": str(one.margin_mode),
        "maintenance_margin": one.maintenance_margin,
        "position_mode": one.position_mode,
        "position_id": one.position_id,
        "is_liquidating": one.is_liquidating,
        "take_profit": None if one.take_profit is None else one.take_profit.trigger_price,
        "stop_loss": None if one.stop_loss is None else one.stop_loss.trigger_price,
    }


def _order_row(one: OrderState) -> dict[str, Any]:
    unit = one.contract_size or Decimal(1)
    return {
        "symbol": one.symbol,
        "side": "buy" if one.side is Side.BUY else "sell",
        "type": _order_type(one),
        "quantity": one.size * unit if one.quote_size is None else None,
        "quote_quantity": one.quote_size,
        "filled": one.total_filled * unit,
        "price": one.price or None,
        "trigger_price": one.trigger_price,
        "status": one.status.name.lower(),
        "reduce_only": one.reduce_only,
        "client_order_id": one.client_order_id,
        "order_id": one.order_id,
        "time": isoformat(one.time),
        "time_ns": one.time,
    }


def _on_grid(value: Decimal, one: MarketSummary) -> Decimal:
    """Return a price with the digits of the market's tick, and more where it lies off the grid."""
    decimals = -int(one.tick_size.normalize().as_tuple().exponent)
    return value if decimals < 0 or value != round(value, decimals) else round(value, decimals)


def _order_type(one: OrderState) -> str:
    """Return what an order is in a word or two; a trigger order is one of the market unless it says limit."""
    kind = one.kind.value.lower()
    if one.trail_value:
        words = ["trailing stop"]
    elif one.is_trigger and not one.is_triggered:
        words = [{1001: "stop", 1002: "target"}.get(int(one.trigger_kind), "trigger")]
        words += [kind] if kind != "market" else []
    else:
        words = [kind]
    return " ".join([*words, *(["reduce"] if one.reduce_only or one.is_close else [])])


def _order_name(row: Mapping[str, Any]) -> str:
    return escape(row["client_order_id"] or f"({row['order_id']})")


def _liquidation(row: Mapping[str, Any]) -> str:
    if row["is_liquidating"]:
        return f"[bold {'red'}]! now[/bold {'red'}]"
    return "none" if row["liquidation_price"] is None else plain_number(row["liquidation_price"])


def _holdings(assets: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{plain_number(amount)} {escape(name)}" for name, amount in assets.items() if amount)
