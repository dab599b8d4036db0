"""The ledger of trials: every backtest that was made on some data, counted where nobody can forget it.

The best of many trials looks good by luck alone, so a result means nothing without their number. Every backtest writes here: of
``hookline run``, of sweeps and validations, and from Python. It is one small SQLite file in the user's state folder
(``HOOKLINE_STATE_DIR``, else ``~/.local/state/hookline``), and it holds no prices beyond a close a day.

Rules of this file:

- A trial is a configuration: strategies with their code, parameters, sizers, symbols, and risk rules. Cash, fees and slippage are none of
  it, so that a stressed run is no new trial. The same configuration counts once, however often it runs.
- Data counts together if it is of one symbol and timeframe, overlaps by a bar or more, and tells the same prices where it overlaps
  (half of the common days close within two percent of each other: another venue's data is the same market, made-up bars are
  not). The same configuration on another part of the same data is no new trial.
- The Sharpe ratio of a trial is that of its daily returns, as the deflated Sharpe ratio needs it. Trials of which only that of bars is
  known (earlier versions wrote no other) say so, and count like the rest; :mod:`hookline.research.ledger.ratios` compares like with like.
- To write is never fatal: a ledger that cannot be written is a warning.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from hookline.clock import SystemClock
from hookline.errors import DataError
from hookline.research.ledger.data import DataSet, agree

__all__ = ["Ledger", "Trial", "count_trials", "is_counting", "state_folder", "uncounted"]

_logger = logging.getLogger("hookline.research")
_FILE = "trials.sqlite"
_WAIT_SECONDS = 15.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS data_set (
    id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, timeframe TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
    bars INTEGER NOT NULL, digest TEXT NOT NULL, days BLOB NOT NULL, UNIQUE (symbol, timeframe, since, until, digest)
);
CREATE TABLE IF NOT EXISTS trial (
    data_set INTEGER NOT NULL REFERENCES data_set, configuration TEXT NOT NULL, strategy TEXT NOT NULL, params TEXT NOT NULL,
    objective TEXT NOT NULL, value REAL, sharpe REAL, origin TEXT NOT NULL, runs INTEGER NOT NULL, first_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL, sharpe_per TEXT NOT NULL DEFAULT 'bar', PRIMARY KEY (data_set, configuration)
) WITHOUT ROWID;
"""
# Of a file that an earlier version made.
_GROW = "ALTER TABLE trial ADD COLUMN sharpe_per TEXT NOT NULL DEFAULT 'bar'"
_VERSION = 1
_PUT = """
INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO UPDATE SET
    objective = excluded.objective, value = excluded.value, sharpe = excluded.sharpe, sharpe_per = excluded.sharpe_per,
    runs = runs + 1, last_run = excluded.last_run
"""
Unit = Literal["day", "bar"]
_is_counted: ContextVar[bool] = ContextVar("is_counted", default=True)


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried.

    Args:
        configuration: Digest of everything that makes it what it is.
        strategy: Plugins that it ran.
        params: Their parameters, as JSON.
        objective: Figure that it was judged by.
        value: Of that figure, NaN where it is not defined.
        sharpe: Sharpe ratio of one day or bar, not annualised; NaN where it is not defined.
        origin: What ran it: ``backtest`` or ``sweep``.
        runs: How often it ran on its data.
        sharpe_per: What the Sharpe ratio is of: the returns of a ``day``, or of a ``bar`` where no other is known.
    """

    configuration: str
    strategy: str
    params: str
    objective: str
    value: float
    sharpe: float
    origin: str = "backtest"
    runs: int = 1
    sharpe_per: Unit = "day"


def state_folder() -> Path:
    """Return the folder in which hookline keeps what outlives a project."""
    named = os.environ.get("HOOKLINE_STATE_DIR")
    return Path(named) if named else Path.home() / ".local" / "state" / "hookline"


@contextmanager
def uncounted() -> Iterator[None]:
    """Count no run inside: they are part of a test that is counted as a whole, or on data that is made up."""
    token = _is_counted.set(False)
    try:
        yield
    finally:
        _is_counted.reset(token)


def is_counting() -> bool:
    """Return whether runs are counted."""
    return _is_counted.get()


def count_trials(data: Iterable[DataSet], trials: Sequence[Trial]) -> None:
    """Write trials to the user's ledger; what goes wrong is a warning."""
    if not is_counting() or not trials:
        return
    try:
        Ledger().add(list(data), trials)
    except (sqlite3.Error, OSError) as error:
        _logger.warning("%s: the ledger of trials cannot be written: %s", state_folder() / _FILE, error)


