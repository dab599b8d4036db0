"""The list of commands, and how one is imported when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from hookline import __version__

if TYPE_CHECKING:
    from hookline.plugins import PluginInfo

__all__ = ["command"]

# name: (module, what the module holds under which name, one line of help)
_BUILT_IN = {
    "run": ("hookline.cli.run", "run", "Run session files and write their reports."),
    "sweep": (
        "hookline.cli.sweep",
        "sweep",
        "Run a session with many values of its parameters, and show which did well.",
    ),
    "check": (
        "hookline.cli.check",
        "check",
        "Check a session file, its plugins and its data without running it.",
    ),
    "validate": (
        "hookline.cli.validate",
        "validate",
        "Test whether a backtest may be believed, and write its passport.",
    ),
    "trials": (
        "hookline.cli.trials",
        "trials",
        "List everything that was tried, by the data that it was tried on.",
    ),
    "new": ("hookline.cli.new", "new", "Write a plugin package of your own, ready to install and run."),
    "list": ("hookline.cli.listing", "list_plugins", "List the installed plugins."),
    "show": ("hookline.cli.show", "show", "Show a plugin: what it does, its parameters and its columns."),
    "schema": ("hookline.cli.schema", "schema", "Write the JSON Schema of session files, for editors."),
    "status": ("hookline.cli.status", "status", "Show a session at a glance, running or stopped."),
    "replay": (
        "hookline.cli.replay",
        "replay",
        "Run a session again on the market that it recorded, and explain every difference.",
    ),
    "resume": ("hookline.cli.resume", "resume", "End the halt of a session, running or stopped."),
    "kill": (
        "hookline.cli.kill",
        "kill",
        "Stop a session now and cancel its orders at the venue, whether or not its process lives.",
    ),
    "watchdog": (
        "hookline.cli.watchdog",
        "watchdog",
        "Watch a session from a process of its own, and stop it when it fails.",
    ),
    "checklist": (
        "hookline.cli.checklist",
        "checklist",
        "Show what a session on paper lacks before it may trade money.",
    ),
    "doctor": (
        "hookline.cli.doctor",
        "doctor",
        "Examine a venue and your account there, or a session before it trades.",
    ),
    "journal": ("hookline.cli.journal", "app", "Look at what a session did, event by event, and verify it."),
    "data": ("hookline.cli.data", "app", "Download, import, check and resample market data."),
}


def command() -> Any:
    """Return the whole command line as one command."""
    app = typer.Typer(
        cls=_Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
    )
    app.callback(invoke_without_command=True)(_root)
    return typer.main.get_command(app)


def _root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Write a trading strategy once; run it in backtests, on paper and live."""
    del debug  # taken out before the arguments are parsed, so that it may stand anywhere
    if version:
        typer.echo(f"hookline {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


class _Commands(TyperGroup):
    """Commands by name, each a placeholder until it is called. Those of plugins come after the built-in ones."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=text) for name, (_, _, text) in _BUILT_IN.items()}

    def list_commands(self, ctx: Any) -> list[str]:
        self._add_plugins()
        return super().list_commands(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            self._add_plugins()
        name, found, rest = super().resolve_command(ctx, args)
        return name, (_load(name) if name else found), rest

    def _add_plugins(self) -> None:
        for info in _plugin_commands():
            self.commands.setdefault(
                info.name, TyperCommand(info.name, help=f"Brought by {info.distribution}.")
            )


def _plugin_commands() -> list[PluginInfo]:
    from hookline.plugins import names

    return [info for info in names("commands") if info.name not in _BUILT_IN]


def _load(name: str) -> Any:
    """Import a command and return it."""
    if name not in _BUILT_IN:
        from hookline.plugins import load

        return _command_of(load("commands", name), name)
    module, attribute, _ = _BUILT_IN[name]
    found = getattr(importlib.import_module(module), attribute)
    return _command_of(found, name)


def _command_of(found: typer.Typer | Callable[..., None], name: str) -> Any:
    if not isinstance(found, typer.Typer):
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(name)(found)
        found = app
    made = typer.main.get_command(found)
    made.name = name
    return made
