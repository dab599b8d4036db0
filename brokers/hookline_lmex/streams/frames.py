"""What comes through a websocket before anyone looks at its data: answers, errors, and data by topic."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["MAX_RAW", "Frame", "FrameError", "read_frame", "shorten"]

MAX_RAW = 300
"""Characters of an unreadable message that a report shows."""


class Refusal(msgspec.Struct, frozen=True):
    """Why the venue did not do what it was asked on an order-book socket."""

    code: int = 0
    message: str = ""


class FrameError(msgspec.Struct, frozen=True):
    """An error of an order-book socket; ``arg`` is the topic it is about, if it is about one."""

    arg: Any = None
    error: Refusal = msgspec.field(default_factory=Refusal)


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A message: data if it has a topic, an answer if it has an event, else errors, or nothing we know."""

    topic: str = ""
    data: msgspec.Raw = msgspec.Raw()
    event: str = ""
    channel: list[str] | None = None
    success: Any = None
    errors: list[FrameError] | None = None

    @property
    def is_success(self) -> bool:
        """Whether an answer to a login says yes."""
        return self.success is True or str(self.success).lower() == "true"


_decoder = msgspec.json.Decoder(Frame, strict=False)


def read_frame(text: str | bytes) -> Frame | None:
    """Return a message, None for plain text such as ``pong`` or a greeting.

    Raises:
        msgspec.DecodeError: if it was meant as JSON but cannot be read.
    """
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError:
        start = text[:64].lstrip()
        if start[:1] in ("{", "[", b"{", b"["):
            raise
        return None


def shorten(raw: Any) -> str:
    """Return the text of a message for a report, cut.

    >>> shorten("x" * 400) == repr("x" * 300) + " and 100 more characters"
    True
    """
    text = bytes(raw).decode("utf-8", "replace") if not isinstance(raw, str) else raw
    if len(text) <= MAX_RAW:
        return repr(text)
    return f"{text[:MAX_RAW]!r} and {len(text) - MAX_RAW} more characters"
