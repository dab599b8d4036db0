"""Which hosts are meant: those of production, those of the venue's test system, or others such as an emulator's."""

from __future__ import annotations

from typing import Literal

from hookline.errors import ConfigError

__all__ = ["Environment", "rest_host", "socket_host"]

Environment = Literal["production", "test"]

_REST = {"production": "https://api.lmex.io", "test": "https://test-api.lmex.io"}
_SOCKETS = {"production": "wss://ws.lmex.io"}


def rest_host(environment: Environment, url: str | None) -> str:
    """Return the scheme and host of the REST interface; a URL that is given counts.

    >>> rest_host("test", None), rest_host("test", "http://127.0.0.1:8080")
    ('https://test-api.lmex.io', 'http://127.0.0.1:8080')
    """
    return url or _REST[environment]


def socket_host(environment: Environment, url: str | None) -> str:
    """Return the scheme and host of the websockets; a URL that is given counts.

    Raises:
        ConfigError: if it is not known: that of the test system is not published.
    """
    if url is None and environment not in _SOCKETS:
        raise ConfigError(
            f"socket_url: is required, the websockets of the {environment} system are not published"
        )
    return url or _SOCKETS[environment]
