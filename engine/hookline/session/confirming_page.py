"""What the CONFIRM screen shows, section by section."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table

from hookline.clock import isoformat
from hookline.errors import JournalError
from hookline.model import InstrumentKind, Side, VenueAccount
from hookline.session.confirming_numbers import Outlook
from hookline.session.requests import is_kill_asked

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hookline.session.confirming import LiveFacts
    from hookline.session.plan import Plan

__all__ = ["page"]

_MOST_ROWS = 10
_ASSUMPTIONS = (
    "The largest position is what the margin of the strategy's cash and the rules allow today, all in one instrument. It is "
    "liquidated, by estimate, where the margin tiers known here say: entered at today's price, backed by the margin posted for it "
    "(isolated) or the strategy's own cash (cross). What the venue reckons may differ. Fees are a taker's; funding is today's rate."
)


def page(facts: LiveFacts, account: VenueAccount | None) -> RenderableType:
    """Return the page."""
    plan, outlooks = facts.plan, facts.outlooks(account)
    parts: list[RenderableType] = [
        Rule(f"[bold red]LIVE: {escape(plan.name)} trades with money at {escape(_venues(plan))}[/bold red]"),
        _pairs(_session(plan)),
        *_section("account", _account(account)),
        *_section("found at the venue", _found(account)),
        *_section("largest positions", [_positions(outlooks)]),
        *_section(
            "and what becomes of them", [_ends(outlooks), *_funding(outlooks, facts), *_assumed(outlooks)]
        ),
        *_section("rules in force", [_pairs(_rules(plan))]),
        *_section("what happens when", [_pairs(_events(plan))]),
        *_section("checklist", [_checklist(facts)]),
        Padding(f"[dim]{_ASSUMPTIONS}[/dim]", (1, 1, 1, 2)),
    ]
    return Group(*parts)


def _section(title: str, parts: Sequence[RenderableType]) -> list[RenderableType]:
    return [f"[bold]{title}[/bold]", *parts]


def _pairs(rows: Iterator[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=16)
    table.add_column(ratio=1)
    for name, text in rows:
        table.add_row(f"  {escape(name)}", escape(text))
    return table


def _table(*columns: str) -> Table:
    """Return a table whose first columns, written with a ``<``, are to the left, and the others to the right."""
    table = Table(box=None, pad_edge=True, padding=(0, 1, 0, 2), header_style="dim")
    for column in columns:
        left = column.startswith("<")
        table.add_column(column.lstrip("<"), justify="left" if left else "right", overflow="fold")
    return table


# -- the session -------------------------------------------------------------------------------------------------------


def _venues(plan: Plan) -> str:
    venues = dict.fromkeys(one.venue for one in plan.instruments.values())
    return ", ".join(venue for venue in venues if venue) or plan.broker.name


def _session(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.file is not None:
        yield "session file", str(plan.file)
    if plan.journal is not None:
        folder = plan.journal.folder
        yield "journal", f"{folder}{', which goes on' if _has_past(folder) else ', new'}"
        if is_kill_asked(folder):
            yield (
                "KILL REQUEST",
                "waits in the folder: the session will stop at once; hookline resume takes it back",
            )
    yield "feed, broker", f"{plan.feed.name}, {plan.broker.name}; bars of {plan.timeframe}"
    told = ", ".join(one.name for one in plan.notifiers)
    yield "told of trouble", told or "NOBODY: the session names no notifier"
    yield "overfit passport", _passport(plan)


def _passport(plan: Plan) -> str:
    from hookline.research.passport.policy import examine_passport

    return f"{examine_passport(plan).text}{'' if plan.live.require_passport else ' (not required)'}"


def _has_past(folder: Path) -> bool:
    """Return whether a journal holds more than the beginning that is being made."""
    from hookline.journal import read_journal

    try:
        return read_journal(folder, last_segment=True).time > 0
    except JournalError:
        return False


# -- the account -------------------------------------------------------------------------------------------------------


def _account(account: VenueAccount | None) -> list[RenderableType]:
    if account is None:
        return ["  not known: the venue was not asked"]
    if not account.balances:
        return ["  no balance at all"]
    table = _table("<currency", "total", "available")
    for one in account.balances[:_MOST_ROWS]:
        table.add_row(escape(one.currency), f"{one.total:,f}", f"{one.available:,f}")
    return [table, *_more(account.balances), f"  [dim]as of {isoformat(account.time)}[/dim]"]


def _found(account: VenueAccount | None) -> list[RenderableType]:
    if account is None:
        return ["  not known: the venue was not asked"]
    parts: list[RenderableType] = []
    if account.orders:
        table = _table("<open order", "<symbol", "<side", "<type", "lots", "filled", "price", "<of")
        for order in account.orders[:_MOST_ROWS]:
            price = order.limit_price if order.limit_price is not None else order.trigger_price
            table.add_row(
                escape(order.venue_order_id[:12]),
                escape(order.symbol),
                Side(order.side).name.lower(),
                str(order.type),
                f"{order.lots:,}",
                f"{order.filled_lots:,}",
                _price(price),
                "this session" if order.number else "[yellow]nobody here[/yellow]",
            )
        parts += [table, *_more(account.orders)]
    if account.positions:
        table = _table("<position", "lots", "entry", "mark", "liquidation", "leverage", "<margin")
        for one in account.positions[:_MOST_ROWS]:
            leverage = f"{one.leverage:g}x" if one.leverage else "unknown"
            table.add_row(
                escape(one.position_id),
                f"{one.lots:+,}",
                _price(one.entry_price),
                _price(one.mark_price),
                _price(one.liquidation_price, "none known"),
                leverage,
                escape(one.margin_mode or "none"),
            )
        parts += [table, *_more(account.positions)]
    return parts or ["  no open order, no position in the session's symbols"]


def _more(rows: Sequence[Any]) -> list[RenderableType]:
    return [f"  and {len(rows) - _MOST_ROWS} more"] if len(rows) > _MOST_ROWS else []


# -- what could happen -------------------------------------------------------------------------------------------------


def _positions(outlooks: Sequence[Outlook]) -> Table:
    table = _table("<strategy", "<symbol", "cash", "leverage", "largest", "worth", "<limited by")
    for one in outlooks:
        margin = "spot" if _is_spot(one) else f"{one.leverage:g}x {one.instrument.margin_mode}"
        table.add_row(
            escape(one.strategy),
            escape(one.instrument.symbol),
            f"{one.cash:,.2f}",
            margin,
            f"{one.quantity:g}" if one.quantity else "none",
            f"{one.notional:,.2f}" if one.quantity else "",
            escape(one.limited_by),
        )
    return table


def _ends(outlooks: Sequence[Outlook]) -> Table:
    table = _table("<symbol", "price", "a long is liquidated at", "a short at", "fee", "in and out again")
    for one in outlooks:
        long, short = _liquidation(one, one.long_liquidation), _liquidation(one, one.short_liquidation)
        table.add_row(
            escape(one.instrument.symbol),
            _price(one.price),
            long,
            "no short" if _is_spot(one) else short,
            _known(one.taker_fee, f"{one.taker_fee:.3%}"),
            _known(one.round_trip_fee, f"{one.round_trip_fee:,.2f} {one.instrument.quote}"),
        )
    return table


def _liquidation(one: Outlook, price: float) -> str:
    if not one.quantity:
        return "unknown"
    if price != price:  # noqa: PLR0124
        return "nowhere"
    return f"{_price(one.instrument.on_grid(price))} ({price / one.price - 1.0:+.1%})"


def _funding(outlooks: Sequence[Outlook], facts: LiveFacts) -> list[RenderableType]:
    perpetuals = [one for one in outlooks if not _is_spot(one)]
    if not perpetuals:
        return []
    table = _table("<symbol", "funding now", "a long in 24 h", "a short in 24 h")
    for one in perpetuals:
        funding = facts.funding.get(one.instrument.symbol)
        rate = "unknown" if funding is None else f"{funding.rate:+.4%} each {funding.interval_hours:g} h"
        table.add_row(escape(one.instrument.symbol), rate, _paid(one, 1.0), _paid(one, -1.0))
    return [table]


def _assumed(outlooks: Sequence[Outlook]) -> Iterator[RenderableType]:
    for one in outlooks:
        if not _is_spot(one) and not one.instrument.margin_tiers:
            tier, symbol = one.instrument.tiers[0], escape(one.instrument.symbol)
            yield f"  [yellow]{symbol}: no margin tiers are known; a maintenance of {tier.maintenance:.2%} is assumed[/yellow]"


def _paid(one: Outlook, side: float) -> str:
    amount = side * one.funding_day
    does = "pays" if amount >= 0.0 else "receives"
    return _known(amount, f"{does} {abs(amount):,.2f} {one.instrument.quote}")


def _is_spot(one: Outlook) -> bool:
    return one.instrument.kind is InstrumentKind.SPOT


def _known(value: float, text: str) -> str:
    return text if value == value else "unknown"  # noqa: PLR0124


# -- what is in force --------------------------------------------------------------------------------------------------


def _rules(plan: Plan) -> Iterator[tuple[str, str]]:
    if not plan.rules:
        yield "NONE", "no rule stops an order or the session"
    hidden = _from_environment(plan)
    for rule in plan.rules:
        names = [item.name for item in dataclasses.fields(rule) if item.init]  # type: ignore[arg-type]
        params = [f"{name} {hidden.get((rule.name, name), getattr(rule, name))}" for name in names]
        yield rule.name, ", ".join(params) or "in force"


def _from_environment(plan: Plan) -> dict[tuple[str, str], str]:
    """Return the parameters of rules that come from the environment, as they were written."""
    return {
        (use["use"], name): value
        for use in plan.config.get("risk") or ()
        for name, value in (use.get("params") or {}).items()
        if "${" in str(value)
    }


def _events(plan: Plan) -> Iterator[tuple[str, str]]:
    live = plan.live
    yield (
        "a stop (Ctrl-C)",
        {
            "keep": "orders and positions stay as they are",
            "cancel": "entries are canceled; positions stay, with the orders that protect them",
            "flatten": "every order is canceled, every position closed at the market",
        }[plan.on_stop],
    )
    then = "every position is closed at the market" if plan.flatten_on_halt else "positions stay"
    yield "a halt", f"only orders that reduce a position pass; {then}; hookline resume ends it"
    yield "a crash", _dead_man(live.dead_man_seconds)
    if plan.stream.stall_seconds is not None:
        does = {"warn": "people are told", "cancel": "orders are canceled", "halt": "the session halts"}
        yield "silent data", f"after {plan.stream.stall_seconds:g} s {does[plan.on_stall]}"
    else:
        yield "silent data", "nobody is told: stream.stall_seconds is not set"
    orders = {"refuse": "the session does not trade", "cancel": "they are canceled"}
    positions = {
        "refuse": "the session does not trade",
        "adopt": "it is booked to the strategy of the symbol",
    }
    yield "foreign orders", orders.get(live.foreign_orders, "they are let be")
    yield "foreign position", positions.get(live.foreign_positions, "the difference is remembered")
    yield "an emergency", f"hookline kill {plan.name} --flatten, from any terminal"


def _dead_man(seconds: float | None) -> str:
    if seconds is None:
        return "orders and positions STAY: live.dead_man_seconds is off"
    return f"the venue cancels every order within {seconds:g} s, protective ones too; positions stay; see hookline watchdog"


def _checklist(facts: LiveFacts) -> RenderableType:
    if not facts.checks:
        return "  [yellow]unknown[/yellow]: no journal of a time on paper is in the session's folder; see hookline checklist"
    failed = [check for check in facts.checks if not check.passed]
    count = f"{len(facts.checks) - len(failed)} of {len(facts.checks)} pass"
    if not failed:
        return f"  [green]{count}[/green]"
    missing = [(f"FAIL {one.name}", f"{one.found}; needed: {one.needed}") for one in failed]
    return Group(f"  [yellow]{count}[/yellow]", _pairs(iter(missing)))


def _price(price: float | None, unknown: str = "unknown") -> str:
    if price is None or price != price or not price:  # noqa: PLR0124
        return unknown
    return f"{price:,.8g}"
