"""One backtest through several engines: speed, memory, and whether they agree.

    python benchmarks/event_backtest.py --quick

Each engine runs in a process of its own. The exit code is 1 where hookline and backtrader do not end with the same equity, or where
hookline holds more memory than it may for a million bars. hookline alone:

    python benchmarks/event_backtest.py --only hookline_on_bar --only hookline_signals
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

_FOLDER = Path(__file__).parent
_OURS = "hookline_on_bar"
_ORACLE = "backtrader_engine"
# Module in engines/, distribution that it needs.
ENGINES = {
    "hookline_on_bar": "hookline",
    "hookline_signals": "hookline",
    "backtesting_engine": "backtesting",
    "basana_engine": "basana",
    "nautilus_engine": "nautilus_trader",
    "backtrader_engine": "backtrader",
}
_TOLERANCE = 1e-9  # relative
_MOST_MB = 300  # that hookline may hold, for a million bars or fewer
_MILLION = 1_000_000
_IDLE = 0.1  # share of a run spent without a processor that is not worth a word
_MISSING = "not installed"


def main() -> int:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _worker("bars", folder, "--bars", str(arguments.bars))
        outcomes = {}
        for engine in arguments.only or ENGINES:
            print(f"{engine} ...", file=sys.stderr, flush=True)
            repeats = arguments.repeat if engine.startswith("hookline") else 1
            outcomes[engine] = measured(engine, folder, repeats, arguments.timeout)
    verdict, agrees = agreement(outcomes)
    heavy = too_heavy(outcomes)
    if arguments.json:
        print(json.dumps({"engines": outcomes, "agreement": verdict, "too_heavy": heavy}, indent=2))
    else:
        print("\n".join([table(outcomes), *verdict, *heavy, *waits(outcomes)]))
    return 0 if agrees and not heavy else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000, help="one-minute bars (default 1,000,000)")
    parser.add_argument("--quick", action="store_const", dest="bars", const=100_000, help="100,000 bars")
    parser.add_argument(
        "--repeat", type=int, default=3, help="runs of hookline, the median counts (default 3)"
    )
    parser.add_argument("--only", action="append", choices=ENGINES, help="run this engine; may be repeated")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for one run (default 600)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def measured(engine: str, folder: Path, repeats: int, timeout: float) -> dict[str, Any]:
    """Return the run of median speed, or ``{"error": ...}``."""
    runs = []
    for _ in range(repeats):
        run = _worker(engine, folder, timeout=timeout)
        if "error" in run:
            return run
        runs.append(run)
    speed = median(run["run_seconds"] for run in runs)
    return min(runs, key=lambda run: abs(run["run_seconds"] - speed))


def _worker(engine: str, folder: Path, *options: str, timeout: float | None = None) -> dict[str, Any]:
    command = [sys.executable, str(_FOLDER / "worker.py"), engine, str(folder), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {timeout:g} s"}
    if done.returncode == 0:
        return json.loads(done.stdout) if done.stdout else {}
    last = done.stderr.strip().splitlines()[-1]
    distribution = ENGINES.get(engine, "")
    if last == f"ModuleNotFoundError: No module named {distribution!r}":
        return {"error": _MISSING}
    return {"error": last}


def agreement(outcomes: dict[str, dict[str, Any]]) -> tuple[list[str], bool]:
    """Return what to say about the engines' finals, and whether hookline may be believed.

    hookline must end as the figures worked out without any engine do, and as backtrader where that was run.
    """
    lines, is_right = [], True
    for engine, run in outcomes.items():
        is_ours = engine.startswith("hookline")
        if "error" in run:
            lines.append(f"{engine}: {run['error']}")
            is_right = is_right and not is_ours
            continue
        off = _distance(run["finals"], run["expected"])
        same = off <= _TOLERANCE
        says = "as worked out without an engine" if same else f"{off:.1e} off what was worked out without one"
        lines.append(f"{engine}: fills at the {run['fill']}, final equity {says}")
        is_right = is_right and (same or not is_ours)
    theirs = outcomes.get(_ORACLE, {})
    for engine, run in outcomes.items():
        if engine.startswith("hookline") and "finals" in run and "finals" in theirs:
            off = _distance(run["finals"], theirs["finals"])
            is_right = is_right and off <= _TOLERANCE
            verdict = "agree" if off <= _TOLERANCE else "DISAGREE"
            lines.append(f"{engine} and {_ORACLE} {verdict}: {off:.1e} apart")
    return lines, is_right


def too_heavy(outcomes: dict[str, dict[str, Any]]) -> list[str]:
    """Name the runs of hookline that held more memory than they may."""
    return [
        f"{engine}: held {run['peak_mb']:.0f} MB, must be below {_MOST_MB}"
        for engine, run in outcomes.items()
        if engine.startswith("hookline")
        and "error" not in run
        and run["bars"] <= _MILLION
        and run["peak_mb"] >= _MOST_MB
    ]


def waits(outcomes: dict[str, dict[str, Any]]) -> list[str]:
    """Name the engines that waited for a processor: their speed is not their own."""
    shares = {
        engine: 1.0 - run["run_cpu_seconds"] / run["run_seconds"]
        for engine, run in outcomes.items()
        if "error" not in run
    }
    return [
        f"{engine}: without a processor for {share:.0%} of its run; the machine is busy"
        for engine, share in shares.items()
        if share > _IDLE
    ]


def _distance(ours: dict[str, float], theirs: dict[str, float]) -> float:
    """Return the relative difference of two final equities, infinite where the number of orders differs."""
    if ours["orders"] != theirs["orders"]:
        return float("inf")
    return abs(ours["equity"] - theirs["equity"]) / abs(theirs["equity"])


def table(outcomes: dict[str, dict[str, Any]]) -> str:
    """Return one line for each engine.

    ``bars/s`` counts the run alone, ``all told`` also the conversion of the bars before it and the figures after it.
    """
    lines = [
        f"{'engine':<20}{'version':>12}{'bars/s':>12}{'ratio':>8}{'all told':>12}{'peak MB':>9}{'orders':>8}{'final equity':>15}"
    ]
    ours = outcomes.get(_OURS, {}).get("run_seconds")
    for engine, run in outcomes.items():
        if "error" in run:
            lines.append(f"{engine:<20}{'not run':>12}")
            continue
        finals = run["finals"]
        total = run["prepare_seconds"] + run["run_seconds"] + run["report_seconds"]
        ratio = f"{ours / run['run_seconds']:.3f}" if ours else ""
        lines.append(
            f"{engine:<20}{run['version']:>12}{run['bars'] / run['run_seconds']:>12,.0f}{ratio:>8}"
            f"{run['bars'] / total:>12,.0f}{run['peak_mb']:>9,.0f}{finals['orders']:>8,}{finals['equity']:>15,.4f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
