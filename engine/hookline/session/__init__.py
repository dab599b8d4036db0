"""Sessions: configuration, assembly and the two drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.session.session import Session

__all__ = ["Session"]


def __getattr__(name: str) -> Any:
    # The drivers need numpy; reading a session file does not.
    if name == "Session":
        from hookline.session.session import Session

        return Session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
