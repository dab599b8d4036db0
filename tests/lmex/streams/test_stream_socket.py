"""A websocket that stays connected, whatever the other end does."""

import asyncio
import random
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from small_venue import QUICK, SmallVenue, no_tasks_left, until

from hookline.errors import VenueError
from hookline_lmex.streams import Socket
from hookline_lmex.streams.times import Backoff


class Listener:
    """A socket and everything that it tells."""

    def __init__(self, url: str, topics: list[Any], **options: Any) -> None:
        self.told: list[str] = []
        self.messages: list[tuple[str, Any]] = []
        self.troubles: list[str] = []
        self.unread: list[str] = []
        options.setdefault("times", QUICK)
        self.socket = Socket(
            url,
            topics,
            lambda topic, data: self.messages.append((topic, msgspec.json.decode(data))),
            on_up=lambda: self.told.append("up"),
            on_down=lambda reason: self.told.append(f"down: {reason}"),
            on_trouble=self.troubles.append,
            on_malformed=self.unread.append,
            **options,
        )

    @asynccontextmanager
    async def running(self):
        task = asyncio.ensure_future(self.socket.run())
        try:
            yield self
        finally:
            async with asyncio.timeout(5):
                await self.socket.aclose()
                await task


def run(test) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(15):
            async with SmallVenue() as venue:
                await test(venue)
            assert no_tasks_left()

    asyncio.run(bounded())


def data(topic: str, content: Any) -> dict[str, Any]:
    return {"topic": topic, "data": content}


def test_it_subscribes_and_hands_on_what_comes() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/spot", ["a", "b", "c"], chunk=2).running() as listener:
            await until(lambda: listener.told == ["up"])
            assert venue.last.asked("subscribe") == [["a", "b"], ["c"]]
            assert listener.socket.accepted == {"a", "b", "c"}
            await venue.last.send(data("a", [1]))
            await until(lambda: listener.messages == [("a", [1])])
        assert not listener.socket.is_up

    run(test)


def test_it_offers_compression_and_says_where_it_comes_from() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: listener.socket.is_up)
            assert "permessage-deflate" in venue.last.headers["Sec-WebSocket-Extensions"]
            assert venue.last.headers["Origin"] == "https://lmex.io"

    run(test)


def test_it_keeps_itself_alive_with_text_pings() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(
                lambda: venue.connections and venue.last.pings >= 12
            )  # longer than the silence allowed
            assert listener.told == ["up"]
            assert listener.unread == []

    run(test)


def test_it_answers_the_protocols_pings() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.heartbeat = 0.1  # a server that hears no pong within half of this closes the connection
        times = replace(QUICK, ping_seconds=60.0, silence_seconds=60.0)
        async with Listener(f"{venue.url}/ws/spot", ["a"], times=times).running() as listener:
            await until(lambda: listener.told == ["up"])
            await asyncio.sleep(0.5)
            assert venue.last.pings == 0
            assert listener.told == ["up"]

    run(test)


def test_a_half_open_socket_is_dead_after_the_silence() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            venue.is_mute = True
            await until(lambda: len(listener.told) == 2)
            assert listener.told[1].startswith("down: nothing was heard for 0.")
            venue.is_mute = False
            await until(lambda: listener.told[2:] == ["up"])
            assert venue.last.topics == ["a"]

    run(test)


def test_a_session_that_was_busy_for_long_does_not_take_itself_for_a_dead_socket() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            await venue.last.send(data("a", 1))
            time.sleep(QUICK.silence_seconds * 1.5)  # noqa: ASYNC251 - a strategy that thinks too long
            await asyncio.sleep(0.2)
            assert listener.messages == [("a", 1)]
            assert listener.told == ["up"]

    run(test)


