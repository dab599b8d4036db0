"""Money, positions and own trades as rows of REST answers."""

from __future__ import annotations

from typing import Any

from hookline.model import MarginMode, Position, Wallet
from hookline.simulation.funds import mark_price
from hookline.simulation.margin import maintenance_margin
from hookline_lmex.emulator.desk import Desk
from hookline_lmex.emulator.records import FillNotice, PositionNotice, WalletEntry
from hookline_lmex.emulator.terms import Product
from hookline_lmex.emulator.wire_numbers import milliseconds, number
from hookline_lmex.emulator.wire_orders import protection_row

__all__ = ["entry_row", "fill_row", "position_row", "spot_rows", "wallet_row"]


def fill_row(desk: Desk, fill: FillNotice) -> dict[str, Any]:
    """Return an execution as the trade history shows it."""
    spot = desk.product is Product.SPOT
    row: dict[str, Any] = {
        "tradeId": fill.trade_id,
        "orderId": fill.order_id,
        "clOrderID": fill.client_order_id or (None if spot else ""),
        "username": fill.account,
        "side": fill.side,
        "orderType": fill.order_type,
        "triggerType": fill.trigger_type or (0 if spot else None),
        "price": number(fill.order_price),
        "size": number(fill.order_size),
        "filledPrice": number(fill.price),
        "filledSize": number(fill.size),
        "triggerPrice": number(fill.trigger_price),
        "base": fill.base,
        "quote": fill.quote,
        "symbol": fill.symbol,
        "feeCurrency": fill.fee_currency,
        "feeAmount": number(fill.fee),
        "wallet": fill.wallet,
        "realizedPnl": 0 if spot else number(fill.realized),
        "total": 0 if spot else number(fill.realized - fill.fee),
        "serialId": fill.serial_id,
        "timestamp": milliseconds(fill.time),
        "avgFilledPrice": number(fill.average_price),
    }
    if spot:
        return row
    return row | {
        "positionId": fill.position_id,
        "contractSize": number(fill.contract_size),
        "orderDetailType": None,
    }


def position_row(one: PositionNotice) -> dict[str, Any]:
    """Return an open position."""
    hedged = one.position_mode == "HEDGE"
    return {
        "marginType": 92 if one.is_isolated else 91,
        "entryPrice": number(one.entry_price),
        "markPrice": number(one.mark_price),
        "symbol": one.symbol,
        "side": "BUY" if one.direction == "LONG" else "SELL",
        "orderValue": number(one.order_value),
        "settleWithAsset": one.settle_with,
        "unrealizedProfitLoss": number(one.unrealized),
        "totalMaintenanceMargin": number(one.maintenance_margin),
        "size": one.contracts,
        "liquidationPrice": number(one.liquidation_price),
        "isolatedLeverage": number(one.leverage) if one.is_isolated else 0,
        "adlScoreBucket": 1,
        "contractSize": number(one.contract_size),
        "liquidationInProgress": False,
        "timestamp": milliseconds(one.time),
        "takeProfitOrder": protection_row(one.take_profit),
        "stopLossOrder": protection_row(one.stop_loss),
        "positionMode": one.position_mode,
        "positionDirection": one.direction if hedged else None,
        "positionId": one.position_id,
        "walletName": one.wallet,
        "currentLeverage": number(one.current_leverage),
        "minimumRequiredMargin": 0,
    }


def spot_rows(desk: Desk) -> list[dict[str, Any]]:
    """Return what is there and what is free of each coin."""
    free = desk.available()
    return [
        {"currency": currency, "total": number(total), "available": number(free[currency])}
        for currency, total in desk.balances().items()
    ]


def wallet_row(desk: Desk, wallet: Wallet, name: str) -> dict[str, Any]:
    """Return the futures wallet, or the margin of one isolated position: ``name`` says which."""
    isolated = name.startswith("ISOLATED@")
    own = _held(desk, wallet, isolated=True)
    if isolated:
        own = [one for one in own if name.startswith(f"ISOLATED@{one.symbol}-")]
    posted = sum(desk.funds.posted(one) for one in own)
    held = own if isolated else _held(desk, wallet, isolated=False)
    balance = posted if isolated else desk.balances().get(wallet.currency, 0.0) - posted
    available = 0.0 if isolated else desk.available().get(wallet.currency, 0.0)
    unrealized = sum(one.quantity * (mark_price(one.market) - one.entry_price) for one in held)
    values = [(one, abs(one.quantity * mark_price(one.market))) for one in held]
    maintenance = sum(maintenance_margin(value, desk.funds.terms[one.symbol].tiers) for one, value in values)
    equity = balance + unrealized
    in_use = number(max(0.0, equity - available))
    leverage = sum(value for _, value in values) / equity if equity > 0.0 else 0.0
    return {
        "trackingID": 0,
        "queryType": 0,
        "activeWalletName": "",
        "wallet": name,
        "username": desk.account.label,
        "walletTotalValue": number(equity),
        "totalValue": number(equity),
        "marginBalance": number(equity),
        "availableBalance": number(available),
        "unrealisedProfitLoss": number(unrealized),
        "maintenanceMargin": number(maintenance),
        "leverage": number(leverage),
        "openMargin": in_use,
        "assets": [{"balance": number(balance), "assetPrice": 1, "currency": wallet.currency}],
        "assetsInUse": [{"balance": in_use, "assetPrice": 1, "currency": wallet.currency}],
    }


def _held(desk: Desk, wallet: Wallet, *, isolated: bool) -> list[Position]:
    """Return a wallet's positions, those that share it or those with margin of their own: that is not in the shared wallet."""
    mode = MarginMode.ISOLATED if isolated else MarginMode.CROSS
    return [
        position
        for position in desk.each_position()
        if position.wallet is wallet and desk.instruments[position.symbol].margin_mode is mode
    ]


_SPOT_TYPES = {True: "Transfer_In", False: "Transfer_Out"}


def entry_row(desk: Desk, entry: WalletEntry) -> dict[str, Any]:
    """Return a line of a wallet's history: codes on futures, words on spot."""
    spot = desk.product is Product.SPOT
    return {
        "amount": number(entry.amount if not spot else abs(entry.amount)),
        "currency": entry.currency,
        "description": entry.description or entry.symbol,
        "fees": number(entry.fee),
        "orderId": str(entry.number),
        "status": "COMPLETED" if spot else 10,
        "timestamp": milliseconds(entry.time),
        "type": _SPOT_TYPES[entry.amount > 0] if spot else entry.type,
        "username": desk.account.label,
        "wallet": entry.wallet,
        "txid": None,
        "currencyNetwork": None,
    }
