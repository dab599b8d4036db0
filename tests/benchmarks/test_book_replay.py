"""The book replay runs and its engines do the same work; how fast they are is never tested."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def book_workload(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import book_workload

    return book_workload


@pytest.fixture
def book_replay(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import book_replay

    return book_replay


def script(*arguments):
    command = [sys.executable, str(BENCHMARKS / "book_replay.py"), "--repeat", "1", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def columns(workload, *rows):
    """A tape of rows ``message kind side price quantity``, a second apart from message to message."""
    message, kind, side, price, quantity = (
        np.array(column) for column in zip(*(row.split() for row in rows), strict=True)
    )
    kinds = np.array([["quote", "trade", "book", "snapshot"].index(word) for word in kind], np.int8)
    number = message.astype(np.int64)
    return workload.Columns(
        number * 10**9, number, kinds, side.astype(np.int8), price.astype(float), quantity.astype(float), 0.01
    )


def test_hookline_is_called_on_every_message_of_the_made_up_tape(tmp_path):
    code, (run,) = script("--rows", "3000", "--data", str(tmp_path / "none"), "--only", "hookline_book")

    assert code == 0, run
    assert run["tape"] == "one row a message"
    assert run["callbacks"] == run["messages"] > 2000
    # 60 seconds of tape: a bid and an ask to begin with, and the filled ones sent anew.
    assert run["orders"] > 2
    assert run["fills"] > 0


@pytest.mark.skipif(find_spec("hftbacktest") is None, reason="hftbacktest has an environment of its own")
@pytest.mark.slow
def test_hftbacktest_trades_by_the_same_rules(tmp_path):
    _, (ours, theirs) = script("--rows", "50000", "--data", str(tmp_path / "none"))

    assert "error" not in theirs
    # Not the same to the last order: it decides once for all rows of one time, and fills whole orders only.
    assert theirs["orders"] == pytest.approx(ours["orders"], rel=0.1)


def test_an_engine_that_is_not_installed_is_named(book_replay):
    lines = book_replay.table([{"tape": "recorded", "engine": "hftbacktest_book", "error": "not installed"}])

    assert lines[1].split() == ["recorded", "hftbacktest_book", "not", "installed"]


def test_the_ratio_is_hftbacktests_time_as_a_share_of_ours(book_replay):
    run = {"tape": "recorded", "version": "1", "rows": 400, "messages": 200, "callbacks": 100}
    run |= {"peak_mb": 50.0, "orders": 3, "fills": 2}

    _, ours, theirs = book_replay.table(
        [
            {**run, "engine": "hookline_book", "run_seconds": 2.0},
            {**run, "engine": "hftbacktest_book", "run_seconds": 0.5},
        ]
    )

    assert ours.split()[3:] == ["200", "100", "50", "0.250", "50", "3", "2"]
    assert theirs.split()[3:] == ["800", "400", "200", "1.000", "50", "3", "2"]


def test_a_split_tape_has_a_message_for_each_row_after_its_first_snapshot(book_workload):
    tape = columns(
        book_workload,
        "0 snapshot  1  99 5",
        "0 snapshot -1 101 5",
        "1 book      1  99 4",
        "1 book     -1 101 3",
        "2 quote     1  99 4",
        "2 quote    -1 101 3",
        "3 trade    -1  99 1",
        "4 snapshot  1  98 5",
    )

    parts = book_workload.split(tape)

    assert parts.message.tolist() == [0, 0, 1, 2, 3]
    assert parts.kind.tolist() == [3, 3, 2, 2, 1]
    assert parts.quantity.tolist() == [5, 5, 4, 3, 1]
    assert parts.messages == 4


def test_a_tape_that_is_cut_ends_with_a_whole_message(book_workload, tmp_path):
    tape = columns(
        book_workload, "0 snapshot 1 99 5", "0 snapshot -1 101 5", "1 book 1 99 4", "1 book 1 98 4"
    )
    book_workload.save_columns(tape, tmp_path / "tape.npz")

    assert len(book_workload.load_columns(tmp_path / "tape.npz", 3)) == 2
    assert len(book_workload.load_columns(tmp_path / "tape.npz", 4)) == 4
