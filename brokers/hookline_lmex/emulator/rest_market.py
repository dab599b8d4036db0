"""Public calls of both products."""

from __future__ import annotations

from typing import Any

from hookline.clock import from_ns
from hookline_lmex.emulator.candles import Candle
from hookline_lmex.emulator.market_state import MarketState
from hookline_lmex.emulator.refusals import Refused, bad_request
from hookline_lmex.emulator.rest_calls import Call, Endpoint
from hookline_lmex.emulator.terms import Product
from hookline_lmex.emulator.wire_market import book_row, price_row, summary_row, trade_row
from hookline_lmex.emulator.wire_numbers import milliseconds, number

__all__ = ["ENDPOINTS"]

_MS, _SECOND, _MINUTE = 10**6, 10**9, 60 * 10**9
_DAY_MS = 86_400_000
_RESOLUTIONS = (1, 5, 15, 30, 60, 240, 360, 1440, 10_080, 43_200)
_MOST_CANDLES = 300
_DEPTH = 50
# Steps of a grouped book in ticks, by ``group``.
_GROUPS = (1, 5, 10, 50, 100, 500, 1000, 5000, 10_000)


def market_summary(call: Call) -> list[dict[str, Any]]:
    """Answer with a row for each market, or one."""
    full = call.flag("listFullAttributes")
    return [
        summary_row(state, call.exchange.clock.now, _open_contracts(call, state), full=full)
        for state in call.states()
    ]


def _open_contracts(call: Call, state: MarketState) -> int:
    if not state.is_futures:
        return 0
    held = [
        position
        for account in call.exchange.accounts.values()
        for position in account.desks[Product.FUTURES].ledger.held(state.symbol)
    ]
    return sum(one.market.instrument.contracts(one.lots) for one in held if one.lots > 0)


