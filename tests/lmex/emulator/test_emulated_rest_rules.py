"""Each row of the reference's checklist for an emulator, as a client of REST sees it."""

import asyncio
import hashlib
import json

import pytest
from exchange_kit import SECOND, Floor, coin, on_tape, perp
from rest_kit import both, run

from hookline.clock import EventClock
from hookline_lmex.emulator.rest_auth import Gate, signature
from hookline_lmex.emulator.rest_limits import RateRules
from hookline_lmex.emulator.terms import AccountSetup, Permission

SPOT, FUTURES = "spot", "futures"
S_ORDER, F_ORDER = "/api/v3.3/order", "/api/v2.3/order"
POSITIONS = "/api/v2.3/user/positions"
ORDER = {"symbol": "AAA-PERP", "side": "BUY", "type": "LIMIT", "price": 90.0, "size": 10}
COIN = {"symbol": "AAA-USDT", "side": "BUY", "type": "LIMIT", "price": 90.0, "size": 1}
DEMO = "demo-secret-0123456789abcdef-not-real"


@pytest.mark.parametrize(
    ("path", "body", "digest"),
    [
        (
            "/api/v3.3/user/open_orders",
            b"",
            "d27a06e53b470a3bd231ce965557fc4e3d412708350b0e7759a2bae682b3c40545af5c0e8a419cd2ba6a89a698da0eef",
        ),
        (
            "/api/v2.3/order",
            (
                b'{"symbol":"BTC-PERP","side":"SELL","type":"LIMIT","price":64900.5,"size":25,"time_in_force":"GTC",'
                b'"reduceOnly":false,"clOrderID":"demo-2"}'
            ),
            "d469af223a9492d173c7f14edbc403c5447d6ee82c1bacab9f6a3542d77aef8ee89706219b7b16f1a667450f184d358b",
        ),
        (
            "/ws/futures",
            b"",
            "b6f56fae64b48a23685ce1b3efa9bcb539b2bd17560a910741cc693e58791375f2119faf36371154216914d0c2b84964",
        ),
    ],
)
def test_signatures_are_those_of_the_golden_vectors(path, body, digest):
    assert signature(DEMO, path, "1767225600123", body) == digest


async def refused(venue, product, **terms):
    path = POSITIONS if product == FUTURES else "/api/v3.3/user/fees"
    answer = await venue.call("GET", product, path, {}, **terms)
    return answer.status, answer.code, answer.said


def test_requests_without_their_headers_are_unauthorized_in_the_shape_of_each_product():
    async def act(venue):
        spot = await venue.public(SPOT, "/api/v3.3/user/fees")
        futures = await venue.public(FUTURES, POSITIONS)
        return spot, futures

    spot, futures = run(both(), act)
    assert (spot.status, futures.status) == (401, 401)
    time = spot.body.pop("time")
    assert isinstance(time, int)
    assert spot.body | {"time": 0} == {
        "code": 10002, "msg": "UNAUTHORIZED: Authentication Failed", "time": 0, "data": None, "success": False,
    }  # fmt: skip
    assert futures.body == {
        "status": 401, "errorCode": -7, "message": "Authenticate failed", "extraData": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "terms",
    [
        {"signed_path": POSITIONS + "?symbol=AAA-PERP"},
        {"signed_path": "/futures" + POSITIONS},
        {"signed_path": "/user/positions"},
        {"digest": hashlib.sha256},
        {"signed_body": b"{}"},
    ],
    ids=["with query", "with prefix", "without version", "sha256", "with a body"],
)
def test_what_is_signed_otherwise_is_unauthorized(terms):
    status, code, said = run(both(), lambda venue: refused(venue, FUTURES, **terms))
    assert (status, code, said) == (401, -7, "Signature verification failed")


def test_a_body_serialized_anew_after_signing_is_unauthorized():
    async def act(venue):
        spaced = json.dumps(ORDER).encode()
        return await venue.call("POST", FUTURES, F_ORDER, {}, ORDER, signed_body=spaced)

    assert run(both(), act).status == 401


def test_the_query_is_not_signed():
    async def act(venue):
        return await venue.get(FUTURES, POSITIONS, symbol="AAA-PERP")

    assert run(both(), act).status == 200


