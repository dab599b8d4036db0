"""Paths, methods and signatures against ccxt's client of the venue's sister, which was written apart from ours."""

import asyncio
import contextlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.errors import HooklineError
from hookline.model import MarginMode, Side
from hookline_lmex.codes import OrderKind, PositionModeName, TransferWallet
from hookline_lmex.endpoints import Endpoint
from hookline_lmex.futures import FuturesApi
from hookline_lmex.requests import NewOrder
from hookline_lmex.settings import Settings
from hookline_lmex.signing import sign, signed_path
from hookline_lmex.spot import SpotApi
from hookline_lmex.wire import encode

ccxt = pytest.importorskip("ccxt")

# Documented as needing no key, though ccxt sends one.
OPEN_TO_ALL = {
    "GET /spot/api/v3.2/availableCurrencies",
    "GET /public-api/wallet/v1/crypto/networks",
    "GET /public-api/wallet/v1/assets/exchangeRate",
}
LIMIT = NewOrder(symbol="X", side=Side.BUY, size=1, price=Decimal(2))
PEG = NewOrder(symbol="X", side=Side.BUY, size=1, price=Decimal(2), kind=OrderKind.PEG)


class NotingTransport:
    """Notes which endpoints are called, with which body, and answers nothing that could be used."""

    def __init__(self) -> None:
        self.seen: list[tuple[Endpoint, Any]] = []

    class clock:
        now = 10**18
        now_ms = 10**12

    async def call(self, endpoint: Endpoint, parse: Any, params: Any = None, body: Any = None) -> Any:
        self.seen.append((endpoint, body))
        return []


def both(api: Any) -> Iterable[Any]:
    yield from (
        api.market_summary(), api.ohlcv("X", 1), api.prices(), api.order_book("X"), api.grouped_book("X"), api.trades("X"),
        api.create_order(LIMIT), api.peg_order(PEG), api.amend_order("X", order_id="o", price=Decimal(3)),
        api.cancel_order("X", order_id="o"), api.cancel_all("X"), api.cancel_all_after(1), api.order(order_id="o"),
        api.open_orders(), api.trade_page("X"), api.fees(), api.wallet(), api.wallet_history(),
    )  # fmt: skip


def spot_only(api: SpotApi) -> Iterable[Any]:
    yield from (
        api.server_time(), api.available_currencies(), api.convert(Decimal(1), "A", "B"), api.subaccount_history(),
        api.networks("A"), api.exchange_rate("A", "B"),
    )  # fmt: skip


def futures_only(api: FuturesApi) -> Iterable[Any]:
    yield from (
        api.funding_history("X"), api.risk_limits(), api.positions(), api.close_position("X"),
        api.bind_tpsl("X", stop_loss_price=Decimal(1)), api.leverage("X"), api.set_leverage("X", 1, MarginMode.CROSS),
        api.risk_limit("X"), api.set_risk_limit("X", 1), api.position_mode(),
        api.set_position_mode("X", PositionModeName.HEDGE), api.settle_in("X", "A"), api.margin_setting(),
        api.unified_margin("X"), api.margin("X"),
        api.transfer("A", Decimal(1), TransferWallet.SPOT, TransferWallet.CROSS),
        api.subaccount_transfer("A", None, TransferWallet.SPOT, TransferWallet.CROSS, "a", "b"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def calls() -> list[tuple[Endpoint, Any]]:
    """Every call that our client can make."""
    transport: Any = NotingTransport()
    spot, futures = SpotApi(transport, Settings()), FuturesApi(transport, Settings())

    async def main() -> None:
        for call in (*both(spot), *both(futures), *spot_only(spot), *futures_only(futures)):
            with contextlib.suppress(AttributeError, HooklineError):  # of an answer that is nothing
                await call

    asyncio.run(main())
    return transport.seen  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def theirs() -> Any:
    return ccxt.btse({"apiKey": "k", "secret": "a-secret"})


def known(api: dict[str, Any]) -> set[str]:
    """Return ccxt's table of calls as lines of ours."""
    return {
        f"{method.upper()} /{path}"
        for methods in api.values()
        for method, paths in methods.items()
        for path in paths
    }


def test_every_call_is_one_that_ccxt_knows(calls: list[tuple[Endpoint, Any]], theirs: Any) -> None:
    ours = {endpoint.where for endpoint, _ in calls}
    assert len(ours) > 55
    assert ours - known(theirs.api) == set()


def test_what_ccxt_calls_private_is_signed(calls: list[tuple[Endpoint, Any]], theirs: Any) -> None:
    public = known({"public": theirs.api["public"]})
    for endpoint, _ in calls:
        assert endpoint.signed == (endpoint.where not in public | OPEN_TO_ALL), endpoint.where


def test_only_reads_and_the_cancel_of_one_order_are_ever_repeated(calls: list[tuple[Endpoint, Any]]) -> None:
    repeated = {endpoint.where for endpoint, _ in calls if endpoint.repeat and endpoint.method != "GET"}
    assert repeated == {"DELETE /spot/api/v3.3/order", "DELETE /futures/api/v2.3/order"}
    assert all(endpoint.repeat for endpoint, _ in calls if endpoint.method == "GET")


@settings(max_examples=40)
@given(nonce=st.integers(10**12, 2 * 10**12), data=st.data())
def test_signatures_are_those_of_ccxt(nonce: int, data: st.DataObject, calls: Any, theirs: Any) -> None:
    endpoint, body = data.draw(st.sampled_from([call for call in calls if call[0].signed]))
    theirs.nonce = lambda: nonce
    signed = theirs.sign(
        endpoint.path[1:], ["private"], endpoint.method, {"x": 1} if body is None else {"size": 3}
    )
    content = (signed["body"] or "").encode()
    found = sign("a-secret", signed_path(endpoint.path), nonce, content)
    assert found == signed["headers"]["request-sign"]
    if body is not None:
        assert encode({"size": 3}) == content
