"""Jobs are run one like the other, wherever they are run: in order, with the figures of a single backtest."""

import math
from collections import OrderedDict
from dataclasses import replace
from typing import ClassVar

import pytest
from sweep_sessions import FAST, SLOW, jobs, study

from hookline.errors import HooklineError
from hookline.research.evaluating import batch, evaluate, first_runs
from hookline.research.evaluating import jobs as working
from hookline.research.evaluating.batch import Batch, run_batch, run_job
from hookline.research.study import Job
from hookline.research.table import METRICS
from hookline.session.executors import Executor, ProcessExecutor, SerialExecutor, ThreadExecutor

DAY = 86_400 * 10**9


@pytest.fixture(autouse=True)
def _first(monkeypatch):
    """Let each test time its first jobs anew."""
    monkeypatch.setattr(working, "_PACES", OrderedDict())


def figures(one, job):
    metrics = one.run(job).metrics
    return {name: getattr(metrics, name) for name in METRICS}


def same(found, expected):
    return found.keys() == expected.keys() and all(
        found[name] == value or (math.isnan(found[name]) and math.isnan(value))
        for name, value in expected.items()
    )


def test_every_outcome_is_that_of_a_single_backtest():
    one = study()
    middle = int(one.series()["ONE-PERP"].start[700])
    asked = [*jobs(4, 8), *jobs(4, 8, since=middle), *jobs(4, symbol="TWO-PERP"), *jobs(4, until=middle)]
    found = list(evaluate(one, asked, executor=SerialExecutor()))
    assert [outcome.job for outcome in found] == asked
    for outcome in found:
        expected = figures(one, outcome.job)
        assert outcome.error == ""
        assert {name: outcome.metrics[name] for name in METRICS} == pytest.approx(
            expected, rel=1e-9, nan_ok=True
        )
    assert len({outcome.metrics["final_equity"] for outcome in found}) == len(asked)


@pytest.mark.parametrize("executor", [SerialExecutor(), ThreadExecutor(2)], ids=lambda one: one.name)
def test_outcomes_do_not_depend_on_where_they_are_worked_off(executor):
    one = study()
    asked = jobs(*range(3, 20))
    plain = [run_job(one, job) for job in asked]
    found = list(evaluate(one, asked, executor=executor))
    assert [outcome.job for outcome in found] == asked
    for a, b in zip(found, plain, strict=True):
        assert a.metrics == pytest.approx(b.metrics, rel=1e-9, nan_ok=True)


def test_other_processes_give_the_same_outcomes():
    one = study()
    asked = [*jobs(4, 8, 9, 10, 11), Job(((FAST, "many"),))]
    found = list(evaluate(one, asked, executor=ProcessExecutor(2)))
    plain = list(evaluate(one, asked, executor=SerialExecutor()))
    assert [outcome.job for outcome in found] == asked
    assert all(same(a.metrics, b.metrics) for a, b in zip(found, plain, strict=True))
    assert found[-1].error == plain[-1].error != ""


def test_a_job_that_fails_is_an_outcome_and_stops_no_other():
    asked = [*jobs(4), Job(((FAST, "many"),)), Job((("strategies[0].params.fats", 3),)), *jobs(8)]
    found = list(evaluate(study(), asked))
    assert [bool(outcome.error) for outcome in found] == [False, True, True, False]
    assert "strategies[0].params.fast: must be a whole number, was 'many'" in found[1].error
    assert "EmaCross has no such parameter; did you mean 'fast'?" in found[2].error
    assert set(found[1].metrics) == set(METRICS)
    assert all(math.isnan(value) for value in found[1].metrics.values())


def test_a_first_job_that_fails_stops_no_other():
    found = list(evaluate(study(), [Job(((FAST, "many"),)), *jobs(8, 9)]))
    assert [bool(outcome.error) for outcome in found] == [True, False, False]


def test_a_symbol_without_data_fails_alone(tmp_path):
    one = study(feed={"use": "parquet", "params": {"path": str(tmp_path / "none.parquet")}})
    found = list(evaluate(one, [*jobs(4), *jobs(5)]))
    assert [outcome.error for outcome in found] == [found[0].error] * 2
    assert "none.parquet" in found[0].error


def test_nothing_to_do_is_nothing_done():
    assert list(evaluate(study(), [])) == []


def test_progress_counts_jobs():
    seen = []
    list(evaluate(study(), jobs(4, 5, 6), progress=lambda done, total: seen.append((done, total))))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_costs_and_parameters_vary_together():
    one = study()
    fees = "broker.params.taker_fee_bps"
    asked = [Job(((FAST, fast), (fees, fee))) for fast in (4, 8) for fee in (0, 5)]
    found = list(evaluate(one, asked))
    assert [outcome.metrics["fees"] == 0 for outcome in found] == [True, False, True, False]
    for outcome in found:
        assert outcome.metrics == pytest.approx(figures(one, outcome.job), rel=1e-9, nan_ok=True)


def test_why_runs_are_not_compiled_is_told_once():
    two = [{"use": "ema_cross", "params": {"fast": 5, "slow": 20}}, {"use": "ema_cross", "id": "b"}]
    told = []
    found = list(evaluate(study(strategies=two), jobs(4, 5, 6), notice=told.append))
    assert len(told) == 1
    assert told[0].startswith("not compiled, so runs go through the event kernel: ")
    assert {outcome.how for outcome in found} == {"event"}


def test_a_strategy_of_events_is_not_compiled():
    told = []
    plain = [{"use": "smart_dca"}]
    found = list(evaluate(study(strategies=plain), [Job(), Job()], notice=told.append))
    assert {outcome.how for outcome in found} == {"event"}
    assert told == ["not compiled, so runs go through the event kernel: SmartDca is no SignalStrategy"]


