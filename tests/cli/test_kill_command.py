"""``hookline kill``: what it withdraws, whoever still lives, and when it says that nothing is left."""

import importlib
import json
import subprocess
import sys
import time

import pytest

from filed_venue import SESSION, FiledVenue, install_filed
from hookline.journal import Journal, SessionHeader, read_journal
from hookline.session.loader import load_session
from hookline.session.requests import KillRequest, kill_request


@pytest.fixture
def site(tmp_path, monkeypatch):
    found = install_filed(tmp_path)
    monkeypatch.syspath_prepend(str(found))
    importlib.invalidate_caches()
    yield found
    sys.modules.pop("filed_broker", None)


@pytest.fixture
def venue(tmp_path, site):
    return FiledVenue(tmp_path / "venue.json")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "demo.yaml"
    path.write_text(SESSION)
    return path


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("hookline.cli.kill._PAUSE_SECONDS", 0.01)


def journal_of(path, **changes):
    """Write the journal of a session that was started and has ended."""
    config = load_session(path)
    header = SessionHeader("demo", "live", "USDT", config.dump() | changes, {}, [])
    (path.parent / "runs" / "demo").mkdir(parents=True, exist_ok=True)
    Journal.create(path.parent / "runs" / "demo" / "journal.sqlite", header).close("failed")


HOLDER = """
import json, os, sys, time
from pathlib import Path
from hookline.journal.lock import FileLock
folder = Path(sys.argv[1])
obeys = sys.argv[2] == "obeys"
lock = FileLock(folder / "journal.sqlite")
(folder / "ready").write_text("")
while not (obeys and (folder / "kill.json").exists()):
    time.sleep(0.02)
(folder / "kill.json").rename(folder / "taken.json")
lock.close()
"""


@pytest.fixture
def running(tmp_path):
    """A process that has a session's journal and obeys a request, or never does."""
    started = []

    def start(how="obeys"):
        folder = tmp_path / "runs" / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        started.append(subprocess.Popen([sys.executable, "-c", HOLDER, str(folder), how]))
        end = time.monotonic() + 20
        while not (folder / "ready").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_orders_of_the_sessions_symbols_are_canceled_though_no_process_lives(hookline, file, venue):
    code, out, _ = hookline("kill", file, "--yes")
    assert code == 0
    assert "canceled 1 on BTC-PERP" in out
    assert "no order is left" in out
    assert venue.orders == ["2"]
    assert venue.positions == {"BTC-PERP": 5, "XRP-PERP": 7}


def test_positions_are_closed_where_that_is_wanted(hookline, file, venue):
    code, out, _ = hookline("kill", file, "--flatten", "--yes")
    assert code == 0
    assert "closed BTC-PERP" in out
    assert "no order and no position is left" in out
    assert venue.positions == {"XRP-PERP": 7}


@pytest.mark.parametrize("words", [["runs/demo"], ["demo"], ["runs/demo/journal.sqlite"]])
def test_a_folder_or_its_name_is_enough_once_there_is_a_journal(hookline, file, venue, words, tmp_path):
    journal_of(file)
    file.rename(tmp_path / "elsewhere.yaml")
    assert hookline("kill", *words, "--yes")[0] == 0
    assert venue.orders == ["2"]


def test_a_session_without_a_process_obeys_when_it_is_started_again(hookline, file, venue):
    journal_of(file)
    code, out, _ = hookline("kill", file, "--flatten", "--yes", "--reason", "too hot")
    assert code == 0
    request = kill_request(file.parent / "runs" / "demo")
    assert (request.reason, request.flatten) == ("too hot", True)
    assert "does not trade again until hookline resume" in out
    code, out, _ = hookline("resume", file)
    assert (code, kill_request(file.parent / "runs" / "demo")) == (0, None)
    assert "the request to kill that waited for its next start is taken back" in out


def test_what_the_session_was_started_with_counts_where_the_file_has_changed(hookline, file, venue):
    journal_of(file, symbols=["XRP-PERP"])
    code, _, err = hookline("kill", file, "--yes")
    assert code == 0
    assert "has changed since the session was started; what it was started with counts" in err
    assert venue.orders == ["1"]


def test_the_file_counts_where_the_journal_is_of_a_time_on_paper(hookline, file, venue):
    journal_of(file, broker={"use": "paper", "params": {}})
    assert hookline("kill", file, "--yes")[0] == 0
    assert venue.orders == ["2"]


