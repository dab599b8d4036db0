"""Tables and their cells for the ``hookline lmex`` commands: one description of the rows, drawn or written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Literal

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

__all__ = [
    "Column",
    "Part",
    "View",
    "age_text",
    "colored",
    "money_cell",
    "number_cell",
    "optional",
    "plain_number",
    "short",
    "side_text",
    "text_cell",
]

Row = Mapping[str, Any]
_SECOND = 1_000_000_000
_NINE = Context(prec=9)
_HIDDEN = frozenset({"time_ns"})


@dataclass(frozen=True)
class Column:
    """One column: its heading, how a row's cell reads, whether it stands at the right, and whether it gives way."""

    heading: str
    cell: Callable[[Row], str]
    is_right: bool = True
    may_wrap: bool = False


@dataclass(frozen=True)
class Part:
    """One table of a view; ``empty`` is said where there are no rows."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: str = "none"


@dataclass(frozen=True)
class View:
    """What a command shows: tables and lines below them."""

    parts: Sequence[Part]
    notes: Sequence[str] = ()

    def render(self) -> RenderableType:
        """Return the view as tables."""
        return Group(
            *(_table(part) for part in self.parts), *(Text(f" {note}", "dim") for note in self.notes)
        )

    def plain(self) -> Any:
        """Return the rows as JSON can hold them, Decimals as text; by the name of the table where there are several."""
        rows = {part.name: [_plain(row) for row in part.rows] for part in self.parts}
        return rows if len(rows) > 1 else next(iter(rows.values()))


def plain_number(value: Decimal) -> str:
    """Return a number without an exponent, to nine digits.

    >>> plain_number(Decimal("12345.50")), plain_number(Decimal("1E-5")), plain_number(Decimal("2E+3"))
    ('12,345.50', '0.00001', '2,000')
    >>> plain_number(Decimal("3250.15298571429"))
    '3,250.15299'
    """
    return f"{_NINE.create_decimal(value):,f}"


def short(value: Decimal | None) -> str:
    """Return a large number in a few characters.

    >>> short(Decimal("1234567.8")), short(Decimal(950)), short(Decimal("3.1E+9"))
    ('1.23 M', '950', '3.1 B')
    """
    if value is None:
        return ""
    for limit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if abs(value) >= limit:
            return f"{float(value) / limit:.3g} {letter}"
    return f"{float(value):.4g}"


def text_cell(name: str) -> Callable[[Row], str]:
    """Return what shows a value as it is."""
    return lambda row: escape(str(row[name]))


def number_cell(name: str, style: str = "") -> Callable[[Row], str]:
    """Return what shows a number with all its digits, and nothing where there is none."""

    def cell(row: Row) -> str:
        value = row[name]
        text = "" if value is None else plain_number(value)
        return f"[{style}]{text}[/{style}]" if style and text else text

    return cell


def money_cell(name: str) -> Callable[[Row], str]:
    """Return what shows an amount of money in hundredths."""
    return lambda row: f"{row[name]:,.2f}"


def optional(value: Decimal | None, form: str, unit: str = "") -> str:
    """Return a number in a format, empty where there is none."""
    return "" if value is None else f"{value:{form}}{unit}"


def colored(value: Decimal, form: str) -> str:
    """Return a number in the color of its sign; one that reads as zero has neither."""
    text = f"{value:{form}}"
    if not any(digit in text for digit in "123456789"):
        return f"[dim]{text.lstrip('+-')}[/dim]"
    style = "green" if value > 0 else "red"
    return f"[{style}]{text}[/{style}]"


def side_text(text: str, is_long: bool) -> str:
    """Return the word for a side in its color."""
    style = "green" if is_long else "red"
    return f"[{style}]{text}[/{style}]"


def age_text(ns: int) -> str:
    """Return a length of time in whole units.

    >>> age_text(59 * 10**9), age_text(3 * 3600 * 10**9 + 1)
    ('59 s', '3 h')
    """
    seconds = max(0, ns // _SECOND)
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _table(part: Part) -> RenderableType:
    title = escape(part.title) or None
    if not part.rows:
        return f" {title + ': ' if title else ''}{part.empty}"
    table = Table(box=SIMPLE, title=title, title_justify="left", title_style="bold", padding=(0, 1, 0, 0))
    for column in part.columns:
        side: Literal["left", "right"] = "right" if column.is_right else "left"
        table.add_column(column.heading, justify=side, no_wrap=not column.may_wrap, overflow="fold")
    for row in part.rows:
        table.add_row(*(column.cell(row) for column in part.columns))
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items() if key not in _HIDDEN}
    return format(value, "f") if isinstance(value, Decimal) else value
