"""Calls about positions, own trades, fees and wallets."""

from __future__ import annotations

from typing import Any

from hookline_lmex.emulator.desk import Desk
from hookline_lmex.emulator.order_requests import amount_of
from hookline_lmex.emulator.records import FillNotice
from hookline_lmex.emulator.refusals import Refused, bad_request, mandatory, unfunded
from hookline_lmex.emulator.rest_calls import Act, Call, Endpoint
from hookline_lmex.emulator.rest_limits import CallKind
from hookline_lmex.emulator.terms import Permission, Product
from hookline_lmex.emulator.wire_account import entry_row, fill_row, position_row, spot_rows, wallet_row
from hookline_lmex.emulator.wire_numbers import milliseconds, number

__all__ = ["ENDPOINTS"]

_SPOT, _FUTURES = Product.SPOT, Product.FUTURES
_WEEK_MS = 7 * 86_400_000


def positions(call: Call) -> list[dict[str, Any]]:
    """Answer with the open positions."""
    if call.params.get("symbol"):
        call.state()
    found = call.exchange.positions(call.user.setup.label)
    return [position_row(one) for one in found if call.params.get("symbol") in (None, "", one.symbol)]


def trade_history(call: Call) -> list[dict[str, Any]]:
    """Answer with own trades, newest first: at most seven days before the end, and at most 500."""
    if call.params.get("symbol"):
        call.state()
    since, until = call.times(_WEEK_MS)
    count = call.integer("count", 500 if call.product is _SPOT else 10) or 10
    if count > 500 and call.product is _FUTURES:
        raise bad_request(call.product, "BAD_REQUEST: count must be at most 500")
    found = [one for one in reversed(call.desk.fills) if since <= one.time <= until and _wanted(call, one)]
    return [fill_row(call.desk, one) for one in found[: min(count, 500)]]


def _wanted(call: Call, fill: FillNotice) -> bool:
    before, after = call.integer("beforeSerialId"), call.integer("afterSerialId")
    params = call.params
    return (
        params.get("symbol") in (None, "", fill.symbol)
        and params.get("orderID") in (None, "", fill.order_id)
        and params.get("clOrderID") in (None, "", fill.client_order_id)
        and (before is None or fill.serial_id < before)
        and (after is None or fill.serial_id > after)
    )


def fees(call: Call) -> list[dict[str, Any]]:
    """Answer with the fees of markets, as fractions."""
    return [
        {
            "symbol": state.symbol,
            "makerFee": number(state.setup.maker_fee_bps / 1e4),
            "takerFee": number(state.setup.taker_fee_bps / 1e4),
        }
        for state in call.states()
    ]


# -- wallets -------------------------------------------------------------------------------------------------------------


def spot_wallet(call: Call) -> list[dict[str, Any]]:
    """Answer with the coins of the spot wallet."""
    return spot_rows(call.desk)


def futures_wallet(call: Call) -> list[dict[str, Any]]:
    """Answer with the futures wallet that is named."""
    name = str(call.params.get("wallet") or "")
    if not name:
        raise mandatory(call.product, "wallet")
    if name != "CROSS@" and not name.startswith("ISOLATED@"):
        raise bad_request(call.product, "BAD_REQUEST: wallet must be CROSS@ or ISOLATED@ and a market")
    return [wallet_row(call.desk, wallet, name) for wallet in call.desk.wallets]


def wallet_history(call: Call) -> list[dict[str, Any]]:
    """Answer with the history of a wallet, newest first."""
    since, until = call.times()
    currency, wallet = call.params.get("currency"), call.params.get("wallet")
    found = [
        entry
        for entry in reversed(call.desk.entries)
        if since <= entry.time <= until
        and currency in (None, "", entry.currency)
        and (call.product is _SPOT or wallet in (None, "", entry.wallet))
    ]
    return [entry_row(call.desk, entry) for entry in found[: call.integer("count", 500)]]


