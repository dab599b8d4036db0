"""Public rows as the wire has them."""

from __future__ import annotations

from typing import Any

from hookline.model import Side
from hookline_lmex.emulator.market_state import MarketState, PublicTrade
from hookline_lmex.emulator.wire_numbers import milliseconds, number, size_text

__all__ = ["book_row", "old_symbol", "price_row", "summary_row", "trade_row"]

_SECOND = 10**9


def old_symbol(symbol: str) -> str:
    """Return the old name of a perpetual: ``BTCPFC`` for ``BTC-PERP``."""
    return symbol.replace("-PERP", "PFC")


def price_row(state: MarketState) -> dict[str, Any]:
    """Return index, last and mark price; spot has no mark."""
    return {
        "symbol": state.symbol,
        "indexPrice": number(state.fair),
        "lastPrice": number(state.last),
        "markPrice": number(state.fair) if state.is_futures else 0,
    }


def summary_row(state: MarketState, now: int, open_contracts: int, *, full: bool) -> dict[str, Any]:
    """Return the summary of a market; ``open_contracts`` are what is held of it here."""
    instrument = state.setup.instrument
    first, high, low, turnover, volume = state.day(now)
    bids, asks = state.levels(Side.BUY, 1), state.levels(Side.SELL, 1)
    change = 100.0 * (state.last / first - 1.0) if first else 0.0
    symbol_parts = state.symbol.split("-")
    row: dict[str, Any] = {
        "symbol": state.symbol,
        "last": number(state.last),
        "lowestAsk": number(asks[0][0] if asks else 0.0),
        "highestBid": number(bids[0][0] if bids else 0.0),
        "percentageChange": number(round(change, 4)),
        "volume": number(turnover),
        "high24Hr": number(high),
        "low24Hr": number(low),
        "base": instrument.base or symbol_parts[0],
        "quote": instrument.quote,
        "active": state.is_listed,
        "minValidPrice": number(float(instrument.tick_size)),
        "minPriceIncrement": number(float(instrument.tick_size)),
        "contractStart": 0,
        "contractEnd": 0,
        "timeBasedContract": False,
        "openTime": 0,
        "closeTime": 0,
        "startMatching": 0,
        "inactiveTime": 0,
    }
    return row | (
        _of_futures(state, now, open_contracts, full=full) if state.is_futures else _of_spot(state, volume)
    )


def _of_spot(state: MarketState, volume: float) -> dict[str, Any]:
    instrument = state.setup.instrument
    return {
        "size": number(volume),
        "minOrderSize": number(instrument.units(instrument.min_lots)),
        "maxOrderSize": number(instrument.units(state.setup.max_lots)),
        "minSizeIncrement": number(float(instrument.lot_size)),
        "openInterest": 0,
        "openInterestUSD": 0,
        "fundingRate": 0,
        "contractSize": 0,
        "maxPosition": 0,
        "minRiskLimit": 0,
        "maxRiskLimit": 0,
        "availableSettlement": None,
        "futures": False,
        "isMarketOpenToOtc": False,
        "isMarketOpenToSpot": state.is_listed,
    }


def _of_futures(state: MarketState, now: int, open_contracts: int, *, full: bool) -> dict[str, Any]:
    instrument = state.setup.instrument
    contract = instrument.contract_size or instrument.lot_size
    step = int(instrument.lot_size / contract)
    limits = [number(float(tier.up_to)) for tier in instrument.tiers if tier.up_to is not None]
    row: dict[str, Any] = {
        "openInterest": open_contracts,
        "openInterestUSD": number(open_contracts * float(contract) * state.fair),
        "fundingRate": number(state.funding_rate),
        "contractSize": number(float(contract)),
        "maxPosition": limits[-1] if limits else 900_000_000,
        "minOrderSize": step * instrument.min_lots,
        "maxOrderSize": step * state.setup.max_lots,
        "minSizeIncrement": step,
        "minRiskLimit": limits[0] if limits else 2_000_000,
        "maxRiskLimit": limits[-1] if limits else 900_000_000,
        "availableSettlement": ["USD", instrument.quote],
    }
    if full:
        row["fundingIntervalMinutes"] = state.setup.funding_interval_minutes
        row["fundingTime"] = milliseconds(state.next_funding(now))
    return row


def book_row(state: MarketState, bids: int, asks: int, now: int, step: float = 0.0) -> dict[str, Any]:
    """Return the best levels, best first, as objects of texts; ``step`` groups prices."""
    instrument = state.setup.instrument
    exponent = instrument.tick_size.normalize().as_tuple().exponent
    places = max(0, -exponent) if isinstance(exponent, int) else 0

    def rows(side: Side, depth: int) -> list[dict[str, str]]:
        found = state.levels(side, depth if not step else 1000)
        return [
            {"price": f"{price:.{places}f}", "size": size_text(instrument, quantity)}
            for price, quantity in (_grouped(found, step, side) if step else found)[:depth]
        ]

    return {
        "symbol": state.symbol,
        "buyQuote": rows(Side.BUY, bids),
        "sellQuote": rows(Side.SELL, asks),
        "timestamp": milliseconds(now),
    }


def _grouped(levels: list[tuple[float, float]], step: float, side: Side) -> list[tuple[float, float]]:
    """Return levels put together at whole steps: bids at the one below, asks at the one above."""
    found: dict[float, float] = {}
    for price, quantity in levels:
        steps = price / step
        whole = round(steps) if abs(steps - round(steps)) < 1e-6 else int(steps) + (side < 0)
        at = whole * step
        found[at] = found.get(at, 0.0) + quantity
    return list(found.items())


def trade_row(state: MarketState, one: PublicTrade) -> dict[str, Any]:
    """Return a public trade."""
    trade, instrument = one.trade, state.setup.instrument
    size: float | int = number(trade.quantity)
    if state.is_futures:
        size = max(1, round(trade.quantity / float(instrument.contract_size or instrument.lot_size)))
    return {
        "price": number(trade.price),
        "size": size,
        "side": trade.side.name,
        "symbol": state.symbol,
        "serialId": one.trade_id,
        "timestamp": milliseconds(trade.venue_time),
    }
