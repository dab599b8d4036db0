"""Sweeps: a row for each combination on each market, kept as it comes and gone on with after an interrupt."""

import json
import signal
import subprocess
import sys
import textwrap
from decimal import Decimal

import pandas as pd
import pytest
from sweep_sessions import FAST, SLOW, study, write_session

from hookline.clock import from_ns
from hookline.errors import ConfigError
from hookline.research.evaluating import evaluate
from hookline.research.keeping import keeper as keeping
from hookline.research.keeping.rows import read_rows, write_rows
from hookline.research.space import Space
from hookline.research.study import Job
from hookline.research.sweeping import Period, run_sweep
from hookline.research.sweeping import sweep as sweeping
from hookline.research.sweeping.request import parse_period
from hookline.research.table import METRICS, Objective, Outcome, Parameter
from hookline.session.executors import SerialExecutor

OBJECTIVE = Objective("sharpe")
SERIAL = SerialExecutor()


def space(**rest):
    return Space.of({FAST: "4:8:2", SLOW: "10,20"}, **rest)


def sweep(one=None, of=None, **rest):
    return run_sweep(one or study(), of or space(), OBJECTIVE, executor=SERIAL, **rest)


@pytest.fixture
def counted(monkeypatch):
    """Count the jobs that are run; ``stop_after`` interrupts after so many."""

    class Counted:
        jobs: list = []  # noqa: RUF012  # one for each test
        stop_after = None

    seen = Counted()
    seen.jobs = []

    def counting(study, jobs, **rest):
        for outcome in evaluate(study, jobs, **rest):
            if seen.stop_after is not None and len(seen.jobs) >= seen.stop_after:
                raise KeyboardInterrupt
            seen.jobs.append(outcome.job)
            yield outcome

    monkeypatch.setattr(sweeping, "evaluate", counting)
    return seen


def test_rows_are_those_of_single_backtests_in_the_order_of_the_space():
    one = study()
    table = sweep(one)
    frame = table.frame
    assert list(zip(frame[FAST], frame[SLOW], strict=True)) == [
        (4, 10),
        (4, 20),
        (6, 10),
        (6, 20),
        (8, 10),
        (8, 20),
    ]
    assert table.total == 6
    assert list(frame.columns) == [FAST, SLOW, "symbol", "since", "until", *METRICS, "how", "error"]
    for row in frame.to_dict("records"):
        metrics = one.run(Job(((FAST, row[FAST]), (SLOW, row[SLOW])))).metrics
        expected = {name: getattr(metrics, name) for name in METRICS}
        assert {name: row[name] for name in METRICS} == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_a_row_for_each_combination_symbol_and_period():
    periods = [parse_period("2024-01-01:2024-01-20"), parse_period("2024-01-20:2024-03-01")]
    one = study()
    table = sweep(one, Space.of({FAST: "4,8"}), symbols=["ONE-PERP", "TWO-PERP"], periods=periods)
    frame = table.frame
    assert len(frame) == table.total == 8
    assert len(frame[[FAST, "symbol", "since", "until"]].drop_duplicates()) == 8
    assert set(frame["symbol"]) == {"ONE-PERP", "TWO-PERP"}
    row = frame[
        (frame[FAST] == 8) & (frame["symbol"] == "TWO-PERP") & (frame["since"] == periods[1].since)
    ].iloc[0]
    result = one.run(Job(((FAST, 8),), "TWO-PERP", *periods[1]))
    assert row["sharpe"] == pytest.approx(result.metrics.sharpe, rel=1e-9)
    assert row["bars"] == result.metrics.bars == 41 * 24


def test_each_is_every_symbol_of_the_session_on_its_own():
    both = study(symbols=["ONE-PERP", "TWO-PERP"])
    assert list(sweep(both, Space.of({FAST: "4"}), symbols=["each"]).frame["symbol"]) == [
        "ONE-PERP",
        "TWO-PERP",
    ]
    assert list(sweep(both, Space.of({FAST: "4"})).frame["symbol"]) == [""]


def test_what_a_session_says_of_other_symbols_is_left_out():
    both = study(
        symbols=["ONE-PERP", "TWO.X-PERP"],
        instruments={"ONE-PERP": {"tick_size": 0.1}, "TWO.X-PERP": {"tick_size": 0.5}},
        strategies=[{"use": "ema_cross", "symbols": ["ONE-PERP"], "params": {"slow": 20, "adx_min": 0}}],
    )
    table = sweep(both, Space.of({FAST: "4,8"}), symbols=["each"])
    assert list(table.frame["error"]) == [""] * 4
    assert both.run(Job(symbol="TWO.X-PERP")).record.instruments["TWO.X-PERP"].tick_size == Decimal("0.5")


