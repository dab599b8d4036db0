"""A sweep in a terminal."""

import doctest
import math

from rich.console import Console
from sweep_tables import matrix, table_of

from hookline.research.sweep_report import digest as sweep_digest
from hookline.research.sweep_report.text import render

HILLS = """
    0.0  0.0  0.1  0.0  0.0  0.0
    0.0  2.9  0.1  0.9  1.0  0.8
    0.1  0.1  0.2  1.1  1.2  1.0
    0.0  0.1  0.1  0.9  1.0  0.9
    0.1  0.0  0.2  0.1  0.2  0.1
"""


def shown(table, width=80):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(render(table))
    return capture.get()


def hills(**changes):
    return table_of(*matrix(HILLS), **changes)


def lines_with(text, word):
    return [line for line in text.splitlines() if word in line.split()]


def test_it_fits_into_any_terminal_without_losing_a_figure():
    for width in (60, 80, 120, 200):
        text = shown(hills(), width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text


def test_plateau_and_peak_stand_first_with_what_is_around_them():
    plateau, peak = (lines_with(shown(hills()), word)[0].split() for word in ("plateau", "peak"))
    assert plateau[:6] == ["2", "plateau", "2", "4", "1.20", "0.98"]
    assert peak[:6] == ["1", "peak", "1", "1", "2.90", "0.39"]


def test_the_plateau_is_preferred_and_how_to_run_it_is_said():
    text = shown(hills())
    assert "Prefer the plateau: mean Sharpe 0.98 over it and its neighbours (8 of 8)" in text
    assert "--set 'strategies[0].params.fast=2'" in text
    assert "--set 'strategies[0].params.slow=4'" in text


def test_a_wider_terminal_shows_more_figures():
    assert "Max drawdown" not in shown(hills(), 60)
    assert "Max drawdown" in shown(hills(), 80)
    assert "Win rate" in shown(hills(), 160)


def test_the_best_are_listed_in_order():
    ranks = [line.split()[0] for line in shown(hills()).splitlines() if line.strip()[:1].isdigit()]
    assert ranks == ["2", "1", *map(str, range(1, 11))]


def test_of_a_cost_the_least_is_listed_first():
    text = shown(table_of({"fast": range(4)}, lambda fast: 0.4 - fast / 10, metric="max_drawdown"))
    assert "Max drawdown, less is better" in text
    assert lines_with(text, "peak")[0].split()[:4] == ["1", "peak", "3", "10.0"]


def test_the_best_of_many_is_called_luck_with_the_number_of_tries():
    # 0.4228 x Z(1 - 1 / 30) + 0.5772 x Z(1 - 1 / 81.5) = 0.4228 x 1.834 + 0.5772 x 2.249
    assert "The best of 30 combinations is partly luck" in shown(hills(), 200)
    assert "about 2.1 standard deviations above their mean" in shown(hills(), 200)


def test_what_failed_and_what_is_missing_is_said():
    table = table_of(
        {"fast": range(6)}, lambda fast: "fast: [too] short" if fast < 2 else float(fast), total=9
    )
    table.notices.append("the [broker] charges by tiers")
    text = shown(table)
    assert "study: 6 of 9 runs, 2 failed" in text
    assert "2 runs failed: fast: [too] short" in text
    assert "Not complete: 6 of 9 runs are done" in text
    assert "the [broker] charges by tiers" in text


def test_several_instruments_are_one_line_with_their_mean():
    table = table_of({"fast": range(5)}, lambda fast, symbol: fast + (symbol == "B"), symbols="AB")
    text = shown(table)
    assert "10 runs, 5 combinations on 2 instruments" in text
    assert lines_with(text, "peak")[0].split()[:4] == ["1", "peak", "4", "4.50"]


def test_a_sweep_that_only_loses_prefers_nothing():
    text = shown(table_of({"fast": range(5)}, lambda fast: fast - 9.0))
    assert "Prefer" not in text
    assert "No neighbourhood has a mean Sharpe above zero" in text


def test_a_plateau_against_the_end_of_the_range_is_told():
    text = shown(table_of({"fast": range(5), "slow": range(5)}, lambda fast, slow: fast - abs(slow - 2)), 200)
    assert "The plateau reaches the end of the space (fast=4)" in text
    assert "The peak lies at the end of the space (fast=4)" in text


def test_a_mean_with_too_few_neighbours_stands_in_parentheses():
    # Around fast=4 there are only 3 and 4 itself.
    text = shown(table_of({"fast": range(5)}, float))
    assert lines_with(text, "peak")[0].split()[:5] == ["1", "peak", "4", "4.00", "(3.50)"]
    assert lines_with(text, "plateau")[0].split()[:5] == ["2", "plateau", "3", "3.00", "3.00"]
    assert "(in parentheses) at an edge of the space" in text
    hill = shown(table_of({"fast": range(5), "kind": ["a"]}, lambda fast, _: [1.0, 2, 3, 2, None][fast]))
    assert lines_with(hill, "peak")[0].split()[:6] == ["1", "plateau,", "peak", "2", "a", "3.00"]


def test_a_peak_that_stands_alone_is_told():
    # 8.8 / 9 over 2.9 is 34 %.
    assert "The peak stands alone: the best neighbourhood has 34% of it" in shown(hills(), 200)
    assert "stands alone" not in shown(table_of({"fast": range(9)}, lambda fast: 9.0 - abs(fast - 4)))


def test_a_parameter_with_three_values_leaves_no_choice_and_is_told():
    text = shown(table_of({"fast": range(5), "adx": [0, 15, 25]}, lambda fast, adx: 1.0 + fast + adx), 200)
    assert "so only the middle can be a plateau: adx=15" in text


def test_nothing_to_show():
    assert "No run has an objective" in shown(table_of({"fast": [1]}, lambda _: "it broke"))
    assert "No run has an objective" in shown(table_of({"fast": [1, 2]}, lambda _: math.nan))


def test_many_parameters_are_listed_as_far_as_there_is_room():
    axes = {f"parameter_{number}": range(2) for number in range(8)}
    text = shown(table_of(axes, lambda *values: float(sum(values))))
    assert max(map(len, text.splitlines())) <= 80
    assert "5 parameters have no room here" in text
    assert text.count("--set") == 8


def test_a_sweep_without_parameters_compares_instruments():
    text = shown(table_of({}, lambda symbol: 1.0 if symbol == "A" else 2.0, symbols="AB"))
    assert "2 runs, 1 combination on 2 instruments" in text
    assert "1.50" in text


def test_the_examples_of_values_and_figures_hold():
    found = doctest.testmod(sweep_digest)
    assert found.attempted > 0
    assert found.failed == 0


def test_where_all_runs_were_is_said():
    table = table_of({"fast": range(5)}, float)
    assert "study: 5 runs; objective" in shown(table)
    table.frame["symbol"] = "BTC-PERP"
    assert "study: 5 runs on BTC-PERP; objective" in shown(table)
    table.frame["since"] = 1_672_531_200 * 10**9
    assert "study: 5 runs on BTC-PERP, 2023-01-01 to the end; objective" in shown(table, 120)


def test_errors_that_differ_in_numbers_only_are_one():
    errors = {0: "on_bar at 2024-01-01T09:00:00Z: no", 1: "on_bar at 2024-02-03T10:00:00Z: no", 2: "broken"}
    text = shown(table_of({"fast": range(6)}, lambda fast: errors.get(fast, 1.0)))
    assert "2 runs failed: on_bar at 2024-01-01T09:00:00Z: no, and alike" in text
    assert "1 run failed: broken" in text
    assert "2024-02-03" not in text


def test_runs_that_all_failed_leave_nothing_to_believe():
    table = table_of({"fast": range(3)}, lambda fast: "broken")
    table.notices.append("a notice")
    text = shown(table)
    assert "3 runs failed: broken" in text
    assert "worth knowing" in text
    assert "before you believe" not in text


def test_a_few_scattered_runs_are_no_plateau_to_prefer():
    values = {(1, 7): 3.0, (5, 2): 2.0, (9, 9): 1.0}
    table = table_of({"fast": range(10), "slow": range(10)}, lambda fast, slow: values.get((fast, slow)))
    text = shown(table, 120)
    assert "No combination has enough neighbours on all sides to be a plateau" in text
    assert "Prefer the plateau" not in text


def test_one_combination_is_said_to_tell_little():
    assert "One combination alone says nothing about those beside it" in shown(table_of({"fast": [3]}, float))
