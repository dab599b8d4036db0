"""``hookline list``: the installed plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

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
    """List the installed plugins.

    Nothing is imported unless --check is given.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from hookline.errors import PluginError
    from hookline.plugins import KINDS, kind_of, names

    kinds = list(KINDS) if kind is None else [kind_of(kind).name]
    found = [info for name in kinds for info in names(name)]
    wrong = {info: text for info in found if (text := _state(info))} if check else {}
    table = Table("kind", "name", "brought by", *(["state"] if check else []), box=SIMPLE_HEAD)
    for info in found:
        row = [KINDS[info.kind].singular, info.name, f"{info.distribution} {info.version}".strip()]
        state = ["[red]broken[/red]" if info in wrong else "ok"] if check else []
        table.add_row(*[escape(cell) for cell in row], *state)
    Console().print(
        table if found else f"no {'plugin' if kind is None else kind_of(kind).singular} is installed"
    )
    if wrong:
        raise PluginError("\n".join(dict.fromkeys(wrong.values())))


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
