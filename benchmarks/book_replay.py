"""A market maker on every update of an order book: hookline in Python beside hftbacktest, which compiles it.

    python benchmarks/book_replay.py --quick

Each engine runs in a process of its own, hftbacktest in the interpreter of --python. The exit code is 1 where hookline fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from book_workload import Columns, save_columns, split

_FOLDER = Path(__file__).parent
_OURS, _THEIRS = "hookline_book", "hftbacktest_book"
ENGINES = (_OURS, _THEIRS)
_RECORDED = ("book/{0}_depth", "trades/{0}_trades_2024-08-08", "book/{0}_quotes")
_RECORDED_SYMBOL, _RECORDED_TICK = "binance_usdm_BTCUSDT", 0.1
_TICK = 0.01
_EVENTS_PER_SECOND, _ROWS_PER_EVENT = 50.0, 1.27  # of the made-up tape; the second is about what comes out
_MISSING = "not installed"


def main() -> int:
    arguments = _arguments()
    runs = []
    with tempfile.TemporaryDirectory() as name:
        for tape, path in tapes(Path(name), arguments.data, arguments.rows):
            for engine in arguments.only or ENGINES:
                print(f"{engine}, {tape} ...", file=sys.stderr, flush=True)
                python = sys.executable if engine == _OURS else arguments.python
                run = measured(python, engine, path, arguments.repeat, arguments.timeout)
                runs.append({"engine": engine, "tape": tape, **run})
    if arguments.json:
        print(json.dumps(runs, indent=2))
    else:
        print("\n".join(table(runs)))
    return int(any("error" in run for run in runs if run["engine"] == _OURS))


def _arguments() -> argparse.Namespace:
    recorded = Path(os.environ.get("HOOKLINE_TEST_DATA", _FOLDER.parents[1] / "shared" / "data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000, help="of the made-up tape (default 500,000)")
    parser.add_argument("--quick", action="store_const", dest="rows", const=50_000, help="50,000 rows")
    parser.add_argument(
        "--data", type=Path, default=recorded, help="folder of recorded data, left out where it is not"
    )
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, the median counts (default 3)")
    parser.add_argument("--only", action="append", choices=ENGINES, help="run this engine; may be repeated")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has hftbacktest")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one run (default 300)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def tapes(folder: Path, data: Path, rows: int) -> list[tuple[str, Path]]:
    """Write the tapes into a folder and return their names and files."""
    made = [("one row a message", _made(rows))]
    if data.is_dir():
        made.insert(0, ("recorded", _recorded(data)))
    paths = []
    for number, (name, tape) in enumerate(made):
        paths.append((name, folder / f"{number}.npz"))
        save_columns(tape, paths[-1][1])
    return paths


def _recorded(data: Path) -> Columns:
    from hookline.data.tape import load_tape

    files = (data / f"{name.format(_RECORDED_SYMBOL)}.parquet" for name in _RECORDED)
    return _columns(load_tape(*files), _RECORDED_TICK)


def _made(rows: int) -> Columns:
    from hookline.feed import TapeRequest
    from hookline.model import MarketData
    from hookline_feeds.synthetic import Book, SyntheticFeed

    minutes = max(1.0, rows / _ROWS_PER_EVENT / _EVENTS_PER_SECOND / 60)
    feed = SyntheticFeed(seed=7, book=Book(minutes=minutes, events_per_second=_EVENTS_PER_SECOND))
    kinds = frozenset({MarketData.BOOK, MarketData.TRADES})
    return split(_columns(feed.tape(TapeRequest("BENCH", kinds)), _TICK))


def _columns(tape: Any, tick: float) -> Columns:
    return Columns(tape.time, tape.message, tape.kind, tape.side, tape.price, tape.quantity, tick)


def measured(python: str, engine: str, path: Path, repeats: int, timeout: float) -> dict[str, Any]:
    """Return the run of median speed, or ``{"error": ...}``."""
    runs = []
    for _ in range(repeats):
        run = _worker(python, engine, path, timeout)
        if "error" in run:
            return run
        runs.append(run)
    speed = median(run["run_seconds"] for run in runs)
    return min(runs, key=lambda run: abs(run["run_seconds"] - speed))


def _worker(python: str, engine: str, path: Path, timeout: float) -> dict[str, Any]:
    command = [python, str(_FOLDER / "book_worker.py"), engine, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {timeout:g} s"}
    if done.returncode == 0:
        return json.loads(done.stdout)
    last = done.stderr.strip().splitlines()[-1]
    return {"error": _MISSING if last == "ModuleNotFoundError: No module named 'hftbacktest'" else last}


def table(runs: list[dict[str, Any]]) -> list[str]:
    """Return one line for each run; ``ratio`` is the time of hftbacktest on the same tape, as a share of this run's."""
    head = f"{'tape':<20}{'engine':<18}{'version':>9}{'rows/s':>12}{'messages/s':>12}{'callbacks/s':>13}{'ratio':>8}"
    lines = [f"{head}{'peak MB':>9}{'orders':>8}{'fills':>8}"]
    theirs = {
        run["tape"]: run["run_seconds"] for run in runs if run["engine"] == _THEIRS and "error" not in run
    }
    for run in runs:
        if "error" in run:
            lines.append(f"{run['tape']:<20}{run['engine']:<18}{run['error']}")
            continue
        seconds = run["run_seconds"]
        ratio = f"{theirs[run['tape']] / seconds:.3f}" if run["tape"] in theirs else ""
        lines.append(
            f"{run['tape']:<20}{run['engine']:<18}{run['version']:>9}{run['rows'] / seconds:>12,.0f}"
            f"{run['messages'] / seconds:>12,.0f}{run['callbacks'] / seconds:>13,.0f}{ratio:>8}{run['peak_mb']:>9,.0f}"
            f"{run['orders']:>8,}{run['fills']:>8,}"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
