"""Run a script of orders through hftbacktest, in an interpreter that has it: ``python hftbacktest_worker.py IN.npz OUT.json ...``.

The input has the rows of a tape that begins with its only snapshot (``time``, ``venue_time``, ``message``, ``kind``, ``side``, ``price``, ``quantity``), the orders
(``sent``, ``canceled``, ``sides``, ``prices``, ``order_quantity``), ``latency`` in nanoseconds to the venue and back, ``tick``, ``lot`` and
the name of the queue ``model``. The output lists for each order its status, and time and price at which it was filled.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import hftbacktest as hb
import numpy as np
from hftbacktest.data import correct_event_order

_TRADE, _BOOK, _SNAPSHOT = 1, 2, 3  # kinds of rows
_STATUS = {hb.FILLED: "filled", hb.CANCELED: "canceled", hb.EXPIRED: "expired"}


def events_of(given: Any) -> Any:
    """Return the tape as hftbacktest's events, in the order that it wants."""
    what = {_TRADE: hb.TRADE_EVENT, _BOOK: hb.DEPTH_EVENT, _SNAPSHOT: hb.DEPTH_SNAPSHOT_EVENT}
    names = ("time", "venue_time", "kind", "side", "price", "quantity")
    rows = [
        (what[kind] | (hb.BUY_EVENT if side > 0 else hb.SELL_EVENT), venue_time, time, price, quantity)
        for time, venue_time, kind, side, price, quantity in zip(
            *(given[n].tolist() for n in names), strict=True
        )
        if side
    ]
    made = np.zeros(len(rows), hb.types.event_dtype)
    for place, name in enumerate(("ev", "exch_ts", "local_ts", "px", "qty")):
        made[name] = [row[place] for row in rows]
    by_venue = np.argsort(made["exch_ts"], kind="stable")
    by_arrival = np.argsort(made["local_ts"], kind="stable")
    return correct_event_order(made, by_venue, by_arrival)


def asset_of(given: Any, events: Any) -> Any:
    """Return the instrument with its exchange model."""
    to_venue, from_venue = (int(value) for value in given["latency"])
    asset = (
        hb.BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .constant_order_latency(to_venue, from_venue)
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(float(given["tick"]))
        .lot_size(float(given["lot"]))
    )
    if str(given["model"]) == "pessimistic":
        return asset.risk_adverse_queue_model()
    return asset.power_prob_queue_model(1.0)


def run(given: Any) -> list[dict[str, Any]]:
    """Send and cancel the orders at their times and return what became of each."""
    events = events_of(given)  # hftbacktest keeps only its address
    backtest = hb.HashMapMarketDepthBacktest([asset_of(given, events)])
    backtest.elapse(0)
    acts = [(int(time), number, True) for number, time in enumerate(given["sent"])]
    acts += [(int(time), number, False) for number, time in enumerate(given["canceled"])]
    found: dict[int, dict[str, Any]] = {}
    live: set[int] = set()
    quantity, tick = float(given["order_quantity"]), float(given["tick"])
    for time, number, is_new in sorted(acts):
        if backtest.elapse(time - backtest.current_timestamp) != 0:
            break
        collect(backtest, live, found, tick)
        if is_new:
            live.add(number)
            send = backtest.submit_buy_order if given["sides"][number] > 0 else backtest.submit_sell_order
            send(0, number, float(given["prices"][number]), quantity, hb.GTX, hb.LIMIT, False)
        elif number in live and backtest.orders(0).get(number).cancellable:
            backtest.cancel(0, number, False)
    backtest.elapse(10**9)
    collect(backtest, live, found, tick)
    backtest.close()
    return [found.get(number, {"status": "open"}) for number in range(len(given["sent"]))]


def collect(backtest: Any, live: set[int], found: dict[int, dict[str, Any]], tick: float) -> None:
    """Note what became of the orders that are over."""
    orders = backtest.orders(0)
    for number in sorted(live):
        order = orders.get(number)
        if order.status in _STATUS and order.req == hb.NONE:
            found[number] = {
                "status": _STATUS[order.status],
                "time": int(order.exch_timestamp),
                "price": round(order.exec_price_tick * tick, 8),
                "quantity": float(order.exec_qty),
            }
            live.remove(number)


def main(paths: list[str]) -> None:
    """Read each input, run it, write its output."""
    for source, target in zip(paths[::2], paths[1::2], strict=True):
        with np.load(source) as given:
            Path(target).write_text(json.dumps(run(given)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
