"""How long permutation tests and bootstrap intervals take.

    python benchmarks/permutations.py

Ten thousand orders of a year of hourly bars, made up and seeded, on one thread and on all cores. A run before the clock starts loads the
compiled loops. The exit code is 1 where a test on all cores takes more than ten seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from hookline.clock import stopwatch
from hookline.research.statistics import bootstrap_intervals, permutation_tests, probability_of_overfitting

_GOAL_SECONDS = 10.0
_HELD_BARS = 24


@dataclass(frozen=True)
class Row:
    """What was measured: the fastest of several runs on one thread, and on all cores; None where threads are of no use."""

    name: str
    one_thread: float
    all_cores: float | None


def main() -> int:
    options = _options()
    rows = _measure(options.bars, options.permutations, options.repeat)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        print(
            f"{options.permutations:,} orders of {options.bars:,} bars, seconds, fastest of {options.repeat}"
        )
        print(f"{'':28} {'one thread':>12} {f'{os.cpu_count()} cores':>12}")
        for row in rows:
            print(f"{row.name:28} {_text(row.one_thread)} {_text(row.all_cores)}")
    slowest = max(row.all_cores for row in rows if row.all_cores is not None)
    return int(slowest > _GOAL_SECONDS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=8_760)
    parser.add_argument("--permutations", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _text(seconds: float | None) -> str:
    return f"{'':>12}" if seconds is None else f"{seconds:12.2f}"


def _measure(bars: int, permutations: int, repeat: int) -> list[Row]:
    rng = np.random.default_rng(1)
    returns = rng.normal(0.0, 0.01, bars)
    positions = np.repeat(rng.choice([-1.0, 0.0, 1.0], size=bars // _HELD_BARS + 1), _HELD_BARS)[:bars]
    costs = np.abs(np.diff(positions, prepend=0.0)) * 0.0005
    test = partial(permutation_tests, returns, positions, costs, permutations=permutations)
    sample = partial(bootstrap_intervals, returns * positions - costs, samples=permutations)
    schemes = ("returns", "blocks", "shifts")
    rows = [_row(f"permutation test, {one}", partial(test, scheme=one), repeat) for one in schemes]
    rows.append(_row("bootstrap intervals", sample, repeat))
    trials = rng.normal(0.0, 0.01, (bars, 100))
    overfitting = partial(probability_of_overfitting, trials)
    rows.append(Row("overfitting of 100 trials", _fastest(overfitting, repeat), None))
    return rows


def _row(name: str, work: Callable[..., object], repeat: int) -> Row:
    work(threads=1)
    return Row(name, _fastest(partial(work, threads=1), repeat), _fastest(partial(work, threads=0), repeat))


def _fastest(work: Callable[[], object], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        began = stopwatch()
        work()
        times.append(stopwatch() - began)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