def test_values_of_several_kinds_are_kept_as_they_are(tmp_path, counted):
    of = Space.of(
        {"strategies[0].cash_fraction": [None, 1, 0.5], "strategies[0].params.allow_short": [True, False]}
    )
    first = sweep(of=of, folder=tmp_path / "s")
    assert len(counted.jobs) == 6
    again = sweep(of=of, folder=tmp_path / "s")
    assert len(counted.jobs) == 6
    pd.testing.assert_frame_equal(first.frame, again.frame)


def test_a_column_of_parquet_has_one_type_and_jobs_have_theirs(tmp_path):
    values = [1, False, "a", None, 0.1]
    outcomes = [Outcome(Job((("a.x", value),)), dict.fromkeys(METRICS, 0.5), "event") for value in values]
    write_rows([Parameter("a.x", tuple(values))], outcomes, tmp_path / "x.parquet")
    assert list(pd.read_parquet(tmp_path / "x.parquet")["a.x"]) == ["1", "false", '"a"', "null", "0.1"]
    found = read_rows(tmp_path / "x.parquet")
    assert found == outcomes
    assert [type(one.job.values[0][1]) for one in found] == [type(value) for value in values]


def test_a_failed_run_is_a_row_with_its_error():
    table = sweep(of=Space.of({FAST: "4,30", SLOW: "10,20"}))
    failed = table.frame["error"] != ""
    assert list(failed) == [False, False, True, True]
    assert table.frame.loc[failed, "sharpe"].isna().all()
    assert table.frame.loc[~failed, "sharpe"].notna().all()


def test_results_are_in_parquet_and_say_what_they_are_of(tmp_path):
    table = sweep(folder=tmp_path / "s")
    kept = pd.read_parquet(tmp_path / "s" / "sweep.parquet")
    pd.testing.assert_frame_equal(kept[list(table.frame.columns)], table.frame)
    story = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert story["space"]["parameters"] == {FAST: [4, 6, 8], SLOW: [10, 20]}
    assert story["objective"] == "sharpe"
    assert story["data"]["ONE-PERP"]["bars"] == 60 * 24
    assert story["data"]["ONE-PERP"]["first"] == "2024-01-01T00:00:00Z"
    assert story["data"]["ONE-PERP"]["last"] == "2024-02-29T23:00:00Z"
    assert len(story["data"]["ONE-PERP"]["digest"]) == 32
    assert sorted(path.name for path in (tmp_path / "s").iterdir() if not path.name.endswith(".lock")) == [
        "sweep.json",
        "sweep.parquet",
    ]


def test_no_secret_of_the_environment_is_kept(tmp_path, monkeypatch):
    from hookline.research.study import Study

    monkeypatch.setenv("SEED_OF_MINE", "271828")
    path = write_session(tmp_path, feed={"use": "synthetic", "params": {"seed": "SECRET"}})
    path.write_text(path.read_text().replace("SECRET", "${SEED_OF_MINE}"))
    sweep(Study.of_file(path), folder=tmp_path / "s")
    for file in (tmp_path / "s").iterdir():
        assert b"271828" not in file.read_bytes()
    assert "${SEED_OF_MINE}" in (tmp_path / "s" / "sweep.json").read_text()


def test_an_interrupt_keeps_what_is_done_and_the_rest_is_run_later(tmp_path, counted):
    whole = sweep()
    counted.jobs.clear()
    counted.stop_after = 3
    table = sweep(folder=tmp_path / "s")
    assert (len(table.frame), table.total) == (3, 6)
    assert str(table).count("3 of 6 runs are done") == 1
    counted.stop_after = None
    counted.jobs.clear()
    seen = []
    again = sweep(folder=tmp_path / "s", progress=lambda done, total: seen.append((done, total)))
    assert len(counted.jobs) == 3
    assert seen[0] == (3, 6)
    assert seen[-1] == (6, 6)
    pd.testing.assert_frame_equal(again.frame, whole.frame)
    counted.jobs.clear()
    pd.testing.assert_frame_equal(sweep(folder=tmp_path / "s").frame, whole.frame)
    assert counted.jobs == []


def test_a_search_that_learns_goes_on_the_way_it_went(tmp_path, counted):
    of = Space.of({FAST: "2:12:1", SLOW: "15:60:1"}, method="bayes", runs=30, seed=5)
    whole = sweep(of=of)
    counted.jobs.clear()
    counted.stop_after = 13
    assert len(sweep(of=of, folder=tmp_path / "s").frame) == 13
    counted.stop_after = None
    counted.jobs.clear()
    again = sweep(of=of, folder=tmp_path / "s")
    assert len(counted.jobs) == 17
    pd.testing.assert_frame_equal(again.frame, whole.frame)


