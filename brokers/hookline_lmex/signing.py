"""Signatures of requests and logins, as pure functions.

Rules of this file:

- What is signed is path + nonce + body, without separators, with HMAC-SHA384 and the secret as the key; in lower-case hex.
- The path begins at ``/api/``: the product's prefix, such as ``/spot``, is left out. The newer ``/public-api/`` paths are signed
  whole. The query string is never signed.
- The body is the very bytes that are sent; there is none for GET and DELETE.
"""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["login_message", "sign", "sign_login", "signed_path"]


def sign(secret: str, path: str, nonce: int, body: bytes = b"") -> str:
    """Return the signature of a request.

    Args:
        secret: The account's secret.
        path: What ``signed_path`` returns.
        nonce: Milliseconds, the number in the header.
        body: The bytes that are sent.
    """
    message = f"{path}{nonce}".encode() + body
    return hmac.digest(secret.encode(), message, "sha384").hex()


def signed_path(path: str) -> str:
    """Return the part of a request's path that is signed.

    >>> signed_path("/spot/api/v3.3/order"), signed_path("/public-api/wallet/v1/crypto/networks")
    ('/api/v3.3/order', '/public-api/wallet/v1/crypto/networks')
    """
    path = path.partition("?")[0]
    start = path.find("/api/")
    return path if start < 0 else path[start:]


def sign_login(secret: str, socket_path: str, nonce: int) -> str:
    """Return the signature of a websocket's login; ``socket_path`` is ``/ws/spot`` or ``/ws/futures``."""
    return hmac.new(secret.encode(), f"{socket_path}{nonce}".encode(), hashlib.sha384).hexdigest()


def login_message(
    key: str, secret: str, socket_path: str, nonce: int, op: str = "authKeyExpires"
) -> dict[str, object]:
    """Return the message that logs a websocket in.

    Args:
        key: The account's key.
        secret: Its secret.
        socket_path: ``/ws/spot`` or ``/ws/futures``.
        nonce: Milliseconds.
        op: ``authKeyExpires``, or ``login`` as other systems of the same make call it.
    """
    return {"op": op, "args": [key, str(nonce), sign_login(secret, socket_path, nonce)]}
