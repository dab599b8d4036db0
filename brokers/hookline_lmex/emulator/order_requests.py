"""Orders as they are asked for, checked against the rules of their market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from hookline.model import Instrument, Side
from hookline_lmex.emulator.market_state import MarketState
from hookline_lmex.emulator.refusals import Refused, bad_price, bad_request, bad_size, mandatory
from hookline_lmex.emulator.terms import ExchangeOptions, Product

__all__ = ["LIVES_MS", "OrderRequest", "amount_of", "check_price", "lots_of", "parse_order"]

_FUTURES = Product.FUTURES
_SECOND = 1000
LIVES_MS = {
    "GTC": 0,
    "IOC": -1,
    "FOK": -1,
    "HALFMIN": 30 * _SECOND,
    "FIVEMIN": 300 * _SECOND,
    "HOUR": 3600 * _SECOND,
    "TWELVEHOUR": 43_200 * _SECOND,
    "DAY": 86_400 * _SECOND,
    "WEEK": 7 * 86_400 * _SECOND,
    "MONTH": 30 * 86_400 * _SECOND,
}
"""Milliseconds that orders of each ``time_in_force`` live; 0 without end, -1 not at all."""
_TYPES = {Product.SPOT: ("LIMIT", "MARKET", "OCO", "PEG"), _FUTURES: ("LIMIT", "MARKET", "OCO")}
_PROTECTION = ("takeProfitPrice", "stopLossPrice")
_PRICES = ("price", "triggerPrice", "stopPrice", *_PROTECTION)
_BAD_CODES = {"type": 80006, "side": 80007, "time_in_force": 80004}


@dataclass(frozen=True)
class OrderRequest:
    """An order as it was asked for. Prices are None where none was given; ``lots`` is 0 for a buy by ``quote_amount``."""

    symbol: str
    side: Side
    type: str
    lots: int = 0
    price: float | None = None
    life: str = "GTC"
    tx_type: str = "LIMIT"
    trigger_price: float | None = None
    stop_price: float | None = None
    trail_value: float | None = None
    post_only: bool = False
    reduce_only: bool = False
    client_order_id: str = ""
    quote_amount: float | None = None
    uses_last: bool = False
    take_profit: float | None = None
    stop_loss: float | None = None
    take_profit_uses_last: bool = False
    stop_loss_uses_last: bool = False
    deviation: float | None = None
    stealth: float | None = None
    position_mode: str | None = None
    life_ms: int = 0

    @property
    def is_trigger(self) -> bool:
        """Whether it waits for a price."""
        return self.tx_type != "LIMIT" or self.trail_value is not None


def parse_order(
    product: Product, body: Mapping[str, Any], state: MarketState, options: ExchangeOptions, *, peg: bool
) -> OrderRequest:
    """Return the order that a body asks for.

    Raises:
        Refused: if a field is missing or breaks a rule of the market.
    """
    instrument, futures = state.setup.instrument, product is _FUTURES
    type_, side, life, tx_type = _words(product, body, peg=peg)
    amount = _quote_amount(product, body) if (type_, side) == ("MARKET", "BUY") and not futures else None
    prices = {
        name: _price(product, body, name, instrument)
        for name in _PRICES
        if (type_ != "MARKET" or name != "price") and (futures or name not in _PROTECTION)
    }
    request = OrderRequest(
        symbol=state.symbol,
        side=Side[side],
        type=type_,
        lots=0 if amount else lots_of(product, body, "size", instrument, state.setup.max_lots),
        price=prices.get("price"),
        life=life,
        life_ms=LIVES_MS[life],
        tx_type=tx_type,
        trigger_price=prices["triggerPrice"],
        stop_price=prices["stopPrice"],
        trail_value=_optional(product, body, "trailValue"),
        post_only=_flag(body.get("postOnly")),
        reduce_only=futures and _flag(body.get("reduceOnly")),
        client_order_id=str(body.get("clOrderID") or ""),
        quote_amount=amount,
        uses_last=body.get("trigger") == "lastPrice" or body.get("triggerPriceType") == "LAST_PRICE",
        take_profit=prices.get("takeProfitPrice"),
        stop_loss=prices.get("stopLossPrice"),
        take_profit_uses_last=body.get("takeProfitTrigger") == "lastPrice",
        stop_loss_uses_last=body.get("stopLossTrigger") == "lastPrice",
        deviation=_optional(product, body, "deviation"),
        stealth=_optional(product, body, "stealth"),
        position_mode=body.get("positionMode"),
    )
    _check_whole(product, request, state, options)
    return request


def _words(product: Product, body: Mapping[str, Any], *, peg: bool) -> tuple[str, str, str, str]:
    """Return type, side, life and trigger kind, each one that there is."""
    type_ = "PEG" if peg and "type" not in body else str(_need(product, body, "type")).upper()
    _one_of(product, "type", type_, ("PEG",) if peg and product is _FUTURES else _TYPES[product])
    side = str(_need(product, body, "side")).upper()
    _one_of(product, "side", side, ("BUY", "SELL"))
    life = str(body.get("time_in_force") or "GTC").upper()
    _one_of(product, "time_in_force", life, tuple(LIVES_MS))
    tx_type = str(body.get("txType") or "LIMIT").upper()
    _one_of(product, "txType", tx_type, ("LIMIT", "STOP", "TRIGGER"))
    return type_, side, life, tx_type


def _quote_amount(product: Product, body: Mapping[str, Any]) -> float | None:
    """Return what a spot market buy may spend, None where it names a size."""
    if body.get("size") or not body.get("price"):
        return None
    amount = amount_of(product, body, "price")
    if amount <= 0:
        raise bad_price("price must be above 0")
    return float(amount)


def _check_whole(
    product: Product, request: OrderRequest, state: MarketState, options: ExchangeOptions
) -> None:
    """Refuse fields that do not go together."""
    if request.type in ("LIMIT", "OCO", "PEG") and request.price is None:
        raise _missing(product, "price", 80012)
    if (request.tx_type != "LIMIT" or request.type == "OCO") and request.trigger_price is None:
        raise _missing(product, "triggerPrice", 80012)
    if request.trail_value is not None and (
        request.trail_value <= 0.0 or request.take_profit or request.stop_loss
    ):
        raise bad_request(
            product, "BAD_REQUEST: trailValue must be above 0 and excludes take profit and stop loss"
        )
    if request.type == "PEG" and not -10.0 <= (request.deviation or 0.0) <= 10.0:
        raise bad_request(product, "BAD_REQUEST: deviation must be from -10 to 10")
    if request.price is not None and request.type == "LIMIT":
        _check_band(request.price, state, options)


def _check_band(price: float, state: MarketState, options: ExchangeOptions) -> None:
    band = options.protection_band
    if band is not None and abs(price - state.fair) > band * state.fair:
        raise Refused(400, 305, "Price is out of the protection band")


def _missing(product: Product, name: str, spot_code: int) -> Refused:
    if product is Product.SPOT:
        return Refused(400, spot_code, f"BAD_REQUEST: {name} is mandatory")
    return mandatory(product, name)


def _need(product: Product, body: Mapping[str, Any], name: str) -> Any:
    found = body.get(name)
    if found is None or found == "":
        raise _missing(product, name, {"side": 80011, "symbol": 80009}.get(name, 80006))
    return found


def _one_of(product: Product, name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        text = f"BAD_REQUEST: {name} must be one of {', '.join(known)}"
        if product is Product.SPOT and name in _BAD_CODES:
            raise Refused(400, _BAD_CODES[name], text)
        raise bad_request(product, text)


def _flag(value: object) -> bool:
    return value is True or str(value).lower() == "true"


def amount_of(product: Product, body: Mapping[str, Any], name: str) -> Decimal:
    """Return a number of a body; numbers as text are accepted.

    Raises:
        Refused: if it is none, or not finite.
    """
    value = body.get(name)
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(value, bool) or not found.is_finite():
        raise bad_request(product, f"BAD_REQUEST: {name} must be a number")
    return found


def _optional(product: Product, body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value in (None, "", 0):
        return None
    return float(amount_of(product, body, name))


def _price(product: Product, body: Mapping[str, Any], name: str, instrument: Instrument) -> float | None:
    """Return a price on the tick grid, None where it is absent or 0."""
    if body.get(name) in (None, "", 0):
        return None
    return check_price(amount_of(product, body, name), name, instrument)


def check_price(price: Decimal, name: str, instrument: Instrument) -> float:
    """Return a price.

    Raises:
        Refused: if it is off the tick or not above zero.
    """
    if price <= 0 or price % instrument.tick_size:
        raise bad_price(f"{name} must be above 0 and a multiple of {instrument.tick_size}")
    return float(price)


def lots_of(product: Product, body: Mapping[str, Any], name: str, instrument: Instrument, most: int) -> int:
    """Return the lots of a size: base units on spot, whole contracts on futures.

    Raises:
        Refused: if it is missing, off the step, below the least or beyond the most.
    """
    if body.get(name) in (None, ""):
        raise _missing(product, name, 80013)
    size = amount_of(product, body, name)
    step = instrument.lot_size
    if product is _FUTURES:
        step = instrument.lot_size / (instrument.contract_size or instrument.lot_size)
    if size <= 0 or size % step:
        raise bad_size(f"{name} must be above 0 and a multiple of {step:f}")
    lots = int(size / step)
    if lots < instrument.min_lots:
        raise bad_size(f"{name} must be at least {instrument.min_lots * step:f}")
    if lots > most:
        code = 4051 if product is _FUTURES else 4003
        raise Refused(400, code, f"BADREQUEST: {name} must be at most {most * step:f}")
    return lots
