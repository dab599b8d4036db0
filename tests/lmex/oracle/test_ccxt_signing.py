"""The same request, by our client and by ccxt's: the same path, the same query, the same headers to the last digit."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

pytest.importorskip("ccxt")

import ccxt.async_support
from aiohttp import web
from aiohttp.test_utils import TestServer
from ccxt_venue import KEY, SECRET, HandFeed, at_home, oracle_config

from hookline.errors import HooklineError
from hookline.model import Side
from hookline_lmex.client import LmexClient
from hookline_lmex.codes import OrderKind
from hookline_lmex.credentials import Credentials
from hookline_lmex.emulator import Emulator, EmulatorConfig
from hookline_lmex.requests import NewOrder
from hookline_lmex.settings import Settings

SIGNED = ("request-api", "request-nonce", "request-sign")
Ours = Callable[[LmexClient], Awaitable[Any]]


class Heard(NamedTuple):
    """One request as a server hears it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


FUTURES_BODY = {
    "symbol": "BTC-PERP", "side": "BUY", "type": "LIMIT", "price": 98.5, "size": 60, "postOnly": True, "clOrderID": "s-1",
}  # fmt: skip
SPOT_BODY = {"symbol": "BTC-USDT", "side": "SELL", "type": "LIMIT", "price": 104.5, "size": 0.25}
CALLS: list[tuple[str, dict[str, Any], Ours]] = [
    (
        "privatePostFuturesApiV23Order",
        FUTURES_BODY,
        lambda ours: ours.futures.create_order(
            NewOrder(
                symbol="BTC-PERP", side=Side.BUY, price=Decimal("98.5"), size=60, post_only=True,
                client_order_id="s-1",
            )
        ),
    ),
    (
        "privatePostSpotApiV33Order",
        SPOT_BODY,
        lambda ours: ours.spot.create_order(
            NewOrder(symbol="BTC-USDT", side=Side.SELL, price=Decimal("104.5"), size=Decimal("0.25"))
        ),
    ),
    (
        "privatePutFuturesApiV23Order",
        {"symbol": "BTC-PERP", "clOrderID": "s-1", "type": "PRICE", "value": 97.5},
        lambda ours: ours.futures.amend_order("BTC-PERP", client_order_id="s-1", price=Decimal("97.5")),
    ),
    (
        "privateGetFuturesApiV23Order",
        {"clOrderID": "s-1"},
        lambda ours: ours.futures.order(client_order_id="s-1"),
    ),
    (
        "privateGetSpotApiV33UserOpenOrders",
        {"symbol": "BTC-USDT"},
        lambda ours: ours.spot.open_orders("BTC-USDT"),
    ),
    (
        "privateGetFuturesApiV23UserWallet",
        {"wallet": "CROSS@"},
        lambda ours: ours.futures.wallet("CROSS@"),
    ),
    ("privateGetSpotApiV32UserWallet", {}, lambda ours: ours.spot.wallet()),
    (
        "privatePostFuturesApiV23OrderCancelAllAfter",
        {"timeout": 30000},
        lambda ours: ours.futures.cancel_all_after(30000),
    ),
    (
        "privateDeleteFuturesApiV23Order",
        {"symbol": "BTC-PERP", "clOrderID": "s-1"},
        lambda ours: ours.futures.cancel_order("BTC-PERP", client_order_id="s-1"),
    ),
]  # fmt: skip


NONCE = 1_767_225_600_456


class OneNonce:
    """Makes every call at the same millisecond."""

    def next(self, _now: int) -> int:
        """Return it."""
        return NONCE


