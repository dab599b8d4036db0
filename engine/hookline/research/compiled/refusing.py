"""The error that says why something cannot be compiled."""

from __future__ import annotations

from hookline.errors import HooklineError

__all__ = ["NotCompilable"]


class NotCompilable(HooklineError):  # noqa: N818  # what it says of a run
    """A run that only the event kernel can do.

    Attributes:
        reason: Why, in words for a user.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
