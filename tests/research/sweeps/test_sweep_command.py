"""``hookline sweep``: what a session file and the command line ask for, what is printed, and what is wrong told first."""

import json
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from sweep_sessions import FAST, SLOW, session, write_session

from hookline.cli import main
from hookline.errors import ConfigError
from hookline.research.sweeping import Period
from hookline.research.sweeping.request import SweepOptions, executor_of, parse_period, request_of
from hookline.session.json_schema import session_schema
from hookline.session.loader import session_from

SWEEP = {
    "parameters": {FAST: "4:8:2", SLOW: [10, 20]},
    "method": "random",
    "objective": "calmar",
    "constraints": ["2 * fast < slow"],
    "symbols": ["ONE-PERP", "TWO-PERP"],
    "periods": ["2024-01-01:2024-02-01"],
    "runs": 4,
    "seed": 9,
}
WORDS = (
    f"--param {FAST}=4:8:2 --param {SLOW}=10,20 --method random --objective calmar --symbol ONE-PERP --symbol TWO-PERP "
    f"--period 2024-01-01:2024-02-01 --runs 4 --seed 9"
).split()
OPTIONS = SweepOptions(
    (f"{FAST}=4:8:2", f"{SLOW}=10,20"), ("2 * fast < slow",), "random", "calmar", ("ONE-PERP", "TWO-PERP"),
    ("2024-01-01:2024-02-01",), 4, 9,
)  # fmt: skip


