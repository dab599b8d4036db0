"""What code names tells what it can know."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

import leaky_strategies as leaky
import numpy as np
import pandas as pd
import pytest

import hookline as hl
from hookline.columns import Bars, Op, apply
from hookline.research.peeking.code import globals_of, is_closed, is_of_bars, numbers_in
from hookline.research.peeking.inputs import dated_times

LIMIT = 3.0
FEW = (1.0, 2.0)
MANY = list(range(1_000))
ARRAY = np.arange(5.0)


class Mood(Enum):
    CALM = 1


def plain(x):
    return math.sqrt(x) * LIMIT + sum(FEW) if Mood.CALM else np.abs(x)


def calls_plain(x):
    return plain(x) + hl.long().exposure


def reads_many(x):
    return MANY[int(x)]


def calls_reads_many(x):
    return reads_many(x)


def reads_array(x):
    return ARRAY[0] * x


def opens(path):
    with open(path) as file:  # noqa: PTH123  # what is looked for
        return file.read()


def loads(path):
    return np.load(path)


def imports(x):
    import json

    return json.dumps(x)


def uses_pandas(x):
    return pd.Series(x)


def evaluates(x):
    return eval(x)


def nested(x):
    return [MANY[0] + one for one in x]


def around(value):
    def inside(x):
        return value[0] + x

    return inside


@pytest.mark.parametrize("function", [plain, calls_plain, around((1, 2))])
def test_code_that_can_know_nothing_more(function):
    assert is_closed(function)


@pytest.mark.parametrize(
    "function",
    [
        reads_many,
        calls_reads_many,
        reads_array,
        opens,
        loads,
        imports,
        uses_pandas,
        evaluates,
        nested,
        around(MANY),
    ],
)
def test_code_that_may_know_more(function):
    assert not is_closed(function)


def test_classes_are_looked_into_with_their_bases_and_attributes():
    class Base(hl.Strategy):
        def helper(self):
            return MANY

    class Derived(Base):
        name = "derived"

    class Table(hl.Strategy):
        name = "table"
        known = MANY

    assert is_closed(leaky.Honest)
    assert is_closed(leaky.OwnMemory)
    assert not is_closed(Derived)
    assert not is_closed(Table)
    assert {one.name for one in globals_of(Derived)} >= {"MANY"}


def test_what_code_reads_can_be_replaced_where_it_is():
    inside = around([1.0])
    (found,) = globals_of(inside)
    found.put([5.0])
    assert inside(1.0) == 6.0
    (held,) = [one for one in globals_of(reads_many) if one.name == "MANY"]
    held.put([7] * 1_000)
    assert reads_many(0) == 7
    held.put(held.value)
    assert reads_many(5) == 5


BARS = Bars("ONE")


def step_of_bars(state, x):
    return state, x * LIMIT


def step_of_table(state, x):
    return state, x * ARRAY[0]


def nothing():
    return ()


def test_columns_of_bars_alone():
    assert is_of_bars(hl.ema(BARS.at("4h").close, 5) - hl.sma(BARS.close, 3).shift(2))
    assert is_of_bars(BARS.time)
    assert is_of_bars(apply(Op("mine", nothing, step_of_bars), BARS.close))


def test_columns_that_read_more_than_bars():
    assert not is_of_bars(BARS.close - BARS.external("score"))
    assert not is_of_bars(hl.ema(BARS.external("score"), 3))
    assert not is_of_bars(apply(Op("table", nothing, step_of_table), BARS.close))


def test_a_column_that_is_a_table_of_numbers():
    made = BARS.close
    for number in range(120):
        made = hl.where(BARS.time > float(number), float(number), made)
    assert not is_of_bars(made)
    assert numbers_in(BARS.close * 3.5 + 1.0) == [1.0, 3.5]


@pytest.mark.parametrize(
    "key",
    [
        lambda day: datetime(2024, 1, day, tzinfo=UTC),
        lambda day: datetime(2024, 1, day, tzinfo=UTC).date(),
        lambda day: datetime(2024, 1, day),  # without a zone it is UTC
        lambda day: f"2024-01-{day:02}",
        lambda day: f"2024-01-{day:02}T00:00:00Z",
        lambda day: pd.Timestamp(2024, 1, day, tz="UTC"),
        lambda day: np.datetime64(f"2024-01-{day:02}"),
        *(lambda day, unit=unit: (1_704_067_200 + (day - 1) * 86_400) * unit for unit in (1, 10**3, 10**9)),
    ],
)
def test_times_that_numbers_are_kept_by(key):
    found = dated_times({key(day): float(day) for day in range(1, 31)})
    assert found is not None
    assert found[[0, 1]].tolist() == [1_704_067_200 * 10**9, 1_704_153_600 * 10**9]


@pytest.mark.parametrize(
    "value",
    [
        dict.fromkeys(range(50), 1.0),
        {f"name {number}": 1.0 for number in range(50)},
        {1_704_067_200 + number: "text" for number in range(50)},
        {1_704_067_200: 1.0},
        [1.0] * 50,
    ],
    ids=["counts", "names", "texts", "few", "a list"],
)
def test_what_is_no_table_with_times(value):
    assert dated_times(value) is None


@dataclass
class Tabled:
    table: object


def test_tables_and_lists_are_cut_and_drawn_anew(tmp_path):
    from leak_sessions import BARS as SERIES

    from hookline.research.peeking.inputs import FutureChange, alter_inputs

    cut = int(SERIES.end[499])
    table = dict(zip(SERIES.start.tolist(), SERIES.close.tolist(), strict=True))
    gone = FutureChange(cut, None, SERIES.end, tmp_path)
    other = FutureChange(cut, np.random.default_rng(1), SERIES.end, tmp_path)
    assert list(alter_inputs(Tabled(table), gone).table) == list(table)[:501]
    drawn = alter_inputs(Tabled(table), other).table
    assert list(drawn) == list(table)
    assert list(drawn.values())[:501] == list(table.values())[:501]
    assert list(drawn.values())[501:] != list(table.values())[501:]
    values = SERIES.close.tolist()
    assert alter_inputs(Tabled(values), gone).table == values[:500]
    assert alter_inputs(Tabled(tuple(values)), other).table[:500] == tuple(values[:500])
    assert alter_inputs(Tabled([1.0] * 7), gone).table == [1.0] * 7
