"""Sections of a sweep's page that are plain HTML. Every text that a user can write is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from hookline.reporting.formats import counted, fraction, number
from hookline.research.plateau.cells import Axis, Floats
from hookline.research.statistics.sharpe import expected_maximum
from hookline.research.sweep_report.digest import Digest, figure_label, figure_text, value_text

__all__ = ["BEST", "best", "by_set", "cards", "cautions", "choices", "failures", "header"]

BEST = 200
_ERRORS = 30


def header(digest: Digest) -> str:
    """Return the title and how many runs there are."""
    names = ", ".join(map(_range, digest.labels, digest.cells.axes))
    text = digest.headline().removeprefix(f"{digest.table.name}: ")
    lines = f"<p class=uses>{escape(text[:1].upper() + text[1:])}</p><p>{escape(names)}</p>"
    return f'<h1>{escape(digest.table.name)} <span class="badge">sweep</span></h1>{lines}'


def _range(label: str, axis: Axis) -> str:
    if axis.is_continuous:
        return f"{label} ({' to '.join(map(value_text, axis.parameter.values))})"
    return f"{label} ({counted(len(axis.values), 'value')})"


def cautions(digest: Digest) -> str:
    """Return the box of what to know before believing the best, nothing where there is none."""
    items = "".join(f"<li>{escape(text)}</li>" for text in digest.cautions())
    if not items:
        return ""
    return f"<section class=warnings role=note><h2>Before you believe this</h2><ul>{items}</ul></section>"


class _Card(NamedTuple):
    label: str
    value: str
    note: str
    kind: str = ""


def cards(digest: Digest) -> str:
    """Return the key figures of plateau, peak and all runs."""
    return "".join(
        f'<div class="card {card.kind}"><div class=label>{escape(card.label)}</div>'
        f"<div class=value>{escape(card.value)}</div><div class=note>{escape(card.note)}</div></div>"
        for card in [*_top_cards(digest), _runs_card(digest), *_spread_cards(digest)]
    )


def _top_cards(digest: Digest) -> list[_Card]:
    plateau, peak, metric = digest.plateau, digest.peak, digest.table.objective.metric
    if plateau is None or peak is None or digest.center is None:
        return []
    name = figure_label(metric)
    itself, highest = (
        figure_text(metric, float(digest.cells.objective[cell])) for cell in (digest.center, peak)
    )
    around = f"{figure_text(metric, float(digest.around[peak]))} around it"
    around += "" if digest.has_neighbours(peak) else ", at an edge"
    neighbours = f"{len(plateau.neighbours):,} of {plateau.possible:,}"
    found = [
        _Card(
            f"Plateau, mean {name}",
            figure_text(metric, plateau.mean),
            f"{_setting(digest, digest.center)}; {itself} itself",
            "plateau",
        ),
        _Card(f"Peak, {name}", highest, f"{_setting(digest, peak)}; {around}", "peak"),
    ]
    if plateau.neighbours:
        found += [
            _Card("Plateau to peak", number(plateau.ratio), "near 1: a flat top; near 0: a lonely peak"),
            _Card("Neighbours", neighbours, f"{fraction(plateau.good)} of the plateau in the best quarter"),
        ]
    return found


def _setting(digest: Digest, cell: int) -> str:
    return ", ".join(
        f"{label} {text}" for label, text in zip(digest.labels, digest.values(cell), strict=True)
    )


def _runs_card(digest: Digest) -> _Card:
    done = len(digest.table.frame)
    ways = digest.table.frame["how"].value_counts()
    note = ", ".join(f"{size:,} {name}" for name, size in ways.items() if name)
    return _Card("Runs", f"{done:,}", note if done == digest.table.total else f"of {digest.table.total:,}")


def _spread_cards(digest: Digest) -> list[_Card]:
    """Return where the middle of all combinations lies, how many gain and how far the peak is ahead."""
    metric, scores = digest.table.objective.metric, digest.cells.score[digest.order]
    if len(scores) < 2:
        return []
    quarters = np.quantile(digest.cells.objective[digest.order], [0.25, 0.5, 0.75])
    low, middle, high = (figure_text(metric, float(value)) for value in quarters)
    gains = digest.cells.mean("total_return")
    gains = gains[np.isfinite(gains)]
    share = float((gains > 0.0).mean()) if len(gains) else float("nan")
    spread = float(scores.std(ddof=1))
    lead = (scores[0] - scores.mean()) / spread if spread > 0.0 else float("nan")
    chance = number(expected_maximum(len(scores)))
    return [
        _Card(f"Median {figure_label(metric)}", middle, f"half of all between {low} and {high}"),
        _Card("Made money", fraction(share), "of the combinations"),
        _Card("Lead of the peak", f"{number(float(lead))} sd", f"above the mean; pure chance gives {chance}"),
    ]


def choices(digest: Digest, figures: Sequence[str]) -> str:
    """Return the selections of the map: axes, figure, what of the other parameters, and which runs."""
    axes, sets = list(enumerate(digest.labels)), digest.cells.sets
    found = []
    if len(axes) > 1:
        found += [_select("x", "Across", axes), _select("y", "Up", axes)]
    found.append(_select("figure", "Figure", [(name, figure_label(name)) for name in figures]))
    if len(axes) > 2:
        others = [("plateau", "at the plateau"), ("best", "best of all"), ("mean", "mean of all")]
        found.append(_select("others", "Other parameters", others))
    if len(sets) > 1:
        runs = [(-1, f"mean of {digest.sets_text()}"), *enumerate(map(digest.set_text, sets))]
        found.append(_select("runs", "Runs", runs))
    return f"<div class=choices>{''.join(found)}</div>"


def _select(name: str, label: str, options: Iterable[tuple[object, str]]) -> str:
    items = "".join(
        f'<option value="{escape(str(value))}">{escape(text)}</option>' for value, text in options
    )
    return f"<label class=choice>{label} <select id={name}>{items}</select></label>"


def by_set(digest: Digest) -> str:
    """Return how plateau, peak and the median do on each instrument and period, nothing where there is only one."""
    cells, metric = digest.cells, digest.table.objective.metric
    if len(cells.sets) < 2 or digest.peak is None or digest.center is None:
        return ""
    values = digest.table.frame[metric].to_numpy(dtype=np.float64)
    rows = []
    for index, one in enumerate(cells.sets):
        here = (cells.set_of == index) & np.isfinite(values)
        chosen = [values[here & (cells.cell_of == cell)][:1] for cell in (digest.center, digest.peak)]
        ordered = digest.table.objective.sign * np.sort(digest.table.objective.sign * values[here])
        middle = np.quantile(ordered, [0.5]) if len(ordered) else ordered
        texts = [_first(metric, each) for each in (*chosen, middle, ordered[-1:])]
        rows.append([escape(digest.set_text(one)), *map(escape, texts)])
    head = ("", "plateau", "peak", "median", "best there")
    return f"<section><h2>{escape(figure_label(metric))} on each</h2>{_table(head, rows)}</section>"


def _first(metric: str, values: Floats) -> str:
    return figure_text(metric, float(values[0]) if len(values) else float("nan"))


def best(digest: Digest) -> str:
    """Return the sortable table of the best combinations, with plateau and peak in any case."""
    listed = digest.order[:BEST].tolist()
    if not listed:
        return "<p>No run has an objective.</p>"
    if digest.center is not None and digest.center not in listed:
        listed.append(digest.center)
    rank = {int(cell): index for index, cell in enumerate(digest.order, start=1)}
    metric = digest.table.objective.metric
    means = {name: digest.cells.mean(name) for name in digest.main_figures}
    heads = [
        "#",
        "",
        *digest.labels,
        figure_label(metric),
        "around",
        *map(figure_label, digest.main_figures[1:]),
    ]
    top = "".join(
        f"<th scope=col aria-sort=none><button type=button>{escape(head)}</button></th>" for head in heads
    )
    body = []
    for cell in listed:
        figures = [(name, float(means[name][cell])) for name in digest.main_figures]
        body.append(_best_row(digest, cell, rank[cell], figures))
    note = _best_note(digest, len(listed))
    listing = f"<table class=sortable><thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    return f"<p class=drawn>{note}</p><div class='scroll tall'>{listing}</div>"


def _best_note(digest: Digest, listed: int) -> str:
    whole = len(digest.order)
    size = f"All {whole:,}" if listed >= whole else f"The best {min(listed, BEST):,} of {whole:,}"
    mean = f" Figures are means over {digest.sets_text()}." if len(digest.cells.sets) > 1 else ""
    around = (
        "Around: its mean over the combination and its neighbours, in parentheses at an edge of the space."
    )
    return f"{size} combinations with an objective. {around}{mean}"


def _best_row(digest: Digest, cell: int, rank: int, figures: list[tuple[str, float]]) -> str:
    marks = [name for name, chosen in (("plateau", digest.center), ("peak", digest.peak)) if chosen == cell]
    badges = " ".join(f"<span class='mark {name}'>{name}</span>" for name in marks)
    cells = [f'<td data-value="{rank}">{rank:,}</td>', f'<td data-value="{" ".join(marks)}">{badges}</td>']
    cells += [f'<td data-value="{escape(text)}">{escape(text)}</td>' for text in digest.values(cell)]
    texts = [(value, figure_text(name, value)) for name, value in figures]
    texts.insert(1, (float(digest.around[cell]), digest.around_text(cell)))
    cells += [f'<td data-value="{value!r}">{escape(text)}</td>' for value, text in texts]
    return f"<tr{' class=chosen' if marks else ''}>{''.join(cells)}</tr>"


def failures(digest: Digest) -> str:
    """Return why runs failed and how often, nothing where none did."""
    if not digest.failures:
        return ""
    rows = [[escape(error), f"{size:,}"] for error, size in digest.failures[:_ERRORS]]
    left = len(digest.failures) - len(rows)
    note = f"<p class=drawn>{counted(left, 'rarer error')} left out.</p>" if left else ""
    return f"<section class=errors><h2>Failed runs</h2>{_table(('error', 'runs'), rows)}{note}</section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are HTML already."""
    top = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class=scroll><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
