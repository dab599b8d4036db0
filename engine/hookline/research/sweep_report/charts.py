"""Data of a sweep's charts: every combination with its values and figures, small enough to open at once.

Rules of this file:

- Up to ``NUMBERS`` numbers travel. Where all figures of all runs would be more, the later ones of the list are left out, down to
  ``FEWEST`` figures; beyond that every so many-th combination is drawn, and peak, plateau and its neighbours always.
- Numbers have five digits, which is more than a chart can show.
- What is left out is said in a note.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hookline.reporting.formats import FIGURES, count, counted, fraction, money
from hookline.research.plateau.cells import Axis, Floats, Ints
from hookline.research.sweep_report.digest import SIGNED, Digest, figure_label, value_text
from hookline.research.table import Objective

__all__ = ["chart_data"]

NUMBERS = 400_000
FEWEST = 5

_FORMATS: dict[Callable[[float], str], str] = {fraction: "fraction", money: "money", count: "count"}
_KINDS = {figure.name: _FORMATS.get(figure.text, "number") for block in FIGURES for figure in block}


def chart_data(digest: Digest) -> dict[str, Any]:
    """Return everything that the page's script draws.

    Cells are combinations; ``runs`` holds for each figure one list for each instrument and period, null where there is none.
    """
    drawn, figures = _chosen(digest)
    number = {int(cell): index for index, cell in enumerate(drawn)}
    axes = zip(digest.cells.axes, digest.cells.codes[drawn].T, digest.labels, strict=True)
    parameters, codes = zip(*(_parameter(*each) for each in axes), strict=True) if digest.labels else ([], [])
    return {
        "parameters": parameters,
        "figures": [_figure(name) for name in figures],
        "sets": [digest.set_text(one) for one in digest.cells.sets],
        "codes": codes,
        "runs": _runs(digest, drawn, figures),
        "around": _short(digest.around[drawn]),
        "peak": number.get(-1 if digest.peak is None else digest.peak),
        "plateau": number.get(-1 if digest.center is None else digest.center),
        "members": [number[cell] for cell in digest.members],
        "grid": digest.is_grid,
        "main": [name for name in digest.main_figures if name in figures],
        "note": _note(digest, drawn, figures),
    }


def _chosen(digest: Digest) -> tuple[Ints, list[str]]:
    """Return the combinations and the figures that are drawn."""
    cells, figures = digest.cells, digest.figures
    runs = max(1, len(cells) * len(cells.sets))
    shown = figures[: max(FEWEST, NUMBERS // runs)]
    step = max(1, -(-runs * len(shown) // NUMBERS))
    chosen = [cell for cell in (digest.peak, *digest.members) if cell is not None]
    return np.unique(
        np.concatenate([np.arange(0, len(cells), step), np.array(chosen, dtype=np.int64)])
    ), shown


def _note(digest: Digest, drawn: Ints, figures: list[str]) -> str:
    size, parts = len(digest.cells), []
    if len(drawn) < size:
        parts.append(f"Drawn from {len(drawn):,} of {counted(size, 'combination')}, evenly over the space.")
    if len(figures) < len(digest.figures):
        parts.append(
            f"The page holds {len(figures)} of {len(digest.figures)} figures; the table of the sweep has all."
        )
    return " ".join(parts)


def _parameter(axis: Axis, codes: Ints, label: str) -> tuple[dict[str, Any], list[int]]:
    """Return a parameter and the index of each cell's value: among its texts, or its numbers where it is continuous."""
    found = {"label": label, "numeric": axis.is_numeric, "log": axis.is_log, "texts": None, "numbers": None}
    if not axis.is_continuous:
        return {**found, "texts": [value_text(value) for value in axis.values]}, codes.tolist()
    used, index = np.unique(codes, return_inverse=True)
    numbers = np.array(axis.values, dtype=np.float64)[used]
    return {**found, "numbers": _short(numbers)}, index.reshape(-1).tolist()


def _figure(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": figure_label(name),
        "kind": _KINDS.get(name, "number"),
        "sign": Objective(name).sign,
        "signed": name in SIGNED,
    }


def _runs(digest: Digest, drawn: Ints, figures: list[str]) -> dict[str, list[list[float | None]]]:
    cells, frame = digest.cells, digest.table.frame
    found = {}
    for name in figures:
        grid = np.full((len(cells.sets), len(cells)), np.nan)
        grid[cells.set_of, cells.cell_of] = frame[name].to_numpy(dtype=np.float64)
        found[name] = [_short(row) for row in grid[:, drawn]]
    return found


def _short(values: Floats) -> list[float | None]:
    """Return values with five digits, whole ones without a point; None where there is none."""
    found: list[float | None] = []
    for value in values.tolist():
        number = float(f"{value:.5g}")
        finite = np.isfinite(value)
        found.append(
            (int(number) if number.is_integer() and abs(number) < 1e15 else number) if finite else None
        )
    return found
