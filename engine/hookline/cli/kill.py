"""``hookline kill``: stop a session now, and withdraw it from its venues."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookline.errors import ConfigError

if TYPE_CHECKING:
    from hookline.session.emergency import Target, Withdrawal

__all__ = ["kill"]

EXIT_LEFT = 1
_WORD = "KILL"
_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0


def kill(
    session: Annotated[
        Path,
        typer.Argument(
            help="A session file, the folder of its output, or its name under runs/.", show_default=False
        ),
    ],
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Close every position at the market as well.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept in the journal.")] = "by hand",
) -> None:
    """Stop a session now and cancel its orders at the venue, whether or not its process lives.

    The session is asked to halt and to stop. Then, on a connection of its own, this command cancels every order of the account
    in the session's symbols, also those that nobody of this session has sent and those that protect positions. Positions stay
    as they are unless --flatten closes them; on spot it sells all that the account holds of the base currency. The session does not trade again until hookline resume says so.

    Exit code 0 only if nothing is left.

    For example: hookline kill runs/demo --flatten
    """
    from hookline.session.emergency import process_of, target_of

    logging.getLogger("hookline").addHandler(
        logging.NullHandler()
    )  # each thing done is a line of this command
    target = target_of(session)
    for note in target.notes:
        typer.echo(f"note: {note}", err=True)
    process = process_of(target.folder)
    if not target.legs and process is None:
        typer.echo(f"{target.name} trades on {target.mode} and does not run; nothing to do")
        return
    if not yes:
        _confirm(target, process, flatten=flatten)
    raise typer.Exit(asyncio.run(_kill(target, reason, flatten=flatten)))


def _confirm(target: Target, process: int | None, *, flatten: bool) -> None:
    """Show what will happen and have it confirmed by a word.

    Raises:
        ConfigError: if nobody is there to be asked, or the answer is another.
    """
    if not sys.stdin.isatty():
        raise ConfigError(f"kill: somebody must type {_WORD}; in a script, say --yes")
    typer.echo(f"{target.name}, {target.mode}:")
    if process is not None:
        typer.echo(f"  process {process} is asked to stop")
    for leg in target.legs:
        typer.echo(f"  {leg.title}: every order in {', '.join(leg.symbols)} is canceled, whoever has sent it")
    if target.legs:
        closed = "closed at the market; on spot, all that the account holds of the base currency is sold"
        typer.echo(f"  positions are {closed if flatten else 'kept, without the orders that protect them'}")
    typer.echo(f"Type {_WORD} to go on: ", nl=False)
    if sys.stdin.readline().strip() != _WORD:
        raise ConfigError(f"kill: {_WORD} was not typed; nothing was done")


async def _kill(target: Target, reason: str, *, flatten: bool) -> int:
    from hookline.session.emergency import process_of, wait_for_end
    from hookline.session.requests import is_kill_asked

    _ask(target, reason, flatten=flatten)
    has_ended = await wait_for_end(target.folder, typer.echo, end_seconds=10.0 if target.legs else 30.0)
    withdrawals = await _withdraw(target, flatten=flatten)
    _show(target, withdrawals, flatten=flatten)
    process = None if has_ended else process_of(target.folder)
    if process is not None:
        typer.echo(
            f"process {process} still runs and may trade when it wakes; end it: kill -9 {process}", err=True
        )
    if target.legs and is_kill_asked(target.folder):
        typer.echo(f"{target.name} does not trade again until hookline resume {target.folder}")
    is_left = process is not None or any(one.problem for one in withdrawals)
    return EXIT_LEFT if is_left else 0


def _ask(target: Target, reason: str, *, flatten: bool) -> None:
    """Leave the request; a disk that cannot take it does not keep the venue from being asked."""
    from hookline.clock import SystemClock
    from hookline.session.requests import KillRequest, ask_to_kill

    if not target.folder.is_dir():
        return  # it has never run
    try:
        ask_to_kill(target.folder, KillRequest(reason, flatten, SystemClock().now))
    except OSError as error:
        typer.echo(f"{target.folder}: the request cannot be written: {error.strerror}", err=True)


async def _withdraw(target: Target, *, flatten: bool) -> list[Withdrawal]:
    """Withdraw, and again where something is left; what was done before is kept."""
    from dataclasses import replace

    from hookline.session.emergency import withdraw

    withdrawals = await withdraw(target, flatten=flatten)
    for number in range(1, _ATTEMPTS):
        left = [index for index, one in enumerate(withdrawals) if one.problem]
        if not left:
            break
        for index in left:
            typer.echo(f"{withdrawals[index].title}: {withdrawals[index].problem}; trying again", err=True)
        await asyncio.sleep(_PAUSE_SECONDS * number)
        rest = replace(target, legs=tuple(target.legs[index] for index in left))
        for index, one in zip(left, await withdraw(rest, flatten=flatten), strict=True):
            withdrawals[index] = one
    return withdrawals


def _show(target: Target, withdrawals: list[Withdrawal], *, flatten: bool) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if not withdrawals:
        return
    what = "no order and no position" if flatten else "no order"
    table = Table(
        "venue", "symbols", "what was done", box=SIMPLE, title=escape(target.name), title_justify="left"
    )
    for one in withdrawals:
        lines = [escape(line) for line in one.done]
        if one.problem:
            lines.append(f"[red]{escape(one.problem)}[/red]")
        else:
            lines.append(f"[green]{what} is left[/green]")
        table.add_row(escape(one.title), escape(", ".join(one.symbols)), "\n".join(lines))
    Console().print(table)
