"""What every HTML page shares: its looks, small scripts, the charting library and data that cannot break out of it.

A page holds everything it needs, so that it opens anywhere without a network.
"""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from hookline.errors import PluginError

__all__ = ["Scripting", "embedded", "head", "plotly_source", "scripts"]

Scripting = Literal["none", "inline", "eval"]
"""What a page may run: nothing, its own scripts, or also code that these make, as some charts do."""

_ALLOWED: dict[Scripting, str] = {
    "none": "style-src 'unsafe-inline'",
    "inline": "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:",
    "eval": "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:",
}
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {allowed}">
<title>{title} - hookline</title>
<style>
{style}
</style>
</head>"""
_SCRIPTS = """<noscript><p class="noscript">Charts need JavaScript; figures and tables do not.</p></noscript>
<script type="application/json" id="data">{data}</script>
<script>{plotly}</script>
<script>
{script}
</script>"""


def head(title: str, style: str = "", scripting: Scripting = "none") -> str:
    """Return the beginning of a page, to the end of its head: looks for light and dark screens, narrow and wide ones and paper.

    Args:
        title: What the page is about, as text.
        style: Style sheet of this kind of page, which follows that of all pages.
        scripting: What the page may run; it may fetch nothing in any case.
    """
    return _HEAD.format(allowed=_ALLOWED[scripting], title=escape(title), style=_asset("page.css") + style)


def scripts(data: dict[str, Any], script: str) -> str:
    """Return the end of a page's body: data, the charting library, and what draws.

    Args:
        data: What is drawn, as element ``data``.
        script: Script of this kind of page. It finds ``page``: colors of the style sheet, chart options, escaping and sortable tables.

    Raises:
        PluginError: if the charting library is not installed.
    """
    return _SCRIPTS.format(data=embedded(data), plotly=plotly_source(), script=_asset("page.js") + script)


def embedded(data: dict[str, Any]) -> str:
    r"""Return JSON that cannot end the script element that holds it.

    >>> embedded({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def plotly_source() -> str:
    """Return plotly's script from the installed package, without importing the package.

    Raises:
        PluginError: if it is not installed.
    """
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise PluginError("charts: need the package 'plotly', which is not installed")
    path = Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    return path.read_text(encoding="utf-8")


def _asset(name: str) -> str:
    return (files("hookline.reporting") / "assets" / name).read_text(encoding="utf-8")
