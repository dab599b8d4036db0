"""Times as the venue writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from hookline.clock import to_ns

__all__ = ["iso_ns"]


def iso_ns(iso: str) -> int:
    """Return an ISO 8601 time as nanoseconds UTC; without a zone it is UTC.

    >>> iso_ns("2026-03-04T05:06:07.089Z")
    1772600767089000000

    Raises:
        ValueError: if it is none.
    """
    moment = datetime.fromisoformat(iso)
    return to_ns(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
