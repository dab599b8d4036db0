"""Peak and plateau: worked by hand on small grids, and properties on any."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sweep_tables import PREFIX, matrix, table_of, values_at

from hookline.research.plateau import find_peak, find_plateau
from hookline.research.table import Parameter


def grid(text, metric="sharpe"):
    return table_of(*matrix(text), metric=metric)


def centre(table, radius=1):
    return values_at(table, find_plateau(table, radius).row)


def test_the_peak_is_the_best_combination_and_the_plateau_the_best_neighbourhood():
    table = grid("""
        0 0 0 0 0 0
        0 9 0 2 2 2
        0 0 0 2 3 2
        0 0 0 2 2 2
        0 0 0 0 0 0
    """)
    assert values_at(table, find_peak(table)) == (1, 1)
    found = find_plateau(table)
    assert values_at(table, found.row) == (2, 4)
    assert found.mean == pytest.approx(19 / 9)
    assert found.objective == 3.0
    assert found.ratio == pytest.approx(19 / 9 / 9)
    assert len(found.neighbours) == found.possible == 8
    assert {values_at(table, row) for row in found.neighbours} == {
        (row, column) for row in (1, 2, 3) for column in (3, 4, 5)
    } - {(2, 4)}


def test_the_example_of_the_documentation():
    table = grid("""
        0.1  0.0  0.1  0.2  0.1  0.0
        0.0  2.9  0.1  0.9  1.0  0.8
        0.1  0.1  0.2  1.1  1.2  1.0
        0.0  0.1  0.1  0.9  1.0  0.9
        0.1  0.0  0.2  0.1  0.2  0.1
    """)
    assert values_at(table, find_peak(table)) == (1, 1)
    assert centre(table) == (2, 4)
    assert find_plateau(table).mean == pytest.approx(8.8 / 9)


def test_a_high_cell_at_the_edge_is_no_plateau():
    table = grid("""
        9 8 0 0 0
        8 0 0 0 0
        0 0 0 0 0
        0 0 0 1 0
    """)
    assert values_at(table, find_peak(table)) == (0, 0)
    # The corner's own mean over the four cells it has is 25 / 4; the nine around (1, 1) have 25 / 9.
    assert centre(table) == (1, 1)
    assert find_plateau(table).mean == pytest.approx(25 / 9)


def test_a_slope_that_rises_to_the_edge_has_its_plateau_one_step_inside():
    assert centre(table_of({"fast": range(1, 7)}, float)) == (5,)
    assert centre(table_of({"fast": range(1, 8)}, float), radius=2) == (5,)


def test_failed_cells_and_those_without_an_objective_are_not_averaged():
    table = grid("""
        1 1 1 1
        1 5 x 1
        1 n 5 1
        1 1 1 1
    """)
    found = find_plateau(table)
    assert values_at(table, found.row) == (1, 1)
    assert (len(found.neighbours), found.possible) == (6, 8)
    assert found.mean == pytest.approx((5 + 5 + 5 * 1) / 7)


def test_a_place_with_a_third_of_its_neighbourhood_missing_is_no_plateau():
    table = grid("""
        1 1 1 1 1 1
        1 1 1 9 9 -
        1 1 1 9 9 -
        1 1 1 9 9 -
        1 1 1 1 1 1
    """)
    # (2, 4) has a mean of 9 over the six cells it has; (2, 3) one of (3 + 6 x 9) / 9.
    assert centre(table) == (2, 3)


def test_along_a_constraint_the_edge_is_the_constraint():
    table = table_of({"fast": range(8), "slow": range(8)}, lambda f, s: 10.0 - (s - f) if f < s else None)
    fast, slow = centre(table)
    assert slow - fast == 2


def test_numbers_have_steps_and_other_values_are_equal_or_not():
    axes = {"fast": [10, 20, 30, 40, 50], "kind": ["sma", "ema", "wma"]}
    heights = {"sma": [1, 2, 3, 2, 1], "ema": [0, 1, 9, 1, 0], "wma": [0, 1, 1, 1, 0]}
    table = table_of(axes, lambda fast, kind: float(heights[kind][fast // 10 - 1]))
    found = find_plateau(table)
    assert values_at(table, found.row) == (30, "ema")
    assert found.mean == pytest.approx(11 / 3)
    assert {values_at(table, row)[1] for row in found.neighbours} == {"ema"}


def test_steps_are_those_of_the_values_not_of_the_numbers_between():
    heights = {1: 0.0, 10: 5.0, 100: 6.0, 1000: 5.0, 10_000: 0.0}
    assert centre(table_of({"period": list(heights)}, heights.get)) == (100,)
    assert centre(table_of({"period": [1000, 1, 100, 10_000, 10]}, heights.get)) == (100,)


def test_of_a_cost_less_is_better():
    table = grid(
        """
        4 4 4 4 4
        4 1 4 3 2
        4 4 4 2 2
        4 4 4 2 2
    """,
        metric="max_drawdown",
    )
    assert values_at(table, find_peak(table)) == (1, 1)
    found = find_plateau(table)
    assert values_at(table, found.row) == (2, 3)
    assert found.mean == pytest.approx((4 + 3 + 2 + 4 + 2 + 2 + 4 + 2 + 2) / 9)
    assert found.ratio == pytest.approx(1 / found.mean)


def test_instruments_count_by_their_mean():
    def sharpe(fast, symbol):
        return {"A": [0, 9, 0, 2, 3, 2, 0], "B": [0, -9, 0, 2, 2, 2, 0]}[symbol][fast] * 1.0

    table = table_of({"fast": range(7)}, sharpe, symbols=("A", "B"))
    assert values_at(table, find_peak(table)) == (4,)
    found = find_plateau(table)
    assert values_at(table, found.row) == (4,)
    assert found.mean == pytest.approx((2 + 2.5 + 2) / 3)


def test_a_combination_that_failed_on_one_instrument_never_wins():
    def sharpe(fast, symbol):
        return "it broke" if (fast, symbol) == (2, "B") else 9.0 if fast == 2 else 1.0

    table = table_of({"fast": range(5)}, sharpe, symbols=("A", "B"))
    assert values_at(table, find_peak(table)) != (2,)


def test_an_instrument_that_failed_everywhere_is_left_out():
    table = table_of(
        {"fast": range(5)}, lambda fast, symbol: "no data" if symbol == "B" else float(fast), symbols="AB"
    )
    assert values_at(table, find_peak(table)) == (4,)
    assert centre(table) == (3,)


def test_a_parameter_with_few_values_is_seen_whole():
    table = table_of(
        {"fast": range(5), "adx": [0, 25]}, lambda f, a: [0, 1, 4, 1, 0][f] + (1.0 if a else 0.0)
    )
    found = find_plateau(table)
    assert values_at(table, found.row)[0] == 2
    assert (len(found.neighbours), found.possible) == (5, 5)


def test_without_numbers_the_plateau_is_the_peak_and_has_no_neighbours():
    table = table_of({"kind": ["sma", "ema"]}, lambda kind: {"sma": 1.0, "ema": 2.0}[kind])
    found = find_plateau(table)
    assert (found.row, found.neighbours, found.possible) == (find_peak(table), (), 0)


def test_no_objective_no_peak():
    for word in "xn":
        table = grid(f"{word} {word}")
        assert find_peak(table) is None
        assert find_plateau(table) is None


def test_the_share_of_good_neighbours():
    table = grid("""
        0 0 0 0 0 0
        0 1 1 1 0 0
        0 1 1 1 0 0
        0 1 1 1 0 0
        0 0 0 0 0 0
        0 0 0 0 0 0
    """)
    # Nine of 36 are ones: the best quarter.
    assert find_plateau(table).good == 1.0
    spread = grid("""
        0 0 0 0 0
        0 9 0 9 0
        0 0 1 0 0
        0 9 0 9 0
        0 0 0 0 0
    """)
    # Five of 25 are above zero; the rest are all equal, and reach the quantile.
    assert find_plateau(spread).good == 1.0


def scattered(points, height):
    """Random search over two ranges: points that were drawn, in no order."""
    table = table_of({"fast": [0.0, 100.0], "slow": [0.0, 1.0]}, lambda *_: 0.0, continuous=("fast", "slow"))
    frame = table.frame.loc[[0] * len(points)].reset_index(drop=True)
    frame[PREFIX + "fast"], frame[PREFIX + "slow"] = points[:, 0], points[:, 1]
    frame["sharpe"] = [height(*point) for point in points]
    table.frame, table.total = frame, len(points)
    return table


def test_in_a_random_search_neighbours_are_the_nearest_by_scaled_distance():
    points = np.random.default_rng(3).uniform([0, 0], [100, 1], (300, 2))
    points[17] = (95.0, 0.5)

    def height(fast, slow):
        if (fast, slow) == (95.0, 0.5):
            return 9.0
        return 5.0 - 10 * ((fast / 100 - 0.4) ** 2 + (slow - 0.6) ** 2)

    table = scattered(points, height)
    assert values_at(table, find_peak(table)) == (95.0, 0.5)
    found = find_plateau(table)
    fast, slow = values_at(table, found.row)
    assert abs(fast / 100 - 0.4) < 0.15
    assert abs(slow - 0.6) < 0.15
    assert len(found.neighbours) == 17  # the root of 300
    by_hand = np.argsort([((a - fast) / 100) ** 2 + (b - slow) ** 2 for a, b in points])[1:18]
    assert sorted(found.neighbours) == sorted(by_hand)


def test_in_a_random_search_a_rise_to_the_edge_has_its_plateau_inside():
    points = np.random.default_rng(5).uniform([0, 0], [100, 1], (200, 2))
    table = scattered(points, lambda fast, _: fast)
    found = find_plateau(table)
    fast = table.frame[PREFIX + "fast"]
    around = fast.iloc[list(found.neighbours)]
    assert (around > fast.iloc[found.row]).sum() >= len(around) / 4
    assert fast.iloc[found.row] > 85


def test_a_random_choice_of_a_few_from_a_large_grid_has_neighbours_by_distance():
    seen = np.random.default_rng(1).random((40, 40)) < 0.1
    table = table_of(
        {"fast": range(40), "slow": range(40)},
        lambda f, s: 100.0 - abs(f - 20) - abs(s - 12) if seen[f, s] else None,
    )
    found = find_plateau(table)
    fast, slow = values_at(table, found.row)
    assert abs(fast - 20) + abs(slow - 12) < 8
    assert len(found.neighbours) == int(seen.sum() ** 0.5)


def test_a_logarithmic_parameter_has_the_distances_of_logarithms():
    table = scattered(
        np.array([[1e-3, 0.5], [1e-2, 0.5], [1e-1, 0.5], [0.3, 0.5], [1.0, 0.5]]), lambda fast, _: fast
    )
    table.parameters = (Parameter(PREFIX + "fast", (1e-3, 1.0), is_continuous=True, is_log=True),)
    # By logarithms the two nearest of 0.3 are 0.1 and 1, by value 0.1 and 0.01.
    found = find_plateau(table)
    assert values_at(table, found.row) == (0.3,)
    assert {values_at(table, row)[0] for row in found.neighbours} == {0.1, 1.0}


def test_the_order_of_drawn_points_changes_nothing():
    rng = np.random.default_rng(8)
    points = rng.uniform([0, 0], [100, 1], (60, 2)).round(1)  # some at the same distance
    table = scattered(points, lambda fast, slow: round(fast * slow) % 7)
    found = find_plateau(table)
    expected = values_at(table, found.row), found.mean
    for _ in range(20):
        table.frame = table.frame.iloc[rng.permutation(60)].reset_index(drop=True)
        found = find_plateau(table)
        assert (values_at(table, found.row), found.mean) == expected


def test_a_radius_is_at_least_one_step():
    with pytest.raises(ValueError, match="radius: must be at least 1, was 0"):
        find_plateau(grid("1 2"), 0)


HEIGHTS = st.lists(
    st.lists(st.sampled_from(["0", "1", "2", "3", "7", "x", "-"]), min_size=4, max_size=4),
    min_size=4,
    max_size=6,
)


def brute_force(lines):
    """The best mean over complete neighbourhoods, cell by cell."""
    known = {
        (r, c): float(word) for r, line in enumerate(lines) for c, word in enumerate(line) if word not in "x-"
    }
    means = {}
    for r in range(1, len(lines) - 1):
        for c in range(1, len(lines[0]) - 1):
            inside = [known[a, b] for a in (r - 1, r, r + 1) for b in (c - 1, c, c + 1) if (a, b) in known]
            if (r, c) in known and len(inside) > 6:
                means[r, c] = sum(inside) / len(inside)
    return means


@given(HEIGHTS)
def test_no_neighbourhood_has_a_better_mean(lines):
    means = brute_force(lines)
    rows = sum(word != "-" for line in lines for word in line)
    assume(means and rows >= 3 * len(lines))  # three quarters of the space, else it counts as scattered
    found = find_plateau(grid("\n".join(map(" ".join, lines))))
    assert found.mean == pytest.approx(max(means.values()))


@given(HEIGHTS, st.randoms(use_true_random=False), st.integers(1, 2))
def test_the_order_of_the_rows_changes_nothing(lines, random, radius):
    table = grid("\n".join(map(" ".join, lines)))
    assume(len(table.frame))
    first, peak = find_plateau(table, radius), find_peak(table)
    expected = None if first is None else (values_at(table, peak), values_at(table, first.row), first.mean)
    order = list(range(len(table.frame)))
    random.shuffle(order)
    table.frame = table.frame.iloc[order].reset_index(drop=True)
    second, peak = find_plateau(table, radius), find_peak(table)
    again = None if second is None else (values_at(table, peak), values_at(table, second.row), second.mean)
    assert again == expected
