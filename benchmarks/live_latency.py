"""How long an order of a live session takes from the decision to the bytes on the socket, while the market is busy.

    python benchmarks/live_latency.py

A session (feed and broker ``lmex``, journal on disk) trades at an emulated venue in another process, which tells 5,000 market events a
second of three books over websockets. The strategy decides on 20 market orders a second. Measured is the time from entering its
``on_book`` until the operating system has taken the last byte of the signed request; ``live_worker.py`` says what the parts are.

The exit code is 1 where the median is 1 ms or more, or the 99th percentile 5 ms or more, without waiting for the disk; what
the disk adds is the machine's, and shown beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_MEDIAN_MS, _P99_MS = 1.0, 5.0


def main() -> int:
    arguments = _arguments()
    runs = {}
    for name, durable in (("durable journal", True), ("journal without fsync", False)):
        if arguments.only in (None, name.partition(" ")[0]):
            print(f"{name} ...", file=sys.stderr, flush=True)
            runs[name] = summary(measured(arguments, durable))
    disk = fsync_seconds(arguments.folder)
    if arguments.json:
        print(json.dumps({"runs": runs, "fsync": disk}, indent=2))
    else:
        print("\n".join(table(runs, disk)))
    return 0 if all(one["kept"] for name, one in runs.items() if name != "durable journal") else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--orders", type=int, default=2000, help="to be measured (default 2,000)")
    parser.add_argument("--quick", action="store_const", dest="orders", const=200, help="200 orders")
    parser.add_argument("--rate", type=float, default=5000.0, help="market events a second (default 5,000)")
    parser.add_argument("--decisions", type=float, default=20.0, help="orders a second (default 20)")
    parser.add_argument("--only", choices=("durable", "journal"), help="run one of the two")
    parser.add_argument("--folder", type=Path, help="on the disk that the journal is to be written to")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one run (default 300)")
    parser.add_argument("--cpu", action="store_true", help="measure the processor time of orders, too")
    parser.add_argument("--profile", type=Path, help="file for the profile of the session")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def measured(arguments: argparse.Namespace, durable: bool) -> dict[str, Any]:
    """Return what a session measured at a venue of its own."""
    venue = subprocess.Popen(
        [sys.executable, str(_FOLDER / "live_venue.py"), "--rate", str(arguments.rate)],
        stdout=subprocess.PIPE,
        text=True,
    )
    _apart(venue.pid, first=True)
    try:
        assert venue.stdout is not None
        said = venue.stdout.readline()
        command = [sys.executable, str(_FOLDER / "live_worker.py"), "--orders", str(arguments.orders)]
        command += ["--decisions", str(arguments.decisions), *(["--durable"] if durable else [])]
        command += ["--cpu"] if arguments.cpu else []
        command += [] if arguments.profile is None else ["--profile", str(arguments.profile)]
        environ = os.environ | (
            {} if arguments.folder is None else {"HOOKLINE_BENCH_DIR": str(arguments.folder)}
        )
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
        ) as session:
            _apart(session.pid, first=False)
            try:
                printed, _ = session.communicate(said, timeout=arguments.timeout)
            except BaseException:
                session.kill()
                raise
    finally:
        venue.terminate()
        venue.wait(timeout=20)
    if session.returncode:
        raise SystemExit(f"the session ended with {session.returncode}")
    found: dict[str, Any] = json.loads(printed)
    return found


def _apart(process: int, *, first: bool) -> None:
    """Keep venue and session on processors of their own, as machines would: else a request wakes the venue where the session runs."""
    if hasattr(os, "sched_setaffinity") and len(processors := sorted(os.sched_getaffinity(0))) > 1:
        os.sched_setaffinity(process, processors[:1] if first else processors[1:])


def summary(run: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a run, milliseconds."""
    parts = {name: figures(values) for name, values in run["parts"].items() if any(values)}
    total = parts["total"]
    return {
        "orders": run["orders"],
        "events_per_second": run["events_per_second"],
        "busy": run["busy"],
        "load": os.getloadavg()[0],
        "parts": parts,
        "commits": figures(run["commits"]),
        "collections": figures(run["pauses"] or [0.0]),
        "kept": total["median"] < _MEDIAN_MS and total["p99"] < _P99_MS,
    }


def figures(seconds: Sequence[float]) -> dict[str, float]:
    """Return median, 90th and 99th percentile and maximum, milliseconds."""
    ordered = sorted(seconds)
    shares = {"median": 0.5, "p90": 0.9, "p99": 0.99}
    found = {name: 1e3 * ordered[round(share * (len(ordered) - 1))] for name, share in shares.items()}
    return {**found, "max": 1e3 * ordered[-1]}


def fsync_seconds(folder: Path | None, repeat: int = 50) -> dict[str, float]:
    """Return how long the disk takes for a page that must stay, milliseconds: what a durable journal waits for."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        seconds = []
        for _ in range(repeat):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return figures(seconds)


def table(runs: dict[str, Any], disk: dict[str, float]) -> list[str]:
    """Return the lines to print."""
    lines = []
    for name, run in runs.items():
        lines.append(
            f"{name}: {run['orders']:,} orders, {run['events_per_second']:,.0f} market events/s handled, "
            f"a processor busy for {run['busy']:.0%} of the time; load of the machine {run['load']:.1f}"
        )
        lines.append(f"  {'ms':<12}{'median':>9}{'p90':>9}{'p99':>9}{'max':>9}")
        rows = {**run["parts"], "any commit": run["commits"], "collections": run["collections"]}
        lines += [
            f"  {part:<12}" + "".join(f"{value:9.3f}" for value in row.values()) for part, row in rows.items()
        ]
        lines.append(
            f"  goal (median < {_MEDIAN_MS:g} ms, p99 < {_P99_MS:g} ms): {'kept' if run['kept'] else 'MISSED'}"
        )
    lines.append("fsync of a page: " + ", ".join(f"{name} {value:.3f} ms" for name, value in disk.items()))
    return lines


if __name__ == "__main__":
    sys.exit(main())
