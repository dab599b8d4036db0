"""Every hook of hookline.

Rules of this file:

- Registration hooks (``register_<kind>``) return classes. A module is found by the entry point that names it and is imported
  only when a session or a command names it. It may return several classes: the one whose ``name`` is the entry point's
  name is taken.
- Lifecycle hooks observe. They cannot change a result and cannot stop a run: an exception in one is logged. They are called
  in the modules of the plugins that a session names.
- No bar and no quote travels through a hook.
- Each hook's docstring holds an example, which the test suite runs.
"""

# Specifications have no body; pluggy never calls them.
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from hookline.broker import Broker
    from hookline.feed import Feed
    from hookline.kernel.sizing import Sizer
    from hookline.model import Fill, Order, OrderUpdate
    from hookline.notifier import Notifier
    from hookline.reporting.reporter import Reporter
    from hookline.reporting.result import Result
    from hookline.risk import RiskRule
    from hookline.session import Session
    from hookline.session.executors import Executor
    from hookline.strategy import Strategy

__all__ = [
    "hookimpl",
    "hookspec",
    "order_filled",
    "order_updated",
    "register_brokers",
    "register_commands",
    "register_executors",
    "register_feeds",
    "register_notifiers",
    "register_reporters",
    "register_risk_rules",
    "register_sizers",
    "register_strategies",
    "session_finished",
    "session_halted",
    "session_starting",
]

hookspec = pluggy.HookspecMarker("hookline")
hookimpl = pluggy.HookimplMarker("hookline")


@hookspec
def register_strategies() -> list[type[Strategy]]:
    """Return the strategies of a module. Entry-point group ``hookline.strategies``."""


@hookspec
def register_brokers() -> list[type[Broker]]:
    """Return the brokers of a module. Entry-point group ``hookline.brokers``."""


@hookspec
def register_feeds() -> list[type[Feed]]:
    """Return the feeds of a module. Entry-point group ``hookline.feeds``."""


@hookspec
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the risk rules of a module. Entry-point group ``hookline.risk_rules``."""


@hookspec
def register_sizers() -> list[type[Sizer]]:
    """Return the sizing models of a module. Entry-point group ``hookline.sizers``."""


@hookspec
def register_reporters() -> list[type[Reporter]]:
    """Return the reporters of a module. Entry-point group ``hookline.reporters``."""


@hookspec
def register_notifiers() -> list[type[Notifier]]:
    """Return the notifiers of a module. Entry-point group ``hookline.notifiers``."""


@hookspec
def register_executors() -> list[type[Executor]]:
    """Return the executors of a module. Entry-point group ``hookline.executors``."""


@hookspec
def register_commands() -> list[Callable[..., None]]:
    """Return the commands of a module: functions that typer can read. Entry-point group ``hookline.commands``."""


@hookspec
def session_starting(session: Session) -> None:
    """Observe a session that is assembled and about to see its first bar."""


@hookspec
def order_updated(order: Order, update: OrderUpdate) -> None:
    """Observe one step of an order along the table of states."""


@hookspec
def order_filled(order: Order, fill: Fill) -> None:
    """Observe an execution, after it is booked."""


@hookspec
def session_halted(session: Session, reason: str) -> None:
    """Observe a session that a risk rule has stopped from trading."""


@hookspec
def session_finished(session: Session, result: Result) -> None:
    """Observe the end of a run, before reports are written."""
