"""Lifecycle hooks of the plugins that a session names.

Observers cannot change a result and cannot stop a run: what one raises is logged under the name of its module.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from hookline import hookspecs
from hookline.errors import PluginError
from hookline.problems import did_you_mean

if TYPE_CHECKING:
    from hookline.model import Fill, Order, OrderUpdate
    from hookline.notifier import Level, Notifier
    from hookline.reporting.result import Result
    from hookline.session import Session

__all__ = ["EVENTS", "Event", "Observers"]

Event = Literal[
    "session_starting",
    "order_updated",
    "order_filled",
    "session_halted",
    "feed_stalled",
    "feed_recovered",
    "session_finished",
]
EVENTS: tuple[Event, ...] = (
    "session_starting",
    "order_updated",
    "order_filled",
    "session_halted",
    "feed_stalled",
    "feed_recovered",
    "session_finished",
)

_TOLD = frozenset({"session_halted", "feed_stalled", "feed_recovered", "session_finished"})

_logger = logging.getLogger(__name__)


class Observers:
    """Calls the lifecycle hooks of plugin modules, and tells the notifiers when a session halts or ends and when its feed stalls.

    Args:
        modules: Plugin modules; one given twice is called once.
        notifiers: Told of halts and ends, each with the session's name.
        name: The session's name in notifications.

    Raises:
        PluginError: if a module implements a hook that does not exist or with arguments that it does not have.
    """

    def __init__(
        self, modules: Iterable[ModuleType] = (), notifiers: Sequence[Notifier] = (), name: str = "session"
    ) -> None:
        self._notifiers = tuple(notifiers)
        self._name = name
        manager = _manager(modules)
        self._calls: dict[str, list[pluggy.HookImpl]] = {
            # get_hookimpls lists the first registered first, so observers are called in the order of the session file.
            event: [_observer(found) for found in getattr(manager.hook, event).get_hookimpls()]
            for event in EVENTS
        }

    def has(self, event: Event) -> bool:
        """Whether anybody listens; lets the engine skip the call."""
        told = self._notifiers and event in _TOLD
        return bool(self._calls[event] or told)

    def session_starting(self, session: Session) -> None:
        """Tell of a session that is about to see its first bar."""
        self._call("session_starting", session=session)

    def order_updated(self, order: Order, update: OrderUpdate) -> None:
        """Tell of one step of an order."""
        self._call("order_updated", order=order, update=update)

    def order_filled(self, order: Order, fill: Fill) -> None:
        """Tell of an execution."""
        self._call("order_filled", order=order, fill=fill)

    def session_halted(self, session: Session, reason: str) -> None:
        """Tell of a session that a risk rule has stopped."""
        self._call("session_halted", session=session, reason=reason)
        self.notify("error", f"{self._name} halted", reason)

    def feed_stalled(self, session: Session, seconds: float) -> None:
        """Tell of a feed that has sent nothing for a while."""
        self._call("feed_stalled", session=session, seconds=seconds)
        self.notify("warning", f"{self._name}: feed stalled", f"feed stalled for {seconds:,.0f} s")

    def feed_recovered(self, session: Session, seconds: float) -> None:
        """Tell of a feed that sends again."""
        self._call("feed_recovered", session=session, seconds=seconds)
        self.notify("info", f"{self._name}: feed recovered", f"data again after {seconds:,.0f} s")

    def session_finished(self, session: Session, result: Result) -> None:
        """Tell of the end of a run."""
        self._call("session_finished", session=session, result=result)
        if self._notifiers:
            self.notify("info", f"{self._name} finished", _headline(result))

    def notify(self, level: Level, title: str, text: str) -> None:
        """Send a message through every notifier."""
        for notifier in self._notifiers:
            try:
                notifier.notify(level, title, text)
            except Exception:
                _logger.exception("notifier %r could not send %r", notifier.name, title)

    def _call(self, event: Event, **arguments: Any) -> None:
        for call in self._calls[event]:
            try:
                call.function(*[arguments[name] for name in call.argnames])
            except Exception:
                _logger.exception("plugin %s: %s failed", call.plugin_name, event)


def _headline(result: Result) -> str:
    metrics, record = result.metrics, result.record
    ended = "interrupted, " if record.interrupted else "halted, " if record.halted else ""
    return f"{ended}final equity {metrics.final_equity:,.2f} {record.currency}, {metrics.round_trips} round trips"


def _manager(modules: Iterable[ModuleType]) -> pluggy.PluginManager:
    manager = pluggy.PluginManager("hookline")
    manager.add_hookspecs(hookspecs)
    for module in modules:
        if manager.is_registered(module):
            continue
        try:
            manager.register(module)
        except pluggy.PluginValidationError as error:
            raise PluginError(f"{module.__name__}: {str(error).splitlines()[-1].strip()}") from error
        _refuse_unknown(manager, module)
    return manager


def _refuse_unknown(manager: pluggy.PluginManager, module: ModuleType) -> None:
    known = [name for name in hookspecs.__all__ if name not in {"hookimpl", "hookspec"}]
    for caller in manager.get_hookcallers(module) or ():
        if not caller.has_spec():
            raise PluginError(
                f"{module.__name__}: no hook is called {caller.name!r}{did_you_mean(caller.name, known)}"
            )


def _observer(found: pluggy.HookImpl) -> pluggy.HookImpl:
    if found.wrapper or found.hookwrapper:
        raise PluginError(
            f"{found.plugin_name}: an observer cannot wrap others, {found.function.__name__} does"
        )
    return found
