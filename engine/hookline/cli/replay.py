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
    from hookline.session.replaying_parts import Row

__all__ = ["replay"]

_TITLES = {
    "latency": "latency",
    "queue": "queue/fills",
    "fees": "fees",
    "slippage": "slippage",
    "funding": "funding",
    "missed": "missed data",
    "logic": "logic",
}
_SHOWN = 40


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
        typer.Option(min=0.0, help="How far apart orders may be that are the same; by default a bar."),
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

    whole, coverage, currency = found.difference, found.coverage, found.currency
    parts: list[RenderableType] = [
        f"[bold]{escape(found.name)}[/bold], {found.mode}: {_basis(found)}",
        _coverage(found),
    ]
    parts += [f"[yellow]not covered[/yellow]: {escape(text)}" for text in coverage.problems]
    parts += [escape(text) for text in (*coverage.notes, *found.notes)]
    rows = [row for row in whole.rows if everything or row.is_different]
    if rows:
        parts.append(_table(found, rows if everything else rows[:_SHOWN], len(rows)))
    else:
        parts.append(f"no difference in {len(whole.rows):,} orders: the simulator does what the session did")
    parts.append(
        f"the session gained {whole.gained_live:+,.2f} {currency}, the simulator {whole.gained_again:+,.2f}: "
        f"{whole.total:+,.2f} in all"
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


def _table(found: Replay, rows: Sequence[Row], count: int) -> RenderableType:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE, show_footer=True)
    table.add_column("order", footer="all")
    table.add_column("session", footer="")
    table.add_column("simulator", footer="")
    used = [name for name in _TITLES if any(row.parts[name] for row in found.difference.rows)]
    totals = _cents(found.difference.parts, found.difference.total)
    for name in used:
        table.add_column(_TITLES[name], justify="right", footer=f"{totals[name]:+,.2f}")
    table.add_column(f"sum, {found.currency}", justify="right", footer=f"{found.difference.total:+,.2f}")
    for row in rows:
        cents = _cents(row.parts, row.total)
        numbers = [f"{cents[name]:+,.2f}" if cents[name] else "" for name in used]
        texts = (escape(_name(row)), _told(row.live, row), _told(row.again, row))
        table.add_row(*texts, *numbers, f"{row.total:+,.2f}")
    if count > len(rows):
        table.add_row(f"and {count - len(rows):,} more: --all", "", "", *([""] * (len(used) + 1)))
    return table


def _cents(parts: Mapping[str, float], total: float) -> dict[str, float]:
    """Return parts in whole cents that sum to the total in whole cents: the largest one takes what rounding leaves."""
    rounded = {name: round(value * 100) for name, value in parts.items()}
    largest = max(parts, key=lambda name: abs(parts[name]))
    rounded[largest] += round(total * 100) - sum(rounded.values())
    return {name: cents / 100 for name, cents in rounded.items()}


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
