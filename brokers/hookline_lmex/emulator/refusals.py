"""Why the venue refuses a request, and the body that says so.

The two products answer differently; some calls of futures answer in the envelope of spot.
"""

from __future__ import annotations

from typing import Any

from hookline_lmex.emulator.terms import Product

__all__ = [
    "Refused",
    "bad_price",
    "bad_request",
    "bad_size",
    "mandatory",
    "refusal_body",
    "unfunded",
    "unknown_order",
]

_FUTURES = Product.FUTURES


class Refused(Exception):  # noqa: N818 - an outcome that is on the wire, not a fault here
    """A request that the venue refuses.

    Args:
        status: HTTP status.
        code: The venue's code.
        text: What it says.
        wire_status: ``status`` in the body where that is not the HTTP status.
        envelope: Whether the body is an envelope on futures too.
    """

    def __init__(
        self, status: int, code: int, text: str, *, wire_status: int | None = None, envelope: bool = False
    ) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text
        self.wire_status = status if wire_status is None else wire_status
        self.envelope = envelope
        self.extra: Any = None
        self.headers: dict[str, str] = {}


def refusal_body(product: Product, refused: Refused, now_ms: int) -> dict[str, Any]:
    """Return the JSON body of a refusal."""
    if product is _FUTURES and not refused.envelope:
        return {
            "status": refused.wire_status,
            "errorCode": refused.code,
            "message": refused.text,
            "extraData": refused.extra,
        }
    return {"code": refused.code, "msg": refused.text, "time": now_ms, "data": None, "success": False}


def bad_request(product: Product, text: str) -> Refused:
    """A parameter that cannot be used."""
    return Refused(400, -2 if product is _FUTURES else 400, text)


def mandatory(product: Product, name: str) -> Refused:
    """A parameter that is missing."""
    return bad_request(product, f"BAD_REQUEST: {name} is mandatory")


def bad_size(text: str) -> Refused:
    """A size off the step or below the minimum."""
    return Refused(400, 301, text)


def bad_price(text: str) -> Refused:
    """A price off the tick or out of bounds."""
    return Refused(400, 302, text)


def unfunded(product: Product) -> Refused:
    """More than there is money for."""
    if product is _FUTURES:
        return Refused(400, 33199101, "Insufficient available balance")
    return Refused(400, 51523, "Insufficient wallet balance")


def unknown_order(product: Product) -> Refused:
    """No such order; on futures it comes with a misleading 429 in the body."""
    if product is _FUTURES:
        found = Refused(400, -1, "Order not found", wire_status=429)
        found.extra = []
        return found
    return Refused(400, 400, "BAD_REQUEST: order doesn't exist")
