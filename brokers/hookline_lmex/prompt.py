"""Requests whose bytes are out before anything else runs.

Before Python 3.12 aiohttp writes the body of a request in a task of its own, one round of the event loop later: as long as signing
takes, and as long again where the market is busy. What follows here makes the first step of that writing at once. A body of
some hundred bytes is written with it; what a full socket leaves over is written as before.
"""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any

import aiohttp

__all__ = ["PromptRequest"]


class PromptRequest(aiohttp.ClientRequest):
    """A request that begins to write its body where it is made."""

    if sys.version_info < (3, 12):

        def write_bytes(self, *args: Any, **options: Any) -> Coroutine[Any, Any, None]:
            """Begin to write the body, and return what is left to do."""
            writing = super().write_bytes(*args, **options)
            try:
                waits_for = writing.send(None)
            except StopIteration:
                return _nothing()
            return _rest(writing, waits_for)


async def _nothing() -> None:
    pass


async def _rest(begun: Coroutine[Any, Any, None], waits_for: Any) -> None:
    await _resumed(begun, waits_for)


@coroutine
def _resumed(begun: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine whose first step has been made; ``waits_for`` is what that step has yielded."""
    while True:
        try:
            try:
                answer = yield waits_for
            except BaseException as error:  # noqa: BLE001  # of the task that this runs in: its to handle
                waits_for = begun.throw(error)
            else:
                waits_for = begun.send(answer)
        except StopIteration:
            return
