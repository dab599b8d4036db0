"""``hookline watchdog`` in a process of its own, beside sessions that are stopped, killed or silent."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from filed_venue import SESSION, FiledVenue, install_filed, sign
from hookline.session.requests import kill_request
from hookline.session.vigil import Limits
from hookline.session.watchdog import Watchdog, is_running

LIVING = """
import json, os, sys, time
from pathlib import Path
from hookline.journal.lock import FileLock

folder, venue = Path(sys.argv[1]), Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
lock = FileLock(folder / "journal.sqlite")
started, count = time.time_ns(), 100

def put(path, data):
    part = path.with_suffix(".session")
    part.write_text(json.dumps(data))
    part.replace(path)

def beat(state):
    put(folder / "status.json", {"name": "demo", "pid": os.getpid(), "state": state, "started": started,
        "written": time.time_ns(), "data_age_seconds": 0.1, "equity": 1000.0})

while not (folder / "kill.json").exists():
    if count < 103:
        count += 1
        book = json.loads(venue.read_text())
        put(venue, book | {"orders": [*book["orders"], {"id": str(count), "symbol": "BTC-PERP"}]})
    beat("running")
    time.sleep(0.1)
(folder / "kill.json").rename(folder / "taken.json")
beat("interrupted")
"""
RUN = "import sys; from hookline.cli import main; main(sys.argv[1:])"


@pytest.fixture
def site(tmp_path):
    return install_filed(tmp_path)


@pytest.fixture
def venue(tmp_path):
    return FiledVenue(tmp_path / "venue.json")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "demo.yaml").write_text(SESSION)
    return tmp_path / "runs" / "demo"


@pytest.fixture
def start(tmp_path, site):
    """Start programs that end with the test."""
    begun = []

    def begin(code, *words):
        environ = os.environ | {"PYTHONPATH": str(site)}
        begun.append(
            subprocess.Popen(
                [sys.executable, "-u", "-c", code, *map(str, words)],
                cwd=tmp_path,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.send_signal(signal.SIGCONT)
        process.communicate()


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.02)


def read(path):
    return path.read_text() if path.exists() else ""


def begun(start, folder, venue, *words):
    """A living session and a watchdog that has seen it run."""
    session = start(LIVING, folder, venue.path)
    dog = start(RUN, "watchdog", "demo.yaml", "--max-silence", 2, "--poll", 0.1, *words)
    wait_for(lambda: f"running, process {session.pid}" in read(folder / "watchdog.log"))
    wait_for(lambda: "103" in venue.orders)
    return session, dog


@pytest.mark.slow
def test_a_session_that_hangs_is_withdrawn_and_opens_nothing_when_it_wakes(start, folder, venue, tmp_path):
    session, dog = begun(start, folder, venue, "--flatten")
    session.send_signal(signal.SIGSTOP)
    out, _ = dog.communicate(timeout=30)
    assert dog.returncode == 1
    assert "FAILED: no sign of life for" in out
    assert (venue.orders, venue.positions) == (["2"], {"XRP-PERP": 7})
    for line in (
        "canceled 101 on BTC-PERP",
        "closed BTC-PERP",
        "nothing is left",
        "the session is asked to stop",
    ):
        assert line in out
    assert out.splitlines() == read(folder / "watchdog.log").splitlines()
    told = read(tmp_path / "told.txt").splitlines()
    assert [line.split("|")[:2] for line in told] == [
        ["error", "demo stopped by its watchdog"],
        ["error", "demo: watchdog"],
    ]
    assert told[1].endswith("nothing is left at the venue")
    assert kill_request(folder).reason.startswith("watchdog: no sign of life")
    session.send_signal(signal.SIGCONT)
    assert session.wait(20) == 0
    assert json.loads(read(folder / "taken.json"))["flatten"] is True
    assert venue.orders == ["2"]


@pytest.mark.slow
def test_a_session_whose_process_is_gone_is_withdrawn_though_the_venue_is_away_at_first(start, folder, venue):
    session, dog = begun(start, folder, venue)
    venue.write(faults=["away", "bug"])
    session.kill()  # and not waited for: what is left of it looks alive to whoever only asks for the number
    out, _ = dog.communicate(timeout=30)
    assert dog.returncode == 1
    assert "is gone without having said that it ended" in out
    assert "filed: cannot be reached" in out
    assert "trying again in 1 s" in out
    assert "KeyError" in out
    assert "trying again in 2 s" in out
    assert (venue.orders, venue.positions) == (["2"], {"BTC-PERP": 5, "XRP-PERP": 7})


def test_a_session_that_is_well_is_left_alone_and_one_that_ends_is_waited_for(start, folder, venue):
    session, dog = begun(start, folder, venue)
    time.sleep(1.0)
    assert dog.poll() is None
    (folder / "kill.json").write_text("")
    assert session.wait(20) == 0
    wait_for(lambda: "interrupted; waiting for its next start" in read(folder / "watchdog.log"))
    assert dog.poll() is None
    (folder / "taken.json").unlink()
    again = start(LIVING, folder, venue.path)
    wait_for(lambda: f"running, process {again.pid}" in read(folder / "watchdog.log"))
    assert [one["symbols"] for one in venue.read()["withdrawals"]] == [[]]  # to try the connection


def test_a_session_that_answers_withdraws_by_itself_first(start, folder, venue):
    session = start(LIVING, folder, venue.path)
    wait_for(lambda: "103" in venue.orders)
    dog = start(RUN, "watchdog", "demo.yaml", "--max-data-age", 0.01)
    out, _ = dog.communicate(timeout=30)
    assert dog.returncode == 1
    lines = [line.split("demo: ")[1] for line in out.splitlines()]
    taken = lines.index(f"process {session.pid} has taken the request to stop")
    assert lines[taken + 1] == f"process {session.pid} has ended"
    assert lines.index("filed: canceled 1 on BTC-PERP") > taken


def test_it_starts_within_a_second_and_without_what_computes(start, folder, venue):
    folder.mkdir(parents=True)
    sign(folder, state="finished")
    code = (
        "import sys, time; began = time.perf_counter()\n"
        "from hookline.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: print('exit', end.code)\n"
        "heavy = {'numba', 'pandas', 'pyarrow', 'plotly', 'scipy'} & set(sys.modules)\n"
        "print('took', time.process_time(), sorted(heavy))"
    )
    out, _ = start(code, "watchdog", "demo.yaml", "--once").communicate(timeout=30)
    assert "exit 0" in out
    took = out.splitlines()[-1].split()
    assert float(took[1]) < 1.5  # of the processor's time, start of Python included
    assert took[2] == "[]"


# -- in this process ---------------------------------------------------------------------------------------------------


@pytest.fixture
def dog(tmp_path, site, venue, folder, monkeypatch):
    """A watchdog that has no time to lose, and what it shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    monkeypatch.setattr("hookline.session.watchdog._CONFIRM_SECONDS", 0.01)
    monkeypatch.setattr("hookline.session.vigil._GONE_SECONDS", 0.005)
    folder.mkdir(parents=True)

    def make(limits=None, *, flatten=False, **patches):
        for name, value in patches.items():
            monkeypatch.setattr(f"hookline.session.watchdog.{name}", value)
        shown = []
        return Watchdog(Path("demo.yaml"), limits or Limits(), flatten=flatten, show=shown.append), shown

    yield make
    sys.modules.pop("filed_broker", None)


