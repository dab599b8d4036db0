"""An EMA cross over many combinations of its two periods through several engines: speed, memory, and whether they agree.

    python benchmarks/sweep.py --quick

Each engine runs in a process of its own, on one core. What would take too long or too much memory is cut, and the table says to what. The
exit code is 1 where hookline makes less than 100,000,000 bar-combinations a second, or final values differ where the rules agree.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_GOAL = 100e6  # bar-combinations a second
_ROW_BYTES = 40  # what the loop of hookline reads of each bar
_TOLERANCE = 1e-9  # relative
_STILL = 300
_OURS = "hookline_sweep"
# Distribution that an engine needs, the most bars and the most combinations that it is given.
ENGINES = {
    "hookline_sweep": ("hookline", 1_000_000, 10_000),
    "hookline_sweep_all": ("hookline", 1_000_000, 100),
    "vectorbt_sweep": ("vectorbt", 1_000_000, 20),
    "backtesting_sweep": ("backtesting", 20_000, 9),
}


def pairs_of(count: int) -> list[list[int]]:
    """Return fast and slow periods: 10 by 10 up to a hundred combinations, 50 by 200 beyond."""
    if count <= 100:
        grid = [[fast, slow] for slow in range(60, 260, 20) for fast in range(5, 55, 5)]
    else:
        grid = [[fast, slow] for slow in range(60, 260) for fast in range(5, 55)]
    step = max(1, len(grid) // count)
    return grid[::step][:count]


def main() -> int:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _worker(arguments.python, "bars", folder, "--bars", str(arguments.bars), "--still", str(_STILL))
        memory = _worker(sys.executable, "triad", folder)["bytes_per_second"]
        rows = [row for engine in arguments.only or ENGINES for row in _rows(engine, folder, arguments)]
        verdict, is_right = judged(rows)
    if arguments.json:
        print(json.dumps({"rows": rows, "bytes_per_second": memory, "verdict": verdict}, indent=2))
    else:
        print("\n".join([table(rows), *verdict, *distance(rows, memory)]))
    return 0 if is_right else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000, help="one-minute bars (default 1,000,000)")
    parser.add_argument("--quick", action="store_true", help="100 combinations at most")
    parser.add_argument("--only", action="append", choices=ENGINES, help="run this engine; may be repeated")
    parser.add_argument(
        "--python", default=sys.executable, help="interpreter of the peers (default this one)"
    )
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds for one sweep (default 900)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def _rows(engine: str, folder: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what was measured of an engine: over 100 combinations, and over 10,000 where it is given so many."""
    needs, most_bars, most_runs = ENGINES[engine]
    python = sys.executable if needs == "hookline" else arguments.python
    counts = [count for count in (100, 10_000) if count <= most_runs] or [most_runs]
    rows = []
    for count in counts[:1] if arguments.quick else counts:
        print(f"{engine}, {count:,} combinations ...", file=sys.stderr, flush=True)
        options = ("--bars", str(min(most_bars, arguments.bars)), "--pairs", json.dumps(pairs_of(count)))
        row = _worker(python, engine, folder, *options, timeout=arguments.timeout)
        if "error" in row and row["error"].endswith(f"No module named {needs!r}"):
            row = {"error": "not installed"}
        rows.append({"engine": engine, "pairs": pairs_of(count), **row})
    if needs == "hookline" and "error" not in rows[0]:
        rows[0]["first_use_seconds"] = _first_use(engine, folder)
    return rows


def _first_use(engine: str, folder: Path) -> float:
    """Return the seconds to the end of a first small sweep with nothing compiled yet, imports included."""
    options = ("--bars", "1000", "--pairs", json.dumps(pairs_of(2)))
    with tempfile.TemporaryDirectory() as cache:
        row = _worker(sys.executable, engine, folder, *options, cache=cache)
    return row["import_seconds"] + row["first_seconds"]


