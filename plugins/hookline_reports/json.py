"""``result.json``: figures, ratings, warnings and the session's configuration, for programs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hookline.clock import isoformat
from hookline.hookspecs import hookimpl
from hookline.reporting.plain import plain
from hookline.reporting.reporter import Reporter, write_text
from hookline.reporting.result import Result

__all__ = ["JsonReporter", "document", "register_reporters"]


@dataclass
class JsonReporter(Reporter):
    """Write ``result.json``. Figures that are not defined are null; the same session gives the same bytes."""

    name = "json"

    def write(self, result: Result, folder: Path) -> list[Path]:
        text = json.dumps(document(result), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return [write_text(folder / "result.json", text + "\n")]


def document(result: Result) -> dict[str, Any]:
    """Return what the file holds."""
    record = result.record
    has_bars = result.metrics.bars > 0
    return {
        "name": record.name,
        "mode": record.mode,
        "currency": record.currency,
        "start": isoformat(result.start) if has_bars else None,
        "end": isoformat(result.end) if has_bars else None,
        "metrics": plain(asdict(result.metrics)),
        "ratings": plain(result.ratings),
        "buy_and_hold": plain(asdict(result.buy_and_hold.metrics)),
        "warnings": result.warnings,
        "halted": record.halted,
        "interrupted": record.interrupted,
        "strategies": [
            {
                "id": strategy.id,
                "use": strategy.use,
                "params": plain(strategy.params),
                "symbols": list(strategy.symbols),
                "cash": strategy.cash,
                "metrics": plain(asdict(result.metrics_of(strategy.id))),
            }
            for strategy in record.strategies
        ],
        "orders_by_status": dict(Counter(order.status.value for order in record.orders)),
        "monthly_returns": [plain(month._asdict()) for month in result.monthly_returns],
        "config": plain(record.config),
    }


@hookimpl
def register_reporters() -> list[type[Reporter]]:
    return [JsonReporter]
