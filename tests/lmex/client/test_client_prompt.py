"""Requests that write their bodies at once: whole bodies arrive, also those that a socket does not take in one go."""

import asyncio
import io

import aiohttp
import pytest
from aiohttp import web

from hookline_lmex.prompt import PromptRequest

BIG = bytes(range(256)) * 4_000


async def talk(story, *, pause: float = 0.0):
    """Tell a story to a server that answers with what it got; it may wait before it reads."""
    got = []

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(pause)
        got.append(await request.read())
        return web.Response(text=str(len(got[-1])))

    app = web.Application(client_max_size=2**30)
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (_, port), *_ = runner.addresses
    try:
        async with aiohttp.ClientSession(request_class=PromptRequest) as session:
            return await story(session, f"http://127.0.0.1:{port}/"), got
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("body", [b"", b"{}", BIG, BIG * 20])
def test_bodies_of_any_length_arrive_whole_and_in_order(body):
    async def story(session, url):
        answers = []
        for _ in range(3):
            async with session.post(url, data=io.BytesIO(body) if len(body) > len(BIG) else body) as response:
                answers.append(await response.text())
        return answers

    answers, got = asyncio.run(talk(story))
    assert answers == [str(len(body))] * 3
    assert got == [body] * 3


def test_many_at_once_do_not_mix():
    async def story(session, url):
        async def one(number):
            async with session.post(url, data=BIG[: 10_000 * number]) as response:
                return int(await response.text())

        return await asyncio.gather(*(one(number) for number in range(1, 9)))

    answers, _ = asyncio.run(talk(story))
    assert answers == [10_000 * number for number in range(1, 9)]


def test_a_request_that_is_canceled_while_its_body_waits_ends():
    async def story(session, url):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), session.post(url, data=io.BytesIO(BIG * 20)):
                pass
        async with session.post(url, data=b"after") as response:
            return await response.text()

    answers, got = asyncio.run(talk(story, pause=0.3))
    assert answers == "5"
    assert got[-1] == b"after"
