"""The emulator's own paths, below ``/emulator``: faults, steps, speed and state. No venue has them, and no key is asked for.

==========================  =======================================================================================
``GET /emulator/state``     time, speed, markets, accounts, sockets, requests, faults
``GET /emulator/faults``    what is on and how often each fault has happened
``POST /emulator/faults``   ``{"name": "error_after", "value": "cut", "count": 1}``: switch it on
``DELETE /emulator/faults`` switch all off; with ``?name=`` one
``POST /emulator/step``     ``{"events": 10}``: play the next events; one without a body
``POST /emulator/speed``    ``{"speed": 60}``; null for a clock that stands
==========================  =======================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from hookline.clock import isoformat
from hookline.errors import ConfigError
from hookline.problems import shown
from hookline_lmex.emulator.faults import fault_of

if TYPE_CHECKING:
    from hookline_lmex.emulator.emulator import Emulator

__all__ = ["Admin"]

_MOST_STEPS = 1_000_000
_Asked = dict[str, Any]


class Admin:
    """Serves the emulator's own paths."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    @property
    def routes(self) -> list[web.RouteDef]:
        """The paths."""
        return [
            web.get("/emulator/state", self._state),
            web.get("/emulator/faults", self._faults),
            web.post("/emulator/faults", self._set_fault),
            web.delete("/emulator/faults", self._clear_faults),
            web.post("/emulator/step", self._step),
            web.post("/emulator/speed", self._set_speed),
        ]

    async def _state(self, request: web.Request) -> web.Response:
        del request
        return _answer(self._emulator.state())

    async def _faults(self, request: web.Request) -> web.Response:
        del request
        return _answer(self._emulator.faults.state())

    async def _set_fault(self, request: web.Request) -> web.Response:
        def put(asked: _Asked) -> Any:
            name = asked.pop("name", None)
            if not isinstance(name, str):
                raise ConfigError(f"name: must be the name of a fault, was {shown(name)}")
            self._emulator.faults.put(fault_of(name, asked))
            return self._emulator.faults.state()

        return await _done(request, put)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        def clear(asked: _Asked) -> Any:
            del asked
            self._emulator.faults.clear(request.query.get("name"))
            return self._emulator.faults.state()

        return await _done(request, clear)

    async def _step(self, request: web.Request) -> web.Response:
        def step(asked: _Asked) -> Any:
            events = asked.get("events", 1)
            if isinstance(events, bool) or not isinstance(events, int) or not 1 <= events <= _MOST_STEPS:
                raise ConfigError(
                    f"events: must be a whole number from 1 to {_MOST_STEPS:,}, was {shown(events)}"
                )
            played = 0
            while played < events and self._emulator.play_next():
                played += 1
            return {"played": played, "time": isoformat(self._emulator.clock.now)}

        return await _done(request, step)

    async def _set_speed(self, request: web.Request) -> web.Response:
        def set_speed(asked: _Asked) -> Any:
            speed = asked.get("speed")
            is_number = isinstance(speed, int | float) and not isinstance(speed, bool)
            if speed is not None and not (is_number and speed > 0):
                raise ConfigError(f"speed: must be a number above 0, or null, was {shown(speed)}")
            self._emulator.set_speed(speed)
            return {"speed": speed}

        return await _done(request, set_speed)


async def _done(request: web.Request, act: Callable[[_Asked], Any]) -> web.Response:
    """Return what an action returns for the JSON of a request, or what was wrong with that."""
    body = await request.read()
    try:
        asked = msgspec.json.decode(body, type=dict[str, Any]) if body else {}
        return _answer(act(asked))
    except (ConfigError, msgspec.DecodeError) as error:
        return _answer({"error": str(error)}, status=400)


def _answer(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(data), content_type="application/json")
