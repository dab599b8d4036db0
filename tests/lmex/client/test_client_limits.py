"""Rate limits and bans."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hookline_lmex.limits import Bucket, CallClass, Limits, ban_seconds
from hookline_lmex.settings import Settings


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(10):
            await test()

    asyncio.run(main())


def test_in_no_second_more_goes_out_than_is_allowed() -> None:
    async def test() -> None:
        bucket, loop = Bucket(60), asyncio.get_running_loop()
        times: list[float] = []
        for _ in range(100):
            await bucket.take()
            times.append(loop.time())
        for first in times:
            assert sum(first <= time < first + 1.0 for time in times) <= 61
        # Nor is it much slower than two thirds of it.
        assert times[-1] - times[0] < 3.0

    run(test)


def test_who_waits_is_served_in_turn_and_cancels_first() -> None:
    async def test() -> None:
        bucket = Bucket(30)
        for _ in range(10):
            await bucket.take()
        served: list[str] = []

        async def one(name: str, *, urgent: bool) -> None:
            await bucket.take(urgent=urgent)
            served.append(name)

        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(one(f"create {number}", urgent=False))
            await asyncio.sleep(0)
            group.create_task(one("cancel", urgent=True))
        assert served == ["cancel", "create 0", "create 1", "create 2"]

    run(test)


def test_who_gives_up_waiting_takes_no_turn_away() -> None:
    async def test() -> None:
        bucket = Bucket(3)
        await bucket.take()
        waiting = [asyncio.create_task(bucket.take()) for _ in range(20)]
        last = asyncio.create_task(bucket.take())
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.wait_for(last, 1.0)

    run(test)


def test_cancels_do_not_wait_for_queries() -> None:
    async def test() -> None:
        limits = Limits(Settings())
        queries = [
            asyncio.create_task(limits.take(CallClass.QUERY, f"GET /{number % 9}")) for number in range(200)
        ]
        await asyncio.sleep(0.01)
        assert not all(task.done() for task in queries)
        await asyncio.wait_for(limits.take(CallClass.CANCEL, "DELETE /order"), 0.01)
        for task in queries:
            task.cancel()
        await asyncio.gather(*queries, return_exceptions=True)

    run(test)


def test_one_endpoint_leaves_room_for_others() -> None:
    async def test() -> None:
        limits = Limits(Settings(query_rate=9, user_rate=60))
        for _ in range(3):
            await limits.take(CallClass.QUERY, "GET /a")
        busy = asyncio.create_task(limits.take(CallClass.QUERY, "GET /a"))
        await asyncio.wait_for(limits.take(CallClass.QUERY, "GET /b"), 0.01)
        assert not busy.done()
        await busy

    run(test)


def test_clients_of_one_venue_share_what_an_endpoint_allows() -> None:
    settings = Settings(rest_url="http://one.invalid", query_rate=9)

    async def three() -> None:
        for _ in range(3):
            await asyncio.wait_for(Limits(settings).take(CallClass.QUERY, "GET /time"), 0.01)

    async def test() -> None:
        late = asyncio.create_task(Limits(settings).take(CallClass.QUERY, "GET /time"))
        elsewhere = Limits(Settings(rest_url="http://two.invalid", query_rate=9))
        await asyncio.wait_for(elsewhere.take(CallClass.QUERY, "GET /time"), 0.01)
        await asyncio.wait_for(Limits(settings).take(CallClass.QUERY, "GET /other"), 0.01)
        assert not late.done()
        await asyncio.wait_for(late, 0.5)

    run(three)  # in a loop that is over when the others come
    run(test)


def test_bans_grow_as_the_venue_says_they_do() -> None:
    async def test() -> None:
        limits = Limits(Settings())
        assert limits.banned_seconds == 0.0
        assert limits.ban(None) == pytest.approx(1.0, abs=0.01)
        # Another call that was under way belongs to the same violation.
        assert limits.ban(None) == pytest.approx(1.0, abs=0.01)
        await asyncio.sleep(1.02)
        assert limits.banned_seconds == 0.0
        assert limits.ban(None) == pytest.approx(300.0, abs=0.01)

    run(test)


def test_what_the_venue_says_of_a_ban_wins_and_never_shortens_it() -> None:
    async def test() -> None:
        limits = Limits(Settings())
        assert limits.ban(20.0) == pytest.approx(20.0, abs=0.01)
        assert limits.ban(2.0) == pytest.approx(20.0, abs=0.01)

    run(test)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("1", 1.0),
        ("900", 900.0),
        ("1772600797", 30.0),
        ("1772600797500", 30.5),
        ("1772600000", 0.0),
        ("Wed, 04 Mar 2026 05:06:37 GMT", None),
        ("nan", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_by_its_size(header: str | None, seconds: float | None) -> None:
    assert ban_seconds(header, 1772600767 * 10**9) == seconds


def test_a_time_of_an_accelerated_venue_comes_sooner() -> None:
    assert ban_seconds("1772600797", 1772600767 * 10**9, speed=10.0) == 3.0
