"""``hookline show``: one plugin, for a person who wants to use it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["show"]


def show(
    kind: Annotated[
        str, typer.Argument(help="Kind of plugin, such as strategy or feed.", show_default=False)
    ],
    name: Annotated[str, typer.Argument(help="Name of the plugin.", show_default=False)],
) -> None:
    """Show a plugin: what it does, its parameters and its columns."""
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.markup import escape

    from hookline.plugins import find, kind_of, load

    info = find(kind, name)
    cls = load(kind, name)
    console = Console()
    console.print(
        f"[bold]{escape(name)}[/bold]  {kind_of(kind).singular} of {escape(info.distribution)} {info.version}"
    )
    console.print(f"{info.module}.{getattr(cls, '__qualname__', name)}\n", style="dim", highlight=False)
    console.print(Markdown(_description(cls) or "It has no description."))
    if kind_of(kind).base:
        console.print(_parameters(cls))
        columns = _columns(cls, info.distribution)
        if columns:
            console.print(_table_of_columns(columns))


def _description(cls: Any) -> str | None:
    """Return the docstring of a class or function, or the help of a group of commands."""
    text = getattr(getattr(cls, "info", None), "help", None)
    return inspect.cleandoc(text) if isinstance(text, str) else inspect.getdoc(cls)


def _parameters(cls: type) -> Table | str:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from hookline.params import describe

    parameters = describe(cls)
    if not parameters:
        return "\nIt has no parameters."
    table = Table(title="\nparameters", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("parameter", "type", "default", "bounds"):
        table.add_column(heading, overflow="fold")
    table.add_column("meaning", min_width=20)
    for item in parameters:
        default = "required" if item.default is None else item.default
        table.add_row(*[escape(cell) for cell in (item.name, item.type, default, item.bounds, item.doc)])
    return table


def _columns(cls: type[Any], distribution: str) -> dict[str, str]:
    """Return what a signal strategy reads with its default parameters, by name; empty for other plugins.

    Raises:
        PluginError: if the strategy cannot say it.
    """
    from hookline.errors import PluginError
    from hookline.params import describe
    from hookline.signals import SignalStrategy, check_columns

    if not issubclass(cls, SignalStrategy) or any(item.required for item in describe(cls)):
        return {}
    from hookline.columns import Bars

    try:
        columns = check_columns(cls().columns(Bars()))
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        raise PluginError(f"{distribution}: {cls.__qualname__}: its columns raised {text}") from error
    return {name: repr(column) for name, column in columns.items()}


def _table_of_columns(columns: dict[str, str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    title = "columns at the default parameters"
    table = Table(
        "column", "expression", title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for name, expression in columns.items():
        table.add_row(escape(name), escape(expression))
    return table