def unified_margin(call: Call) -> dict[str, Any]:
    """Answer with the margin of all futures wallets together."""
    desk = call.desk
    rows = [wallet_row(desk, wallet, "CROSS@") for wallet in desk.wallets]
    names = (
        "unrealisedProfitLoss",
        "walletTotalValue",
        "marginBalance",
        "availableBalance",
        "maintenanceMargin",
    )
    return {
        "symbol": call.params.get("symbol") or "",
        "walletTotalValue": number(sum(row["walletTotalValue"] for row in rows)),
        "walletTotalUnrealizedProfitLoss": number(sum(row["unrealisedProfitLoss"] for row in rows)),
        "futuresTotalAvailableBalance": number(sum(row["availableBalance"] for row in rows)),
        "wallets": [
            {"activeWalletName": row["wallet"]} | {name: row[name] for name in names} for row in rows
        ],
    }


def old_margin(_call: Call) -> list[dict[str, Any]]:
    """Refuse: these accounts have the unified wallet.

    Raises:
        Refused: always.
    """
    raise Refused(400, -2, "Not supported for accounts with the unified wallet")


def transfer(call: Call) -> list[dict[str, Any]]:
    """Move money between the spot and the futures wallet, and answer with the one that it went to.

    Raises:
        Refused: if a wallet is unknown, or there is not that much.
    """
    kinds = {"SPOT": _SPOT, "CROSS": _FUTURES}
    source, target = (kinds.get(str(call.params.get(name))) for name in ("walletSrcType", "walletDestType"))
    rows = call.params.get("apiWallets")
    if source is None or target is None or source is target:
        raise bad_request(
            call.product, "BAD_REQUEST: walletSrcType and walletDestType must be SPOT and CROSS"
        )
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise mandatory(call.product, "apiWallets")
    for row in rows:
        _move(call, call.user.desks[source], call.user.desks[target], row)
    if target is _SPOT:
        return spot_rows(call.user.desks[_SPOT])
    desk = call.user.desks[_FUTURES]
    return [wallet_row(desk, wallet, "CROSS@") for wallet in desk.wallets]


def _move(call: Call, source: Desk, target: Desk, row: dict[str, Any]) -> None:
    currency = str(row.get("currency") or "")
    free = source.available().get(currency, 0.0)
    amount = free if row.get("allBalance") is True else float(amount_of(call.product, row, "balance"))
    if amount <= 0.0 or amount > free + 1e-9:
        raise unfunded(call.product)
    if target.product is _FUTURES and not _has_wallet(target, currency):
        raise bad_request(call.product, f"BAD_REQUEST: {currency} cannot be transferred")
    call.exchange.time.now = call.exchange.clock.now
    source.move_money(currency, -amount, "transfer")
    target.move_money(currency, amount, "transfer")


def _has_wallet(desk: Desk, currency: str) -> bool:
    return any(wallet.currency == currency for wallet in desk.wallets)


def send(call: Call) -> dict[str, Any]:
    """Send coins to another user.

    Raises:
        Refused: if there is no such user, or not that much.
    """
    amount = float(amount_of(call.product, call.params, "amount"))
    asset, user = str(call.params.get("asset") or ""), str(call.params.get("toUser") or "")
    receiver = call.exchange.accounts.get(user)
    if receiver is None or receiver is call.user:
        raise bad_request(call.product, "BAD_REQUEST: toUser does not exist")
    _move(call, call.desk, receiver.desks[_SPOT], {"currency": asset, "balance": amount})
    return dict(call.params)


def convert(call: Call) -> dict[str, Any]:
    """Convert a coin into another at the last price of their market.

    Raises:
        Refused: if there is no market of the two, or not that much.
    """
    amount = float(amount_of(call.product, call.params, "amount"))
    source, target = str(call.params.get("fromAsset") or ""), str(call.params.get("toAsset") or "")
    rate = _rate(call, source, target)
    if amount <= 0.0 or amount > call.desk.available().get(source, 0.0):
        raise unfunded(call.product)
    call.exchange.time.now = call.exchange.clock.now
    call.desk.move_money(source, -amount, "conversion")
    call.desk.move_money(target, amount * rate, "conversion")
    return {
        "amount": number(amount),
        "settlementAmount": number(amount * rate),
        "amountCurrency": source,
        "settlementCurrency": target,
        "rate": number(rate),
    }


def _rate(call: Call, source: str, target: str) -> float:
    states = call.exchange.states
    for name, turned in ((f"{source}-{target}", False), (f"{target}-{source}", True)):
        state = states.get(name)
        if state is not None:
            return 1.0 / state.last if turned else state.last
    raise bad_request(call.product, "BAD_REQUEST: the coins cannot be converted")


