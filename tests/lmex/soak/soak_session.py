"""The session of a soak, in a process of its own, which looks at itself once a second."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from hookline.clock import stopwatch
from hookline.session.loader import load_session
from hookline.session.session import Session
from hookline_lmex.streams import account_stream, market_stream
from hookline_lmex.streams.times import SocketTimes

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch(logging.Handler):
    """Takes samples, and notes whatever nobody has handled."""

    def __init__(self, seconds: float) -> None:
        super().__init__(logging.INFO)
        self.seconds = seconds
        self.session: Session | None = None
        self.samples: list[dict[str, float]] = []
        self.problems: list[str] = []
        self.losses = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count losses of sockets, and note errors and warnings of Python."""
        text = record.getMessage()
        if " is lost: " in text or "socket is down" in text:
            self.losses += 1
        if record.levelno >= logging.ERROR or record.name == "py.warnings":
            self.problems.append(f"{record.name}: {text}")

    def listen(self) -> None:
        """Hear of everything that goes wrong without anybody noticing."""
        logging.basicConfig(
            filename="soak.log",
            level=logging.INFO,
            format="%(relativeCreated)d %(levelname)s %(name)s %(message)s",
        )
        logging.getLogger().addHandler(self)
        logging.captureWarnings(capture=True)
        warnings.simplefilter("always")
        sys.unraisablehook = lambda found: self.problems.append(
            f"unraisable: {found.exc_value!r} in {found.object!r}"
        )
        threading.excepthook = lambda found: self.problems.append(f"thread: {found.exc_value!r}")

    def around(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``asyncio.run`` that samples what it runs, and ends the session when its time is over."""

        async def watched(work: Coroutine[Any, Any, Any]) -> Any:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, found: self.problems.append(f"loop: {found}"))
            sampling = asyncio.ensure_future(self._sample())
            try:
                return await work
            finally:
                sampling.cancel()
                await asyncio.gather(sampling, return_exceptions=True)
                for _ in range(3):
                    await asyncio.sleep(0)
                left = [repr(one) for one in asyncio.all_tasks() if one is not asyncio.current_task()]
                self.problems += [f"left behind: {one}" for one in left]

        return lambda work, **options: run(watched(work), **options)

    async def _sample(self) -> None:
        began = stopwatch()
        while stopwatch() - began < self.seconds:
            await asyncio.sleep(1.0)
            gc.collect()
            self.samples.append(
                {
                    "seconds": stopwatch() - began,
                    "megabytes": _resident() / 1e6,
                    "objects": len(gc.get_objects()),
                    "tasks": len(asyncio.all_tasks()),
                }
            )
        assert self.session is not None
        assert self.session._watch is not None
        assert self.session._watch.end is not None
        self.session._watch.end()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def main(file: Path, seconds: float, speed: float) -> None:
    """Run a session for a while and print what was seen."""
    times = SocketTimes()
    quick = SocketTimes(
        **{
            name: getattr(times, name) / speed
            for name in ("backoff_seconds", "backoff_most_seconds", "stable_seconds")
        }
    )
    for module in (account_stream, market_stream):  # a minute of the venue is short here
        module.SocketTimes = lambda: quick  # type: ignore[attr-defined]
    watch = Watch(seconds)
    watch.listen()
    watch.session = session = Session.from_config(load_session(file))
    asyncio.run = watch.around(asyncio.run)  # type: ignore[assignment]
    record = session.run().record
    kernel = session.kernel
    positions: dict[str, int] = {}
    for ledger in kernel.ledgers.values():
        for id_, one in ledger.positions.items():
            positions[id_] = positions.get(id_, 0) + one.lots
    said = {
        "samples": watch.samples,
        "problems": watch.problems,
        "losses": watch.losses,
        "fills": [[one.symbol, one.side.name, one.lots, one.price] for one in record.fills],
        "orders": kernel.order_count,
        "open_orders": [one.client_order_id for one in kernel.open_orders()],
        "positions": {id_: lots for id_, lots in positions.items() if lots},
        "halted": kernel.gate.halted,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
