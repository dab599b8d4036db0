"""Nonces and the venue's clock."""

import asyncio
import itertools
import random
import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_venue import TIME, TIME_MS, Asked, Says, ScriptedVenue, action, run, venue_and_client

from hookline.clock import SystemClock
from hookline.model import Side
from hookline_lmex import http
from hookline_lmex.client import LmexClient
from hookline_lmex.nonce import NonceSource, nonces_of
from hookline_lmex.requests import NewOrder
from hookline_lmex.venue_time import VenueTime

SECOND = 1_000_000_000
ORDER = NewOrder(symbol="ETH-PERP", side=Side.SELL, size=40, price=Decimal("3101.25"))


@given(st.lists(st.integers(0, 2**50), min_size=2))
def test_nonces_rise_whatever_the_clock_does(times: list[int]) -> None:
    source = NonceSource()
    found = [source.next(time) for time in times]
    assert all(before < after for before, after in itertools.pairwise(found))
    assert all(nonce >= time for nonce, time in zip(found, times, strict=True))


def test_nonces_of_threads_never_repeat() -> None:
    source = NonceSource()
    found: list[int] = []

    def draw() -> None:
        found.extend(source.next(1000) for _ in range(500))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == len(found) == 2000


def test_a_key_has_one_count_in_the_process_and_another_at_another_venue() -> None:
    first, second = nonces_of("https://venue", "shared-key"), nonces_of("https://venue", "shared-key")
    assert first is second
    assert nonces_of("https://elsewhere", "shared-key") is not first
    assert second.next(5) < first.next(5)


def test_nonces_go_back_only_to_a_clock_that_was_far_ahead() -> None:
    source = NonceSource()
    source.next(100_000)
    source.rewind(99_500)
    assert source.next(99_500) == 100_001
    source.rewind(50_000)
    assert source.next(50_000) == 50_001


def test_two_clients_with_one_key_share_their_nonces() -> None:
    async def main() -> None:
        async with venue_and_client() as (venue, first):
            venue.will("POST /futures/api/v2.3/order/cancelAllAfter", {})
            from scripted_venue import KEY, SECRET

            from hookline_lmex.credentials import Credentials

            async with LmexClient(first.settings, Credentials(KEY, SECRET)) as second:
                await asyncio.gather(
                    *(client.futures.cancel_all_after(9000) for client in (first, second) for _ in range(10))
                )
            nonces = [one.nonce for one in venue.calls("POST /futures/api/v2.3/order/cancelAllAfter")]
            assert len(set(nonces)) == 20

    asyncio.run(main())


def test_nonces_begin_at_the_venues_clock_and_not_at_ours() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will("GET /spot/api/v3.2/user/wallet", [])
        assert await client.spot.wallet() == []
        (asked,) = venue.calls("GET /spot/api/v3.2/user/wallet")
        assert 0 <= asked.nonce - TIME_MS < 5000

    run(test)


def test_a_refused_nonce_measures_the_clock_again_and_is_sent_once_more() -> None:
    refusal = Says({"code": 10002, "msg": "UNAUTHORIZED: Invalid nonce", "data": None, "success": False}, 401)

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        before = len(venue.calls("GET /spot/api/v3.3/time"))
        venue.will("GET /spot/api/v3.3/time", {"iso": "2026-03-04T05:00:00.000Z", "epoch": 1772600400})
        venue.will("DELETE /futures/api/v2.3/order", refusal, [action(status=6)])
        (canceled,) = await client.futures.cancel_all("ETH-PERP")
        assert canceled.status == 6
        first, second = venue.calls("DELETE /futures/api/v2.3/order")
        # The clock is six minutes earlier now, and the nonce went back with it.
        assert -367_089 < second.nonce - first.nonce < -360_000
        assert len(venue.calls("GET /spot/api/v3.3/time")) > before

    run(test)


def test_a_nonce_that_stays_refused_is_an_error() -> None:
    refusal = Says({"status": 401, "errorCode": -7, "message": "Invalid nonce", "extraData": None}, 401)

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        from hookline_lmex.errors import LmexUnauthorized

        venue.will("GET /futures/api/v2.3/user/positions", refusal)
        with pytest.raises(LmexUnauthorized, match="Invalid nonce"):
            await client.futures.positions()
        assert len(venue.calls("GET /futures/api/v2.3/user/positions")) == 6

    run(test)


