"""Notifiers: how a person learns what happened while nobody was watching."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

__all__ = ["Level", "Notifier"]

Level = Literal["info", "warning", "error"]


class Notifier(ABC):
    """Sends short messages to a person. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]

    @abstractmethod
    def notify(self, level: Level, title: str, text: str) -> None:
        """Send a message; an exception is logged and never stops a run."""
