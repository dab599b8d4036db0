"""Where the venue is and how it is treated. What the venue does not publish is a setting here and never a guess in the code."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from hookline.errors import ConfigError

__all__ = ["Settings", "VolumeUnit"]

VolumeUnit = Literal["quote", "base", "contracts"]
_ABOVE_ZERO = (
    "clock_speed",
    "query_rate",
    "user_rate",
    "order_rate",
    "wallet_rate",
    "timeout_seconds",
    "connect_seconds",
    "backoff_seconds",
    "longest_backoff_seconds",
)
_ZERO_OR_MORE = ("retries", "patience_seconds", "warm_seconds", "min_notional")
_RATES = ("query_rate", "user_rate", "order_rate", "wallet_rate")


@dataclass(frozen=True)
class Settings:
    """How the client reaches the venue and how it behaves there.

    Args:
        rest_url: Scheme and host of the REST interface, without a product's prefix.
        socket_url: Scheme and host of the websockets.
        clock_speed: Venue seconds in one second here; other than 1 only against an accelerated emulator.
        query_rate: Calls a second that the venue allows to one endpoint that reads.
        user_rate: Calls a second that it allows one user to make to all of those.
        order_rate: Calls a second that it allows for creating, amending and canceling orders.
        wallet_rate: Calls a second that it allows to wallets.
        timeout_seconds: Longest wait for an answer.
        connect_seconds: Longest wait for a connection.
        retries: How often a call that may safely be repeated is.
        backoff_seconds: Longest pause before the first repetition; it doubles with each one.
        longest_backoff_seconds: Where the doubling ends.
        patience_seconds: Longest wait for a rate limit to be lifted; for more the call fails with ``LmexLimited``.
        warm_seconds: Pause after which an idle connection is used to measure the clock, so that it stays open; 0 for never.
        ordered_nonces: Whether private calls go out one at a time from the start, for a venue that insists on nonces arriving in
            order; else they do once it has refused one though the clock was right.
        volume_unit: What the volume of the venue's bars counts.
        min_notional: Smallest order in quote currency; the venue hides smaller ones and always lets them pay the taker's fee.
        seed: Of the jitter in pauses; None for one that differs in each run.
    """

    rest_url: str = "https://api.lmex.io"
    socket_url: str = "wss://ws.lmex.io"
    clock_speed: float = 1.0
    query_rate: float = 15.0
    user_rate: float = 30.0
    order_rate: float = 75.0
    wallet_rate: float = 5.0
    timeout_seconds: float = 10.0
    connect_seconds: float = 5.0
    retries: int = 4
    backoff_seconds: float = 0.25
    longest_backoff_seconds: float = 5.0
    patience_seconds: float = 5.0
    warm_seconds: float = 15.0
    ordered_nonces: bool = False
    volume_unit: VolumeUnit = "quote"
    min_notional: float = 5.0
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: naming the first one that cannot be used.
        """
        for name in ("rest_url", "socket_url"):
            object.__setattr__(self, name, getattr(self, name).rstrip("/"))
        for name, schemes in (("rest_url", ("http", "https")), ("socket_url", ("ws", "wss"))):
            if getattr(self, name).partition("://")[0] not in schemes:
                raise ConfigError(
                    f"{name}: must begin with {schemes[1]}:// or {schemes[0]}://, was {getattr(self, name)!r}"
                )
        for name in _ABOVE_ZERO:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}: must be above 0, was {getattr(self, name)!r}")
        for name in _ZERO_OR_MORE:
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name}: must be 0 or more, was {getattr(self, name)!r}")
        if self.volume_unit not in ("quote", "base", "contracts"):
            raise ConfigError(
                f"volume_unit: must be 'quote', 'base' or 'contracts', was {self.volume_unit!r}"
            )

    @classmethod
    def of(cls, plugin: Any) -> Settings:
        """Return the settings that a plugin's fields of the same names say, and the defaults for those it has not.

        Raises:
            ConfigError: naming the first one that cannot be used.
        """
        names = [item.name for item in fields(cls) if hasattr(plugin, item.name)]
        return cls(**{name: getattr(plugin, name) for name in names})
