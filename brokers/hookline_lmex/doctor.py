"""What keeps a session from trading at LMEX, or may: found out by looking only.

Rules of this file:

- Nothing is sent that could change anything: no order, no setting. Whether a key may trade is learned by asking for an order that
  nobody has.
- Each examination stands alone: what the venue refuses or does not answer is a finding, and the next one goes on.
- What a key is needed for is left out without one, and that is said.
- No finding holds the key, the secret or a signature.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hookline.clock import stopwatch
from hookline.diagnosis import Finding, PlannedOrder, State
from hookline.errors import ConfigError, VenueError
from hookline.model import Instrument
from hookline_lmex.client import LmexClient, is_futures_symbol
from hookline_lmex.doctor_account import examine_account
from hookline_lmex.doctor_markets import examine_markets, typical_symbols
from hookline_lmex.doctor_orders import examine_orders
from hookline_lmex.doctor_remedies import remedy_of, tried
from hookline_lmex.doctor_sockets import examine_sockets
from hookline_lmex.settings import Settings

if TYPE_CHECKING:
    from hookline_lmex.broker import LmexBroker
    from hookline_lmex.credentials import Credentials

__all__ = ["diagnose"]

# The venue counts calls by the second; those that made out what a session would do are over then.
_PAUSE_SECONDS = 1.0
_TRIPS = 7
_SLOW_SECONDS, _STALLED_SECONDS = 0.5, 2.0
_CLOCK_SECONDS = 1.0
# What the venue documents; see the settings.
_DOCUMENTED = Settings()
_RATES = {
    "query_rate": "queries of one kind",
    "user_rate": "queries in all",
    "order_rate": "order calls",
    "wallet_rate": "wallet calls",
}


async def diagnose(
    broker: LmexBroker,
    settings: Settings,
    instruments: Mapping[str, Instrument | None],
    planned: Sequence[PlannedOrder],
) -> list[Finding]:
    """Examine the way to LMEX, the markets, the account, and what would become of some orders.

    Args:
        broker: With its parameters; it need not be connected.
        settings: Where the venue is, as these parameters say.
        instruments: By symbol, as a session trades them; None for one that is only looked at. Empty for the markets with the most
            turnover.
        planned: Orders that a session is likely to place.
    """
    settings = replace(settings, retries=1, warm_seconds=0.0)
    is_session = any(one is not None for one in instruments.values())
    credentials, found = _key(broker, is_needed=is_session)
    if is_session:
        await asyncio.sleep(_PAUSE_SECONDS)
    client = LmexClient(settings, credentials)
    try:
        await client.open()
    except VenueError as error:
        return [_unreachable(settings, error), *found]
    try:
        return await _examine(client, broker, credentials, instruments, planned, found)
    finally:
        await client.aclose()


async def _examine(
    client: LmexClient,
    broker: LmexBroker,
    credentials: Credentials | None,
    instruments: Mapping[str, Instrument | None],
    planned: Sequence[PlannedOrder],
    found: list[Finding],
) -> list[Finding]:
    settings = client.settings
    findings = [Finding("connection", "ok", f"{settings.rest_url} answers"), _clock(client)]
    findings += await tried("latency", lambda: _latency(client))
    symbols = list(instruments)
    if not symbols:
        findings += await tried("markets", lambda: _choose(client, symbols))
    futures = any(is_futures_symbol(symbol) for symbol in symbols)
    spot = not all(is_futures_symbol(symbol) for symbol in symbols)
    products = [name for name, is_used in (("futures", futures), ("spot", spot)) if is_used]
    findings += await examine_sockets(client, products, credentials)
    findings.append(_rates(settings))
    terms = {symbol: instruments.get(symbol) for symbol in symbols}
    markets, of_markets = await examine_markets(client, terms)
    findings += of_markets + found
    if credentials is not None:
        findings += await examine_account(client, broker, products, terms)
    return findings + await examine_orders(client, planned, markets)


# -- the way there -----------------------------------------------------------------------------------------------------


def _key(broker: LmexBroker, *, is_needed: bool) -> tuple[Credentials | None, list[Finding]]:
    """Return the key, and what is wrong with where it should be."""
    fix = f"set {broker.key_env} and {broker.secret_env}, in the environment or in .env"
    try:
        return broker.credentials(), []
    except ConfigError as error:
        state: State = "fail" if is_needed else "warn"
        left_out = "only what needs no key was examined"
        return None, [Finding("key", state, f"{error}; {left_out}", fix)]


def _unreachable(settings: Settings, error: VenueError) -> Finding:
    return Finding("connection", "fail", f"{settings.rest_url} does not answer: {error}", remedy_of(error))


def _clock(client: LmexClient) -> Finding:
    clock = client.clock
    if client.settings.clock_speed != 1.0:
        speed = f"the venue's time runs {client.settings.clock_speed:g} times as fast as ours"
        return Finding("clock", "ok", f"{speed}: not compared")
    ahead, error = clock.offset_seconds, clock.round_trip_seconds / 2.0
    where = "behind" if ahead > 0 else "ahead of"
    text = f"this machine is {abs(ahead):.3f} s {where} the venue (± {error:.3f} s); nonces follow the venue"
    if abs(ahead) - error <= _CLOCK_SECONDS:
        return Finding("clock", "ok", text)
    return Finding("clock", "warn", text, "let this machine set its clock by the network (NTP)")


async def _latency(client: LmexClient) -> list[Finding]:
    """Measure calls on the connection that orders use; the first, which opens it, has been made."""
    trips = []
    pause = 2.0 / client.settings.query_rate  # so that no call waits for its turn
    for _ in range(_TRIPS):
        await asyncio.sleep(pause)
        began = stopwatch()
        await client.spot.server_time()
        trips.append(stopwatch() - began)
    median, worst = statistics.median(trips), max(trips)
    text = f"{_TRIPS} round trips: median {1e3 * median:.0f} ms, worst {1e3 * worst:.0f} ms"
    if median <= _SLOW_SECONDS and worst <= _STALLED_SECONDS:
        return [Finding("latency", "ok", text)]
    fix = "trade from a machine nearer to the venue, or not with strategies that must be quick"
    return [Finding("latency", "warn", text, fix)]


async def _choose(client: LmexClient, symbols: list[str]) -> list[Finding]:
    symbols += await typical_symbols(client)
    return []


def _rates(settings: Settings) -> Finding:
    said = {name: getattr(settings, name) for name in _RATES}
    text = ", ".join(f"{value:g} {_RATES[name]}" for name, value in said.items()) + " a second"
    above = [name for name, value in said.items() if value > getattr(_DOCUMENTED, name)]
    if not above:
        return Finding("rate limits", "ok", f"configured: {text}")
    most = ", ".join(f"{name}: {getattr(_DOCUMENTED, name):g}" for name in above)
    return Finding("rate limits", "warn", f"configured: {text}; more than the venue documents", f"set {most}")
