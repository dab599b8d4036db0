"""Runs on a real cluster of two worker processes on this machine, some of which are killed."""

import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from sweep_sessions import FAST, SLOW, jobs, write_session

from hookline import plugins
from hookline.errors import ConfigError, PluginError
from hookline.research.evaluating import evaluate
from hookline.research.space import Space
from hookline.research.study import Study
from hookline.research.sweeping import run_sweep
from hookline.research.table import Objective
from hookline.session.executors import SerialExecutor

# The cluster warns of what the tests do to it, and leaves sockets to the garbage collector.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@contextmanager
def cluster(**settings):
    import dask.config
    from distributed import LocalCluster

    with (
        dask.config.set(
            {f"distributed.{name.replace('__', '.')}": value for name, value in settings.items()}
        ),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as found,
    ):
        yield found


def executor(found, **params):
    return plugins.build("executors", "dask", {"address": found.scheduler_address, **params}, "executor")


def kill_one(found):
    os.kill(next(iter(found.workers.values())).pid, signal.SIGKILL)


def test_a_worker_killed_half_way_loses_no_run_and_doubles_none(tmp_path):
    one = Study.of_file(write_session(tmp_path, strategies=[{"use": "ema_cross", "params": {"slow": 300}}]))
    asked = jobs(*range(2, 150))
    plain = list(evaluate(one, asked, executor=SerialExecutor()))
    with cluster() as found:
        killed = []

        def progress(done, total):
            if done >= total // 2 and not killed:
                killed.append(done)
                kill_one(found)

        works = executor(found)
        assert works.slots == 2
        outcomes = list(evaluate(one, asked, executor=works, progress=progress))
    assert killed
    assert [outcome.job for outcome in outcomes] == asked
    for outcome, expected in zip(outcomes, plain, strict=True):
        assert outcome.error == ""
        assert outcome.metrics == pytest.approx(expected.metrics, rel=1e-9, nan_ok=True)


def test_a_sweep_on_a_cluster_is_the_sweep_on_this_machine(tmp_path):
    one = Study.of_file(write_session(tmp_path))
    space = Space.of({FAST: "3:9:2", SLOW: "15,25"})
    with cluster() as found:
        there = run_sweep(one, space, Objective(), executor=executor(found), folder=tmp_path / "s")
    here = run_sweep(one, space, Objective(), executor=SerialExecutor())
    pd.testing.assert_frame_equal(there.frame, here.frame)
    assert len(pd.read_parquet(tmp_path / "s" / "sweep.parquet")) == 8


def _kill_twice(item):
    """End the process that runs this, the first two times."""
    folder, number = item
    if number == 1:
        times = len(list(Path(folder).iterdir()))
        if times < 2:
            (Path(folder) / str(times)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if number == 3:
        time.sleep(0.2)
    return number


def test_an_item_that_takes_its_worker_along_is_tried_again_so_many_times(tmp_path):
    items = [(str(tmp_path), number) for number in range(5)]
    with cluster(scheduler__allowed_failures=0) as found:
        assert list(executor(found, retries=3).map(_kill_twice, items)) == [0, 1, 2, 3, 4]
    assert len(list(tmp_path.iterdir())) == 2


def test_an_item_is_given_up_in_the_end(tmp_path):
    told = pytest.raises(PluginError, match="an item took its workers along 2 times")
    with cluster(scheduler__allowed_failures=0) as found, told:
        list(executor(found, retries=1).map(_kill_twice, [(str(tmp_path), number) for number in range(3)]))


def _slowly(number):
    time.sleep(0.2)
    return number


def test_results_that_were_lost_with_their_workers_are_worked_out_again():
    with cluster() as found:
        coming = executor(found).map(_slowly, range(4))
        assert next(coming) == 0
        time.sleep(1.5)  # the others are done by now, and wait to be fetched
        for worker in found.workers.values():
            os.kill(worker.pid, signal.SIGKILL)
        time.sleep(0.5)  # the scheduler knows that they are gone, and no worker is back yet
        assert list(coming) == [1, 2, 3]


def _refuse(number):
    if number == 2:
        raise ValueError(f"not {number}")
    return number


def test_what_a_function_raises_is_raised_when_its_result_is_due():
    with cluster() as found:
        coming = executor(found).map(_refuse, range(4))
        assert [next(coming), next(coming)] == [0, 1]
        with pytest.raises(ValueError, match="not 2"):
            next(coming)


def test_a_cluster_that_is_not_there_is_told():
    works = plugins.build(
        "executors", "dask", {"address": "tcp://127.0.0.1:9", "timeout_seconds": 0.5}, "executor"
    )
    with pytest.raises(
        ConfigError,
        match=r"executor\.params\.address: a dask scheduler must answer at 'tcp://127\.0\.0\.1:9'",
    ):
        list(works.map(_refuse, [1]))


def test_a_cluster_of_its_own():
    works = plugins.build("executors", "dask", {"workers": 1}, "executor")
    assert works.slots == 1
    assert list(works.map(_refuse, [3, 1, 0])) == [3, 1, 0]
