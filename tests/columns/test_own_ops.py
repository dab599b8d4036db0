"""Third parties write ops of their own, in their own modules."""

import logging
import pickle
import re

import numpy as np
import pytest
from columns_data import closes, compute, rough, streamed
from own_ops_example import BROKEN, SPAN, TRAIL, nothing, trail, trail_init, trail_step

from hookline.columns import Bars, Batch, Op, apply, apply_all, ema

bars = Bars()


def test_an_op_of_another_module_runs_on_both_drivers() -> None:
    series = rough()
    columns = [trail(ema(bars.close, 3), 4), trail(bars.at("5m").low, 2) > bars.close]
    for batch, stream in zip(Batch(series).compute(columns), streamed(series, columns), strict=True):
        assert np.array_equal(batch, stream, equal_nan=True)


def test_its_values_are_those_of_its_step() -> None:
    assert compute(closes("1 3 3 1"), trail(bars.close, 2))[0][1:] == [3 + 2, 3 + 3, 2.5 + 2]


def test_its_columns_look_like_any_other() -> None:
    assert repr(trail(bars.close, 4)) == "trail(close, 4)"
    assert trail(bars.close, 4) == trail(bars.close, 4)
    assert pickle.loads(pickle.dumps(trail(bars.close, 4))) == trail(bars.close, 4)


def test_several_outputs_share_one_node() -> None:
    width, is_wide = apply_all(SPAN, bars.high, bars.close.shift(1))
    assert width.node == is_wide.node
    assert (width.is_flag, is_wide.is_flag) == (False, True)
    assert repr(is_wide) == "span(high, shift(close, 1)).is_wide"
    assert compute(closes("1 3 2"), width, is_wide)[0][1:] == [2, -1]
    assert apply(SPAN, bars.high, bars.low) == apply_all(SPAN, bars.high, bars.low)[0]


def test_a_step_that_cannot_be_compiled_is_interpreted_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    column = apply(BROKEN, bars.close)
    with caplog.at_level(logging.WARNING, logger="hookline.columns"):
        assert compute(closes("1 2.5"), column) == [[1, 2.5]]
        assert compute(closes("4 5"), column, column + 1) == [[4, 5], [5, 6]]
    assert len(caplog.records) == 1
    assert caplog.records[0].name == "hookline.columns"
    message = caplog.records[0].getMessage()
    assert message.startswith("op 'through_text' cannot be compiled and is interpreted, which is slow: ")


def test_what_a_step_raises_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        compute(closes("1 2"), trail(bars.close, 0))


def local_op() -> Op:
    def step(state: tuple[()], x: float) -> tuple[tuple[()], float]:
        return state, x

    return Op("local", nothing, step)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            local_op,
            "op local: step must be a function at the top level of a module, was 'local_op.<locals>.step'",
        ),
        (
            lambda: Op("a", nothing, lambda s, x: (s, x)),
            "op a: step must be a function at the top level of a module",
        ),
        (lambda: Op("my op", trail_init, trail_step), "op: name must be a Python identifier, was 'my op'"),
        (
            lambda: Op("a", trail_init, trail_step, flags=("b",)),
            "op a: flags must be outputs, were ('b',) of ('value',)",
        ),
    ],
)
def test_ops_that_cannot_work_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()  # type: ignore[operator]


def wrong_init() -> tuple[list[float]]:
    return ([],)


def wrong_step(state: tuple[list[float]], x: float) -> tuple[tuple[list[float]], float]:
    return state, x


def test_a_start_state_of_anything_but_numbers_and_arrays_is_refused() -> None:
    column = apply(Op("wrong", wrong_init, wrong_step), bars.close)
    with pytest.raises(
        TypeError, match="op wrong: init must return ints, floats and 1-D float64 arrays, was \\[\\]"
    ):
        compute(closes("1 2"), column)


def test_functions_that_are_compiled_already_are_unwrapped() -> None:
    from numba import njit

    assert Op("trail", njit(trail_init), njit(trail_step)).step is TRAIL.step