def test_a_nonce_must_rise_and_be_of_now():
    async def act(venue):
        now = venue.floor.clock.now // 10**6
        return [await refused_or_ok(venue, now + shift) for shift in (0, 0, -1, 1, 61_000, 59_000)]

    async def refused_or_ok(venue, nonce):
        answer = await venue.call("GET", FUTURES, POSITIONS, {}, nonce=nonce)
        return answer.status if answer.status == 200 else (answer.status, answer.said)

    invalid = (401, "Invalid nonce")
    assert run(both(), act) == [200, invalid, invalid, 200, invalid, 200]


def test_the_rules_of_nonces_can_be_loosened():
    floor = both()
    gate = Gate(floor.exchange, floor.clock, window_seconds=None, strictly_increasing=False)

    async def act(venue):
        return [(await venue.call("GET", FUTURES, POSITIONS, {}, nonce=one)).status for one in (9, 5, 5)]

    assert run(floor, act, gate=gate) == [200, 200, 401]


def test_nonces_are_held_against_the_clock_that_is_shown():
    floor = both()
    skewed = EventClock(floor.clock.now + 120 * SECOND)
    status, _, said = run(floor, lambda venue: refused(venue, FUTURES), shown_clock=skewed)
    assert (status, said) == (401, "Invalid nonce")


def test_a_key_without_the_permission_is_forbidden():
    reader = AccountSetup(
        "ann", "ann-key", "ann-secret", futures={"USDT": 9}, permissions=frozenset({Permission.READ})
    )
    floor = Floor(on_tape(), accounts=[reader])
    floor.quote(99, 101)

    async def act(venue):
        reads = await venue.get(FUTURES, POSITIONS)
        trades = await venue.post(FUTURES, F_ORDER, **ORDER)
        spot = await venue.get(SPOT, "/api/v3.3/user/open_orders")
        return reads.status, trades.status, spot.status

    assert run(floor, act) == (200, 403, 403)
    assert floor.truth.orders == ()


def test_parameters_in_the_wrong_case_are_ignored():
    floor = both()

    async def act(venue):
        return await venue.post(FUTURES, F_ORDER, **ORDER, clOrderId="mine")

    (row,) = run(floor, act).body
    assert row["clOrderID"] == ""
    assert floor.truth.with_client_id("mine") == []


def test_a_delete_with_a_body_and_no_query_lacks_its_symbol():
    floor = both()

    async def act(venue):
        await venue.post(FUTURES, F_ORDER, **ORDER)
        body = {"symbol": "AAA-PERP"}
        return await venue.call("DELETE", FUTURES, F_ORDER, {}, body, signed_body=b"")

    answer = run(floor, act)
    # The body is there and must be signed; it is not, and even then it would say nothing.
    assert answer.status == 401

    async def again(venue):
        venue.nonce = floor.clock.now // 10**6 + 10
        return await venue.call("DELETE", FUTURES, F_ORDER, {}, {"symbol": "AAA-PERP"})

    answer = run(floor, again)
    assert answer.status == 400
    assert "symbol" in answer.said
    assert len(floor.truth.open_orders) == 1


def test_a_post_only_order_that_would_cross_is_answered_with_six():
    async def act(venue):
        return await venue.post(FUTURES, F_ORDER, **ORDER | {"price": 100.2, "postOnly": True})

    floor = both()
    answer = run(floor, act)
    (row,) = answer.body
    assert (answer.status, row["status"], row["remainingSize"]) == (200, 6, 10)
    assert [(one.status, one.remaining) for one in floor.ear.orders] == [(6, 10)]


def test_a_limit_that_crosses_in_part_is_answered_with_five_and_rests():
    floor = both()

    async def act(venue):
        (row,) = (await venue.post(FUTURES, F_ORDER, **ORDER | {"price": 100.1, "size": 1500})).body
        (shown,) = (await venue.get(FUTURES, "/api/v2.3/user/open_orders")).body
        return row, shown

    row, shown = run(floor, act)
    assert (row["status"], row["filledSize"], row["totalFilledSize"], row["remainingSize"]) == (
        5,
        1000,
        1000,
        500,
    )
    assert (shown["orderState"], shown["remainingSize"]) == ("STATUS_ACTIVE", 500)


def test_a_market_order_without_liquidity_is_answered_with_seven():
    async def act(venue):
        await venue.post(FUTURES, F_ORDER, symbol="AAA-PERP", side="BUY", type="MARKET", size=1000)
        return await venue.post(FUTURES, F_ORDER, symbol="AAA-PERP", side="BUY", type="MARKET", size=10)

    assert run(both(), act).body[0]["status"] == 7


