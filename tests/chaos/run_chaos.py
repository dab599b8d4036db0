"""Run the fault campaign: ``python tests/chaos/run_chaos.py``, or one of its schedules with ``--seed N``."""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from chaos_run import Outcome, run_schedule, warm_up
from chaos_spec import draw

_BATCH = 10


def main() -> int:
    """Run what the command line says, print a table, and return how many schedules failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="run this schedule only, and keep its folder")
    parser.add_argument("--schedules", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="seed of the first")
    parser.add_argument(
        "--processes", type=int, default=4, help="how many at once; most of their time is waiting"
    )
    parser.add_argument("--keep", type=Path, help="folder for what failed schedules leave behind")
    args = parser.parse_args()
    if args.seed is not None:
        return _replay(args.seed, args.keep)
    began = time.monotonic()
    outcomes = list(_campaign(range(args.first, args.first + args.schedules), args.processes, args.keep))
    print("\n".join(table(outcomes, time.monotonic() - began)))
    return min(1, sum(bool(one.problems) for one in outcomes))


def _replay(seed: int, keep: Path | None) -> int:
    folder = keep or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    spec = draw(seed)
    print(spec, *spec.schedule.faults, sep="\n  ")
    warm_up()
    outcome = run_schedule(seed, folder)
    print(*table([outcome], 0.0), f"log and journal: {folder}", sep="\n")
    return min(1, len(outcome.problems))


def _campaign(seeds: Iterable[int], processes: int, keep: Path | None) -> Iterator[Outcome]:
    """Yield what came of schedules as they end, and show how it goes."""
    todo, done, failed = list(seeds), 0, 0
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        parts = [pool.submit(_batch, todo[i : i + _BATCH], keep) for i in range(0, len(todo), _BATCH)]
        for part in as_completed(parts):
            for outcome in part.result():
                done, failed = done + 1, failed + bool(outcome.problems)
                for problem in outcome.problems:
                    print(f"seed {outcome.seed}: {problem}", flush=True)
                yield outcome
            print(f"{done:,} of {len(todo):,} schedules, {failed} failed", file=sys.stderr, flush=True)


def _batch(seeds: list[int], keep: Path | None) -> list[Outcome]:
    warm_up()
    return [_one(seed, keep) for seed in seeds]


def _one(seed: int, keep: Path | None) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    try:
        outcome = run_schedule(seed, folder)
    except Exception as error:  # noqa: BLE001  # one schedule that breaks does not end the others
        outcome = Outcome(seed, [f"the campaign itself failed: {type(error).__name__}: {error}"])
    if outcome.problems and keep is not None:
        shutil.copytree(folder, keep / str(seed), dirs_exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return outcome


def table(outcomes: list[Outcome], seconds: float) -> list[str]:
    """Return the lines of a table of what was done and what came of it."""
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for one in outcomes:
        counts.update(one.counts)
        faults.update(one.faults)
    failed = sorted(one.seed for one in outcomes if one.problems)
    rows = [("schedules", len(outcomes)), ("seconds", round(seconds))]
    rows += [*sorted(counts.items()), ("faults", faults.total())]
    rows += [(f"  {name}", count) for name, count in sorted(faults.items())]
    lines = [f"{name:<24}{count:>10,}" for name, count in rows]
    lines.append(
        f"{'failures':<24}{len(failed):>10,}" + (f"   seeds {', '.join(map(str, failed))}" if failed else "")
    )
    for one in outcomes if len(outcomes) == 1 else []:
        lines += [f"  {problem}" for problem in one.problems]
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
