"""A passport in a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from hookline.clock import isoformat
from hookline.research.passport.words import WORDS, headline, label_of, values_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hookline.research.passport.document import Passport

__all__ = ["render", "text"]

_MARKS = {
    "pass": "[green]pass[/green]",
    "fail": "[bold red]FAIL[/bold red]",
    "unknown": "[yellow]unknown[/yellow]",
    "note": "[cyan]note[/cyan]",
    "skip": "[dim]not needed[/dim]",
}
_LEAKS = {"look_ahead": "Look-ahead", "warm_up": "Warm-up"}
_MOST_LINES = 8  # of each check
_COLORS = {"pass": "green", "fail": "red", "incomplete": "yellow"}


def render(passport: Passport) -> RenderableType:
    """Return a passport for a terminal: the verdict, each test, and what those that are not passed mean."""
    verdict = passport.verdict
    period = " to ".join(time[:10] for time in passport.session.get("period", ()))
    symbols = ", ".join(passport.session.get("symbols", ()))
    parts: list[RenderableType] = [
        f"[bold]{escape(passport.name)}[/bold]  {escape(symbols)} {escape(str(passport.session.get('timeframe', '')))}, {period}",
        f"[bold {_COLORS[verdict]}]{WORDS[verdict]}[/bold {_COLORS[verdict]}]  {escape(headline(passport))}",
        _tests(passport),
        *_windows(passport),
        *_meanings(passport),
        *_leaks(passport),
        *(Padding(f"[dim]{escape(one)}[/dim]", (0, 1, 0, 2)) for one in passport.notices),
    ]
    return Group(*parts)


def _tests(passport: Passport) -> Table:
    table = Table(box=SIMPLE_HEAD, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column(ratio=1)
    for check in passport.checks:
        needed = (
            f"[dim] (needed: {escape(check.needed)})[/dim]" if check.state == "fail" and check.needed else ""
        )
        table.add_row(_MARKS[check.state], escape(check.title), f"{escape(check.found)}{needed}")
    return table


def _windows(passport: Passport) -> list[RenderableType]:
    """Return what was chosen in each window of the rolling walk forward, nothing where nothing varied."""
    walked = passport.section("walk_forward").get("rolling")
    if not walked or not any(step["values"] for step in walked["steps"]):
        return []
    metric = str(walked["metric"])
    table = Table(
        "judged on", "chosen before", f"{label_of(metric)} in", "out", "return", title="walk forward, rolling", title_justify="left",
        box=SIMPLE_HEAD, title_style="bold", padding=(0, 1, 0, 0),
    )  # fmt: skip
    for column in table.columns[2:]:
        column.justify = "right"
    for step in walked["steps"]:
        window = step["window"]
        table.add_row(
            f"{window['test_since'][:10]} to {window['test_until'][:10]}", escape(values_text(step["values"])),
            _number(step["in_sample"]), _number(step["out_of_sample"]), f"{100.0 * step['total_return']:+.1f} %",
        )  # fmt: skip
    return [table]


def _number(value: float | None) -> str:
    return "n/a" if value is None or value != value else f"{value:.2f}"  # noqa: PLR0124


def _meanings(passport: Passport) -> list[RenderableType]:
    """Return what it means that tests were not passed; those that mean the same say it once."""
    titles: dict[str, list[str]] = {}
    for check in passport.checks:
        if check.state in {"fail", "unknown"}:
            titles.setdefault(check.meaning, []).append(check.title)
    return [
        Padding(f"[bold]{escape('; '.join(names))}[/bold]: {escape(meaning)}", (0, 1, 0, 2))
        for meaning, names in titles.items()
    ]


def _leaks(passport: Passport) -> list[RenderableType]:
    """Return what the checks of leaks found, and what they could not look at."""
    parts: list[RenderableType] = []
    for name in ("look_ahead", "warm_up"):
        data = passport.section(name)
        lines = [f"{one['where']}: {one['text']}" for one in data.get("findings", ())]
        if name == "look_ahead":
            lines += [f"could not be checked: {line}" for line in data.get("unseen", ())]
        more = len(lines) - _MOST_LINES
        lines = [*lines[:_MOST_LINES], *([f"and {more:,} more on the page"] if more > 0 else [])]
        title = _LEAKS[name]
        parts += [Padding(f"[bold]{title}[/bold]: {escape(line)}", (0, 1, 0, 2)) for line in lines]
    return parts


def text(passport: Passport) -> str:
    """Return a passport as plain text, a hundred columns wide."""
    buffer = io.StringIO()
    console = Console(file=buffer, width=100, color_system=None)
    console.print(render(passport))
    console.print(f"made {isoformat(passport.created)}", highlight=False)
    return buffer.getvalue()
