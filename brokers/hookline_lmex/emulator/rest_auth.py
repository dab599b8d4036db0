"""Who is calling: signatures and nonces."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hookline.clock import Clock
from hookline_lmex.emulator.account import Account
from hookline_lmex.emulator.refusals import Refused
from hookline_lmex.emulator.terms import Product

if TYPE_CHECKING:
    from hookline_lmex.emulator.exchange import Exchange

__all__ = ["Gate", "signature"]

_MILLISECOND = 10**6


def signature(secret: str, path: str, nonce: str, body: bytes = b"") -> str:
    """Return what a request is signed with: lower-case hex of HMAC-SHA384 over path, nonce and body.

    The path begins at ``/api/`` for REST, without the product, and is ``/ws/futures`` or ``/ws/spot`` for a login.
    """
    message = path.encode() + nonce.encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha384).hexdigest()


class Gate:
    """Lets in who signs with a known key and a new nonce.

    Args:
        exchange: Whose accounts there are.
        clock: The time that nonces are held against.
        window_seconds: Farthest that a nonce may be from it; None for any distance.
        strictly_increasing: Whether each nonce of a key must be above the one before; else it must only be new.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        *,
        window_seconds: float | None = 60.0,
        strictly_increasing: bool = True,
    ) -> None:
        self._exchange, self._clock = exchange, clock
        self.window_seconds = window_seconds
        self._increasing = strictly_increasing
        self._last: dict[str, int] = {}
        self._seen: dict[str, set[int]] = {}

    def admit(self, product: Product, headers: Mapping[str, str], path: str, body: bytes) -> Account:
        """Return who has signed a REST request.

        Raises:
            Refused: if a header is missing, the signature is wrong, or the nonce is not new or not of now.
        """
        key, nonce, sign = (headers.get(f"request-{name}", "") for name in ("api", "nonce", "sign"))
        if not (key and nonce and sign):
            raise _unauthorized(product)
        return self._check(product, key, nonce, sign, path, body)

    def login(self, product: Product, key: str, nonce: str, sign: str) -> Account | None:
        """Return who logs in at the socket of a product, None if the signature or the nonce is wrong."""
        try:
            return self._check(product, key, nonce, sign, f"/ws/{product}", b"")
        except Refused:
            return None

    def _check(self, product: Product, key: str, nonce: str, sign: str, path: str, body: bytes) -> Account:
        account = self._exchange.account_of_key(key)
        if account is None:
            raise _unauthorized(product)
        if not hmac.compare_digest(signature(account.setup.secret, path, nonce, body), sign.lower()):
            raise _unauthorized(product, "Signature verification failed")
        self._check_nonce(product, key, nonce)
        return account

    def _check_nonce(self, product: Product, key: str, nonce: str) -> None:
        if not (nonce.isascii() and nonce.isdigit()):
            raise _unauthorized(product, "Invalid nonce")
        number = int(nonce)
        now = self._clock.now // _MILLISECOND
        if self.window_seconds is not None and abs(number - now) > self.window_seconds * 1000.0:
            raise _unauthorized(product, "Invalid nonce")
        seen = self._seen.setdefault(key, set())
        if number in seen or (self._increasing and number <= self._last.get(key, -1)):
            raise _unauthorized(product, "Invalid nonce")
        self._last[key] = max(number, self._last.get(key, -1))
        if not self._increasing:
            seen.add(number)


def _unauthorized(product: Product, text: str = "") -> Refused:
    if product is Product.FUTURES:
        return Refused(401, -7, text or "Authenticate failed")
    return Refused(401, 10002, text or "UNAUTHORIZED: Authentication Failed")
