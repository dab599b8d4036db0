"""Steps of prices and quantities: exact where people mean them exactly."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import hookline as hl

STEPS = [
    "0.1",
    "0.001",
    "0.5",
    "0.25",
    "0.00001",
    "25",
    "1",
    "10",
    "0.01",
    "0.05",
    "0.00000001",
    "0.2",
    "2.5",
]
ODD_STEPS = ["0.3", "0.03", "0.15", "1.1", "0.7", "12.5", "0.0075"]
steps = st.sampled_from([*STEPS, *ODD_STEPS]).map(Decimal)
counts = st.integers(-(10**9), 10**9)
ratios = st.floats(-1e8, 1e8)  # values in steps: beyond that a float does not tell a millionth of a step


def stepping(tick="0.01", lot="0.01", **limits):
    return hl.Instrument("X", tick_size=Decimal(tick), lot_size=Decimal(lot), **limits)


@given(steps, counts)
def test_units_are_the_float_nearest_to_the_decimal_quantity(step, count):
    assert stepping(lot=step).units(count) == float(count * step)


@given(steps, counts)
def test_a_price_on_the_grid_is_the_float_nearest_to_the_decimal_price(step, count):
    price = float(count * step)
    instrument = stepping(tick=step)

    assert [instrument.on_grid(price, rounding) for rounding in (-1, 0, 1)] == [price] * 3


@given(steps, counts)
def test_lots_and_units_are_inverse(step, count):
    instrument = stepping(lot=step)

    assert instrument.lots(instrument.units(count)) == count


@given(steps, counts)
def test_decimals_and_floats_of_the_same_step_agree(step, count):
    instrument = stepping(tick=step, lot=step)
    value = instrument.units(count)

    assert instrument.quantity(value) == count * step
    assert instrument.price(value) == count * step


@given(steps, ratios)
@example(Decimal("0.1"), 3.0000000000000004)
@example(Decimal("0.1"), 2.9999999999999996)
def test_lots_round_towards_zero_but_for_the_error_of_float_arithmetic(step, ratio):
    quantity = ratio * float(step)
    lots, exact = stepping(lot=step).lots(quantity), Decimal(quantity) / step

    assert abs(lots) <= abs(exact) + Decimal("1.1e-6")
    assert abs(exact) - abs(lots) < 1 + Decimal("1e-6")


@given(steps, ratios)
def test_a_price_is_rounded_to_the_step_asked_for(step, ratio):
    instrument, price = stepping(tick=step), ratio * float(step)
    exact = Decimal(price) / step
    assume(abs(exact - exact.to_integral_value()) > Decimal("2e-6"))

    assert instrument.on_grid(price, 1) == float(exact.to_integral_value(ROUND_CEILING) * step)
    assert instrument.on_grid(price, -1) == float(exact.to_integral_value(ROUND_FLOOR) * step)
    assert abs(instrument.on_grid(price) - price) <= float(step) * (0.5 + 1e-6)


@given(steps, st.decimals(-(10**6), 10**6, allow_nan=False, places=12))
def test_the_decimal_doors_are_exact(step, value):
    instrument = stepping(tick=step, lot=step)

    assert instrument.price(value) == (value / step).to_integral_value(ROUND_HALF_EVEN) * step
    assert abs(instrument.quantity(value)) == (abs(value) / step).to_integral_value(ROUND_FLOOR) * step
    assert instrument.quantity(value) * value >= 0


def test_floats_at_the_decimal_door_are_read_as_they_are_written():
    assert stepping(lot="0.1").quantity(0.3) == Decimal("0.3")
    assert stepping(tick="0.1").price("101.27") == Decimal("101.3")
    assert stepping(tick="25").price(1_012.5) == Decimal(1000)


def test_flat_is_exactly_zero_after_any_number_of_small_fills():
    instrument = stepping(lot="0.1")

    assert sum([instrument.lots(0.1)] * 3) == instrument.lots(0.3)
    assert instrument.units(instrument.lots(0.1) * 3 - instrument.lots(0.3)) == 0.0


def test_the_smallest_order_covers_the_minimum_quantity():
    assert stepping(lot="0.3", min_quantity=Decimal(1)).min_lots == 4
    assert stepping(lot="0.1", min_quantity=Decimal("0.5")).min_lots == 5
    assert stepping().min_lots == 1


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"tick_size": Decimal(0)}, "X.tick_size: must be above 0, was 0"),
        ({"lot_size": Decimal(-1)}, "X.lot_size: must be above 0, was -1"),
        ({"min_quantity": Decimal(-1)}, "X.min_quantity: must be 0 or more, was -1"),
        ({"min_notional": Decimal(-1)}, "X.min_notional: must be 0 or more, was -1"),
    ],
)
def test_impossible_steps_and_minimums_are_refused(terms, message):
    with pytest.raises(ValueError, match=message):
        hl.Instrument("X", **terms)


def test_only_spot_cannot_be_sold_short():
    assert not hl.Instrument("X").can_short
    assert hl.Instrument("X", kind=hl.InstrumentKind.PERPETUAL).can_short


def test_instruments_with_the_same_terms_are_equal():
    assert stepping() == stepping()
    assert stepping(tick="0.1") != stepping()
    assert math.isclose(stepping(lot="0.3").units(3), 0.9, rel_tol=0)
