"""Checks that list everything that is wrong."""

from decimal import Decimal

import numpy as np
import pytest

from hookline.data import RawBars, check
from hookline.errors import DataError
from hookline.testing import bars

HOUR = 3600 * 10**9
NAN = float("nan")


def raw(rows: list[tuple[float, float, float, float, float, float]], timeframe: str = "1h") -> RawBars:
    """Bars from (hour, open, high, low, close, volume)."""
    columns = np.array(rows, np.float64).T
    return RawBars("x.csv", "TEST", timeframe, (columns[0] * HOUR).astype(np.int64), *columns[1:])


def kinds(found: RawBars) -> dict[str, int]:
    return {finding.kind: finding.count for finding in check(found).findings}


def test_good_bars_have_no_findings():
    report = check(bars("10 11 12"))
    assert report.findings == ()
    assert (report.bars, report.missing, report.longest_gap) == (3, 0, None)


def test_gaps_are_counted_and_measured():
    report = check(bars("10 . 11 . . . 12"))
    assert [gap.missing for gap in report.gaps] == [1, 3]
    assert report.missing == 4
    assert report.longest_gap == report.gaps[1]
    assert (report.gaps[1].end - report.gaps[1].start) == 3 * HOUR
    assert kinds_of(report) == {"gap": 2}


def kinds_of(report) -> dict[str, int]:
    return {finding.kind: finding.count for finding in report.findings}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ((2, 10, 10, 10, NAN, 1), "not_finite"),
        ((2, 10, float("inf"), 10, 10, 1), "not_finite"),
        ((2, 10, 9, 11, 10, 1), "high_low"),
        ((2, 10, 12, 9, 13, 1), "high_low"),
        ((2, 10, 10, 10, 10, -1), "negative_volume"),
        ((2, -36.98, -36.98, -36.98, -36.98, 1), "non_positive"),
        ((2, 0, 1, 0, 1, 1), "non_positive"),
        ((1, 10, 10, 10, 10, 1), "duplicate"),
    ],
)
def test_one_bad_bar_is_one_finding(row, kind):
    found = raw([(0, 10, 10, 10, 10, 1), (1, 10, 10, 10, 10, 1), row])
    assert kinds(found) == {kind: 1}


def test_time_going_back_is_found_where_it_goes_back():
    found = raw([(0, 10, 10, 10, 10, 1), (2, 10, 10, 10, 10, 1), (1, 10, 10, 10, 10, 1)])
    assert kinds(found) == {"out_of_order": 1}
    assert check(found).findings[0].first == ("row 2 (1970-01-01T01:00:00Z)",)


def test_a_bar_between_the_grid_is_off_grid_and_overlaps():
    found = raw([(0, 10, 10, 10, 10, 1), (0.5, 10, 10, 10, 10, 1), (1, 10, 10, 10, 10, 1)])
    assert kinds(found) == {"off_grid": 1, "overlap": 2}


def test_every_kind_is_listed_at_once_with_its_first_rows():
    rows = [(n, 10, 10, 10, NAN, 1) for n in range(7)]
    rows += [(7, 10, 9, 11, 10, 1), (7, 10, 10, 10, 10, -2), (12, -1, -1, -1, -1, 0)]
    report = check(raw(rows))
    assert kinds_of(report) == {
        "not_finite": 7,
        "high_low": 1,
        "negative_volume": 1,
        "non_positive": 1,
        "duplicate": 1,
        "gap": 1,
    }
    first = report.findings[0].first
    assert len(first) == 5
    assert first[0] == "row 0 (1970-01-01T00:00:00Z): open 10.0, high 10.0, low 10.0, close nan, volume 1.0"
    assert [finding.kind for finding in report.problems(frozenset({"gap", "not_finite"}))] == [
        "high_low",
        "negative_volume",
        "non_positive",
        "duplicate",
    ]


def test_what_a_series_would_refuse_the_check_finds():
    """No bar is refused by BarSeries that the check calls clean."""
    good = (1, 10, 12, 9, 11, 1)
    for column, value in [
        (1, NAN),
        (2, 8),
        (3, 13),
        (4, float("-inf")),
        (5, -1),
        (5, NAN),
        (0, 0.5),
        (0, -1),
        (0, 0),
    ]:
        row = [*good]
        row[column] = value
        found = raw([(0, *good[1:]), tuple(row)])
        with pytest.raises(DataError, match=r"x\.csv"):
            found.series()
        assert check(found).findings


def test_the_largest_move_skips_prices_without_a_logarithm():
    report = check(raw([(n, p, p, p, p, 1) for n, p in enumerate([10, 20, -5, 10, 11])]))
    assert report.largest_move == pytest.approx(np.log(2))
    assert report.largest_move_time == HOUR
    assert check(bars("5")).largest_move is None


def test_bars_without_volume_are_counted_and_are_no_problem():
    report = check(bars("10@0 11@5 12@0"))
    assert report.zero_volume == 2
    assert report.findings == ()


def test_the_tick_size_is_part_of_the_report():
    assert check(bars("10.25 10.30")).tick_size == Decimal("0.01")
