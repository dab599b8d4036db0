"""When a session that is watched from outside has failed."""

import json
import math

import pytest

from hookline.session.trail import EquityTrail
from hookline.session.vigil import Limits, Process, Vigil

THERE, GONE, ANOTHER = Process(True), Process(False), Process(False, True)


def running(beat, **changes):
    return {
        "pid": 7,
        "state": "running",
        "started": 1,
        "written": 10**18 + beat * 10**9,
        "data_age_seconds": 0.2,
        "equity": 1000.0,
    } | changes


@pytest.fixture
def vigil():
    return Vigil(Limits(silence_seconds=10, data_age_seconds=20, drawdown_fraction=0.2), EquityTrail())


def test_a_session_that_gives_signs_is_well(vigil):
    assert [vigil.look(running(second), THERE, second) for second in range(100)] == [""] * 100
    assert vigil.state == "running, process 7"
    assert vigil.can_answer


def test_silence_is_measured_on_the_watchers_own_clock(vigil):
    assert vigil.look(running(-1_000_000), THERE, 0.0) == ""  # whatever the sign says of the time
    assert vigil.look(running(-1_000_000), THERE, 10.0) == ""
    assert vigil.look(running(-1_000_000), THERE, 10.5) == "no sign of life for 10 s, at most 10 s"
    assert not vigil.can_answer


def test_the_system_clock_may_jump_either_way(vigil):
    for second, jump in enumerate((0, 86_400, -86_400, 0, 3600)):
        assert vigil.look(running(second + jump), THERE, float(second)) == ""


def test_a_single_look_may_go_by_the_age_that_the_sign_says(vigil):
    assert "no sign of life for 60 s" in vigil.look(running(0), THERE, 0.0, age=60.0)


def test_time_in_which_the_watcher_did_not_run_does_not_count(vigil):
    vigil.look(running(0), THERE, 0.0)
    vigil.overslept(600.0)
    assert vigil.look(running(0), THERE, 605.0) == ""
    assert "no sign of life" in vigil.look(running(0), THERE, 611.0)


def test_a_sign_that_cannot_be_read_is_no_sign(vigil):
    vigil.look(running(0), THERE, 0.0)
    assert vigil.look({}, THERE, 9.0) == ""
    assert vigil.look(running(1), THERE, 10.0) == ""
    assert vigil.look({}, THERE, 19.0) == ""
    assert "no sign of life" in vigil.look({}, THERE, 21.0)


def test_old_data_fails_though_signs_come(vigil):
    assert vigil.look(running(0, data_age_seconds=20.0), THERE, 0.0) == ""
    assert (
        vigil.look(running(1, data_age_seconds=21.0), THERE, 1.0)
        == "the newest data is 21 s old, at most 20 s"
    )


def test_data_grows_old_between_two_signs(vigil):
    vigil.look(running(0, data_age_seconds=15.0), THERE, 0.0)
    assert vigil.look(running(0, data_age_seconds=15.0), THERE, 4.0) == ""
    assert "newest data is 21 s old" in vigil.look(running(0, data_age_seconds=15.0), THERE, 6.0)


def test_a_session_that_follows_bars_alone_may_be_without_data_for_the_length_of_one(vigil):
    assert vigil.look(running(0, data_age_seconds=3610.0, quiet_seconds=3600.0), THERE, 0.0) == ""
    assert "at most 3620 s" in vigil.look(
        running(1, data_age_seconds=3621.0, quiet_seconds=3600.0), THERE, 1.0
    )


def test_equity_that_falls_too_far_from_its_highest_fails(vigil):
    for second, equity in enumerate((1000.0, 1250.0, 1100.0, None, math.nan, "much", 1000.0)):
        assert vigil.look(running(second, equity=equity), THERE, float(second)) == ""
    found = vigil.look(running(9, equity=990.0), THERE, 9.0)
    assert found == "equity is 20.8% below its highest, 1,250.00; at most 20.0%"


def test_limits_that_are_off_judge_nothing():
    vigil = Vigil(Limits(10, None, None), EquityTrail())
    assert vigil.look(running(0), THERE, 0.0) == ""
    assert vigil.look(running(1, equity=1.0, data_age_seconds=1e9), THERE, 1.0) == ""


def test_a_process_that_is_gone_without_a_word_fails_after_a_moment(vigil):
    vigil.look(running(0), THERE, 0.0)
    assert vigil.look(running(0), GONE, 1.0) == ""
    assert vigil.is_suspect
    assert vigil.look(running(0), GONE, 6.0) == "process 7 is gone without having said that it ended"


def test_a_process_that_is_followed_by_another_in_time_is_well(vigil):
    vigil.look(running(0), THERE, 0.0)
    vigil.look(running(0), GONE, 1.0)
    assert vigil.look(running(0), ANOTHER, 7.0) == ""
    assert vigil.state == "starting"
    assert vigil.look(running(0), ANOTHER, 200.0) == ""
    assert vigil.look(running(210, pid=8, started=2), THERE, 210.0) == ""


def test_a_start_after_a_crash_that_never_comes_to_a_sign_fails(vigil):
    vigil.look(running(0), THERE, 0.0)
    vigil.look(running(0), ANOTHER, 1.0)
    assert vigil.look(running(0), ANOTHER, 300.0) == ""
    assert vigil.look(running(0), ANOTHER, 302.0) == "no sign of life since it was started 301 s ago"


@pytest.mark.parametrize("before", [{}, running(0, state="finished"), running(0, state="interrupted")])
def test_a_start_after_a_clean_end_may_wait_for_a_person(vigil, before):
    assert [vigil.look(before, ANOTHER, second) for second in (0.0, 299.0, 9000.0)] == [""] * 3
    assert vigil.state == "starting"


