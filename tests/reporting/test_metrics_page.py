from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from hookline.reporting.metrics import Metrics

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_defines_every_figure_and_no_other():
    tables = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    names = [name for line in tables for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])]
    assert sorted(name for name in names if name not in {"html", "json", "csv", "parquet"}) == sorted(
        field.name for field in fields(Metrics)
    )
