"""Withdrawing from the venue beside a session: cancel everything in some symbols, and close positions if that is wanted.

It is asked and done again until the venue shows nothing that is left, a bounded number of times. Closing is only ever asked for what the
venue shows as held at that moment, by calls that cannot open a position: ``close_position`` on futures; on spot a sale of what is
available of the base currency.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from hookline.errors import VenueError
from hookline.model import Side
from hookline_lmex.client import is_futures_symbol
from hookline_lmex.codes import OrderKind
from hookline_lmex.errors import LmexError
from hookline_lmex.requests import NewOrder

if TYPE_CHECKING:
    from hookline_lmex.client import LmexClient

__all__ = ["withdraw"]

_ROUNDS = 8
_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE = 3.0
_CLEAN_ROUNDS = 2
_logger = logging.getLogger("hookline.lmex")


async def withdraw(
    client: LmexClient, symbols: Sequence[str], *, flatten: bool, rounds: int = _ROUNDS
) -> list[str]:
    """Cancel all orders in some symbols, and close what is held of them if that is wanted.

    Args:
        client: Open.
        symbols: Names of the markets.
        flatten: Whether positions are closed; on spot, whether the base currency is sold.
        rounds: How often it is tried at most.

    Returns:
        What was done, one line each.

    Raises:
        VenueError: if something is left; the message names what, and what went wrong last.
    """
    work = _Withdrawal(client, flatten=flatten)
    clean, pause = 0, _PAUSE_SECONDS
    for _ in range(rounds):
        left = [line for symbol in symbols for line in await work.go_over(symbol)]
        clean = 0 if left else clean + 1
        if clean == _CLEAN_ROUNDS:
            return work.done
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
    said = f"; last problem: {work.problem}" if work.problem else ""
    raise VenueError(f"still at the venue after {rounds} rounds: {'; '.join(left) or 'not certain'}{said}")


class _Withdrawal:
    def __init__(self, client: LmexClient, *, flatten: bool) -> None:
        self._client = client
        self._flatten = flatten
        self._steps: dict[str, tuple[Decimal, Decimal]] = {}
        self.done: list[str] = []
        self.problem = ""

    async def go_over(self, symbol: str) -> list[str]:
        """Do once what is to be done for a symbol; return what was left before."""
        try:
            left = await self._cancel(symbol)
            if self._flatten:
                left += await self._close(symbol)
        except LmexError as error:
            self.problem = str(error)
            _logger.warning("withdrawing from %s: %s", symbol, error)
            return [f"{symbol}: not known"]
        return left

    async def _cancel(self, symbol: str) -> list[str]:
        api = self._client.product(symbol)
        found = await api.open_orders(symbol)
        left = [f"{symbol}: order {one.order_id}" for one in found if one.symbol == symbol]
        if left:
            try:
                await api.cancel_all(symbol)
            except LmexError as error:
                self.problem = str(error)
                for one in found:
                    await self._cancel_one(symbol, one.order_id)
            self._say(f"{symbol}: canceled {len(left)} order{'s' if len(left) > 1 else ''}")
        return left

    async def _cancel_one(self, symbol: str, order_id: str) -> None:
        try:
            await self._client.product(symbol).cancel_order(symbol, order_id=order_id)
        except LmexError as error:
            self.problem = str(error)

    async def _close(self, symbol: str) -> list[str]:
        return (
            await self._close_futures(symbol) if is_futures_symbol(symbol) else await self._sell_spot(symbol)
        )

    async def _close_futures(self, symbol: str) -> list[str]:
        left = []
        for one in await self._client.futures.positions(symbol):
            if one.symbol != symbol or not one.contracts:
                continue
            left.append(f"{symbol}: position of {one.signed_contracts} contracts")
            # The name is needed in hedge and isolated mode and does no harm in one-way mode, where it is left out all the same.
            id_ = one.position_id if one.position_mode not in ("", "ONE_WAY") else ""
            await self._client.futures.close_position(symbol, OrderKind.MARKET, position_id=id_)
            self._say(f"{symbol}: closed {one.signed_contracts} contracts at the market")
        return left

    async def _sell_spot(self, symbol: str) -> list[str]:
        if symbol not in self._steps:
            market = (await self._client.spot.market_summary(symbol))[0]
            self._steps[symbol] = (market.size_step, max(market.min_size, market.size_step))
        step, least = self._steps[symbol]
        base = symbol.partition("-")[0]
        held = next(
            (one.available for one in await self._client.spot.wallet() if one.currency == base), Decimal(0)
        )
        size = held // step * step
        if size < least:
            return []
        order = NewOrder(symbol=symbol, side=Side.SELL, kind=OrderKind.MARKET, size=size)
        await self._client.spot.create_order(order)
        self._say(f"{symbol}: sold {size} {base} at the market")
        return [f"{symbol}: {size} {base}"]

    def _say(self, line: str) -> None:
        self.done.append(line)
        _logger.warning("withdrawn: %s", line)
