import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hookline.cli import run as run_module

PLUGIN = """
from dataclasses import dataclass
from hookline import Bar, Context, Strategy, hookimpl

@dataclass
class Clumsy(Strategy):
    '''Divide by zero on the third bar.'''

    name = "clumsy"

    def on_start(self, ctx):
        self.seen = 0

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        self.seen += 1
        if self.seen == 3:
            1 / 0

@hookimpl
def register_strategies():
    return [Clumsy]
"""
REPORTER = """
from dataclasses import dataclass
from hookline import Reporter, hookimpl

@dataclass
class Page(Reporter):
    '''Write a page, or fail.'''

    name = "page"

    fails: bool = False

    def write(self, result, folder):
        if self.fails:
            raise RuntimeError("no paper")
        path = folder / "report.html"
        path.write_text("<p>done")
        return [path]

@hookimpl
def register_reporters():
    return [Page]
"""


def test_a_run_prints_its_summary_and_writes_its_reports(hookline, session, tmp_path):
    ran = hookline("run", session())
    assert ran.code == 0, ran.err
    assert "Final equity" in ran.out
    assert ran.out.splitlines()[-1] == "runs/demo"
    assert sorted(path.name for path in (tmp_path / "runs/demo").iterdir()) == [
        "journal.jsonl",
        "result.json",
    ]


def test_the_path_of_the_page_is_the_last_line(hookline, session, install):
    install("my-page", "reporters", {"page": "my_page"}, REPORTER)
    ran = hookline("run", session(("[json]", "[json, page]")), "--output", "out")
    assert ran.out.splitlines()[-1] == "out/report.html"