def test_a_file_that_is_broken_by_now_stops_nobody_who_has_a_journal(hookline, file, venue):
    journal_of(file)
    file.write_text("symbols: [")
    code, _, err = hookline("kill", file, "--yes")
    assert code == 0
    assert "what the journal says counts" in err
    assert venue.orders == ["2"]


def test_values_from_the_environment_are_found_for_a_session_that_is_known_by_its_journal(
    hookline, file, venue, tmp_path, monkeypatch
):
    file.write_text(SESSION.replace("path: venue.json", "path: '${VENUE_FILE}'"))
    monkeypatch.setenv("VENUE_FILE", str(venue.path))
    journal_of(file)
    file.unlink()
    assert hookline("kill", "demo", "--yes")[0] == 0
    assert venue.orders == ["2"]


def test_a_value_from_the_environment_is_never_part_of_a_message(hookline, file, venue, monkeypatch):
    file.write_text(SESSION.replace("path: venue.json", "path: venue.json, secret: '${SECRET_WORD}'"))
    monkeypatch.setenv("SECRET_WORD", "refused-by-the-broker")
    journal_of(file)
    for named in (file, "demo"):
        code, out, err = hookline("kill", named, "--yes")
        assert code == 2
        assert "secret: must be another, was '${SECRET_WORD}'" in err
        assert "refused-by" not in out + err


def test_a_venue_that_does_not_answer_is_asked_again(hookline, file, venue):
    venue.write(faults=["away", "bug"])
    code, _, err = hookline("kill", file, "--yes")
    assert code == 0
    assert "filed: filed: cannot be reached; trying again" in err
    assert "KeyError: 'orders'; trying again" in err
    assert venue.orders == ["2"]


def test_what_is_left_is_told_and_the_exit_code_says_so(hookline, file, venue):
    venue.write(faults=["away"] * 3)
    code, out, _ = hookline("kill", file, "--yes")
    assert code == 1
    assert "filed: cannot be reached" in out
    assert "is left" not in out
    assert venue.orders == ["1", "2"]


def test_a_venue_that_fails_does_not_keep_the_others_from_being_withdrawn_from(
    hookline, file, venue, tmp_path
):
    other = FiledVenue(tmp_path / "other.json")
    other.write(orders=[{"id": "3", "symbol": "ETH-PERP"}])
    venues = """\
venues:
  one: {symbols: [BTC-PERP], balances: {USDT: 10}, broker: {use: filed, params: {path: venue.json}}}
  two: {symbols: [ETH-PERP], balances: {USDT: 10}, broker: {use: filed, params: {path: other.json}}}
"""
    file.write_text(SESSION + venues)
    venue.write(faults=["away"] * 3)
    code, out, _ = hookline("kill", file, "--yes")
    assert code == 1
    assert "two (filed)" in out
    assert (venue.orders, other.orders) == (["1", "2"], [])
    assert venue.read()["withdrawals"] == []


def test_a_running_session_is_asked_first_and_the_venue_looked_at_when_it_has_ended(
    hookline, file, venue, running
):
    process = running()
    code, out, _ = hookline("kill", file, "--flatten", "--yes")
    assert code == 0
    assert f"process {process.pid} has taken the request to stop" in out
    assert f"process {process.pid} has ended" in out
    assert json.loads((file.parent / "runs" / "demo" / "taken.json").read_text())["flatten"] is True
    assert venue.positions == {"XRP-PERP": 7}


def test_a_process_that_does_not_answer_is_not_waited_for_and_is_told_of(hookline, file, venue, running):
    process = running("never")
    began = time.monotonic()
    code, out, err = hookline("kill", file, "--yes")
    assert time.monotonic() - began < 10
    assert code == 1
    assert f"process {process.pid} does not answer" in out
    assert f"end it: kill -9 {process.pid}" in err
    assert venue.orders == ["2"]


def test_a_session_on_paper_is_only_asked(hookline, file, venue, running):
    file.write_text(
        SESSION.replace("mode: live", "mode: paper").replace(
            "{use: filed, params: {path: venue.json}}", "paper"
        )
    )
    code, out, _ = hookline("kill", file, "--yes")
    assert (code, out) == (0, "demo trades on paper and does not run; nothing to do\n")
    running()
    code, out, _ = hookline("kill", file, "--yes")
    assert code == 0
    assert "has ended" in out
    assert venue.read()["withdrawals"] == []


