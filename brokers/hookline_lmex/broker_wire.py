"""What the client and the streams say of orders and fills, as news."""

from __future__ import annotations

from decimal import Decimal

from hookline.model import Instrument, InstrumentKind
from hookline_lmex.broker_fees import Rates
from hookline_lmex.broker_news import FillNews, OrderNews, Source
from hookline_lmex.codes import OrderCode, OrderKind
from hookline_lmex.results_orders import OrderAction, OrderState, OwnTrade
from hookline_lmex.streams.notices import FillNotice, OrderNotice

__all__ = ["of_action", "of_fill_notice", "of_notice", "of_state", "of_trade"]


def of_action(action: OrderAction) -> OrderNews:
    """Return what an answer to a request says."""
    return _told(action, Source.ANSWER, action.message)


def of_state(state: OrderState) -> OrderNews:
    """Return what the answer to a question says."""
    return _told(state, Source.QUERY)


def _told(order: OrderAction | OrderState, source: Source, text: str = "") -> OrderNews:
    return OrderNews(
        order.symbol,
        order.order_id,
        order.client_order_id,
        order.status,
        order.time,
        source,
        filled=Decimal(order.total_filled),
        size=_some(order.size),
        price=None if order.kind is OrderKind.MARKET else _some(order.price),
        trigger_price=_some(order.trigger_price),
        text=text,
    )


def of_notice(notice: OrderNotice) -> OrderNews:
    """Return what a notification says."""
    return OrderNews(
        notice.symbol,
        notice.order_id,
        notice.client_order_id,
        OrderCode(notice.status),
        notice.time,
        Source.NOTICE,
        filled=notice.total_filled,
        size=_some(notice.size),
        price=notice.price,
        trigger_price=notice.trigger_price,
    )


def of_fill_notice(notice: FillNotice) -> FillNews:
    """Return what a notification of a fill says."""
    return FillNews(
        notice.symbol,
        notice.trade_id,
        notice.order_id,
        notice.client_order_id,
        notice.side,
        notice.price,
        notice.size,
        notice.fee,
        notice.fee_currency,
        notice.is_maker,
        notice.time,
    )


def of_trade(trade: OwnTrade, instrument: Instrument, rates: Rates) -> FillNews:
    """Return what a row of the trade history says; who made the market is told by the fee that was paid."""
    size = Decimal(trade.size)
    units = (
        size if instrument.kind is InstrumentKind.SPOT else size * (instrument.contract_size or Decimal(1))
    )
    return FillNews(
        trade.symbol,
        trade.trade_id,
        trade.order_id,
        trade.client_order_id,
        trade.side,
        trade.price,
        size,
        trade.fee,
        trade.fee_currency,
        rates.is_maker(trade.symbol, units * trade.price, trade.fee, trade.price),
        trade.time,
    )


def _some(value: Decimal | int | None) -> Decimal | None:
    return Decimal(value) if value else None
