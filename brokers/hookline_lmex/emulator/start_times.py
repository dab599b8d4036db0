"""Times that a person writes: ISO dates and times, or the word ``now``."""

from __future__ import annotations

from datetime import UTC, datetime

from hookline.clock import SystemClock, to_ns
from hookline.errors import ConfigError

__all__ = ["start_time"]


def start_time(text: str | None, where: str) -> int | None:
    """Return nanoseconds UTC of a time; None for none.

    Raises:
        ConfigError: if the text is neither an ISO time nor ``now``.
    """
    if text is None:
        return None
    if text == "now":
        return SystemClock().now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{where}: must be an ISO date or time such as '2024-01-01T12:00:00Z', or 'now', was {text!r}"
        ) from None
    return to_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
