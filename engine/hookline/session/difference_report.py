"""How differences between us and a venue are told: a file beside the journal, the journal itself, the log, notifiers, a table."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.clock import isoformat
from hookline.kernel.desk import OrderDesk
from hookline.notifier import Level
from hookline.risk import Decision
from hookline.risk.rule import Action
from hookline.session.differences import Difference, DifferenceAction, Reconciliation

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["DIFFERENCES_FILE", "DifferenceReport", "difference_table"]

DIFFERENCES_FILE = "differences.jsonl"
_RULE = "venue"
_logger = logging.getLogger("hookline.session")
_LOG = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class DifferenceReport:
    """Tells of differences, each of them once while it stands and nothing new is done about it.

    Args:
        name: The session's.
        folder: The session's, where ``differences.jsonl`` is appended to; None for nowhere.
        notify: Tells a person: level, title, text. Not called for what is mere information.
    """

    def __init__(self, name: str, folder: Path | None, notify: Callable[[Level, str, str], None]) -> None:
        self._name = name
        self._path = None if folder is None else folder / DIFFERENCES_FILE
        self._notify = notify

    def tell(self, kernel: OrderDesk, found: Reconciliation, told: frozenset[str]) -> frozenset[str]:
        """Tell what is new since ``told``, and return what is told by now, to be given with the next comparison."""
        news = [one for one in found.differences if _mark(one) not in told]
        for one in news:
            _logger.log(_LOG[one.level], "%s: %s: %s", self._name, one.action, one.text)
        self._note(kernel, news)
        self._append(found, news)
        loud = [one for one in news if one.level != "info"]
        if loud:
            level: Level = "error" if any(one.level == "error" for one in loud) else "warning"
            text = "\n".join(f"{one.action}: {one.text}" for one in loud)
            self._notify(level, f"{self._name}: differs from the venue", text)
        return frozenset(_mark(one) for one in found.differences)

    def _note(self, kernel: OrderDesk, news: Iterable[Difference]) -> None:
        """Let the journal tell of it among the decisions; a halt is a decision of its own."""
        if not kernel.now:
            return
        kernel.gate.decisions += [
            Decision(
                kernel.now, _RULE, Action.WARN, one.strategy, one.symbol, one.order_number,
                f"{one.action}: {one.text}",
            )
            for one in news
            if one.level != "info"
        ]  # fmt: skip

    def _append(self, found: Reconciliation, news: Sequence[Difference]) -> None:
        if self._path is None or not news:
            return
        head = {"time": isoformat(found.time), "check": found.check}
        lines = [json.dumps(head | one.plain()) + "\n" for one in news]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(lines)
        except OSError as error:
            _logger.warning("%s cannot be written: %s", self._path, error.strerror)


def _mark(one: Difference) -> str:
    # What waits to be seen again would be new at every look where its numbers move.
    waits = one.action is DifferenceAction.WAITED
    return f"{one.kind}:{one.subject}:{one.action}" if waits else f"{one.mark}:{one.action}"


def difference_table(differences: Iterable[Difference]) -> Table:
    """Return a table of differences for a terminal of 100 columns."""
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    styles = {"info": "", "warning": "yellow", "error": "bold red"}
    table = Table("what", "where", "here", "at the venue", "done", box=SIMPLE)
    for one in differences:
        where = one.subject if one.subject.startswith(one.symbol) else f"{one.symbol} {one.subject}"
        cells = (str(one.kind), where, one.ours, one.venues, str(one.action))
        table.add_row(*(Text(cell) for cell in cells), style=styles[one.level])
    return table