def test_one_look_at_a_session_that_is_well_does_nothing(dog, folder, venue):
    sign(folder)
    one, shown = dog()
    assert one.look_once() == ""
    assert [line.split("demo: ")[1] for line in shown] == [f"running, process {os.getpid()}"]
    assert venue.read()["withdrawals"] == []


def test_one_look_acts_once_on_the_same_failure(dog, folder, venue):
    sign(folder, pid=2**22 + 1)
    one, _ = dog()
    assert "is gone" in one.look_once()
    assert venue.orders == ["2"]
    venue.write(orders=[{"id": "9", "symbol": "BTC-PERP"}])
    again, shown = dog()
    assert again.look_once() == ""
    assert "stopped by a watchdog" in shown[-1]
    assert venue.orders == ["9"]


def test_one_look_goes_by_the_age_that_the_sign_says(dog, folder, venue):
    sign(folder, written=time.time_ns() - 60 * 10**9)
    one, _ = dog()
    assert "no sign of life for 60 s" in one.look_once()
    assert venue.orders == ["2"]


def test_one_look_gives_up_where_the_venue_does_not_answer_and_the_next_one_tries_again(
    dog, folder, venue, tmp_path
):
    sign(folder, state="failed")
    venue.write(faults=["away", "away"])
    one, shown = dog(_ATTEMPTS_ONCE=2, _LONGEST_PAUSE_SECONDS=0.01)
    assert one.look_once() == "the session has failed"
    assert "NOT DONE" in shown[-1]
    assert "did not confirm; look there yourself" in read(tmp_path / "told.txt")
    assert venue.orders == ["1", "2"]
    again, shown = dog()
    assert again.look_once() == "the session has failed"
    assert venue.orders == ["2"]


