"""How a stream of market data is treated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["StreamRules"]


@dataclass(frozen=True)
class StreamRules:
    """How a stream is treated.

    Args:
        late_data: What happens to data that comes behind an event that was handled already.
        bar_wait_seconds: How long bars wait for others that end with them while the feed is silent.
        stall_seconds: Silence after which the feed counts as stalled; None for never.
        is_live: Whether the feed follows a market as it moves, so that time passes while it is silent.
    """

    late_data: Literal["drop", "stop"] = "stop"
    bar_wait_seconds: float = 5.0
    stall_seconds: float | None = None
    is_live: bool = False
