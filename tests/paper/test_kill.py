"""A session that is killed at any write of its journal and started again ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from paper_sessions import RecordedFeed, Session, plan_of, tape_plan, told

from hookline import plugins
from hookline.errors import StrategyError
from hookline.journal import read_journal, verify_journal, writer
from hookline.session.plan import JournalPlan

HOURS = 36


class Counting:
    """A connection that counts its statements, and at one of them kills the process."""

    count = 0
    deadly = -1

    def __init__(self, connection):
        self._connection = connection

    def _tick(self):
        Counting.count += 1
        if Counting.count == Counting.deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(self, *arguments):
        self._tick()
        return self._connection.execute(*arguments)

    def executemany(self, *arguments):
        self._tick()
        return self._connection.executemany(*arguments)

    def __getattr__(self, name):
        return getattr(self._connection, name)


def in_child(action) -> int:
    """Run something in a process of its own and return how that ended."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def killed_run(make, folder, statement) -> None:
    def action():
        opened = writer.connected
        writer.connected = lambda *arguments: Counting(opened(*arguments))
        Counting.count, Counting.deadly = 0, statement
        Session(make(folder)).run()

    assert in_child(action) == signal.SIGKILL


def statements_of(make, folder, monkeypatch) -> int:
    """Run a session that nobody kills and return how many statements it sends to its journal."""
    with monkeypatch.context() as patch:
        opened = writer.connected
        patch.setattr(writer, "connected", lambda *arguments: Counting(opened(*arguments)))
        Counting.count, Counting.deadly = 0, -1
        Session(make(folder)).run()
    return Counting.count


def check_kills(make, base: Path, points, whole) -> list[str]:
    """Kill at each point and start again; return what ended differently."""
    wrong = []
    for point in points:
        folder = base / str(point)
        killed_run(make, folder, point)
        Session(make(folder)).run()
        if told(folder) != whole:
            wrong.append(f"killed at statement {point}")
    return wrong


def check_on_two_cores(make, base: Path, points, whole) -> None:
    def work(part):
        wrong = check_kills(make, base, points[part::2], whole)
        (base / f"wrong{part}").write_text("\n".join(wrong))

    other = os.fork()
    if other == 0:
        code = 1
        try:
            work(1)
            code = 0
        finally:
            os._exit(code)
    work(0)
    assert os.waitpid(other, 0)[1] == 0
    assert [(base / f"wrong{part}").read_text() for part in (0, 1)] == ["", ""]


def of_bars(folder):
    return plan_of(folder, HOURS)


def of_closes(folder):
    """The same bars with market orders that fill at the close they were sent on."""
    params = {"taker_fee_bps": 5, "maker_fee_bps": 1, "fill": "close"}
    return replace(plan_of(folder, HOURS), broker=plugins.build("brokers", "paper", params, "broker"))


def of_tape():
    feed = RecordedFeed()
    return lambda folder: tape_plan(folder, feed)


@pytest.mark.slow
def test_a_session_on_bars_that_is_killed_at_every_write_ends_the_same(tmp_path, monkeypatch):
    def make(folder):
        return plan_of(folder, 9)

    statements = statements_of(make, tmp_path / "whole", monkeypatch)
    assert len(read_journal(tmp_path / "whole").fills) > 8
    check_on_two_cores(make, tmp_path, list(range(1, statements - 2)), told(tmp_path / "whole"))


@pytest.mark.slow
def test_a_longer_session_that_is_killed_at_every_thirteenth_write_ends_the_same(tmp_path, monkeypatch):
    statements = statements_of(of_bars, tmp_path / "whole", monkeypatch)
    content = read_journal(tmp_path / "whole")
    assert len(content.fills) > 60
    assert len(content.decisions) > 5
    assert len(content.payments) > 5
    check_on_two_cores(of_bars, tmp_path, list(range(100, statements - 2, 13)), told(tmp_path / "whole"))


@pytest.mark.slow
def test_a_session_on_the_tape_that_is_killed_at_every_eleventh_write_ends_the_same(tmp_path, monkeypatch):
    make = of_tape()
    statements = statements_of(make, tmp_path / "whole", monkeypatch)
    content = read_journal(tmp_path / "whole")
    assert {fill.is_maker for fill in content.fills} == {True, False}
    check_on_two_cores(make, tmp_path, list(range(60, statements - 2, 11)), told(tmp_path / "whole"))


