"""``hookline check``: everything that can be known of a session without running it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from hookline.model import BarSeries
    from hookline.session.plan import Plan

__all__ = ["check"]


def check(
    file: Annotated[Path, typer.Argument(help="Session file.", show_default=False)],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value: strategies[0].params.fast=12", metavar="ADDRESS=VALUE"),
    ] = None,
) -> None:
    """Check a session file, its plugins, their parameters and the data, without running it."""
    from rich.console import Console

    from hookline.session.assembly import assemble
    from hookline.session.building import build_plugins
    from hookline.session.loader import load_session

    config = load_session(file, changes or ())
    build_plugins(config)
    plan = assemble(config)
    series = [plan.feed.load(request) for request in plan.requests]
    console = Console()
    console.print(_overview(plan))
    console.print(_data(plan, series))
    for note in plan.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"{file}: good to run")


def _overview(plan: Plan) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(plan.name), title_justify="left", show_header=False)
    table.add_row("mode", plan.mode)
    table.add_row("feed", escape(repr(plan.feed)))
    table.add_row("broker", escape(repr(plan.broker)))
    for seat in plan.seats:
        sizer = "" if seat.sizer is None else f", sized by {seat.sizer!r}"
        trades = f"{', '.join(seat.symbols)} with {seat.cash:,.2f} {plan.currency}{sizer}"
        table.add_row("strategy", escape(f"{seat.id}: {seat.strategy!r}\n{trades}"))
    for rule in plan.rules:
        table.add_row("risk rule", escape(repr(rule)))
    table.add_row(
        "reports", escape(f"{', '.join(reporter.name for reporter in plan.reporters)} in {plan.output}")
    )
    return table


def _data(plan: Plan, series: list[BarSeries]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from hookline.clock import isoformat

    table = Table("symbol", "timeframe", "bars", "first start", "last end", "tick size", "lot size")
    for one in series:
        instrument = plan.instruments[one.symbol]
        period = (isoformat(int(one.start[0])), isoformat(int(one.end[-1]))) if len(one) else ("", "")
        steps = (str(instrument.tick_size), str(instrument.lot_size))
        table.add_row(escape(one.symbol), one.timeframe, f"{len(one):,}", *period, *steps)
    return table
