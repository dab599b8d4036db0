"""Whether the markets are there, and on what terms."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial

from hookline.diagnosis import Finding
from hookline.errors import VenueError
from hookline.model import Instrument
from hookline_lmex.broker_opening import check_markets
from hookline_lmex.client import LmexClient
from hookline_lmex.doctor_remedies import tried
from hookline_lmex.errors import LmexRefused
from hookline_lmex.results_market import MarketSummary

__all__ = ["examine_markets", "typical_symbols"]


async def typical_symbols(client: LmexClient) -> list[str]:
    """Return the perpetual and the spot market with the most turnover.

    Raises:
        VenueError: if the venue does not answer.
    """
    found = []
    for api in (client.futures, client.spot):
        rows = [one for one in await api.market_summary() if one.is_active and not one.is_dated]
        if rows:
            found.append(max(rows, key=lambda one: (one.quote_volume, one.symbol)).symbol)
    return found


async def examine_markets(
    client: LmexClient, terms: Mapping[str, Instrument | None]
) -> tuple[dict[str, MarketSummary], list[Finding]]:
    """Return the markets that are there, and what was found of each.

    Args:
        client: Open.
        terms: By symbol, as a session trades them; None for one that is only looked at.
    """
    markets: dict[str, MarketSummary] = {}
    findings = []
    for symbol, instrument in terms.items():
        findings += await tried(f"{symbol} rules", partial(_examine, client, symbol, instrument, markets))
    return markets, findings


async def _examine(
    client: LmexClient, symbol: str, instrument: Instrument | None, markets: dict[str, MarketSummary]
) -> list[Finding]:
    name = f"{symbol} rules"
    try:
        rows = await client.product(symbol).market_summary(symbol, full=True)
    except LmexRefused as error:
        rows, why = [], f": {error.text}"
    else:
        why = ""
    found = [row for row in rows if row.symbol == symbol]
    if not found:
        return [
            Finding(
                name,
                "fail",
                f"the venue lists no such market{why}",
                "hookline lmex ticker shows what there is",
            )
        ]
    market = markets[symbol] = found[0]
    text = await _terms(client, market)
    if not (market.is_active and market.is_open):
        return [
            Finding(
                name, "fail", f"the venue does not trade this market now; {text}", "trade another, or wait"
            )
        ]
    if instrument is not None:
        try:
            await check_markets(client, {symbol: instrument})
        except VenueError as error:
            fix = f"take tick_size, lot_size and contract_size out of 'instruments: {symbol}:'"
            return [Finding(name, "fail", str(error), fix)]
    return [Finding(name, "ok", text)]


async def _terms(client: LmexClient, market: MarketSummary) -> str:
    unit = market.contract_size or Decimal(1)
    parts = [
        f"tick {_plain(market.tick_size)}",
        f"lot {_plain(unit * market.size_step)} {market.base}",
        f"orders of {_plain(unit * market.min_size)} to {_plain(unit * market.max_size)} {market.base}",
        f"worth {client.settings.min_notional:g} {market.quote} or more",
    ]
    if market.contract_size is not None:
        parts.insert(2, f"contract {_plain(market.contract_size)}")
        tiers = [
            one for one in await client.futures.risk_limits(market.symbol) if one.symbol == market.symbol
        ]
        if tiers:
            parts.append(
                f"leverage to {_plain(tiers[0].max_leverage)}x up to {tiers[0].notional_limit:,.0f} {market.quote}"
            )
        hours = f" each {market.funding_interval_minutes / 60:g} h" if market.funding_interval_minutes else ""
        parts.append(f"funding {float(market.funding_rate):+.4%}{hours}")
    return ", ".join(parts)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