def test_without_a_terminal_nothing_is_done_unless_it_is_said(hookline, file, venue, monkeypatch):
    code, _, err = hookline("kill", file)
    assert code == 2
    assert "kill: somebody must type KILL; in a script, say --yes" in err
    assert venue.orders == ["1", "2"]


class Terminal:
    def __init__(self, line):
        self.line = line

    def isatty(self):
        return True

    def readline(self):
        return self.line


@pytest.mark.parametrize(
    ("line", "code", "left"), [("KILL\n", 0, ["2"]), ("kill\n", 2, ["1", "2"]), ("", 2, ["1", "2"])]
)
def test_a_person_types_the_word_after_seeing_what_it_does(
    hookline, file, venue, monkeypatch, line, code, left
):
    monkeypatch.setattr(sys, "stdin", Terminal(line))
    found, out, err = hookline("kill", file)
    assert "filed: every order in BTC-PERP, ETH-PERP is canceled, whoever has sent it" in out
    assert "positions are kept, without the orders that protect them" in out
    assert (found, venue.orders) == (code, left)
    assert ("nothing was done" in err) == (code == 2)


def test_a_session_that_is_not_there_is_one_clear_line(hookline, file, site):
    code, _, err = hookline("kill", "nowhere", "--yes")
    assert code == 2
    assert "nowhere: no such file" in err
    (file.parent / "empty").mkdir()
    code, _, err = hookline("kill", "empty", "--yes")
    assert code == 2
    assert "empty: has neither a journal nor a sign of life; name the session file" in err


# -- requests ----------------------------------------------------------------------------------------------------------


def test_a_request_that_cannot_be_read_kills_all_the_same(tmp_path):
    assert kill_request(tmp_path) is None
    for text in ("", "{", "[]", '"kill"', '{"reason": "x", "time": "soon"}'):
        (tmp_path / "kill.json").write_text(text)
        assert kill_request(tmp_path) == KillRequest("kill.json is there")


def test_a_request_to_close_positions_is_not_replaced_by_a_weaker_one(tmp_path):
    from hookline.session.requests import ask_to_kill

    ask_to_kill(tmp_path, KillRequest("first", flatten=True))
    ask_to_kill(tmp_path, KillRequest("second", flatten=False, time=7))
    assert kill_request(tmp_path) == KillRequest("second", flatten=True, time=7)
    assert [path.name for path in tmp_path.iterdir()] == ["kill.json"]


# -- the real thing, on paper --------------------------------------------------------------------------------------------

PAPER = """\
name: paper
mode: paper
symbols: [BTC]
timeframe: 1h
feed: {use: replay, params: {source: {use: synthetic, params: {seed: 3}}, speed: 36000}}
broker: {use: paper, params: {taker_fee_bps: 5}}
strategies: [{use: ema_cross, params: {adx_min: 10}}]
reporters: [json]
"""


@pytest.mark.slow
def test_a_paper_session_is_killed_and_stays_so_until_it_is_resumed(hookline, tmp_path):
    path = tmp_path / "paper.yaml"
    path.write_text(PAPER)
    words = [
        sys.executable,
        "-c",
        "import sys; from hookline.cli import main; main(sys.argv[1:])",
        "run",
        str(path),
    ]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([*words, "--no-progress"], cwd=tmp_path, stdout=log, stderr=log)
    try:
        status = tmp_path / "runs" / "paper" / "status.json"
        end = time.monotonic() + 20
        while not (status.exists() and json.loads(status.read_text())["events"] > 3):
            assert time.monotonic() < end
            time.sleep(0.05)
        code, out, _ = hookline("kill", "paper", "--yes", "--reason", "seen enough")
        assert code == 0
        assert f"process {process.pid} has ended" in out
        assert process.wait(20) in (0, 130)
    finally:
        process.kill()
        process.wait()
    assert read_journal(tmp_path / "runs" / "paper").halted == "killed: seen enough"
    assert not (tmp_path / "runs" / "paper" / "kill.json").exists()
    code, out, _ = hookline("resume", "paper.yaml", "--reason", "looked at it")
    assert "resumed; was halted: killed: seen enough" in out