@pytest.fixture
def hookline(capsys, monkeypatch, tmp_path):
    """Run a command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


def asked(sweep=None, options=SweepOptions()):  # noqa: B008  # frozen
    return request_of(session_from(session(**({"sweep": sweep} if sweep else {}))), options)


def test_file_and_command_line_ask_for_the_same():
    assert asked(SWEEP) == asked(None, OPTIONS)


def test_the_command_line_wins():
    found = asked(SWEEP, SweepOptions((f"{FAST}=7,9",), ("slow > 10",), symbols=("each",), seed=1))
    assert [one.values for one in found.space.parameters] == [(7, 9), (10, 20)]
    assert found.space.constraints == ("2 * fast < slow", "slow > 10")
    assert (found.space.seed, found.space.runs, found.symbols) == (1, 4, ("each",))
    assert found.periods == (parse_period("2024-01-01:2024-02-01"),)
    other = asked(SWEEP, SweepOptions(method="grid"))
    assert (other.space.method, other.space.runs) == ("grid", None)


def test_a_short_file_means_a_grid_by_sharpe():
    found = asked({"parameters": {FAST: [4, 8]}})
    assert (found.space.method, found.objective.metric, found.symbols, found.periods) == (
        "grid",
        "sharpe",
        (),
        (),
    )
    assert asked({"parameters": {FAST: [4]}, "symbols": "each", "periods": [":2024-02-01"]}).periods == (
        Period(None, 1706745600 * 10**9),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "gird"}, "sweep.method: must be 'grid', 'random' or 'bayes', was 'gird'"),
        ({"objectve": "sharpe"}, "sweep.objectve: no such key; did you mean 'objective'?"),
        ({"runs": 0}, "sweep.runs: must be at least 1, was 0"),
        ({"parameters": {}}, "sweep.parameters: must not be empty"),
        ({"parameters": {FAST: {"a": 1}}}, "sweep.parameters"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_its_address(change, message):
    with pytest.raises(ConfigError) as told:
        session_from(session(sweep={**SWEEP, **change}))
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": "sharp"}, "was 'sharp'; did you mean 'sharpe'?"),
        ({"parameters": {FAST: "4:8"}}, f"sweep.parameters.{FAST}: steps must be first:last:step"),
        (
            {"constraints": ["fats < slow"]},
            "constraint 'fats < slow': nothing that varies is called 'fats'; did you mean 'fast'?",
        ),
        ({"periods": ["2024"]}, "period '2024'"),
    ],
)
def test_what_has_no_meaning_is_told(change, message):
    with pytest.raises(ConfigError) as told:
        asked({**SWEEP, **change})
    assert message in str(told.value)


def test_a_sweep_is_no_part_of_what_a_session_is():
    plain, swept = session_from(session()), session_from(session(sweep=SWEEP, executor="serial"))
    assert plain.dump() == swept.dump()


def test_executors_come_from_the_command_line_the_file_or_by_themselves():
    plain = session_from(session())
    assert executor_of(plain) is None
    assert executor_of(plain, "processes", ["workers=3"]).workers == 3
    own = session_from(session(executor={"use": "processes", "params": {"workers": 2}}))
    assert executor_of(own).workers == 2
    assert executor_of(own, None, ["workers=5"]).workers == 5
    assert executor_of(own, "threads").name == "threads"
    assert executor_of(session_from(session(executor="serial"))).name == "serial"


@pytest.mark.parametrize(
    ("use", "params", "message"),
    [
        (None, ["workers=3"], "--executor-param: must come with --executor"),
        ("processes", ["workers"], "--executor-param workers: must be a name, = and a value"),
        (
            "processes",
            ["wokers=3"],
            "executor.params.wokers: ProcessExecutor has no such parameter; did you mean 'workers'?",
        ),
        ("processes", ["workers=0"], "executor.params.workers: must be at least 1, was 0"),
        ("dask", ["address=tcp://a:1", "workers=2"], "workers: must be left out with an address"),
    ],
)
def test_what_is_wrong_with_an_executor_is_told(use, params, message):
    with pytest.raises(ConfigError) as told:
        executor_of(session_from(session()), use, params)
    assert message in str(told.value)


def test_an_editor_knows_the_keys_of_a_sweep():
    schema, _ = session_schema()
    entry = schema["$defs"]["SweepEntry"]
    assert set(entry["properties"]) == set(SWEEP)
    assert {"serial", "threads", "processes", "dask"} <= set(
        json.dumps(schema["$defs"]["executors"]).replace('"', " ").split()
    )
    assert schema["properties"]["executor"]["$ref"] == "#/$defs/executors"


def test_the_best_runs_are_printed_and_all_are_kept(hookline, tmp_path):
    path = write_session(tmp_path)
    code, out, err = hookline(
        "sweep", path, "--param", f"{FAST}=4:8:2", "--param", f"{SLOW}=10,20", "--no-progress"
    )
    assert code == 0, err
    assert "6 runs" in out
    assert "runs/cross-sweep/sweep.parquet" in out
    assert (tmp_path / out.split()[-1]).read_text().startswith("<!doctype html>")
    rows = pd.read_parquet(tmp_path / "runs" / "cross-sweep" / "sweep.parquet")
    assert len(rows) == 6


def test_a_file_with_a_sweep_needs_no_words_and_gives_the_same_rows(hookline, tmp_path):
    in_file = write_session(tmp_path, "a.yaml", sweep=SWEEP)
    in_words = write_session(tmp_path, "b.yaml")
    assert hookline("sweep", in_file, "--set", "name=a")[0] == 0
    assert hookline("sweep", in_words, "--set", "name=b", *WORDS, "--constraint", "2 * fast < slow")[0] == 0
    a, b = (pd.read_parquet(tmp_path / "runs" / f"{name}-sweep" / "sweep.parquet") for name in "ab")
    assert len(a) == 8
    pd.testing.assert_frame_equal(a, b)


def test_another_sweep_in_the_folder_is_refused_until_it_is_begun_anew(hookline, tmp_path):
    path = write_session(tmp_path)
    assert hookline("sweep", path, "--param", f"{FAST}=4,8")[0] == 0
    code, _, err = hookline("sweep", path, "--param", f"{FAST}=4,9")
    assert code == 2
    assert "runs/cross-sweep: holds a sweep that differs in space; say --fresh to begin anew" in err
    assert hookline("sweep", path, "--param", f"{FAST}=4,9", "--fresh")[0] == 0
    assert hookline("sweep", path, "--param", f"{FAST}=4,8", "--output", "other")[0] == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_a_dry_run_says_how_long_and_keeps_nothing(hookline, tmp_path):
    path = write_session(tmp_path)
    code, out, err = hookline(
        "sweep",
        path,
        "--param",
        f"{FAST}=2:10:1",
        "--symbol",
        "ONE-PERP",
        "--symbol",
        "TWO-PERP",
        "--dry-run",
    )
    assert code == 0, err
    assert "18 runs: 9 combinations, each on 2 markets or periods" in out
    assert "compiled" in out
    assert "about" in out
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_tells_why_runs_are_not_compiled(hookline, tmp_path):
    path = write_session(tmp_path, strategies=[{"use": "smart_dca"}])
    code, out, err = hookline("sweep", path, "--param", "cash=5000,6000", "--dry-run")
    assert code == 0, err
    assert "through the event kernel, not compiled: SmartDca is no SignalStrategy" in out


def test_runs_that_all_fail_are_an_error(hookline, tmp_path):
    code, out, err = hookline("sweep", write_session(tmp_path), "--param", f"{FAST}=30,40")
    assert code == 2
    assert "cross: 2 runs, 2 failed" in out
    assert "2 runs failed: strategies[0].params: fast must be below slow (20), was 30, and alike" in out
    assert "before you believe" not in out
    assert not err
    assert not list(tmp_path.rglob("sweep.html"))


def test_some_that_fail_are_told_beside_the_others(hookline, tmp_path):
    code, out, err = hookline("sweep", write_session(tmp_path), "--param", f"{FAST}=4,30")
    assert code == 0
    assert "cross: 2 runs, 1 failed" in out
    assert out.count("fast must be below slow") == 1
    assert not err
    assert "sweep.parquet" in out


def test_a_dry_run_of_which_nothing_can_run_is_an_error(hookline, tmp_path):
    code, out, _ = hookline("sweep", write_session(tmp_path), "--param", f"{FAST}=30,40", "--dry-run")
    assert code == 2
    assert "2 runs tried, all failed: " in out
    assert "about" not in out


def test_constraints_that_leave_nothing_are_told_by_name(hookline, tmp_path):
    path, params = write_session(tmp_path), ("--param", f"{FAST}=4:8:1", "--constraint", "fast > 90")
    code, _, err = hookline("sweep", path, *params)
    assert code == 2
    assert "constraint 'fast > 90': must leave a combination to try, none of 5 keeps it" in err
    code, _, err = hookline("sweep", path, *params, "--method", "bayes")
    assert code == 2
    assert "constraint 'fast > 90': must leave a combination to try, none of " in err


@pytest.mark.parametrize("command", ["sweep", "validate"])
def test_help_shows_examples_that_fit_a_narrow_terminal(hookline, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = hookline(command, "--help")
    assert code == 0
    shown = out[out.index("Examples:") : out.index("Arguments")].splitlines()
    assert any(line.strip().startswith(f"hookline {command} session.yaml --param") for line in shown)
    assert any("--constraint 'fast < slow'" in line for line in shown)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "sweep: must have a parameter that varies"),
        (["--param", "fast"], "--param fast: must be an address, = and values"),
        (
            ["--param", "strategies[0].params.fats=5"],
            "strategies[0].params.fats: EmaCross has no such parameter; did you mean 'fast'?",
        ),
        (["--param", f"{FAST}=5", "--objective", "shape"], "objective: must be one of"),
        (
            ["--param", f"{FAST}=5", "--method", "anneal"],
            "method: must be grid, random or bayes, was 'anneal'",
        ),
        (["--param", f"{FAST}=5", "--executor", "cloud"], "no executor is called 'cloud'"),
        (["--param", f"{FAST}=5", "--period", "2024"], "period '2024'"),
    ],
)
def test_mistakes_are_one_line(hookline, tmp_path, words, message):
    code, _, err = hookline("sweep", write_session(tmp_path), *words)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "runs").exists()


def test_help_shows_examples(hookline):
    code, out, _ = hookline("sweep", "--help")
    assert code == 0
    for word in (
        "--param",
        "5:50:5",
        "--constraint",
        "--method bayes",
        "--symbol each",
        "--dry-run",
        "Ctrl-C",
    ):
        assert word in out


@pytest.mark.slow
def test_an_interrupted_command_goes_on_where_it_stopped(tmp_path):
    write_session(tmp_path, strategies=[{"use": "smart_dca"}], until="2024-06-01")
    code = "import sys; from hookline.cli import main; main(sys.argv[1:])"
    words = [
        sys.executable,
        "-c",
        code,
        "sweep",
        "cross.yaml",
        "--param",
        "cash=1000:5000:100",
        "--executor",
        "serial",
    ]
    watching = "from hookline.research.keeping import keeper as keeping; keeping._FLUSH_ROWS = 1; " + code
    process = subprocess.Popen(
        [sys.executable, "-c", watching, *words[3:]],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    parts = tmp_path / "runs" / "cross-sweep" / "parts"
    while process.poll() is None and not (parts.is_dir() and len(list(parts.glob("*.parquet"))) >= 3):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130, err
    assert "the same command goes on where this one stopped" in err
    done = len(pd.read_parquet(tmp_path / "runs" / "cross-sweep" / "sweep.parquet"))
    assert 3 <= done < 41
    again = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert len(pd.read_parquet(tmp_path / "runs" / "cross-sweep" / "sweep.parquet")) == 41