@pytest.mark.parametrize("how", ["abort", "close"])
def test_it_comes_back_and_subscribes_again_after_a_loss(how: str) -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/spot", ["a", "b"]).running() as listener:
            for losses in range(3):
                await until(lambda: len(listener.told) == 2 * losses + 1 and listener.socket.is_up)  # noqa: B023
                if how == "abort":
                    venue.last.drop()
                else:
                    await venue.last.socket.close(code=1012)
            await until(lambda: len(listener.told) == 7)
            assert listener.told[0::2] == ["up"] * 4
            assert all(text.startswith("down: ") for text in listener.told[1::2])
            assert sorted(venue.last.topics) == ["a", "b"]
            assert len(venue.connections) == 4
            assert listener.socket.counts.losses == 3

    run(test)


def test_it_waits_for_a_venue_that_is_not_there_and_says_so_once() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.connect_status = 503
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: venue.attempts >= 3)
            venue.connect_status = 0
            await until(lambda: listener.told == ["up"])
            assert [text.partition(": ")[2] for text in listener.troubles] == [
                "the venue refused the connection with HTTP 503"
            ]

    run(test)


def test_after_a_400_it_waits_longer() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.connect_status = 400
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: venue.attempts == 1)
            began = asyncio.get_running_loop().time()
            venue.connect_status = 0
            await until(lambda: listener.told == ["up"])
            assert asyncio.get_running_loop().time() - began > QUICK.refused_seconds * 0.9
            assert venue.attempts == 2

    run(test)


def test_what_is_no_json_is_taken_for_a_greeting() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.greeting = "connect success"
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            await venue.last.send("welcome, trader")
            await venue.last.send({"event": "pong"})
            await venue.last.send(data("a", 5))
            await until(lambda: listener.messages == [("a", 5)])
            assert listener.unread == []
            assert listener.troubles == []

    run(test)


def test_broken_json_is_reported_with_its_text_cut_and_survived() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            await venue.last.send('{"topic":"a","data":[1,' + "x" * 5000)
            await venue.last.send('{"topic":5}')
            await venue.last.send(data("a", 6))
            await until(lambda: listener.messages == [("a", 6)])
            assert len(listener.unread) == 2
            assert '{"topic":"a","data":[1,xxx' in listener.unread[0]
            assert len(listener.unread[0]) < 500
            assert listener.socket.counts.malformed == 2
            assert listener.told == ["up"]

    run(test)


def test_unknown_fields_and_binary_frames_are_fine() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            await venue.last.socket.send_bytes(b'{"novel":{"x":[1]},"topic":"a","id":"","data":7}')
            await until(lambda: listener.messages == [("a", 7)])

    run(test)


