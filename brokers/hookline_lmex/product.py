"""Calls that spot and futures have in common, but for their paths and units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import ClassVar, TypeVar

from hookline.errors import OrderError
from hookline.model import BarSeries, Timeframe
from hookline_lmex import parse_account, parse_market, parse_orders
from hookline_lmex.endpoints import Endpoint, Params, Parsed
from hookline_lmex.errors import LmexMalformed, LmexUnknown
from hookline_lmex.failures import order_failure
from hookline_lmex.history import bar_series, page_trades
from hookline_lmex.http import Transport
from hookline_lmex.limits import CallClass
from hookline_lmex.requests import NewOrder, amendment_body, order_body, peg_body
from hookline_lmex.results import (
    BookSnapshot,
    Candle,
    Fee,
    MarketSummary,
    OrderAction,
    OrderState,
    OwnTrade,
    Price,
    PublicTrade,
    Size,
)
from hookline_lmex.settings import Settings
from hookline_lmex.wire import UnreadableError

__all__ = ["ProductApi", "read", "write"]

T = TypeVar("T")


def read(path: str, *, signed: bool = True, kind: CallClass = CallClass.QUERY) -> Endpoint:
    """Return a call that only reads."""
    return Endpoint("GET", path, kind, signed=signed, repeat=True)


def write(path: str, method: str = "POST", kind: CallClass = CallClass.ORDER) -> Endpoint:
    """Return a call that changes something, and is therefore sent once."""
    return Endpoint(method, path, kind, signed=True)


class ProductApi:
    """Markets, orders and own trades of one product.

    Every call raises :class:`~hookline_lmex.errors.LmexError` (the tree is in its module), and a private one ``ConfigError``
    where there are no credentials.
    """

    base: ClassVar[str]
    is_futures: ClassVar[bool]

    def __init__(self, transport: Transport, settings: Settings) -> None:
        self._transport = transport
        self._settings = settings
        base = self.base
        self._order = f"{base}/order"
        self._create = write(self._order)
        self._amend = write(self._order, "PUT")
        # An order that is canceled twice is canceled: to repeat the cancel of one order by its id does no harm. A cancel of all
        # orders is not repeated, since it would take new orders along.
        self._cancel = replace(write(self._order, "DELETE", CallClass.CANCEL), repeat=True)
        self._cancel_all = write(self._order, "DELETE", CallClass.CANCEL)
        self._cancel_after = write(f"{self._order}/cancelAllAfter", kind=CallClass.CANCEL)
        self._peg = write(f"{self._order}/peg")
        self._query = read(self._order)
        self._actions = partial(parse_orders.order_actions, counted=self.is_futures)
        self._state = partial(parse_orders.order_state, counted=self.is_futures)
        self._states = partial(parse_orders.order_states, counted=self.is_futures)
        self._trades = partial(parse_orders.own_trades, counted=self.is_futures)

    async def _get(
        self, path: str, parse: Callable[[Parsed], T], params: Params | None = None, *, signed: bool = True
    ) -> T:
        return await self._transport.call(read(self.base + path, signed=signed), parse, params)

    # -- markets ---------------------------------------------------------------------------------------------------------

    async def market_summary(self, symbol: str | None = None, *, full: bool = False) -> list[MarketSummary]:
        """Return terms and last day of one market or all; ``full`` adds the times of funding on futures."""
        parse = parse_market.futures_summaries if self.is_futures else parse_market.spot_summaries
        params: Params = {
            "symbol": symbol,
            "listFullAttributes": "true" if full and self.is_futures else None,
        }
        return await self._get("/market_summary", parse, params, signed=False)

    async def ohlcv(
        self,
        symbol: str,
        resolution_minutes: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[Candle]:
        """Return the bars of one call, oldest first: 300 at most, and the last one may still be open.

        Args:
            symbol: Name of the market.
            resolution_minutes: 1, 5, 15, 30, 60, 240, 360, 1440, 10080 or 43200.
            start_ms: First bar; with ``end_ms`` a range of 300 bars at most, which the venue refuses to exceed.
            end_ms: Last bar.
        """
        params: Params = {
            "symbol": symbol,
            "resolution": resolution_minutes,
            "start": start_ms,
            "end": end_ms,
        }
        return await self._get("/ohlcv", parse_market.candles, params, signed=False)

    async def bars(
        self,
        symbol: str,
        timeframe: Timeframe,
        since_ns: int,
        until_ns: int,
        *,
        contract_size: Decimal | None = None,
    ) -> BarSeries:
        """Return the closed bars that start at or after ``since_ns`` and before ``until_ns``, however many there are.

        Volumes are in base units; where the venue counts turnover (``volume_unit: quote``) that is divided by the bar's typical
        price, (high + low + close) / 3, an approximation.

        Args:
            symbol: Name of the market.
            timeframe: One that the venue has: 1m, 5m, 15m, 30m, 1h, 4h, 6h, 1d or 1w.
            since_ns: Nanoseconds UTC.
            until_ns: Nanoseconds UTC.
            contract_size: Base units of a contract, for ``volume_unit: contracts``; asked of the venue where None.

        Raises:
            ConfigError: if the venue has no such timeframe.
            DataError: if the bars cannot be trusted.
        """
        unit = self._settings.volume_unit
        if unit == "contracts" and contract_size is None and self.is_futures:
            contract_size = (await self.market_summary(symbol))[0].contract_size
        return await bar_series(
            self.ohlcv, symbol, timeframe, since_ns, until_ns, self._transport.clock, unit, contract_size
        )

    async def price(self, symbol: str) -> Price:
        """Return index, last and mark price of a market."""
        found = [item for item in await self.prices(symbol) if item.symbol == symbol]
        if len(found) != 1:
            raise LmexMalformed(f"GET {self.base}/price", f"an answer with {len(found)} prices of {symbol!r}")
        return found[0]

    async def prices(self, symbol: str | None = None) -> list[Price]:
        """Return index, last and mark prices, of all markets without a symbol."""
        return await self._get("/price", parse_market.prices, {"symbol": symbol}, signed=False)

    async def order_book(self, symbol: str, depth: int = 50) -> BookSnapshot:
        """Return the book at the native tick, at most 50 levels a side."""
        params: Params = {"symbol": symbol, "depth": depth}
        return await self._get("/orderbook/L2", parse_market.order_book, params, signed=False)

    async def grouped_book(
        self, symbol: str, group: int = 0, limit_bids: int | None = None, limit_asks: int | None = None
    ) -> BookSnapshot:
        """Return the book in coarser steps: ``group`` 0 is the tick, 8 the coarsest; the limits are known on spot only."""
        params: Params = {
            "symbol": symbol,
            "group": group,
            "limit_bids": limit_bids,
            "limit_asks": limit_asks,
        }
        return await self._get("/orderbook", parse_market.order_book, params, signed=False)

    # -- orders ----------------------------------------------------------------------------------------------------------

    async def create_order(self, order: NewOrder) -> list[OrderAction]:
        """Create an order; sent once, whatever happens.

        Returns:
            What became of it: one, or two for an OCO. An order that the venue took and ended at once, such as a post-only one
            that would have crossed, is no error: its status says so.

        Raises:
            LmexRefused: if it was refused.
            LmexUnknown: if nobody knows: ask for it by client order id.
        """
        return await self._act(self._create, body=order_body(order, is_futures=self.is_futures))

    async def peg_order(self, order: NewOrder) -> list[OrderAction]:
        """Create an order that follows the index price; as ``create_order``."""
        return await self._act(self._peg, body=peg_body(order, is_futures=self.is_futures))

    async def amend_order(
        self,
        symbol: str,
        *,
        order_id: str = "",
        client_order_id: str = "",
        price: Decimal | None = None,
        size: Size | None = None,
        trigger_price: Decimal | None = None,
    ) -> list[OrderAction]:
        """Amend an open order, by either id; sent once, whatever happens.

        Args:
            symbol: Name of the market.
            order_id: The venue's, which wins if both are given.
            client_order_id: Ours.
            price: New limit price.
            size: New total size: what is filled and what is to remain.
            trigger_price: New trigger, of an order that still waits for it.

        Raises:
            LmexRefused: if it was refused.
            LmexUnknown: if nobody knows.
        """
        body = amendment_body(
            symbol, order_id=order_id, client_order_id=client_order_id, price=price, size=size,
            trigger_price=trigger_price, is_futures=self.is_futures,
        )  # fmt: skip
        return await self._act(self._amend, body=body)

    async def cancel_order(
        self, symbol: str, *, order_id: str = "", client_order_id: str = ""
    ) -> list[OrderAction]:
        """Cancel an order by either id; by ours, every order that carries it. Repeated where no answer comes.

        Returns:
            What became of it, which the status says; nothing where the venue names no order.

        Raises:
            LmexNotFound: if there is none, or not any more: it may be filled, or canceled by an attempt whose answer was lost.
            LmexUnknown: if nobody knows.
        """
        if not order_id and not client_order_id:
            # Without an id the venue would cancel every order of the market.
            raise OrderError(f"{symbol}: a cancel needs an order_id or a client_order_id, had neither")
        params = {"symbol": symbol}
        params |= {"orderID": order_id} if order_id else {"clOrderID": client_order_id}
        return await self._act(self._cancel, params=params, may_be_none=True)

    async def cancel_all(self, symbol: str) -> list[OrderAction]:
        """Cancel every open order of a market; none is no error. Sent once.

        Raises:
            LmexUnknown: if nobody knows.
        """
        if not symbol:
            raise OrderError("a cancel of all orders needs a symbol, was ''")
        return await self._act(self._cancel_all, params={"symbol": symbol}, may_be_none=True)

    async def cancel_all_after(self, milliseconds: int) -> None:
        """Let the venue cancel every order of this product unless called again in time; 0 is taken to switch that off."""
        await self._transport.call(self._cancel_after, parse_account.nothing, body={"timeout": milliseconds})

    async def order(self, *, order_id: str = "", client_order_id: str = "") -> OrderState:
        """Return an order by either id; a canceled one for half an hour.

        Raises:
            LmexNotFound: if the venue knows none, or not any more.
        """
        if not order_id and not client_order_id:
            raise OrderError("a query needs an order_id or a client_order_id, had neither")
        params = {"orderID": order_id} if order_id else {"clOrderID": client_order_id}
        return await self._transport.call(self._query, self._one_state, params)

    def _one_state(self, answer: Parsed) -> OrderState:
        payload = answer.payload
        status = payload.get("status") if isinstance(payload, dict) else None
        if type(status) is int and not payload.get("orderID"):
            failure = order_failure(answer.where, status, str(payload.get("message") or ""))
            if failure is not None:
                raise failure
        return self._state(answer)

    async def open_orders(self, symbol: str | None = None) -> list[OrderState]:
        """Return the open orders of one market or all, those that wait for a trigger among them."""
        return await self._get("/user/open_orders", self._states, {"symbol": symbol})

    async def _act(
        self,
        endpoint: Endpoint,
        *,
        params: Params | None = None,
        body: Mapping[str, object] | None = None,
        may_be_none: bool = False,
    ) -> list[OrderAction]:
        parse = partial(self._judged, may_be_none=may_be_none)
        return await self._transport.call(endpoint, parse, params, body)

    def _judged(self, answer: Parsed, *, may_be_none: bool) -> list[OrderAction]:
        """Return the actions of an answer, or raise what they say is wrong.

        Several that do not agree (an OCO of which one leg was refused) leave the outcome unknown.
        """
        actions = self._actions(answer)
        if not actions and not may_be_none:
            raise UnreadableError("must hold an order, was empty")
        found = [order_failure(answer.where, action.status, action.message) for action in actions]
        failures = [failure for failure in found if failure is not None]
        for failure in failures:
            if len(failures) == len(actions) or isinstance(failure, LmexUnknown):
                raise failure
        if failures and not may_be_none:
            raise LmexUnknown(answer.where, f"a part was taken and a part was not: {failures[0].reason}")
        if any(
            failure is None and not action.order_id for failure, action in zip(found, actions, strict=True)
        ):
            raise UnreadableError("orderID: must be there, was missing")
        return actions

    # -- what came of them -----------------------------------------------------------------------------------------------

    async def trade_page(
        self,
        symbol: str | None = None,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        order_id: str = "",
        client_order_id: str = "",
        count: int = 500,
        before_serial: int | None = None,
    ) -> list[OwnTrade]:
        """Return the own trades of one call, oldest first: 7 days and 500 at most."""
        params = {
            "symbol": symbol,
            "startTime": start_ms,
            "endTime": end_ms,
            "count": count,
            "orderID": order_id or None,
            "clOrderID": client_order_id or None,
            "beforeSerialId": before_serial,
        }
        return await self._get("/user/trade_history", self._trades, params)

    async def trade_history(
        self,
        symbol: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        *,
        order_id: str = "",
        client_order_id: str = "",
    ) -> list[OwnTrade]:
        """Return all own trades of a range, oldest first, each once; in as many calls as that takes.

        Args:
            symbol: Name of the market; the venue documents it as required on spot.
            start_ms: First time; None for 7 days before the last.
            end_ms: Last time; None for now.
            order_id: Only of this order.
            client_order_id: Only of orders with this id.
        """
        page = partial(self.trade_page, symbol, order_id=order_id, client_order_id=client_order_id)
        return await page_trades(
            page, start_ms, end_ms, self._transport.clock.now_ms, by_serial=self.is_futures
        )

    async def fees(self, symbol: str | None = None) -> list[Fee]:
        """Return the account's fees in one market or all."""
        return await self._get("/user/fees", parse_orders.fees, {"symbol": symbol})

    async def trades(
        self,
        symbol: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        count: int = 500,
    ) -> list[PublicTrade]:
        """Return prints of a market, oldest first: 500 at most, by default of the last 3 days."""
        params = {"symbol": symbol, "startTime": start_ms, "endTime": end_ms, "count": count}
        return await self._get("/trades", parse_market.public_trades, params, signed=False)
