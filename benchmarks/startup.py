"""How long it takes to start: the command line, the import, a small backtest up to its report.

    python benchmarks/startup.py

Every case runs in new processes; the first run of each fills the caches (bytecode, compiled kernels) and is not counted. The
exit code is 1 where a limit is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

_SESSION = """\
name: startup
mode: backtest
timeframe: 1m
symbols: [BTC-PERP]
cash: 10000
feed: {use: synthetic, params: {bars: 10000, seed: 7}}
broker: {use: paper, params: {taker_fee_bps: 5}}
strategies: [{use: ema_cross}]
"""


@dataclass(frozen=True)
class Case:
    """A command and the seconds it may take at the median, None for no limit."""

    name: str
    command: list[str]
    limit: float | None = None


@dataclass(frozen=True)
class Timing:
    """Seconds of a case: the median and the fastest of its runs."""

    name: str
    median: float
    fastest: float
    limit: float | None

    @property
    def is_kept(self) -> bool:
        return self.limit is None or self.median <= self.limit


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--repeat", type=int, default=5, help="runs of each case, the median counts (default 5)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        timings = [timed(case, arguments.repeat) for case in cases(Path(name))]
    if arguments.json:
        print(json.dumps([asdict(timing) for timing in timings], indent=2))
    else:
        print(table(timings))
    return 0 if all(timing.is_kept for timing in timings) else 1


def cases(folder: Path) -> list[Case]:
    """Return what is timed; the session and its reports go to a folder."""
    session = folder / "session.yaml"
    session.write_text(_SESSION)
    hookline = shutil.which("hookline", path=os.fspath(Path(sys.executable).parent))
    if hookline is None:
        raise SystemExit(
            f"hookline must be installed beside {Path(sys.executable).name!r}, found no such command"
        )
    run = [hookline, "run", str(session), "--output", str(folder / "reports"), "--no-progress"]
    return [
        Case("python -c pass", [sys.executable, "-c", "pass"]),
        Case("import hookline", [sys.executable, "-c", "import hookline"]),
        Case("hookline --help", [hookline, "--help"], limit=0.3),
        Case("hookline run, 10,000 bars", run, limit=3.0),
    ]


def timed(case: Case, repeats: int) -> Timing:
    """Run a case and return its times, the first run left out."""
    seconds = [_seconds(case.command) for _ in range(repeats + 1)][1:]
    return Timing(case.name, median(seconds), min(seconds), case.limit)


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as state:  # runs here are no trials of the user's
        environment = os.environ | {"HOOKLINE_STATE_DIR": state}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return seconds


def table(timings: list[Timing]) -> str:
    """Return one line for each case."""
    lines = [f"{'':<28}{'median s':>10}{'fastest s':>11}{'limit s':>9}"]
    for timing in timings:
        limit = "" if timing.limit is None else f"{timing.limit:.1f}"
        verdict = "" if timing.is_kept else "  too slow"
        lines.append(f"{timing.name:<28}{timing.median:>10.3f}{timing.fastest:>11.3f}{limit:>9}{verdict}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