def ohlcv(call: Call) -> list[list[Any]]:
    """Answer with candles, newest first, the one that is still open among them.

    Raises:
        Refused: if the resolution is unknown or there would be more than 300.
    """
    state = call.state()
    minutes = call.integer("resolution")
    if minutes not in _RESOLUTIONS:
        raise bad_request(call.product, "BAD_REQUEST: resolution is not supported")
    length, now = minutes * _MINUTE, call.exchange.clock.now
    end_ms = call.integer("end")
    until = now if end_ms is None else min(now, end_ms * _MS)
    start_ms = call.integer("start")
    if start_ms is not None and start_ms < call.exchange.options.earliest_candle_ms:
        raise bad_request(call.product, "BAD_REQUEST: start is too early")
    first = (until // length - _MOST_CANDLES + 1) * length if start_ms is None else start_ms * _MS
    if until // length - -(-first // length) + 1 > _MOST_CANDLES:
        text = f"resolution {minutes} is too small: more than {_MOST_CANDLES} records would be returned"
        raise bad_request(call.product, text)
    rows = state.candles.of_length(length, first, until + 1)
    _add_open(state, rows, length, first, until, now)
    return [_candle(row) for row in reversed(rows)]


def _add_open(state: MarketState, rows: list[Candle], length: int, first: int, until: int, now: int) -> None:
    """Add the candle that has just begun where nothing of it has come yet: flat at the last price."""
    start = now // length * length
    if first <= start <= until and state.last == state.last and (not rows or rows[-1].start < start):
        price = state.last
        rows.append(Candle(start, price, price, price, price, 0.0, 0.0))


def _candle(row: Candle) -> list[Any]:
    prices = (row.open, row.high, row.low, row.close, row.turnover)
    return [row.start // _SECOND, *map(number, prices)]


def price(call: Call) -> list[dict[str, Any]]:
    """Answer with index, last and mark prices."""
    return [price_row(state) for state in call.states(code=-2)]


def orderbook(call: Call) -> dict[str, Any]:
    """Answer with the book, grouped on request."""
    state = call.state()
    group = call.integer("group", 0) or 0
    if not 0 <= group < len(_GROUPS):
        raise bad_request(call.product, "BAD_REQUEST: group must be from 0 to 8")
    step = float(state.setup.instrument.tick_size) * _GROUPS[group] if group else 0.0
    bids = asks = _DEPTH
    if call.product is Product.SPOT:
        bids = min(_DEPTH, call.integer("limit_bids", _DEPTH) or 0)
        asks = min(_DEPTH, call.integer("limit_asks", _DEPTH) or 0)
    return book_row(state, bids, asks, call.now_ms * _MS, step)


def orderbook_l2(call: Call) -> dict[str, Any]:
    """Answer with the book to a depth of at most 50."""
    depth = max(0, min(_DEPTH, call.integer("depth", _DEPTH) or _DEPTH))
    row = book_row(call.state(), depth, depth, call.now_ms * _MS)
    return row | {"depth": depth}


def trades(call: Call) -> list[dict[str, Any]]:
    """Answer with public trades, newest first."""
    state = call.state()
    count = call.integer("count", 10) or 10
    if count > 500 and call.product is Product.FUTURES:
        raise bad_request(call.product, "BAD_REQUEST: count must be at most 500")
    both = call.params.get("startTime") and call.params.get("endTime")
    since, until = call.times(30 * _DAY_MS if both else 3 * _DAY_MS)
    before, after = call.integer("beforeSerialId"), call.integer("afterSerialId")
    found = [
        one
        for one in reversed(state.trades)
        if since <= one.trade.venue_time <= until
        and (before is None or one.trade_id < before)
        and (after is None or one.trade_id > after)
    ]
    return [trade_row(state, one) for one in found[: min(count, 500)]]


def server_time(call: Call) -> dict[str, Any]:
    """Answer with the time: seconds, and a text with milliseconds."""
    text = from_ns(call.now_ms * _MS).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"iso": text, "epoch": call.now_ms // 1000}


def funding_history(call: Call) -> dict[str, Any]:
    """Answer with the rates that were paid, newest first."""
    count = call.integer("count")
    now = call.exchange.clock.now
    since, until = (
        (call.integer("from", 0) or 0) * _MS,
        min(now, (call.integer("to", call.now_ms) or 0) * _MS),
    )
    found = {}
    for state in call.states():
        rows = state.paid_between(since, until)
        if count is not None or "from" not in call.params:
            rows = rows[: 10 if count is None else count]
        found[state.symbol] = [
            {"time": time // _SECOND, "rate": number(rate), "symbol": state.symbol} for time, rate in rows
        ]
    return found


def risk_limits(call: Call) -> dict[str, Any]:
    """Answer with the margin tiers of markets, in an envelope.

    Raises:
        Refused: if there is no such market.
    """
    try:
        states = call.states(code=-2)
    except Refused:
        raise Refused(400, -2, "Invalid request parameters", envelope=True) from None
    rows = [row for state in states for row in tier_rows(state)]
    return {"code": 1, "msg": "Success", "time": call.now_ms, "data": rows, "success": True}


def tier_rows(state: MarketState) -> list[dict[str, Any]]:
    """Return the margin tiers of a market."""
    return [
        {
            "symbol": state.symbol,
            "riskLevel": level,
            "riskLimitValue": 900_000_000 if tier.up_to is None else number(float(tier.up_to)),
            "initialMarginRate": number(1.0 / float(tier.max_leverage)),
            "maintenanceMarginRate": number(float(tier.maintenance)),
            "maxLeverage": number(float(tier.max_leverage)),
        }
        for level, tier in enumerate(state.setup.instrument.tiers, 1)
    ]


def available_currencies(call: Call) -> list[str]:
    """Answer with every coin that there is."""
    found: dict[str, None] = {}
    for state in call.exchange.states.values():
        instrument = state.setup.instrument
        found[instrument.base or state.symbol.split("-")[0]] = None
        found[instrument.quote] = None
    return sorted(found)


def networks(call: Call) -> dict[str, Any]:
    """Answer with the one network that coins move on here."""
    coin = str(call.params.get("crypto") or "USDT")
    row = {
        "network": "EMULATED",
        "crypto": coin,
        "withdrawFee": "1.0",
        "minWithdraw": "10.0",
        "minDeposit": "1.0",
    }
    return {"code": 1, "msg": "Success", "time": call.now_ms, "data": [row], "success": True}


def exchange_rate(call: Call) -> dict[str, Any]:
    """Answer with the last price of one coin in another.

    Raises:
        Refused: if there is no market of the two.
    """
    base, quote = str(call.params.get("baseCurrency") or ""), str(call.params.get("quoteCurrency") or "")
    for state in call.exchange.states.values():
        if state.symbol == f"{base}-{quote}":
            data = {"rate": f"{state.last:f}"}
            return {
                "code": 1,
                "msg": "Success",
                "time": milliseconds(call.now_ms * _MS),
                "data": data,
                "success": True,
            }
    raise Refused(400, -2, "BAD_REQUEST: no rate between the currencies", envelope=True)


def _both(path: str, act: Any) -> tuple[Endpoint, Endpoint]:
    return (
        Endpoint("GET", Product.SPOT, f"/api/v3.3/{path}", act),
        Endpoint("GET", Product.FUTURES, f"/api/v2.3/{path}", act),
    )


ENDPOINTS = (
    *_both("market_summary", market_summary),
    *_both("ohlcv", ohlcv),
    *_both("price", price),
    *_both("orderbook", orderbook),
    *_both("orderbook/L2", orderbook_l2),
    *_both("trades", trades),
    Endpoint("GET", Product.SPOT, "/api/v3.3/time", server_time),
    Endpoint("GET", Product.FUTURES, "/api/v2.3/funding_history", funding_history),
    Endpoint("GET", Product.FUTURES, "/api/v2.3/market/risk_limit", risk_limits),
    Endpoint("GET", Product.SPOT, "/api/v3.2/availableCurrencies", available_currencies),
    Endpoint("GET", None, "/public-api/wallet/v1/crypto/networks", networks),
    Endpoint("GET", None, "/public-api/wallet/v1/assets/exchangeRate", exchange_rate),
)
