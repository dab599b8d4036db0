"""A sweep as one HTML page with everything in it, the charting library too, so that it opens anywhere without a network."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from hookline.reporting import pages
from hookline.reporting.reporter import write_text
from hookline.research.sweep_report import sections
from hookline.research.sweep_report.charts import chart_data
from hookline.research.sweep_report.digest import Digest, figure_label
from hookline.research.table import SweepTable

__all__ = ["page", "write_page"]


def write_page(table: SweepTable, path: Path, radius: int = 1) -> Path:
    """Write the page of a sweep and return its path. It holds no time of writing: the same table gives the same bytes.

    Args:
        table: The sweep.
        path: File to write.
        radius: Steps that a neighbourhood reaches to each side.

    Raises:
        OSError: if the file cannot be written.
        PluginError: if the charting library is not installed.
    """
    return write_text(path, page(table, radius))


def page(table: SweepTable, radius: int = 1) -> str:
    """Return the page of a sweep as one HTML text: summary, map, parallel coordinates, distribution and the best combinations.

    Raises:
        PluginError: if the charting library is not installed.
    """
    assets, digest = files("hookline.research") / "assets", Digest(table, radius)
    data = chart_data(digest)
    return Template((assets / "sweep.html").read_text(encoding="utf-8")).substitute(
        head=pages.head(f"{table.name}, sweep", (assets / "sweep.css").read_text(encoding="utf-8"), "eval"),
        header=sections.header(digest),
        cautions=sections.cautions(digest),
        cards=sections.cards(digest),
        settings=escape(_settings(digest)),
        choices=sections.choices(digest, [figure["name"] for figure in data["figures"]]),
        note=escape(data["note"]),
        objective=escape(figure_label(table.objective.metric)),
        by_set=sections.by_set(digest),
        best=sections.best(digest),
        failures=sections.failures(digest),
        scripts=pages.scripts(data, (assets / "sweep.js").read_text(encoding="utf-8")),
    )


def _settings(digest: Digest) -> str:
    """Return the options that run the plateau, as one would type them."""
    return "" if digest.center is None else " \\\n".join(digest.settings(digest.center))
