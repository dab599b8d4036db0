"""A series is checked part by part; the row that is wrong is named wherever it lies."""

import numpy as np
import pytest

from hookline.errors import DataError
from hookline.model import BarSeries, market

MINUTE = 60 * 10**9


def series(**changes):
    """Nine bars at a price of 10; a change gives a row another value."""
    columns = {name: np.full(9, 10.0) for name in BarSeries.COLUMNS}
    columns["start"] = MINUTE * np.arange(9)
    for name, (row, value) in changes.items():
        columns[name][row] = value
    return BarSeries("X", "1m", **columns)


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch):
    monkeypatch.setattr(market, "_BLOCK", 3)


def test_sound_bars_make_a_series_of_any_length():
    whole = series()
    assert [len(whole.slice(0, end)) for end in range(10)] == list(range(10))


@pytest.mark.parametrize("row", range(1, 9))
def test_the_bar_at_which_time_stands_still_is_named(row):
    with pytest.raises(DataError, match=rf"X 1m: bar {row}: time must rise, was (\S+) after \1"):
        series(start=(row, MINUTE * (row - 1)))


@pytest.mark.parametrize("row", range(1, 9))
def test_the_bar_that_overlaps_the_one_before_is_named(row):
    with pytest.raises(DataError, match=rf"X 1m: bar {row}: bars of 1m must not overlap, .* is 59 s after"):
        series(start=(row, MINUTE * row - 10**9))


@pytest.mark.parametrize("row", range(9))
@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("close", np.nan, "close must be a finite number, was close nan"),
        ("volume", -1.0, r"volume must be zero or more, was volume -1\.0"),
        ("low", 11.0, "open and close must lie between low and high"),
        ("high", 9.0, "open and close must lie between low and high"),
    ],
)
def test_the_bar_with_a_wrong_value_is_named(row, name, value, rule):
    with pytest.raises(DataError, match=rf"X 1m: bar {row} \(.*\): {rule}"):
        series(**{name: (row, value)})
