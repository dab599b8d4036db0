"""Peak and plateau of a sweep.

The peak is the combination with the best objective. The plateau is the combination whose neighbourhood has the best mean objective. A
peak that falls off on all sides is more likely a product of chance than a broad top of which every point is good: the market of
tomorrow is never quite that of the sweep. The idea is old trading practice; Robert Pardo (*The Evaluation and Optimization of Trading Strategies*, 2008)
asks of a good set of parameters that its neighbours be good as well.

Rules of this file:

- The neighbourhood of a combination are those at most ``radius`` steps away in every numeric parameter, corners included, and equal in
  all others; the combination itself counts as one of them.
- A combination at the edge of the space is no centre: nobody has seen what lies beyond, and a mean over fewer cells is the best of
  many more often by luck alone. With too few values for a full neighbourhood, the middle ones are centres.
- Cells that failed, break a constraint or have no objective are not averaged, and a centre needs more than two thirds of its
  neighbourhood. So the slope along a constraint, where a third is missing, counts as an edge too.
- In a space that is not filled (random or Bayesian search, continuous ranges) the neighbours are the nearest ones, by distance with
  each parameter scaled to its range: as many as the root of all combinations, at least two for each numeric parameter and at most 50;
  times the radius. A centre has at least a quarter of them on each side of it in every parameter.
- Where no combination can be a centre, the best of those with the most neighbours is taken; the number of its neighbours
  says so.
- Of equal means the one with the better objective of its own wins, then the first in the order of the space, whatever the order of the
  rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hookline.research.plateau.cells import Cells, Ints
from hookline.research.plateau.neighbours import Neighbourhoods, neighbourhoods
from hookline.research.table import SweepTable

__all__ = ["Plateau", "find_peak", "find_plateau", "plateau_of"]

_GOOD = 0.75  # a good combination is at this quantile or above


class Plateau(NamedTuple):
    """A combination with good neighbours.

    Attributes:
        row: Its first row, as a position in the table's frame.
        mean: Mean objective of it and its neighbours.
        neighbours: First rows of the other combinations in the mean.
        objective: Its own objective.
        possible: How many neighbours a complete neighbourhood has.
        good: Share of the neighbourhood that is in the best quarter of all combinations, a fraction.
        ratio: The mean against the peak: 1 where all neighbours are as good as the peak; NaN unless both are above zero.
    """

    row: int
    mean: float
    neighbours: tuple[int, ...]
    objective: float
    possible: int
    good: float
    ratio: float


def find_peak(table: SweepTable) -> int | None:
    """Return the first row of the combination with the best objective, None where no run has one.

    The row is a position in the table's frame. Several instruments and periods count by their mean.
    """
    cells = Cells.of(table)
    return None if not np.isfinite(cells.score).any() else int(cells.rows[np.nanargmax(cells.score)])


def find_plateau(table: SweepTable, radius: int = 1) -> Plateau | None:
    """Return the centre of the neighbourhood with the best mean objective, None where no run has an objective.

    Args:
        table: A sweep; several instruments and periods count by their mean.
        radius: How many steps a neighbourhood reaches in each direction, at least 1.

    Raises:
        ValueError: if the radius is below 1.
    """
    if radius < 1:
        raise ValueError(f"radius: must be at least 1, was {radius}")
    return plateau_of(neighbourhoods(Cells.of(table), radius))


def plateau_of(found: Neighbourhoods) -> Plateau | None:
    """Return the best of neighbourhoods that are known, None where no run has an objective."""
    if not np.isfinite(found.mean).any():
        return None
    return _described(found.cells, found.members(_best(found)), found.possible)


def _best(found: Neighbourhoods) -> int:
    is_defined = np.isfinite(found.mean)
    is_allowed = is_defined & found.is_centre
    if not is_allowed.any():
        is_allowed = is_defined & (found.counts == found.counts[is_defined].max())
    mean = np.where(is_allowed, found.mean, -np.inf)
    # Sums are taken in different orders: what differs in the last digits is equal.
    close = 1e-12 * np.abs(found.mean[is_defined]).max()
    equal = mean >= mean.max() - close
    return int(np.argmax(np.where(equal, found.cells.score, -np.inf)))


def _described(cells: Cells, inside: Ints, possible: int) -> Plateau:
    sign, scores = cells.table.objective.sign, cells.score
    mean = float(scores[inside].mean()) * sign
    peak = float(np.nanmax(scores)) * sign
    ratio = float("nan")
    if mean > 0.0 and peak > 0.0:
        ratio = mean / peak if sign > 0 else peak / mean
    row, *others = (int(row) for row in cells.rows[inside])
    return Plateau(
        row=row,
        mean=mean,
        neighbours=tuple(others),
        objective=float(cells.objective[inside[0]]),
        possible=possible - 1,
        good=float((scores[inside] >= np.nanquantile(scores, _GOOD)).mean()),
        ratio=ratio,
    )
