"""Building expressions: structure, text, errors. Nothing is computed here but in the last test."""

import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from columns_data import MONDAY, closes, compute, ohlc

from hookline.columns import (
    Bars,
    Column,
    apply,
    crossed_above,
    ema,
    external,
    fill,
    highest,
    is_nan,
    quantile,
    sma,
    supertrend,
    where,
)
from hookline.columns.operators import ADD

bars = Bars()
fast, slow = ema(bars.close, 9), ema(bars.close, 21)


def test_equal_expressions_are_equal_and_hash_alike() -> None:
    assert ema(Bars().close, 9) == fast
    assert hash(ema(Bars().close, 9)) == hash(fast)
    assert len({fast, ema(bars.close, 9), slow, fast - slow, fast - slow}) == 3


@pytest.mark.parametrize(
    "other",
    [
        ema(bars.close, 10),
        ema(bars.open, 9),
        sma(bars.close, 9),
        ema(Bars("BTC").close, 9),
        ema(bars.at("4h").close, 9),
        supertrend(bars, 9).line,
        "ema(close, 9)",
    ],
)
def test_different_expressions_are_not_equal(other: object) -> None:
    assert fast != other


def test_comparing_with_a_number_by_equal_signs_is_refused() -> None:
    with pytest.raises(TypeError, match=r"to compare values use equals\(ema\(close, 9\), 1\)"):
        _ = fast == 1
    with pytest.raises(TypeError, match="to compare values use equals"):
        _ = fast != 1.5


def test_outputs_of_one_node_differ() -> None:
    line, direction = supertrend(bars)
    assert line != direction
    assert line.node == direction.node


def test_zero_and_minus_zero_are_different_constants() -> None:
    assert bars.close * 0.0 != bars.close * -0.0
    assert bars.close * float("nan") == bars.close * float("nan")


def test_one_timeframe_has_one_name() -> None:
    assert bars.at("240m").close == bars.at("4h").close


def test_columns_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        fast.output = 1  # type: ignore[misc]
    with pytest.raises(AttributeError):
        fast.node.key = b""  # type: ignore[misc]


def test_columns_survive_pickling() -> None:
    column = crossed_above(fast, external("funding") * 2) & is_nan(bars.at("4h").close.shift(3))
    assert pickle.loads(pickle.dumps(column)) == column


def test_the_key_of_an_expression_is_the_same_in_every_process() -> None:
    program = (
        "from hookline.columns import *; b = Bars('X');"
        "c = crossed_above(ema(b.close, 9), supertrend(b.at('4h'), 10, 3.0).line) & (b.close > 2.5);"
        "print(c.key.hex(), hash(c))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (fast, "ema(close, 9)"),
        ((bars.close - fast) / 2, "((close - ema(close, 9)) / 2)"),
        (1 - bars.close, "(1 - close)"),
        (abs(-bars.close), "absolute(-close)"),
        (~(fast > slow) & (bars.close <= 3), "(~(ema(close, 9) > ema(close, 21)) & (close <= 3))"),
        (Bars("BTC").close.shift(2), "shift(BTC.close, 2)"),
        (ema(bars.at("4h").close, 5), "ema(close@4h, 5)"),
        (bars.close > bars.at("1d").high, "(close > high@1d)"),
        (external("funding"), "external('funding')"),
        (bars.at("1h").external("oi"), "external('oi')@1h"),
        (quantile(bars.low, 20, 0.1), "quantile(low, 20, 0.1)"),
        (
            supertrend(bars, 10, 3).direction,
            "supertrend(high, low, close, rma(true_range(high, low, close), 10), 3.0).direction",
        ),
    ],
)
def test_text_of_a_column_reads_like_its_code(column: Column, text: str) -> None:
    assert repr(column) == text


def test_a_column_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match=r"use & \| ~"):
        bool(fast > slow)
    with pytest.raises(TypeError, match=r"use & \| ~"):
        _ = 1 < fast < 2
    with pytest.raises(TypeError, match=r"use & \| ~"):
        _ = fast > slow and slow > fast


@pytest.mark.parametrize(
    ("column", "is_flag"),
    [
        (fast > slow, True),
        (crossed_above(fast, slow), True),
        (is_nan(fast), True),
        ((fast > slow).shift(3), True),
        (fill(fast > slow, 0), True),
        (fill(fast > slow, 7), False),
        (where(fast > slow, 1, 0), False),
        (fast, False),
    ],
)
def test_flags_are_known_as_such(column: Column, is_flag: bool) -> None:
    assert column.is_flag is is_flag


def test_logic_refuses_what_is_not_a_flag() -> None:
    for wrong in (
        lambda: fast & (fast > slow),
        lambda: (fast > slow) | fast,
        lambda: ~fast,
        lambda: (fast > slow) & True,
    ):
        with pytest.raises(TypeError, match=r"& \| ~ join flags"):
            wrong()


