"""Parts of the HTML report that are text and tables. Every text that a user or a venue wrote goes through ``escape``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import yaml

from hookline.clock import isoformat
from hookline.reporting.formats import counted, duration, fraction, money, number
from hookline.reporting.plain import plain
from hookline.reporting.ratings import Rating
from hookline.reporting.result import Result
from hookline.reporting.summary import columns_of, rows_of

__all__ = [
    "cards",
    "config",
    "figures",
    "header",
    "months",
    "orders",
    "parameters",
    "strategies",
    "table",
    "warnings",
]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A month's cell has its full color at this return.
_FULL_COLOR = 0.15


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Return a table; cells are HTML already and the first column is text, the others are numbers."""
    cells = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class=scroll><table class="{kind}"><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def header(result: Result) -> str:
    """Return the title, the mode and what ran on what over which period."""
    record, metrics = result.record, result.metrics
    uses = ", ".join(
        dict.fromkeys(
            item.use if item.use == item.id else f"{item.id} ({item.use})" for item in record.strategies
        )
    )
    lines = []
    if metrics.bars:
        first, last = (isoformat(time).replace("T", " ")[:16] for time in (result.start, result.end))
        lines.append(f"{first} to {last} UTC, {duration(metrics.period_seconds)}")
    shown = list(record.series.values())[:8]
    names = [f"{series.symbol} {series.timeframe}, {counted(len(series), 'bar')}" for series in shown]
    more = len(record.series) - len(shown)
    lines.append("; ".join(names) + (f" and {more} more" if more else ""))
    text = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    badge = f'<span class="badge">{escape(record.mode)}</span>'
    return f"<h1>{escape(record.name)} {badge}</h1><p class=uses>{escape(uses)}</p>{text}"


def warnings(result: Result) -> str:
    """Return the box of warnings, nothing without any."""
    if not result.warnings:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in result.warnings)
    return f"<section class=warnings role=note><h2>Before you believe this</h2><ul>{items}</ul></section>"


def cards(result: Result) -> str:
    """Return the key figures."""
    metrics, hold, ratings = result.metrics, result.buy_and_hold.metrics, result.ratings
    items = [
        ("Return", fraction(metrics.total_return), f"buy and hold {fraction(hold.total_return)}", None),
        ("CAGR", fraction(metrics.cagr), f"buy and hold {fraction(hold.cagr)}", None),
        ("Sharpe", number(metrics.sharpe), f"buy and hold {number(hold.sharpe)}", ratings.get("sharpe")),
        (
            "Max drawdown",
            fraction(metrics.max_drawdown),
            f"lasted {duration(metrics.max_drawdown_seconds)}",
            ratings.get("max_drawdown"),
        ),
        ("Win rate", fraction(metrics.win_rate), f"payoff {number(metrics.payoff)}", ratings.get("win_rate")),
        (
            "Profit factor",
            number(metrics.profit_factor),
            f"expectancy {money(metrics.expectancy)}",
            ratings.get("profit_factor"),
        ),
        (
            "Round trips",
            f"{metrics.round_trips:,}",
            f"exposure {fraction(metrics.exposure)}",
            ratings.get("round_trips"),
        ),
        ("Final equity", money(metrics.final_equity), f"from {money(metrics.start_equity)}", None),
    ]
    return "".join(_card(*item) for item in items)


def _card(label: str, value: str, note: str, rating: Rating | None) -> str:
    kind = rating.value if rating else "none"
    word = f"<span class=rating>{kind}</span>" if rating else ""
    return (
        f'<div class="card {kind}"><div class=label>{escape(label)}{word}</div>'
        f"<div class=value>{escape(value)}</div><div class=note>{escape(note)}</div></div>"
    )


