"""The same session twice, in two processes with different hash seeds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
from driver_sessions import Breakout, Trend, order_lines, run_plan
from hookline.reporting.journal_export import write_journal

result = run_plan("backtest", Path(sys.argv[1]), [Breakout(), Trend()])
folder = Path(sys.argv[2])
write_journal(result.record, folder / "journal.jsonl")
(folder / "orders.txt").write_text("\\n".join(order_lines(result.record)))
(folder / "fills.txt").write_text("\\n".join(map(repr, result.record.fills)))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, real_data):
    from driver_sessions import save_bars

    return save_bars(tmp_path_factory.mktemp("bars"), real_data, 1500)


def files_of(folder, out, hash_seed):
    out.mkdir()
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(out)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
        check=True,
        timeout=120,
    )
    return {file.name: file.read_bytes() for file in sorted(out.iterdir())}


def test_journal_orders_and_fills_are_the_same_bytes_whatever_the_hash_seed(folder, tmp_path):
    one, other = (files_of(folder, tmp_path / seed, seed) for seed in ("1", "4242"))

    assert sorted(one) == ["fills.txt", "journal.jsonl", "orders.txt"]
    assert one == other
    assert one["journal.jsonl"].count(b'"event":"fill"') > 100
