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
    from hookline.execution import ExecutionAlgorithm
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
    "feed_recovered",
    "feed_stalled",
    "hookimpl",
    "hookspec",
    "order_filled",
    "order_updated",
    "register_algorithms",
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
    """Return the strategies of a module. Entry-point group ``hookline.strategies``.

    Example::

        from dataclasses import dataclass

        from hookline import Bar, Context, Strategy, hookimpl

        @dataclass
        class Patient(Strategy):
            '''Buy on the first bar and wait.'''

            name = "patient"

            weight: float = 1.0

            def on_bar(self, ctx: Context, bar: Bar) -> None:
                if ctx.position(bar.symbol).is_flat:
                    ctx.target_weight(bar.symbol, self.weight)

        @hookimpl
        def register_strategies():
            return [Patient]
    """


@hookspec
def register_brokers() -> list[type[Broker]]:
    """Return the brokers of a module. Entry-point group ``hookline.brokers``.

    Example::

        from dataclasses import dataclass

        from hookline import Broker, OrderStatus, hookimpl

        @dataclass
        class ClosedVenue(Broker):
            '''Reject every order, to see how a strategy takes it.'''

            name = "closed"

            taker_fee = 0.0

            def connect(self, listener, clock, instruments, ledgers):
                self.listener, self.clock = listener, clock

            def submit(self, order):
                self.listener.order_changed(order, OrderStatus.REJECTED, self.clock.now, "the venue is closed")

            def cancel(self, order):
                '''Nothing is ever open.'''

            def amend(self, order, lots, limit_price, trigger_price):
                '''Nothing is ever open.'''

            def cancel_all_after(self, seconds):
                '''Nothing is ever open.'''

        @hookimpl
        def register_brokers():
            return [ClosedVenue]
    """


@hookspec
def register_feeds() -> list[type[Feed]]:
    """Return the feeds of a module. Entry-point group ``hookline.feeds``.

    Example::

        from dataclasses import dataclass
        from typing import Annotated

        from hookline import BarSeries, Doc, Feed, Ge, hookimpl
        from hookline.model import timeframe_ns

        @dataclass
        class FlatFeed(Feed):
            '''Bars that never move.'''

            name = "flat"

            bars: Annotated[int, Ge(1), Doc("how many")] = 10
            price: float = 100.0

            def load(self, request):
                step = timeframe_ns(request.timeframe)
                starts = [number * step for number in range(self.bars)]
                prices = [self.price] * self.bars
                return BarSeries(request.symbol, request.timeframe, starts, prices, prices, prices, prices, prices)

        @hookimpl
        def register_feeds():
            return [FlatFeed]
    """


