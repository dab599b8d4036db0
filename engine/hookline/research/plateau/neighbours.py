"""Means over the neighbourhood of every combination of a sweep, on a filled grid or among scattered points.

What a neighbourhood is, and which combination may be the centre of one, is said in :mod:`hookline.research.plateau`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hookline.research.plateau.cells import Cells, Floats, Ints

__all__ = ["Neighbourhoods", "is_grid", "neighbourhoods"]

Flags = NDArray[np.bool_]

# A dense array of the space may have so many times the cells that ran; beyond, the space is hardly filled.
_DENSE = 64
_MOST = 50  # neighbours of a scattered point


@dataclass(frozen=True)
class Neighbourhoods:
    """The neighbourhood of every cell.

    Attributes:
        cells: The cells.
        mean: Mean score of each cell and its neighbours, NaN where the cell itself has none.
        counts: How many cells are in that mean.
        is_centre: Whether there is enough around a cell, on all sides, for it to be the centre of a plateau.
        possible: How many cells a complete neighbourhood has.
        radius: Steps to each side on a grid.
        near: The neighbours of each cell among scattered points, of shape (cells, neighbours) and -1 for none; None on a grid.
    """

    cells: Cells
    mean: Floats
    counts: Ints
    is_centre: Flags
    possible: int
    radius: int
    near: Ints | None = None

    def members(self, cell: int) -> Ints:
        """Return the cells in the mean of a cell, itself first."""
        if self.near is not None:
            others = self.near[cell]
            return np.concatenate([[cell], others[others >= 0]])
        codes = self.cells.codes
        is_near = (np.abs(codes - codes[cell]) <= _reach(self.cells, self.radius)).all(axis=1)
        is_near &= np.isfinite(self.cells.score)
        is_near[cell] = False
        return np.concatenate([[cell], np.flatnonzero(is_near)])


def neighbourhoods(cells: Cells, radius: int) -> Neighbourhoods:
    """Return all neighbourhoods: by steps where the space is filled and some cell can be a centre, else by distance."""
    if is_grid(cells, radius):
        found = _on_grid(cells, radius)
        if found.is_centre.any():
            return found
    return _scattered(cells, radius)


def is_grid(cells: Cells, radius: int = 1) -> bool:
    """Whether the space is filled: around an average cell more than half of the neighbouring combinations were run."""
    size = math.prod(len(axis.values) for axis in cells.axes)
    if not len(cells) or any(axis.is_continuous for axis in cells.axes) or size > _DENSE * len(cells):
        return False
    there = _window_sums(cells, np.ones(len(cells)), radius)
    return bool((there / _room(cells, radius).prod(axis=1)).mean() > 0.5)


def _on_grid(cells: Cells, radius: int) -> Neighbourhoods:
    is_defined = np.isfinite(cells.score)
    sums = _window_sums(cells, np.where(is_defined, cells.score, 0.0), radius)
    counts = _window_sums(cells, is_defined.astype(np.float64), radius).astype(np.int64)
    mean = np.divide(sums, counts, out=np.full(len(cells), np.nan), where=is_defined)
    room = _room(cells, radius)
    widest = np.array(
        [
            _room_on(len(axis.values), reach).max()
            for axis, reach in zip(cells.axes, _reach(cells, radius), strict=True)
        ],
        dtype=np.int64,
    )
    possible = int(widest.prod())
    is_centre = is_defined & (room == widest).all(axis=1) & (3 * counts > 2 * possible)
    return Neighbourhoods(cells, mean, counts, is_centre, possible, radius)


def _reach(cells: Cells, radius: int) -> Ints:
    """Return how many steps a neighbourhood reaches on each axis."""
    return np.array([radius if axis.is_numeric else 0 for axis in cells.axes], dtype=np.int64)


def _room_on(size: int, reach: int) -> Ints:
    """Return how many places of an axis are within reach of each of its places."""
    place = np.arange(size)
    return np.minimum(place, reach) + np.minimum(size - 1 - place, reach) + 1


def _room(cells: Cells, radius: int) -> Ints:
    """Return the same for each cell and axis."""
    reach = _reach(cells, radius)
    columns = [
        _room_on(len(axis.values), int(steps))[codes]
        for axis, steps, codes in zip(cells.axes, reach, cells.codes.T, strict=True)
    ]
    return np.array(columns, dtype=np.int64).reshape(len(cells.axes), len(cells)).T


def _window_sums(cells: Cells, values: Floats, radius: int) -> Floats:
    """Return the sum of values over the neighbourhood of each cell; one axis at a time, for the sum over a box is separable."""
    if not cells.axes:  # one combination, without neighbours
        return values
    dense = np.zeros([len(axis.values) for axis in cells.axes])
    place = tuple(cells.codes.T)
    dense[place] = values
    for axis, reach in enumerate(_reach(cells, radius)):
        moved = np.moveaxis(dense, axis, 0)
        summed = moved.copy()
        for step in range(1, min(int(reach), len(moved) - 1) + 1):
            summed[step:] += moved[:-step]
            summed[:-step] += moved[step:]
        dense = np.moveaxis(summed, 0, axis)
    return np.asarray(dense[place], dtype=np.float64).reshape(len(cells))


def _scattered(cells: Cells, radius: int) -> Neighbourhoods:
    numeric = [index for index, axis in enumerate(cells.axes) if axis.is_numeric and len(axis.values) > 1]
    wanted = radius * _wanted(cells, len(numeric))
    near = np.full((len(cells), wanted), -1, dtype=np.int64)
    is_centre = np.zeros(len(cells), dtype=bool)
    places = cells.positions()[:, numeric]
    for group in _groups(cells):
        found = _nearest(places[group], wanted)
        is_centre[group] = _is_between(places[group], found) if found.shape[1] else False
        near[group, : found.shape[1]] = group[found]
    scores = np.append(cells.score, 0.0)  # what -1 picks
    counts = 1 + (near >= 0).sum(axis=1)
    mean = (cells.score + scores[near].sum(axis=1)) / counts
    return Neighbourhoods(cells, mean, counts, is_centre, wanted + 1, radius, near)


def _wanted(cells: Cells, parameters: int) -> int:
    """Return how many neighbours a point has: the root of all points, within limits."""
    root = math.isqrt(int(np.isfinite(cells.score).sum()))
    return max(2 * parameters, min(root, _MOST)) if parameters else 0


def _groups(cells: Cells) -> list[Ints]:
    """Return the cells that have an objective, those together that are equal in all parameters without steps."""
    defined = np.flatnonzero(np.isfinite(cells.score))
    kinds = [index for index, axis in enumerate(cells.axes) if not axis.is_numeric]
    if not kinds:
        return [defined]
    _, group = np.unique(cells.codes[defined][:, kinds], axis=0, return_inverse=True)
    group = group.reshape(-1)
    return [defined[group == number] for number in range(int(group.max(initial=-1)) + 1)]


def _nearest(places: Floats, wanted: int) -> Ints:
    """Return the nearest other points of each point, of shape (points, neighbours), the nearest first."""
    from scipy.spatial import KDTree

    size = min(wanted, len(places) - 1)
    if size < 1:
        return np.empty((len(places), 0), dtype=np.int64)
    _, found = KDTree(places).query(places, k=size + 1)
    itself = found == np.arange(len(places))[:, None]
    return np.asarray(found[~itself].reshape(len(places), size), dtype=np.int64)


def _is_between(places: Floats, near: Ints) -> Flags:
    """Return which points have, in each parameter with three values or more, a quarter of their neighbours on each side.

    Neighbours with the same value count half to each side.
    """
    is_between: Flags = np.ones(len(places), dtype=bool)
    for column in places.T:
        if len(np.unique(column)) > 2:
            sides = np.sign(column[near] - column[:, None]).sum(axis=1)
            is_between &= 2 * np.abs(sides) <= near.shape[1]
    return is_between
