"""The trail of a session's equity, as somebody beside it keeps it: the highest that was seen, and the fall from there.

The trail outlives its keeper in a file of the session's folder, so that a watchdog that is started again remembers from where the
equity fell, and which start of the session it has acted upon. The highest is forgotten then: after that, somebody decides how to
go on.
"""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

from hookline.reporting.reporter import replacing

__all__ = ["TRAIL_FILE", "EquityTrail"]

TRAIL_FILE = "watchdog.json"
_logger = logging.getLogger("hookline.watchdog")


class EquityTrail:
    """Follows the equity of a session.

    Args:
        folder: The session's; None to keep nothing.

    Attributes:
        highest: Of what was seen, 0 before the first look.
        acted: The start of the session that was acted upon, -1 for none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._path = None if folder is None else folder / TRAIL_FILE
        kept = {} if self._path is None else _read(self._path)
        highest, acted = kept.get("highest_equity"), kept.get("acted")
        self.highest = float(highest) if isinstance(highest, int | float) and math.isfinite(highest) else 0.0
        self.acted = acted if isinstance(acted, int) else -1

    def see(self, equity: object) -> float:
        """Take a look at the equity and return how far it is below the highest, as a fraction of that; 0 where it is unknown.

        >>> trail = EquityTrail()
        >>> [trail.see(equity) for equity in (1000.0, 1250.0, None, 1000.0)]
        [0.0, 0.0, 0.0, 0.2]
        """
        if not isinstance(equity, int | float) or isinstance(equity, bool) or not math.isfinite(equity):
            return 0.0
        if equity > self.highest:
            self.highest = float(equity)
            self._write()
        return round(1.0 - equity / self.highest, 12) if self.highest > 0.0 else 0.0

    def act(self, started: int) -> None:
        """Remember that a start of the session was acted upon, and forget the highest."""
        self.highest, self.acted = 0.0, started
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        try:
            with replacing(self._path) as part:
                data = {"highest_equity": self.highest, "acted": self.acted}
                part.write_text(json.dumps(data) + "\n", encoding="utf-8")
        except OSError as error:
            _logger.warning("%s cannot be written: %s", self._path, error.strerror)


def _read(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