class _Refusing(HooklineError):
    reason = "it reads the moon"


def test_a_compiled_run_that_refuses_gives_way_to_the_event_kernel(monkeypatch):
    class Module:
        NotCompilable = _Refusing

        def CompiledRun(self):
            raise AssertionError

    module = Module()
    module.CompiledRun = lambda plan: (_ for _ in ()).throw(_Refusing)
    monkeypatch.setitem(__import__("sys").modules, "hookline.research.compiled", module)
    monkeypatch.setattr(batch, "_RUNS", batch._Kept())
    told = []
    found = list(evaluate(study(), jobs(4, 8), notice=told.append))
    assert told == ["not compiled, so runs go through the event kernel: it reads the moon"]
    assert same(found[1].metrics, figures(study(), found[1].job))


class _Counting:
    """Stands in for a compiled run: its figures are the parameters."""

    made = 0
    asked: ClassVar[list] = []

    def __init__(self, plan):
        type(self).made += 1
        self.fee = plan.broker.taker_fee_bps

    def metrics(self, strategies, metrics):
        type(self).asked.append(len(strategies))
        return [
            {**dict.fromkeys(metrics, 0.0), "sharpe": float(one.fast), "fees": float(self.fee)}
            for one in strategies
        ]


@pytest.fixture
def counting(monkeypatch):
    class Module:
        NotCompilable = _Refusing
        CompiledRun = _Counting

    _Counting.made, _Counting.asked = 0, []
    monkeypatch.setitem(__import__("sys").modules, "hookline.research.compiled", Module())
    monkeypatch.setattr(batch, "_RUNS", batch._Kept())
    return _Counting


def test_a_compiled_run_is_made_once_for_each_market(counting):
    fees = "broker.params.taker_fee_bps"
    asked = [Job(((FAST, fast), (fees, fee))) for fee in (0, 7) for fast in range(3, 20)]
    found = list(evaluate(study(), asked, executor=ThreadExecutor(2)))
    assert counting.made == 2
    assert [(one.metrics["sharpe"], one.metrics["fees"]) for one in found] == [
        (float(fast), float(fee)) for fee in (0, 7) for fast in range(3, 20)
    ]
    assert {one.how for one in found} == {"compiled"}
    assert sum(counting.asked) == len(asked)
    assert len(counting.asked) < len(asked) / 1.5


def test_a_compiled_run_that_fails_is_run_again_to_learn_why(counting, monkeypatch):
    nothing = dict.fromkeys(METRICS, math.nan)
    monkeypatch.setattr(counting, "metrics", lambda self, strategies, metrics: [nothing] * len(strategies))
    one = study()
    found = run_batch(Batch(one, tuple(jobs(4, 5)))).outcomes
    assert [outcome.how for outcome in found] == ["event", "event"]
    assert same(found[1].metrics, figures(one, found[1].job))


def test_values_that_break_a_rule_leave_a_compiled_batch_alone(counting):
    asked = [*jobs(4), Job(((FAST, 5), (SLOW, "many"))), *jobs(6)]
    found = run_batch(Batch(study(), tuple(asked))).outcomes
    assert [one.metrics["sharpe"] for one in found][::2] == [4.0, 6.0]
    assert "strategies[0].params.slow: must be a whole number" in found[1].error


def test_an_interrupted_run_is_no_outcome(monkeypatch):
    one = study()
    result = one.run(Job())
    result.record = replace(result.record, interrupted=True)
    monkeypatch.setattr(type(one), "run", lambda self, job: result)
    with pytest.raises(KeyboardInterrupt):
        run_job(one, Job())


def test_runs_on_other_data_are_refused(tmp_path):
    one = study()
    other = (("", "0" * 32),)
    found = run_batch(Batch(one, tuple(jobs(4, 5)), expected=other)).outcomes
    assert all("session and bars must be the same everywhere" in outcome.error for outcome in found)


def test_what_the_first_runs_show():
    trial = first_runs(study(strategies=[{"use": "smart_dca"}]), [Job()] * 5)
    assert len(trial.outcomes) == 2
    assert not trial.compiled
    assert trial.reason
    assert trial.seconds > 0


class _Watched(Executor):
    name = "watched"
    slots = 4

    def __init__(self):
        self.pieces = []

    def map(self, function, items):
        for item in items:
            self.pieces.append(len(item.jobs))
            yield function(item)


def test_work_is_cut_into_enough_pieces_for_every_slot():
    executor = _Watched()
    list(evaluate(study(), jobs(*range(2, 20)), executor=executor))
    assert len(executor.pieces) >= 8
    assert max(executor.pieces) - min(executor.pieces[:-1]) == 0


def test_what_was_timed_once_is_not_timed_again():
    one = study()
    first, second = _Watched(), _Watched()
    list(evaluate(one, jobs(*range(3, 19)), executor=first))
    list(evaluate(one, jobs(*range(3, 19)), executor=second))
    assert sum(second.pieces) == 16 > sum(first.pieces)


def test_why_runs_are_not_compiled_is_told_to_everyone_who_asks():
    told = [[], []]
    for each in told:
        list(evaluate(study(strategies=[{"use": "smart_dca"}]), [Job()] * 3, notice=each.append))
    assert told[0] == told[1] != []


def test_a_piece_lasts_about_a_second():
    assert working._piece(10_000, 0.1, 1) == 10
    assert working._piece(10_000, 5.0, 1) == 1
    assert working._piece(100, 0.001, 2) == 13
    assert working._piece(10**6, 1e-9, 1) == 4096
