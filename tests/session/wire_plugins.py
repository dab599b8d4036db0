"""The venue in memory under names that session files can use: ``broker: {use: wire, params: {at: NAME}}``, ``feed: {use: live_tape, ...}``.

A test fills ``VENUES`` and ``TAPES`` first, and installs this module under both kinds of plugins with ``install_wire``.
"""

from dataclasses import dataclass, field
from typing import Any

from wire_venue import LiveTape, WireBroker, WireVenue

from hookline import hookimpl

__all__ = ["TAPES", "VENUES", "install_wire"]

VENUES: dict[str, WireVenue] = {}
TAPES: dict[str, dict[str, Any]] = {}
"""Fields of a ``LiveTape`` by name."""


@dataclass
class NamedBroker(WireBroker):
    """The broker of the venue of a name."""

    at: str = ""

    def __post_init__(self):
        self.venue = VENUES[self.at]


@dataclass
class NamedTape(LiveTape):
    """The tape of a name."""

    at: str = ""
    events: Any = ()
    venue: Any = None
    history: dict = field(default_factory=dict)

    def __post_init__(self):
        for name, value in TAPES[self.at].items():
            setattr(self, name, value)
        super().__post_init__()


@hookimpl
def register_brokers():
    return [NamedBroker]


@hookimpl
def register_feeds():
    return [NamedTape]


def install_wire(install):
    """Make both known, with the fixture ``install`` of ``fake_distributions``."""
    install("wire-brokers", "brokers", {"wire": "wire_plugins"})
    install("wire-feeds", "feeds", {"live_tape": "wire_plugins"})
