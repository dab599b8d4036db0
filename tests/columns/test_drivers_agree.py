"""The batch driver equals the streaming driver bit for bit, and later bars change nothing that came before."""

import numpy as np
import pytest
from columns_cases import CASES, Case
from columns_data import rough, streamed
from columns_graphs import MAKERS, externals, graphs, series
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.columns import Bars, Batch, Column, ExternalSeries
from hookline.model import BarSeries


def assert_same(columns: list[Column], left: list[np.ndarray], right: list[np.ndarray]) -> None:
    for column, a, b in zip(columns, left, right, strict=True):
        assert np.array_equal(a, b, equal_nan=True), f"{column!r}: {a} and {b}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("timeframe", [None, "5m"])
def test_streaming_equals_batch_on_bars_with_gaps_and_flats(case: Case, timeframe: str | None) -> None:
    bars = rough()
    columns = list(case.build(Bars("X", timeframe)))
    assert_same(columns, Batch(bars).compute(columns), streamed(bars, columns))


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=8, derandomize=True, database=None)
@given(data=st.data())
def test_streaming_equals_batch_for_every_function_on_anything(name: str, data: st.DataObject) -> None:
    columns, bars, external = data.draw(graphs(name)), data.draw(series()), data.draw(externals())
    assert_same(columns, Batch(bars, external).compute(columns), streamed(bars, columns, external))


@settings(max_examples=400)
@given(columns=graphs(), bars=series(), external=externals())
def test_streaming_equals_batch_for_random_expressions(
    columns: list[Column], bars: BarSeries, external: dict[str, ExternalSeries]
) -> None:
    assert_same(columns, Batch(bars, external).compute(columns), streamed(bars, columns, external))


@settings(max_examples=250)
@given(columns=graphs(), bars=series(), external=externals(), share=st.floats(0, 1))
def test_later_bars_never_change_earlier_values(
    columns: list[Column], bars: BarSeries, external: dict[str, ExternalSeries], share: float
) -> None:
    size = round(share * len(bars))
    whole = [values[:size] for values in Batch(bars, external).compute(columns)]
    assert_same(columns, Batch(bars.slice(0, size), external).compute(columns), whole)


@settings(max_examples=150)
@given(columns=graphs(), bars=series(), external=externals())
def test_values_do_not_depend_on_what_is_kept_or_computed_together(
    columns: list[Column], bars: BarSeries, external: dict[str, ExternalSeries]
) -> None:
    batch = Batch(bars, external)
    together = batch.compute(columns)
    assert_same(
        columns, [Batch(bars, external).compute([column], keep=False)[0] for column in columns], together
    )
    assert_same(columns, batch.compute(columns, keep=False), together)
