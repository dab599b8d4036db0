"""What a session recorded runs again event for event."""

from __future__ import annotations

import os
import signal

import pytest
from paper_sessions import BEGIN, TAPE_SECONDS, RecordedFeed, Session, plan_of, tape_plan

from hookline.data.catalogue import Catalogue
from hookline.feed import BarRequest
from hookline.journal import read_journal
from hookline.params import PluginUse
from hookline.session.market_recorder import MarketRecorder
from hookline.session.plan import JournalPlan
from hookline_feeds.replay import ReplayFeed


def recording(folder):
    return JournalPlan(folder, record=folder / "recording")


def replayed(folder):
    source = {
        "path": str(folder / "recording" / "bars"),
        "tape_path": str(folder / "recording" / "tape" / "{symbol}"),
        "clock_offset_seconds": 0,
    }
    return ReplayFeed(PluginUse("parquet", source))


def told(folder):
    content = read_journal(folder)
    return [*map(repr, content.orders), *content.fills, *content.updates, *content.amendments]


@pytest.fixture(scope="module")
def feed():
    return RecordedFeed()


def test_a_session_on_the_tape_runs_again_with_the_same_orders_and_fills(tmp_path, feed):
    first, again = tmp_path / "first", tmp_path / "again"
    Session(tape_plan(first, feed, journal=recording(first))).run()
    Session(tape_plan(again, replayed(first))).run()
    assert len(read_journal(first).fills) > 10
    assert told(again) == told(first)


def test_a_session_on_bars_runs_again_with_the_same_orders_and_fills(tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    Session(plan_of(first, 30, journal=recording(first))).run()
    source = PluginUse("parquet", {"path": str(first / "recording" / "bars")})
    plan = plan_of(again)
    plan.feed.stream = ReplayFeed(source).stream
    Session(plan).run()
    assert told(again) == told(first)


def killed_after(number, action):
    """Run something in a process that is killed once a number of messages was recorded."""
    child = os.fork()
    if child == 0:
        keep, left = MarketRecorder.keep_message, [number]

        def keep_and_die(self, event):
            keep(self, event)
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

        MarketRecorder.keep_message = keep_and_die
        try:
            action()
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def test_a_session_that_was_killed_has_recorded_everything_once(tmp_path, feed):
    folder, again = tmp_path / "first", tmp_path / "again"
    for number in (120, 90):
        killed_after(number, lambda: Session(tape_plan(folder, feed, journal=recording(folder))).run())
    Session(tape_plan(folder, feed, journal=recording(folder))).run()
    Session(tape_plan(again, replayed(folder))).run()
    assert told(again) == told(folder)


def test_parts_follow_each_other_and_hold_every_message(tmp_path, feed):
    tape = feed.tapes
    recorder = MarketRecorder(tmp_path, "10s", part_events=100)
    for event in tape.events():
        recorder.keep_message(event)
        recorder.committed()
    recorder.close()
    from hookline.data.tape import load_tape

    stored = load_tape(tmp_path / "tape" / "AAA", symbol="AAA", clock_offset=0)
    assert len(list((tmp_path / "tape" / "AAA").iterdir())) > 2
    assert list(stored.events()) == list(tape.events())
    assert (tmp_path / "spool.jsonl").read_bytes().splitlines()[1:] == []


def test_bars_are_in_a_catalogue_with_the_times_of_their_receipt(tmp_path, feed):
    import pyarrow.parquet as pq

    folder = tmp_path / "first"
    Session(tape_plan(folder, feed, journal=recording(folder))).run()
    until = BEGIN + TAPE_SECONDS * 10**9
    series = Catalogue(folder / "recording" / "bars").load(BarRequest("AAA", "10s", BEGIN, until))
    assert series.close.tolist() == feed.bars.close.tolist()
    [path] = (folder / "recording" / "log").iterdir()
    log = pq.read_table(path)
    assert [start for start in log["start"].to_pylist() if start] == series.start.tolist()
    assert log["received"].to_pylist() == sorted(log["received"].to_pylist())


def test_a_torn_line_at_the_end_of_the_spool_is_left_out(tmp_path, feed):
    recorder = MarketRecorder(tmp_path, "10s")
    events = list(feed.tapes.events())[:5]
    for event in events:
        recorder.keep_message(event)
    spool = tmp_path / "spool.jsonl"
    spool.write_bytes(spool.read_bytes()[:-7])
    position = {"bars": {}, "tape": {"AAA": [events[4].time, 1]}}
    recorder._file.close()
    MarketRecorder(tmp_path, "10s", position)._file.close()
    assert len(spool.read_bytes().splitlines()) == 1 + 4
