"""Run one engine once over a tape, in a process of its own, and print what was measured as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from book_workload import load_columns
from worker import peak_mb, timed

_WARM_UP_ROWS = 3000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", help="module in engines/")
    parser.add_argument("tape", type=Path, help="file of the tape")
    arguments = parser.parse_args()
    json.dump(measure(arguments.engine, arguments.tape), sys.stdout)


def measure(name: str, path: Path) -> dict[str, Any]:
    """Return times, peak memory and counts of one engine; imports, first compilations and the conversion are not timed."""
    engine = importlib.import_module(f"engines.{name}")
    engine.report(engine.run(engine.prepare(load_columns(path, _WARM_UP_ROWS))))
    columns = load_columns(path)
    prepared = engine.prepare(columns)
    cpu = time.process_time()
    finished, run_seconds = timed(engine.run, prepared)
    cpu_seconds = time.process_time() - cpu
    return {
        "version": engine.version,
        "rows": len(columns),
        "messages": columns.messages,
        "run_seconds": run_seconds,
        "run_cpu_seconds": cpu_seconds,
        "peak_mb": peak_mb(),
        **asdict(engine.report(finished)),
    }


if __name__ == "__main__":
    main()