def test_equity_that_falls_between_two_watchdogs_is_seen(dog, folder, venue):
    sign(folder, equity=1000.0)
    assert dog()[0].look_once() == ""
    sign(folder, equity=700.0)
    assert "equity is 30.0% below its highest" in dog()[0].look_once()


def test_half_written_signs_are_survived(dog, folder, venue):
    one, shown = dog(Limits(silence_seconds=0.3))
    begins = time.monotonic()
    whole = json.dumps(sign(folder))
    assert one._look(begins) == ""
    for cut in range(0, len(whole), 7):
        (folder / "status.json").write_text(whole[:cut])
        assert one._look(begins + 0.2) == ""
    (folder / "status.json").write_bytes(b"\xff\xfe{")
    assert "no sign of life" in one._look(begins + 0.4)
    assert len(shown) == 1


def test_a_request_that_cannot_be_written_does_not_keep_it_from_the_venue(dog, folder, venue, monkeypatch):
    sign(folder, state="failed")
    one, shown = dog()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hookline.session.watchdog.ask_to_kill", full)
    one.look_once()
    assert any("the request to stop cannot be written: No space left on device" in line for line in shown)
    assert venue.orders == ["2"]


def test_a_notifier_that_fails_is_told_of_and_stops_nothing(dog, folder, venue, tmp_path):
    sign(folder, state="failed")
    (tmp_path / "told.txt").mkdir()
    one, shown = dog()
    one.look_once()
    assert any("notifier 'filed': IsADirectoryError" in line for line in shown)
    assert venue.orders == ["2"]


def test_a_session_file_that_breaks_after_the_watch_began_stops_nothing(dog, folder, venue, tmp_path):
    sign(folder, state="failed")
    one, shown = dog()
    (tmp_path / "demo.yaml").write_text("symbols: [")
    one.look_once()
    assert any("what was known at the start of the watch counts" in line for line in shown)
    assert venue.orders == ["2"]


def test_a_connection_that_can_never_work_is_told_at_the_start(start, folder, venue, tmp_path):
    (tmp_path / "demo.yaml").write_text(
        SESSION.replace("path: venue.json", "path: venue.json, needs_key: true")
    )
    dog = start(RUN, "watchdog", "demo.yaml")
    out, _ = dog.communicate(timeout=30)
    assert dog.returncode == 2
    assert "environment: FILED_KEY must be set" in out


def test_a_key_beside_the_session_file_is_found_from_any_folder(start, folder, venue, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "demo.yaml").write_text(
        SESSION.replace("path: venue.json", f"path: {venue.path}, needs_key: true")
    )
    (home / ".env").write_text("FILED_KEY=k\n")
    dog = start(RUN, "watchdog", "home/demo.yaml")
    wait_for(lambda: venue.read()["withdrawals"])
    assert venue.read()["withdrawals"] == [{"symbols": [], "flatten": False}]
    assert venue.orders == ["1", "2"]
    assert dog.poll() is None


def test_a_venue_that_is_away_at_the_start_is_watched_all_the_same(start, folder, venue):
    venue.write(faults=["away"])
    session = start(LIVING, folder, venue.path)
    dog = start(RUN, "watchdog", "demo.yaml")
    wait_for(lambda: f"running, process {session.pid}" in read(folder / "watchdog.log"))
    assert "cannot be reached; watching all the same" in read(folder / "watchdog.log")
    assert dog.poll() is None


def test_processes_that_are_gone_are_told_from_those_that_live():
    assert is_running(os.getpid())
    assert is_running(1)
    child = subprocess.Popen([sys.executable, "-c", ""])
    wait_for(lambda: not is_running(child.pid))  # nobody has asked for it yet
    child.wait()
    assert [is_running(pid) for pid in (0, -1, None, "7", 2**70)] == [False] * 5
