"""What the ``hookline data`` commands print."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from hookline.clock import isoformat
from hookline.data.catalogue import CatalogueEntry, WriteCount
from hookline.data.check import CheckReport, Finding

__all__ = ["check_lines", "count_table", "info_table"]


def info_table(entries: Sequence[CatalogueEntry]) -> Table:
    """Return what a catalogue holds, one row for each file."""
    table = Table(box=None)
    for name in ("symbol", "timeframe"):
        table.add_column(name, no_wrap=True)
    for name in ("bars", "first", "last", "kB"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in entries:
        if entry.problem:
            table.add_row(escape(entry.symbol), escape(entry.timeframe), "[red]unusable[/red]")
            continue
        size = f"{entry.size_bytes / 1000:,.0f}"
        first, last = isoformat(entry.first), isoformat(entry.last)
        table.add_row(escape(entry.symbol), entry.timeframe, f"{entry.bars:,}", first, last, size)
    return table


def count_table(counts: Sequence[tuple[str, str, WriteCount]]) -> Table:
    """Return what was written: symbol, timeframe, bars added, already there, and replaced."""
    table = Table(box=None)
    for name in ("symbol", "timeframe"):
        table.add_column(name, no_wrap=True)
    for name in ("added", "there already", "replaced"):
        table.add_column(name, justify="right", no_wrap=True)
    for symbol, timeframe, count in counts:
        table.add_row(escape(symbol), timeframe, f"{count.added:,}", f"{count.same:,}", f"{count.replaced:,}")
    return table


def check_lines(report: CheckReport, allowed: frozenset[str]) -> RenderableType:
    """Return a report as text: what the bars are, then every kind of problem with its first rows."""
    span = f"{isoformat(report.first)} to {isoformat(report.last)}"
    head = f"[bold]{escape(report.symbol)} {report.timeframe}[/bold] {report.bars:,} bars, {span} ({escape(report.source)})"
    facts = [f"tick size {report.tick_size:f}", f"{report.zero_volume:,} bars without volume"]
    if report.largest_move is not None and report.largest_move_time is not None:
        facts.append(f"largest move {report.largest_move:.4f} (log) at {isoformat(report.largest_move_time)}")
    if report.longest_gap is not None:
        longest = report.longest_gap
        facts.append(
            f"{report.missing:,} bars missing, {longest.missing:,} of them from {isoformat(longest.start)}"
        )
    lines = [head, "  " + "; ".join(facts)]
    for finding in report.findings:
        lines += _finding_lines(finding, finding.kind in allowed)
    if not report.findings:
        lines.append("  [green]no problems[/green]")
    return Group(*lines)


def _finding_lines(finding: Finding, is_allowed: bool) -> list[str]:
    style, note = ("dim", " (allowed)") if is_allowed else ("red", "")
    lines = [f"  [{style}]{finding.kind}: {finding.count:,}[/{style}]{note}; {escape(finding.rule)}"]
    lines += [f"    {escape(row)}" for row in finding.first]
    if finding.count > len(finding.first):
        lines.append(f"    and {finding.count - len(finding.first):,} more")
    return lines
