"""``hookline journal``: look at what a session did, and prove that the record of it can be trusted."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from hookline.journal import JournalContent

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="""Look at what a session did, event by event, and verify it.

    For example: hookline journal show runs/demo""",
)

_File = Annotated[Path, typer.Argument(help="A journal.sqlite, or the folder it is in.", show_default=False)]
_POLL_SECONDS = 0.25
EXIT_FAULT = 1


@app.command()
def show(file: _File) -> None:
    """Show what a session did and where it stands.

    For example: hookline journal show runs/demo
    """
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from hookline.journal import read_journal

    content = read_journal(file)
    title = f"{content.header.name}, {content.header.mode}"
    table = Table(title=escape(title), title_justify="left", show_header=False, box=SIMPLE)
    for name, text in (*_life(content), *_doings(content), *_standing(content)):
        table.add_row(name, escape(text))
    Console().print(table)


@app.command()
def tail(
    file: _File,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last events.")] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for more until Ctrl-C, also while the session runs.")
    ] = False,
) -> None:
    """Show the last events, one line each, oldest first.

    For example: hookline journal tail runs/demo -n 50 --follow
    """
    from hookline.journal.lines import last_commit, lines_after
    from hookline.journal.segments import journal_path

    path = journal_path(file)
    number = last_commit(path)
    # Every commit has a line at least, unless nothing happened.
    for _, line in lines_after(path, max(0, number - lines))[-lines:]:
        typer.echo(line)
    if not follow:
        return
    stopped = threading.Event()
    # A handler of its own: an interrupt that lands inside a library cannot be lost.
    signal.signal(signal.SIGINT, lambda _number, _frame: stopped.set())
    while not stopped.wait(_POLL_SECONDS):
        for commit, line in lines_after(path, number):
            typer.echo(line)
            number = commit


@app.command()
def export(
    file: _File,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File for jsonl, folder for csv and parquet.")
    ],
    form: Annotated[
        Literal["jsonl", "csv", "parquet"],
        typer.Option("--format", help="One line for each event, or one file for each table."),
    ] = "jsonl",
    states: Annotated[bool, typer.Option("--states", help="jsonl: strategies' states too.")] = False,
) -> None:
    """Write a journal in another format.

    For example: hookline journal export runs/demo --format csv -o tables
    """
    from hookline.journal.export import export_tables, export_text

    if form == "jsonl":
        files = [export_text(file, output, states=states)]
    else:
        files = export_tables(file, output, form)
    for path in files:
        typer.echo(str(path))


@app.command()
def verify(file: _File) -> None:
    """Check a journal: the file, the chain of digests, every order's steps, fills, positions and cash.

    Ends with exit code 1 and the first fault if it cannot be trusted. For example: hookline journal verify runs/demo
    """
    from hookline.journal import verify_journal

    found = verify_journal(file)
    for check in found.checks:
        typer.echo(f"good: {check}")
    if not found.is_good:
        typer.secho("bad: ", fg=typer.colors.RED, bold=True, err=True, nl=False)
        typer.echo(found.fault, err=True)
        raise typer.Exit(EXIT_FAULT)
    typer.echo(f"{file}: can be trusted")


def _life(content: JournalContent) -> Iterable[tuple[str, str]]:
    from hookline.clock import isoformat
    from hookline.journal.lock import owner_of

    size = sum(path.stat().st_size for path in content.paths)
    owner = owner_of(content.paths[0])
    yield "files", f"{', '.join(path.name for path in content.paths)}, {size / 1e6:,.1f} MB"
    yield "written by", f"process {owner}, now" if owner is not None else "no process now"
    if content.time:
        yield "events from, to", f"{isoformat(content.first_time)}, {isoformat(content.time)}"
    yield "started", ", ".join(isoformat(start.time) for start in content.starts[-_SHOWN:])
    stops = (f"{isoformat(stop.time)} {stop.reason}" for stop in content.stops[-_SHOWN:])
    yield "stopped", ", ".join(stops) or "never in good order"
    for name, many in (("starts", content.starts), ("stops", content.stops)):
        if len(many) > _SHOWN:
            yield f"all {name}", f"{len(many):,}"


def _doings(content: JournalContent) -> Iterable[tuple[str, str]]:
    yield "bars", ", ".join(f"{symbol} {len(one):,}" for symbol, one in content.series.items()) or "none"
    yield "orders", _counted(str(order.status) for order in content.orders)
    yield "fills", f"{len(content.fills):,}"
    yield "fees", _money(sum(fill.fee for fill in content.fills), content)
    funding = sum(payment[3] for payment in content.payments)
    yield "funding", f"{_money(funding, content)} in {len(content.payments):,} payments"
    yield "risk decisions", _counted(decision.verdict for decision in content.decisions)
    halts = f"{len(content.halts)}, cleared {len(content.resumes)} times" if content.halts else "none"
    yield "halts", f"{halts}; halted now: {content.halted}" if content.halted else halts


def _standing(content: JournalContent) -> Iterable[tuple[str, str]]:
    from hookline.journal.text import number_text

    for ledger in content.ledgers.values():
        cash = ", ".join(f"{amount:,.2f} {wallet}" for wallet, amount in ledger.cash.items())
        yield f"cash of {ledger.strategy}", cash
        for key, position in ledger.positions.items():
            if position.lots:
                text = f"{number_text(position.quantity)} at {position.entry_price:.10g}"
                yield f"{ledger.strategy} holds {key}", text
    for order in content.open_orders[:_SHOWN]:
        yield (
            "open order",
            f"{order.client_order_id} {order.side.name.lower()} {order.quantity:g} {order.symbol} {order.type}",
        )
    if len(content.open_orders) > _SHOWN:
        yield "all open orders", f"{len(content.open_orders):,}"
    yield "states kept", ", ".join(content.states) or "none"


_SHOWN = 10


def _counted(values: Iterable[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in Counter(values).items()) or "none"


def _money(amount: float, content: JournalContent) -> str:
    return f"{amount:,.2f} {content.header.currency}"
