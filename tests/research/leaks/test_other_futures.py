"""Another future leaves the past as it is, to the last bit, and is one that an engine trusts."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from leak_sessions import BARS, as_external, frame, write_csv

import hookline as hl
from hookline.columns import ExternalSeries
from hookline.model import RowKind, TapeSeries
from hookline.research.peeking.inputs import FutureChange, alter_inputs, sort_inputs
from hookline.research.peeking.market import MarketCopy, cut_values, redraw_bars, redraw_values

CUT = int(BARS.end[499])
TICK = 0.01


def draws(seed=1):
    return np.random.default_rng(seed)


@given(st.integers(0, 999), st.integers(0, 5))
def test_bars_that_had_ended_stay_and_those_after_are_others(row, seed):
    cut = int(BARS.end[row])
    found = redraw_bars(BARS, cut, TICK, draws(seed))
    assert np.array_equal(found.start, BARS.start)
    for name in BARS.COLUMNS:
        assert np.array_equal(getattr(found, name)[: row + 1], getattr(BARS, name)[: row + 1])
    if row < 900:
        assert (found.close[row + 1 :] != BARS.close[row + 1 :]).mean() > 0.9
        assert np.allclose(found.close / TICK, np.round(found.close / TICK))


def test_a_cut_between_bars_keeps_the_bars_that_had_ended():
    found = redraw_bars(BARS, CUT - 1, TICK, draws())
    assert found.close[498] == BARS.close[498]
    assert found.close[499] != BARS.close[499]


def test_prices_below_zero_are_redrawn_from_other_times():
    low = hl.BarSeries(
        "CL", "1h", BARS.start, *(getattr(BARS, name) - 100.0 for name in BARS.PRICES), BARS.volume
    )
    found = redraw_bars(low, CUT, TICK, draws())
    assert np.array_equal(found.close[:500], low.close[:500])
    assert set(found.close[500:]) <= set(low.close)


def test_a_market_that_does_not_move_moves_in_another_future():
    flat = hl.BarSeries("ONE", "1h", BARS.start, *[np.full(1_000, 100.0)] * 4, np.zeros(1_000))
    found = redraw_bars(flat, CUT, TICK, draws())
    assert len(np.unique(found.close[500:])) > 50
    assert found.volume[500:].min() > 0.0


def test_external_values_known_at_the_cut_stay():
    series = ExternalSeries(BARS.end, np.arange(1_000.0))
    found = redraw_values(series, CUT, draws())
    assert np.array_equal(found.value[:500], series.value[:500])
    assert (found.value[500:] != series.value[500:]).mean() > 0.9
    assert len(cut_values(series, CUT).time) == 500
    assert len(cut_values(series, CUT - 1).time) == 499


def tape(venue_lag=0):
    """A trade each second, known when it happened or some seconds later."""
    time = np.arange(10, dtype=np.int64) * 10**9
    ones = np.ones(10)
    return TapeSeries(
        "ONE", time, time - venue_lag * 10**9, np.arange(10), ones * RowKind.TRADE, ones, ones * 100, ones, -ones, -ones
    )  # fmt: skip


@pytest.mark.parametrize(("lag", "kept"), [(0, 5), (2, 7)])
def test_messages_that_had_happened_at_the_venue_stay(lag, kept):
    market = MarketCopy({"ONE": BARS}, {}, {}, {}, {"ONE": tape(lag)})
    cut = 4 * 10**9
    assert len(market.deleted(cut).tapes["ONE"]) == kept
    found = market.redrawn(cut, {"ONE": TICK}, draws()).tapes["ONE"]
    assert (found.quantity[:kept] == 1.0).all()
    assert (found.quantity[kept:] != 1.0).all()


def test_events_before_and_after_a_time():
    market = MarketCopy({"ONE": BARS}, {}, {}, {}, {})
    between = CUT + 5
    assert market.last_event(between) == market.last_event(CUT) == CUT
    assert market.next_event(between) == BARS.end[500]
    assert market.next_event(int(BARS.end[-1])) == BARS.end[-1]


@dataclasses.dataclass
class Given(hl.Strategy):
    """Holds whatever it is given."""

    name = "given"
    data: Any = None


def change(tmp_path, *, is_deleted, cut=CUT):
    return FutureChange(cut, None if is_deleted else draws(), BARS.end, tmp_path)


def altered(data, tmp_path, **options):
    return alter_inputs(Given(data), change(tmp_path, **options)).data


def test_rows_of_bars_are_known_when_the_bars_end(tmp_path):
    assert len(altered(frame(), tmp_path, is_deleted=True)) == 500
    found = altered(frame(), tmp_path, is_deleted=False)
    pd.testing.assert_frame_equal(found.iloc[:500], frame().iloc[:500], check_freq=False)
    assert found.index.equals(frame().index)
    assert (found["close"].iloc[500:] != frame()["close"].iloc[500:]).mean() > 0.9


def test_rows_of_any_other_table_are_known_at_their_time(tmp_path):
    assert len(altered(frame()["close"], tmp_path, is_deleted=True)) == 501


def test_a_frame_without_a_zone_is_utc(tmp_path):
    assert len(altered(frame().tz_localize(None), tmp_path, is_deleted=True)) == 500


@pytest.mark.parametrize("make", [list, tuple, lambda parts: dict(enumerate(parts))])
def test_data_in_lists_and_mappings_is_changed_too(make, tmp_path):
    found = altered(make([frame(), "text"]), tmp_path, is_deleted=True)
    first, second = found.values() if isinstance(found, dict) else found
    assert (len(first), second) == (500, "text")


def test_arrays_as_long_as_the_bars_are_known_with_them(tmp_path):
    assert len(altered(BARS.close, tmp_path, is_deleted=True)) == 500
    assert altered(BARS.close[:7], tmp_path, is_deleted=True) is not None
    assert len(altered(BARS.close[:7], tmp_path, is_deleted=True)) == 7


def test_series_of_ours_are_changed_too(tmp_path):
    external = as_external(BARS.close, BARS.end)
    for is_deleted, count in ((True, 500), (False, 1_000)):
        assert len(altered(BARS, tmp_path, is_deleted=is_deleted)) == count
        assert len(altered(external, tmp_path, is_deleted=is_deleted).time) == count


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
@pytest.mark.parametrize("is_deleted", [True, False])
def test_files_are_copied_with_another_future(suffix, is_deleted, tmp_path):
    path = tmp_path / f"bars{suffix}"
    if suffix == ".parquet":
        frame().to_parquet(path)
    else:
        write_csv(path)
        path.write_text(path.read_text().replace(",", "\t" if suffix == ".tsv" else ","))
    found = altered(path, tmp_path / "copies", is_deleted=is_deleted)
    assert found != path
    assert found.name == path.name
    if suffix == ".parquet":
        before, after = pd.read_parquet(path), pd.read_parquet(found)
        assert np.array_equal(before["close"].iloc[:500], after["close"].iloc[:500])
        assert len(after) == (500 if is_deleted else 1_000)
    else:
        before, after = path.read_text().splitlines(), found.read_text().splitlines()
        assert after[:501] == before[:501]
        assert len(after) == (501 if is_deleted else 1_001)


def test_text_with_commas_keeps_its_quotes(tmp_path):
    path = tmp_path / "news.csv"
    path.write_text('time,text\n2024-01-01,"up, then down"\n2024-01-02,flat\n')
    found = altered(path, tmp_path / "copies", is_deleted=True)
    assert pd.read_csv(found)["text"].tolist() == ["up, then down", "flat"]


def test_what_cannot_be_changed_is_told(tmp_path):
    (tmp_path / "notes.csv").write_text("color,size\nred,1\n")
    assert sort_inputs(Given(tmp_path / "notes.csv"), BARS.end) == ([], [f"data ({tmp_path / 'notes.csv'})"])
    assert sort_inputs(Given(object()), BARS.end) == ([], ["data (of type object)"])
    assert sort_inputs(Given([1, 2.0, "text", None]), BARS.end) == ([], [])
    assert sort_inputs(Given(frame()), BARS.end) == (["data"], [])


def test_a_strategy_without_data_is_left_as_it_is(tmp_path):
    strategy = Given(3)
    assert alter_inputs(strategy, change(tmp_path, is_deleted=True)) is strategy
