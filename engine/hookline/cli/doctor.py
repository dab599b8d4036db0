"""``hookline doctor``: examine a venue, an account, and a session before it trades."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookline.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from hookline.diagnosis import Finding
    from hookline.session.examining import Examination

__all__ = ["doctor"]

_EXITS = {"ok": 0, "warn": 1, "fail": 2}
_MARKS = {"ok": "[green]ok[/green]", "warn": "[yellow]warn[/yellow]", "fail": "[bold red]FAIL[/bold red]"}
_SUFFIXES = {".yaml", ".yml"}


def doctor(
    target: Annotated[
        str, typer.Argument(help="A broker such as lmex, or a session file.", show_default=False)
    ],
    symbol: Annotated[
        list[str] | None,
        typer.Option("--symbol", "-s", help="With a broker: a market to look at; repeat for more."),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="With a broker: a parameter of it.", metavar="NAME=VALUE"),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="With a session: change a value.", metavar="ADDRESS=VALUE"),
    ] = None,
    bars: Annotated[
        int, typer.Option(help="With a session: how many of the last bars it is rehearsed on.", min=2)
    ] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Examine a venue and your account there, or a session before it trades.

    Nothing is sent that could change anything.

    For a broker: whether the venue answers and how quickly, clock, key, permissions, balances,
    settings, rules of markets. What needs no key is examined without one.

    For a session file all that for its markets, and its strategies are rehearsed on the last bars:
    orders that the venue would refuse today, the largest position, its margin, where it is
    liquidated, funding, fees, requests a second.

    Exit code 0 if all is well, 1 if there are warnings, 2 if something keeps it from trading.

    For example: hookline doctor lmex --symbol BTC-PERP
    """
    from rich.console import Console

    console = Console()
    is_file = Path(target).suffix in _SUFFIXES or Path(target).is_file()
    wait = nullcontext() if as_json or not console.is_terminal else console.status("examining")
    with wait:
        examination = (
            _session(Path(target), changes, bars, (symbol, param))
            if is_file
            else _broker(target, symbol, param, changes)
        )
    if as_json:
        typer.echo(json.dumps(_plain(target, examination), allow_nan=False))
    else:
        _show(console, examination)
    raise typer.Exit(_EXITS[examination.state])


def _session(
    file: Path, changes: list[str] | None, bars: int, others: tuple[list[str] | None, ...]
) -> Examination:
    from hookline.session.environment import lend_variables
    from hookline.session.examining import examine_session
    from hookline.session.loader import load_session

    if any(others):
        raise ConfigError(f"--symbol and --param: are for a broker; for {file} say --set")
    config = load_session(file, changes or ())
    lend_variables(file)
    return examine_session(config, bars)


def _broker(
    name: str, symbols: list[str] | None, said: list[str] | None, changes: list[str] | None
) -> Examination:
    from hookline.params import PluginUse
    from hookline.session.examining import examine_broker
    from hookline.session.yaml_loader import parse

    if changes:
        raise ConfigError(f"--set: is for a session file; for the broker {name} say --param")
    params = {}
    for one in said or ():
        key, separator, text = one.partition("=")
        if not (separator and key.isidentifier()):
            raise ConfigError(f"--param {one}: must be NAME=VALUE, such as rest_url=http://127.0.0.1:8080")
        params[key] = parse(text, f"--param {one}", {}, is_file=False).data
    return examine_broker(PluginUse(name, params), symbols or ())


def _plain(target: str, examination: Examination) -> dict[str, Any]:
    """Return an examination as values that JSON can hold."""
    return {
        "target": target,
        "title": examination.title,
        "state": examination.state,
        "venue": [asdict(one) for one in examination.venue],
        "session": [asdict(one) for one in examination.session],
    }


def _show(console: Console, examination: Examination) -> None:
    findings = [*examination.venue, *examination.session]
    console.print(
        _table(
            f"venue of {examination.title}" if examination.session else examination.title, examination.venue
        )
    )
    if examination.session:
        console.print(_table(f"session {examination.title}, rehearsed", examination.session))
    counts = {state: sum(one.state == state for one in findings) for state in _EXITS}
    if examination.state == "ok":
        console.print(f"[green]All is well[/green]: {counts['ok']} examined.")
    else:
        said = [f"{counts['fail']} failed", f"{counts['warn']} with a warning", f"{counts['ok']} well"]
        console.print(f"{', '.join(said)}.", highlight=False)


def _table(title: str, findings: Sequence[Finding]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "", "what", "found", title=f"[bold]{escape(title)}[/bold]", title_justify="left", box=SIMPLE_HEAD,
        show_header=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    table.columns[1].no_wrap = True
    for one in findings:
        fix = f"\n[cyan]→ {escape(one.fix)}[/cyan]" if one.fix and one.state != "ok" else ""
        table.add_row(_MARKS[one.state], escape(one.name), f"{escape(one.text)}{fix}")
    return table