@hookspec
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the risk rules of a module. Entry-point group ``hookline.risk_rules``.

    Example::

        from dataclasses import dataclass
        from typing import Annotated

        from hookline import Doc, Ge, RiskRule, deny, hookimpl

        @dataclass
        class MaxOpenStrategies(RiskRule):
            '''Let only so many strategies hold something at a time.'''

            name = "max_open_strategies"

            limit: Annotated[int, Ge(1), Doc("strategies")] = 1

            def check(self, order, account):
                holding = {name for name, ledger in account.ledgers.items() if ledger.gross_notional > 0}
                if len(holding - {order.strategy}) >= self.limit:
                    return deny(f"{len(holding)} strategies hold a position already")
                return None

        @hookimpl
        def register_risk_rules():
            return [MaxOpenStrategies]
    """


@hookspec
def register_sizers() -> list[type[Sizer]]:
    """Return the sizing models of a module. Entry-point group ``hookline.sizers``.

    Example::

        from dataclasses import dataclass
        from typing import Annotated

        from hookline import Doc, Gt, Sizer, hookimpl

        @dataclass
        class SquareRoot(Sizer):
            '''Spend the square root of equity: bolder when small.'''

            name = "square_root"

            scale: Annotated[float, Gt(0), Doc("factor")] = 1.0

            def quantity(self, equity, price, stop, volatility):
                return self.scale * max(equity, 0.0) ** 0.5 / price

        @hookimpl
        def register_sizers():
            return [SquareRoot]
    """


@hookspec
def register_algorithms() -> list[type[ExecutionAlgorithm]]:
    """Return the execution algorithms of a module. Entry-point group ``hookline.algorithms``.

    Example::

        from dataclasses import dataclass
        from typing import Annotated

        from hookline import Doc, ExecutionAlgorithm, Gt, hookimpl

        @dataclass
        class Thirds(ExecutionAlgorithm):
            '''Send a third at once, and the next as each one fills.'''

            name = "thirds"

            parts: Annotated[int, Gt(0), Doc("how many")] = 3

            def on_start(self, work):
                work.submit(work.quantity / self.parts)

            def on_fill(self, work, fill):
                if work.remaining and not work.children:
                    is_last = work.count == self.parts - 1
                    work.submit(work.remaining if is_last else work.quantity / self.parts)

        @hookimpl
        def register_algorithms():
            return [Thirds]
    """


@hookspec
def register_reporters() -> list[type[Reporter]]:
    r"""Return the reporters of a module. Entry-point group ``hookline.reporters``.

    Example::

        from dataclasses import dataclass

        from hookline import Reporter, hookimpl

        @dataclass
        class OneLine(Reporter):
            '''Write the return of a run into a file of one line.'''

            name = "one_line"

            file: str = "return.txt"

            def write(self, result, folder):
                path = folder / self.file
                path.write_text(f"{result.metrics.total_return:.4f}\n")
                return [path]

        @hookimpl
        def register_reporters():
            return [OneLine]
    """


@hookspec
def register_notifiers() -> list[type[Notifier]]:
    r"""Return the notifiers of a module. Entry-point group ``hookline.notifiers``.

    Example::

        from dataclasses import dataclass

        from hookline import Notifier, hookimpl

        @dataclass
        class Bell(Notifier):
            '''Ring the terminal's bell for errors.'''

            name = "bell"

            def notify(self, level, title, text):
                print(f"\a{title}: {text}" if level == "error" else f"{title}: {text}")

        @hookimpl
        def register_notifiers():
            return [Bell]
    """


@hookspec
def register_executors() -> list[type[Executor]]:
    """Return the executors of a module. Entry-point group ``hookline.executors``.

    Example::

        from concurrent.futures import ThreadPoolExecutor
        from dataclasses import dataclass
        from typing import Annotated

        from hookline import Doc, Executor, Ge, hookimpl

        @dataclass
        class Threads(Executor):
            '''Several at a time, in threads of this process.'''

            name = "threads"

            workers: Annotated[int, Ge(1), Doc("threads at a time")] = 4

            def map(self, function, items):
                with ThreadPoolExecutor(self.workers) as pool:
                    yield from pool.map(function, items)

        @hookimpl
        def register_executors():
            return [Threads]
    """


@hookspec
def register_commands() -> list[Callable[..., None]]:
    """Return the commands of a module: functions that typer can read, or groups of them. Entry-point group ``hookline.commands``.

    A group is a ``typer.Typer`` that has the entry's name: ``typer.Typer(name="desk")`` for ``hookline desk ...``.

    Example::

        from typing import Annotated

        import typer

        from hookline import hookimpl

        def greet(name: Annotated[str, typer.Argument(help="Whom to greet.")], loud: bool = False) -> None:
            '''Greet somebody.'''
            typer.echo(f"hello {name}".upper() if loud else f"hello {name}")

        @hookimpl
        def register_commands():
            return [greet]
    """


@hookspec
def session_starting(session: Session) -> None:
    """Observe a session that is assembled and about to see its first bar.

    Example::

        from hookline import hookimpl

        @hookimpl
        def session_starting(session):
            print(f"{session.name} starts")
    """


@hookspec
def order_updated(order: Order, update: OrderUpdate) -> None:
    """Observe one step of an order along the table of states.

    Example::

        from hookline import hookimpl

        @hookimpl
        def order_updated(order, update):
            if update.reason:
                print(f"{order.client_order_id} {update.status}: {update.reason}")
    """


@hookspec
def order_filled(order: Order, fill: Fill) -> None:
    """Observe an execution, after it is booked.

    Example::

        from hookline import hookimpl

        @hookimpl
        def order_filled(order, fill):
            print(f"{fill.side.name.lower()} {fill.quantity:g} {fill.symbol} at {fill.price:g}")
    """


@hookspec
def session_halted(session: Session, reason: str) -> None:
    """Observe a session that a risk rule has stopped from trading.

    Example::

        from hookline import hookimpl

        @hookimpl
        def session_halted(session, reason):
            print(f"{session.name} halted: {reason}")
    """


@hookspec
def feed_stalled(session: Session, seconds: float) -> None:
    """Observe a feed that has sent nothing for as long as the session allows.

    Example::

        from hookline import hookimpl

        @hookimpl
        def feed_stalled(session, seconds):
            print(f"{session.name} has seen nothing for {seconds:.0f} s")
    """


@hookspec
def feed_recovered(session: Session, seconds: float) -> None:
    """Observe a feed that sends again after a stall of that many seconds.

    Example::

        from hookline import hookimpl

        @hookimpl
        def feed_recovered(session, seconds):
            print(f"{session.name} sees data again after {seconds:.0f} s")
    """


@hookspec
def session_finished(session: Session, result: Result) -> None:
    """Observe the end of a run, before reports are written.

    Example::

        from hookline import hookimpl

        @hookimpl
        def session_finished(session, result):
            print(f"{session.name} made {result.metrics.total_return:.1%}")
    """
