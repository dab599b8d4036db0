"""What the package offers, and that every function it offers is compared with something."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
import types

import columns_graphs
from columns_cases import CASES

import hookline.columns
from hookline.columns import apply, apply_all

# They take an op, and are tested with one in test_own_ops.py.
GENERIC = {"apply", "apply_all"}


def public_functions() -> set[str]:
    names = hookline.columns.__all__
    return {
        name for name in names if isinstance(getattr(hookline.columns, name), types.FunctionType)
    } - GENERIC


def modules() -> list[types.ModuleType]:
    names = [info.name for info in pkgutil.iter_modules(hookline.columns.__path__)]
    return [importlib.import_module(f"hookline.columns.{name}") for name in names]


def test_every_public_function_is_compared_with_an_oracle() -> None:
    # External series have nothing to compute; test_external_series.py shows each value.
    missing = public_functions() - {case.name for case in CASES} - {"external"}
    assert not missing, f"columns without an oracle: {sorted(missing)}"


def test_every_public_function_is_compared_between_the_drivers() -> None:
    missing = public_functions() ^ set(columns_graphs.MAKERS)
    assert not missing, f"columns without a comparison of the drivers: {sorted(missing)}"


def test_every_op_of_the_library_is_reached_by_those_comparisons() -> None:
    bars = hookline.columns.Bars()
    reached = set()
    waiting = [column.node for case in CASES for column in case.build(bars)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, hookline.columns.column.Call):
            reached.add(node.op)
            waiting += [value.node for value in node.inputs if isinstance(value, hookline.columns.Column)]
    ops = {
        value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, hookline.columns.Op)
    }
    from hookline.columns import operators

    by_operator = {operators.AND, operators.OR, operators.NOT, operators.NEGATE}
    by_operator |= {operators.GREATER_EQUAL, operators.LESS, operators.LESS_EQUAL}
    assert ops - reached <= by_operator


def test_all_is_the_surface() -> None:
    for name in hookline.columns.__all__:
        assert not isinstance(getattr(hookline.columns, name), types.ModuleType), name
    assert hookline.columns.__all__ == sorted(hookline.columns.__all__)
    assert {apply, apply_all} <= {getattr(hookline.columns, name) for name in hookline.columns.__all__}


def test_every_public_function_and_class_says_what_it_is() -> None:
    for name in hookline.columns.__all__:
        assert len((getattr(hookline.columns, name).__doc__ or "").split()) > 3, name


def test_importing_columns_and_streaming_loads_nothing_heavy() -> None:
    program = (
        "import sys; from hookline.columns import *; from hookline.model import Bar;"
        "s = Stream([ema(Bars().close, 2)], '1m'); s.update(Bar('X', 0, 60 * 10**9, 1.0, 1.0, 1.0, 1.0, 1.0));"
        "print(sorted({'numba', 'pandas', 'pyarrow', 'plotly', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_examples_in_docstrings_hold() -> None:
    for module in [hookline.columns, *modules()]:
        assert doctest.testmod(module).failed == 0, module.__name__
