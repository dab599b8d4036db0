from __future__ import annotations

import csv
import json
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest
from run_records import HOUR, START, Run, series

from hookline.clock import isoformat
from hookline.hookspecs import hookimpl
from hookline.model import OrderType
from hookline.reporting import Reporter, Result
from hookline.reporting.metrics import Metrics
from hookline_reports import csv as csv_module
from hookline_reports import html as html_module
from hookline_reports import json as json_module
from hookline_reports import parquet as parquet_module

MODULES = (html_module, json_module, csv_module, parquet_module)


def a_result(**changes) -> Result:
    run = Run("10 10 12 12").fill("1 buy 0.3 @ 10", fee=0.05, tag="a, b")
    run.fill("3 sell 0.3 @ 12", type=OrderType.LIMIT, limit_price=12.0, expire_time=START + 9 * HOUR)
    return run.result(**changes)


def read(path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_each_module_registers_a_reporter_named_as_its_entry_point(module):
    (reporter,) = module.register_reporters()
    assert issubclass(reporter, Reporter)
    assert reporter.name == module.__name__.rpartition(".")[2]
    assert hasattr(module.register_reporters, hookimpl.project_name + "_impl")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
@pytest.mark.parametrize("run", [Run(), Run("10"), None], ids=["no bars", "one bar", "two fills"])
def test_reporters_write_what_they_say_and_the_same_bytes_each_time(module, run, tmp_path):
    (reporter,) = module.register_reporters()
    written = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        result = run.result() if run else a_result(seconds=float(len(name)))
        paths = reporter().write(result, tmp_path / name)
        assert sorted(path.name for path in paths) == sorted(
            path.name for path in (tmp_path / name).iterdir()
        )
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]


def test_json_holds_every_figure_and_null_for_what_is_not_defined(tmp_path):
    result = a_result(
        config={"since": datetime(2024, 1, 1, tzinfo=UTC), "size": Decimal("0.1")},
        warnings=["a gap"],
        halted="by hand",
    )
    (path,) = json_module.JsonReporter().write(result, tmp_path)
    found = json.loads(path.read_text())
    assert set(found["metrics"]) == {field.name for field in fields(Metrics)}
    assert found["metrics"]["profit_factor"] is None
    assert found["metrics"]["final_equity"] == result.metrics.final_equity
    assert found["ratings"]["win_rate"] == "good"
    assert found["config"] == {"since": "2024-01-01T00:00:00+00:00", "size": "0.1"}
    assert found["strategies"][0]["metrics"]["round_trips"] == 1
    assert found["orders_by_status"] == {"filled": 2}
    assert (found["start"], found["end"]) == ("2024-01-01T00:00:00Z", "2024-01-01T04:00:00Z")
    assert found["halted"] == "by hand"
    assert "a gap" in found["warnings"]


def test_csv_has_iso_times_and_decimals_on_the_grid(tmp_path):
    csv_module.CsvReporter().write(a_result(), tmp_path)
    orders, fills = read(tmp_path / "orders.csv"), read(tmp_path / "fills.csv")
    assert (fills[0]["time"], fills[0]["side"]) == ("2024-01-01T01:00:00Z", "buy")
    assert (fills[0]["quantity"], fills[0]["price"], fills[0]["fee"]) == ("0.300", "10.00", "0.05")
    assert fills[0]["is_maker"] == "false"
    assert (orders[0]["tag"], orders[0]["limit_price"], orders[0]["expire_time"]) == ("a, b", "", "")
    assert (orders[1]["limit_price"], orders[1]["expire_time"]) == ("12.00", "2024-01-01T09:00:00Z")
    (trip,) = read(tmp_path / "round_trips.csv")
    assert (trip["entry_time"], trip["exit_time"]) == ("2024-01-01T01:00:00Z", "2024-01-01T03:00:00Z")
    assert float(trip["profit"]) == pytest.approx(0.55)


def test_csv_equity_reads_back_as_the_same_floats_beyond_one_chunk(tmp_path):
    result = Run(series(np.linspace(10.0, 11.0, 20_500), timeframe="1m")).fill("1 buy 3 @ 10").result()
    csv_module.CsvReporter().write(result, tmp_path)
    rows = read(tmp_path / "equity.csv")
    assert [float(row["equity"]) for row in rows] == result.equity.value.tolist()
    assert list(rows[0]) == ["time", "equity", "drawdown", "buy_and_hold"]
    assert [row["time"] for row in rows] == [isoformat(time) for time in result.equity.time.tolist()]


def test_parquet_has_nanoseconds_and_one_schema_for_all_runs(tmp_path):
    (tmp_path / "empty").mkdir()
    parquet_module.ParquetReporter().write(a_result(), tmp_path)
    parquet_module.ParquetReporter().write(Run().result(), tmp_path / "empty")
    for name in ("orders", "fills", "equity", "round_trips"):
        full, empty = (pq.read_table(folder / f"{name}.parquet") for folder in (tmp_path, tmp_path / "empty"))
        assert full.schema == empty.schema
        assert empty.num_rows == 0
    fills = pq.read_table(tmp_path / "fills.parquet").to_pylist()
    assert fills[0]["time"] == START + HOUR
    assert (fills[0]["quantity"], fills[0]["price"]) == (0.3, 10.0)
    orders = pq.read_table(tmp_path / "orders.parquet").to_pylist()
    assert [order["expire_time"] for order in orders] == [None, START + 9 * HOUR]


def test_a_failed_write_leaves_the_report_that_was_there(tmp_path, monkeypatch):
    (path,) = json_module.JsonReporter().write(a_result(), tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        json_module.JsonReporter().write(a_result(name="another"), tmp_path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]
