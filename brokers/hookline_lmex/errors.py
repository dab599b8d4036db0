"""What can come of a call, as errors. Their branches say what is known of its effect.

VenueError (hookline.errors)
└── LmexError                what every one of these is
    ├── LmexUnreachable      nothing was sent: no connection could be made
    ├── LmexRefused          the venue refused it: it did not happen
    │   ├── LmexUnauthorized the key, the signature or the nonce
    │   ├── LmexForbidden    the key lacks a permission, or the account is banned
    │   ├── LmexLimited      too many calls; ``retry_seconds`` says how long to wait
    │   └── LmexNotFound     there is no such order
    └── LmexUnknown          it may or may not have happened: ask, never send again
        └── LmexMalformed    an answer came that cannot be read

Of a call that only reads, ``LmexUnknown`` means that no usable answer came.
"""

from __future__ import annotations

from hookline.errors import VenueError

__all__ = [
    "LmexError",
    "LmexForbidden",
    "LmexLimited",
    "LmexMalformed",
    "LmexNotFound",
    "LmexRefused",
    "LmexUnauthorized",
    "LmexUnknown",
    "LmexUnreachable",
]

LONGEST_TEXT = 500
"""Characters of a venue's answer that a message holds."""


class LmexError(VenueError):
    """A call that did not give what was asked for.

    Args:
        where: Method and path.
        text: What the venue said, or what went wrong; cut, without key, secret and signature.
        code: The venue's number for it, None where there is none.
        status: Of the HTTP answer, None where none came.
    """

    def __init__(self, where: str, text: str, *, code: int | None = None, status: int | None = None) -> None:
        self.where = where
        self.text = text[:LONGEST_TEXT]
        self.code = code
        self.status = status
        numbers = [f"HTTP {status}"] if status is not None else []
        numbers += [f"code {code}"] if code is not None else []
        super().__init__(f"{where}: {self.text}" + (f" ({', '.join(numbers)})" if numbers else ""))

    @property
    def reason(self) -> str:
        """The venue's text and code, for the reason of a rejected order."""
        return self.text if self.code is None else f"{self.text} (code {self.code})"


class LmexUnreachable(LmexError):  # noqa: N818 - the name is the outcome
    """No connection could be made: the call was certainly not sent."""


class LmexRefused(LmexError):  # noqa: N818 - as above
    """The venue refused the call: what it asked for has not happened."""


class LmexUnauthorized(LmexRefused):
    """The venue does not accept the key, the signature or the nonce."""

    @property
    def is_nonce(self) -> bool:
        """Whether the nonce is to blame: a clock that is off, or a number used twice."""
        return "nonce" in self.text.lower()


class LmexForbidden(LmexRefused):
    """The key lacks a permission that the call needs, or the account is banned."""


class LmexLimited(LmexRefused):
    """Too many calls.

    Attributes:
        retry_seconds: How long nothing will be sent.
    """

    def __init__(
        self,
        where: str,
        text: str,
        *,
        retry_seconds: float,
        code: int | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(where, text, code=code, status=status)
        self.retry_seconds = retry_seconds


class LmexNotFound(LmexRefused):
    """The venue knows no such order (any more)."""


class LmexUnknown(LmexError):  # noqa: N818 - as above
    """Whether the call has had its effect is not known."""


class LmexMalformed(LmexUnknown):
    """An answer that cannot be read; the text holds its beginning."""
