"""Whether the key is accepted and may do what a session needs, and how the account stands."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from hookline.diagnosis import Finding, listed, plural
from hookline.errors import VenueError
from hookline.model import Instrument, PositionMode
from hookline_lmex.client import LmexClient, is_futures_symbol
from hookline_lmex.codes import PositionModeName
from hookline_lmex.doctor_remedies import remedy_of, tried
from hookline_lmex.errors import LmexForbidden, LmexNotFound, LmexRefused, LmexUnauthorized

if TYPE_CHECKING:
    from hookline_lmex.broker import LmexBroker
    from hookline_lmex.results import LeverageSetting, PositionState

__all__ = ["examine_account"]

_NEAR_FRACTION = 0.1
_MODES = {PositionMode.ONE_WAY: PositionModeName.ONE_WAY, PositionMode.HEDGE: PositionModeName.HEDGE}
_OTHERS = "Transfer, Wallet and Withdraw are not needed: leave them off, a lost key can then move no money"


async def examine_account(
    client: LmexClient, broker: LmexBroker, products: Sequence[str], terms: Mapping[str, Instrument | None]
) -> list[Finding]:
    """Return what was found with the key.

    Args:
        client: Open, with credentials.
        broker: With what is configured.
        products: ``futures`` and ``spot``, those that are used.
        terms: By symbol, as a session trades them; None for one that is only looked at.
    """
    try:
        (await client.futures.positions() if "futures" in products else await client.spot.wallet())
    except LmexUnauthorized as error:
        return [Finding("key", "fail", f"the venue does not accept it: {error}", remedy_of(error))]
    except LmexForbidden as error:
        key = Finding("key", "ok", "the venue knows it")
        return [key, Finding("permission Read", "fail", f"missing: {error}", remedy_of(error))]
    except VenueError as error:
        return [Finding("key", "fail", f"not examined: {error}", remedy_of(error))]
    findings = [
        Finding("key", "ok", "the venue accepts it"),
        Finding("permission Read", "ok", f"given. {_OTHERS}"),
        await _trading(client, products),
    ]
    findings += await tried("balances", partial(_balances, client, products))
    for symbol, instrument in terms.items():
        findings += await tried(f"{symbol} fees", partial(_fees, client, symbol))
        if is_futures_symbol(symbol):
            name = f"{symbol} settings"
            findings += await tried(name, partial(_settings, client, broker, symbol, instrument))
    return findings + await tried("open orders and positions", partial(_open, client, products, terms))


async def _trading(client: LmexClient, products: Sequence[str]) -> Finding:
    """Ask for an order that nobody has: who may not trade is refused, who may hears that there is none."""
    name = "permission Trading"
    for product in products:
        api = client.futures if product == "futures" else client.spot
        try:
            await api.order(client_order_id=f"doctor-{secrets.token_hex(8)}")
        except LmexNotFound:
            continue
        except LmexForbidden as error:
            return Finding(name, "fail", f"missing for {product}: {error}", remedy_of(error))
        except LmexRefused as error:
            text = f"not known for {product}: a question about an order that nobody has was answered with {error}"
            return Finding(name, "warn", text, "see on the web site whether Trading is ticked for this key")
        except VenueError as error:
            return Finding(name, "fail", f"not examined: {error}", remedy_of(error))
    return Finding(name, "ok", f"given for {' and '.join(products)}")


async def _balances(client: LmexClient, products: Sequence[str]) -> list[Finding]:
    findings = []
    if "futures" in products:
        (wallet,) = await client.futures.wallet() or (None,)
        assets = () if wallet is None else tuple(one for one in wallet.assets if one.balance)
        held = [f"{_money(one.balance)} {one.currency}" for one in assets]
        free = "" if wallet is None else f", {_money(wallet.available)} of its value available"
        findings.append(_balance("futures", held, free))
    if "spot" in products:
        coins = [one for one in await client.spot.wallet() if one.total]
        held = [f"{_money(one.total)} {one.currency} ({_money(one.available)} available)" for one in coins]
        findings.append(_balance("spot", held, ""))
    return findings


def _balance(product: str, held: Sequence[str], free: str) -> Finding:
    name = f"{product} balance"
    if held:
        return Finding(name, "ok", f"{listed(held, 6)}{free}")
    return Finding(name, "warn", "the wallet is empty", f"transfer money to the {product} wallet")


async def _fees(client: LmexClient, symbol: str) -> list[Finding]:
    rows = [one for one in await client.product(symbol).fees(symbol) if one.symbol == symbol]
    if not rows:
        text = "the venue does not say what this account pays"
        return [Finding(f"{symbol} fees", "warn", text, "assumed_taker_fee_bps counts until it does")]
    return [Finding(f"{symbol} fees", "ok", f"maker {_bps(rows[0].maker)}, taker {_bps(rows[0].taker)}")]


async def _settings(
    client: LmexClient, broker: LmexBroker, symbol: str, instrument: Instrument | None
) -> list[Finding]:
    """Compare position mode, margin mode and leverage with what a session would set."""
    api, name = client.futures, f"{symbol} settings"
    modes = [one.mode for one in await api.position_mode(symbol) if one.symbol == symbol]
    mode = modes[0] if modes else PositionModeName.ONE_WAY
    settings = [one for one in await api.leverage(symbol) if one.symbol == symbol]
    shown = " and ".join(dict.fromkeys(_margin(one) for one in settings))
    text = f"{mode.lower().replace('_', '-')} positions, {shown or 'margin unknown'}"
    if instrument is None:
        return [Finding(name, "ok", text)]
    wanted, leverage, margin = (
        _MODES[instrument.position_mode],
        broker.leverage_of(instrument),
        instrument.margin_mode,
    )
    is_leverage_right = all(one.leverage == leverage and one.margin_mode is margin for one in settings)
    if mode == wanted and settings and is_leverage_right:
        return [Finding(name, "ok", f"{text}, as configured")]
    plan = f"{wanted.lower().replace('_', '-')} positions, {margin} margin at {leverage.normalize():f}x"
    is_used = bool(await api.positions(symbol)) or bool(await api.open_orders(symbol))
    if not is_used:
        return [Finding(name, "ok", f"{text}; the session sets {plan}")]
    if mode != wanted:
        fix = "close them first, or configure position_mode of the instrument so"
        return [Finding(name, "fail", f"{text}, not {plan}, while there are positions or orders", fix)]
    return [
        Finding(
            name,
            "fail" if not broker.respect_positions else "warn",
            f"{text} stays, not {plan}: there are positions or orders",
            "close them first, or configure what is set",
        )
    ]


def _margin(setting: LeverageSetting) -> str:
    leverage = f"{setting.leverage:f}x" if setting.leverage else "the most leverage that is allowed"
    return f"{setting.margin_mode} margin at {leverage}"


async def _open(
    client: LmexClient, products: Sequence[str], terms: Mapping[str, Instrument | None]
) -> list[Finding]:
    orders = []
    for product in products:
        api = client.futures if product == "futures" else client.spot
        orders += [one for one in await api.open_orders() if one.symbol in terms]
    held = await client.futures.positions() if "futures" in products else []
    positions = [one for one in held if one.symbol in terms]
    findings = [_existing(len(orders), len(positions), list(terms))]
    return findings + [found for one in positions if (found := _near(one)) is not None]


def _existing(orders: int, positions: int, symbols: Sequence[str]) -> Finding:
    name, where = "open orders", f"in {listed(symbols)}"
    if not orders and not positions:
        return Finding(name, "ok", f"no order and no position {where}")
    text = f"{plural(orders, 'order')} and {plural(positions, 'position')} {where}"
    fix = "a session that does not know them refuses to trade, unless live.foreign_orders and live.foreign_positions say otherwise"
    return Finding(name, "warn", text, fix)


def _near(position: PositionState) -> Finding | None:
    """Return a finding on a position that is near its liquidation, None for another."""
    level, mark = position.liquidation_price, position.mark_price
    if level is None or not mark:
        return None
    distance = abs(float(level / mark) - 1.0)
    if distance > _NEAR_FRACTION:
        return None
    text = f"{position.signed_contracts} contracts are liquidated at {_money(level)}, {distance:.1%} from the mark price"
    return Finding(f"{position.symbol} position", "warn", text, "reduce it, or add margin")


def _money(value: Decimal) -> str:
    return f"{value:,.8f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:,.2f}"


def _bps(fee: Decimal) -> str:
    return f"{(10_000 * fee).normalize():f} bps"
