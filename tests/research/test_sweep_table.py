"""The table of a sweep, as a person in a notebook looks at it."""

import math

import pandas as pd

from hookline.research.table import METRICS, Objective, Parameter, SweepTable

FAST, SLOW = (Parameter(f"strategies[0].params.{name}", (1, 2)) for name in ("fast", "slow"))


def table(metric, values, parameters=(FAST, SLOW)):
    told = dict.fromkeys(METRICS, math.nan) | {metric: values}
    told |= {"symbol": "", "since": -1, "until": -1, "how": "event", "error": ""}
    frame = pd.DataFrame({one.address: [n % 2 + 1 for n in range(len(values))] for one in parameters} | told)
    return SweepTable("one", parameters, Objective(metric), frame, len(values))


def test_the_best_come_first_under_short_names_and_failures_are_left_out():
    found = table("sharpe", [1.0, math.nan, 3.0, 2.0]).best(2)
    assert found["sharpe"].tolist() == [3.0, 2.0]
    assert found["fast"].tolist() == [1, 2]


def test_of_costs_less_is_better():
    assert table("max_drawdown", [0.3, 0.1]).best()["max_drawdown"].tolist() == [0.1, 0.3]


def test_parameters_of_one_name_keep_their_addresses():
    other = Parameter("strategies[1].params.fast", (1,))
    columns = table("sharpe", [1.0], (FAST, other)).best().columns
    assert {FAST.address, other.address} <= set(columns)


def test_it_shows_itself_as_the_command_would_print_it():
    shown = table("sharpe", [1.0, 3.0])
    assert "Sharpe" in str(shown)
    assert "peak" in str(shown)
    assert "<pre>" in shown._repr_html_()