@pytest.mark.parametrize("make", [of_bars, of_closes, of_tape()], ids=["bars", "closes", "tape"])
def test_a_session_that_is_killed_again_and_again_ends_the_same(tmp_path, make):
    Session(make(tmp_path / "whole")).run()
    for statement in (90, 20, 60, 33, 47):
        killed_run(make, tmp_path / "killed", statement)
        assert verify_journal(tmp_path / "killed").is_good
    Session(make(tmp_path / "killed")).run()
    assert told(tmp_path / "killed") == told(tmp_path / "whole")
    assert len(read_journal(tmp_path / "killed").starts) == 6


def test_a_session_that_is_killed_after_its_journal_was_split_ends_the_same(tmp_path):
    def make(folder):
        return plan_of(folder, HOURS, journal=JournalPlan(folder, max_bytes=100_000))

    def rarely(folder):
        writer._SIZE_CHECK, before = 4, writer._SIZE_CHECK
        try:
            return Session(make(folder)).run()
        finally:
            writer._SIZE_CHECK = before

    rarely(tmp_path / "whole")
    for statement in (200, 100):
        in_child(lambda deadly=statement: kill_at(deadly, lambda: rarely(tmp_path / "killed")))
    rarely(tmp_path / "killed")
    assert len(read_journal(tmp_path / "killed").paths) > 2
    assert told(tmp_path / "killed") == told(tmp_path / "whole")


def kill_at(statement, action):
    opened = writer.connected
    writer.connected = lambda *arguments: Counting(opened(*arguments))
    Counting.count, Counting.deadly = 0, statement
    action()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_session_that_is_stopped_and_started_again_ends_the_same(tmp_path, number):
    Session(of_bars(tmp_path / "whole")).run()

    def stop_at(hour):
        def action():
            plan = of_bars(tmp_path / "stopped")
            stream = plan.feed.stream

            async def stream_and_stop(requests):
                async for bar in stream(requests):
                    yield bar
                    if bar.end == hour:
                        os.kill(os.getpid(), number)

            plan.feed.stream = stream_and_stop
            assert Session(plan).run().record.interrupted

        return action

    begin = int(of_bars(tmp_path).feed._series["AAA"].start[0])
    for hour in (5, 6, 17, 30):
        assert in_child(stop_at(begin + hour * 3600 * 10**9)) == 0
    stops = [stop.reason for stop in read_journal(tmp_path / "stopped").stops]
    assert stops == ["interrupted"] * 4
    Session(of_bars(tmp_path / "stopped")).run()
    assert told(tmp_path / "stopped") == told(tmp_path / "whole")


def test_a_second_signal_ends_a_session_at_once_and_the_journal_is_whole(tmp_path):
    heard = []

    def action():
        plan = of_bars(tmp_path / "stopped")
        stream = plan.feed.stream

        async def stream_and_stop(requests):
            async for bar in stream(requests):
                yield bar
                heard.append(bar)
                if len(heard) == 20:
                    os.kill(os.getpid(), signal.SIGINT)
                    os.kill(os.getpid(), signal.SIGINT)

        plan.feed.stream = stream_and_stop
        try:
            Session(plan).run()
        except KeyboardInterrupt:
            os._exit(42)

    assert os.waitstatus_to_exitcode(in_child(action)) == 42
    assert read_journal(tmp_path / "stopped").stops == []
    assert verify_journal(tmp_path / "stopped").is_good
    Session(of_bars(tmp_path / "stopped")).run()
    Session(of_bars(tmp_path / "whole")).run()
    assert told(tmp_path / "stopped") == told(tmp_path / "whole")


def test_a_session_that_failed_says_so_and_goes_on_from_the_event_before(tmp_path):
    plan = of_bars(tmp_path / "failed")
    strategy, seen = plan.seats[2].strategy, []
    on_bar = strategy.on_bar

    def fail(ctx, bar):
        seen.append(bar)
        if len(seen) == 21:
            raise ValueError("oops")
        on_bar(ctx, bar)

    strategy.on_bar = fail
    with pytest.raises(StrategyError, match="oops"):
        Session(plan).run()
    [stop] = read_journal(tmp_path / "failed").stops
    assert stop.reason.startswith("failed: StrategyError: strategy 'busy': on_bar at ")
    Session(of_bars(tmp_path / "failed")).run()
    Session(of_bars(tmp_path / "whole")).run()
    assert told(tmp_path / "failed") == told(tmp_path / "whole")
