"""The broker ``lmex``: orders of a session at LMEX, spot and perpetuals.

How one order moves, whatever is lost, late or doubled on the way (rows and rules: ``tracker.py``):

==================  ==========================================================================================================
here                what it means, and what leads on
==================  ==========================================================================================================
HELD                child of an entry that has not filled; nothing was sent. The entry's first fill makes it SUBMITTED
SUBMITTED           noted, then in the journal, then under way. The venue's word leads on: ACCEPTED, a fill, an end; its refusal to
                    REJECTED; no word to UNKNOWN
UNKNOWN             it may be there. Asked about by client id until found, or not found for ``unknown_grace_seconds`` and several
                    times, which makes it REJECTED ("never reached the venue"). Never sent again
ACCEPTED            the venue has it; it rests or waits for its trigger
TRIGGERED           a stop-limit whose trigger was reached
PARTIALLY_FILLED    booked by trade id; what the venue counts beyond that is asked for
FILLED              by fills alone
CANCELED, EXPIRED   once every fill that the venue counts is booked
REJECTED            nothing of it was filled
==================  ==========================================================================================================

``submit``, ``cancel`` and ``amend`` only note. The driver writes the journal and calls ``flush``, which sends: one request of an order
at a time, those of different orders side by side. What comes back, from answers, sockets and questions, is kept in one list that
``deliver`` works off; so what is saved with a commit is exactly what was reported with it.

The venue's times and ours: reports carry the venue's. Waiting is measured on a monotonic clock here.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from hookline.broker import Broker, BrokerListener
from hookline.clock import Clock, stopwatch
from hookline.errors import ConfigError, VenueError
from hookline.hookspecs import hookimpl
from hookline.model import Instrument, InstrumentKind, Ledger, Order, Position, VenueAccount
from hookline.params import Doc, Ge, Gt, Le
from hookline_lmex.broker_fees import BaseFees, Rates, fee_in_quote
from hookline_lmex.broker_funding import FundingWatch
from hookline_lmex.broker_memory import restore_orders, save_orders
from hookline_lmex.broker_news import FillNews, FundingNews, News
from hookline_lmex.broker_orders import Book, Patience
from hookline_lmex.broker_protecting import Protecting
from hookline_lmex.broker_steps import has_actions, is_quiet
from hookline_lmex.broker_strangers import Strangers
from hookline_lmex.credentials import Credentials, read_credentials
from hookline_lmex.feed_hosts import Environment, rest_host, socket_host
from hookline_lmex.settings import Settings
from hookline_lmex.tracker import Tracker
from hookline_lmex.wire_orders import Terms

if TYPE_CHECKING:
    from hookline.diagnosis import Finding, PlannedOrder
    from hookline_lmex.broker_link import VenueLink
    from hookline_lmex.client import LmexClient

__all__ = ["LmexBroker"]

_logger = logging.getLogger("hookline.lmex")
_SETTLE_LOOK = 0.01


@dataclass
class LmexBroker(Broker):
    """Trade on LMEX.

    The key is read from the environment or from ``.env``, never from the session file. It needs the permissions Read and Trading.
    Brackets and one-cancels-other groups work on perpetuals, where both orders are reduce-only; on spot they are refused. ``gtd``
    orders are canceled from here at their time. Trailing fractions become a distance when the order is sent.
    """

    name: ClassVar[str] = "lmex"
    is_live: ClassVar[bool] = True
    settles_funding: ClassVar[bool] = True

    environment: Annotated[Environment, Doc("hosts of the venue, or of its test system")] = "production"
    rest_url: Annotated[str | None, Doc("another host for REST, such as that of an emulator")] = None
    socket_url: Annotated[str | None, Doc("another host for websockets")] = None
    clock_speed: Annotated[float, Gt(0), Doc("venue seconds in one of ours; 1 except with an emulator")] = 1.0
    key_env: Annotated[str, Doc("environment variable with the API key")] = "LMEX_API_KEY"
    secret_env: Annotated[str, Doc("environment variable with its secret")] = "LMEX_API_SECRET"  # noqa: S105
    env_file: Annotated[Path, Doc("file of NAME=value lines in which they are looked for too")] = Path(".env")
    leverage: Annotated[float, Gt(0), Le(200), Doc("of perpetuals whose instrument names none")] = 1.0
    respect_positions: Annotated[
        bool,
        Doc(
            "where positions or orders exist, keep their leverage and margin mode; else that stops the session"
        ),
    ] = True
    stop_price_source: Annotated[
        Literal["mark", "last"], Doc("price that triggers look at; on spot mark means the index")
    ] = "mark"
    amend_size: Annotated[
        Literal["total", "remaining"], Doc("what the venue takes the size of an amendment for")
    ] = "total"
    assumed_taker_fee_bps: Annotated[float, Ge(0), Doc("until the venue has told its fees")] = 10.0
    unknown_grace_seconds: Annotated[
        float,
        Ge(0),
        Doc("how long an order that the venue does not find is asked about, before it is given up"),
    ] = 45.0
    unknown_asks: Annotated[int, Ge(1), Doc("how often it must not have been found until then")] = 3
    fill_grace_seconds: Annotated[float, Ge(0), Doc("wait for fills that the venue counts, then ask")] = 1.0
    first_ask_seconds: Annotated[float, Gt(0), Doc("pause between questions about an order; it doubles")] = (
        0.25
    )
    last_ask_seconds: Annotated[float, Gt(0), Doc("where the doubling ends")] = 15.0
    silence_seconds: Annotated[
        float, Gt(0), Doc("after which a market order that has not ended is asked about")
    ] = 5.0
    look_seconds: Annotated[float, Gt(0), Doc("how often it is looked what is due")] = 0.1
    poll_seconds: Annotated[float, Gt(0), Doc("how often all is asked for while a socket is down")] = 5.0
    sweep_seconds: Annotated[float, Gt(0), Doc("how often all is asked for while the sockets are up")] = 60.0
    open_seconds: Annotated[float, Gt(0), Doc("longest wait for the sockets of the account")] = 30.0
    funding_seconds: Annotated[float, Gt(0), Doc("longest pause between looks for funding payments")] = 300.0
    disarm_milliseconds: Annotated[
        int | None, Doc("timeout that switches the venue's cancel-all-after off; None to let it run out")
    ] = 0
    query_rate: Annotated[float, Gt(0), Doc("calls a second to one endpoint that reads")] = 15.0
    user_rate: Annotated[float, Gt(0), Doc("calls a second to all of them")] = 30.0
    order_rate: Annotated[float, Gt(0), Doc("calls a second about orders")] = 75.0
    wallet_rate: Annotated[float, Gt(0), Doc("calls a second about wallets")] = 5.0
    timeout_seconds: Annotated[float, Gt(0), Doc("longest wait for an answer")] = 10.0
    retries: Annotated[int, Ge(0), Doc("repetitions of a call that may be repeated")] = 4

    def __post_init__(self) -> None:
        """Assume fees until the venue has told them: a session is looked at before it connects."""
        self._rates = Rates(self.assumed_taker_fee_bps / 1e4)

    # -- a run ---------------------------------------------------------------------------------------------------------

    def connect(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
    ) -> None:
        self._settings = self._configured()
        self._listener, self._clock = listener, clock
        self._instruments, self._ledgers = dict(instruments), ledgers
        self._patience = Patience(
            self.unknown_grace_seconds, self.unknown_asks, self.fill_grace_seconds, self.first_ask_seconds,
            self.last_ask_seconds, self.silence_seconds,
        )  # fmt: skip
        self._link: VenueLink | None = None
        self._inbox: list[News] = []
        self._prices: dict[str, float] = {}
        self._dead_man: float | None = None
        self._make(secrets.token_hex(4))

    def _configured(self) -> Settings:
        return Settings(
            rest_url=rest_host(self.environment, self.rest_url),
            socket_url=socket_host(self.environment, self.socket_url),
            clock_speed=self.clock_speed,
            query_rate=self.query_rate,
            user_rate=self.user_rate,
            order_rate=self.order_rate,
            wallet_rate=self.wallet_rate,
            timeout_seconds=self.timeout_seconds,
            retries=self.retries,
        )

    def _make(self, tag: str) -> None:
        """Make what follows orders, for a session with this tag in its client order ids."""
        listener = self._listener
        self._book = Book(tag, lambda: self._now, stopwatch)
        self._protecting = Protecting(listener, self._book, self._ledgers)
        self._base_fees = BaseFees(listener)
        self._strangers = Strangers(
            listener, self._book, self._instruments, self._ledgers, self._fee, self._cancel_stranger
        )
        self._tracker = Tracker(
            listener, self._book, lambda order, news: self._fee(order.instrument, news), self._base_fees.booked,
            self._patience, self._protecting, self._strangers,
        )  # fmt: skip
        self._funding = FundingWatch(
            self._instruments, self._ledgers, lambda: self._now, self._put, listener.warn
        )

    @property
    def _now(self) -> int:
        """The venue's time."""
        return self._clock.now if self._link is None else self._link.client.clock.now

    @property
    def taker_fee(self) -> float:
        return self._rates.taker

    def _fee(self, instrument: Instrument, news: FillNews) -> float:
        return fee_in_quote(instrument, news, self._rates, self._listener.warn)

    # -- what is wanted ------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        self._tracker.add(order)

    def cancel(self, order: Order, reason: str = "") -> None:
        self._tracker.cancel(order, reason)

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        self._tracker.amend(order, Terms(lots, limit_price, trigger_price))

    def flush(self) -> None:
        if self._link is not None:
            self._link.flush(has_endings=bool(self._protecting.ending))

    @property
    def has_requests(self) -> bool:
        return has_actions(self._book)

    def cancel_all_after(self, seconds: float | None) -> None:
        self._dead_man = seconds
        if self._link is not None:
            self._link.guard(seconds)

    def _cancel_stranger(self, symbol: str, order_id: str) -> None:
        if self._link is not None:
            self._link.sender.cancel_by_id(symbol, order_id)

    # -- what comes back -----------------------------------------------------------------------------------------------

    def _put(self, news: News) -> None:
        self._inbox.append(news)
        if self._link is not None:
            self._link.ring()

    def deliver(self) -> None:
        """Report what has come in.

        Raises:
            VenueError: if the connection to the venue cannot be kept, or something in this module went wrong.
        """
        self._protecting.report()
        inbox, self._inbox = self._inbox, []
        for news in inbox:
            if isinstance(news, FundingNews):
                self._funding.reported(news)
                self._listener.funding_paid(news.symbol, news.time, news.rate, news.amount)
            else:
                self._tracker.apply(news)
        self._protecting.report()
        if self._link is not None and self._link.tasks.error is not None:
            error = self._link.tasks.error
            raise VenueError(f"lmex: {error}") from error

    # -- the connection ------------------------------------------------------------------------------------------------

    async def open(self, wake: Callable[[], None]) -> None:
        from hookline_lmex.broker_link import VenueLink

        link = VenueLink(self, self._client(), wake)
        try:
            now = await link.connect()
            self._funding.since = self._funding.since or now
            self._link = link
            await link.open(self._book, self._tracker, self._rates, self._patience, self._funding, self._put)
        except BaseException:
            self._link = None
            await link.aclose()
            raise
        if self._dead_man is not None:
            link.guard(self._dead_man)

    async def catch_up(self) -> None:
        await self._linked.catch_up()

    async def venue_account(self) -> VenueAccount:
        from hookline_lmex.broker_account import read_account
        from hookline_lmex.broker_opening import read_fees

        if self._link is not None:
            return await read_account(self._link.client, self._instruments, self._book.tag)
        async with self._client() as client:  # somebody wants to look before anything is begun
            await read_fees(client, self._instruments, self._rates)
            return await read_account(client, self._instruments, self._book.tag)

    async def cancel_foreign(self, venue_order_ids: Sequence[str]) -> None:
        await self._linked.cancel_foreign(venue_order_ids, self._instruments)

    async def settle(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                while self._is_waiting:  # noqa: ASYNC110  # many things end it
                    await asyncio.sleep(_SETTLE_LOOK)
        except TimeoutError:
            return False
        return True

    @property
    def _is_waiting(self) -> bool:
        is_asking = self._link is not None and self._link.is_busy
        return bool(self._inbox) or is_asking or not is_quiet(self._book)

    async def aclose(self) -> None:
        link = self._link
        if link is not None:
            await link.aclose()
            self._link = None

    async def withdraw(self, symbols: Sequence[str], *, flatten: bool) -> list[str]:
        from hookline_lmex.broker_withdraw import withdraw

        self._settings = self._configured()
        async with self._client() as client:
            return await withdraw(client, symbols, flatten=flatten)

    async def diagnose(
        self, instruments: Mapping[str, Instrument | None], planned: Sequence[PlannedOrder] = ()
    ) -> list[Finding]:
        from hookline_lmex.doctor import diagnose

        return await diagnose(self, self._configured(), instruments, planned)

    def _client(self) -> LmexClient:
        from hookline_lmex.client import LmexClient

        return LmexClient(self._settings, self.credentials())

    def credentials(self) -> Credentials:
        """Return the key and its secret from the environment, else from ``env_file``.

        Raises:
            ConfigError: naming the variables that must be set.
        """
        from hookline.session.environment import read_dotenv

        environ = {**read_dotenv(self.env_file), **os.environ}
        found = read_credentials(self.key_env, self.secret_env, environ=environ)
        if found is None:
            raise ConfigError(
                f"environment: {self.key_env} and {self.secret_env} must be set, in the environment or in {self.env_file}"
            )
        return found

    @property
    def _linked(self) -> VenueLink:
        if self._link is None:
            raise VenueError("lmex: not connected to the venue")
        return self._link

    # -- positions -----------------------------------------------------------------------------------------------------

    def liquidation_price(self, position: Position) -> float:
        return self._prices.get(position.id, math.nan) if position.lots else math.nan

    def learn_liquidation(self, position_id: str, price: float) -> None:
        """Learn where the venue would liquidate a position; NaN for nowhere."""
        self._prices[position_id] = price

    def reference(self, order: Order) -> float:
        """Return the price of an order's instrument that trailing fractions are reckoned from, NaN where none is known."""
        market = self._ledgers[order.strategy].positions[order.position_id or order.symbol].market
        if self.stop_price_source == "mark" and market.mark > 0:
            return market.mark
        return market.last

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Of the session."""
        return self._instruments

    def leverage_of(self, instrument: Instrument) -> Decimal:
        """Return the leverage that is configured for a perpetual."""
        return instrument.leverage or Decimal(repr(self.leverage))

    def perpetuals(self) -> list[Instrument]:
        """Return the instruments that have positions and margin."""
        return [one for one in self._instruments.values() if one.kind is not InstrumentKind.SPOT]

    def warn(self, text: str) -> None:
        """Add a warning to the result, and to the log."""
        _logger.warning("%s", text)
        self._listener.warn(text)

    # -- restarts ------------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        return {
            "orders": save_orders(self._tracker, self._strangers),
            "base_fees": self._base_fees.save(),
            "funding": self._funding.save(),
        }

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        saved = state.get("orders", {})
        self._make(saved.get("tag") or self._book.tag)
        self._base_fees.restore(state.get("base_fees", []), self._instruments)
        self._funding.restore(state.get("funding", {}))
        restore_orders(
            saved, orders, self._tracker, self._strangers, self._instruments,
            seconds_since=lambda time: max(0, self._now - time) / 1e9 / self.clock_speed,
        )  # fmt: skip


@hookimpl
def register_brokers() -> list[type[Broker]]:
    """Return the broker."""
    return [LmexBroker]
