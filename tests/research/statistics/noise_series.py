"""Series with known properties."""

import numpy as np
from scipy.signal import lfilter


def autoregressive(rng, size, memory, burn_in=200):
    """Return normal noise of which each value remembers a share of the one before."""
    return lfilter([1.0], [1.0, -memory], rng.normal(size=size + burn_in))[burn_in:]


def held_for(rng, size, bars):
    """Return positions, long or short at random, each held for some bars."""
    return np.repeat(rng.choice([-1.0, 1.0], size=size // bars), bars)
