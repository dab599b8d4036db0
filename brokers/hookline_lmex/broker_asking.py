"""Asks the venue what became of orders: those in doubt, those that owe fills, and all of them after something was missed.

Rules of this file:

- The order is asked for first and its trades after it: what the order says of filled quantity the trades then hold, and fills are
  reported before the state.
- That the venue does not know an order is believed only if neither the order's own question nor the list of open orders shows it.
- Orders are asked for by our id: the venue's own might change when an order is triggered.
- A question that fails changes nothing; it is asked again later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.errors import HooklineError
from hookline.model import Instrument, OrderStatus
from hookline_lmex.broker_fees import Rates
from hookline_lmex.broker_memory import OVERLAP
from hookline_lmex.broker_news import Absence, FillNews, News, OrderNews
from hookline_lmex.broker_orders import Book, Patience, Track
from hookline_lmex.broker_steps import to_ask
from hookline_lmex.broker_tasks import Tasks
from hookline_lmex.broker_wire import of_state, of_trade
from hookline_lmex.codes import OrderCode
from hookline_lmex.errors import LmexNotFound
from hookline_lmex.streams.together import all_of

if TYPE_CHECKING:
    from hookline_lmex.client import LmexClient
    from hookline_lmex.futures import FuturesApi
    from hookline_lmex.results_orders import OrderState
    from hookline_lmex.spot import SpotApi

__all__ = ["Asker"]

_AT_ONCE = 4
_MS = 1_000_000
# How far clocks may be apart: as much is asked for before and after.
_EARLY = 60_000
# The longest range of one call for trades, but for its last millisecond.
_WEEK = 7 * 86_400_000 - 1
_NOT_KNOWN = frozenset({OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})
_logger = logging.getLogger("hookline.lmex")


class Asker:
    """Asks, and puts what it hears where the next delivery finds it.

    Args:
        client: Open.
        book: The orders.
        tasks: Runs the questions.
        put: Takes news.
        instruments: Of the session.
        rates: Fees of the markets.
        patience: How long is waited for what.
        last_fill: Returns the time of the last fill that is booked, 0 for none.
        pause: Waits some seconds.
        side_by_side: Works several things off together.
    """

    def __init__(
        self,
        client: LmexClient,
        book: Book,
        tasks: Tasks,
        put: Callable[[News], None],
        instruments: Mapping[str, Instrument],
        rates: Rates,
        patience: Patience,
        last_fill: Callable[[], int],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        side_by_side: Callable[[Sequence[Coroutine[Any, Any, None]]], Awaitable[None]] = all_of,
    ) -> None:
        self._client = client
        self._book = book
        self._tasks = tasks
        self._put = put
        self._instruments = instruments
        self._rates = rates
        self._patience = patience
        self._last_fill = last_fill
        self._pause = pause
        self._side_by_side = side_by_side
        self._asked: set[int] = set()
        self._turn = asyncio.Semaphore(_AT_ONCE)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self._asked)

    def look(self) -> None:
        """Begin to ask about every order that it is time to ask about."""
        self._book.give_up_closed()
        for track in to_ask(self._book, self._patience):
            if track.order.number not in self._asked:
                track.postpone_ask(self._book.watch(), self._patience)
                self._asked.add(track.order.number)
                self._tasks.start(self._look_at(track), f"ask about {track.client_id}")

    async def _look_at(self, track: Track) -> None:
        try:
            async with self._turn:
                self._report(track, *await self._ask(track))
        except HooklineError as error:
            _logger.warning("%s: no answer about it: %s", track.client_id, error)
        finally:
            self._asked.discard(track.order.number)

    def _report(self, track: Track, state: OrderNews | None, fills: Sequence[FillNews]) -> None:
        for fill in fills:
            self._put(fill)
        self._put(Absence(track.order.number) if state is None else state)

    async def _ask(self, track: Track) -> tuple[OrderNews | None, list[FillNews]]:
        """Return how an order stands, None if the venue does not know it, and its fills."""
        symbol = track.order.symbol
        api = self._client.product(symbol)
        state = await self._find(api, track)
        news = None if state is None else of_state(state)
        if news is not None and news.code is OrderCode.PARTIALLY_FILLED:
            open_orders = await api.open_orders(symbol)
            is_open = any(one.client_order_id == track.client_id for one in open_orders)
            news = replace(news, is_over=not is_open)
        if news is not None and news.code.is_open and news.filled is not None and news.filled <= track.units:
            return news, []
        # A week back at least: the clock by which the order has its time may have been wrong.
        until = self._until
        since = min(track.order.time // _MS - _EARLY, until - _WEEK)
        trades = await api.trade_history(symbol, since, until, client_order_id=track.client_id)
        return news, [of_trade(one, track.order.instrument, self._rates) for one in trades]

    async def _find(self, api: SpotApi | FuturesApi, track: Track) -> OrderState | None:
        try:
            return await api.order(client_order_id=track.client_id)
        except LmexNotFound:
            open_orders = await api.open_orders(track.order.symbol)
        return next((one for one in open_orders if one.client_order_id == track.client_id), None)

    # -- all of them ---------------------------------------------------------------------------------------------------

    async def catch_up(self, symbols: Iterable[str]) -> None:
        """Ask for every order of some symbols that may be at the venue, and for all fills since the last one.

        Raises:
            VenueError: if the venue does not answer.
        """
        for symbol in symbols:
            await self._catch_up(symbol)

    async def _catch_up(self, symbol: str) -> None:
        api = self._client.product(symbol)
        tracks = [one for one in self._book.live.values() if one.is_sent and one.order.symbol == symbol]
        if not tracks and not self._last_fill():
            return
        states = {one.client_order_id: one for one in await api.open_orders(symbol)}
        trades = await api.trade_history(symbol, self._since(tracks), self._until)
        fills = [of_trade(one, self._instruments[symbol], self._rates) for one in trades]
        for fill in fills:
            self._put(fill)
        told, open_questions = {fill.trade_id for fill in fills}, []
        for track in tracks:
            state = states.get(track.client_id)
            if track.busy is not None and state is None:
                continue  # its own answer is on the way
            if state is not None and not self._owes(track, of_state(state), fills):
                self._put(of_state(state))
            else:
                open_questions.append(track)
        await self._side_by_side([self._ask_patiently(track, told) for track in open_questions])

    def _owes(self, track: Track, state: OrderNews, fills: Sequence[FillNews]) -> bool:
        """Return whether an order has filled more than is booked and was just heard."""
        own = [
            one for one in fills if one.client_order_id == track.client_id or one.order_id == state.order_id
        ]
        heard = sum((one.size for one in own if one.trade_id not in track.trades), track.units)
        return state.filled is None or state.filled > heard

    async def _ask_patiently(self, track: Track, told: set[str]) -> None:
        """Ask about one order, several times if the venue should know it and does not."""
        number = track.order.number
        self._asked.add(number)
        try:
            for count in range(self._patience.asks):
                async with self._turn:
                    state, fills = await self._ask(track)
                self._report(track, state, [one for one in fills if one.trade_id not in told])
                if state is not None:
                    return
                if count + 1 < self._patience.asks:
                    await self._pause(self._patience.first_ask)
        finally:
            self._asked.discard(number)

    @property
    def _until(self) -> int:
        """Until when fills may have happened, in milliseconds: the venue's clock may be ahead of what is known of it here."""
        return max(self._client.clock.now, self._book.newest) // _MS + _EARLY

    def _since(self, tracks: Sequence[Track]) -> int:
        """Return from when on fills may be missing, in milliseconds."""
        last = self._last_fill()
        if last:
            return (last - OVERLAP) // _MS
        return min(track.order.time for track in tracks) // _MS - _EARLY
