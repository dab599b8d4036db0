"""A file that stops everything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from hookline import Doc, Ge, Order, RiskRule, halt, hookimpl
from hookline.risk import Account, Verdict


@dataclass
class KillSwitch(RiskRule):
    """Halt the session while a file exists: ``touch`` it to stop trading, from any shell or script.

    The file is looked for at most once in ``check_seconds`` of the session's time, so a halt may come that much later. Take
    the file away before resuming, or the session halts again.
    """

    name: ClassVar[str] = "kill_switch"

    path: Annotated[Path, Doc("the file; relative to the session file")]
    flatten: Annotated[bool | None, Doc("close every position on a halt; null: as the session says")] = True
    check_seconds: Annotated[float, Ge(0), Doc("least time between two looks")] = 1.0

    def __post_init__(self) -> None:
        self._period = round(self.check_seconds * 1e9)
        self._next = 0
        self._exists = False

    def reset(self) -> None:
        super().reset()
        self._next, self._exists = 0, False

    def check(self, order: Order, account: Account) -> Verdict | None:  # noqa: ARG002
        return self.watch(account)

    def watch(self, account: Account) -> Verdict | None:
        now = account.now
        if now >= self._next:
            self._next = now + self._period
            self._exists = self.path.exists()
        return halt(f"{self.path} exists", flatten=self.flatten) if self._exists else None

    def on_resume(self, account: Account) -> None:  # noqa: ARG002
        self._next = 0


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [KillSwitch]
