"""``hookline check``: everything that can be known of a session without running it, and what running it with another past or future tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookline.cli import EXIT_NOT_PASSED
from hookline.cli.leaks import check_leaks
from hookline.problems import Location, shown

if TYPE_CHECKING:
    from rich.table import Table

    from hookline.model import BarSeries
    from hookline.session.config import SessionConfig
    from hookline.session.plan import Plan

__all__ = ["check"]


def check(
    file: Annotated[Path, typer.Argument(help="Session file.", show_default=False)],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value: strategies[0].params.fast=12", metavar="ADDRESS=VALUE"),
    ] = None,
    look_ahead: Annotated[
        bool,
        typer.Option("--look-ahead", help="Change the future at some times: nothing done before may change."),
    ] = False,
    warm_up: Annotated[
        bool, typer.Option("--warm-up", help="Shorten the history: see how much of it the session needs.")
    ] = False,
    cuts: Annotated[int, typer.Option(help="At how many times --look-ahead changes the future.", min=1)] = 10,
    seed: Annotated[int, typer.Option(help="Of the times and futures that are drawn.", min=0)] = 0,
) -> None:
    """Check a session file, its plugins and its data without running it.

    With --look-ahead and --warm-up the session is run, many times over; the exit code is 1 if something is found.
    """
    from rich.console import Console

    from hookline.session.assembly import assemble
    from hookline.session.building import build_plugins
    from hookline.session.feeding import load_bars
    from hookline.session.loader import load_session

    config = load_session(file, changes or ())
    built = build_plugins(config)
    plan = assemble(config)
    series = [plan.loaded.get(request) or load_bars(plan.feed, request) for request in plan.requests]
    console = Console()
    console.print(_overview(config, built))
    console.print(_data(plan, series))
    margins = _margins(plan, series)
    if margins.row_count:
        console.print(margins)
    for note in plan.notes:
        typer.echo(f"note: {note}")
    if (look_ahead or warm_up) and not check_leaks(
        file, list(changes or ()), look_ahead=look_ahead, warm_up=warm_up, cuts=cuts, seed=seed
    ):
        raise typer.Exit(EXIT_NOT_PASSED)
    typer.echo(f"{file}: good to run")


def _overview(config: SessionConfig, built: dict[Location, Any]) -> Table:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from hookline.problems import join
    from hookline.session.building import public_params, uses

    table = Table(title=escape(config.name), title_justify="left", show_header=False, box=SIMPLE)
    table.add_row("mode", f"{config.mode}, {config.timeframe} bars, {config.cash:,} {config.currency}")
    for location, _, use in uses(config):
        params = public_params(config, location, built[location])
        text = ", ".join(f"{name}: {shown(value)}" for name, value in params.items())
        table.add_row(escape(join("", location)), f"[bold]{escape(use.use)}[/bold]  {escape(text)}")
    for number, strategy in enumerate(config.strategies):
        share = f"{', '.join(strategy.symbols)} with {strategy.cash_fraction:.4g} of the cash, called {strategy.id}"
        table.add_row(f"strategies[{number}] trades", escape(share))
    table.add_row("reports in", escape(str(config.output)))
    return table


def _data(plan: Plan, series: list[BarSeries]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from hookline.clock import from_ns

    table = Table(
        "symbol",
        "bars",
        "from (UTC)",
        "to (UTC)",
        "tick size",
        "lot size",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for one in series:
        instrument = plan.instruments[one.symbol]
        ends = (int(one.start[0]), int(one.end[-1])) if len(one) else ()
        period = [f"{from_ns(time):%Y-%m-%d %H:%M}" for time in ends] or ["", ""]
        table.add_row(
            escape(one.symbol), f"{len(one):,}", *period, str(instrument.tick_size), str(instrument.lot_size)
        )
    return table


def _margins(plan: Plan, series: list[BarSeries]) -> Table:
    """Return where positions of the whole cash would be liquidated, for what can be."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from hookline.model import InstrumentKind

    table = Table(
        "leverage of",
        "",
        "margin",
        "at",
        "long liquidated",
        "short liquidated",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for one in series:
        instrument = plan.instruments[one.symbol]
        if instrument.kind is InstrumentKind.PERPETUAL and len(one):
            leverage = plan.broker.leverage if instrument.leverage is None else float(instrument.leverage)
            price = float(one.close[-1])
            ways = (_liquidated(plan, one.symbol, side, price, leverage) for side in (1, -1))
            table.add_row(
                escape(one.symbol), f"{leverage:g}x", str(instrument.margin_mode), f"{price:,.10g}", *ways
            )
    return table


def _liquidated(plan: Plan, symbol: str, side: int, price: float, leverage: float) -> str:
    """Return how far the price must move to liquidate a position that the strategy's whole cash backs."""
    from hookline.simulation.margin import estimate_liquidation

    cash = max(seat.cash for seat in plan.seats if symbol in seat.symbols) if plan.seats else 0.0
    level = estimate_liquidation(
        plan.instruments[symbol],
        side,
        cash * leverage / price,
        price,
        cash,
        leverage=plan.broker.leverage,
        fee_rate=plan.broker.taker_fee,
    )
    return "never" if level != level else f"{level:,.6g} ({level / price - 1:+.1%})"  # noqa: PLR0124
