"""The scalar functions behind the table, at and around their borders; the sweep compiles the same ones."""

import math

import pytest

from hookline.simulation.fills import (
    limit_price,
    path,
    slipped,
    stop_limit_price,
    stop_price,
    touch_price,
    trail_level,
)

NO_FILL = math.nan
BAR = (10.0, 12.0, 8.0)  # open, high, low


def same(value, expected):
    return value == expected or (math.isnan(value) and math.isnan(expected))


@pytest.mark.parametrize(
    ("side", "limit", "through", "price"),
    [
        (1, 10.5, False, 10.0),  # better at the open
        (1, 10.0, False, 10.0),
        (1, 10.0, True, 10.0),
        (1, 9.0, False, 9.0),
        (1, 8.0, False, 8.0),  # the low itself
        (1, 8.0, True, NO_FILL),
        (1, 8.1, True, 8.1),
        (1, 7.9, False, NO_FILL),
        (-1, 9.5, False, 10.0),
        (-1, 11.0, False, 11.0),
        (-1, 12.0, False, 12.0),
        (-1, 12.0, True, NO_FILL),
        (-1, 11.9, True, 11.9),
        (-1, 12.1, False, NO_FILL),
    ],
)
def test_limits(side, limit, through, price):
    assert same(limit_price(side, limit, *BAR, through), price)


@pytest.mark.parametrize(
    ("side", "trigger", "price"),
    [
        (1, 9.0, 10.0),  # the open is past it
        (1, 10.0, 10.0),
        (1, 11.0, 11.0),
        (1, 12.0, 12.0),
        (1, 12.1, NO_FILL),
        (-1, 11.0, 10.0),
        (-1, 9.0, 9.0),
        (-1, 8.0, 8.0),
        (-1, 7.9, NO_FILL),
    ],
)
def test_stops(side, trigger, price):
    assert same(stop_price(side, trigger, *BAR), price)


@pytest.mark.parametrize(
    ("side", "trigger", "price"),
    [(-1, 9.0, 10.0), (-1, 12.0, 12.0), (-1, 12.1, NO_FILL), (1, 8.0, 8.0), (1, 7.9, NO_FILL)],
)
def test_take_profits_fill_at_a_touch(side, trigger, price):
    assert same(touch_price(side, trigger, *BAR), price)


@pytest.mark.parametrize(
    ("side", "trigger", "limit", "close", "through", "price"),
    [
        (1, 11.0, 11.5, 12.0, False, 11.0),
        (1, 11.0, 11.0, 12.0, True, 11.0),  # the trigger is at the limit: it takes there
        (1, 11.0, 10.5, 10.0, False, 10.5),
        (1, 11.0, 10.5, 10.5, False, 10.5),
        (1, 11.0, 10.5, 10.5, True, NO_FILL),
        (1, 11.0, 10.5, 10.4, True, 10.5),
        (1, 11.0, 10.5, 10.6, False, NO_FILL),
        (-1, 9.0, 8.5, 8.0, False, 9.0),
        (-1, 9.0, 9.5, 10.0, False, 9.5),
        (-1, 9.0, 9.5, 9.4, False, NO_FILL),
    ],
)
def test_stop_limits_inside_a_bar(side, trigger, limit, close, through, price):
    assert same(stop_limit_price(side, trigger, limit, close, through), price)


def test_levels_trail_behind_the_extreme_also_below_zero():
    assert trail_level(-1, 20.0, 2.0, 0.0) == 18.0
    assert trail_level(1, 20.0, 0.0, 0.1) == 22.0
    assert trail_level(-1, -20.0, 0.0, 0.1) == -22.0


def test_slippage_adds_up_against_the_order_also_below_zero():
    assert slipped(1, 100.0, 12.0, 8.0, 0.01, 0.5, 0.25) == 100.0 + 1.0 + 0.5 + 1.0
    assert slipped(-1, -100.0, 12.0, 8.0, 0.01, 0.5, 0.25) == -100.0 - 1.0 - 0.5 - 1.0


@pytest.mark.parametrize(
    ("bar", "walked"),
    [
        ((10.0, 11.0, 8.0, 9.0), (10.0, 11.0, 8.0, 9.0)),
        ((10.0, 12.0, 9.0, 11.0), (10.0, 9.0, 12.0, 11.0)),
        ((10.0, 11.0, 9.0, 10.0), (10.0, 9.0, 11.0, 10.0)),
    ],
)
def test_the_path_goes_to_the_nearer_extreme_first(bar, walked):
    assert path(*bar) == walked
