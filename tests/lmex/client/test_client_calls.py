"""What is repeated and what is not, over real sockets: the rule is that nothing is ever done twice."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from scripted_venue import KEY, SECRET, Drops, Says, ScriptedVenue, Stalls, action, run

from hookline.errors import ConfigError
from hookline.model import Side
from hookline_lmex.client import LmexClient
from hookline_lmex.credentials import Credentials
from hookline_lmex.errors import (
    LmexForbidden,
    LmexLimited,
    LmexMalformed,
    LmexNotFound,
    LmexRefused,
    LmexUnknown,
    LmexUnreachable,
)
from hookline_lmex.requests import NewOrder
from hookline_lmex.settings import Settings

CREATE = "POST /futures/api/v2.3/order"
AMEND = "PUT /futures/api/v2.3/order"
CANCEL = "DELETE /futures/api/v2.3/order"
QUERY = "GET /futures/api/v2.3/user/positions"
ORDER = NewOrder(symbol="ETH-PERP", side=Side.SELL, size=40, price=Decimal("3101.25"), client_order_id="hl-7")
LIMIT_BODY = {"status": 429, "errorCode": 303, "message": "Rate limit exceeded", "extraData": None}
DOUBTFUL: list[Any] = [
    Drops(),
    Says({"status": 500, "errorCode": -1, "message": "failed", "extraData": None}, 500),
    Says(text="<html>Bad Gateway</html>", status=502),
    Says(text="maintenance", status=503),
    Says({"code": -1, "msg": "timed out", "success": False, "data": None}, 408),
    Says(text='[{"status":2,"symbol":"ETH-P'),
    Says(text="<html>a page with status 200</html>"),
    Says(text=""),
    [],
    {"unexpected": True},
    [action(status=-1)],
    [action(status=17)],
    [action(status=4242)],
    [action(orderID=None)],
    [action(side=None)],
    [action(), action(status=8)],
    Says({"status": 400, "errorCode": -1, "message": "general failure", "extraData": None}, 400),
]


@pytest.mark.parametrize("reply", DOUBTFUL)
def test_a_doubtful_create_is_unknown_and_sent_once(reply: Any) -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CREATE, reply)
        with pytest.raises(LmexUnknown):
            await client.futures.create_order(ORDER)
        assert len(venue.calls(CREATE)) == 1

    run(test)


@pytest.mark.parametrize("reply", [Drops(), Says(text="", status=500)])
def test_a_doubtful_amendment_is_unknown_and_sent_once(reply: Any) -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(QUERY, [])
        await (
            client.futures.positions()
        )  # the connection is kept: it is on such a one that aiohttp repeats a PUT
        venue.will(AMEND, reply)
        with pytest.raises(LmexUnknown):
            await client.futures.amend_order("ETH-PERP", order_id="x", price=Decimal(3000))
        assert len(venue.calls(AMEND)) == 1

    run(test)


def test_a_cancel_by_id_is_repeated_after_its_answer_was_lost_and_one_of_all_orders_is_not() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CANCEL, Drops(), Says(text="", status=502), [action(status=6)])
        (canceled,) = await client.futures.cancel_order("ETH-PERP", client_order_id="hl-7")
        assert canceled.is_final
        sent = venue.calls(CANCEL)
        assert [one.query for one in sent] == [{"symbol": "ETH-PERP", "clOrderID": "hl-7"}] * 3
        assert all(one.body == b"" for one in sent)
        assert len({one.nonce for one in sent}) == 3
        venue.will(CANCEL, Drops())
        with pytest.raises(LmexUnknown):
            await client.futures.cancel_all("ETH-PERP")
        assert len(venue.calls(CANCEL)) == 4

    run(test)


@pytest.mark.parametrize(
    "last",
    [
        Says(LIMIT_BODY, 429, {"Retry-After": "600"}),
        Says({"status": 403, "errorCode": -3, "message": "FORBIDDEN", "extraData": None}, 403),
    ],
)
def test_a_cancel_that_may_have_happened_is_not_undone_by_the_refusal_of_its_repetition(last: Says) -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CANCEL, Drops(), last)
        with pytest.raises(LmexUnknown, match=r"connection failed .*; then: "):
            await client.futures.cancel_order("ETH-PERP", client_order_id="hl-7")

    run(test)


def test_a_repeated_cancel_of_what_is_gone_says_that_it_is_gone() -> None:
    gone = Says({"status": 429, "errorCode": -1, "message": "Order not found", "extraData": None}, 400)

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CANCEL, Says(text="", status=500), gone)
        with pytest.raises(LmexNotFound):
            await client.futures.cancel_order("ETH-PERP", client_order_id="hl-7")

    run(test)


def test_closing_leaves_what_is_under_way_unknown() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CANCEL, Stalls())
        venue.was_asked.clear()
        task = asyncio.create_task(client.futures.cancel_order("ETH-PERP", client_order_id="hl-7"))
        await venue.was_asked.wait()
        await client.aclose()
        with pytest.raises(LmexUnknown):
            await task
        with pytest.raises(LmexUnreachable, match="not open"):
            await client.futures.create_order(ORDER)

    run(test)


@pytest.mark.parametrize("reply", [Drops(), Says(text="", status=503), Says(text="<html>"), Says(text="[{")])
def test_a_query_is_repeated_until_it_is_answered(reply: Any) -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(QUERY, reply, reply, [])
        assert await client.futures.positions() == []
        assert len(venue.calls(QUERY)) == 3

    run(test)


def test_a_query_gives_up_after_as_many_repetitions_as_are_set() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(QUERY, Says(text="closed for repairs", status=503))
        with pytest.raises(LmexUnknown, match=r"user/positions: closed for repairs \(HTTP 503\)") as caught:
            await client.futures.positions()
        assert caught.value.status == 503
        assert len(venue.calls(QUERY)) == 3

    run(test, retries=2)


def test_a_venue_that_does_not_answer_leaves_an_order_unknown() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CREATE, Stalls())
        with pytest.raises(LmexUnknown, match="no answer within"):
            await client.futures.create_order(ORDER)
        assert len(venue.calls(CREATE)) == 1

    run(test, timeout_seconds=0.3)


def test_without_a_connection_nothing_was_sent() -> None:
    async def main() -> None:
        settings = Settings(rest_url="http://127.0.0.1:1", backoff_seconds=0.001, retries=1)
        with pytest.raises(LmexUnreachable, match="no connection"):
            await LmexClient(settings).open()

    asyncio.run(main())


def test_a_create_that_could_not_be_sent_is_tried_again() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        port = int(venue.url.rpartition(":")[2])
        await venue.stop()
        task = asyncio.create_task(client.futures.create_order(ORDER))
        await asyncio.sleep(0.05)
        again = ScriptedVenue()
        again.will(CREATE, [action()])
        await again.start(port)
        try:
            (taken,) = await task
            assert taken.order_id
            assert len(again.calls(CREATE)) == 1
        finally:
            await again.stop()

    run(test, backoff_seconds=0.2, retries=12, seed=3)


def test_a_rate_limit_is_waited_for_and_then_even_a_create_is_sent_again() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CREATE, Says(LIMIT_BODY, 429, {"Retry-After": "0.2"}), [action()])
        loop = asyncio.get_running_loop()
        before = loop.time()
        (taken,) = await client.futures.create_order(ORDER)
        assert taken.is_open
        assert loop.time() - before >= 0.19
        assert len(venue.calls(CREATE)) == 2

    run(test)


def test_during_a_long_ban_nothing_is_sent_at_all() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(QUERY, Says(LIMIT_BODY, 429, {"Retry-After": "300"}))
        venue.will("GET /spot/api/v3.3/price", [])
        with pytest.raises(LmexLimited) as caught:
            await client.futures.positions()
        assert 299 < caught.value.retry_seconds <= 300
        before = len(venue.asked)
        for call in (client.futures.positions(), client.spot.prices(), client.futures.create_order(ORDER)):
            with pytest.raises(LmexLimited, match="accepts no calls for another"):
                await call
        assert len(venue.asked) == before

    run(test)


def test_an_order_that_was_not_found_is_no_rate_limit_though_the_venue_says_429() -> None:
    body = {"status": 429, "errorCode": -1, "message": "Order not found", "extraData": ["x"]}

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        for status in (400, 429):
            venue.will(CANCEL, Says(body, status))
            with pytest.raises(LmexNotFound, match="Order not found"):
                await client.futures.cancel_order("ETH-PERP", order_id="x")
        venue.will("GET /futures/api/v2.3/order", Says(body, 400))
        with pytest.raises(LmexNotFound):
            await client.futures.order(client_order_id="hl-7")
        assert client.limits.banned_seconds == 0.0
        assert len(venue.calls(CANCEL)) == 2

    run(test)


@pytest.mark.parametrize("status", [1, 8, 11, 13, 15, 64, 101, 300, 301, 302, 304, 305, 133])
def test_a_refusal_inside_an_answer_of_200_is_a_refusal(status: int) -> None:
    text = '{"msgKey":"k","params":[],"default_msg":"Not like this"}'

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CREATE, [action(status=status, message=text, orderID=None)])
        with pytest.raises(LmexRefused, match="Not like this") as caught:
            await client.futures.create_order(ORDER)
        assert caught.value.code == status
        assert caught.value.reason == f"Not like this (code {status})"
        assert len(venue.calls(CREATE)) == 1

    run(test)


@pytest.mark.parametrize(
    ("status", "is_open"), [(2, True), (5, True), (9, True), (10, True), (4, False), (6, False), (7, False)]
)
def test_an_order_that_was_taken_is_no_failure_even_if_it_ended_at_once(status: int, is_open: bool) -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CREATE, [action(status=status)])
        (taken,) = await client.futures.create_order(ORDER)
        assert (taken.is_open, taken.is_final) == (is_open, not is_open)

    run(test)


def test_what_is_signed_is_what_is_sent() -> None:
    from hookline_lmex.signing import sign

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(CREATE, [action()])
        await client.futures.create_order(ORDER)
        (sent,) = venue.calls(CREATE)
        assert sent.headers["request-api"] == KEY
        assert sent.headers["request-sign"] == sign(SECRET, "/api/v2.3/order", sent.nonce, sent.body)
        assert sent.headers["Content-Type"] == "application/json"
        assert sent.body == (
            b'{"symbol":"ETH-PERP","side":"SELL","type":"LIMIT","price":3101.25,"size":40,"clOrderID":"hl-7"}'
        )

    run(test)


def test_public_calls_carry_no_key_and_private_ones_need_one() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will("GET /spot/api/v3.3/price", [])
        await client.spot.prices()
        assert not any(name.lower().startswith("request-") for one in venue.asked for name in one.headers)
        with pytest.raises(ConfigError, match="LMEX_API_KEY"):
            await client.futures.positions()
        assert not venue.calls(QUERY)

    run(test, is_private=False)


def test_a_permission_that_lacks_is_told_from_a_wrong_key() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(
            QUERY, Says({"status": 403, "errorCode": -3, "message": "FORBIDDEN", "extraData": None}, 403)
        )
        with pytest.raises(LmexForbidden, match="FORBIDDEN"):
            await client.futures.positions()
        assert len(venue.calls(QUERY)) == 1

    run(test)


def test_orders_do_not_wait_for_each_other_unless_nonces_must_arrive_in_order() -> None:
    async def most_at_once(client: LmexClient, venue: ScriptedVenue) -> int:
        venue.will(CREATE, [action()])
        venue.pause_seconds = 0.03
        await asyncio.gather(*(client.futures.create_order(ORDER) for _ in range(4)))
        return venue.most_at_once

    async def free(venue: ScriptedVenue, client: LmexClient) -> None:
        assert await most_at_once(client, venue) > 1

    async def ordered(venue: ScriptedVenue, client: LmexClient) -> None:
        assert await most_at_once(client, venue) == 1
        nonces = [one.nonce for one in venue.calls(CREATE)]
        assert nonces == sorted(nonces)

    run(free)
    run(ordered, ordered_nonces=True)


@pytest.mark.parametrize("ordered_nonces", [False, True])
def test_a_cancel_goes_out_though_the_venue_answers_no_query(*, ordered_nonces: bool) -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(QUERY, Stalls())
        venue.will(CANCEL, [action(status=6)])
        queries = [asyncio.create_task(client.futures.positions()) for _ in range(30)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2.0):
            await client.futures.cancel_order("ETH-PERP", client_order_id="hl-7")
            await client.futures.cancel_all("ETH-PERP")
        for query in queries:
            query.cancel()
        await asyncio.gather(*queries, return_exceptions=True)

    run(test, ordered_nonces=ordered_nonces, query_rate=1000, user_rate=1000)


def test_an_idle_client_keeps_its_connection_in_use_and_its_clock_right() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        before = len(venue.calls("GET /spot/api/v3.3/time"))
        await asyncio.sleep(0.5)
        assert len(venue.calls("GET /spot/api/v3.3/time")) >= before + 2
        assert venue.connections == 1
        # Queries have connections of their own: they do not keep those of orders open.
        before = len(venue.calls("GET /spot/api/v3.3/time"))
        venue.will("GET /spot/api/v3.3/price", [])
        for _ in range(10):
            await client.spot.prices()
            await asyncio.sleep(0.04)
        assert len(venue.calls("GET /spot/api/v3.3/time")) >= before + 2
        assert venue.connections == 2

    run(test, warm_seconds=0.1)


def test_malformed_answers_are_shown_cut() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(QUERY, Says(text="{" + "x" * 5000))
        with pytest.raises(LmexMalformed, match="no JSON") as caught:
            await client.futures.positions()
        assert len(caught.value.text) <= 500
        assert "xxx" in str(caught.value)
        venue.will(QUERY, [{"symbol": "ETH-PERP", "side": "SELL", "size": "many"}])
        with pytest.raises(LmexMalformed, match=r"size: must be a number, was 'many'.*ETH-PERP"):
            await client.futures.positions()

    run(test, retries=0)


def test_key_secret_and_signature_are_in_no_error() -> None:
    def echo(asked: Any) -> Says:
        headers = " ".join(f"{name}={value}" for name, value in asked.headers.items())
        return Says({"status": 400, "errorCode": -2, "message": f"refused {headers} {SECRET}"}, 400)

    def page(asked: Any) -> Says:
        return Says(text=f"<html>{asked.headers} {SECRET}", status=500)

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        for reply in (echo, page, Drops(), Says(text=f"{{{SECRET}"), {"price": KEY}):
            venue.will(CREATE, reply)
            with pytest.raises((LmexRefused, LmexUnknown)) as caught:
                await client.futures.create_order(ORDER)
            error: BaseException | None = caught.value
            signature = venue.calls(CREATE)[-1].headers["request-sign"]
            while error is not None:
                for shown in (str(error), repr(error), repr(error.args), repr(vars(error))):
                    for hidden in (KEY, SECRET, signature):
                        assert hidden not in shown
                error = error.__cause__ or error.__context__
        assert SECRET not in repr(client) + repr(vars(client))

    run(test, retries=0)


def test_credentials_show_nothing_and_are_not_written() -> None:
    import pickle

    credentials = Credentials(KEY, SECRET)
    assert repr(credentials) == "Credentials(key='***', secret='***')"
    assert KEY not in f"{credentials!s}"
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(credentials)
    assert credentials.redacted(f"a {KEY} b {SECRET}") == "a *** b ***"
