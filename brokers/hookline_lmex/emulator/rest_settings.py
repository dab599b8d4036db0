"""Calls that show and change leverage, margin mode, risk limit, position mode and settlement."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hookline.model import MarginMode, PositionMode
from hookline_lmex.emulator.notices import position_mode
from hookline_lmex.emulator.order_requests import amount_of
from hookline_lmex.emulator.refusals import Refused, bad_request
from hookline_lmex.emulator.rest_calls import Act, Call, Endpoint
from hookline_lmex.emulator.rest_limits import CallKind
from hookline_lmex.emulator.rest_market import tier_rows
from hookline_lmex.emulator.terms import Permission, Product
from hookline_lmex.emulator.wire_numbers import number

__all__ = ["ENDPOINTS"]

_DONE, _SHORT, _BAD_LEVERAGE, _BAD_LIMIT = 20, 8, 13, 41


def show_leverage(call: Call) -> list[dict[str, Any]]:
    """Answer with leverage and margin mode; in hedge mode of each side."""
    symbol, desk = call.state().symbol, call.desk
    instrument = desk.instruments[symbol]
    hedged = instrument.position_mode is PositionMode.HEDGE
    return [
        {
            "symbol": symbol,
            "leverage": number(desk.leverage_setting[symbol]),
            "marginMode": instrument.margin_mode.value.upper(),
            "positionDirection": direction,
        }
        for direction in (("LONG", "SHORT") if hedged else (None,))
    ]


def set_leverage(call: Call) -> dict[str, Any]:
    """Set leverage and margin mode: isolated where no mode is named, 0 for the most that is allowed."""
    symbol, desk = call.state().symbol, call.desk
    leverage = amount_of(call.product, call.params, "leverage")
    mode = str(call.params.get("marginMode") or "ISOLATED").upper()
    if mode not in ("CROSS", "ISOLATED"):
        raise bad_request(call.product, "BAD_REQUEST: marginMode must be CROSS or ISOLATED")
    instrument = desk.instruments[symbol]
    most = instrument.tiers[0].max_leverage
    if leverage < 0 or leverage > most or (leverage == 0 and mode == "ISOLATED"):
        return _result(call, symbol, 93, _BAD_LEVERAGE, "invalid leverage")
    before = {"leverage": instrument.leverage, "margin_mode": instrument.margin_mode}
    call.exchange.stamp(symbol)
    desk.rebuild(symbol, leverage=leverage or Decimal(most), margin_mode=MarginMode(mode.lower()))
    if min(desk.spare().values(), default=0.0) < 0.0 and any(desk.each_position()):
        desk.rebuild(symbol, **before)
        return _result(call, symbol, 93, _SHORT, "insufficient balance")
    desk.leverage_setting[symbol] = float(leverage)
    return _result(call, symbol, 93, _DONE)


def show_risk_limit(call: Call) -> dict[str, Any]:
    """Answer with the risk limit that is set."""
    state = call.state()
    level = call.desk.risk_levels[state.symbol]
    return {
        "symbol": state.symbol,
        "riskLimit": tier_rows(state)[level - 1]["riskLimitValue"],
        "riskLimitLevel": level,
    }


def set_risk_limit(call: Call) -> dict[str, Any]:
    """Set the risk limit by its level."""
    state = call.state()
    level = call.integer("riskLimitLevel")
    if level is None or not 1 <= level <= len(tier_rows(state)):
        return _result(call, state.symbol, 94, _BAD_LIMIT, "invalid risk limit")
    call.desk.risk_levels[state.symbol] = level
    return _result(call, state.symbol, 94, _DONE)


def show_position_mode(call: Call) -> list[dict[str, Any]]:
    """Answer with the position mode of markets."""
    return [
        {"symbol": state.symbol, "positionMode": position_mode(call.desk.instruments[state.symbol])}
        for state in call.states()
    ]


def set_position_mode(call: Call) -> dict[str, Any]:
    """Set the position mode.

    Raises:
        Refused: with 134 while there are orders or a position, with 133 for a mode that there is not.
    """
    symbol, desk = call.state().symbol, call.desk
    mode = str(call.params.get("positionMode") or "").upper()
    if mode not in ("ONE_WAY", "HEDGE"):
        raise Refused(400, 133, "Position mode is invalid")
    if desk.open_records(symbol) or any(one.symbol == symbol for one in desk.each_position()):
        raise Refused(400, 134, "Position mode cannot be changed while there are orders or positions")
    call.exchange.stamp(symbol)
    if desk.instruments[symbol].position_mode is not PositionMode(mode.lower()):
        desk.rebuild(symbol, position_mode=PositionMode(mode.lower()))
    return _result(call, symbol, 129, _DONE)


def settle_in(call: Call) -> None:
    """Choose the currency that positions are settled in; answered by nothing.

    Raises:
        Refused: if the market does not settle in it.
    """
    state = call.state()
    currency = str(call.params.get("currency") or "")
    if currency not in ("USD", state.setup.instrument.quote):
        raise bad_request(call.product, f"BAD_REQUEST: {currency} is no settlement currency of the market")
    call.desk.settle_with[state.symbol] = currency


def margin_setting(call: Call) -> list[dict[str, Any]]:
    """Answer with initial and maintenance margin as fractions."""
    found = []
    for state in call.states():
        instrument = call.desk.instruments[state.symbol]
        leverage = instrument.leverage or instrument.tiers[0].max_leverage
        found.append(
            {
                "symbol": state.symbol,
                "initialMarginPercentage": number(1.0 / float(leverage)),
                "maintenanceMarginPercentage": number(float(instrument.tiers[0].maintenance)),
            }
        )
    return found


def _result(call: Call, symbol: str, kind: int, status: int, text: str = "") -> dict[str, Any]:
    message = f'{{"msgKey":"SETTING","params":[],"default_msg":"{text}"}}' if text else ""
    return {"symbol": symbol, "timestamp": call.now_ms, "status": status, "type": kind, "message": message}


def _reads(path: str, act: Act) -> Endpoint:
    return Endpoint("GET", Product.FUTURES, f"/api/v2.3/{path}", act, Permission.READ)


def _sets(path: str, act: Act) -> Endpoint:
    return Endpoint("POST", Product.FUTURES, f"/api/v2.3/{path}", act, Permission.TRADING, CallKind.ORDER)


ENDPOINTS = (
    _reads("leverage", show_leverage),
    _sets("leverage", set_leverage),
    _reads("risk_limit", show_risk_limit),
    _sets("risk_limit", set_risk_limit),
    _reads("position_mode", show_position_mode),
    _sets("position_mode", set_position_mode),
    _sets("settle_in", settle_in),
    _reads("user/margin_setting", margin_setting),
)
