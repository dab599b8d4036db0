"""Run one engine once, in a process of its own, and print what was measured as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workload import Arrays, load_bars, make_bars, reference, save_bars

_WARM_UP_BARS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", help="module in engines/, or 'bars' to write the bars")
    parser.add_argument("folder", type=Path, help="folder of the bars")
    parser.add_argument("--bars", type=int, default=0, help="how many to write")
    arguments = parser.parse_args()
    if arguments.engine == "bars":
        save_bars(make_bars(arguments.bars), arguments.folder)
        return
    json.dump(measure(arguments.engine, load_bars(arguments.folder)), sys.stdout)


def measure(name: str, bars: Arrays) -> dict[str, Any]:
    """Return times, peak memory and finals of one engine; imports and first compilations are not timed."""
    engine = importlib.import_module(f"engines.{name}")
    engine.report(engine.run(engine.prepare(make_bars(_WARM_UP_BARS))))
    prepared, prepare_seconds = timed(engine.prepare, bars)
    cpu = time.process_time()
    finished, run_seconds = timed(engine.run, prepared)
    cpu_seconds = time.process_time() - cpu
    finals, report_seconds = timed(engine.report, finished)
    peak = peak_mb()
    expected = reference(bars, engine.FILL)
    return {
        "version": engine.version,
        "fill": engine.FILL,
        "bars": len(bars),
        "prepare_seconds": prepare_seconds,
        "run_seconds": run_seconds,
        "run_cpu_seconds": cpu_seconds,
        "report_seconds": report_seconds,
        "peak_mb": peak,
        "finals": asdict(finals),
        "expected": asdict(expected),
    }


def timed(call: Callable[[Any], Any], argument: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    answer = call(argument)
    return answer, time.perf_counter() - began


def peak_mb() -> float:
    """Return the most memory that this process has held at once, in MB of 10**6 bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss would count what the parent held before this program was loaded.
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    main()
