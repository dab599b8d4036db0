"""The table of round trips in the HTML report."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.reporting.formats import duration, fraction, money
from hookline.reporting.result import Result
from hookline.reporting.round_trips import RoundTrip, RoundTrips

__all__ = ["ALL", "PART", "chosen", "trips_section"]

ALL = 300  # so many are all listed
PART = 100  # else the first, the last and the worst hundred


def chosen(trips: RoundTrips) -> NDArray[np.int64]:
    """Return the rows that are listed, in their order."""
    size = len(trips)
    if size <= ALL:
        return np.arange(size)
    worst = np.argsort(trips.profit, kind="stable")[:PART]
    return np.unique(np.concatenate([np.arange(PART), np.arange(size - PART, size), worst]))


def trips_section(result: Result) -> str:
    """Return the sortable table and the note that says what is left out."""
    trips = result.trips
    if not len(trips):
        return "<p>No round trips.</p>"
    rows = chosen(trips)
    note = f"All round trips are listed: {len(trips):,}."
    if len(rows) < len(trips):
        note = (
            f"{len(rows):,} of {len(trips):,} round trips are listed: the first {PART}, the last {PART} "
            f"and the {PART} with the largest losses; {len(trips) - len(rows):,} are left out. "
            "The csv and parquet reporters write all of them."
        )
    several = len(result.record.strategies) > 1
    columns = [column for column in _COLUMNS if several or column.name != "strategy"]
    head = "".join(
        f'<th scope=col aria-sort=none class="{column.kind}"><button type=button>{column.name}</button></th>'
        for column in columns
    )
    body = "".join(
        _row(columns, int(row) + 1, trip) for row, trip in zip(rows, trips.take(rows).rows(), strict=True)
    )
    listing = f"<table class=sortable><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<p class=drawn>{note} Profit is net of fees and funding.</p><div class='scroll tall'>{listing}</div>"


class _Column(NamedTuple):
    name: str
    field: str
    kind: str = ""


_COLUMNS = (
    _Column("#", "number"),
    _Column("strategy", "strategy", "text"),
    _Column("symbol", "symbol", "text"),
    _Column("side", "side", "text"),
    _Column("entry", "entry_time", "text"),
    _Column("exit", "exit_time", "text"),
    _Column("held", "held"),
    _Column("quantity", "quantity"),
    _Column("entry price", "entry_price"),
    _Column("exit price", "exit_price"),
    _Column("fees", "fees"),
    _Column("profit", "profit"),
    _Column("return", "return_fraction"),
)


def _row(columns: list[_Column], number: int, trip: RoundTrip) -> str:
    held = (trip.exit_time - trip.entry_time) / 1e9
    values = {**trip._asdict(), "number": number, "held": held}
    texts = {
        "number": str(number),
        "strategy": trip.strategy,
        "symbol": trip.symbol,
        "side": trip.side,
        "entry_time": _moment(trip.entry_time),
        "exit_time": "open" if trip.is_open else _moment(trip.exit_time),
        "held": duration(held),
        "quantity": f"{trip.quantity:,.8g}",
        "entry_price": f"{trip.entry_price:,.8g}",
        "exit_price": f"{trip.exit_price:,.8g}",
        "fees": money(trip.fees),
        "profit": money(trip.profit),
        "return_fraction": fraction(trip.return_fraction),
    }
    kind = "gain" if trip.profit > 0.0 else "loss" if trip.profit < 0.0 else ""
    cells = []
    for column in columns:
        name = kind if column.field in {"profit", "return_fraction"} else column.kind
        mark = f' class="{name}"' if name else ""
        value = escape(str(values[column.field]), quote=True)
        cells.append(f'<td data-value="{value}"{mark}>{escape(texts[column.field])}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _moment(time: int) -> str:
    return isoformat(time).replace("T", " ").removesuffix("Z").removesuffix(":00")
