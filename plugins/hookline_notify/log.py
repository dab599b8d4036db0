"""Notifications into the program's log."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated

from hookline.hookspecs import hookimpl
from hookline.notifier import Level, Notifier
from hookline.params import Doc

__all__ = ["LogNotifier", "register_notifiers"]

_LEVELS: dict[Level, int] = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


@dataclass
class LogNotifier(Notifier):
    """Write notifications to a logger of the standard library."""

    name = "log"

    logger: Annotated[str, Doc("name of the logger")] = "hookline"

    def notify(self, level: Level, title: str, text: str) -> None:
        logging.getLogger(self.logger).log(_LEVELS[level], "%s: %s", title, text)


@hookimpl
def register_notifiers() -> list[type[Notifier]]:
    return [LogNotifier]
