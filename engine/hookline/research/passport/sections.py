"""Sections of a passport's page: the figures and small charts behind each test. All text goes through ``escape``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from hookline.reporting.formats import FIGURES, NOT_DEFINED, counted, fraction, money, number
from hookline.research.passport.svg import Line, histogram, lines, steps
from hookline.research.passport.words import SCHEMES, chance_text, label_of, percent, values_text

if TYPE_CHECKING:
    from hookline.research.passport.document import Passport

__all__ = ["all_sections"]

_TEXTS: dict[str, Callable[[float], str]] = {one.name: one.text for block in FIGURES for one in block}


def all_sections(passport: Passport) -> Iterator[str]:
    """Yield the sections for which a passport has figures."""
    made = (
        ("Out of sample", "split", _split),
        ("Walk forward", "walk_forward", _walk_forward),
        ("Chance", "permutation", lambda data: _said(chance_text(passport)[0]) + _permutation(data)),
        ("Uncertainty", "bootstrap", _bootstrap),
        ("Everything that was tried on this data", "trials", _trials),
        ("Overfitting of the choice", "overfitting", _overfitting),
        ("Higher costs", "costs", _costs),
        ("One bar late", "delay", _delay),
        ("Different markets", "regimes", _regimes),
        ("Look-ahead", "look_ahead", _leaks),
        ("Warm-up", "warm_up", _leaks),
    )
    for title, name, make in made:
        data = passport.section(name)
        if data:
            yield f"<section><h2>{title}</h2>{make(data)}</section>"
    yield f"<section><h2>Session</h2>{_session(passport)}</section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    top = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class=scroll><table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure(title: str, note: str, chart: str) -> str:
    return f"<figure><figcaption>{escape(title)} <small>{escape(note)}</small></figcaption>{chart}</figure>"


def _text(name: str, value: float | None) -> str:
    return NOT_DEFINED if value is None or math.isnan(value) else _TEXTS.get(name, number)(value)


def _said(text: str) -> str:
    return f"<p class=drawn>{escape(text)}</p>"


def _split(data: Mapping[str, Any]) -> str:
    window = {name: time[:10] for name, time in data["window"].items()}
    rows = []
    for label, part in (("chosen in sample", data["chosen"]), ("the session's own", data["own"])):
        what = values_text(part.get("values", {})) if label.startswith("chosen") else ""
        before, after = part["in_sample"], part["out_of_sample"]
        for name in before:
            is_metric = name == data["metric"]
            rows.append((
                f"{label} {what}".strip() if is_metric else "", label_of(name), _text(name, before[name]),
                _text(name, after[name]), f"{_text('', part['ratio'])} {part['band']}" if is_metric else "",
            ))  # fmt: skip
    head = (
        "parameters",
        "figure",
        f"in sample, {window['train_since']} to {window['train_until']}",
        f"out of sample, {window['test_since']} to {window['test_until']}",
        "ratio",
    )
    said = "Only the first row decides: the session's own parameters may have been found by looking at all of the history."
    return _table(head, rows) + _said(said)


def _walk_forward(data: Mapping[str, Any]) -> str:
    drawn = [
        Line(f"{kind} window", color, data[kind]["curve"]["t"], data[kind]["curve"]["y"])
        for kind, color in (("rolling", "accent"), ("expanding", "buy"))
        if kind in data
    ]
    parts = [
        _figure("Equity out of sample", "test stretches one after the other, 1 at the start", lines(
            drawn, "equity out of sample", lambda value: f"{value:.2f}", 1.0)),
        f"<div class=three>{''.join(_choices(data['rolling']))}</div>",
    ]  # fmt: skip
    parts += [
        f"<h3>Windows, {kind}</h3>{_windows(data[kind])}" for kind in ("rolling", "expanding") if kind in data
    ]
    return "".join(parts)


def _choices(walked: Mapping[str, Any]) -> Iterator[str]:
    """Yield a chart of each numeric parameter over the windows."""
    times = [_milliseconds(step["window"]["test_since"]) for step in walked["steps"]]
    times.append(_milliseconds(walked["steps"][-1]["window"]["test_until"]))
    for address in walked["steps"][0]["values"]:
        values = [step["values"][address] for step in walked["steps"]]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            name = address.rpartition(".")[2]
            chart = steps(times, values, f"{name} chosen in each window", lambda value: f"{value:g}")
            yield _figure(name, "chosen for each stretch, rolling", chart)


def _milliseconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp() * 1000.0


def _windows(walked: Mapping[str, Any]) -> str:
    metric = walked["metric"]
    rows = [
        (
            f"{step['window']['train_since'][:10]} to {step['window']['train_until'][:10]}",
            f"{step['window']['test_since'][:10]} to {step['window']['test_until'][:10]}",
            f"{values_text(step['values'])} ({step['how']})",
            _text(metric, step["in_sample"]),
            _text(metric, step["out_of_sample"]),
            fraction(step["total_return"]),
        )
        for step in walked["steps"]
    ]
    label = label_of(metric)
    head = ("chosen on", "judged on", "chosen", f"{label} in sample", "out of sample", "return")
    whole = (
        f"All of it out of sample: {_text('total_return', walked['total_return'])}, Sharpe {_text('sharpe', walked['sharpe'])}, "
        f"deepest drawdown {_text('max_drawdown', walked['max_drawdown'])}."
    )
    return _table(head, rows) + _said(whole)


def _permutation(data: Mapping[str, Any]) -> str:
    parts = []
    for scheme, found in data.items():
        drawn = histogram(
            found["histogram"]["edges"], found["histogram"]["counts"], found["actual"],
            f"Sharpe ratio of random histories, {SCHEMES[scheme]}", lambda value: f"{value:.1f}",
        )  # fmt: skip
        note = f"p = {_p(found['p_value'])}, {found['band']}"
        parts.append(_figure(SCHEMES[scheme], note, drawn))
    said = (
        "Sharpe ratios that the same positions, at the same costs, would have had in random histories. Red bars did as well or better "
        "than the session: the fewer, the less luck explains."
    )
    return f"<div class=three>{''.join(parts)}</div>{_said(said)}"


def _p(value: float | None) -> str:
    return NOT_DEFINED if value is None or math.isnan(value) else f"{value:.4f}"


def _bootstrap(data: Mapping[str, Any]) -> str:
    rows = [
        (
            label_of(name),
            _text(name, one["value"]),
            _text(name, one["low"]),
            _text(name, one["high"]),
        )
        for name, one in data["intervals"].items()
    ]
    said = f"Between low and high lies the true figure with {percent(data['confidence'])} confidence, if the future is like the past."
    return _table(("figure", "seen", "low", "high"), rows) + _said(said)


def _trials(data: Mapping[str, Any]) -> str:
    facts = (
        ("different trials on this data", f"{data['trials']:,}"),
        ("runs of them", f"{data['runs']:,}"),
        ("independent trials that they are worth", f"{data['independent']:,.1f}"),
        ("Sharpe ratio, from days", _text("sharpe", data["sharpe"])),
        ("Sharpe ratio of the luckiest of them without any edge", _text("sharpe", data["luckiest"])),
        ("probability of more than zero (one trial only)", _text("win_rate", data["probabilistic"])),
        ("probability of more than the luckiest (deflated)", _text("win_rate", data["deflated"])),
        ("days that there are", counted(data["days"], "day")),
        (
            "days it takes to be 95 % sure",
            _text("round_trips", data["needed_days"]),
        ),
    )
    table = _table(("figure", "value"), facts, "facts")
    rows = [(row["strategy"], f"{row['trials']:,}", f"{row['runs']:,}") for row in data["ledger"]]
    said = (
        "Every backtest on this data counts, of every strategy, as the ledger has it (hookline trials). What was tried elsewhere, or on "
        "paper, it does not know."
    )
    if data.get("variance_of") == "bar":
        said += " Of most trials only the Sharpe ratio of bars is known; it was brought to days as if bars were independent."
    return f"<div class=two><div>{table}</div><div>{_table(('strategy', 'trials', 'runs'), rows)}{_said(said)}</div></div>"


def _overfitting(data: Mapping[str, Any]) -> str:
    chart = histogram(
        data["logits"]["edges"], data["logits"]["counts"], None, "ranks out of sample of the best in sample",
        lambda value: f"{value:.1f}",
    )  # fmt: skip
    facts = (
        ("variants compared", f"{data['trials']:,} of {data['variants']:,}"),
        ("parts into which time was cut", str(data["parts"])),
        ("best in sample is below the middle out of sample", fraction(data["probability"])),
        ("best in sample loses money out of sample", fraction(data["loss_probability"])),
        ("slope of out of sample on in sample", _text("sharpe", data["slope"])),
    )
    note = "logit of its rank, below 0 is below the middle"
    return f"<div class=two>{_figure('Best in sample, out of sample', note, chart)}<div>{_table(('figure', 'value'), facts, 'facts')}</div></div>"


def _stress_rows(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    shown = [
        (label, fraction(row["total_return"]), _text("sharpe", row["sharpe"]), _text("max_drawdown", row["max_drawdown"]),
         f"{row['round_trips']:,.0f}", money(row["fees"]))
        for label, row in rows
    ]  # fmt: skip
    return _table(("", "return", "Sharpe", "max drawdown", "round trips", "fees"), shown)


def _costs(data: Mapping[str, Any]) -> str:
    named = ", ".join(f"{name} {value:g}" for name, value in data["costs"].items() if value)
    rows = [(f"costs x {row['multiple']:g}", row) for row in data["rows"]]
    return _stress_rows(rows) + _said(f"Costs as the session has them: {named or 'none'}.")


def _delay(data: Mapping[str, Any]) -> str:
    return _stress_rows([("on time", data["on_time"]), ("one bar late", data["late"])])


def _regimes(data: Mapping[str, Any]) -> str:
    kinds = {"year": "", "trend": " against the 200-day mean", "volatility": " volatility"}
    rows = [
        (f"{row['label']}{kinds.get(row['kind'], '')}", fraction(row["share"]), fraction(row["total_return"]),
         _text("sharpe", row["sharpe"]), _text("max_drawdown", row["max_drawdown"]), fraction(row["market_return"]))
        for row in data["rows"]
    ]  # fmt: skip
    said = "Each regime is known before its bars begin. An edge that lives in one of them waits for that one to come back."
    return _table(
        ("market", "share of time", "return", "Sharpe", "max drawdown", "market itself"), rows
    ) + _said(said)


def _leaks(data: Mapping[str, Any]) -> str:
    found = [f"{one['where']}: {one['text']}" for one in data.get("findings", ())]
    parts = (
        ("Found", found or ["nothing"]),
        ("Compared", data.get("compared", ())),
        ("Could not be checked, or is not judged", data.get("unseen", ())),
    )
    return "".join(f"<h3>{title}</h3>{_items(lines)}" for title, lines in parts if lines)


def _items(lines: Iterable[str]) -> str:
    return f"<ul class=lines>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _session(passport: Passport) -> str:
    rows = [
        (one["id"], one["use"], ", ".join(one["symbols"]), name, str(value))
        for one in passport.session.get("strategies", ())
        for name, value in (one["params"] or {"": ""}).items()
    ]
    table = _table(("strategy", "plugin", "symbols", "parameter", "value"), rows, "left")
    rules = _table(("rule", "value"), [(name, str(value)) for name, value in passport.rules.items()], "left")
    said = "The passport holds for these strategies, with their code as it was, these parameters, symbols and this timeframe, and for nothing else."
    return f"{table}{_said(said)}<details><summary>What had to hold</summary>{rules}</details>"