def test_what_an_immediate_order_leaves_is_answered_with_five_and_does_not_rest():
    floor = both()

    async def act(venue):
        body = ORDER | {"price": 100.1, "size": 1500, "time_in_force": "IOC"}
        (row,) = (await venue.post(FUTURES, F_ORDER, **body)).body
        query = await venue.get(FUTURES, F_ORDER, orderID=row["orderID"])
        return row, query.body, (await venue.get(FUTURES, "/api/v2.3/user/open_orders")).body

    row, query, open_ = run(floor, act)
    assert (row["status"], row["remainingSize"]) == (5, 500)
    assert (query["status"], query["totalFilledSize"]) == (6, 1000)
    assert open_ == []


@pytest.mark.parametrize("life", ["IOC", "FOK"])
def test_immediate_orders_that_find_nothing_are_answered_with_six(life):
    async def act(venue):
        return await venue.post(FUTURES, F_ORDER, **ORDER | {"time_in_force": life})

    assert run(both(), act).body[0]["status"] == 6


def test_too_little_money_is_told_by_each_product_in_its_own_way():
    async def act(venue):
        futures = await venue.post(FUTURES, F_ORDER, **ORDER | {"size": 5_000_000})
        spot = await venue.post(SPOT, S_ORDER, **COIN | {"size": 100})
        return (futures.status, futures.code), (spot.status, spot.code)

    assert run(both(), act) == ((400, 33199101), (400, 51523))


def test_too_little_money_is_a_status_where_that_is_configured():
    async def act(venue):
        return await venue.post(FUTURES, F_ORDER, **ORDER | {"size": 5_000_000})

    answer = run(both(refuse_unfunded="status"), act)
    assert (answer.status, answer.body[0]["status"]) == (200, 8)


@pytest.mark.parametrize(
    ("product", "changes", "code"),
    [
        (FUTURES, {"size": 0}, 301),
        (FUTURES, {"size": 1.5}, 301),
        (FUTURES, {"size": -3}, 301),
        (FUTURES, {"size": 7_000_000}, 4051),
        (SPOT, {"size": 0.00005}, 301),
        (FUTURES, {"price": 90.005}, 302),
        (FUTURES, {"price": -90}, 302),
        (SPOT, {"price": 90.001}, 302),
        (FUTURES, {"price": 120.0}, 305),
        (SPOT, {"side": "HOLD"}, 80007),
        (SPOT, {"type": "STOP_LIMIT"}, 80006),
        (SPOT, {"time_in_force": "NEVER"}, 80004),
        (SPOT, {"symbol": "NONE-USDT"}, 80001),
        (FUTURES, {"symbol": "NONE-PERP"}, -7006),
        (FUTURES, {"side": None}, -2),
        (SPOT, {"price": None}, 80012),
        (SPOT, {"size": None}, 80013),
        (FUTURES, {"size": "ten"}, -2),
    ],
)
def test_parameters_that_break_a_rule_have_their_codes(product, changes, code):
    async def act(venue):
        order, path = (ORDER, F_ORDER) if product == FUTURES else (COIN, S_ORDER)
        body = {name: value for name, value in (order | changes).items() if value is not None}
        return await venue.post(product, path, **body)

    floor = both(protection_band=0.15)
    answer = run(floor, act)
    assert (answer.status, answer.code) == (400, code)
    assert floor.truth.orders == ()


def test_numbers_may_be_texts():
    async def act(venue):
        return await venue.post(FUTURES, F_ORDER, **ORDER | {"price": "90.5", "size": "10"})

    (row,) = run(both(), act).body
    assert (row["status"], row["price"], row["originalOrderSize"]) == (2, 90.5, 10)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_order_is_told_by_each_product_in_its_own_way(method):
    async def act(venue):
        futures = await venue.call(method, FUTURES, F_ORDER, {"symbol": "AAA-PERP", "orderID": "none"})
        spot = await venue.call(method, SPOT, S_ORDER, {"symbol": "AAA-USDT", "orderID": "none"})
        return futures, spot

    futures, spot = run(both(), act)
    assert futures.status == 400
    assert futures.body == {"status": 429, "errorCode": -1, "message": "Order not found", "extraData": []}
    assert (spot.status, spot.code) == (400, 400)
    assert "Retry-After" not in futures.headers