async def _heard(make: Callable[[str], Awaitable[Any]]) -> list[Heard]:
    """Return what a server hears while a client of it makes its calls."""
    found: list[Heard] = []

    async def note(request: web.Request) -> web.Response:
        if request.path.endswith("/time"):
            return web.json_response({"iso": "2026-01-01T00:00:00.456Z", "epoch": NONCE // 1000})
        headers = {name: request.headers[name] for name in SIGNED}
        if request.can_read_body:
            headers["content-type"] = request.content_type
        found.append(Heard(request.method, request.path, request.query_string, headers, await request.read()))
        return web.json_response([])

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", note)
    server = TestServer(application)
    await server.start_server()
    async with asyncio.timeout(20):
        await make(str(server.make_url("")).rstrip("/"))
    await server.close()
    return found


async def _ask_ccxt(url: str) -> None:
    client = ccxt.async_support.btse({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False})
    client.urls["api"] = {"public": url, "private": url}
    client.nonce = lambda: NONCE
    try:
        for name, body, _ in CALLS:
            await getattr(client, name)(body)
    finally:
        await client.close()


async def _ask_as_we_do(url: str) -> None:
    settings = Settings(rest_url=url, retries=0, warm_seconds=0)
    async with LmexClient(settings, Credentials(KEY, SECRET)) as client:
        for _, _, call in CALLS:
            with contextlib.suppress(HooklineError):  # an empty answer is not what some calls want
                await call(client)


def test_every_request_is_the_same_to_the_last_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hookline_lmex.http.nonces_of", lambda *_: OneNonce())
    ours, theirs = asyncio.run(_heard(_ask_as_we_do)), asyncio.run(_heard(_ask_ccxt))
    assert len(ours) == len(CALLS)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == other
        assert mine.headers["request-nonce"] == str(NONCE)


def test_the_clients_read_the_same_of_one_account() -> None:
    """Orders of each client are read by the other, beside each other at one venue."""

    async def run() -> None:
        async with asyncio.timeout(30), Emulator(shared_config(), {"hand": HandFeed()}) as emulator:
            await emulator.step(4)
            theirs = at_home(ccxt.async_support.btse(), emulator.rest_url, emulator.clock.now // 10**6)
            settings = Settings(rest_url=emulator.rest_url, warm_seconds=0)
            try:
                async with LmexClient(settings, Credentials(KEY, SECRET)) as ours:
                    await _trade_beside_each_other(theirs, ours)
            finally:
                await theirs.close()

    asyncio.run(run())


def shared_config() -> EmulatorConfig:
    """Return a venue where two clients of one key may be: their nonces are new, but do not rise together."""
    return oracle_config(nonce_must_rise=False)


async def _trade_beside_each_other(theirs: Any, ours: LmexClient) -> None:
    await theirs.privatePostFuturesApiV23Order(CALLS[0][1] | {"clOrderID": "by-ccxt"})
    order = NewOrder(
        symbol="BTC-PERP", side=Side.SELL, price=Decimal("103.5"), size=70, client_order_id="by-us"
    )
    await ours.futures.create_order(order)
    market = NewOrder(
        symbol="BTC-PERP", side=Side.BUY, kind=OrderKind.MARKET, size=1200, client_order_id="taker"
    )
    await ours.futures.create_order(market)
    read = {one.client_order_id: one for one in await ours.futures.open_orders()}
    rows = await theirs.privateGetFuturesApiV23UserOpenOrders()
    assert set(read) == {row["clOrderID"] for row in rows} == {"by-ccxt", "by-us"}
    for row in rows:
        found, mine = theirs.parse_order(row), read[row["clOrderID"]]
        assert (found["id"], found["price"]) == (mine.order_id, float(mine.price))
        assert (found["amount"], found["remaining"]) == (mine.size, mine.remaining)
        assert found["side"] == mine.side.name.lower()
    fills = theirs.parse_trades(await theirs.privateGetFuturesApiV23UserTradeHistory())
    mine = await ours.futures.trade_history("BTC-PERP")
    assert sorted((one["id"], one["price"], one["amount"], one["fee"]["cost"]) for one in fills) == sorted(
        (one.trade_id, float(one.price), float(one.size), float(one.fee)) for one in mine
    )
    (position,) = theirs.parse_positions(await theirs.privateGetFuturesApiV23UserPositions())
    (held,) = await ours.futures.positions()
    assert (position["contracts"], position["entryPrice"]) == (held.contracts, float(held.entry_price))
    assert position["side"] == ("long" if held.side is Side.BUY else "short")
    assert position["unrealizedPnl"] == float(held.unrealized)
    canceled = await theirs.privateDeleteFuturesApiV23Order({"symbol": "BTC-PERP"})
    assert {theirs.parse_order(row)["id"] for row in canceled} == {one.order_id for one in read.values()}
    assert await ours.futures.open_orders() == []
