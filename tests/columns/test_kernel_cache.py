"""Compiled loops live on between processes, and never longer than the code they were made of."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from columns_data import MONDAY, NS, random_walk

from hookline.columns import Bars, Batch, ema, kernels, sma
from hookline.model import BarSeries

PROGRAM = """
import numpy as np
from hookline.columns import Bars, Batch, apply
from hookline.model import BarSeries
import mine
price = np.arange(1.0, 4.0)
series = BarSeries("X", "1m", np.arange(3) * 60 * 10**9, price, price, price, price, price)
print(Batch(series).compute([apply(mine.OP, Bars().close)])[0].tolist())
"""

MINE = """
from hookline.columns import Op
from helper import change

FACTOR = 2.0

def init():
    return ()

def step(state, x):
    return state, change(x) * FACTOR

OP = Op("mine", init, step)
"""

HELPER = """
def change(x):
    return x + 1.0
"""


def run(folder: Path, **environment: str) -> str:
    env = {
        **os.environ,
        "HOOKLINE_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": str(folder),
        **environment,
    }
    command = [sys.executable, "-B", "-c", textwrap.dedent(PROGRAM)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stderr == ""
    return done.stdout.strip()


def kernel_files(folder: Path) -> dict[str, int]:
    found = [*folder.glob("cache/kernels/mine_*.py"), *folder.glob("cache/kernels/__pycache__/mine_*.nb[ic]")]
    return {path.name: path.stat().st_mtime_ns for path in found}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "helper.py").write_text(HELPER)
    return tmp_path


@pytest.mark.slow
def test_a_second_process_reads_the_kernel_of_the_first(folder: Path) -> None:
    assert run(folder) == "[4.0, 6.0, 8.0]"
    files = kernel_files(folder)
    assert sum(name.endswith(".nbc") for name in files) == 1
    assert run(folder) == "[4.0, 6.0, 8.0]"
    assert kernel_files(folder) == files


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("mine.py", "change(x) *", "change(x) +", "[4.0, 5.0, 6.0]"),
        ("mine.py", "FACTOR = 2.0", "FACTOR = 3.0", "[6.0, 9.0, 12.0]"),
        ("helper.py", "1.0", "2.0", "[6.0, 8.0, 10.0]"),
    ],
)
def test_a_changed_step_never_meets_an_old_kernel(
    folder: Path, file: str, old: str, new: str, expected: str
) -> None:
    assert run(folder) == "[4.0, 6.0, 8.0]"
    path = folder / file
    stat = path.stat()
    path.write_text(path.read_text().replace(old, new))
    # The same size and time: nothing but the content tells.
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert run(folder) == expected


def test_a_folder_that_cannot_be_made_gives_way_to_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOOKLINE_CACHE_DIR", str(tmp_path / "file"))
    folder = kernels.kernel_folder()
    assert folder.is_dir()
    assert tmp_path not in folder.parents
    assert kernels.kernel_folder() == folder


def test_the_folder_is_below_the_home_unless_the_environment_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOKLINE_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kernels.kernel_folder() == tmp_path / ".cache" / "hookline" / "kernels"


def test_a_file_that_is_there_is_never_written_again(tmp_path: Path) -> None:
    path = tmp_path / "kernel.py"
    kernels.write_once(path, b"first")
    kernels.write_once(path, b"second")
    assert path.read_text() == "first"
    assert [file.name for file in tmp_path.iterdir()] == ["kernel.py"]


def test_arrays_that_cannot_be_written_need_no_other_kernel() -> None:
    series = random_walk(50)
    prices = [getattr(series, name).copy() for name in BarSeries.COLUMNS]
    for values in prices:
        values.flags.writeable = False
    locked = BarSeries("X", "1h", series.start, *prices)
    columns = [ema(Bars().close, 5), sma(Bars().at("4h").close, 3)]
    for left, right in zip(Batch(locked).compute(columns), Batch(series).compute(columns), strict=True):
        assert np.array_equal(left, right, equal_nan=True)


def test_equal_nodes_are_computed_once_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    from hookline.columns import batch as module

    calls: list[str] = []
    original = module.run_op
    monkeypatch.setattr(module, "run_op", lambda op, *rest: (calls.append(op.name), original(op, *rest))[1])
    close = Bars().close
    batch = Batch(random_walk(30))
    batch.compute([ema(close, 3) - ema(close, 5), ema(close, 3) > 1])
    assert sorted(calls) == ["ema", "ema", "greater", "subtract"]
    batch.compute([ema(Bars().close, 3), ema(close, 7)])
    assert calls[4:] == ["ema"]
    batch.compute([ema(close, 8)], keep=False)
    batch.compute([ema(close, 8)], keep=False)
    assert calls[5:] == ["ema", "ema"]
    batch.forget()
    batch.compute([ema(close, 3)])
    assert calls[7:] == ["ema"]


def test_without_keeping_only_what_is_asked_for_stays_in_memory() -> None:
    import tracemalloc

    size = 200_000
    price = 100.0 + np.sin(np.arange(size))
    series = BarSeries("X", "1m", (MONDAY + np.arange(size) * 60) * NS, *[price] * 5)
    column = Bars().close
    for n in range(2, 12):
        column = ema(column, n)
    Batch(series.slice(0, 10)).compute([column])
    peaks = {}
    for keep in (True, False):
        tracemalloc.start()
        Batch(series).compute([column], keep=keep)
        peaks[keep] = tracemalloc.get_traced_memory()[1] / (8 * size)
        tracemalloc.stop()
    assert peaks[True] > 10
    assert peaks[False] < 4


LEAN = """
import sys
import numpy as np
from hookline.columns import Bars, Batch, ema
from hookline.model import BarSeries
price = np.arange(1.0, 4.0)
series = BarSeries("X", "1m", np.arange(3) * 60 * 10**9, price, price, price, price, price)
print(Batch(series).compute([ema(Bars().close, 2)])[0].tolist(), "scipy.linalg" in sys.modules)
import numba
print(numba.njit(lambda a: np.dot(a, a))(np.eye(2) * 3.0).tolist(), "scipy.linalg" in sys.modules)
"""


@pytest.mark.slow
def test_kernels_do_without_scipy_and_code_that_multiplies_matrices_still_finds_it() -> None:
    done = subprocess.run([sys.executable, "-c", LEAN], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[nan, 1.5, 2.5] False", "[[9.0, 0.0], [0.0, 9.0]] True"]