def test_an_order_that_was_canceled_cannot_be_canceled_again():
    async def act(venue):
        (row,) = (await venue.post(FUTURES, F_ORDER, **ORDER)).body
        named = {"symbol": "AAA-PERP", "orderID": row["orderID"]}
        first, second = [await venue.delete(FUTURES, F_ORDER, **named) for _ in range(2)]
        return first.body[0]["status"], second.status, second.code

    assert run(both(), act) == (6, 400, -1)


@pytest.mark.parametrize(
    ("product", "symbol", "path"), [(SPOT, "AAA-USDT", S_ORDER), (FUTURES, "AAA-PERP", F_ORDER)]
)
def test_canceling_what_is_not_there_is_a_status_where_that_is_configured(product, symbol, path):
    async def act(venue):
        return await venue.delete(product, path, symbol=symbol, clOrderID="none")

    answer = run(both(unknown_order="status"), act)
    (row,) = answer.body
    assert (answer.status, row["status"], row["clOrderID"], row["symbol"]) == (200, 16, "none", symbol)


def test_canceling_a_symbol_without_orders_answers_with_nothing():
    async def act(venue):
        return await venue.delete(FUTURES, F_ORDER, symbol="AAA-PERP")

    assert run(both(), act).body == []


def test_candles_of_more_than_300_rows_are_refused():
    floor = both()

    async def act(venue):
        now = floor.clock.now // 10**6 // 60_000 * 60_000
        terms = {"symbol": "AAA-PERP", "resolution": 1, "end": now}
        many = await venue.public(FUTURES, "/api/v2.3/ohlcv", start=now - 300 * 60_000, **terms)
        few = await venue.public(FUTURES, "/api/v2.3/ohlcv", start=now - 299 * 60_000, **terms)
        early = await venue.public(FUTURES, "/api/v2.3/ohlcv", symbol="AAA-PERP", resolution=1, start=1)
        return many, few, early

    many, few, early = run(floor, act)
    assert (many.status, few.status, early.status) == (400, 200, 400)
    assert "too small" in many.said


def test_l2_books_end_at_fifty_levels_and_hold_texts():
    from hookline.model import BookUpdate, MarketData
    from hookline_lmex.emulator.terms import MarketSetup

    floor = Floor(MarketSetup(perp(), tape=frozenset({MarketData.BOOK})))
    sides = [1] * 80 + [-1] * 80
    prices = [99.0 - i / 100 for i in range(80)] + [101.0 + i / 100 for i in range(80)]
    now = floor.clock.now
    floor.exchange.handle([BookUpdate("AAA-PERP", now, now, True, sides, prices, [2.5] * 160, 9, 8)])

    async def act(venue):
        deep = await venue.public(FUTURES, "/api/v2.3/orderbook/L2", symbol="AAA-PERP", depth=100)
        return deep.body

    book = run(floor, act)
    assert (len(book["buyQuote"]), len(book["sellQuote"]), book["depth"]) == (50, 50, 50)
    assert book["buyQuote"][:2] == [{"price": "99.00", "size": "250"}, {"price": "98.99", "size": "250"}]
    assert book["sellQuote"][0] == {"price": "101.00", "size": "250"}


def test_a_canceled_order_is_shown_for_thirty_minutes():
    floor = both()

    async def act(venue):
        (row,) = (await venue.post(FUTURES, F_ORDER, **ORDER)).body
        await venue.delete(FUTURES, F_ORDER, symbol="AAA-PERP", orderID=row["orderID"])
        found = []
        for minutes in (29, 2):
            floor.clock.now += minutes * 60 * SECOND
            found.append((await venue.get(FUTURES, F_ORDER, orderID=row["orderID"])).status)
        return found

    assert run(floor, act) == [200, 400]


def test_a_closed_position_is_no_longer_shown():
    async def act(venue):
        await venue.post(FUTURES, F_ORDER, symbol="AAA-PERP", side="BUY", type="MARKET", size=10)
        held = (await venue.get(FUTURES, POSITIONS)).body
        await venue.post(FUTURES, "/api/v2.3/order/close_position", symbol="AAA-PERP", type="MARKET")
        return len(held), (await venue.get(FUTURES, POSITIONS)).body

    floor = both()
    assert run(floor, act) == (1, [])
    assert [one.contracts for one in floor.ear.positions] == [10, 0]


