"""The emulator's own paths, and schedules of faults that it follows."""

import asyncio

from emulated import SECRET, START, play, until, venue, visit

from hookline_lmex.emulator import Fault, FaultSchedule, TimedFault


async def asked(client, method, path, body=None):
    async with client.session.request(
        method, f"{client.emulator.rest_url}/emulator/{path}", json=body
    ) as answer:
        return answer.status, await answer.json()


def test_steps_are_played_by_request():
    async def run():
        async with visit(venue()) as client:
            assert await asked(client, "POST", "step") == (200, {"played": 1, "time": "2024-01-01T00:00:00Z"})
            status, body = await asked(client, "POST", "step", {"events": 10_000})
            assert status == 200
            assert body["played"] == client.emulator.pacer.handled - 1
            assert (await asked(client, "POST", "step"))[1]["played"] == 0

    asyncio.run(run())


def test_the_state_tells_of_time_markets_and_requests_and_of_no_secret():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            await client.order()
            ear = await client.open()
            status, state = await asked(client, "GET", "state")
            assert (status, state["requests"], state["sockets"], state["accounts"]) == (200, 1, 1, ["tester"])
            assert state["markets"]["BTC-PERP"] == {
                "product": "futures", "listed": True, "last": 100.0, "tape": ["book", "trades"],
            }  # fmt: skip
            assert state["next_event"] == "2024-01-01T00:00:00.500000Z"
            assert SECRET not in str(state)
            assert not ear.socket.closed

    asyncio.run(run())


def test_faults_are_switched_by_request():
    async def run():
        async with visit(venue()) as client:
            body = {"name": "error_after", "value": "cut", "count": 3, "only": "POST"}
            status, state = await asked(client, "POST", "faults", body)
            assert status == 200
            assert state["active"] == [{**body, "probability": 1.0, "seconds": None}]
            assert (await asked(client, "GET", "faults"))[1] == state
            await asked(client, "POST", "faults", {"name": "maintenance"})
            _, state = await asked(client, "DELETE", "faults?name=error_after")
            assert [one["name"] for one in state["active"]] == ["maintenance"]
            assert (await asked(client, "DELETE", "faults"))[1]["active"] == []

    asyncio.run(run())


def test_what_is_wrong_with_a_request_is_said():
    async def run():
        async with visit(venue()) as client:
            for method, path, body, text in (
                ("POST", "faults", {"name": "bann"}, "did you mean 'ban'?"),
                ("POST", "faults", {}, "name: must be the name of a fault, was null"),
                ("POST", "faults", [1], "object"),
                ("DELETE", "faults?name=bann", None, "did you mean 'ban'?"),
                ("POST", "step", {"events": 0}, "events: must be a whole number from 1"),
                ("POST", "speed", {"speed": 0}, "speed: must be a number above 0, or null, was 0"),
            ):
                status, answer = await asked(client, method, path, body)
                assert status == 400
                assert text in answer["error"]

    asyncio.run(run())


def test_the_speed_is_changed_by_request():
    async def run():
        async with visit(venue()) as client:
            assert await asked(client, "POST", "speed", {"speed": 1000}) == (200, {"speed": 1000})
            await asyncio.sleep(0.1)
            assert client.emulator.clock.now > START + 50 * 10**9
            await asked(client, "POST", "speed", {"speed": None})
            stands = client.emulator.clock.now
            await asyncio.sleep(0.05)
            assert client.emulator.clock.now == stands

    asyncio.run(run())


def test_a_schedule_is_followed_by_our_time():
    async def run():
        async with visit(venue()) as client:
            faults = client.emulator.faults
            client.emulator.follow(FaultSchedule([TimedFault(0.1, Fault("maintenance", seconds=0.2))]))
            assert faults.active == []
            await until(lambda: [one.name for one in faults.active] == ["maintenance"])
            await until(lambda: faults.active == [])

    asyncio.run(run())


def test_a_schedule_is_followed_by_the_time_of_the_venue():
    async def run():
        async with visit(venue()) as client:
            client.emulator.follow(FaultSchedule([TimedFault(2.0, Fault("maintenance", seconds=3))]), "venue")
            await asyncio.sleep(0.05)
            assert client.emulator.faults.active == []
            while client.emulator.clock.now < START + 3 * 10**9:
                assert await client.emulator.step()
            assert [one.name for one in client.emulator.faults.active] == ["maintenance"]
            while client.emulator.clock.now < START + 6 * 10**9:
                assert await client.emulator.step()
            assert client.emulator.faults.active == []

    asyncio.run(run())
