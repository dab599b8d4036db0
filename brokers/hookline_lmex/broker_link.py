"""A broker's connection to the venue: the client, the account's sockets, and what runs beside the session."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from hookline.clock import stopwatch
from hookline.errors import HooklineError, VenueError
from hookline.model import Instrument, InstrumentKind, OrderStatus
from hookline_lmex.broker_account import position_id_of
from hookline_lmex.broker_asking import Asker
from hookline_lmex.broker_news import News
from hookline_lmex.broker_opening import check_markets, prepare_margin, read_fees
from hookline_lmex.broker_sending import Sender
from hookline_lmex.broker_steps import expired
from hookline_lmex.broker_tasks import Tasks
from hookline_lmex.broker_wire import of_fill_notice, of_notice
from hookline_lmex.codes import PriceSource
from hookline_lmex.streams import AccountStream

if TYPE_CHECKING:
    from hookline_lmex.broker import LmexBroker
    from hookline_lmex.broker_fees import Rates
    from hookline_lmex.broker_funding import FundingWatch
    from hookline_lmex.broker_orders import Book, Patience
    from hookline_lmex.client import LmexClient
    from hookline_lmex.streams import FillNotice, OrderNotice, PositionNotice
    from hookline_lmex.tracker import Tracker

__all__ = ["VenueLink"]

_RETRY_SECONDS = 1.0
_logger = logging.getLogger("hookline.lmex")


class VenueLink:
    """Connects a broker.

    Args:
        broker: Whose connection it is.
        client: Not open yet.
        wake: Called, from the loop, when there is something to deliver.
    """

    sender: Sender
    asker: Asker

    def __init__(self, broker: LmexBroker, client: LmexClient, wake: Callable[[], None]) -> None:
        self.client = client
        self.tasks = Tasks(self.ring)
        self._broker = broker
        self._wake = wake
        self._rings = False
        self._is_open = False
        self._up = asyncio.Event()
        self._ups: set[str] = set()
        self._guarding: float | None = None
        self.stream: AccountStream | None = None

    # -- opening -------------------------------------------------------------------------------------------------------

    async def connect(self) -> int:
        """Open the client and return the venue's time.

        Raises:
            VenueError: if the venue cannot be reached.
        """
        await self.client.open()
        _logger.info(
            "connected to %s; its clock is %.3f s ahead",
            self.client.settings.rest_url,
            self.client.clock.offset_seconds,
        )
        return self.client.clock.now

    async def open(
        self,
        book: Book,
        tracker: Tracker,
        rates: Rates,
        patience: Patience,
        funding: FundingWatch,
        put: Callable[[News], None],
    ) -> None:
        """Compare and set what trading needs, and follow the account.

        Raises:
            VenueError: if the venue cannot be reached, refuses the key or contradicts the session.
        """
        broker, client = self._broker, self.client
        self._book, self._tracker, self._funding, self._put = book, tracker, funding, put
        markets = await check_markets(client, broker.instruments)
        await read_fees(client, broker.instruments, rates)
        for instrument in broker.perpetuals():
            market = markets[instrument.symbol]
            funding.schedule(instrument.symbol, market.next_funding, market.funding_interval_minutes)
            warn = broker.warn if broker.respect_positions else _refuse
            await prepare_margin(client, instrument, broker.leverage_of(instrument), warn)
        source = PriceSource(broker.stop_price_source)
        self.sender = Sender(
            client,
            book,
            self.tasks,
            put,
            broker.reference,
            source,
            size_is_total=broker.amend_size == "total",
        )
        self.asker = Asker(
            client, book, self.tasks, put, broker.instruments, rates, patience, lambda: tracker.last_fill_time
        )
        await self._read_positions()
        await self._follow()
        self._is_open = True
        self.tasks.start(self._look(), "lmex look")
        if self.stream is not None:
            self.tasks.start(self._sweep(self.stream), "lmex sweep")
        if broker.perpetuals():
            self.tasks.start(self._watch_funding(), "lmex funding")

    @property
    def products(self) -> list[str]:
        """The products that the session trades."""
        kinds = {one.kind is InstrumentKind.SPOT for one in self._broker.instruments.values()}
        return ["spot" if is_spot else "futures" for is_spot in sorted(kinds)]

    async def _follow(self) -> None:
        """Begin to follow the account, and wait until all its sockets are up."""
        self.stream = AccountStream(
            self.client.settings, self._broker.credentials(), self.client.clock, self.products,
            self._on_order, self._on_fill, self._on_position, self._on_up, self._on_down,
            on_unread=self._on_unread, on_trouble=lambda text: _logger.warning("%s", text),
        )  # fmt: skip
        self.tasks.start(self.stream.run(), "lmex account stream")
        try:
            async with asyncio.timeout(self._broker.open_seconds):
                await self._up.wait()
        except TimeoutError:
            raise VenueError(
                f"{self.client.settings.socket_url}: the account's sockets were not up within {self._broker.open_seconds:g} s"
            ) from None
        if self.tasks.error is not None:
            raise VenueError(str(self.tasks.error)) from self.tasks.error

    async def aclose(self) -> None:
        """Close everything; orders stay as they are, and what is under way has an unknown outcome."""
        self._is_open = False
        if self.stream is not None:
            await self.stream.aclose()
        await self.tasks.aclose()
        await self.client.aclose()

    # -- news ----------------------------------------------------------------------------------------------------------

    def ring(self) -> None:
        """Have the driver deliver, from the loop and once for many news."""
        if self.tasks.error is not None:
            self._up.set()
        if not self._rings:
            self._rings = True
            asyncio.get_running_loop().call_soon(self._wake_now)

    def _wake_now(self) -> None:
        self._rings = False
        if self._is_open:
            self._wake()

    def _on_order(self, notice: OrderNotice) -> None:
        if notice.symbol in self._broker.instruments:
            self._put(of_notice(notice))

    def _on_fill(self, notice: FillNotice) -> None:
        if notice.symbol in self._broker.instruments:
            self._put(of_fill_notice(notice))

    def _on_position(self, notice: PositionNotice) -> None:
        instrument = self._broker.instruments.get(notice.symbol)
        if instrument is not None:
            self._funding.note_wallet(notice.wallet)
        if instrument is not None and notice.contracts:
            price = math.nan if notice.liquidation_price is None else float(notice.liquidation_price)
            self._broker.learn_liquidation(position_id_of(instrument, is_long=notice.contracts > 0), price)

    async def _read_positions(self) -> None:
        for instrument in self._broker.perpetuals():
            for one in await self.client.futures.positions(instrument.symbol):
                self._funding.note_wallet(one.wallet)
                price = math.nan if one.liquidation_price is None else float(one.liquidation_price)
                self._broker.learn_liquidation(position_id_of(instrument, is_long=one.side > 0), price)

    async def _on_up(self, product: str) -> None:
        is_first = product not in self._ups
        self._ups.add(product)
        if self._ups.issuperset(self.products):
            self._up.set()
        if not is_first or self._is_open:
            _logger.info("%s: the account's socket is up again; asking for what was missed", product)
            await self._recover(product)

    def _on_down(self, product: str, reason: str) -> None:
        _logger.warning("%s: the account's socket is down: %s", product, reason)

    def _on_unread(self, product: str, text: str) -> None:
        _logger.warning("%s: a message was not understood: %s", product, text)
        for track in self._book.live.values():
            if track.is_sent and _product(track.order.instrument) == product:
                self._book.doubt(track)

    async def _recover(self, product: str) -> None:
        """Ask for everything that may have been missed, until the venue has answered."""
        symbols = [one.symbol for one in self._broker.instruments.values() if _product(one) == product]
        while True:
            try:
                await self.asker.catch_up(symbols)
            except HooklineError as error:
                _logger.warning("%s: cannot catch up: %s", product, error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def catch_up(self) -> None:
        """Ask for every order that may be at the venue, all fills since the last one, and funding.

        Raises:
            VenueError: if the venue does not answer.
        """
        await self.asker.catch_up(self._broker.instruments)
        await self._funding.read(self.client)

    # -- what runs beside ----------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether an answer is waited for."""
        return self.asker.is_busy

    def flush(self, *, has_endings: bool) -> None:
        """Send what is wanted."""
        if self._is_open:
            if self._book.marked:
                self.sender.flush()
            if has_endings:
                self.ring()

    async def _look(self) -> None:
        """Look now and then what is due: ends of orders, questions, cancellations to be sent again, what a socket missed."""
        while True:
            await asyncio.sleep(self._broker.look_seconds)
            for track in list(expired(self._book)):
                self._tracker.cancel(track.order, "its time is up", OrderStatus.EXPIRED)
                self.ring()
            self.sender.cancel_again()
            self.asker.look()

    async def _sweep(self, stream: AccountStream) -> None:
        """Ask for everything now and then, and often while the sockets tell less than they should.

        A single message that was lost on a socket that stayed up is noticed by this alone.
        """
        broker, asked = self._broker, stopwatch()
        while True:
            is_whole = stream.is_up and not any(stream.missing(product) for product in self.products)
            pause = broker.sweep_seconds if is_whole else broker.poll_seconds
            if stopwatch() - asked < pause:
                await asyncio.sleep(min(broker.look_seconds, pause))
                continue
            try:
                await self.asker.catch_up(broker.instruments)
            except HooklineError as error:
                _logger.warning("cannot ask for what the sockets do not tell: %s", error)
            asked = stopwatch()

    async def _watch_funding(self) -> None:
        while True:
            speed = self._broker.clock_speed
            await asyncio.sleep(self._funding.seconds_to_wait(self._broker.funding_seconds, speed))
            try:
                await self._funding.read(self.client)
            except HooklineError as error:
                _logger.warning("cannot read funding payments: %s", error)

    def guard(self, seconds: float | None) -> None:
        """Arm the venue's dead man's switch of every product that is used, or disarm it; what fails is logged and done again next time."""
        self._guarding = seconds
        if seconds is None and self._broker.disarm_milliseconds is None:
            return
        self.tasks.start(self._guard(seconds), "lmex cancel-all-after")

    async def _guard(self, seconds: float | None) -> None:
        disarm = self._broker.disarm_milliseconds or 0
        timeout = disarm if seconds is None else max(1, round(seconds * 1000 * self._broker.clock_speed))
        for product in self.products:
            api = self.client.spot if product == "spot" else self.client.futures
            try:
                await api.cancel_all_after(timeout)
            except VenueError as error:
                _logger.warning("%s: cancel-all-after could not be renewed: %s", product, error)

    async def cancel_foreign(self, ids: Sequence[str], instruments: Mapping[str, Instrument]) -> None:
        """Cancel orders by the venue's ids.

        Raises:
            VenueError: if one of them is still open after that.
        """
        symbols = {}
        for symbol in instruments:
            for one in await self.client.product(symbol).open_orders(symbol):
                symbols[one.order_id] = symbol
        problems = []
        for id_ in ids:
            if id_ in symbols:
                try:
                    await self.client.product(symbols[id_]).cancel_order(symbols[id_], order_id=id_)
                    _logger.info("%s: canceled foreign order %s", symbols[id_], id_)
                except VenueError as error:
                    problems.append(f"{id_}: {error}")
        if problems:
            raise VenueError(f"orders could not be canceled: {'; '.join(problems)}")


def _product(instrument: Instrument) -> str:
    return "spot" if instrument.kind is InstrumentKind.SPOT else "futures"


def _refuse(text: str) -> None:
    raise VenueError(text)
