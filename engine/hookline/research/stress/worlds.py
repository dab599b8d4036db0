"""The same session in a harsher world: trading costs more, orders act later.

Rules of this file:

- Costs are the fees and slippage among the broker's parameters, by their names. A rebate is not multiplied: in a harsher world nobody pays
  more of it. Slippage as a share of a bar's range is at most the whole range.
- One bar late means: what a strategy asks for at the end of a bar reaches the venue at the end of the next one of that instrument. Orders,
  cancellations and amendments keep their sequence. The strategy itself is not touched, and sees its fills as they come.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.research.study import Job, Study

if TYPE_CHECKING:
    from hookline.reporting.result import Result
    from hookline.research.walk_forward import Values
    from hookline.session.plan import Plan

__all__ = ["costs_of", "run_late", "with_costs"]

_WORDS = ("fee", "slippage")


def costs_of(study: Study) -> dict[str, float]:
    """Return the fees and slippage of a study's broker by the names of its parameters; not what only liquidation costs."""
    broker = study.plan(Job()).broker
    fields: Sequence[dataclasses.Field[Any]] = (
        dataclasses.fields(broker) if dataclasses.is_dataclass(broker) else ()
    )
    found: dict[str, float] = {}
    for field in fields:
        value: Any = getattr(broker, field.name)
        is_cost = any(word in field.name for word in _WORDS) and "liquidation" not in field.name
        if is_cost and isinstance(value, int | float) and not isinstance(value, bool):
            found[field.name] = value
    return found


def with_costs(study: Study, multiple: float) -> Values:
    """Return the changes that multiply what trading costs, as a job takes them."""
    return tuple(
        (f"broker.params.{name}", _stressed(name, value, multiple))
        for name, value in costs_of(study).items()
        if value > 0.0
    )


def _stressed(name: str, value: float, multiple: float) -> float:
    if isinstance(value, int):
        return round(value * multiple)
    return min(value * multiple, 1.0) if name.endswith("_fraction") else value * multiple


def run_late(plan: Plan) -> Result:
    """Run a backtest in which everything that strategies ask for arrives one bar late.

    Raises:
        HooklineError: as any run may.
    """
    from hookline.research.stress.late import LateBroker
    from hookline.session.session import Session

    return Session(replace(plan, broker=LateBroker(plan.broker))).run()
