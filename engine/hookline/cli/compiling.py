"""Tells a person that a strategy is being compiled, which takes some seconds the first time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

__all__ = ["telling_of_compiling"]

_WORTH_TELLING_SECONDS = 1.0


class _Teller(logging.Handler):
    def __init__(self, describe: Callable[[str], None], echo: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._describe, self._echo = describe, echo

    def emit(self, record: logging.LogRecord) -> None:
        self._describe(record.getMessage())
        if getattr(record, "seconds", 0.0) > _WORTH_TELLING_SECONDS:
            self._echo(record.getMessage())


def _echo(text: str) -> None:
    typer.echo(text, err=True)


@contextmanager
def telling_of_compiling(
    describe: Callable[[str], None] = lambda _text: None, echo: Callable[[str], None] = _echo
) -> Iterator[None]:
    """Print how long compiling took where it took long.

    Args:
        describe: Called with what is being done, as soon as it begins.
        echo: Prints a line, where something else than standard error is written to.
    """
    log, teller = logging.getLogger("hookline.research.compiling"), _Teller(describe, echo)
    level = log.level
    log.addHandler(teller)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(teller)
