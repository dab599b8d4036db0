"""A result in a terminal, as plain text and in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from hookline.clock import isoformat
from hookline.reporting.formats import FIGURES, Figure, counted, duration
from hookline.reporting.metrics import CurveMetrics
from hookline.reporting.ratings import Rating

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hookline.reporting.result import Result

__all__ = ["Row", "columns_of", "headline", "html_summary", "rich_summary", "rows_of", "text_summary"]

_STYLES = {Rating.GOOD: "green", Rating.ACCEPTABLE: "yellow", Rating.WARNING: "red"}
_COLORS = {Rating.GOOD: "#1a7f4b", Rating.ACCEPTABLE: "#9a6b00", Rating.WARNING: "#c0392b"}


class Row(NamedTuple):
    """One line of the table: a label, a text for each column and the rating of the first."""

    label: str
    values: tuple[str, ...]
    rating: Rating | None


def columns_of(result: Result) -> dict[str, CurveMetrics]:
    """Return what stands side by side: the run, buy and hold and, if there is one, the benchmark."""
    columns: dict[str, CurveMetrics] = {
        "strategy": result.metrics,
        "buy and hold": result.buy_and_hold.metrics,
    }
    if result.benchmark is not None:
        columns[result.benchmark.record.name] = result.benchmark.metrics
    return columns


def rows_of(result: Result) -> list[list[Row]]:
    """Return the lines of the table in blocks."""
    columns = list(columns_of(result).values())
    ratings = result.ratings
    return [
        [Row(figure.label, _texts(figure, columns), ratings.get(figure.name)) for figure in block]
        for block in FIGURES
    ]


def _texts(figure: Figure, columns: list[CurveMetrics]) -> tuple[str, ...]:
    # Buy and hold has no round trips: its cell is empty, not "n/a".
    return tuple(
        figure.text(getattr(metrics, figure.name)) if hasattr(metrics, figure.name) else ""
        for metrics in columns
    )


def headline(result: Result) -> str:
    """Return what ran and over which period, in one line."""
    record, metrics = result.record, result.metrics
    if not metrics.bars:
        return f"{record.name} ({record.mode}): no bars"
    period = f"{isoformat(result.start)} to {isoformat(result.end)}"
    return f"{record.name} ({record.mode}): {period}, {duration(metrics.period_seconds)}, {counted(metrics.bars, 'bar')}"


def rich_summary(result: Result) -> RenderableType:
    """Return a table and the warnings, for printing with rich."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(headline(result)), title_justify="left", title_style="bold")
    table.add_column(f"in {result.record.currency}")
    for name in columns_of(result):
        table.add_column(Text(name), justify="right")
    table.add_column("rating")
    for block in rows_of(result):
        for row in block:
            style = _STYLES[row.rating] if row.rating else ""
            first, *others = row.values
            rating = Text(row.rating or "", style=style)
            table.add_row(row.label, Text(first, style=style), *map(Text, others), rating)
        table.add_section()
    if not result.warnings:
        return table
    # Text, not markup: warnings may hold names that a user wrote, brackets included.
    panel = Panel(
        Text("\n".join(result.warnings)), title="warnings", title_align="left", border_style="yellow"
    )
    return Group(table, panel)


def text_summary(result: Result) -> str:
    """Return the table and the warnings as plain text."""
    names = list(columns_of(result))
    blocks = rows_of(result)
    widths = [
        max(len(name), *(len(row.values[column]) for block in blocks for row in block))
        for column, name in enumerate(names)
    ]
    left = max(len(row.label) for block in blocks for row in block)

    def line(label: str, values: tuple[str, ...], note: str = "") -> str:
        cells = "  ".join(value.rjust(width) for value, width in zip(values, widths, strict=True))
        return f"{label.ljust(left)}  {cells}  {note}".rstrip()

    lines = [headline(result), "", line(f"in {result.record.currency}", tuple(names))]
    for block in blocks:
        lines += ["", *(line(row.label, row.values, row.rating or "") for row in block)]
    if result.warnings:
        lines += ["", "Warnings", *(f"- {warning}" for warning in result.warnings)]
    return "\n".join(lines)


def html_summary(result: Result) -> str:
    """Return the table and the warnings as HTML for a notebook."""
    names = [f"in {result.record.currency}", *columns_of(result), "rating"]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = []
    for row in (row for block in rows_of(result) for row in block):
        color = f' style="color:{_COLORS[row.rating]}"' if row.rating else ""
        first, *others = (escape(value) for value in row.values)
        cells = f"<td{color}>{first}</td>" + "".join(f"<td>{value}</td>" for value in others)
        body.append(f"<tr><td>{escape(row.label.strip())}</td>{cells}<td{color}>{row.rating or ''}</td></tr>")
    warnings = "".join(f"<li>{escape(warning)}</li>" for warning in result.warnings)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    note = f"<p>Warnings</p><ul>{warnings}</ul>" if warnings else ""
    return f"<div><p><b>{escape(headline(result))}</b></p>{table}{note}</div>"
