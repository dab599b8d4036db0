"""What the ``hookline lmex`` commands ask the venue for."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from decimal import Decimal

from hookline_lmex.client import LmexClient
from hookline_lmex.errors import LmexRefused
from hookline_lmex.feed_history import market_of
from hookline_lmex.results import OrderState, PositionState
from hookline_lmex.tables import balance_view, book_view, orders_view, positions_view, ticker_view
from hookline_lmex.tables_cells import View

__all__ = ["fetch_balance", "fetch_book", "fetch_orders", "fetch_positions", "fetch_ticker"]


async def fetch_ticker(client: LmexClient, symbols: Sequence[str] | None, top: int) -> View:
    """Return the figures of some markets, or of those with the most turnover.

    Raises:
        ConfigError: if there is no such market.
        LmexError: if the venue gives no usable answer.
    """
    if not symbols:
        spot = await client.spot.market_summary()
        return ticker_view(spot, await client.futures.market_summary(full=True), {}, top)
    markets = [await market_of(client, symbol) for symbol in symbols]
    prices = {symbol: await client.product(symbol).price(symbol) for symbol in symbols}
    return ticker_view([], markets, prices, None)


async def fetch_book(
    client: LmexClient, symbol: str, depth: int, contract_sizes: MutableMapping[str, Decimal | None]
) -> View:
    """Return the book of a market; ``contract_sizes`` remembers what was asked before.

    Raises:
        ConfigError: if there is no such market.
        LmexError: if the venue gives no usable answer.
    """
    if symbol not in contract_sizes:
        contract_sizes[symbol] = (await market_of(client, symbol)).contract_size
    snapshot = await client.product(symbol).order_book(symbol, depth)
    return book_view(snapshot, contract_sizes[symbol], depth)


async def fetch_positions(client: LmexClient, symbols: Sequence[str] | None) -> View:
    """Return open positions, of some markets or of all.

    Raises:
        LmexError: if the venue gives no usable answer.
    """
    found: list[PositionState] = await client.futures.positions()
    return positions_view([one for one in found if not symbols or one.symbol in symbols])


async def fetch_orders(client: LmexClient, symbols: Sequence[str] | None) -> View:
    """Return open orders, of some markets or of all. A product that the key may not see is left out, and that is said.

    Raises:
        LmexError: if the venue gives no usable answer.
    """
    found: list[OrderState] = []
    refused: list[LmexRefused] = []
    products = {id(one): one for one in map(client.product, symbols or ())} or {
        1: client.futures,
        2: client.spot,
    }
    for product in products.values():
        try:
            found += await product.open_orders()
        except LmexRefused as error:
            refused.append(error)
    if len(refused) == len(products):
        raise refused[0]
    view = orders_view([one for one in found if not symbols or one.symbol in symbols], client.clock.now)
    return replace(view, notes=[f"left out: {error}" for error in refused])


async def fetch_balance(client: LmexClient) -> View:
    """Return what is in the wallets.

    Raises:
        LmexError: if the venue gives no usable answer.
    """
    return balance_view(await client.spot.wallet(), await client.futures.wallet())
