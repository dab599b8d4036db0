"""The benchmark of live sessions runs, and its parts are those of the whole; how fast they are is never tested."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def live_latency(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import live_latency

    return live_latency


@pytest.mark.slow
def test_orders_of_a_live_session_are_timed_from_the_decision_to_the_socket(tmp_path):
    words = [
        "--orders",
        "30",
        "--rate",
        "500",
        "--decisions",
        "8",
        "--only",
        "journal",
        "--folder",
        str(tmp_path),
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "live_latency.py"), *words],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)

    run = answer["runs"]["journal without fsync"]
    assert 20 < run["orders"] <= 30  # on a busy machine the last ones are not sent before the session is over
    assert run["events_per_second"] > 50
    parts = {name: one["median"] for name, one in run["parts"].items()}
    assert set(parts) == {"gate", "journal", "task", "sign", "http", "write", "total"}
    assert all(value > 0 for value in parts.values())
    assert run["parts"]["total"]["max"] >= max(one["max"] for one in run["parts"].values())
    assert done.returncode == (0 if run["kept"] else 1)


def test_percentiles_are_of_the_values_in_order(live_latency):
    found = live_latency.figures([one / 1000 for one in range(101)])
    assert found == pytest.approx({"median": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0})


def test_the_goal_is_missed_where_the_slowest_hundredth_is_too_slow(live_latency):
    def run(slow):
        values = [0.0005] * 95 + [slow] * 5
        return live_latency.summary(
            {
                "orders": 100,
                "events_per_second": 1.0,
                "busy": 0.1,
                "parts": {"total": values},
                "commits": [0.001],
                "pauses": [],
            }
        )

    assert run(0.004)["kept"]
    assert not run(0.006)["kept"]
    assert any("MISSED" in line for line in live_latency.table({"a": run(0.006)}, {"median": 1.0}))
