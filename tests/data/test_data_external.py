"""Series beside bars."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.clock import isoformat
from hookline.data import load_external
from hookline.errors import DataError

DAY = 86_400 * 10**9


@pytest.fixture
def funding(tmp_path):
    columns = {"ts": [1 * DAY, 2 * DAY, 3 * DAY], "rate": [0.1, -0.2, 0.3], "name": ["a", "b", "c"]}
    pq.write_table(pa.table(columns), tmp_path / "funding.parquet")
    return tmp_path / "funding.parquet"


def test_a_column_is_a_series(funding):
    series = load_external(funding, "rate")
    assert series.time.tolist() == [1 * DAY, 2 * DAY, 3 * DAY]
    assert series.value.tolist() == [0.1, -0.2, 0.3]
    assert (series.time.dtype, series.value.dtype) == ("int64", "float64")


def test_a_lag_moves_times_to_when_values_were_known(funding):
    time = load_external(funding, "rate", lag_seconds=30 * 3600).time
    assert isoformat(int(time[0])) == "1970-01-03T06:00:00Z"


def test_a_lag_into_the_past_is_refused(funding):
    with pytest.raises(ValueError, match="lag_seconds: must be 0 or more, was -1"):
        load_external(funding, "rate", lag_seconds=-1)


def test_rows_without_a_value_are_left_out(tmp_path):
    pq.write_table(
        pa.table({"ts": [1, 2, 3, 4], "x": pa.array([1.0, None, float("nan"), 4.0])}), tmp_path / "x.parquet"
    )
    series = load_external(tmp_path / "x.parquet", "x")
    time, value = series.time, series.value
    assert (time.tolist(), value.tolist()) == ([1, 4], [1.0, 4.0])


def test_integers_become_floats(tmp_path):
    pq.write_table(pa.table({"time": [1, 2], "open_interest": [5, 6]}), tmp_path / "x.parquet")
    assert load_external(tmp_path / "x.parquet", "open_interest").value.tolist() == [5.0, 6.0]


def test_csv_times_are_of_any_kind(tmp_path):
    (tmp_path / "x.csv").write_text(
        "date,price,note\n2024-01-01,10.5,a\n2024-01-02,,b\n2024-01-03,-37.63,c\n"
    )
    series = load_external(tmp_path / "x.csv", "price")
    time, value = series.time, series.value
    assert [isoformat(int(t)) for t in time] == ["2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z"]
    assert value.tolist() == [10.5, -37.63]


def test_rows_of_one_symbol(tmp_path):
    columns = {"ts": [1, 1, 2], "symbol": ["A", "B", "A"], "rate": [0.1, 0.2, 0.3]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    assert load_external(tmp_path / "x.parquet", "rate", symbol="A").value.tolist() == [0.1, 0.3]
    with pytest.raises(DataError, match="holds A, B; none was named"):
        load_external(tmp_path / "x.parquet", "rate")


@pytest.mark.parametrize(
    ("times", "values", "error"),
    [
        ([1, 3, 2], [1.0, 2.0, 3.0], "row 2: time must rise, was 1970-01-01T00:00:00Z after"),
        ([1, 1, 2], [1.0, 2.0, 3.0], "row 1: time must rise"),
        ([1, 2, 3], [1.0, float("inf"), 3.0], "row 1: x must be a finite number, was inf"),
        ([1, None, 3], [1.0, 2.0, 3.0], "row 1: a bar needs a time, was empty"),
        ([1, 2, 3], ["a", "b", "c"], "column 'x' must hold numbers, was of type 'string'"),
        ([1, 2, 3], [None, None, None], "column 'x' has no values"),
    ],
)
def test_series_that_cannot_be_trusted(tmp_path, times, values, error):
    kind = pa.string() if "a" in values else pa.float64()
    pq.write_table(
        pa.table({"ts": pa.array(times, pa.int64()), "x": pa.array(values, kind)}), tmp_path / "x.parquet"
    )
    with pytest.raises(DataError, match=error):
        load_external(tmp_path / "x.parquet", "x")


def test_the_row_that_is_wrong_is_counted_with_those_left_out(tmp_path):
    (tmp_path / "x.csv").write_text("date,x\n2024-01-02,1\n2024-01-03,\n2024-01-01,3\n")
    with pytest.raises(DataError, match=r"x\.csv:4: time must rise"):
        load_external(tmp_path / "x.csv", "x")


def test_a_column_that_is_not_there(funding, tmp_path):
    with pytest.raises(DataError, match="no column 'rat' among 'ts', 'rate', 'name'; did you mean 'rate'"):
        load_external(funding, "rat")
    with pytest.raises(DataError, match=r"none\.parquet: no such file"):
        load_external(tmp_path / "none.parquet", "x")
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        load_external(tmp_path / "none.csv", "x")
