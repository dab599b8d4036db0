"""What a call is, and what its answer is read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hookline_lmex.limits import CallClass

__all__ = ["Endpoint", "Params", "Parsed"]

Params = Mapping[str, str | int | None]
"""A query; what is None is left out."""


@dataclass(frozen=True)
class Endpoint:
    """One call that the venue knows.

    Args:
        method: Of HTTP.
        path: With the product's prefix, such as ``/spot/api/v3.3/order``.
        kind: What it counts as.
        signed: Whether it needs credentials.
        repeat: Whether it may be sent again though it may have had its effect.
    """

    method: str
    path: str
    kind: CallClass = CallClass.QUERY
    signed: bool = False
    repeat: bool = False

    @property
    def where(self) -> str:
        """Method and path, for messages."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Parsed:
    """What a parser is given: the decoded body and where it is from."""

    where: str
    payload: Any
