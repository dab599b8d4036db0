"""What every HTML page shares: its looks, small scripts, the charting library and data that cannot break out of it.

A page holds everything it needs, so that it opens anywhere without a network.
"""

from __future__ import annotations

import json
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hookline.errors import PluginError

__all__ = ["embedded", "plotly_source", "script", "style"]


def style() -> str:
    """Return the style sheet, for light and dark screens, narrow and wide ones and paper."""
    return _asset("page.css")


def script() -> str:
    """Return the script that defines ``page``: colors of the style sheet, chart options, escaping and sortable tables."""
    return _asset("page.js")


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
