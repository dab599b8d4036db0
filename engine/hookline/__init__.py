"""hookline: write a trading strategy once, run the same code in backtests, on paper and live.

Everything that a plugin author needs is here. Names are imported when they are first used, so that ``import hookline``
stays fast.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "hookline.api": ("backtest",),
    "hookline.broker": ("Broker",),
    "hookline.errors": (
        "ConfigError",
        "DataError",
        "HooklineError",
        "JournalError",
        "OrderError",
        "PluginError",
        "StrategyError",
        "VenueError",
    ),
    "hookline.execution": ("ExecutionAlgorithm", "Work"),
    "hookline.feed": ("BarRequest", "Feed", "TapeRequest"),
    "hookline.hookspecs": ("hookimpl",),
    "hookline.kernel.legs": ("Leg", "LegGroup", "LegStatus"),
    "hookline.kernel.sizing": (
        "EquityFraction",
        "FixedNotional",
        "FixedQuantity",
        "RiskByStop",
        "Sizer",
        "VolatilityTarget",
    ),
    "hookline.model": (
        "Bar",
        "BarSeries",
        "BookUpdate",
        "Fill",
        "Funding",
        "Instrument",
        "InstrumentKind",
        "MarginMode",
        "MarginTier",
        "Market",
        "Order",
        "OrderBook",
        "OrderStatus",
        "OrderType",
        "OrderUpdate",
        "Position",
        "PositionMode",
        "Quote",
        "Side",
        "TapeSeries",
        "TierStyle",
        "TimeInForce",
        "Trade",
    ),
    "hookline.notifier": ("Notifier",),
    "hookline.params": ("Doc", "Ge", "Gt", "Le", "Lt", "PluginUse"),
    "hookline.reporting.reporter": ("Reporter",),
    "hookline.reporting.result": ("Result",),
    "hookline.research.studies": ("sweep", "validate"),
    "hookline.research.studies.permutation": ("permutation_test",),
    "hookline.research.studies.positions": ("run_positions",),
    "hookline.research.studies.volatility": ("volatility_target",),
    "hookline.risk": ("RiskRule", "deny", "halt", "shrink", "warn"),
    "hookline.session": ("Session",),
    "hookline.session.executors": ("Executor",),
    "hookline.signals": ("Decision", "Held", "SignalStrategy", "flat", "hold", "long", "short"),
    "hookline.strategy": ("Context", "Strategy"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        # The columns library lists its own names.
        if name != "__all__":
            raise AttributeError(name)
        value: Any = sorted([*_MODULE_OF, *importlib.import_module("hookline.columns").__all__])
    else:
        module = importlib.import_module(_MODULE_OF.get(name, "hookline.columns"))
        if name not in _MODULE_OF and name not in module.__all__:
            raise AttributeError(f"module 'hookline' has no attribute {name!r}")
        value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__getattr__("__all__")]
