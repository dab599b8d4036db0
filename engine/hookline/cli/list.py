"""``hookline list``: the installed plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hookline.cli import EXIT_BUG

if TYPE_CHECKING:
    from hookline.plugins import PluginInfo

__all__ = ["list_plugins"]


def list_plugins(
    kind: Annotated[
        str | None, typer.Argument(help="One kind only, such as strategies.", show_default=False)
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Import every plugin and say whether it is sound.")
    ] = False,
) -> None:
    """List the installed plugins. Nothing is imported unless --check is given."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from hookline.plugins import KINDS, kind_of, names

    kinds = list(KINDS) if kind is None else [kind_of(kind).name]
    found = [info for name in kinds for info in names(name)]
    table = Table("kind", "name", "brought by", *(["state"] if check else []))
    states = [_state(info) for info in found] if check else []
    for number, info in enumerate(found):
        row = [KINDS[info.kind].singular, info.name, f"{info.distribution} {info.version}".strip()]
        table.add_row(*[escape(cell) for cell in row], *([escape(states[number] or "ok")] if check else []))
    Console().print(
        table if found else f"no {'plugin' if kind is None else kind_of(kind).singular} is installed"
    )
    if any(states):
        raise typer.Exit(EXIT_BUG)


def _state(info: PluginInfo) -> str:
    """Return what is wrong with a plugin, an empty text if nothing is."""
    from hookline.errors import PluginError
    from hookline.plugins import KINDS, load, schema

    try:
        if KINDS[info.kind].base:
            schema(info.kind, info.name)
        else:
            load(info.kind, info.name)
    except PluginError as error:
        return str(error)
    return ""
