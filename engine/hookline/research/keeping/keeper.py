"""Keep what a sweep has done, so that it can be looked at and gone on with.

``sweep.json`` says what was swept, ``sweep.parquet`` holds a row for each run that is done. While a sweep runs its rows lie in
``parts/``, a file every few seconds, so that a killed process loses no more than that.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.clock import SystemClock, isoformat, stopwatch
from hookline.errors import ConfigError, JournalError
from hookline.journal.lock import FileLock
from hookline.research.keeping.rows import read_rows, write_rows
from hookline.research.study import Job
from hookline.research.table import Outcome, Parameter

__all__ = ["ROWS", "STORY", "Keeper"]

ROWS = "sweep.parquet"
STORY = "sweep.json"
_PARTS = "parts"
_FLUSH_SECONDS = 2.0
_FLUSH_ROWS = 20_000


class Keeper:
    """The folder of one sweep. Close it when done; what was added is on disk then.

    Args:
        folder: Where the files are; made if it is not there.
        parameters: What varies.
        story: What is swept, as JSON can hold it; a sweep is gone on with only if this is the same.
        free: What of it may differ all the same.
        fresh: Move what is there aside and begin anew.

    Raises:
        ConfigError: if the folder holds another sweep, or cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        parameters: Sequence[Parameter],
        story: Mapping[str, Any],
        *,
        free: Sequence[str] = (),
        fresh: bool = False,
    ) -> None:
        self.folder = folder
        self._parameters = parameters
        self._story = json.loads(json.dumps(story))
        self._waiting: list[Outcome] = []
        self._flushed = stopwatch()
        self._lock = _locked(folder)
        try:
            if fresh:
                self.moved: Path | None = _move_aside(folder)
            else:
                self.moved = None
                self._check(free)
            self.known = self._read()
            self._number = len(list((folder / _PARTS).glob("*.parquet")))
            _write_text(folder / STORY, self._story)
        except BaseException:
            self._lock.close()
            raise

    def get(self, job: Job) -> Outcome | None:
        """Return what came of a job earlier, None if it was not run."""
        return self.known.get(job)

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome; it is on disk within a few seconds."""
        self.known[outcome.job] = outcome
        self._waiting.append(outcome)
        if len(self._waiting) >= _FLUSH_ROWS or stopwatch() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is not on disk yet."""
        if self._waiting:
            self._number += 1
            path = self.folder / _PARTS / f"{self._number:06d}.parquet"
            write_rows(self._parameters, self._waiting, path)
            self._waiting = []
        self._flushed = stopwatch()

    def finish(self, outcomes: Sequence[Outcome]) -> None:
        """Write the rows to one file, which takes the place of the parts: these in their order, then others that are known."""
        self.flush()
        rest = dict(self.known)
        for outcome in outcomes:
            rest.pop(outcome.job, None)
        if self.known:
            write_rows(self._parameters, [*outcomes, *rest.values()], self.folder / ROWS)
        if (self.folder / _PARTS).is_dir():
            shutil.rmtree(self.folder / _PARTS)
        self._number = 0

    def close(self) -> None:
        """Write what is left, and let others have the folder."""
        try:
            self.flush()
        finally:
            self._lock.close()

    def _read(self) -> dict[Job, Outcome]:
        files = [self.folder / ROWS, *sorted((self.folder / _PARTS).glob("*.parquet"))]
        found = [outcome for file in files if file.exists() for outcome in read_rows(file)]
        return {outcome.job: outcome for outcome in found}

    def _check(self, free: Sequence[str]) -> None:
        """Refuse to add to another sweep.

        Raises:
            ConfigError: saying what differs.
        """
        file = self.folder / STORY
        if not file.exists():
            return
        try:
            there = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ConfigError(f"{file}: must say what was swept: {error}") from error
        keys = [*self._story, *(key for key in there if key not in self._story)]
        other = [key for key in keys if key not in free and there.get(key) != self._story.get(key)]
        if other:
            raise ConfigError(
                f"{self.folder}: holds a sweep that differs in {', '.join(other)}; say --fresh to begin anew (what is "
                f"there is moved aside), or --output for another folder"
            )


def _locked(folder: Path) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / STORY)
    except JournalError as error:
        raise ConfigError(f"{folder}: another process sweeps there; wait for it, or stop it") from error
    except OSError as error:
        raise ConfigError(f"{folder}: results cannot be written there: {error.strerror}") from error


def _move_aside(folder: Path) -> Path | None:
    """Move what is in a folder into one beside it; return that, None if there was nothing."""
    found = [path for path in folder.iterdir() if path.name != f"{STORY}.lock"]
    if not any(path.name in {STORY, ROWS, _PARTS} for path in found):
        return None
    moment = isoformat(SystemClock().now).partition(".")[0].rstrip("Z").replace("-", "").replace(":", "")
    target, count = folder.with_name(f"{folder.name}-before-{moment}Z"), 1
    while target.exists():
        count += 1
        target = folder.with_name(f"{folder.name}-before-{moment}Z-{count}")
    try:
        target.mkdir()
        for path in found:
            path.rename(target / path.name)
    except OSError as error:
        raise ConfigError(f"{folder}: the earlier sweep cannot be moved aside: {error.strerror}") from error
    return target


def _write_text(path: Path, data: Mapping[str, Any]) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)
