"""A permutation test on arrays and frames, whose result shows itself in a terminal and in a notebook."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.errors import ConfigError, DataError
from hookline.research.statistics.permutation import PermutationTest, Scheme
from hookline.research.statistics.permutation import permutation_test as test_permutations
from hookline.research.studies.prices import bars_per_year_of

__all__ = ["Histogram", "PermutationResult", "permutation_test"]

Floats = NDArray[np.float64]
_WIDTH, _HEIGHT, _BINS = 480, 140, 48


class Histogram(NamedTuple):
    """How many orders had a figure between two edges: ``edges`` has one entry more than ``counts``."""

    counts: NDArray[np.int64]
    edges: Floats


@dataclass(frozen=True, eq=False)
class PermutationResult(PermutationTest):
    """What came of one test, to look at."""

    def histogram(self, bins: int = _BINS) -> Histogram:
        """Return the distribution of the figure over all orders, wide enough to show the true one in it."""
        known = self.null[np.isfinite(self.null)]
        everything = np.append(known, self.actual) if np.isfinite(self.actual) else known
        limits = (float(everything.min()), float(everything.max())) if len(everything) else (0.0, 1.0)
        counts, edges = np.histogram(known, bins, limits)
        return Histogram(counts.astype(np.int64), edges)

    def __str__(self) -> str:
        known = self.null[np.isfinite(self.null)]
        low, middle, high = np.quantile(known, (0.05, 0.5, 0.95)) if len(known) else (float("nan"),) * 3
        kept = f", {self.block_length:,} bars together" if self.scheme == "blocks" else ""
        return "\n".join(
            (
                f"{self.objective}: {self.actual:.4g}, p = {self.p_value:.4g}, {self.band}",
                f"{len(self.null):,} other orders ({self.scheme}{kept}) of {self.bars:,} bars",
                f"their median {middle:.4g}, nine in ten between {low:.4g} and {high:.4g}",
            )
        )

    def __repr__(self) -> str:
        return f"PermutationResult({self.objective}={self.actual:.4g}, p_value={self.p_value:.4g}, {self.band!r})"

    def _repr_html_(self) -> str:
        from html import escape

        first, *rest = str(self).splitlines()
        lines = "<br>".join(escape(line) for line in rest)
        return f"<div><p><b>{escape(first)}</b><br>{lines}</p>{_picture(self)}</div>"


def _picture(result: PermutationResult) -> str:
    """Return the histogram as SVG, with a line at the true order."""
    counts, edges = result.histogram()
    if not counts.sum():
        return ""
    span, highest = float(edges[-1] - edges[0]), int(counts.max())
    wide = _WIDTH / len(counts)
    heights = (counts / highest * _HEIGHT).tolist()
    columns = "".join(
        f'<rect x="{number * wide:.1f}" y="{_HEIGHT - height:.1f}" width="{wide - 1:.1f}" height="{height:.1f}"/>'
        for number, height in enumerate(heights)
    )
    where = (result.actual - float(edges[0])) / span * _WIDTH if span > 0.0 else _WIDTH / 2
    line = (
        f'<line x1="{where:.1f}" x2="{where:.1f}" y1="0" y2="{_HEIGHT}" stroke="#c0392b" stroke-width="2"/>'
    )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img"><title>{result.objective} by chance, and as it was</title>'
        f'<g fill="#9aa5b1">{columns}</g>{line if np.isfinite(result.actual) else ""}</svg>'
    )


def permutation_test(
    returns: Any,
    positions: Any,
    costs: Any = None,
    *,
    fee_bps: float = 0.0,
    objective: str = "sharpe",
    scheme: Scheme = "returns",
    permutations: int = 10_000,
    block_length: int | None = None,
    bars_per_year: float | None = None,
    seed: int = 0,
) -> PermutationResult:
    """Return how often chance does as well as positions: they stay, the returns are put in another order.

    Positions are those held over each bar. Of positions that are decided on closes those are the ones of the bar before: shift
    them by one, or let :meth:`hookline.run_positions(...).permutation_test` do it, which also takes costs as they were.

    >>> import numpy as np
    >>> returns = np.random.default_rng(1).normal(0.0, 0.01, 500)
    >>> permutation_test(returns, np.sign(returns), permutations=999)
    PermutationResult(sharpe=1.246, p_value=0.001, 'highly significant')

    Args:
        returns: Of each bar: an array, a Series, or for several instruments a column for each. Rows at the beginning that hold a NaN in
            returns or positions are left out.
        positions: Held over each bar, signed shares of equity, in the same shape; pandas rows must have the same index.
        costs: Fees, slippage and funding of each bar as shares of equity, positive where paid.
        fee_bps: Instead of ``costs``, what each change of a position costs.
        objective: ``mean_return``, ``total_return``, ``cagr``, ``volatility``, ``sharpe``, ``sortino``, ``calmar`` or ``max_drawdown``.
        scheme: ``returns`` puts single bars in another order, ``blocks`` whole blocks of bars, ``shifts`` moves all of them around a
            circle; see :mod:`hookline.research.statistics.permutation` for when each is right.
        permutations: How many orders.
        block_length: Bars in a block of ``blocks``; chosen from the data by default.
        bars_per_year: For figures of a year; by default as the times of a Series or frame tell, else figures are those of a bar.
        seed: Of the random orders.

    Raises:
        ConfigError: if an argument breaks its rule.
        DataError: if shapes or rows differ, or a value is not finite.
    """
    if costs is not None and fee_bps:
        raise ConfigError("permutation_test: costs and fee_bps cannot both be given")
    moves, held = _pair(returns, positions)
    paid = _fees(held, fee_bps / 1e4) if costs is None else np.asarray(costs, dtype=np.float64)
    if paid.shape != moves.shape[:1]:
        raise DataError(
            f"costs: must have one value for each of {len(moves)} bars, had the shape {paid.shape}"
        )
    first = _first_known(moves, held)
    year = bars_per_year or bars_per_year_of(returns) or 1.0
    try:
        found = test_permutations(
            moves[first:], held[first:], paid[first:], objective=objective, scheme=scheme, permutations=permutations,
            block_length=block_length, bars_per_year=year, seed=seed,
        )  # fmt: skip
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return PermutationResult(**{item.name: getattr(found, item.name) for item in dataclasses.fields(found)})


def _pair(returns: Any, positions: Any) -> tuple[Floats, Floats]:
    """Return returns and positions, a row for each bar and a column for each instrument."""
    if hasattr(returns, "index") and hasattr(positions, "index") and hasattr(positions, "to_numpy"):
        positions = _matched(returns, positions)
    moves, held = (np.array(one, dtype=np.float64) for one in (returns, positions))
    if moves.shape != held.shape or moves.ndim not in (1, 2):
        raise DataError(f"positions: must have the shape of the returns {moves.shape}, had {held.shape}")
    return moves.reshape(len(moves), -1), held.reshape(len(held), -1)


def _matched(returns: Any, positions: Any) -> Any:
    if not returns.index.equals(positions.index):
        raise DataError("positions: must have the index of the returns, had another; reindex one of them")
    if not (hasattr(returns, "columns") and hasattr(positions, "columns")):
        return positions
    if sorted(returns.columns) != sorted(positions.columns):
        raise DataError(f"positions: must be of {list(returns.columns)}, were of {list(positions.columns)}")
    return positions[list(returns.columns)]


def _fees(held: Floats, rate: float) -> Floats:
    """Return what changes of positions cost; the first is from nothing."""
    before = np.vstack([np.zeros((1, held.shape[1])), np.nan_to_num(held[:-1])])
    fees: Floats = np.abs(np.nan_to_num(held) - before).sum(axis=1) * rate
    return fees


def _first_known(moves: Floats, held: Floats) -> int:
    known = np.asarray(np.isfinite(moves).all(axis=1) & np.isfinite(held).all(axis=1))
    if not known.any():
        raise DataError("returns: there must be a bar with all returns and positions, was none")
    first = int(np.argmax(known))
    if not known[first:].all():
        row = first + int(np.argmin(known[first:]))
        raise DataError(
            f"returns and positions: must be finite after the first known row {first}, row {row} was not"
        )
    return first