def test_open_opens_the_page(hookline, session, install, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(run_module.typer, "launch", opened.append)
    install("my-page", "reporters", {"page": "my_page"}, REPORTER)
    hookline("run", session(("[json]", "[page]")), "--open")
    assert opened == [(tmp_path / "runs/demo/report.html").as_uri()]


def test_a_reporter_that_fails_does_not_stop_the_others(hookline, session, install, tmp_path):
    install("my-page", "reporters", {"page": "my_page"}, REPORTER)
    ran = hookline("run", session(("[json]", "[{use: page, params: {fails: true}}, json]")))
    assert ran.code == 2
    assert ran.err == "error: reporter 'page' raised RuntimeError: no paper\n"
    assert (tmp_path / "runs/demo/result.json").exists()


def test_changes_reach_the_run(hookline, session, tmp_path):
    hookline("run", session(), "--set", "cash=500", "--set", "name=small")
    result = json.loads((tmp_path / "runs/small/result.json").read_text())
    assert result["config"]["cash"] == "500"


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_several_files_run_each_into_its_own_folder(hookline, session, tmp_path, executor):
    first, second = session(name="one.yaml"), session(name="two.yaml")
    ran = hookline("run", first, second, "--output", "out", "--executor", executor)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[-2:] == ["out/one", "out/two"]
    assert (tmp_path / "out/two/result.json").exists()


def test_a_wrong_file_among_several_does_not_stop_the_others(hookline, session, install, tmp_path):
    install("my-clumsy", "strategies", {"clumsy": "my_clumsy"}, PLUGIN)
    files = [
        session(("timeframe", "timefram"), name="wrong.yaml"),
        session(("buy_and_hold", "clumsy"), name="bug.yaml"),
        session(name="good.yaml"),
    ]
    ran = hookline("run", *files)
    assert ran.code == 2
    assert "error: " + str(files[0]) + ":2:1: timefram: no such key; did you mean 'timeframe'?" in ran.err
    assert "ZeroDivisionError" in ran.err
    assert ran.out.splitlines()[-1] == "runs/good"


def test_several_files_of_one_name_need_different_folders(hookline, session, tmp_path):
    (tmp_path / "other").mkdir()
    first = session()
    second = tmp_path / "other" / "demo.yaml"
    second.write_text(first.read_text())
    ran = hookline("run", first, second, "--output", "out")
    assert ran == (2, "", "error: --output out: files must have different names, was 'demo' 2 times\n")


def test_a_bug_in_a_strategy_is_shown_with_its_traceback(hookline, session, install):
    install("my-clumsy", "strategies", {"clumsy": "my_clumsy"}, PLUGIN)
    ran = hookline("run", session(("buy_and_hold", "clumsy")))
    assert ran.code == 1
    assert "in on_bar" in ran.err
    assert "1 / 0" in ran.err
    last = ran.err.splitlines()[-1]
    assert last.startswith("error: ")
    for text in ("clumsy", "on_bar", "2024-01-01T03:00:00Z", "ZeroDivisionError"):
        assert text in last


WRONG = {
    (
        "timeframe: 1h",
        "timeframe: 1h\ntimeframe: 2h",
    ): "timeframe: must not be given twice, was first on line 2",
    ("buy_and_hold", "buy_and_hodl"): "no strategy is called 'buy_and_hodl'; did you mean 'buy_and_hold'?",
    ("bars: 300", "brs: 300"): "feed.params.brs: SyntheticFeed has no such parameter; did you mean 'bars'?",
    ("bars: 300", "bars: '300'"): "feed.params.bars: must be a whole number, was '300'",
    ("[json]", "[jsn]"): "no reporter is called 'jsn'; did you mean 'json'?",
    ("1h", "1x"): "timeframe: must be a count and one of s m h d w, such as '15m' or '4h', was '1x'",
    ("bars: 300", "bars: ${BARS}"): "within { } and [ ] a reference such as ${NAME} must be quoted",
}


@pytest.mark.parametrize("change", WRONG)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_wrong_session_is_one_line_with_its_place(hookline, session, change, command):
    path = session(change)
    ran = hookline(command, path)
    assert (ran.code, ran.out) == (2, "")
    [line] = ran.err.splitlines()
    assert line.startswith(f"error: {path}:")
    assert WRONG[change] in line


def test_a_missing_file_is_one_line(hookline, tmp_path):
    ran = hookline("run", tmp_path / "nothing.yaml")
    assert (ran.code, ran.err) == (2, f"error: {tmp_path / 'nothing.yaml'}: no such file\n")


def test_a_folder_that_cannot_be_written_to_is_one_line(hookline, session, tmp_path):
    (tmp_path / "taken").write_text("")
    ran = hookline("run", session(), "--output", "taken")
    assert ran.code == 2
    assert ran.err == "error: taken: reports cannot be written there: File exists\n"


def test_an_interrupted_run_writes_its_reports_and_is_130(hookline, session, monkeypatch):
    from hookline.session import Session

    def interrupted(self, progress=None, confirm=None):
        result = _run(self, progress)
        object.__setattr__(result.record, "interrupted", True)
        return result

    _run = Session.run
    monkeypatch.setattr(Session, "run", interrupted)
    ran = hookline("run", session())
    assert ran.code == 130
    assert ran.out.splitlines()[-1] == "runs/demo"


def test_a_run_that_ends_before_its_first_bar_keeps_what_it_traded(hookline, session, monkeypatch):
    from hookline.session import Session

    def stopped_at_once(self, progress=None, confirm=None):
        result = _run(self, progress)
        result.record.series.clear()
        return result

    _run = Session.run
    monkeypatch.setattr(Session, "run", stopped_at_once)
    ran = hookline("run", session())
    assert (ran.code, ran.err) == (0, "")
    assert "no bar ended before the run did" in ran.out
    assert ran.out.splitlines()[-1] == "runs/demo"
    assert '"fill"' in Path("runs/demo/journal.jsonl").read_text()


def test_progress_is_shown_on_the_error_stream_of_a_terminal(hookline, session, monkeypatch):
    from hookline.session import Session

    written, _run = [], Session.run

    def spied(self, progress=None, confirm=None):
        progress(0.5, 1_704_067_200 * 10**9)
        return _run(self, progress)

    terminal = SimpleNamespace(isatty=lambda: True, write=written.append, flush=lambda: None)
    monkeypatch.setattr(Session, "run", spied)
    monkeypatch.setattr(run_module.sys, "stderr", terminal)
    ran = hookline("run", session())
    assert ran.code == 0
    assert "demo" in "".join(written)


def test_no_progress_gives_the_run_nothing_to_report_to(hookline, session, monkeypatch):
    from hookline.session import Session

    _run, seen = Session.run, []
    monkeypatch.setattr(
        Session,
        "run",
        lambda self, progress=None, confirm=None: (seen.append(progress), _run(self, progress))[1],
    )
    monkeypatch.setattr(run_module.sys.stderr, "isatty", lambda: True, raising=False)
    hookline("run", session(), "--no-progress")
    assert seen == [None]


def test_what_is_logged_is_shown_on_the_error_stream(session, tmp_path):
    path = session(("[json]", "[]\nnotifiers: [log]"))
    code = f"from hookline.cli import main; main(['run', {str(path)!r}])"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    [line] = ran.stderr.splitlines()
    assert line.startswith("INFO hookline: demo finished: final equity ")
