"""Where a history is cut: what a choice may see, and what it is judged on.

Rules of this file:

- Cuts are by time, never at random: a shuffled history lets a choice see its own future.
- Bars start in ``[since, until)``, nanoseconds UTC. Test stretches follow each other without gap or overlap, so that they make one
  history out of sample; no bar is ever both in a training stretch and in the test stretch behind it.
- An embargo is taken from the end of the training stretch: what a column remembers of the bars before a test stretch, or a position
  that was still open there, then has no part in the choice.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.errors import ConfigError
from hookline.model import BarSeries

__all__ = ["Kind", "Window", "split_at", "starts_of", "walk_forward_windows"]

Kind = Literal["rolling", "expanding"]
_FEWEST = 2


class Window(NamedTuple):
    """A training stretch and the test stretch behind it; each is ``[since, until)`` of bar starts, nanoseconds UTC."""

    train_since: int
    train_until: int
    test_since: int
    test_until: int


def starts_of(series: Sequence[BarSeries]) -> NDArray[np.int64]:
    """Return the starts of the bars of all series, rising, each once."""
    return np.unique(np.concatenate([one.start for one in series]))


def split_at(starts: NDArray[np.int64], train_fraction: float = 0.7, embargo: int = 0) -> Window:
    """Return one cut: the first part to choose on, the rest to judge.

    >>> split_at(np.arange(10), 0.7)
    Window(train_since=0, train_until=7, test_since=7, test_until=10)
    >>> split_at(np.arange(10), 0.7, embargo=2)
    Window(train_since=0, train_until=5, test_since=7, test_until=10)

    Args:
        starts: Starts of the bars, rising, nanoseconds UTC.
        train_fraction: Share of the bars before the cut.
        embargo: Bars left out at the end of the training stretch.

    Raises:
        ConfigError: if a stretch would have fewer than two bars.
    """
    return _windows(starts, [round(len(starts) * train_fraction), len(starts)], None, embargo)[0]


def walk_forward_windows(
    starts: NDArray[np.int64],
    kind: Kind = "rolling",
    *,
    windows: int = 6,
    train_fraction: float = 0.4,
    embargo: int = 0,
) -> list[Window]:
    """Return the windows of a walk forward.

    What follows the first training stretch is cut into test stretches of equal length, up to a bar. A rolling training stretch keeps
    its length, an expanding one begins with the history.

    >>> [one[:2] for one in walk_forward_windows(np.arange(10), "rolling", windows=3)]
    [(0, 4), (2, 6), (4, 8)]
    >>> [one[:2] for one in walk_forward_windows(np.arange(10), "expanding", windows=3)]
    [(0, 4), (0, 6), (0, 8)]
    >>> [one[2:] for one in walk_forward_windows(np.arange(10), windows=3)]
    [(4, 6), (6, 8), (8, 10)]

    Args:
        starts: Starts of the bars, rising, nanoseconds UTC.
        kind: How the training stretch moves.
        windows: How many.
        train_fraction: Share of the bars in the first training stretch.
        embargo: Bars left out at the end of each training stretch.

    Raises:
        ConfigError: if a stretch would have fewer than two bars.
    """
    first = round(len(starts) * train_fraction)
    cuts = [first + round(number * (len(starts) - first) / windows) for number in range(windows + 1)]
    return _windows(starts, cuts, first if kind == "rolling" else None, embargo)


def _windows(
    starts: NDArray[np.int64], cuts: Sequence[int], length: int | None, embargo: int
) -> list[Window]:
    """Return a window for each cut but the last, which is the end; a training stretch without a length begins with the history."""
    made = []
    for cut, end in itertools.pairwise(cuts):
        begin = 0 if length is None else cut - length
        if cut - embargo - begin < _FEWEST or end - cut < _FEWEST:
            raise ConfigError(
                f"validation: each window must have at least {_FEWEST} bars to choose on and {_FEWEST} to judge, "
                f"there are {len(starts):,} bars for {len(cuts) - 1} windows with an embargo of {embargo}"
            )
        made.append(
            Window(
                int(starts[begin]),
                int(starts[cut - embargo]),
                int(starts[cut]),
                int(starts[end]) if end < len(starts) else int(starts[-1]) + 1,
            )
        )
    return made