def test_small_numbers_come_in_exponent_form_and_request_ids_are_beyond_doubles():
    floor = Floor(on_tape(coin(), maker_fee_bps=0.1, taker_fee_bps=1.0), spot={"USDT": 5000})
    floor.quote(99.9, 100.1, symbol="AAA-USDT")

    async def act(venue):
        await venue.post(SPOT, S_ORDER, **COIN)
        orders = await venue.get(SPOT, "/api/v3.3/user/open_orders")
        return orders, await venue.get(SPOT, "/api/v3.3/user/fees")

    orders, fees = run(floor, act)
    assert orders.body[0]["requestId"] > 2**53
    assert '"makerFee":1e-05' in fees.text


def test_unknown_fields_come_now_and_then_unless_they_are_switched_off():
    async def act(venue):
        return [(await venue.public(FUTURES, "/api/v2.3/price")).body[0].keys() for _ in range(40)]

    known = {"symbol", "indexPrice", "lastPrice", "markPrice"}
    with_extras = [set(keys) - known for keys in run(both(), act)]
    assert any(with_extras)
    assert not all(with_extras)
    assert all(set(keys) == known for keys in run(both(unknown_fields=False), act))


def test_paths_and_methods_that_are_not_there_are_404_and_405():
    async def act(venue):
        missing = await venue.public(FUTURES, "/api/v2.3/time")
        wrong = await venue.call("POST", FUTURES, POSITIONS, {}, {})
        return missing.status, wrong.status

    assert run(both(), act) == (404, 405)


def test_a_body_that_is_no_json_object_is_a_bad_request():
    async def act(venue):
        return await venue.call("POST", FUTURES, F_ORDER, {}, [1, 2])

    answer = run(both(), act)
    assert (answer.status, answer.code) == (400, -2)


# -- limits --------------------------------------------------------------------------------------------------------------


def test_the_sixteenth_query_of_an_endpoint_in_a_second_is_too_many():
    floor = both()

    async def act(venue):
        first = [(await venue.public(FUTURES, "/api/v2.3/price")).status for _ in range(15)]
        over = await venue.public(FUTURES, "/api/v2.3/price")
        other = await venue.public(FUTURES, "/api/v2.3/market_summary")
        floor.clock.now += SECOND + 1
        after = await venue.public(FUTURES, "/api/v2.3/price")
        return first, over, other.status, after.status

    first, over, other, after = run(floor, act, rules=RateRules())
    assert first == [200] * 15
    assert (over.status, over.code, over.headers["Retry-After"]) == (429, 303, "1")
    # A block is of the caller, not of the endpoint.
    assert (other, after) == (429, 200)


def test_orders_are_counted_apart_from_queries():
    floor = both()

    async def act(venue):
        orders = [(await venue.post(FUTURES, F_ORDER, **ORDER)).status for _ in range(75)]
        query = await venue.get(FUTURES, POSITIONS)
        over = await venue.post(FUTURES, F_ORDER, **ORDER)
        return set(orders), query.status, over.status

    assert run(floor, act, rules=RateRules()) == ({200}, 200, 429)
    assert len(floor.truth.orders) == 75


def test_blocks_grow_from_a_second_to_five_and_fifteen_minutes_and_begin_anew_after_that():
    floor = both()

    async def violate(venue):
        for _ in range(16):
            answer = await venue.public(FUTURES, "/api/v2.3/price")
        return int(answer.headers["Retry-After"])

    async def act(venue):
        found = []
        for seconds in (2, 301, 901, 3601, 3601):
            found.append(await violate(venue))
            floor.clock.now += seconds * SECOND
        return found

    assert run(floor, act, rules=RateRules()) == [1, 300, 900, 1, 1]


def test_retry_after_may_be_the_time_of_unlocking():
    floor = both()

    async def act(venue):
        for _ in range(16):
            answer = await venue.public(FUTURES, "/api/v2.3/price")
        return int(answer.headers["Retry-After"]) - floor.clock.now // 10**6

    assert run(floor, act, rules=RateRules(retry_after="unlock_ms")) == 1000


def test_requests_at_one_time_are_all_answered():
    floor = both()

    async def act(venue):
        orders = [venue.post(FUTURES, F_ORDER, **ORDER | {"clOrderID": f"c{number}"}) for number in range(40)]
        return {answer.status for answer in await asyncio.gather(*orders)}

    # Nonces are drawn in the order of the calls, and may arrive in another: then the venue refuses, as it would.
    assert run(floor, act) <= {200, 401}
    assert len({one.client_order_id for one in floor.truth.orders}) == len(floor.truth.orders)