def _worker(
    python: str, engine: str, folder: Path, *options: str, timeout: float | None = None, cache: str = ""
) -> dict[str, Any]:
    command = [python, str(_FOLDER / "sweep_worker.py"), engine, str(folder), *options]
    environment = {**os.environ, **({"HOOKLINE_CACHE_DIR": cache} if cache else {})}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=timeout, env=environment
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {timeout:g} s"}
    if done.returncode == 0:
        return json.loads(done.stdout) if done.stdout else {}
    lines = done.stderr.strip().splitlines()
    return {"error": lines[-1] if lines else f"ended with {done.returncode}"}


def speed(row: dict[str, Any]) -> float:
    """Return bar-combinations a second."""
    return row["bars"] * row["runs"] / row["seconds"]


def judged(rows: list[dict[str, Any]]) -> tuple[list[str], bool]:
    """Return what to say of final values and of our speed, and whether both are as they should be."""
    lines, is_right = [], True
    own = {
        (row["bars"], *pair): final
        for row in rows
        if row["engine"] == _OURS and "error" not in row
        for pair, final in zip(row["pairs"], row["finals"], strict=True)
    }
    for row in rows:
        if "error" in row:
            lines.append(f"{row['engine']}: {row['error']}")
            is_right = is_right and not row["engine"].startswith("hookline")
            continue
        ours = [own.get((row["bars"], *pair)) for pair in row["pairs"]]
        both = [(a, b) for a, b in zip(ours, row["finals"], strict=True) if a is not None]
        if row["engine"] != _OURS and both:
            off = sum(abs(a - b) > _TOLERANCE * abs(a) for a, b in both)
            lines.append(f"{row['engine']}: {len(both) - off} of {len(both)} final values are hookline's")
            is_right = is_right and off == 0
    slow = [row for row in rows if row["engine"] == _OURS and "error" not in row and speed(row) < _GOAL]
    lines += [f"{_OURS}: {speed(row):,.0f} bar-combinations/s, the goal is {_GOAL:,.0f}" for row in slow]
    return lines, is_right and not slow


def table(rows: list[dict[str, Any]]) -> str:
    """Return one line for each sweep; ``ratio`` is how many times as many bar-combinations hookline makes."""
    good = [row for row in rows if "error" not in row]
    ours = max((speed(row) for row in good if row["engine"] == _OURS), default=0.0)
    names = ("version", "bars", "combinations", "seconds", "bar-combinations/s", "ratio", "peak MB")
    widths = (9, 11, 14, 9, 20, 8, 9)
    lines = [f"{'engine':<20}" + "".join(f"{one:>{width}}" for one, width in zip(names, widths, strict=True))]
    for row in good:
        ratio = f"{ours / speed(row):.1f}" if ours else ""
        lines.append(
            f"{row['engine']:<20}{row['version']:>9}{row['bars']:>11,}{row['runs']:>14,}{row['seconds']:>9.2f}"
            f"{speed(row):>20,.0f}{ratio:>8}{row['peak_mb']:>9,.0f}"
        )
    return "\n".join(lines)


def distance(rows: list[dict[str, Any]], memory: float) -> list[str]:
    """Say what the memory of the machine would allow, and how long a first use takes."""
    lines = [f"memory: {memory / 1e9:.1f} GB/s on one core (triad)"]
    for row in rows:
        if row["engine"] == _OURS and "error" not in row:
            used = speed(row) * _ROW_BYTES
            share = used / memory
            lines.append(
                f"{_OURS}: reads {used / 1e9:.1f} GB/s of bars, {share:.0%} of that; memory alone would allow "
                f"{memory / _ROW_BYTES:,.0f} bar-combinations/s"
            )
            break
    lines += [
        f"{row['engine']}: first use {row['first_use_seconds']:.1f} s with imports and nothing compiled, "
        f"{row['import_seconds'] + row['first_seconds']:.1f} s from the cache"
        for row in rows
        if "first_use_seconds" in row
    ]
    return lines


if __name__ == "__main__":
    sys.exit(main())
