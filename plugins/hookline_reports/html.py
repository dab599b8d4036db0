"""``report.html``: one page with everything in it, the charting library too, so that it opens anywhere without a network."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from hookline.hookspecs import hookimpl
from hookline.reporting import pages
from hookline.reporting.reporter import Reporter, write_text
from hookline.reporting.result import Result
from hookline_reports import sections
from hookline_reports.charts import chart_data
from hookline_reports.trips_table import trips_section

__all__ = ["HtmlReporter", "page", "register_reporters"]


@dataclass
class HtmlReporter(Reporter):
    """Write ``report.html``. It holds no time of writing: the same session gives the same bytes."""

    name = "html"

    def write(self, result: Result, folder: Path) -> list[Path]:
        return [write_text(folder / "report.html", page(result))]


def page(result: Result) -> str:
    """Return the report as one HTML text."""
    assets = files("hookline_reports") / "assets"
    data = chart_data(result)
    return Template((assets / "report.html").read_text(encoding="utf-8")).substitute(
        head=pages.head(result.record.name, scripting="inline"),
        header=sections.header(result),
        warnings=sections.warnings(result),
        cards=sections.cards(result),
        currency=escape(result.record.currency),
        price_note=_choice(data),
        equity_note=escape(data["equity"]["note"]),
        drawdown_note=escape(data["drawdown"]["note"]),
        months=sections.months(result),
        figures=sections.figures(result),
        strategies=sections.strategies(result),
        trips=trips_section(result),
        orders=sections.orders(result),
        parameters=sections.parameters(result),
        config=sections.config(result),
        scripts=pages.scripts(data, (assets / "report.js").read_text(encoding="utf-8")),
    )


def _choice(data: dict[str, Any]) -> str:
    """Return the choice of the symbol to draw, nothing where there is only one."""
    if len(data["prices"]) < 2:
        return ""
    options = "".join(
        f"<option value={index}>{escape(price['symbol'])}</option>"
        for index, price in enumerate(data["prices"])
    )
    return f"<label class=choice>Symbol <select id=symbol>{options}</select></label>"


@hookimpl
def register_reporters() -> list[type[Reporter]]:
    return [HtmlReporter]
