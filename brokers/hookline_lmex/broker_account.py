"""What the venue says of the account, in our terms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from hookline.model import (
    Instrument,
    InstrumentKind,
    OrderType,
    PositionMode,
    VenueAccount,
    VenueBalance,
    VenueOrder,
    VenuePosition,
)
from hookline_lmex.codes import OrderKind, TriggerKind
from hookline_lmex.wire_orders import lots_of, number_of

if TYPE_CHECKING:
    from hookline_lmex.client import LmexClient
    from hookline_lmex.results_account import PositionState
    from hookline_lmex.results_orders import OrderState

__all__ = ["position_id_of", "read_account"]

_CROSS = "CROSS@"


async def read_account(client: LmexClient, instruments: Mapping[str, Instrument], tag: str) -> VenueAccount:
    """Return the account as the venue shows it.

    Args:
        client: Open.
        instruments: Of the session.
        tag: Of the session's client order ids.

    Raises:
        VenueError: if the venue does not answer.
    """
    spot = [one for one in instruments.values() if one.kind is InstrumentKind.SPOT]
    futures = [one for one in instruments.values() if one.kind is not InstrumentKind.SPOT]
    orders: list[OrderState] = []
    positions: list[VenuePosition] = []
    balances: list[VenueBalance] = []
    if spot:
        orders += await client.spot.open_orders()
        wallet = await client.spot.wallet()
        balances += [VenueBalance(one.currency, one.total, one.available) for one in wallet]
        positions += _spot_positions(spot, {one.currency: one.total for one in wallet})
    if futures:
        orders += await client.futures.open_orders()
        states = await client.futures.positions()
        positions += [_position(one, instruments[one.symbol]) for one in states if one.symbol in instruments]
        balances += await _futures_balances(client, states)
    known = [_order(one, instruments[one.symbol], tag) for one in orders if one.symbol in instruments]
    return VenueAccount(client.clock.now, tuple(known), tuple(positions), tuple(_summed(balances)))


def position_id_of(instrument: Instrument, *, is_long: bool) -> str:
    """Return our id of a position."""
    if instrument.position_mode is PositionMode.HEDGE:
        return f"{instrument.symbol}|{'long' if is_long else 'short'}"
    return instrument.symbol


def _order(state: OrderState, instrument: Instrument, tag: str) -> VenueOrder:
    is_hedged = instrument.position_mode is PositionMode.HEDGE
    is_long = state.position_direction == "LONG" or (
        not state.position_direction and (state.side > 0) != state.reduce_only
    )
    return VenueOrder(
        venue_order_id=state.order_id,
        client_order_id=state.client_order_id,
        number=number_of(tag, state.client_order_id),
        symbol=state.symbol,
        side=state.side,
        type=_type(state),
        lots=lots_of(instrument, Decimal(state.size or state.original_size)),
        filled_lots=lots_of(instrument, Decimal(state.total_filled)),
        limit_price=float(state.price) if state.kind is OrderKind.LIMIT and state.price else None,
        trigger_price=float(state.trigger_price) if state.trigger_price else None,
        reduce_only=state.reduce_only,
        position_id=position_id_of(instrument, is_long=is_long) if is_hedged else "",
    )


def _type(state: OrderState) -> OrderType:
    if state.trail_value:
        return OrderType.TRAILING_STOP
    is_limit = state.kind is not OrderKind.MARKET
    if not state.is_trigger:
        return OrderType.LIMIT if is_limit else OrderType.MARKET
    if state.trigger_kind is TriggerKind.TAKE_PROFIT and not is_limit:
        return OrderType.TAKE_PROFIT
    return OrderType.STOP_LIMIT if is_limit else OrderType.STOP


def _position(state: PositionState, instrument: Instrument) -> VenuePosition:
    return VenuePosition(
        position_id=position_id_of(instrument, is_long=state.side > 0),
        symbol=state.symbol,
        lots=instrument.lots_of_contracts(state.signed_contracts),
        entry_price=float(state.entry_price),
        mark_price=float(state.mark_price),
        liquidation_price=math.nan if state.liquidation_price is None else float(state.liquidation_price),
        leverage=float(state.isolated_leverage),
        margin_mode=state.margin_mode.value,
    )


def _spot_positions(instruments: Iterable[Instrument], held: Mapping[str, Decimal]) -> list[VenuePosition]:
    found = []
    for instrument in instruments:
        lots = lots_of(instrument, held.get(instrument.base or instrument.symbol, Decimal(0)))
        if lots:
            found.append(
                VenuePosition(instrument.symbol, instrument.symbol, lots, math.nan, math.nan, math.nan)
            )
    return found


async def _futures_balances(client: LmexClient, positions: Iterable[PositionState]) -> list[VenueBalance]:
    """Return what the wallets behind positions hold: the shared one, and one for each isolated position."""
    names = {_CROSS: None} | {one.wallet: None for one in positions if one.wallet.startswith("ISOLATED")}
    found = []
    for name in names:
        for wallet in await client.futures.wallet(name):
            used = {one.currency: one.balance for one in wallet.in_use}
            for asset in wallet.assets:
                free = asset.balance - used.get(asset.currency, Decimal(0))
                found.append(VenueBalance(asset.currency, asset.balance, free))
    return found


def _summed(balances: Iterable[VenueBalance]) -> list[VenueBalance]:
    sums: dict[str, VenueBalance] = {}
    for one in balances:
        before = sums.get(one.currency, VenueBalance(one.currency, Decimal(0), Decimal(0)))
        sums[one.currency] = VenueBalance(
            one.currency, before.total + one.total, before.available + one.available
        )
    return list(sums.values())
