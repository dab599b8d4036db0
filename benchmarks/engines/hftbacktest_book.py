"""hftbacktest: the same market maker, compiled by numba, called once for all rows of one time and for every response to an order."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Any

import hftbacktest as hb
import numpy as np
from book_workload import BOOK, LOT, MOST, QUANTITY, QUOTE, REFRESH, SNAPSHOT, TRADE, Columns, Counts
from numba import njit

__all__ = ["prepare", "report", "run", "version"]

version = version_of("hftbacktest")
_ENDED = 1


def prepare(columns: Columns) -> tuple[Any, Any]:
    events = _events(columns)
    asset = (
        hb.BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(columns.tick)
        .lot_size(LOT)
    )
    # hftbacktest keeps only the address of the events.
    return hb.HashMapMarketDepthBacktest([asset]), events


def _events(columns: Columns) -> Any:
    """Return the rows as hftbacktest's events. Quotes are depth of their own price: it takes no quantity of one side as a removal."""
    what = np.zeros(4, np.uint64)
    what[[QUOTE, BOOK, TRADE, SNAPSHOT]] = (
        hb.DEPTH_EVENT,
        hb.DEPTH_EVENT,
        hb.TRADE_EVENT,
        hb.DEPTH_SNAPSHOT_EVENT,
    )
    sides = np.where(columns.side > 0, hb.BUY_EVENT, hb.SELL_EVENT).astype(np.uint64)
    kept = columns.side != 0
    made = np.zeros(int(kept.sum()), hb.types.event_dtype)
    both = np.uint64(hb.EXCH_EVENT | hb.LOCAL_EVENT)
    made["ev"] = (what[columns.kind] | sides | both)[kept]
    made["exch_ts"] = made["local_ts"] = columns.time[kept]
    made["px"], made["qty"] = columns.price[kept], columns.quantity[kept]
    return made


def run(prepared: tuple[Any, Any]) -> tuple[int, int, int]:
    backtest, events = prepared
    counted = _trade(backtest)
    backtest.close()
    assert len(events), "kept until here"
    return counted


def report(counted: tuple[int, int, int]) -> Counts:
    return Counts(*(int(count) for count in counted))


@njit
def _trade(backtest):
    callbacks, sent, fills, due = 0, 0, 0, 0
    ids = np.zeros(2, np.uint64)  # of the bid and the ask, 0 for none
    while True:
        if backtest.wait_next_feed(True, 10**12) == _ENDED:
            return callbacks, sent, fills
        callbacks += 1
        if backtest.current_timestamp < due:
            continue
        depth = backtest.depth(0)
        bid, ask = depth.best_bid, depth.best_ask
        if not bid < ask:
            continue
        due = backtest.current_timestamp + REFRESH
        held = backtest.position(0)
        orders = backtest.orders(0)
        for number in range(2):
            is_bid = number == 0
            price = bid if is_bid else ask
            wanted = held < MOST if is_bid else held > -MOST
            is_open = False
            if ids[number]:
                order = orders.get(ids[number])
                is_open = order.status == hb.NEW
                fills += order.status == hb.FILLED
                if not is_open:
                    ids[number] = 0
            if not wanted:
                if is_open and order.cancellable:
                    backtest.cancel(0, ids[number], False)
            elif not is_open:
                sent += 1
                ids[number] = sent
                _send(backtest, is_bid, sent, price)
            elif order.cancellable and abs(order.price - price) > 1e-9:
                backtest.modify(0, ids[number], price, QUANTITY, False)
        backtest.clear_inactive_orders(0)


@njit
def _send(backtest, is_bid, number, price):
    if is_bid:
        backtest.submit_buy_order(0, number, price, QUANTITY, hb.GTX, hb.LIMIT, False)
    else:
        backtest.submit_sell_order(0, number, price, QUANTITY, hb.GTX, hb.LIMIT, False)
