"""What decides, sizes, fills and accounts is written so that numba can compile it, and means the same compiled."""

import inspect
import math
from collections import namedtuple
from dataclasses import fields
from types import FunctionType

import numba
import numpy as np
import pytest
from numba.extending import register_jitable

from hookline import plugins
from hookline.columns import Bars
from hookline.kernel import sizing
from hookline.model import account
from hookline.research.compiled import deciding
from hookline.signals import SignalStrategy
from hookline.simulation import fills

SCALARS = [
    *(getattr(sizing, name) for name in ("fraction_quantity", "risk_quantity", "volatility_quantity")),
    *(getattr(fills, name) for name in fills.__all__),
    account.apply_fill,
]
# What the compiled code calls by name.
deciding.prepare()
for function in SCALARS:
    register_jitable(function)


def record(name, names):
    """A named tuple: numba compiles reading its fields."""
    return namedtuple(name, names)  # noqa: PYI024


STRATEGIES = [
    plugins.load("strategies", info.name)
    for info in plugins.names("strategies")
    if info.module.startswith("hookline_strategies.")
]
SIGNALS = [strategy for strategy in STRATEGIES if issubclass(strategy, SignalStrategy)]
Held = record("Held", ["exposure", "entry_price", "stop", "since"])

# Parameters other than the defaults, so that every branch of a decision is reached.
VARIANTS = {
    "ema_cross": [{"allow_short": True}, {"allow_short": False, "volume_filter": True}],
    "supertrend": [{"allow_short": True}, {"allow_short": False}],
    "donchian_breakout": [{"allow_short": True}, {"allow_short": False}],
    "bollinger_reversion": [
        {"allow_short": True, "adx_max": 60.0},
        {"allow_short": False, "scale_in": False},
    ],
    "buy_and_hold": [{}],
}


def random_row(row_type, draws):
    """Values near 100, in any order; a column whose name is not a price is a flag, a direction or a small number."""
    special = {
        "up": lambda: float(draws.random() < 0.3),
        "down": lambda: float(draws.random() < 0.3),
        "busy": lambda: float(draws.random() < 0.5),
        "direction": lambda: float(draws.choice([-1.0, 1.0])),
        "adx": lambda: draws.uniform(0, 60),
        "atr": lambda: draws.uniform(0, 3),
        "sigma": lambda: draws.uniform(0, 2),
        "bandwidth": lambda: draws.uniform(0, 0.1),
    }
    return row_type(*(float(special.get(name, lambda: draws.normal(100, 2))()) for name in row_type._fields))


def same(first, second):
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("strategy", SIGNALS, ids=lambda strategy: strategy.name)
def test_a_decision_compiled_is_the_decision_in_python(strategy):
    decide = numba.njit(strategy.decide)
    draws = np.random.default_rng(5)
    seen = set()
    for changes in VARIANTS[strategy.name]:
        params = strategy(**changes)
        row_type = record("Row", params.columns(Bars()))
        values = {field.name: getattr(params, field.name) for field in fields(params)}
        p = record("Params", values)(**values)
        for _ in range(3000):
            exposure = float(draws.choice([-1.0, -0.5, 0.0, 0.5, 1.0]))
            held = Held(exposure, float(draws.normal(100, 2)), math.nan, 0.0)
            row = random_row(row_type, draws)
            python, compiled = strategy.decide(row, held, p), decide(row, held, p)
            assert same(python, compiled[: len(python)]), (row, held, p)
            seen.add((python.acts, python.exposure))
    wanted = (
        {(True, 1.0), (False, 0.0)}
        if strategy.name == "buy_and_hold"
        else {(True, 1.0), (True, -1.0), (True, 0.0), (False, 0.0)}
    )
    assert wanted <= seen, f"the rows must reach every kind of decision, reached {seen}"


@pytest.mark.parametrize("function", SCALARS, ids=lambda function: function.__name__)
def test_a_scalar_function_compiled_gives_what_it_gives_in_python(function):
    compiled = numba.njit(function)
    draws = np.random.default_rng(6)
    for _ in range(2000):
        values = arguments(function, draws)
        python, machine = function(*values), compiled(*values)
        assert same(np.atleast_1d(python), np.atleast_1d(machine)), values


def arguments(function: FunctionType, draws):
    """Random arguments by name and annotation; prices form a possible bar."""
    low, open_, close, high = sorted(draws.normal(100, 5, 4))
    made = {"open_": open_, "high": high, "low": low, "close": close, "side": int(draws.choice([-1, 1]))}
    if function.__name__ == "apply_fill":
        lots, fill = int(draws.integers(-9, 10)), int(draws.choice([-5, -2, 2, 5]))
        made |= {"lots": lots, "quantity": lots / 10, "fill_lots": fill, "fill_quantity": fill / 10}
    if function.__name__ == "volatility_quantity" and draws.random() < 0.2:
        made["volatility"] = float(draws.choice([math.nan, 0.0]))
    kinds = {"bool": lambda: bool(draws.random() < 0.5), "int": lambda: int(draws.integers(1, 10))}
    names = inspect.signature(function).parameters.values()
    return [made.get(p.name, kinds.get(p.annotation, lambda: float(draws.normal(100, 5)))()) for p in names]
