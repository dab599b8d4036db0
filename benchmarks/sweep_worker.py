"""Run one sweep with one engine, in a process of its own, and print what was measured as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from worker import peak_mb, timed
from workload import Arrays, load_bars, make_bars, save_bars

_WARM_UP_BARS = 1000
_TRIAD_FLOATS = 8_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", help="module in engines/, 'bars' to write the bars, 'triad' for the memory")
    parser.add_argument("folder", type=Path, help="folder of the bars")
    parser.add_argument("--bars", type=int, default=0, help="how many to write, or to use at most")
    parser.add_argument("--still", type=int, default=0, help="bars at the begin that do not move")
    parser.add_argument("--pairs", default="[]", help="fast and slow periods as JSON")
    arguments = parser.parse_args()
    if arguments.engine == "bars":
        save_bars(make_bars(arguments.bars, arguments.still), arguments.folder)
    elif arguments.engine == "triad":
        json.dump({"bytes_per_second": triad()}, sys.stdout)
    else:
        bars = cut(load_bars(arguments.folder), arguments.bars)
        json.dump(measure(arguments.engine, bars, json.loads(arguments.pairs)), sys.stdout)


def cut(bars: Arrays, count: int) -> Arrays:
    return Arrays(*(getattr(bars, name)[:count].copy() for name in Arrays.__dataclass_fields__))


def measure(name: str, bars: Arrays, pairs: list[list[int]]) -> dict[str, Any]:
    """Return times, peak memory and final values of one engine; the first compilation is timed by itself."""
    engine, import_seconds = timed(importlib.import_module, f"engines.{name}")
    _, first_seconds = timed(lambda few: engine.run(engine.prepare(few), pairs[:2]), make_bars(_WARM_UP_BARS))
    prepared, prepare_seconds = timed(engine.prepare, bars)
    cpu = time.process_time()
    finals, seconds = timed(lambda all_: engine.run(prepared, all_), pairs)
    return {
        "version": engine.version,
        "bars": len(bars),
        "runs": len(pairs),
        "import_seconds": import_seconds,
        "first_seconds": first_seconds,
        "prepare_seconds": prepare_seconds,
        "seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": peak_mb(),
        "finals": [float(value) for value in finals],
    }


def triad() -> float:
    """Return the bytes that one core moves in a second: ``a = b + 2 c`` over arrays much larger than its caches."""
    from numba import njit

    @njit
    def loop(a: Any, b: Any, c: Any) -> None:
        for i in range(len(a)):
            a[i] = b[i] + 2.0 * c[i]

    a, b, c = np.zeros(_TRIAD_FLOATS), np.ones(_TRIAD_FLOATS), np.ones(_TRIAD_FLOATS)
    loop(a, b, c)
    fastest = min(timed(lambda _: loop(a, b, c), None)[1] for _ in range(5))
    return 24.0 * _TRIAD_FLOATS / fastest


if __name__ == "__main__":
    main()