def test_a_venue_that_insists_on_rising_nonces_gets_one_call_at_a_time() -> None:
    highest = 0

    def admit(asked: Asked) -> Says:
        nonlocal highest
        if asked.nonce <= highest:
            return Says({"code": 10002, "msg": "Invalid nonce", "data": None, "success": False}, 401)
        highest = asked.nonce
        return Says([action()])

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will("POST /futures/api/v2.3/order", admit)
        venue.shuffle = random.Random(7)
        found = await asyncio.gather(*(client.futures.create_order(ORDER) for _ in range(12)))
        assert [len(one) for one in found] == [1] * 12
        sent = len(venue.calls("POST /futures/api/v2.3/order"))
        assert sent > 12
        # It has learned: from now on none is refused.
        await asyncio.gather(*(client.futures.create_order(ORDER) for _ in range(12)))
        assert len(venue.calls("POST /futures/api/v2.3/order")) == sent + 12

    run(test)


def test_calls_go_out_side_by_side_again_some_time_after_nonces_had_overtaken_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "_ORDERED_SECONDS", 0.25)
    refusal = Says({"code": 10002, "msg": "Invalid nonce", "data": None, "success": False}, 401)

    async def most_at_once(venue: ScriptedVenue, client: LmexClient) -> int:
        venue.pause_seconds, venue.most_at_once = 0.02, 0
        await asyncio.gather(*(client.futures.create_order(ORDER) for _ in range(4)))
        return venue.most_at_once

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will("POST /futures/api/v2.3/order", refusal, [action()])
        await client.futures.create_order(ORDER)
        assert await most_at_once(venue, client) == 1
        await asyncio.sleep(0.3)
        assert await most_at_once(venue, client) > 1

    run(test)


def test_the_best_of_several_readings_is_believed() -> None:
    pauses = iter([0.1, 0.0, 0.1])

    async def ask() -> int:
        await asyncio.sleep(next(pauses))
        return 1_000 * SECOND

    async def main() -> None:
        clock = VenueTime(ask)
        await clock.measure(samples=3)
        assert clock.round_trip_seconds < 0.1
        # The second reading: what was shown then, and the third one's time on top.
        assert 0.1 <= (clock.now - 1_000 * SECOND) / SECOND < 2.0

    asyncio.run(main())


def test_an_accelerated_venue_runs_ahead() -> None:
    async def ask() -> int:
        return 1_000 * SECOND

    async def main() -> None:
        clock = VenueTime(ask, speed=100.0)
        await clock.measure(samples=1)
        await asyncio.sleep(0.05)
        assert 5.0 <= (clock.now - 1_000 * SECOND) / SECOND < 60.0
        assert 0.9 <= clock.seconds_until(clock.now + 100 * SECOND) <= 1.0

    asyncio.run(main())


def test_a_slow_reading_refines_nothing_unless_it_contradicts() -> None:
    ahead, pause = 0, 0.0

    async def ask() -> int:
        now = SystemClock().now + ahead
        await asyncio.sleep(pause)
        return now

    async def main() -> None:
        nonlocal ahead, pause
        clock = VenueTime(ask)
        await clock.measure(samples=3)
        best = clock.round_trip_seconds
        pause = 0.02
        await clock.refine()
        assert clock.round_trip_seconds == best
        ahead = 5_000 * SECOND
        await clock.refine()
        assert clock.round_trip_seconds > best
        assert clock.offset_seconds > 4_999

    asyncio.run(main())


def test_a_clock_without_milliseconds_is_read_in_the_middle_of_its_second() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will("GET /spot/api/v3.3/time", {"epoch": 1772600400}, TIME)
        coarse = await client.spot.server_time()
        fine = await client.spot.server_time()
        assert (coarse.time, coarse.resolution) == (1772600400_500_000_000, SECOND)
        assert (fine.time, fine.resolution) == (TIME_MS * 1_000_000, 1_000_000)

    run(test)