def test_refused_topics_are_reported_once() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = {"b"}
        async with Listener(f"{venue.url}/ws/spot", ["a", "b"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            venue.last.drop()
            await until(lambda: listener.told[2:] == ["up"])
            assert listener.socket.accepted == {"a"}
            assert [text.partition(": ")[2] for text in listener.troubles] == [
                "the venue refused the topics b"
            ]

    run(test)


def test_everything_refused_is_still_a_connection() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = {"a"}
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            assert listener.socket.topics.refused == ["a"]

    run(test)


def test_spellings_of_a_topic_are_tried_one_after_the_other_until_one_is_accepted() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = {"newest"}
        topics = [("newest", "newer", "old"), "plain"]
        async with Listener(f"{venue.url}/ws/futures", topics).running() as listener:
            await until(lambda: listener.told == ["up"])
            assert listener.socket.accepted == {"newer", "plain"}
            assert venue.last.asked("subscribe") == [["newest", "plain"], ["newer"]]
            assert listener.troubles == []
            venue.last.drop()
            await until(lambda: listener.told[2:] == ["up"])
            assert venue.last.asked("subscribe") == [["newer", "plain"]]

    run(test)


def test_a_spelling_that_is_no_longer_accepted_is_replaced_on_the_next_connection() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = {"newest"}
        async with Listener(f"{venue.url}/ws/futures", [("newest", "old")]).running() as listener:
            await until(lambda: listener.told == ["up"])
            venue.refused = {"old"}
            venue.last.drop()
            await until(lambda: listener.told[2:] == ["up"])
            assert listener.socket.accepted == {"newest"}

    run(test)


def test_data_may_come_before_the_acknowledgement_or_instead_of_it() -> None:
    async def test(venue: SmallVenue) -> None:
        async def early(connection, topics) -> None:
            for topic in topics:
                await connection.send(data(topic, "early"))

        venue.on_subscribing = early
        venue.acknowledges = False
        async with Listener(f"{venue.url}/ws/oss/spot", ["a"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            assert listener.messages == [("a", "early")]
            assert listener.socket.accepted == {"a"}

    run(test)


def test_a_subscription_that_nobody_answers_is_tried_on_another_connection() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.acknowledges = False
        async with Listener(f"{venue.url}/ws/spot", ["a"]).running() as listener:
            await until(lambda: len(venue.connections) == 2)
            assert listener.told == []
            assert "no acknowledgement of a subscription within 0.3 seconds" in listener.troubles[-1]
            venue.acknowledges = True
            await until(lambda: listener.told == ["up"])

    run(test)


def test_errors_of_the_venue_are_told_and_refuse_their_topic_at_once() -> None:
    async def test(venue: SmallVenue) -> None:
        async def refuse(connection, topics) -> None:
            problem = {"arg": "update:NONE_0", "error": {"code": 1000, "message": "no such market"}}
            await connection.send({"severity": "ERROR", "errors": [problem]})

        venue.refused = {"update:NONE_0"}
        venue.acknowledges = False
        venue.on_subscribing = refuse
        async with Listener(f"{venue.url}/ws/oss/spot", ["update:NONE_0"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            assert "error 1000 of 'update:NONE_0': 'no such market'" in listener.troubles[0]

    run(test)


def test_too_many_failed_requests_close_the_socket_and_it_comes_back() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/oss/spot", ["a"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            problem = {"arg": None, "error": {"code": 1008, "message": "too many failed requests"}}
            await venue.last.send({"severity": "ERROR", "errors": [problem]})
            await venue.last.socket.close(code=1008)
            await until(lambda: len(listener.told) == 3)
            assert listener.told[1] == "down: the venue closed the connection with code 1008"
            assert "1008" in listener.troubles[0]

    run(test)


def login(op: str) -> dict[str, Any]:
    return {"op": op, "args": ["key", "1", "signature"]}


def test_it_logs_in_before_it_subscribes() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/spot", ["fills"], login=login).running() as listener:
            await until(lambda: listener.told == ["up"])
            assert [each["op"] for each in venue.last.heard] == ["authKeyExpires", "subscribe"]

    run(test)


def test_the_other_spelling_of_a_login_is_tried_where_the_first_gets_no_answer() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.login_ops = {"login"}
        async with Listener(f"{venue.url}/ws/spot", ["fills"], login=login).running() as listener:
            await until(lambda: listener.told == ["up"])
            assert [each["op"] for each in venue.last.heard] == ["authKeyExpires", "login", "subscribe"]

    run(test)


def test_a_refused_login_is_an_error_of_the_owner() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.login_success = False
        listener = Listener(f"{venue.url}/ws/spot", ["fills"], login=login)
        with pytest.raises(VenueError, match="the venue refused the login") as caught:
            await listener.socket.run()
        assert "signature" not in str(caught.value)
        assert "'key'" not in str(caught.value)
        await listener.socket.aclose()
        assert venue.attempts == 1

    run(test)


def test_a_login_that_is_refused_by_closing_the_connection_as_well_is_an_error_of_the_owner() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.login_success = False
        venue.closes_after_login = True
        with pytest.raises(VenueError, match="the venue refused the login"):
            await Listener(f"{venue.url}/ws/spot", ["fills"], login=login).socket.run()
        assert venue.attempts == 1

    run(test)


def test_a_login_refused_after_a_reconnect_is_tried_again_but_not_for_ever() -> None:
    async def test(venue: SmallVenue) -> None:
        listener = Listener(f"{venue.url}/ws/spot", ["fills"], login=login)
        task = asyncio.ensure_future(listener.socket.run())
        await until(lambda: listener.told == ["up"])
        venue.login_success = False
        venue.last.drop()
        with pytest.raises(VenueError, match="refused the login"):
            await task
        assert venue.attempts == 11
        assert len(listener.told) == 2

    run(test)


def test_a_login_that_nobody_answers_is_tried_on_another_connection() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.login_ops = set()
        async with Listener(f"{venue.url}/ws/spot", ["fills"], login=login).running() as listener:
            await until(lambda: len(venue.connections) == 2)
            assert venue.connections[0].asked("subscribe") == []
            venue.login_ops = {"authKeyExpires"}
            await until(lambda: listener.told == ["up"])

    run(test)


def test_a_topic_asked_for_again_is_given_back_first() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Listener(f"{venue.url}/ws/oss/spot", ["a", "b"]).running() as listener:
            await until(lambda: listener.told == ["up"])
            listener.socket.resubscribe(["b"])
            listener.socket.resubscribe(["b"])
            await until(lambda: len(venue.last.asked("subscribe")) == 2)
            assert [(each["op"], each["args"]) for each in venue.last.heard[1:]] == [
                ("unsubscribe", ["b"]),
                ("subscribe", ["b"]),
            ]

    run(test)


def test_a_socket_without_news_has_to_acknowledge_its_topics_once_more() -> None:
    async def test(venue: SmallVenue) -> None:
        times = replace(QUICK, quiet_seconds=0.1, answer_seconds=0.1)
        async with Listener(f"{venue.url}/ws/spot", ["a", "b"], times=times).running() as listener:
            await until(lambda: len(venue.connections) == 1 and len(venue.last.asked("subscribe")) == 3)
            assert venue.last.asked("subscribe") == [["a", "b"]] * 3
            assert listener.told == ["up"]
            venue.answers_pings_only = True
            await until(lambda: len(listener.told) == 2)
            assert listener.told[1] == "down: no acknowledgement of a subscription within 0.1 seconds"
            venue.answers_pings_only = False
            await until(lambda: listener.told[2:] == ["up"])

    run(test)


def test_news_are_proof_enough() -> None:
    async def test(venue: SmallVenue) -> None:
        times = replace(QUICK, quiet_seconds=0.15)
        async with Listener(f"{venue.url}/ws/spot", ["a"], times=times).running() as listener:
            await until(lambda: listener.told == ["up"])
            for number in range(30):
                await venue.last.send(data("a", number))
                await asyncio.sleep(0.02)
            assert len(venue.last.heard) == 1

    run(test)


def test_a_venue_that_never_acknowledges_twice_is_soon_not_asked_any_more() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.acknowledges_again = False
        times = replace(QUICK, quiet_seconds=0.05, answer_seconds=0.05)
        async with Listener(f"{venue.url}/ws/spot", ["a"], times=times).running() as listener:
            await until(lambda: len(listener.told) == 5)
            await asyncio.sleep(0.4)
            assert [text.partition(":")[0] for text in listener.told] == ["up", "down", "up", "down", "up"]

    run(test)


def test_the_owner_may_take_its_time_when_it_is_up_and_messages_come_meanwhile() -> None:
    async def test(venue: SmallVenue) -> None:
        heard: list[str] = []
        done = asyncio.Event()

        async def ask_rest() -> None:
            await done.wait()

        socket = Socket(
            f"{venue.url}/ws/spot", ["a"], lambda topic, _: heard.append(topic), on_up=ask_rest, times=QUICK
        )
        task = asyncio.ensure_future(socket.run())
        await until(lambda: socket.is_up)
        await venue.last.send(data("a", 1))
        await until(lambda: heard == ["a"])
        done.set()
        await socket.aclose()
        await task

    run(test)


def test_what_the_owner_waits_for_is_cancelled_when_the_connection_is_lost() -> None:
    async def test(venue: SmallVenue) -> None:
        told: list[str] = []

        async def ask_rest() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                told.append("cancelled")
                raise

        socket = Socket(
            f"{venue.url}/ws/spot", ["a"], lambda *_: None, times=QUICK,
            on_up=ask_rest, on_down=lambda _: told.append("down"),
        )  # fmt: skip
        task = asyncio.ensure_future(socket.run())
        await until(lambda: socket.is_up)
        venue.last.drop()
        await until(lambda: told == ["cancelled", "down"])
        await socket.aclose()
        await task

    run(test)


def test_an_error_of_the_owner_ends_the_run_and_leaves_nothing_behind() -> None:
    async def test(venue: SmallVenue) -> None:
        def fail(topic: str, raw: object) -> None:
            raise RuntimeError("a bug")

        socket = Socket(f"{venue.url}/ws/spot", ["a"], fail, times=QUICK)
        task = asyncio.ensure_future(socket.run())
        await until(lambda: socket.is_up)
        await venue.last.send(data("a", 1))
        with pytest.raises(RuntimeError, match="a bug"):
            await task

    run(test)


def test_an_error_of_the_owners_disk_is_not_taken_for_a_loss() -> None:
    async def test(venue: SmallVenue) -> None:
        def fail() -> None:
            raise OSError("disk full")

        socket = Socket(f"{venue.url}/ws/spot", ["a"], lambda *_: None, on_up=fail, times=QUICK)
        with pytest.raises(OSError, match="disk full"):
            await socket.run()
        assert venue.attempts == 1
        assert not socket.is_up

    run(test)


@pytest.mark.parametrize("moment", ["connecting", "logging in", "up", "waiting"])
def test_closing_and_cancelling_leave_nothing_behind_at_any_moment(moment: str) -> None:
    async def test(venue: SmallVenue) -> None:
        for how in ("close", "cancel"):
            venue.connect_status = 400 if moment == "waiting" else 0
            venue.login_ops = set() if moment == "logging in" else {"authKeyExpires"}
            listener = Listener(f"{venue.url}/ws/spot", ["a"], login=login)
            before = venue.attempts
            task = asyncio.ensure_future(listener.socket.run())
            await asyncio.sleep(0)
            if moment == "up":
                await until(lambda: listener.socket.is_up)  # noqa: B023
            elif moment != "connecting":
                await until(lambda: venue.attempts > before)  # noqa: B023
                await asyncio.sleep(0.02)
            async with asyncio.timeout(3):
                if how == "close":
                    await listener.socket.aclose()
                    await task
                else:
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
            assert listener.told in ([], ["up"])
        venue.connect_status = 0

    run(test)


def test_closing_a_socket_that_never_ran_is_nothing() -> None:
    async def test(venue: SmallVenue) -> None:
        await Listener(f"{venue.url}/ws/spot", ["a"]).socket.aclose()

    run(test)


def test_a_half_open_socket_can_be_closed() -> None:
    async def test(venue: SmallVenue) -> None:
        listener = Listener(f"{venue.url}/ws/spot", ["a"], times=replace(QUICK, silence_seconds=60))
        task = asyncio.ensure_future(listener.socket.run())
        await until(lambda: listener.socket.is_up)
        venue.last.socket._req.transport.pause_reading()
        async with asyncio.timeout(3):
            await listener.socket.aclose()
            await task

    run(test)


def test_waits_grow_with_full_jitter_and_begin_again() -> None:
    waits = Backoff(random.Random(7), first=1.0, most=8.0)
    tries = [[waits.next() for _ in range(6)] for _ in range(200) if waits.reset() is None]
    for number, limit in enumerate((1, 2, 4, 8, 8, 8)):
        column = [row[number] for row in tries]
        assert 0 <= min(column) < 0.1 * limit
        assert 0.9 * limit < max(column) <= limit


def test_waits_are_the_same_for_the_same_seed() -> None:
    first, second = (Backoff(random.Random(3), 1.0, 60.0) for _ in range(2))
    assert [first.next() for _ in range(10)] == [second.next() for _ in range(10)]
