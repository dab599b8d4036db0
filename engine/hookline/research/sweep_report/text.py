"""A sweep in a terminal: plateau and peak, the best combinations, and what to know before believing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hookline.reporting.formats import counted, fraction, number
from hookline.research.sweep_report.digest import Digest, figure_label, figure_text
from hookline.research.table import SweepTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType

__all__ = ["SweepText", "render"]

BEST = 10
_ERRORS = 5
_MARKS = 2  # columns before the parameters: rank and mark
_GAP = 2  # between columns, the divider of the box counted


def render(table: SweepTable, radius: int = 1) -> RenderableType:
    """Return a sweep for printing with rich; the wider the console, the more figures are shown.

    Args:
        table: The sweep.
        radius: Steps that a neighbourhood reaches to each side.
    """
    return SweepText(Digest(table, radius))


class _Line(NamedTuple):
    cells: tuple[str, ...]
    style: str = ""


class SweepText:
    """A sweep that fills the width it is given.

    Args:
        digest: The sweep, looked through.
    """

    def __init__(self, digest: Digest) -> None:
        self.digest = digest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        yield Text(self.digest.headline(), style="bold")
        if self.digest.peak is not None:
            yield self._table(options.max_width)
            yield from self._advice(options.max_width)
        else:
            yield Text("No run has an objective.")
        yield from self._failures()
        yield from self._cautions()

    def _table(self, width: int) -> RenderableType:
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        heads, lines, left = self._fitted(width)
        table = Table(box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False)
        for index, head in enumerate(heads):
            table.add_column(Text(head), justify="left" if index == 1 else "right", no_wrap=True)
        for index, line in enumerate(lines):
            table.add_row(*map(Text, line.cells), style=line.style, end_section=index == self._chosen - 1)
        notes = [f"{left} have no room here"] if left else []
        if any(self.digest.around_text(cell).startswith("(") for cell in self._cells()):
            notes.append("around: mean with its neighbours, (in parentheses) at an edge of the space")
        return Group(table, *(Text(note, style="dim") for note in notes))

    @property
    def _chosen(self) -> int:
        """How many lines stand above the best ones: none where plateau and peak are one, which is the first of those."""
        return 0 if self.digest.center == self.digest.peak else 2

    def _rows(self) -> list[tuple[str, int]]:
        """Return rank and combination of each line: plateau, peak, then the best."""
        digest = self.digest
        rank = {int(cell): f"{index:,}" for index, cell in enumerate(digest.order, start=1)}
        chosen = [cell for cell in (digest.center, digest.peak) if cell is not None][: self._chosen]
        return [(rank[cell], cell) for cell in [*chosen, *digest.order[:BEST].tolist()]]

    def _columns(self) -> tuple[list[list[str]], list[list[str]]]:
        """Return the columns of the parameters and of the figures, each with its head first."""
        digest, cells = self.digest, [cell for _, cell in self._rows()]
        values = [digest.values(cell) for cell in cells]
        parameters = [[label, *(row[index] for row in values)] for index, label in enumerate(digest.labels)]
        around = ["around", *map(digest.around_text, cells)]
        figures = []
        for name in digest.figures:
            means = digest.cells.mean(name)
            figures.append([figure_label(name), *(figure_text(name, means[cell]) for cell in cells)])
        return parameters, [figures[0], around, *figures[1:]]

    def _fitted(self, width: int) -> tuple[list[str], list[_Line], str]:
        """Return heads, lines, and what was left out for lack of room."""
        parameters, figures = self._columns()
        marks = [["#", *(rank for rank, _ in self._rows())], ["", *map(self._mark, self._cells())]]
        room = width - sum(map(_width, marks))
        # The objective and its neighbourhood come first, then the parameters, then other figures.
        room -= sum(map(_width, figures[:2]))
        shown, room = _taken(parameters, room)
        more, _ = (
            _taken(figures[2 : len(self.digest.main_figures) + 1], room) if shown == parameters else ([], 0)
        )
        columns = [*marks, *shown, *figures[:2], *more]
        heads, *rows = zip(*columns, strict=True)
        styles = [*(["bold green", "yellow"] if self._chosen else ["bold green"]), *[""] * len(rows)]
        lines = [_Line(row, style) for row, style in zip(rows, styles, strict=False)]
        left = len(parameters) - len(shown)
        return list(heads), lines, counted(left, "parameter") if left else ""

    def _cells(self) -> list[int]:
        return [cell for _, cell in self._rows()]

    def _mark(self, cell: int) -> str:
        names = [
            name
            for name, chosen in (("plateau", self.digest.center), ("peak", self.digest.peak))
            if cell == chosen
        ]
        return ", ".join(names)

    def _advice(self, width: int) -> Iterator[RenderableType]:
        from rich.text import Text

        digest, plateau = self.digest, self.digest.plateau
        if plateau is None or digest.center is None or digest.peak is None:
            return
        if plateau.neighbours:
            metric = digest.table.objective.metric
            is_advised = digest.has_plateau and not digest.is_losing
            advice = "Prefer the plateau" if is_advised else "The plateau"
            text = (
                f"{advice}: mean {figure_label(metric)} {figure_text(metric, plateau.mean)} over it and its neighbours "
                f"({len(plateau.neighbours)} of {plateau.possible}); {fraction(plateau.good)} of these are in the best quarter; plateau "
                f"to peak {number(plateau.ratio)}."
            )
            yield Text(text, style="green" if is_advised else "")
        if digest.table.parameters:
            options = digest.settings(digest.center)
            line = f"To run it: {' '.join(options)}"
            fits = len(line) <= width
            yield Text(line if fits else "To run it:\n  " + " \\\n  ".join(options), style="dim")

    def _failures(self) -> Iterator[RenderableType]:
        from rich.text import Text

        failures = self.digest.failures
        for error, size in failures[:_ERRORS]:
            yield Text(f"{counted(size, 'run')} failed: {error}", style="red")
        if len(failures) > _ERRORS:
            yield Text(f"and {counted(len(failures) - _ERRORS, 'other error')}", style="red")

    def _cautions(self) -> Iterator[RenderableType]:
        from rich.panel import Panel
        from rich.text import Text

        # Text, not markup: notices may hold names that a user wrote, brackets included.
        lines = Text("\n".join(self.digest.cautions()))
        if lines:
            title = "worth knowing" if self.digest.peak is None else "before you believe this"
            yield Panel(lines, title=title, title_align="left", border_style="yellow")


def _width(column: list[str]) -> int:
    return max(map(len, column)) + _GAP


def _taken(columns: list[list[str]], room: int) -> tuple[list[list[str]], int]:
    """Return the first columns, as many as there is room for, and the room that is left."""
    taken = []
    for column in columns:
        if _width(column) > room:
            break
        room -= _width(column)
        taken.append(column)
    return taken, room
