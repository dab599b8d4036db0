"""The benchmark of sweeps runs, and judges what it has measured."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def sweep(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import sweep

    return sweep


def row(engine, finals, seconds=0.001):
    return {
        "engine": engine, "pairs": [[5, 60], [10, 60]], "finals": finals, "bars": 1_000_000, "runs": 2, "seconds": seconds,
    }  # fmt: skip


def test_all_figures_cost_no_other_final_values():
    only = ["--only", "hookline_sweep", "--only", "hookline_sweep_all"]
    command = [sys.executable, BENCHMARKS / "sweep.py", "--quick", "--bars", "3000", *only, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    shown = json.loads(done.stdout)
    assert "hookline_sweep_all: 100 of 100 final values are hookline's" in shown["verdict"]
    assert len(set(shown["rows"][0]["finals"])) > 50
    assert shown["bytes_per_second"] > 0


@pytest.mark.skipif(find_spec("vectorbt") is not None, reason="vectorbt is installed here")
def test_a_peer_that_is_not_installed_is_named():
    command = [
        sys.executable,
        BENCHMARKS / "sweep.py",
        "--quick",
        "--bars",
        "500",
        "--only",
        "vectorbt_sweep",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["verdict"] == ["vectorbt_sweep: not installed"]


def test_other_final_values_are_told(sweep):
    lines, is_right = sweep.judged([row("hookline_sweep", [1.0, 2.0]), row("vectorbt_sweep", [1.0, 2.1])])
    assert lines == ["vectorbt_sweep: 1 of 2 final values are hookline's"]
    assert not is_right


def test_a_sweep_below_the_goal_is_told(sweep):
    lines, is_right = sweep.judged([row("hookline_sweep", [1.0, 2.0], seconds=1.0)])
    assert lines == ["hookline_sweep: 2,000,000 bar-combinations/s, the goal is 100,000,000"]
    assert not is_right
    assert sweep.judged([row("hookline_sweep", [1.0, 2.0])]) == ([], True)


def test_combinations_are_as_many_as_asked_for_and_no_two_the_same(sweep):
    for count in (2, 9, 20, 100, 10_000):
        pairs = sweep.pairs_of(count)
        assert len({tuple(pair) for pair in pairs}) == count
        assert all(fast < slow for fast, slow in pairs)