def figures(result: Result) -> str:
    """Return all figures beside those of buy and hold."""
    head = [f"in {result.record.currency}", *columns_of(result), "rating"]
    blocks = []
    for block in rows_of(result):
        for index, row in enumerate(block):
            rating = f'<span class="rating {row.rating}">{row.rating}</span>' if row.rating else ""
            cells = "".join(f"<td>{escape(text)}</td>" for text in row.values)
            kind = " class=first" if index == 0 else ""
            blocks.append(f"<tr{kind}><td>{escape(row.label.strip())}</td>{cells}<td>{rating}</td></tr>")
    top = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    return f"<div class=scroll><table class=figures><thead><tr>{top}</tr></thead><tbody>{''.join(blocks)}</tbody></table></div>"


def months(result: Result) -> str:
    """Return the returns by month as a heat table."""
    if not result.metrics.bars:
        return "<p class=drawn>No bars.</p>"
    found = {(row.year, row.month): row.return_fraction for row in result.monthly_returns}
    rows = []
    for year in sorted({year for year, _ in found}, reverse=True):
        values = [found.get((year, month)) for month in range(1, 13)]
        whole = math.prod(1.0 + value for value in values if value is not None) - 1.0
        cells = "".join(map(_heat, values))
        rows.append(f"<tr><th scope=row>{year}</th>{cells}<td class=year>{fraction(whole)}</td></tr>")
    head = "".join(f"<th scope=col>{name}</th>" for name in ("", *_MONTHS, "Year"))
    return f"<div class=scroll><table class=heat><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _heat(value: float | None) -> str:
    if value is None:
        return "<td></td>"
    if math.isnan(value):
        return "<td>n/a</td>"
    strength = min(1.0, abs(value) / _FULL_COLOR) * 0.75
    kind = "gain" if value > 0.0 else "loss" if value < 0.0 else "even"
    text = f"{value * 100.0:+.1f}" if abs(value) < 10.0 else f"{value * 100.0:+,.0f}"
    return f'<td class={kind} style="--strength:{strength:.2f}">{text}</td>'


def strategies(result: Result) -> str:
    """Return one line for each strategy, nothing where there is only one."""
    if len(result.record.strategies) < 2:
        return ""
    rows = []
    for item in result.record.strategies:
        metrics = result.metrics_of(item.id)
        texts = (
            item.id,
            item.use,
            money(item.cash),
            fraction(metrics.total_return),
            number(metrics.sharpe),
            fraction(metrics.max_drawdown),
            f"{metrics.round_trips:,}",
            fraction(metrics.win_rate),
            money(metrics.fees),
        )
        rows.append([escape(text) for text in texts])
    head = (
        "strategy",
        "plugin",
        "cash",
        "return",
        "Sharpe",
        "max drawdown",
        "round trips",
        "win rate",
        "fees",
    )
    return f"<section><h2>Strategies</h2>{table(head, rows)}</section>"


def orders(result: Result) -> str:
    """Return how many orders ended in which state, and why the refused ones were refused."""
    counts = Counter((order.status.value, order.reason) for order in result.record.orders)
    if not counts:
        return "<p>No orders.</p>"
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [[escape(status), f"{size:,}", escape(reason)] for (status, reason), size in found[:30]]
    left = len(found) - len(rows)
    note = f"<p class=drawn>{left:,} rarer kinds are left out.</p>" if left else ""
    return table(("status", "orders", "reason"), rows, "orders") + note


def parameters(result: Result) -> str:
    """Return the parameters of every strategy."""
    rows = [
        [escape(item.id), escape(item.use), escape(name), escape(_shown(value))]
        for item in result.record.strategies
        for name, value in (item.params or {"": ""}).items()
    ]
    return table(("strategy", "plugin", "parameter", "value"), rows, "texts")


def _shown(value: Any) -> str:
    simple = plain(value)
    return (
        simple
        if isinstance(simple, str)
        else yaml.safe_dump(simple, default_flow_style=True).split("\n...")[0].strip()
    )


def config(result: Result) -> str:
    """Return the session's configuration as it was given."""
    text = yaml.safe_dump(plain(result.record.config), sort_keys=False, allow_unicode=True)
    return f"<details><summary>Session file</summary><pre>{escape(text)}</pre></details>"