def test_a_session_that_is_stopping_has_a_minute_and_a_half(vigil):
    stopping = running(0, state="stopping", equity=1.0, data_age_seconds=1e6)
    assert [vigil.look(stopping, THERE, second) for second in (0.0, 89.0)] == ["", ""]
    assert "no sign of life for 91 s, at most 90 s" in vigil.look(stopping, THERE, 91.0)


def test_a_session_that_goes_on_though_it_was_asked_to_stop_fails_even_if_it_was_acted_upon():
    trail = EquityTrail()
    trail.acted = 1
    vigil = Vigil(Limits(), trail)
    for second in range(46):
        assert vigil.look(running(second), THERE, float(second), is_asked=True) == ""
    found = vigil.look(running(46), THERE, 46.0, is_asked=True)
    assert found == "it was asked to stop 46 s ago and goes on"


def test_a_request_that_is_taken_or_waits_for_a_process_that_hangs_is_no_disobedience(vigil):
    for second in range(200):
        assert vigil.look(running(second), THERE, float(second), is_asked=second % 40 != 0) == ""
    trail = EquityTrail()
    trail.acted = 1
    vigil = Vigil(Limits(), trail)
    for second in range(200):
        assert vigil.look(running(0), THERE, float(second), is_asked=True) == ""


@pytest.mark.parametrize("state", ["finished", "interrupted"])
def test_a_session_that_ended_by_itself_is_waited_for(vigil, state):
    vigil.look(running(0), THERE, 0.0)
    assert vigil.look(running(1, state=state), THERE, 1.0) == ""
    assert vigil.look(running(1, state=state), GONE, 1000.0) == ""
    assert vigil.state == f"{state}; waiting for its next start"
    assert vigil.look(running(2000, started=2), THERE, 2000.0) == ""


def test_a_session_that_failed_is_failed_at_once(vigil):
    assert vigil.look(running(1, state="failed"), GONE, 1.0) == "the session has failed"


def test_a_session_that_failed_before_it_began_has_sent_nothing(vigil):
    assert vigil.look(running(1, state="failed", events=0), GONE, 1.0) == ""
    assert vigil.state == "failed before it began; waiting for its next start"
    vigil.look(running(2, state="finished", events=5), GONE, 2.0)
    assert vigil.look(running(3, state="failed", events=0), GONE, 3.0) == ""


def test_one_that_was_to_go_on_where_another_was_killed_has_failed(vigil):
    vigil.look(running(0, events=5), THERE, 0.0)
    vigil.look(running(0, events=5), GONE, 1.0)
    found = vigil.look(running(2, state="failed", events=0, pid=8, started=2), GONE, 2.0)
    assert found == "the session has failed"


def test_a_session_that_never_ran_is_waited_for(vigil):
    assert [vigil.look({}, GONE, second) for second in (0.0, 1e6)] == ["", ""]
    assert vigil.state == "waiting for its first sign of life"


def test_numbers_are_not_judged_before_it_trades(vigil):
    assert vigil.look(running(0, state="starting", data_age_seconds=1e6), THERE, 0.0) == ""
    assert "no sign of life" in vigil.look(running(0, state="starting"), THERE, 11.0)


@pytest.mark.parametrize(
    "sign",
    [
        {
            "state": ["running"],
            "pid": "x",
            "started": "y",
            "written": {},
            "equity": [],
            "data_age_seconds": {},
        },
        {
            "state": "running",
            "started": True,
            "quiet_seconds": math.inf,
            "data_age_seconds": None,
            "pid": None,
        },
        {"no": "thing"},
    ],
)
def test_nothing_that_a_file_may_hold_breaks_the_judgment(vigil, sign):
    for second, process in enumerate((THERE, GONE, ANOTHER)):
        assert isinstance(vigil.look(sign, process, float(second)), str)


# -- the trail of equity -----------------------------------------------------------------------------------------------


def test_the_highest_equity_outlives_the_watcher(tmp_path):
    EquityTrail(tmp_path).see(1250.0)
    assert EquityTrail(tmp_path).see(1000.0) == 0.2


def test_what_was_acted_upon_is_not_acted_upon_again(tmp_path):
    limits, trail = Limits(10), EquityTrail(tmp_path)
    first = Vigil(limits, trail)
    trail.see(5000.0)
    assert first.look(running(0, state="failed"), GONE, 0.0)
    trail.act(first.started)
    again = Vigil(limits, EquityTrail(tmp_path))
    assert again.look(running(0, state="failed"), GONE, 0.0) == ""
    assert again.state == "stopped by a watchdog; waiting for its next start"
    assert again.look(running(9, started=2), THERE, 9.0) == ""  # far below the highest of before
    assert again.look(running(10, started=2, state="failed"), GONE, 10.0) == "the session has failed"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"highest_equity": "x", "acted": null}', '{"highest_equity": NaN}']
)
def test_a_trail_that_cannot_be_read_begins_anew(tmp_path, text):
    (tmp_path / "watchdog.json").write_text(text)
    trail = EquityTrail(tmp_path)
    assert (trail.highest, trail.acted) == (0.0, -1)
    trail.see(10.0)
    assert json.loads((tmp_path / "watchdog.json").read_text()) == {"highest_equity": 10.0, "acted": -1}


def test_a_folder_that_is_not_there_yet_breaks_no_trail(tmp_path):
    assert EquityTrail(tmp_path / "later").see(10.0) == 0.0
