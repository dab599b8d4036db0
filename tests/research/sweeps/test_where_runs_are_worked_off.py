"""Where work is done: results come in the order of the items, whatever happens to one of them."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from hookline import plugins
from hookline.errors import PluginError
from hookline.research.evaluating import local_executor
from hookline.session import executors
from hookline.session.executors import ProcessExecutor, SerialExecutor, ThreadExecutor, cores

EVERY = [SerialExecutor(), ThreadExecutor(3), ProcessExecutor(2)]


def slow_first(number):
    time.sleep(0.05 if number == 0 else 0.0)
    return number * 2


def refuse_two(number):
    if number == 2:
        raise ValueError("not 2")
    return number


def end(number):
    if number == 1:
        os._exit(1)
    return number


def where(number):
    return os.getpid()


@pytest.mark.parametrize("executor", EVERY, ids=lambda one: one.name)
def test_results_come_in_the_order_of_the_items(executor):
    assert list(executor.map(slow_first, range(6))) == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("executor", EVERY, ids=lambda one: one.name)
def test_what_a_function_raises_is_raised_when_its_result_is_due(executor):
    coming = iter(executor.map(refuse_two, range(4)))
    assert [next(coming), next(coming)] == [0, 1]
    with pytest.raises(ValueError, match="not 2"):
        next(coming)


def test_processes_are_others_and_threads_are_not():
    assert os.getpid() not in set(ProcessExecutor(2).map(where, range(3)))
    assert set(ThreadExecutor(2).map(where, range(3))) == {os.getpid()}


def test_a_process_that_is_ended_is_told():
    with pytest.raises(PluginError, match="executor processes: a process was ended from outside"):
        list(ProcessExecutor(1).map(end, range(3)))


def test_slots_are_how_many_are_worked_on_at_a_time():
    assert SerialExecutor().slots == 1
    assert ThreadExecutor(3).slots == ProcessExecutor(3).slots == 3
    assert ThreadExecutor().slots == ProcessExecutor().slots == cores() >= 1


@pytest.mark.parametrize("name", ["serial", "threads", "processes"])
def test_they_are_plugins(name):
    assert plugins.build("executors", name, {}, "executor").name == name


def test_short_work_stays_and_long_work_goes_where_it_is_done_soonest(monkeypatch):
    from hookline.research.evaluating import jobs

    monkeypatch.setattr(jobs, "cores", lambda: 4)
    monkeypatch.setattr(jobs, "_can_spawn", lambda: True)
    assert local_executor(0.1, compiled=True).name == "serial"
    assert local_executor(5.0, compiled=True).name == "threads"
    assert local_executor(5.0, compiled=False).name == "serial"
    assert local_executor(60.0, compiled=False).name == "processes"
    monkeypatch.setattr(jobs, "_can_spawn", lambda: False)
    assert local_executor(60.0, compiled=False).name == "serial"
    monkeypatch.setattr(jobs, "cores", lambda: 1)
    assert local_executor(60.0, compiled=True).name == "serial"


def test_a_script_is_not_run_again_by_new_processes(tmp_path):
    (tmp_path / "script.py").write_text(
        "from hookline.research.evaluating.jobs import _can_spawn\nprint(_can_spawn())\n"
    )
    ran = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
    code = "from hookline.research.evaluating.jobs import _can_spawn; print(_can_spawn())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "True"


_WAITING = """
import sys
from hookline.session.executors import ProcessExecutor
from hookline.clock import stopwatch

if __name__ == "__main__":
    import time
    try:
        for _ in ProcessExecutor(2).map(time.sleep, [0.01, 0.01, 1, 1, 1, 1, 1, 1]):
            print("one", flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_ctrl_c_is_for_the_process_that_waits(tmp_path):
    (tmp_path / "waiting.py").write_text(textwrap.dedent(_WAITING))
    process = subprocess.Popen(
        [sys.executable, tmp_path / "waiting.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "one\n"
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert out.endswith("interrupted\n")
    assert out.count("one") < 7
    assert "Traceback" not in err


def test_every_executor_is_registered():
    assert {one.name for one in executors.register_executors()} == {"serial", "threads", "processes"}
