"""Notices of orders, fills and positions, made from what a desk holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hookline.model import Instrument, MarginMode, Position, PositionMode
from hookline.simulation.funds import mark_price
from hookline.simulation.margin import maintenance_margin
from hookline_lmex.emulator.records import MARKET, FillNotice, OrderNotice, OrderRecord, PositionNotice
from hookline_lmex.emulator.terms import Product
from hookline_lmex.emulator.wire_numbers import number, wire_size

if TYPE_CHECKING:
    from hookline_lmex.emulator.desk import Desk

__all__ = ["fill_notice", "market_id", "order_notice", "position_key", "position_notice", "wallet_name"]


def market_id(desk: Desk, symbol: str) -> str:
    """Return the name that margin knows a market by."""
    return f"{symbol}-{desk.options.market_id_quote}"


def position_key(desk: Desk, position_id: str) -> str:
    """Return a position's id on the wire; ``position_id`` is ours, ``SYMBOL|long`` in hedge mode."""
    symbol, _, side = position_id.partition("|")
    return market_id(desk, symbol) + (f"|{side.upper()}" if side else "")


def wallet_name(desk: Desk, instrument: Instrument) -> str:
    """Return the name of the wallet that pays for an instrument."""
    if desk.product is Product.SPOT:
        return "SPOT@"
    if instrument.margin_mode is MarginMode.ISOLATED:
        return f"ISOLATED@{market_id(desk, instrument.symbol)}"
    return "CROSS@"


def position_mode(instrument: Instrument) -> str:
    """Return the position mode as the wire names it."""
    return "HEDGE" if instrument.position_mode is PositionMode.HEDGE else "ONE_WAY"


def direction_of(position_id: str) -> str | None:
    """Return LONG or SHORT in hedge mode, None in one-way mode."""
    _, _, side = position_id.partition("|")
    return side.upper() or None


def order_notice(desk: Desk, record: OrderRecord) -> OrderNotice:
    """Return what is told of an order now."""
    order = record.order
    instrument = order.instrument
    spot = desk.product is Product.SPOT
    plain = 1.0 if spot else 100.0
    amount = record.quote_amount
    return OrderNotice(
        account=desk.account.label,
        product=desk.product,
        symbol=record.symbol,
        order_id=record.order_id,
        client_order_id=record.client_order_id,
        side=record.side,
        order_type=record.order_type,
        tx_type=record.tx_type,
        status=record.status,
        time=record.updated,
        price=order.average_price if record.order_type == MARKET else record.price,
        trigger_price=number(order.trigger_price or record.trigger_price),
        average_price=number(order.average_price),
        original=wire_size(instrument, record.original_lots),
        current=wire_size(instrument, order.lots),
        filled=wire_size(instrument, record.filled_now),
        total_filled=wire_size(instrument, order.filled_lots),
        remaining=wire_size(instrument, order.open_lots),
        quote_amount=amount,
        quote_remaining=None if amount is None else number(amount - record.quote_spent),
        life=record.life,
        is_maker=record.is_maker,
        post_only=order.post_only,
        is_user_initiated=record.is_user_initiated,
        deviation=plain if record.deviation is None else record.deviation,
        stealth=plain if record.stealth is None else record.stealth,
        position_id=position_key(desk, order.position_id or record.symbol),
        position_mode=position_mode(instrument),
        position_direction=direction_of(order.position_id),
        base=instrument.base,
        quote=instrument.quote,
    )


def fill_notice(
    desk: Desk,
    record: OrderRecord,
    lots: int,
    price: float,
    fee: tuple[float, str],
    realized: float,
    matched_time: int,
) -> FillNotice:
    """Return what is told of an execution; ``fee`` is an amount and its currency."""
    order, instrument = record.order, record.order.instrument
    is_market = record.order_type == MARKET
    order_price = record.price
    if is_market:
        order_price = price if desk.product is Product.SPOT else 0.0
    size = wire_size(instrument, order.lots) if record.quote_amount is None else record.quote_amount
    return FillNotice(
        account=desk.account.label,
        product=desk.product,
        trade_id=desk.ids.uuid(),
        serial_id=desk.ids.serial(),
        order_id=record.order_id,
        client_order_id=record.client_order_id,
        symbol=record.symbol,
        side=record.side,
        order_type=record.order_type,
        trigger_type=record.trigger_type,
        order_price=order_price,
        trigger_price=record.trigger_price,
        order_size=size,
        price=price,
        size=wire_size(instrument, lots),
        fee=fee[0],
        fee_currency=fee[1],
        realized=realized,
        base=instrument.base,
        quote=instrument.quote,
        is_maker=record.is_maker,
        time=record.updated,
        matched_time=matched_time,
        average_price=order.average_price,
        contract_size=float(instrument.contract_size or 0),
        position_id=position_key(desk, order.position_id or record.symbol),
        wallet=wallet_name(desk, instrument),
    )


def position_notice(desk: Desk, position: Position, direction: str) -> PositionNotice:
    """Return how a position stands; ``direction`` is what it was where it is flat by now."""
    instrument, mark = position.market.instrument, mark_price(position.market)
    terms = desk.funds.terms[position.symbol]
    value = abs(position.quantity * mark) if position.lots else 0.0
    isolated = terms.is_isolated
    margin = desk.funds.posted(position) if isolated and position.lots else 0.0
    backing = margin if isolated else desk.funds.cross_equity(desk.ledger, position.wallet)
    level = desk.broker.liquidation_price(position) if position.lots else math.nan
    held = [one for one in desk.open_records(position.symbol) if one.closes]
    return PositionNotice(
        account=desk.account.label,
        symbol=position.symbol,
        position_id=position_key(desk, position.id),
        market_id=market_id(desk, position.symbol),
        direction=direction,
        contracts=instrument.contracts(abs(position.lots)),
        contract_size=float(instrument.contract_size or 0),
        entry_price=position.entry_price,
        mark_price=mark,
        liquidation_price=0.0 if math.isnan(level) else level,
        unrealized=position.quantity * (mark - position.entry_price) if position.lots else 0.0,
        maintenance_margin=maintenance_margin(value, terms.tiers) if value else 0.0,
        margin=margin,
        leverage=desk.leverage_setting[position.symbol],
        is_isolated=isolated,
        wallet=wallet_name(desk, instrument),
        position_mode=position_mode(instrument),
        time=desk.now,
        order_value=value,
        current_leverage=value / backing if value and backing > 0.0 else 0.0,
        settle_with=desk.settle_with.get(position.symbol, instrument.quote),
        take_profit=next((one for one in held if one.trigger_type == 1002), None),
        stop_loss=next((one for one in held if one.trigger_type == 1001), None),
    )
