"""Sessions seen and steered from outside: status, resume, checklist, and beginning anew."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hookline.cli import main
from hookline.journal import Batch, Journal, read_journal

SESSION = """\
name: demo
mode: paper
symbols: [BTC]
timeframe: 1h
until: 2024-01-20
feed: {use: replay, params: {source: {use: synthetic, params: {seed: 3}}SPEED}}
broker: {use: paper, params: {taker_fee_bps: 5}}
strategies: [{use: ema_cross, params: {adx_min: 10}}]
reporters: [json]
RISK
"""
RISK = "risk: [{use: max_drawdown, params: {max_fraction: 0.0005}}]"


@pytest.fixture
def hookline(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


@pytest.fixture
def session(tmp_path):
    def write(speed="", risk=""):
        path = tmp_path / "demo.yaml"
        path.write_text(SESSION.replace("SPEED", speed).replace("RISK", risk))
        return path

    return write


@pytest.fixture
def running(session, tmp_path):
    """A session in a process of its own that takes its time, and stops with the test."""
    started = []

    def start(risk="", speed=", speed: 36000"):
        words = [sys.executable, "-m", "hookline", "run", str(session(speed, risk)), "--no-progress"]
        code = [
            sys.executable,
            "-c",
            "import sys; from hookline.cli import main; main(sys.argv[1:])",
            *words[3:],
        ]
        with (tmp_path / "log").open("w") as log:
            started.append(subprocess.Popen(code, cwd=tmp_path, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to pass in time")


def status_of(folder: Path):
    try:
        return json.loads((folder / "runs" / "demo" / "status.json").read_text())
    except (OSError, ValueError):
        return {}


def test_a_stopped_session_shows_its_equity_and_that_it_does_not_run(hookline, session):
    path = session()
    assert hookline("run", path)[0] == 0
    code, out, _ = hookline("status", path)
    assert code == 0
    assert "demo, paper" in out
    assert "finished, start 1" in out
    assert "not running" in out
    assert hookline("status") == (0, out, "")
    assert hookline("status", "runs/demo") == (0, out, "")
    _, text, _ = hookline("status", "--json")
    shown = json.loads(text)
    assert shown["state"] == "finished"
    record = json.loads(Path("runs/demo/result.json").read_text())
    assert shown["equity"] == pytest.approx(record["metrics"]["final_equity"])


def test_a_running_session_shows_a_pulse_and_one_that_was_killed_is_told_from_it(hookline, running, tmp_path):
    process = running()
    wait_for(lambda: status_of(tmp_path).get("events", 0) > 3)
    shown = json.loads(hookline("status", "--json")[1])
    assert (shown["state"], shown["pid"], shown["feed"]) == ("running", process.pid, "alive")
    assert 0 <= shown["data_age_seconds"] < 10
    assert shown["equity"] > 0
    assert shown["slowest_event_ms"] > 0
    process.kill()
    process.wait()
    dead = json.loads(hookline("status", "--json")[1])
    assert (dead["state"], dead["pid"], dead["feed"]) == ("dead", None, "not running")
    assert "killed or crashed" in hookline("status")[1]


def test_sigterm_writes_the_reports_and_why_the_session_stopped(running, tmp_path):
    process = running()
    wait_for(lambda: status_of(tmp_path).get("events", 0) > 3)
    process.terminate()
    assert process.wait(20) == 130
    assert [stop.reason for stop in read_journal(tmp_path / "runs" / "demo").stops] == ["interrupted"]
    assert (tmp_path / "runs" / "demo" / "result.json").exists()
    assert status_of(tmp_path)["state"] == "interrupted"


def test_a_halt_outlives_restarts_until_it_is_resumed(hookline, session):
    path = session(risk=RISK)
    hookline("run", path)
    halted = read_journal(Path("runs/demo")).halted
    assert halted.startswith("max_drawdown")
    hookline("run", path)
    assert read_journal(Path("runs/demo")).halted == halted
    code, out, _ = hookline("resume", path, "--reason", "looked at it")
    assert code == 0
    assert out == f"demo resumed; was halted: {halted}; it trades again when it is started\n"
    assert read_journal(Path("runs/demo")).resumes[-1][1] == "looked at it"
    hookline("run", path)
    content = read_journal(Path("runs/demo"))
    assert content.halted == ""
    assert [reason for _, reason in content.resumes] == ["looked at it"]
    assert hookline("resume", path) == (0, "demo is not halted; nothing to do\n", "")


def test_a_running_session_is_resumed_within_a_second_or_so(hookline, running, tmp_path):
    running(RISK, ", speed: 72000")
    wait_for(lambda: status_of(tmp_path).get("halted"))
    code, out, _ = hookline("resume", "--reason", "go on")
    assert code == 0
    assert "demo resumed while it runs; was halted: max_drawdown" in out
    assert "go on" in [reason for _, reason in read_journal(tmp_path / "runs" / "demo").resumes]
    assert not (tmp_path / "runs" / "demo" / "resume.json").exists()


def test_beginning_anew_keeps_the_earlier_journal(hookline, session):
    path = session()
    hookline("run", path)
    before = read_journal(Path("runs/demo")).digest
    code, _, err = hookline("run", path, "--fresh")
    assert code == 0
    [kept] = Path("runs/demo").glob("before-*")
    assert f"the earlier journal is in {Path('runs/demo') / kept.name}" in err
    assert read_journal(kept).digest == before
    assert len(read_journal(Path("runs/demo")).starts) == 1


def test_a_changed_file_names_the_two_ways_on(hookline, session):
    path = session()
    hookline("run", path)
    code, _, err = hookline("run", path, "--set", "seed=9")
    assert code == 2
    assert "differs in seed; begin anew with --fresh, or go on with --accept-changes" in err
    assert hookline("run", path, "--set", "seed=9", "--accept-changes")[0] == 0
    assert len(read_journal(Path("runs/demo")).starts) == 2
    assert hookline("run", path, "--fresh", "--accept-changes")[0] == 2


def test_a_finished_session_that_is_run_again_says_that_it_goes_on(hookline, session, caplog):
    path = session()
    hookline("run", path)
    with caplog.at_level("INFO", "hookline.session"):
        assert hookline("run", path)[0] == 0
    assert "demo: goes on at 2024-01-20T00:00:00Z, where its journal ends" in caplog.text


def test_no_session_is_one_clear_line(hookline):
    code, _, err = hookline("status")
    assert code == 2
    assert "runs: there is no session with a journal; name a session file or a folder" in err


# -- the checklist ------------------------------------------------------------------------------------------------------


def test_a_new_session_fails_the_checklist_and_is_told_where(hookline, session):
    path = session()
    hookline("run", path)
    code, out, _ = hookline("checklist", path)
    rows = {
        line.split("  ")[1].strip(): line for line in out.splitlines() if "FAIL" in line or "pass" in line
    }
    assert code == 1
    assert "5%, 25%, 50%, 100%" in out
    assert "19.0 days of market data in 0.0 days by the clock" in out
    assert "not planned" in out
    assert len([line for line in out.splitlines() if "FAIL" in line]) >= 6
    assert rows


def test_planned_capital_passes_up_to_a_twentieth(hookline, session):
    path = session()
    hookline("run", path)

    def row(fraction):
        out = hookline("checklist", path, "--first-capital-fraction", fraction)[1]
        return next(line for line in out.splitlines() if "first capital" in line)

    assert "pass" in row(0.05)
    assert "FAIL" in row(0.06)


def test_every_row_passes_once_its_evidence_is_there(hookline, session, monkeypatch):
    """What the rows count is written into journals by hand; results come from a session of twenty days."""
    from hookline.session import checklist

    path = session()
    hookline("run", path)
    folder, day = Path("runs/demo"), 86_400 * 10**9
    content = read_journal(folder)
    rows = {check.name: check for check in checklist.checklist_of(folder)}
    assert rows["restarts"].found == "0"
    with Journal.open(
        folder / "journal.sqlite", content.header, time=content.starts[0].time + 20 * day
    ) as journal:
        from hookline.journal import Decision

        stall = Decision(content.time, "feed", "warn", "", None, "feed stalled for 90 s")
        journal.commit(Batch(content.time, content.position, decisions=[stall]))
        journal.close("interrupted", time=content.starts[0].time + 20 * day)
    rows = {check.name: check for check in checklist.checklist_of(folder)}
    assert rows["time on paper"].passed
    assert rows["restarts"].passed
    assert rows["stalls of the feed"].passed
    assert not rows["alerts"].passed
    assert rows["max drawdown"].passed is (float(rows["max drawdown"].found.rstrip("%")) <= 15)
    assert rows["Sharpe ratio"].passed is (float(rows["Sharpe ratio"].found) >= 1.5)
