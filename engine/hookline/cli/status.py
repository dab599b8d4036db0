"""``hookline status``: a session at a glance."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookline.cli.session_folder import SessionArgument, session_folder

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hookline.session.overview import Overview

__all__ = ["status"]

_SECONDS = 1.0


def status(
    session: SessionArgument = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it again every second, until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Show a session at a glance, running or stopped.

    Positions, orders, equity, halts, the feed and the last events; it only reads. For example: hookline status runs/demo --watch
    """
    folder = session_folder(session)
    if as_json:
        typer.echo(json.dumps(_plain(_read(folder)), allow_nan=False))
    elif watch:
        _watch(folder)
    else:
        from rich.console import Console

        Console().print(_page(_read(folder)))


def _read(folder: Path) -> Overview:
    from hookline.session.overview import overview_of

    return overview_of(folder)


def _watch(folder: Path) -> None:
    from rich.live import Live

    try:
        with Live(_page(_read(folder)), auto_refresh=False, screen=False) as live:
            while True:
                time.sleep(_SECONDS)
                live.update(_page(_read(folder)), refresh=True)
    except KeyboardInterrupt:
        raise typer.Exit from None


def _plain(overview: Overview) -> object:
    """Return an overview as JSON can hold it: what is not known is null."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        if isinstance(value, list):
            return [plain(part) for part in value]
        return None if isinstance(value, float) and value != value else value  # noqa: PLR0124

    return plain(dataclasses.asdict(overview))


def _page(overview: Overview) -> RenderableType:
    from rich.box import SIMPLE
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    title = f"{overview.name}, {overview.mode}"
    table = Table(title=escape(title), title_justify="left", show_header=False, box=SIMPLE)
    for name, text in _rows(overview):
        table.add_row(name, escape(text))
    parts: list[RenderableType] = [table]
    if overview.holdings:
        held = Table("strategy", "position", "quantity", "entry", "last", "gain", box=SIMPLE)
        for one in overview.holdings:
            numbers = (
                f"{one.quantity:g}",
                f"{one.entry_price:,.6g}",
                f"{one.last:,.6g}",
                f"{one.profit:+,.2f}",
            )
            held.add_row(escape(one.strategy), escape(one.position), *numbers)
        parts.append(held)
    for heading, lines in (
        ("open orders", overview.orders), ("risk decisions", overview.decisions), ("last events", overview.latest),
    ):  # fmt: skip
        if lines:
            parts.append(f"[bold]{heading}[/bold]\n" + "\n".join(f"  {escape(line)}" for line in lines))
    return Group(*parts)


def _rows(overview: Overview) -> list[tuple[str, str]]:
    from hookline.clock import isoformat

    process = f", process {overview.pid}" if overview.pid is not None else ""
    dead = "; killed or crashed: start it again to go on" if overview.state == "dead" else ""
    rows = [
        ("state", f"{overview.state}{process}, start {overview.starts}{dead}"),
        ("last event", isoformat(overview.time) if overview.time else "none yet"),
        ("equity", _money(overview.equity, overview.currency)),
        ("today", _money(overview.today, overview.currency, sign=True)),
        ("halted", overview.halted or "no"),
        ("feed", _feed(overview)),
    ]
    rows += [
        ("warning", f"{text} ({count:,} times)" if count > 1 else text)
        for text, count in overview.warnings.items()
    ]
    return rows


def _feed(overview: Overview) -> str:
    words = [overview.feed]
    if overview.data_age_seconds is not None:
        words.append(f"data {overview.data_age_seconds:,.1f} s old")
    if overview.feed_lag_seconds is not None:
        words.append(f"lag {overview.feed_lag_seconds:,.2f} s")
    if overview.slowest_event_ms is not None:
        words.append(f"slowest event {overview.slowest_event_ms:,.1f} ms")
    return ", ".join(words)


def _money(value: float, currency: str, *, sign: bool = False) -> str:
    if value != value:  # noqa: PLR0124
        return "unknown"
    return f"{value:+,.2f} {currency}" if sign else f"{value:,.2f} {currency}"
