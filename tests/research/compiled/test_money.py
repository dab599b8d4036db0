"""The scalars of compiled runs are the methods of the event kernel, to the last bit."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline import Instrument
from hookline.research.compiled import layout as at
from hookline.research.compiled.money import lots_of, on_grid, units_of
from hookline.research.compiled.refusing import NotCompilable
from hookline.research.compiled.terms import _put_grid

STEPS = st.sampled_from(["0.01", "0.5", "0.3", "25", "1", "0.00001", "0.07", "1000", "0.025"])
VALUES = st.one_of(
    st.floats(0.0, 1e7), st.integers(0, 10**7).map(float), st.decimals(0, 10**6, places=3).map(float)
)


def arrays(tick="0.01", lot="0.01"):
    instrument = Instrument("ONE", tick_size=Decimal(tick), lot_size=Decimal(lot))
    f, k = np.zeros(at.F_ORDERS), np.zeros(at.K_SCRATCH, np.int64)
    _put_grid(f, instrument)
    return instrument, f, k


@given(STEPS, VALUES, st.sampled_from([-1, 0, 1]))
def test_prices_lie_on_the_grid_of_the_instrument(step, value, rounding):
    instrument, f, k = arrays(tick=step)
    for price in (value, -value, float(Decimal(step)) * round(value)):
        assert on_grid(f, k, price, rounding) == instrument.on_grid(price, rounding)
    assert k[at.ERROR] == 0


@given(STEPS, VALUES)
def test_lots_and_units_are_those_of_the_instrument(step, value):
    instrument, f, k = arrays(lot=step)
    lots = lots_of(f, k, value)
    assert lots == instrument.lots(value)
    assert units_of(f, lots) == instrument.units(lots)
    assert units_of(f, -lots) == instrument.units(-lots)


@pytest.mark.parametrize("value", [1e300, math.inf, math.nan])
def test_what_is_too_large_to_count_fails_the_run(value):
    _, f, k = arrays()
    lots_of(f, k, value)
    assert k[at.ERROR] == at.TOO_LARGE


def test_a_step_of_too_many_digits_is_refused():
    with pytest.raises(NotCompilable, match="too many digits"):
        arrays(tick="0.12345678901234567891")
