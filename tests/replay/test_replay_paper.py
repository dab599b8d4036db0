"""Sessions on paper, run again on their recordings: nothing may differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from paper_sessions import MARKET, RecordedFeed, Session, plan_of, tape_plan
from test_recording import killed_after

from hookline import plugins
from hookline.columns import ExternalSeries
from hookline.data.recording import Recording, by_time
from hookline.journal import read_journal
from hookline.session.plan import JournalPlan
from hookline.session.replaying import replay


@pytest.fixture(scope="module")
def feed():
    return RecordedFeed()


def recorded(folder):
    return JournalPlan(folder, record=folder / "recording")


def differences(found):
    """Return everything that would show: parts, and orders that differ."""
    parts = {name: value for name, value in found.difference.parts.items() if value}
    return parts, [row for row in found.difference.rows if row.is_different]


def test_a_busy_session_on_bars_has_no_difference(tmp_path):
    Session(plan_of(tmp_path, 40, journal=recorded(tmp_path))).run()
    found = replay(tmp_path, build=lambda *_: plan_of(tmp_path, 40, journal=None))
    assert len(read_journal(tmp_path).payments) > 3
    assert len(found.difference.rows) > 30
    assert differences(found) == ({}, [])
    assert found.coverage.is_whole


def test_a_session_that_fills_at_the_close_has_no_difference(tmp_path):
    def plan(**more):
        broker = plugins.build("brokers", "paper", {"taker_fee_bps": 5, "fill": "close"}, "broker")
        return replace(plan_of(tmp_path, 40, **more), broker=broker)

    Session(plan(journal=recorded(tmp_path))).run()
    content = read_journal(tmp_path)
    found = replay(tmp_path, build=lambda *_: plan(journal=None))
    sent = {order.number: order.time for order in content.orders}
    assert sum(fill.time == sent[fill.order_number] for fill in content.fills) > 20
    assert differences(found) == ({}, [])


def test_a_session_on_the_tape_has_no_difference(tmp_path, feed):
    Session(tape_plan(tmp_path, feed, journal=recorded(tmp_path))).run()
    found = replay(tmp_path, build=lambda *_: tape_plan(tmp_path, feed, journal=None))
    assert len(read_journal(tmp_path).fills) > 10
    assert differences(found) == ({}, [])


def test_a_session_that_was_killed_has_no_difference(tmp_path, feed):
    for number in (120, 90):
        killed_after(number, lambda: Session(tape_plan(tmp_path, feed, journal=recorded(tmp_path))).run())
    Session(tape_plan(tmp_path, feed, journal=recorded(tmp_path))).run()
    found = replay(tmp_path, build=lambda *_: tape_plan(tmp_path, feed, journal=None))
    assert differences(found) == ({}, [])
    assert found.coverage.notes[-1] == "the session was started 3 times; it is run again as one"


@pytest.mark.parametrize("number", [61, 133])
def test_a_session_that_was_killed_is_compared_as_far_as_its_journal_goes(tmp_path, feed, number):
    killed_after(number, lambda: Session(tape_plan(tmp_path, feed, journal=recorded(tmp_path))).run())
    found = replay(tmp_path, build=lambda *_: tape_plan(tmp_path, feed, journal=None))
    assert found.difference.rows
    assert differences(found) == ({}, [])


def test_funding_and_marks_that_were_known_beforehand_are_recorded(tmp_path):
    plan = plan_of(tmp_path, 10, journal=recorded(tmp_path))
    marks = {"AAA": MARKET["AAA"].between(None, int(MARKET["AAA"].start[10]))}
    Session(replace(plan, marks=marks)).run()
    recording = Recording(tmp_path / "recording")
    known, series = plan.funding["AAA"], recording.funding("AAA")
    assert isinstance(series, ExternalSeries)
    assert series.time.tolist() == known.time.tolist()
    assert np.array_equal(series.value, known.value)
    assert recording.marks("AAA").close.tolist() == marks["AAA"].close.tolist()
    assert recording.funding("CCC") is recording.marks("CCC") is None


def test_what_was_recorded_is_read_as_it_was_handled_while_the_session_runs(tmp_path, feed):
    from hookline.session.market_recorder import MarketRecorder

    recorder = MarketRecorder(tmp_path, "10s", part_events=60)
    events = list(feed.tapes.events())[:150]
    for event in events:
        recorder.keep_message(event)
        recorder.committed()
    assert [entry.events[0] for entry in Recording(tmp_path).entries()] == events
    recorder.close()
    assert [entry.events[0] for entry in Recording(tmp_path).entries()] == events


def test_a_part_that_was_written_before_a_crash_is_written_again_once(tmp_path, feed):
    from hookline.session.market_recorder import MarketRecorder

    events = list(feed.tapes.events())[:50]
    position = {"bars": {}, "tape": {"AAA": [2**62, 1]}}
    recorder = MarketRecorder(tmp_path, "10s")
    for event in events:
        recorder.keep_message(event)
    before = (tmp_path / "spool.jsonl").read_bytes()
    recorder.close()
    (tmp_path / "spool.jsonl").write_bytes(before)  # the crash: Parquet is there, and the spool still too
    MarketRecorder(tmp_path, "10s", position).close()
    assert [entry.events[0] for entry in Recording(tmp_path).entries()] == events
    assert len(list((tmp_path / "tape" / "AAA").iterdir())) == 1


def test_bars_that_were_dropped_are_in_their_places_again(tmp_path):
    from hookline.session.market_recorder import MarketRecorder

    series = MARKET["AAA"]
    first, second, third = (series.bar(number) for number in range(3))
    recorder = MarketRecorder(tmp_path, "1h", follows=True)
    recorder.began(first.start, 0.0005)
    recorder.keep([first])
    recorder.keep([third])
    recorder.dropped(second)
    recorder.dropped(first)
    entries = list(Recording(tmp_path).entries())
    assert [entry.kind for entry in entries] == ["start", "bar", "bar", "late", "late"]
    assert entries[0].value == 0.0005
    assert [one for entry in by_time(entries) for one in entry.events] == [first, second, third]
    recorder.close()
