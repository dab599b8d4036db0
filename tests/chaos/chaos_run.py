"""Runs one schedule: the venue here, the session in a process beside it that is killed and started again."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chaos_check import compare
from chaos_session import Job, run_session
from chaos_spec import SPEED, Kill, Spec, draw
from chaos_venue import ChaosVenue

from hookline.session.pulse import read_status

__all__ = ["Outcome", "run_schedule", "warm_up"]

_STARTS, _MANY = 12, 20_000
_RUNOFF_SECONDS, _SETTLE_SECONDS, _STOP_SECONDS = 0.2, 0.5, 45.0
_LONGEST_SECONDS = 90.0
_BEGUN, _BEGIN_SECONDS = 5, 10.0
_STARTING_SECONDS = (
    0.35  # kills by time up to here count from the start of the process, others from when it runs
)


@dataclass
class Outcome:
    """What came of a schedule."""

    seed: int
    problems: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def warm_up() -> None:
    """Load what sessions need into the process that theirs are forked from."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["chaos_session"])
    process = context.Process(target=int)
    process.start()
    process.join()
    process.close()


def run_schedule(seed: int, folder: Path) -> Outcome:
    """Run the schedule of a seed in an empty folder."""
    return asyncio.run(_Schedule(draw(seed), folder).run())


