"""Regimes of a session are known from its first day where the feed has bars before it, and are those of its own returns."""

import numpy as np
import pandas as pd
import pytest
from validation_markets import HOUR, START, market, study_of

from hookline.data.parquet_file import write_parquet
from hookline.research.ledger import uncounted
from hookline.research.study import Job
from hookline.research.table import Objective
from hookline.research.validating.market import regimes_section
from hookline.research.validating.validation import Case
from hookline.research.walk_forward import Candidates
from hookline.session.validation_rules import ValidationRules

DAYS = 240


def case_of(path, first_day, **changes):
    since = pd.Timestamp(START + first_day * 24 * HOUR, tz="UTC").isoformat()
    study = study_of(
        symbols=["EDGE-PERP"],
        since=since,
        until=None,
        feed={"use": "parquet", "params": {"path": str(path)}},
        **changes,
    )
    return Case(study, Candidates.of(None), Objective(), ValidationRules())


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    path = tmp_path_factory.mktemp("bars") / "EDGE-PERP.parquet"
    series = market(0.0005, bars=DAYS * 24)
    write_parquet(path, series)
    return path, series


def rows_of(case, kind):
    with uncounted():
        data = regimes_section(case).data
    return {row["label"]: row for row in data["rows"] if row["kind"] == kind}


def test_bull_and_bear_are_known_from_the_first_day_with_bars_before_the_session(bars):
    path, series = bars
    rows = rows_of(case_of(path, 210), "trend")
    assert "unknown" not in rows
    # From daily closes, with pandas.
    daily = series.to_frame()["close"].resample("1D").last()
    is_bull = (daily > daily.rolling(200).mean()).shift(1).iloc[210:]
    assert rows["bull"]["share"] == pytest.approx(is_bull.mean()) if "bull" in rows else not is_bull.any()


def test_without_bars_before_the_first_days_are_unknown(bars):
    path, _ = bars
    rows = rows_of(case_of(path, 0), "trend")
    assert rows["unknown"]["share"] == pytest.approx(200 / DAYS)


def test_returns_are_those_of_the_backtest(bars):
    path, _ = bars
    case = case_of(path, 210)
    with uncounted():
        rows = rows_of(case, "year")
        result = case.study.run(Job())
    assert np.prod([1.0 + row["total_return"] for row in rows.values()]) == pytest.approx(
        1.0 + result.metrics.total_return
    )


def test_bars_that_a_feed_makes_up_are_not_taken_for_history():
    study = study_of(since="2024-01-01", until="2024-03-01")
    case = Case(study, Candidates.of(None), Objective(), ValidationRules())
    assert rows_of(case, "trend")["unknown"]["share"] == 1.0
