"""What is compared and set at the venue before a session trades there.

Rules of this file:

- A market whose steps differ from those of the session's instrument stops the session: every size would be wrong.
- Position mode, margin mode and leverage are set where no position and no order exists, and only if they differ. Where one exists the
  venue's settings are respected, with a warning; a position mode that differs then stops the session, because orders would go wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from hookline.errors import VenueError
from hookline.model import Instrument, InstrumentKind, MarginMode, PositionMode
from hookline_lmex.broker_fees import Rates
from hookline_lmex.codes import PositionModeName

if TYPE_CHECKING:
    from hookline_lmex.client import LmexClient
    from hookline_lmex.results_account import LeverageSetting
    from hookline_lmex.results_market import MarketSummary

__all__ = ["check_markets", "prepare_margin", "read_fees"]

_MODES = {PositionMode.ONE_WAY: PositionModeName.ONE_WAY, PositionMode.HEDGE: PositionModeName.HEDGE}
_logger = logging.getLogger("hookline.lmex")


async def check_markets(
    client: LmexClient, instruments: Mapping[str, Instrument]
) -> dict[str, MarketSummary]:
    """Compare the session's instruments with the venue's markets, and return these.

    Raises:
        VenueError: naming the first market that is not there, is closed, or has other steps.
    """
    found = {}
    for symbol, instrument in instruments.items():
        rows = [
            one
            for one in await client.product(symbol).market_summary(symbol, full=True)
            if one.symbol == symbol
        ]
        if not rows:
            raise VenueError(f"{symbol}: the venue lists no such market")
        found[symbol] = rows[0]
        _check_steps(instrument, rows[0])
        if not rows[0].is_active:
            raise VenueError(f"{symbol}: the venue does not trade this market now")
    return found


def _check_steps(instrument: Instrument, market: MarketSummary) -> None:
    symbol = instrument.symbol
    step = market.size_step * (market.contract_size or Decimal(1))
    ours: dict[str, Decimal | None] = {"tick_size": instrument.tick_size, "lot_size": instrument.lot_size}
    venues: dict[str, Decimal | None] = {"tick_size": market.tick_size, "lot_size": step}
    if instrument.kind is not InstrumentKind.SPOT:
        ours["contract_size"] = instrument.contract_size
        venues["contract_size"] = market.contract_size
    for name, value in ours.items():
        if value != venues[name]:
            raise VenueError(
                f"{symbol}.{name}: must be the venue's {venues[name]}, the session's instrument has {value}"
            )


async def read_fees(client: LmexClient, instruments: Mapping[str, Instrument], rates: Rates) -> None:
    """Learn the account's fees.

    Raises:
        VenueError: if the venue does not answer.
    """
    for symbol in instruments:
        for fee in await client.product(symbol).fees(symbol):
            if fee.symbol in instruments:
                rates.learn(fee.symbol, float(fee.maker), float(fee.taker))


async def prepare_margin(
    client: LmexClient,
    instrument: Instrument,
    leverage: Decimal,
    warn: Callable[[str], None],
) -> None:
    """Set position mode, margin mode and leverage of a perpetual as configured, or respect what a position or an order needs.

    Raises:
        VenueError: if the venue refuses, or holds positions in a mode that the session does not.
    """
    symbol, api, margin_mode = instrument.symbol, client.futures, instrument.margin_mode
    is_used = bool(await api.positions(symbol)) or bool(await api.open_orders(symbol))
    wanted = _MODES[instrument.position_mode]
    modes = [one.mode for one in await api.position_mode(symbol) if one.symbol == symbol]
    mode = modes[0] if modes else PositionModeName.ONE_WAY
    if mode != wanted:
        if is_used:
            raise VenueError(
                f"{symbol}: the position mode must be {wanted} and is {mode}, which the venue cannot change while "
                "there are positions or orders; close them, or configure the session's instrument so"
            )
        await api.set_position_mode(symbol, wanted)
        _logger.info("%s: position mode set to %s", symbol, wanted)
    settings = [one for one in await api.leverage(symbol) if one.symbol == symbol]
    if settings and all(_is_as_wanted(one, leverage, margin_mode) for one in settings):
        return
    if is_used:
        shown = ", ".join(f"{one.margin_mode} {one.leverage}x" for one in settings) or "unknown"
        warn(
            f"{symbol}: leverage and margin mode stay {shown}, not {margin_mode} {leverage}x: there are positions or orders"
        )
        return
    await api.set_leverage(symbol, leverage, margin_mode, position_mode=wanted)
    _logger.info("%s: %s margin, leverage %s", symbol, margin_mode, leverage)


def _is_as_wanted(setting: LeverageSetting, leverage: Decimal, margin_mode: MarginMode) -> bool:
    return setting.leverage == leverage and setting.margin_mode is margin_mode
