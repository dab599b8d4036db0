"""Columns become arrays without pandas, whatever they hold."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.data.arrays import array_of


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.uint32(), pa.float32(), pa.float64()], ids=str)
def test_a_column_of_several_parts_is_one_array_of_its_kind(kind):
    column = pa.chunked_array([pa.array([1, 2, 3], kind).slice(1), pa.array([], kind), pa.array([4], kind)])

    found = array_of(column)

    assert found.tolist() == [2, 3, 4]
    assert found.dtype == kind.to_pandas_dtype()
    found[0] = 9  # its own memory
    assert column[0].as_py() == 2


def test_what_is_missing_is_nan():
    column = pa.chunked_array([pa.array([1.5, None]), pa.array([2.5])])
    assert np.array_equal(array_of(column), [1.5, np.nan, 2.5], equal_nan=True)


def test_a_column_without_parts_is_an_empty_array():
    assert array_of(pa.chunked_array([], pa.int64())).dtype == np.int64


def test_bars_are_read_without_pandas(tmp_path):
    table = pa.table(
        {
            "ts": np.arange(3) * 3600 * 10**9,
            **dict.fromkeys(("open", "high", "low", "close", "volume"), [1.0] * 3),
        }
    )
    pq.write_table(table, tmp_path / "bars.parquet")
    code = (
        "import sys; from pathlib import Path; from hookline.data.parquet_bars import read_parquet; "
        "print(len(read_parquet(Path(sys.argv[1])).start), 'pandas' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "bars.parquet")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "3 False\n"