def address(call: Call) -> list[dict[str, Any]]:
    """Answer with an address that nothing can be sent to."""
    currency = str(call.params.get("currency") or "")
    if not currency:
        raise mandatory(call.product, "currency")
    text = f"emulated-{call.user.setup.label}-{currency.lower()}"
    return [{"address": text, "created": call.now_ms // 1000}]


def forget_address(call: Call) -> list[dict[str, Any]]:
    """Accept that an address is not wanted any more."""
    if not call.params.get("address"):
        raise mandatory(call.product, "address")
    return []


def withdraw(call: Call) -> dict[str, Any]:
    """Take coins out.

    Raises:
        Refused: if the amount has more than eight decimals, or there is not that much.
    """
    amount = amount_of(call.product, call.params, "amount")
    exponent = amount.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -8:
        raise Refused(400, 3506, "amount must have at most 8 decimals")
    coin = str(call.params.get("currency") or "").split("-")[0]
    if amount <= 0 or float(amount) > call.desk.available().get(coin, 0.0):
        raise unfunded(call.product)
    call.exchange.time.now = call.exchange.clock.now
    call.desk.move_money(coin, -float(amount), "withdrawal")
    return {"withdrawId": call.exchange.ids.uuid()}


def subaccount_history(call: Call) -> dict[str, Any]:
    """Answer with an empty page: there are no sub-accounts here."""
    size = min(50, call.integer("pageSize", 10) or 10)
    page: dict[str, Any] = {
        "totalRows": 0,
        "pageSize": size,
        "currentPage": call.integer("page", 1),
        "totalPages": 0,
        "data": [],
    }
    return {"code": 1, "msg": "Success", "time": call.now_ms, "success": True, "data": page}


def subaccount_transfer(call: Call) -> dict[str, Any]:
    """Refuse: there are no sub-accounts here.

    Raises:
        Refused: always.
    """
    raise Refused(
        400, -1047, f"transfer failed at {milliseconds(call.exchange.clock.now)}: no such sub-account"
    )


_READ, _MOVE, _WALLET = Permission.READ, Permission.TRANSFER, Permission.WALLET


def _spot(
    method: str, path: str, act: Act, permission: Permission, kind: CallKind = CallKind.WALLET
) -> Endpoint:
    return Endpoint(method, _SPOT, f"/api/{path}", act, permission, kind)


def _futures(method: str, path: str, act: Act, permission: Permission = _READ) -> Endpoint:
    kind = CallKind.QUERY if method == "GET" else CallKind.WALLET
    return Endpoint(method, _FUTURES, f"/api/v2.3/{path}", act, permission, kind)


ENDPOINTS = (
    _spot("GET", "v3.3/user/trade_history", trade_history, _READ, CallKind.QUERY),
    _spot("GET", "v3.3/user/fees", fees, _READ, CallKind.QUERY),
    _spot("GET", "v3.2/user/wallet", spot_wallet, _READ),
    _spot("GET", "v3.2/user/wallet_history", wallet_history, _READ),
    _spot("POST", "v3.2/user/wallet/convert", convert, _WALLET),
    _spot("POST", "v3.3/user/wallet/transfer", send, _MOVE),
    _spot("POST", "v3.2/user/wallet/transfer", send, _MOVE),
    _spot("POST", "v3.3/user/wallet/address", address, _WALLET),
    _spot("GET", "v3.3/user/wallet/address", address, _WALLET),
    _spot("DELETE", "v3.3/user/wallet/address", forget_address, _WALLET),
    _spot("POST", "v3.3/user/wallet/withdraw", withdraw, Permission.WITHDRAW),
    _spot("GET", "v3.2/subaccount/wallet/history", subaccount_history, _READ),
    _futures("GET", "user/positions", positions),
    _futures("GET", "user/trade_history", trade_history),
    _futures("GET", "user/fees", fees),
    _futures("GET", "user/wallet", futures_wallet),
    _futures("GET", "user/wallet_history", wallet_history),
    _futures("GET", "user/unifiedWallet/margin", unified_margin),
    _futures("GET", "user/margin", old_margin),
    _futures("POST", "user/wallet/transfer", transfer, _MOVE),
    _futures("POST", "subaccount/wallet/transfer", subaccount_transfer, _WALLET),
)