class Ledger:
    """The file.

    Args:
        folder: Where it is; the user's state folder by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or state_folder()) / _FILE

    def add(self, data: Sequence[DataSet], trials: Sequence[Trial]) -> None:
        """Count trials on some data: all in one transaction, which waits for other processes.

        Raises:
            sqlite3.Error: if the file cannot be written.
            OSError: if its folder cannot be made.
        """
        now = SystemClock().now
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            for one in data:
                number = _number_of(file, one)
                file.executemany(_PUT, (_row(number, trial, now) for trial in trials))
            file.execute("COMMIT")

    def trials(self, data: Sequence[DataSet]) -> list[Trial]:
        """Return what was tried on some data, each configuration once: as it did on the longest part of it.

        Raises:
            DataError: if the file cannot be read.
        """
        found: dict[str, tuple[int, Trial]] = {}
        for number, known in self._numbered():
            if not any(agree(known, one) for one in data):
                continue
            for row in self._read("SELECT * FROM trial WHERE data_set = ?", number):
                trial = _trial_of(row)
                longest, before = found.get(trial.configuration, (-1, trial))
                runs = trial.runs + (before.runs if longest >= 0 else 0)
                kept = trial if known.bars > longest else before
                found[trial.configuration] = (max(longest, known.bars), replace(kept, runs=runs))
        return [trial for _, trial in found.values()]

    def last_run(self, data: Sequence[DataSet]) -> int:
        """Return when something was last tried on some data, nanoseconds UTC, 0 for never.

        Raises:
            DataError: if the file cannot be read.
        """
        numbers = [number for number, known in self._numbered() if any(agree(known, one) for one in data)]
        asked = "SELECT MAX(last_run) AS last FROM trial WHERE data_set = ?"
        return max((self._read(asked, number)[0]["last"] or 0 for number in numbers), default=0)

    def data_sets(self) -> list[DataSet]:
        """Return all data that something was tried on, in the order in which it was first.

        Raises:
            DataError: if the file cannot be read.
        """
        return [known for _, known in self._numbered()]

    def _numbered(self) -> list[tuple[int, DataSet]]:
        return [(row["id"], _data_of(row)) for row in self._read("SELECT * FROM data_set ORDER BY id")]

    def _read(self, query: str, *values: object) -> list[sqlite3.Row]:
        if not self.path.is_file():
            return []
        try:
            with self._open() as file:
                return file.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise DataError(f"{self.path}: the ledger of trials cannot be read: {error}") from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            file.row_factory = sqlite3.Row
            # A lost last line after a power cut costs less than a wait for the disk after every backtest.
            file.execute("PRAGMA synchronous = OFF")
            _prepare(file)
            yield file
        finally:
            file.close()


def _prepare(file: sqlite3.Connection) -> None:
    """Make the tables of a new file, or add what those of an earlier version lack."""
    if _version_of(file) >= _VERSION:
        return
    file.execute("BEGIN IMMEDIATE")
    if _version_of(file) < _VERSION:  # another process may have been sooner
        is_old = bool(file.execute("PRAGMA table_info(trial)").fetchall())
        for statement in [_GROW] if is_old else _SCHEMA.split(";"):
            file.execute(statement)
        file.execute(f"PRAGMA user_version = {_VERSION}")
    file.execute("COMMIT")


def _version_of(file: sqlite3.Connection) -> int:
    return int(file.execute("PRAGMA user_version").fetchone()[0])


def _number_of(file: sqlite3.Connection, data: DataSet) -> int:
    """Return the number of a data set in the file, which is added where it is not there."""
    key = (data.symbol, data.timeframe, data.since, data.until, data.digest)
    asked = "SELECT id FROM data_set WHERE symbol = ? AND timeframe = ? AND since = ? AND until = ? AND digest = ?"
    row = file.execute(asked, key).fetchone()
    if row is not None:
        return int(row["id"])
    days = data.days.tobytes() + data.closes.tobytes()
    made = file.execute(
        "INSERT INTO data_set (symbol, timeframe, since, until, digest, bars, days) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*key, data.bars, days),
    )
    assert made.lastrowid is not None, "an insert has a row"
    return made.lastrowid


def _row(number: int, trial: Trial, now: int) -> tuple[object, ...]:
    return (
        number, trial.configuration, trial.strategy, trial.params, trial.objective, _known(trial.value),
        _known(trial.sharpe), trial.origin, now, now, trial.sharpe_per,
    )  # fmt: skip


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _trial_of(row: sqlite3.Row) -> Trial:
    value, sharpe = (np.nan if row[name] is None else row[name] for name in ("value", "sharpe"))
    return Trial(
        row["configuration"], row["strategy"], row["params"], row["objective"], value, sharpe, row["origin"], row["runs"],
        row["sharpe_per"],
    )  # fmt: skip


def _data_of(row: sqlite3.Row) -> DataSet:
    size = len(row["days"]) // 2
    return DataSet(
        row["symbol"], row["timeframe"], row["since"], row["until"], row["bars"], row["digest"],
        np.frombuffer(row["days"][:size], np.int64), np.frombuffer(row["days"][size:], np.float64),
    )  # fmt: skip