def test_bayesian_search_judges_by_the_mean_over_markets(monkeypatch):
    told = []
    of = Space.of({FAST: "2:12:1"}, method="bayes", runs=8)
    from hookline.research.searching.bayes import BayesSearch

    real = BayesSearch.tell
    monkeypatch.setattr(
        BayesSearch, "tell", lambda self, c, s: told.extend(zip(c, s, strict=True)) or real(self, c, s)
    )
    table = run_sweep(
        study(), of, Objective("max_drawdown"), executor=SERIAL, symbols=["ONE-PERP", "TWO-PERP"]
    )
    means = -table.frame.groupby(FAST)["max_drawdown"].mean()
    assert {values[0]: score for values, score in told} == pytest.approx(means.to_dict())


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"of": Space.of({FAST: "4:10:2", SLOW: "10,20"})}, "space"),
        ({"one": study(cash=5000)}, "session"),
        ({"one": study(feed={"use": "synthetic", "params": {"seed": 4}})}, "data"),
        ({"symbols": ["ONE-PERP"]}, "symbols"),
        ({"periods": [Period(None, 1_706_000_000 * 10**9)]}, "periods"),
    ],
)
def test_another_sweep_does_not_mix_with_what_is_there(tmp_path, change, differs):
    sweep(folder=tmp_path / "s")
    before = (tmp_path / "s" / "sweep.parquet").read_bytes()
    with pytest.raises(ConfigError, match=rf"holds a sweep that differs in .*\b{differs}\b.*say --fresh"):
        sweep(**change, folder=tmp_path / "s")
    assert (tmp_path / "s" / "sweep.parquet").read_bytes() == before


def test_another_objective_ranks_the_same_runs_of_a_grid(tmp_path, counted):
    sweep(folder=tmp_path / "s")
    counted.jobs.clear()
    table = run_sweep(study(), space(), Objective("calmar"), folder=tmp_path / "s", executor=SERIAL)
    assert counted.jobs == []
    assert table.objective.metric == "calmar"


def test_another_objective_is_another_bayesian_search(tmp_path):
    of = Space.of({FAST: "2:12:1"}, method="bayes", runs=4)
    sweep(of=of, folder=tmp_path / "s")
    with pytest.raises(ConfigError, match="differs in objective"):
        run_sweep(study(), of, Objective("calmar"), folder=tmp_path / "s")


def test_beginning_anew_moves_what_is_there_aside(tmp_path, counted):
    sweep(folder=tmp_path / "s")
    before = (tmp_path / "s" / "sweep.parquet").read_bytes()
    counted.jobs.clear()
    sweep(study(cash=5000), folder=tmp_path / "s", fresh=True)
    assert len(counted.jobs) == 6
    (aside,) = tmp_path.glob("s-before-*")
    assert (aside / "sweep.parquet").read_bytes() == before


def test_a_strategy_that_has_changed_begins_another_sweep(tmp_path, monkeypatch):
    from hookline.research.sweeping import story as sweeping_story

    sweep(folder=tmp_path / "s")
    monkeypatch.setattr(sweeping_story, "_code", lambda study: {"ema_cross": "other"})
    with pytest.raises(ConfigError, match="differs in code"):
        sweep(folder=tmp_path / "s")


def test_other_rates_are_other_data(tmp_path):
    rates = tmp_path / "rates.csv"
    rates.write_text("time,rate\n2024-01-05T00:00:00Z,0.0001\n")
    funded = {
        "external": {"rates": {"path": str(rates), "column": "rate"}},
        "instruments": {"ONE-PERP": {"funding": "rates"}},
    }
    sweep(study(**funded), folder=tmp_path / "s")
    rates.write_text("time,rate\n2024-01-05T00:00:00Z,0.0002\n")
    # Another process would read the file anew; in this one the study that has read it is kept.
    again = study(**funded, risk=[], cash=10_000)
    with pytest.raises(ConfigError, match="differs in series"):
        sweep(again, folder=tmp_path / "s")


def test_one_process_sweeps_in_a_folder(tmp_path):
    keeper = keeping.Keeper(tmp_path / "s", space().parameters, {})
    with pytest.raises(ConfigError, match="another process sweeps there"):
        sweep(folder=tmp_path / "s")
    keeper.close()
    assert len(sweep(folder=tmp_path / "s", fresh=True).frame) == 6


