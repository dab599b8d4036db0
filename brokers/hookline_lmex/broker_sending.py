"""Sends what is wanted, one request of an order at a time and those of different orders side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from hookline.errors import OrderError
from hookline.model import Order
from hookline_lmex.broker_news import Action, News, Outcome, Verdict
from hookline_lmex.broker_orders import Book, Track
from hookline_lmex.broker_steps import next_action
from hookline_lmex.broker_tasks import Tasks
from hookline_lmex.broker_wire import of_action
from hookline_lmex.codes import PriceSource
from hookline_lmex.errors import LmexNotFound, LmexRefused, LmexUnreachable
from hookline_lmex.wire_orders import Terms, wire_amendment, wire_order

if TYPE_CHECKING:
    from hookline_lmex.client import LmexClient
    from hookline_lmex.results_orders import OrderAction

__all__ = ["Sender"]

_logger = logging.getLogger("hookline.lmex")


class Sender:
    """Gives requests to the client and brings back what came of them.

    Args:
        client: Open.
        book: The orders.
        tasks: Runs the requests.
        put: Takes what came of them.
        reference: Returns the price of an order's instrument from which trailing fractions are reckoned.
        source: What triggers look at.
        size_is_total: As of ``wire_amendment``.
    """

    def __init__(
        self,
        client: LmexClient,
        book: Book,
        tasks: Tasks,
        put: Callable[[News], None],
        reference: Callable[[Order], float],
        source: PriceSource,
        *,
        size_is_total: bool,
    ) -> None:
        self._client = client
        self._book = book
        self._tasks = tasks
        self._put = put
        self._reference = reference
        self._source = source
        self._size_is_total = size_is_total

    def flush(self) -> None:
        """Send what is wanted, cancellations first."""
        marked, self._book.marked = list(self._book.marked), {}
        marked.sort(key=lambda track: track.cancel is None)
        for track in marked:
            action = next_action(track, self._book.watch())
            if action is not None:
                self._start(track, action)

    def cancel_again(self) -> None:
        """Send the cancellations whose time has come; nothing else is ever sent outside of ``flush``."""
        now = self._book.watch()
        for track in self._book.live.values():
            if track.cancel is not None and next_action(track, now) is Action.CANCEL:
                self._start(track, Action.CANCEL)

    def cancel_by_id(self, symbol: str, order_id: str) -> None:
        """Cancel an order at the venue that is not followed here."""
        self._tasks.start(self._cancel_by_id(symbol, order_id), f"cancel {order_id}")

    async def _cancel_by_id(self, symbol: str, order_id: str) -> None:
        try:
            await self._client.product(symbol).cancel_order(symbol, order_id=order_id)
        except Exception as error:  # noqa: BLE001  # whatever it is, reconciliation sees the order
            _logger.warning("%s: order %s was not canceled: %s", symbol, order_id, error)

    def _start(self, track: Track, action: Action) -> None:
        order = track.order
        if action is Action.AMEND and track.terms == (order.lots, order.limit_price, order.trigger_price):
            track.terms = None
            return
        track.busy, track.heard = action, self._book.watch()
        if action is Action.CREATE:
            track.is_sent = True
        elif action is Action.AMEND:
            track.asked = track.terms
        self._tasks.start(self._run(track, action), f"{action} {track.client_id}")

    async def _run(self, track: Track, action: Action) -> None:
        outcome = await self._outcome(track, action)
        level = logging.INFO if outcome.verdict is Verdict.DONE else logging.WARNING
        _logger.log(level, "%s %s: %s %s", action, track.client_id, outcome.verdict, outcome.text)
        self._put(outcome)

    async def _outcome(self, track: Track, action: Action) -> Outcome:
        """Send something; whatever goes wrong in a way that is not understood leaves the outcome unknown."""
        number = track.order.number
        try:
            call = self._call(track, action)
        except (OrderError, ValueError) as error:
            return Outcome(number, action, Verdict.UNSENT, text=str(error))
        try:
            states = tuple(of_action(state) for state in await call)
        except (LmexUnreachable, OrderError) as error:
            return Outcome(number, action, Verdict.UNSENT, text=_words(error))
        except LmexNotFound as error:
            return Outcome(number, action, Verdict.MISSING, text=_words(error))
        except LmexRefused as error:
            return Outcome(number, action, Verdict.REFUSED, text=_words(error), error=error.code)
        except Exception as error:  # noqa: BLE001
            return Outcome(number, action, Verdict.UNKNOWN, text=_words(error))
        return Outcome(number, action, Verdict.DONE, states)

    def _call(self, track: Track, action: Action) -> Coroutine[Any, Any, list[OrderAction]]:
        """Return what sends something, not begun.

        Raises:
            ValueError: if it cannot be put in the venue's terms.
        """
        order, symbol, id_ = track.order, track.order.symbol, track.client_id
        api = self._client.product(symbol)
        if action is Action.CREATE:
            new = wire_order(order, id_, reference=self._reference(order), source=self._source)
            return api.create_order(new)
        # By our id: the venue's own might change when an order is triggered.
        if action is Action.CANCEL:
            return api.cancel_order(symbol, client_order_id=id_)
        terms = track.asked or Terms(order.lots, order.limit_price, order.trigger_price)
        new_terms = wire_amendment(order, terms, size_is_total=self._size_is_total)
        return api.amend_order(
            symbol,
            client_order_id=id_,
            price=new_terms.price,
            size=new_terms.size,
            trigger_price=new_terms.trigger_price,
        )


def _words(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error or type(error).__name__)
