"""``hookline replay``: why a session did not do what its strategies do in the simulator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookline.cli.session_folder import SessionArgument, session_folder

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hookline.model import Order
    from hookline.session.replaying import Replay
    from hookline.session.replaying_model import Row

__all__ = ["replay"]

_CAUSES = {
    "latency": ("latency", "the time that orders took to the venue"),
    "queue": ("queue and fills", "other quantities or makers' prices, and orders that follow from them"),
    "fees": ("fees", "charged at other rates"),
    "slippage": ("slippage", "other prices where orders took"),
    "funding": ("funding", "paid other than the rates say"),
    "missed": ("missed data", "late, dropped or absent when the session decided"),
    "logic": ("logic", "orders of one side only although all was equal"),
}
_SHOWN = 40
_HALF_CENT = 0.005


def replay(
    session: SessionArgument = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every order, also those without a difference.")
    ] = False,
    latency_ms: Annotated[
        float | None,
        typer.Option(min=0.0, help="Round trip of orders to simulate; by default what the session's took."),
    ] = None,
    maker_fee_bps: Annotated[
        float | None, typer.Option(help="Fee of makers to simulate; by default what was charged.")
    ] = None,
    taker_fee_bps: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Fee of takers; by default what the broker stated, else what was charged."
        ),
    ] = None,
    window_seconds: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="How far apart orders may be that are the same; by default a bar, 300 at most."
        ),
    ] = None,
) -> None:
    """Run a session again on the market that it recorded, and explain every difference.

    The session must have recorded: stream: {record: true}. What it did is compared with what its strategies do in the simulator,
    and each difference of orders, fills and money has a cause; the parts sum to the whole. For example: hookline replay runs/demo
    """
    from hookline.session.replaying import Assumed
    from hookline.session.replaying import replay as run_again

    assumed = Assumed(maker_fee_bps, taker_fee_bps, latency_ms, window_seconds)
    found = run_again(_folder(session), assumed)
    if as_json:
        typer.echo(json.dumps(_plain(found), allow_nan=False))
        return
    from rich.console import Console

    Console().print(_page(found, everything=everything))


def _folder(session: Path | None) -> Path:
    """Return the folder that a file, a folder or the name of a session under runs/ means."""
    if session is not None and not session.exists():
        by_name = Path("runs") / session
        if by_name.is_dir():
            return by_name
    return session_folder(session)


# -- JSON --------------------------------------------------------------------------------------------------------------


def _plain(found: Replay) -> dict[str, Any]:
    whole, coverage = found.difference, found.coverage
    return {
        "session": found.name,
        "mode": found.mode,
        "currency": found.currency,
        "difference": whole.total,
        "parts": dict(whole.parts),
        "gained": {"session": whole.gained_live, "simulator": whole.gained_again},
        "orders": [_plain_row(row) for row in whole.rows],
        "latency_ms": found.latency_ms,
        "maker_fee_bps": found.rates.maker * 1e4,
        "taker_fee_bps": found.rates.taker * 1e4,
        "coverage": {
            "is_whole": coverage.is_whole,
            "events": coverage.events,
            "first": coverage.first,
            "last": coverage.last,
            "problems": list(coverage.problems),
            "notes": list(coverage.notes),
        },
        "notes": list(found.notes),
    }


def _plain_row(row: Row) -> dict[str, Any]:
    return {
        "strategy": row.strategy,
        "symbol": row.symbol,
        "session": _plain_order(row.live),
        "simulator": _plain_order(row.again),
        "difference": row.total,
        "parts": dict(row.parts),
    }


def _plain_order(order: Order | None) -> dict[str, Any] | None:
    if order is None:
        return None
    return {
        "order": order.client_order_id,
        "time": order.time,
        "side": order.side.name.lower(),
        "type": order.type.value,
        "quantity": order.quantity,
        "filled": order.filled_quantity,
        "average_price": order.average_price if order.filled_lots else None,
        "status": order.status.value,
        "reason": order.reason,
        "tag": order.tag,
    }


# -- tables ------------------------------------------------------------------------------------------------------------


def _page(found: Replay, *, everything: bool) -> RenderableType:
    from rich.console import Group
    from rich.markup import escape

    whole, coverage = found.difference, found.coverage
    parts: list[RenderableType] = [
        f"[bold]{escape(found.name)}[/bold], {found.mode}: {_basis(found)}",
        _coverage(found),
    ]
    parts += [f"[yellow]not covered[/yellow]: {escape(text)}" for text in coverage.problems]
    parts += [escape(text) for text in (*coverage.notes, *found.notes)]
    parts.append(_sums(found))
    rows = [row for row in whole.rows if everything or _shows(row)]
    if rows:
        parts.append(_orders(found, rows if everything else rows[:_SHOWN], len(rows)))
    if not any(row.is_different for row in whole.rows):
        parts.append(f"no difference in {len(whole.rows):,} orders: the simulator does what the session did")
    elif not everything and len(rows) < len(whole.rows):
        parts.append(
            f"{len(whole.rows) - len(rows):,} of {len(whole.rows):,} orders differ by less than a cent: --all"
        )
    return Group(*parts)


def _basis(found: Replay) -> str:
    fees = f"fees {found.rates.maker * 1e4:g} and {found.rates.taker * 1e4:g} bps (maker, taker)"
    delay = (
        "no latency" if found.latency_ms is None else f"orders take {found.latency_ms:,.1f} ms there and back"
    )
    return f"compared with the simulator; {fees}, {delay}"


def _coverage(found: Replay) -> str:
    from hookline.clock import isoformat

    coverage = found.coverage
    if not coverage.events:
        return "the recording is empty"
    word = "all" if coverage.is_whole else "[yellow]only a part[/yellow]"
    span = f"{isoformat(coverage.first)} to {isoformat(coverage.last)}"
    return f"the recording covers {word} of the session: {coverage.events:,} events, {span}"


def _sums(found: Replay) -> RenderableType:
    from rich.box import SIMPLE
    from rich.table import Table

    whole = found.difference
    table = Table(box=SIMPLE, show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_column(style="dim")
    table.add_row("session", _money(whole.gained_live), f"gained, {found.currency}")
    table.add_row(
        "simulator",
        _money(whole.gained_again),
        "gained by the same strategies on the recording",
        end_section=True,
    )
    for name, value in _cents(whole.parts, whole.total).items():
        title, meaning = _CAUSES[name]
        table.add_row(title, _money(value), meaning, end_section=name == list(_CAUSES)[-1])
    table.add_row("difference", _money(whole.total), "what the session gained more: the sum of the seven")
    return table


def _orders(found: Replay, rows: Sequence[Row], count: int) -> RenderableType:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    table = Table("order", "session", "simulator", "why", box=SIMPLE)
    table.add_column(found.currency, justify="right", no_wrap=True)
    for row in rows:
        why = [
            f"{_CAUSES[name][0]} {_money(cents)}"
            for name, cents in _cents(row.parts, row.total).items()
            if cents
        ]
        texts = (_name(row), _told(row.live, row), _told(row.again, row), ", ".join(why))
        table.add_row(*map(escape, texts), _money(row.total))
    if count > len(rows):
        table.add_row(f"and {count - len(rows):,} more: --all", "", "", "", "")
    return table


def _shows(row: Row) -> bool:
    """Return whether a row has a cent to tell, or an order that only one side has."""
    return (row.live is None) != (row.again is None) or any(
        abs(value) >= _HALF_CENT for value in row.parts.values()
    )


def _money(value: float) -> str:
    return f"{round(value, 2) + 0.0:+,.2f}"


def _cents(parts: Mapping[str, float], total: float) -> dict[str, float]:
    """Return parts in whole cents that sum to the total in whole cents: the largest one takes what rounding leaves."""
    rounded = {name: round(value * 100) for name, value in parts.items()}
    largest = max(parts, key=lambda name: abs(parts[name]))
    rounded[largest] += round(total * 100) - sum(rounded.values())
    return {name: rounded[name] / 100 for name in _CAUSES}


def _name(row: Row) -> str:
    order = next((one for one in row.orders if one is not None), None)
    if order is None:
        return f"{row.strategy}: funding of {row.symbol}"
    return f"{order.client_order_id} {order.side.name.lower()} {order.quantity:g} {row.symbol} {order.type.value}"


def _told(order: Order | None, row: Row) -> str:
    if order is None:
        return "no such order" if any(row.orders) else ""
    if not order.filled_lots:
        return order.status.value
    return f"{order.filled_quantity:g} at {order.average_price:,.6g}"
