"""Outcomes as rows of a table, in memory and in Parquet files, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError
from hookline.research.study import Job
from hookline.research.table import METRICS, Outcome, Parameter

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["frame_of", "read_rows", "write_rows"]

# The job as JSON: columns of Parquet have one type each, parameters need not.
_JOB = "job"


def frame_of(parameters: Sequence[Parameter], outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return the frame of a :class:`~hookline.research.table.SweepTable`: a row for each outcome."""
    import pandas as pd

    values = [dict(one.job.values) for one in outcomes]
    columns: dict[str, Any] = {one.address: [row[one.address] for row in values] for one in parameters}
    columns["symbol"] = [one.job.symbol for one in outcomes]
    for name in ("since", "until"):
        times = [getattr(one.job, name) for one in outcomes]
        columns[name] = pd.array([-1 if time is None else time for time in times], dtype="int64")
    for name in METRICS:
        columns[name] = pd.array([one.metrics[name] for one in outcomes], dtype="float64").to_numpy()
    columns["how"] = [one.how for one in outcomes]
    columns["error"] = [one.error for one in outcomes]
    return pd.DataFrame(columns)


def write_rows(parameters: Sequence[Parameter], outcomes: Sequence[Outcome], path: Path) -> None:
    """Write outcomes to a Parquet file, which is there whole or not at all.

    Raises:
        OSError: if it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = frame_of(parameters, outcomes)
    arrays = {name: _column(frame[name].tolist() if name not in METRICS else frame[name]) for name in frame}
    arrays[_JOB] = pa.array([_text(one.job) for one in outcomes], pa.string())
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    pq.write_table(pa.table(arrays), unfinished, compression="zstd")
    unfinished.replace(path)


def _column(values: Any) -> Any:
    """Return values as a column; where they are of several types, as what JSON would call them."""
    import pyarrow as pa

    try:
        return pa.array(values, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([json.dumps(value) for value in values], pa.string())


def read_rows(path: Path) -> list[Outcome]:
    """Return the outcomes of a Parquet file.

    Raises:
        DataError: if it is none of a sweep.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=[_JOB, *METRICS, "how", "error"])
    except (OSError, pa.ArrowException, KeyError) as error:
        raise DataError(f"{path}: must be rows of a sweep: {error}") from error
    columns = [table.column(name).to_pylist() for name in METRICS]
    rest = [table.column(name).to_pylist() for name in (_JOB, "how", "error")]
    return [
        Outcome(_job(job), dict(zip(METRICS, figures, strict=True)), how, error)
        for job, how, error, *figures in zip(*rest, *columns, strict=True)
    ]


def _text(job: Job) -> str:
    return json.dumps([job.values, job.symbol, job.since, job.until])


def _job(text: str) -> Job:
    values, symbol, since, until = json.loads(text)
    return Job(tuple((address, value) for address, value in values), symbol, since, until)
