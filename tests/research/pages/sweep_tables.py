"""Small sweeps, written out."""

import itertools

import numpy as np
import pandas as pd

from hookline.research.table import METRICS, Objective, Parameter, SweepTable

PREFIX = "strategies[0].params."


def table_of(axes, objective, *, metric="sharpe", symbols=("",), total=None, continuous=(), **figures):
    """A sweep over a full grid; ``objective`` is a function of the values (and of the symbol where there are several).

    None leaves a run out, an error's text makes it fail.
    """
    rows = []
    for symbol in symbols:
        for values in itertools.product(*axes.values()):
            found = objective(*values, symbol) if len(symbols) > 1 else objective(*values)
            if found is None:
                continue
            error = found if isinstance(found, str) else ""
            value = np.nan if error else found
            row = dict(zip((PREFIX + name for name in axes), values, strict=True))
            row |= {"symbol": symbol, "since": -1, "until": -1}
            row |= {name: np.nan if error else figures.get(name, 1.0) for name in METRICS}
            row |= {metric: value, "how": "compiled", "error": error}
            rows.append(row)
    return SweepTable(
        "study",
        tuple(Parameter(PREFIX + name, tuple(values), name in continuous) for name, values in axes.items()),
        Objective(metric),
        pd.DataFrame(rows),
        total if total is not None else len(rows),
    )


def values_at(table, row):
    return tuple(table.frame[parameter.address].iloc[row] for parameter in table.parameters)


def matrix(text):
    """Rows of a grid: ``-`` was left out, ``x`` failed, ``n`` has no objective; the objective as a function of row and column."""
    lines = [line.split() for line in text.strip().splitlines()]
    words = {"-": None, "x": "it broke", "n": np.nan}

    def value(row, column):
        word = lines[row][column]
        return words[word] if word in words else float(word)

    return {"fast": range(len(lines)), "slow": range(len(lines[0]))}, value
