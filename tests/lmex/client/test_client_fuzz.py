"""Whatever the venue answers, it is read or refused with the error that says so: nothing else escapes."""

import asyncio
import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_venue import TIME, ScriptedVenue, action, run
from test_client_account_shapes import FUTURES_WALLET, POSITION, changed
from test_client_market_shapes import BOOK, FUTURES_SUMMARY, SPOT_SUMMARY
from test_client_order_shapes import FUTURES_STATE, SPOT_ACTION, SPOT_STATE

from hookline_lmex import parse_account, parse_market, parse_orders
from hookline_lmex.credentials import Credentials
from hookline_lmex.endpoints import Endpoint
from hookline_lmex.errors import LmexError
from hookline_lmex.http import Transport
from hookline_lmex.limits import Limits
from hookline_lmex.settings import Settings

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["NaN", "-Infinity", "1e999999999", "", "1e-5", "BUY", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def counted(parse: Any, *, are_contracts: bool) -> Any:
    return lambda answer: parse(answer, counted=are_contracts)


SHAPES: dict[str, tuple[Any, Any]] = {
    "spot markets": (parse_market.spot_summaries, [SPOT_SUMMARY]),
    "futures markets": (parse_market.futures_summaries, [FUTURES_SUMMARY]),
    "book": (parse_market.order_book, BOOK),
    "bars": (parse_market.candles, [[1772600400, 1, 2, 0.5, 1, 7]]),
    "time": (parse_market.server_time, TIME),
    "funding": (parse_market.funding_points, {"X-PERP": [{"time": 1, "rate": 0.1, "symbol": "X-PERP"}]}),
    "spot actions": (counted(parse_orders.order_actions, are_contracts=False), [SPOT_ACTION]),
    "futures actions": (counted(parse_orders.order_actions, are_contracts=True), [action()]),
    "spot state": (counted(parse_orders.order_state, are_contracts=False), SPOT_STATE | {"status": 2}),
    "futures state": (counted(parse_orders.order_state, are_contracts=True), FUTURES_STATE | {"status": 2}),
    "positions": (parse_account.positions, [POSITION]),
    "wallets": (parse_account.futures_wallets, [FUTURES_WALLET]),
    "change": (parse_account.setting_change, changed(93)),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where junk may be put."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path, *(place for key in keys for place in places(value[key], (*path, key)))]


def with_junk(value: Any, place: tuple[Any, ...], junk: Any) -> Any:
    if not place:
        return junk
    value = copy.deepcopy(value)
    inner = value
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = junk
    return value


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_read_as_it_is(name: str) -> None:
    parse, shape = SHAPES[name]
    assert not isinstance(judged(parse, json.dumps(shape).encode()), LmexError)


@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_junk_anywhere_is_read_or_refused(name: str, data: st.DataObject) -> None:
    parse, shape = SHAPES[name]
    spoiled = with_junk(shape, data.draw(st.sampled_from(places(shape))), data.draw(JUNK))
    judged(parse, json.dumps(spoiled).encode())


@settings(max_examples=100)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_bytes_that_are_no_answer_are_refused(raw: bytes) -> None:
    judged(parse_market.spot_summaries, raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1e99999999999999999999}',
        b"[" * 100_000,
        b'{"a":1e-99999999999999999999}',
        b"\xff\xfe",
        b"[1e400]",
    ],
)
def test_numbers_and_nesting_beyond_all_bounds_are_refused(raw: bytes) -> None:
    assert isinstance(judged(parse_market.candles, raw), LmexError)


def judged(parse: Any, raw: bytes) -> Any:
    """Return what the client makes of an answer with these bytes, without a socket."""

    async def main() -> Any:
        config = Settings()
        transport = Transport(config, Credentials("k-of-fuzz", "s-of-fuzz"), Limits(config))
        endpoint = Endpoint("POST", "/futures/api/v2.3/order", signed=True)
        return transport._judge(endpoint, transport._answer(endpoint, 200, raw, None), parse)

    return asyncio.run(main())


def test_a_cut_answer_is_doubtful_wherever_it_is_cut() -> None:
    from scripted_venue import Says

    from hookline.model import Side
    from hookline_lmex.client import LmexClient
    from hookline_lmex.errors import LmexUnknown
    from hookline_lmex.requests import NewOrder

    whole = json.dumps([action()])

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        from decimal import Decimal

        order = NewOrder(symbol="ETH-PERP", side=Side.SELL, size=40, price=Decimal("3101.25"))
        for length in range(0, len(whole), 23):
            venue.will("POST /futures/api/v2.3/order", Says(text=whole[:length]))
            with pytest.raises(LmexUnknown):
                await client.futures.create_order(order)

    run(test)