def test_look_ahead_cannot_be_expressed() -> None:
    with pytest.raises(ValueError, match="look-ahead cannot be expressed"):
        bars.close.shift(-1)
    with pytest.raises(TypeError, match=r"a whole number of bars, was 1\.5"):
        bars.close.shift(1.5)  # type: ignore[arg-type]
    assert bars.close.shift(0) == bars.close


def test_two_symbols_cannot_be_joined() -> None:
    with pytest.raises(
        ValueError, match=r"add: a column belongs to one symbol, was made of \['BTC', 'ETH'\]"
    ):
        _ = Bars("BTC").close + Bars("ETH").close
    with pytest.raises(ValueError, match="one symbol"):
        crossed_above(Bars("BTC").close, bars.close)


def test_an_external_series_joins_any_symbol() -> None:
    assert (external("funding") * Bars("BTC").close).symbol == "BTC"
    assert external("funding").symbol is None


def test_joining_timeframes_gives_the_base_timeframe() -> None:
    assert ema(bars.at("4h").close, 5).timeframe == "4h"
    assert (bars.close > bars.at("4h").close).timeframe is None
    assert (bars.at("1d").close > bars.at("4h").close).timeframe is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ema(bars.close, 0), "ema: a period must be a whole number of at least 1, was 0"),
        (lambda: sma(bars.close, 2.0), "sma: a period must be a whole number of at least 1, was 2.0"),
        (
            lambda: highest(bars.high, True),
            "highest: a period must be a whole number of at least 1, was True",
        ),
        (lambda: quantile(bars.low, 5, 1.5), "quantile: share must be between 0 and 1, was 1.5"),
        (
            lambda: supertrend(bars, 10, float("nan")),
            "supertrend: multiplier must be a finite number, was nan",
        ),
        (lambda: supertrend(bars, 10, -1), "supertrend: multiplier must be at least 0, was -1"),
        (lambda: bars.at("4x"), "a timeframe is a count and one of s m h d w"),
    ],
)
def test_senseless_parameters_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()  # type: ignore[operator]


def test_inputs_must_be_columns_or_numbers() -> None:
    with pytest.raises(TypeError, match="add: an input must be a column or a number, was 'close'"):
        _ = bars.close + "close"  # type: ignore[operator]
    with pytest.raises(TypeError, match="at least one input must be a column"):
        apply(ADD, 1, 2)
    with pytest.raises(TypeError, match="a parameter must be an int or a float, was '9'"):
        apply(ADD, bars.close, bars.open, params=("9",))  # type: ignore[arg-type]


def test_operators_compute_what_they_say() -> None:
    x = bars.close
    series = closes("1 2 3 2")
    assert compute(series, x + 1, 1 + x) == [[2, 3, 4, 3]] * 2
    assert compute(series, x - 1, 1 - x) == [[0, 1, 2, 1], [0, -1, -2, -1]]
    assert compute(series, x * 2, 2 * x) == [[2, 4, 6, 4]] * 2
    assert compute(series, x / 2, 2 / x) == [[0.5, 1, 1.5, 1], [2, 1, 2 / 3, 1]]
    assert compute(series, -x, abs(-x)) == [[-1, -2, -3, -2], [1, 2, 3, 2]]
    assert compute(series, x > 2, x >= 2, x < 2, x <= 2) == [
        [0, 0, 1, 0],
        [0, 1, 1, 1],
        [1, 0, 0, 0],
        [1, 1, 0, 1],
    ]
    assert compute(series, 2 > x, 2 >= x, 2 < x, 2 <= x) == [  # noqa: SIM300 the reflected operators
        [1, 0, 0, 0],
        [1, 1, 0, 1],
        [0, 0, 1, 0],
        [0, 1, 1, 1],
    ]
    assert compute(series, (x > 1) & (x < 3), (x < 2) | (x > 2), ~(x > 2)) == [
        [0, 1, 0, 1],
        [1, 0, 1, 0],
        [1, 1, 0, 1],
    ]
    assert compute(series, np.float64(2) * x, x + np.int64(1)) == [[2, 4, 6, 4], [2, 3, 4, 3]]


def test_mean_prices_are_those_of_the_bar() -> None:
    series = ohlc("2 8 1 4", "0.1 0.1 0.1 0.1")
    assert compute(series, bars.hl2, bars.ohlc4) == [[4.5, 0.1], [3.75, 0.1]]
    assert compute(series, bars.hlc3) == [[pytest.approx(13 / 3), 0.1]]


def test_time_is_the_end_of_the_bar_in_seconds() -> None:
    assert compute(closes("1 2"), bars.time) == [[MONDAY + 60, MONDAY + 120]]
