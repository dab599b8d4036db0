"""What arrays and numbers must be before anything is computed from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["at_least", "between", "finite_matrix", "finite_vector"]

Floats = NDArray[np.float64]


def finite_vector(name: str, values: ArrayLike, length: int | None = None) -> Floats:
    """Return values as a contiguous float64 array that may be written to.

    Raises:
        ValueError: if there is more than one dimension, another length, or a value that is not finite.
    """
    array = np.require(values, np.float64, ["C", "W"])
    if array.ndim != 1:
        raise ValueError(f"{name}: must have one dimension, had the shape {array.shape}")
    if length is not None and len(array) != length:
        raise ValueError(f"{name}: must have {length} values, had {len(array)}")
    _refuse_unknown(name, array)
    return array


def finite_matrix(name: str, values: ArrayLike, shape: tuple[int, int] | None = None) -> Floats:
    """Return values as a contiguous float64 array of two dimensions; one dimension becomes one column.

    Raises:
        ValueError: if there are more dimensions, another shape, or a value that is not finite.
    """
    array = np.asarray(values, np.float64)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        raise ValueError(f"{name}: must have one or two dimensions, had the shape {array.shape}")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name}: must have the shape {shape}, had {array.shape}")
    _refuse_unknown(name, array)
    return np.require(array, np.float64, ["C", "W"])


def at_least(name: str, value: float, least: float) -> None:
    """Refuse a number that is too small.

    Raises:
        ValueError: if it is, or is NaN.
    """
    if not value >= least:
        raise ValueError(f"{name}: must be at least {least}, was {value!r}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number that does not lie strictly between two others.

    Raises:
        ValueError: if it does not, or is NaN.
    """
    if not low < value < high:
        raise ValueError(f"{name}: must be above {low} and below {high}, was {value!r}")


def _refuse_unknown(name: str, array: Floats) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        bar = int(np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))[0])
        value = float(array.reshape(len(array), -1)[bar][bad.reshape(len(array), -1)[bar]][0])
        raise ValueError(f"{name}: must be finite, was {value!r} at bar {bar}")
