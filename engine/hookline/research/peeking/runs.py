"""One run of a session, as a check of leaks looks at it: what its strategies asked for, and the columns that they read."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.columns import Column
from hookline.errors import StrategyError
from hookline.kernel.runner import Window
from hookline.model import Bar, BarSeries, Order
from hookline.research.ledger import uncounted
from hookline.testing.recording import Request, denials, described

if TYPE_CHECKING:
    from hookline.broker import Broker
    from hookline.kernel.kernel import Kernel, Lane, TapeEvent
    from hookline.session.plan import Plan
    from hookline.session.session import Session

__all__ = ["InUse", "Place", "Priced", "Read", "Trace", "columns_in_use", "quiet", "trace"]

_LONGEST = 100


class Place(NamedTuple):
    """Where a column is read: by which strategy, on which instrument, under which name."""

    strategy: str
    symbol: str
    name: str

    def __str__(self) -> str:
        return f"{self.strategy}: column {self.name!r} on {self.symbol}"


class InUse(NamedTuple):
    """A column in use, and how many of its values are looked at together: 1 unless it is a window."""

    column: Column
    length: int = 1


class Read(NamedTuple):
    """A column that a strategy reads, when its bars end (nanoseconds UTC) and its value at each of them."""

    column: Column
    end: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def text(self) -> str:
        """The column as text."""
        return _short(repr(self.column))


class Priced(NamedTuple):
    """A price that a resting order was given, as it was sent or when it was amended later."""

    time: int
    order: Order
    price: float


@dataclass(frozen=True)
class Trace:
    """What a run left behind.

    Attributes:
        requests: What strategies asked the broker for, in order.
        denied: Their orders that were denied before they got there.
        columns: What they read.
        orders: Every order.
        prices: Every price that an order was given.
        failure: What a strategy raised, None if nothing; ``failed`` is when, nanoseconds UTC. There are no columns then.
    """

    requests: Sequence[Request]
    denied: Sequence[Request]
    columns: Mapping[Place, Read]
    orders: Sequence[Order]
    prices: Sequence[Priced] = ()
    failure: StrategyError | None = None
    failed: int = 0


@contextmanager
def quiet() -> Iterator[None]:
    """Let nothing be logged: what a strategy has to say it has said once."""
    logger = logging.getLogger("hookline")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def trace(plan: Plan, until: int | None = None) -> Trace:
    """Run a plan whose data is loaded, and return what it asked for.

    Its plugins must be new: the broker notes what it is asked for from here on.

    Args:
        plan: What to run.
        until: When the run may end, nanoseconds UTC: later events are not handled, although columns are computed of all bars.
    """
    from hookline.session.session import Session

    session = Session(plan)
    if until is not None:
        _end_early(session.kernel, until)
    requests: list[Request] = []
    prices: list[Priced] = []
    _note_requests(session, plan.broker, requests)
    _note_prices(session, plan.broker, prices)
    kernel, failure = session.kernel, None
    try:
        with uncounted():
            session.run()
    except StrategyError as raised:
        failure = raised
    series = {request.symbol: plan.loaded[request] for request in plan.requests}
    columns = _values(_columns_of(session), series, plan) if failure is None else {}
    orders = list(kernel.orders)
    return Trace(requests, denials(kernel.orders), columns, orders, prices, failure, kernel.clock.now)


def columns_in_use(plan: Plan) -> dict[Place, InUse]:
    """Return the columns that the strategies of a plan have in use, without running them over any bar.

    Raises:
        StrategyError: if a strategy raises as it starts.
    """
    from hookline.session.session import Session

    session = Session(plan)
    _end_early(session.kernel, 0)
    with uncounted():
        session.run()
    return _columns_of(session)


def _end_early(kernel: Kernel, until: int) -> None:
    """Let a kernel pass over what happens after a time: only requests up to it are looked at."""
    run, together, tape = kernel.run, kernel.run_together, kernel.run_tape
    later = until + 1

    def run_known(lane: Lane, bars: Iterable[Bar]) -> None:
        run(lane, takewhile(lambda bar: bar.end < later, bars))

    def run_known_together(lanes: Sequence[Lane], bars: Sequence[Bar]) -> None:
        if bars[0].end < later:
            together(lanes, bars)

    def run_known_tape(lane: Lane, events: Iterable[TapeEvent], *, seen: bool = False) -> None:
        tape(lane, takewhile(lambda event: event.time < later, events), seen=seen)

    methods = {"run": run_known, "run_together": run_known_together, "run_tape": run_known_tape}
    for name, method in methods.items():
        setattr(kernel, name, method)


def _columns_of(session: Session) -> dict[Place, InUse]:
    """Return the columns that the strategies of a session have in use, once it has started."""
    found: dict[Place, InUse] = {}
    for id_, runner in session.kernel.runners.items():
        for seat in session.plan.seats:
            for symbol in seat.symbols if seat.id == id_ else ():
                for follower in runner.followers(symbol):
                    for name, used in _named(follower.needs(symbol)):
                        found[Place(id_, symbol, _free(name, id_, symbol, found))] = used
    return found


def _named(needs: Any) -> Iterator[tuple[str, InUse]]:
    names = getattr(needs.row_type, "__struct_fields__", ())
    yield from zip(names, map(InUse, needs.row_columns), strict=False)
    for handle in needs.handles:
        length = handle.length if isinstance(handle, Window) else 1
        yield _short(repr(handle.column)), InUse(handle.column, length)


def _free(name: str, id_: str, symbol: str, taken: Mapping[Place, InUse]) -> str:
    """Return the name, with a number if it is taken: two windows on one column."""
    number, free = 1, name
    while Place(id_, symbol, free) in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def _values(columns: Mapping[Place, InUse], series: Mapping[str, BarSeries], plan: Plan) -> dict[Place, Read]:
    from hookline.columns import Batch

    found: dict[Place, Read] = {}
    for symbol, bars in series.items():
        mine = {place: used.column for place, used in columns.items() if place.symbol == symbol}
        if mine:
            values = Batch(bars, plan.external).compute(list(mine.values()), keep=False)
            end = bars.end
            found |= {
                place: Read(column, end, one)
                for (place, column), one in zip(mine.items(), values, strict=True)
            }
    return found


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _note_requests(session: Session, broker: Broker, requests: list[Request]) -> None:
    """Let a broker note each call about orders in passing.

    Its methods are wrapped and not the broker, so that it stays what it is in every other respect: its books, its delays.
    What is asked for while the session stops is not noted: it depends on where the data ends, not on what it says.
    """
    kernel = session.kernel

    def wrap(verb: str, what: Any) -> None:
        ask = getattr(broker, verb)

        def noted(*arguments: Any, **more: Any) -> None:
            if not kernel.stopping:
                text = " ".join((verb, *what(*arguments, **more))).rstrip()
                requests.append(Request(kernel.clock.now, text))
            ask(*arguments, **more)

        setattr(broker, verb, noted)

    wrap("submit", lambda order: (described(one) for one in (order, *order.children)))
    wrap("cancel", lambda order, reason="": (str(order.number), reason))
    wrap(
        "amend",
        lambda order, lots, limit_price, trigger_price: (
            f"{order.number} {lots} limit {limit_price!r} trigger {trigger_price!r}",
        ),
    )
    wrap("cancel_all_after", lambda seconds: (repr(seconds),))


def _note_prices(session: Session, broker: Broker, prices: list[Priced]) -> None:
    """Let a broker note the prices of orders in passing, once its methods note the requests."""
    clock = session.kernel.clock
    submit, amend = broker.submit, broker.amend

    def note(order: Order, *given: float | None) -> None:
        prices.extend(Priced(clock.now, order, price) for price in given if price is not None)

    def submitted(order: Order) -> None:
        for one in (order, *order.children):
            note(one, one.limit_price, one.trigger_price)
        submit(order)

    def amended(order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        note(order, limit_price, trigger_price)
        amend(order, lots, limit_price, trigger_price)

    setattr(broker, "submit", submitted)  # noqa: B010  # as above
    setattr(broker, "amend", amended)  # noqa: B010