class _Problems(logging.Handler):
    """Notes what goes wrong in the venue itself; that a killed client has gone is nothing of that kind."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._problems = problems

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, ConnectionError):
            self._problems.append(f"the venue failed: {logging.Formatter().format(record)}")


class _Schedule:
    def __init__(self, spec: Spec, folder: Path) -> None:
        self.spec, self.folder = spec, folder
        rng = random.Random(f"keys {spec.seed}")
        self.key, self.secret = f"key-{rng.getrandbits(96):x}", f"secret-{rng.getrandbits(128):x}"
        self.venue = ChaosVenue(spec, self.key, self.secret)
        self.outcome = Outcome(spec.seed)
        self.kills = list(spec.kills)
        self.reports: list[dict[str, Any]] = []

    async def run(self) -> Outcome:
        server = logging.getLogger("aiohttp.server")
        server.propagate = False
        server.handlers = [_Problems(self.outcome.problems)]
        async with self.venue as venue:
            venue.set_speed(SPEED)
            calm = asyncio.create_task(self._story())
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    await self._supervise(calm)
            except TimeoutError:
                self.outcome.problems.append(f"was not over within {_LONGEST_SECONDS:g} s")
            finally:
                calm.cancel()
                await asyncio.gather(calm, return_exceptions=True)
        self._conclude()
        if self.outcome.problems:
            (self.folder / "venue.log").write_text("\n".join(self.venue.transcript))
        return self.outcome

    async def _story(self) -> None:
        """Let faults happen and end, and a little later the market: what is to be compared must not go on moving."""
        await self._begin()
        self.venue.follow(self.spec.schedule)
        await asyncio.sleep(self.spec.seconds)
        self.venue.quiet()
        await asyncio.sleep(_RUNOFF_SECONDS)
        self.venue.stop_market()
        await asyncio.sleep(_SETTLE_SECONDS)

    async def _begin(self) -> None:
        """Wait until the session trades; where it does not, or not any more, no longer than a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_BEGIN_SECONDS):
                while not self.spec.is_early and self.venue.received.total() < _BEGUN:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

    async def _supervise(self, calm: asyncio.Task[None]) -> None:
        """Keep a session running until all is calm, then end the last one as a person would."""
        for _ in range(_STARTS):
            is_last = calm.done() and not self.kills
            if await self._process(calm):
                return
            self.outcome.counts["restarts"] += 1
            await asyncio.sleep(0.05)
            if is_last:
                break
        self.outcome.problems.append("the session did not stay up after all faults had ended")

    async def _process(self, calm: asyncio.Task[None]) -> bool:
        """Run one process; return whether it ended as told to."""
        kill = self.kills.pop(0) if self.kills else None
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        process = multiprocessing.get_context("forkserver").Process(
            target=run_session, args=(self._job(kill),)
        )
        process.start()
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(process.sentinel, over.set)
        try:
            was_told = await self._until_over(process, over, kill, calm)
        finally:
            loop.remove_reader(process.sentinel)
            if not over.is_set():
                _send(process.pid, signal.SIGUSR1)
                await asyncio.sleep(0.5)
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        if not report.exists():
            self.outcome.counts["kills"] += 1
            if code not in (9, -9):
                self.outcome.problems.append(f"the process ended with code {code}, and without a report")
                return True
            return False
        self.reports.append(json.loads(report.read_text()))
        last = self.reports[-1]
        self.outcome.problems += [f"task left behind: {one}" for one in last["leaked"]]
        if last["error"]:
            self.outcome.counts["failed starts" if not last["started"] else "failed sessions"] += 1
            if last["kind"] not in _OUTSIDE:
                self.outcome.problems.append(f"{last['kind']}: {last['error']}")
            return False
        return was_told

    async def _until_over(
        self, process: Any, over: asyncio.Event, kill: Kill | None, calm: asyncio.Task[None]
    ) -> bool:
        """Wait for the end of a process, brought about if it is time; return whether it was told to end."""
        if kill is not None and kill.how == "time":
            while kill.at > _STARTING_SECONDS and not over.is_set() and not self._listens(process.pid):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            if not await _within(over.wait(), kill.at):
                _send(process.pid, signal.SIGKILL)
                await over.wait()
            return False
        ended = asyncio.ensure_future(over.wait())
        await asyncio.wait([ended, calm], return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return False
        while not ended.done() and not self._listens(process.pid):
            await asyncio.wait([ended], timeout=0.02)
        if ended.done():
            return False
        await asyncio.wait([ended], timeout=_SETTLE_SECONDS)
        _send(process.pid, signal.SIGTERM)
        if not await _within(asyncio.shield(ended), _STOP_SECONDS):
            self.outcome.problems.append(f"the session did not end within {_STOP_SECONDS:g} s")
            ended.cancel()
        return True

    def _listens(self, pid: int) -> bool:
        """Return whether a process has come so far that it ends in good order when it is told to."""
        return self._state().get("pid") == pid and self._state()["state"] == "running"

    def _state(self) -> dict[str, Any]:
        return read_status(self.folder / "journal")

    def _job(self, kill: Kill | None) -> Job:
        spec = self.spec
        job = Job(
            spec.seed, str(self.folder), self.venue.rest_url, self.venue.socket_url, self.key, self.secret,
            spec.symbols, spec.on_stop,
        )  # fmt: skip
        return (
            job
            if kill is None or kill.how == "time"
            else replace(job, kill_how=kill.how, kill_at=int(kill.at))
        )

    def _conclude(self) -> None:
        outcome, venue = self.outcome, self.venue
        outcome.faults = venue.faults.fired
        truth = venue.truth
        outcome.counts.update(
            orders=len(truth.orders), fills=len(truth.fills), reconnects=_count_losses(self.folder / "session.log"),
            requests=venue.requests.total(),
        )  # fmt: skip
        if venue.requests.total() > _MANY:
            outcome.problems.append(f"too many requests: {venue.requests.most_common(4)}")
        if self.reports and not self.reports[-1]["error"]:
            compare(self.folder, venue, self.reports[-1], (self.key, self.secret), outcome)


_OUTSIDE = {
    "LmexUnreachable",
    "LmexUnknown",
    "LmexMalformed",
    "LmexLimited",
    "LmexRefused",
    "LmexForbidden",
    "LmexUnauthorized",
    "VenueError",
    "ConfigError",
}


def _count_losses(log: Path) -> int:
    """Return how often a socket that was up was lost, as the sessions have written it down."""
    text = log.read_text() if log.exists() else ""
    return text.count(" socket is down: ") + text.count(" is lost: ")


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended by itself meanwhile
        os.kill(pid, number)


async def _within(work: Any, seconds: float) -> bool:
    """Return whether something was over in time."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True