def test_rows_reach_the_disk_while_a_sweep_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "_FLUSH_ROWS", 2)
    seen = []

    def progress(done, total):
        seen.append(len(list((tmp_path / "s" / "parts").glob("*.parquet"))))

    sweep(folder=tmp_path / "s", progress=progress)
    assert max(seen) == 3


def test_a_damaged_file_is_told(tmp_path):
    sweep(folder=tmp_path / "s")
    (tmp_path / "s" / "sweep.parquet").write_bytes(b"not parquet")
    with pytest.raises(Exception, match=r"sweep\.parquet: must be rows of a sweep"):
        sweep(folder=tmp_path / "s")


_SWEEP = """
from pathlib import Path
from hookline.research.space import Space
from hookline.research.study import Study
from hookline.research.sweeping import run_sweep
from hookline.research.table import Objective
from hookline.session.executors import SerialExecutor
from hookline.research.keeping import keeper as keeping

keeping._FLUSH_ROWS = 5
run_sweep(
    Study.of_file("cross.yaml"), Space.of({"strategies[0].params.fast": "2:200:1", "strategies[0].params.slow": "250"}),
    Objective(), folder=Path("s"), executor=SerialExecutor(), progress=lambda done, total: print(done, flush=True),
)
"""


def test_a_killed_process_loses_no_more_than_its_last_rows(tmp_path, counted):
    from hookline.research.study import Study

    write_session(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_SWEEP)], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if int(line) >= 23:
            break
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()
    of = Space.of({FAST: "2:200:1", SLOW: "250"})
    one = Study.of_file(tmp_path / "cross.yaml")
    table = sweep(one, of, folder=tmp_path / "s")
    assert len(table.frame) == table.total == 199
    assert 100 <= len(counted.jobs) <= 179
    assert list(table.frame[FAST]) == list(range(2, 201))
    assert not (tmp_path / "s" / "parts").exists()


@pytest.mark.parametrize(
    ("address", "values", "message"),
    [
        (
            "strategies[0].params.fats",
            "5",
            "strategies[0].params.fats: EmaCross has no such parameter; did you mean 'fast'?",
        ),
        ("broker.params.taker_fee", "5", "has no such parameter; did you mean 'taker_fee_bps'?"),
        ("brokers.params.taker_fee_bps", "5", "no such key; did you mean 'broker'?"),
        ("strategies[3].params.fast", "5", "strategies has 1 entries"),
        (
            "strategies[0].params.fast",
            "5,many",
            "strategies[0].params.fast: must be a whole number, was 'many'",
        ),
        ("strategies[0].params.fast", "0:5:1", "strategies[0].params.fast: must be at least"),
        ("cash", "-5,5", "cash: must be above 0"),
        ("strategies[0].sizer.params.x", "5", "strategies[0].sizer"),
    ],
)
def test_what_leads_nowhere_is_told_before_anything_runs(tmp_path, counted, address, values, message):
    with pytest.raises(ConfigError) as told:
        sweep(of=Space.of({address: values}), folder=tmp_path / "s")
    assert message in str(told.value)
    assert counted.jobs == []
    assert not (tmp_path / "s").exists()


def test_a_parameter_that_the_session_leaves_out_can_vary():
    plain = study(strategies=[{"use": "ema_cross"}])
    assert len(sweep(plain, Space.of({FAST: "4,8", "strategies[0].cash_fraction": "0.5,1"})).frame) == 4


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2023-01-01:2024-01-01", "2023-01-01T00:00:00+00:00", "2024-01-01T00:00:00+00:00"),
        ("2023-01-01T06:30:2024-01-01", "2023-01-01T06:30:00+00:00", "2024-01-01T00:00:00+00:00"),
        (
            "2023-01-01T06:30:00Z:2024-01-01T00:15:00Z",
            "2023-01-01T06:30:00+00:00",
            "2024-01-01T00:15:00+00:00",
        ),
        ("2023-01-01:", "2023-01-01T00:00:00+00:00", None),
        (":2024-01-01", None, "2024-01-01T00:00:00+00:00"),
    ],
)
def test_periods_are_two_times(text, since, until):
    found = [None if time is None else from_ns(time).isoformat() for time in parse_period(text)]
    assert found == [since, until]


@pytest.mark.parametrize(
    "text", ["2023", "2023-01-01", "a:b", "2024-01-01:2023-01-01", "2023-01-01:2023-01-01"]
)
def test_what_is_no_period_is_told(text):
    with pytest.raises(ConfigError, match=f"period '{text}'"):
        parse_period(text)
