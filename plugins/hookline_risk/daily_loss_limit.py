"""Limit of the loss of a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from hookline import Doc, Ge, Gt, Le, Lt, Order, RiskRule, halt, hookimpl
from hookline.risk import Account, Verdict, fall_of

_HOUR = 3600 * 10**9
_DAY = 24 * _HOUR


@dataclass
class DailyLossLimit(RiskRule):
    """Halt the session when it has lost too much since the day began.

    The loss is the fall of equity from the last that was seen the day before, as a fraction of it, so that a gap over midnight
    counts. The halt ends with the day, or when somebody resumes the session; the loss is then measured from the equity of that
    moment.
    """

    name: ClassVar[str] = "daily_loss_limit"

    max_fraction: Annotated[
        float, Gt(0), Lt(1), Doc("loss as a fraction of the equity the day began with")
    ] = 0.05
    day_begins_hour: Annotated[int, Ge(0), Le(23), Doc("hour UTC")] = 0
    until: Annotated[Literal["next_day", "resume"], Doc("when the halt ends")] = "next_day"
    flatten: Annotated[bool | None, Doc("close every position on a halt; left out: as the session says")] = (
        None
    )

    def check(self, order: Order, account: Account) -> Verdict | None:  # noqa: ARG002
        return self.watch(account)

    def watch(self, account: Account) -> Verdict | None:
        state, equity = self.state, account.equity
        offset = self.day_begins_hour * _HOUR
        day = (account.now - offset) // _DAY
        if state.get("day") != day:
            state["start"] = state.get("last", account.start_equity)
            state["day"] = day
        if equity == equity:  # noqa: PLR0124
            state["last"] = equity
        start = state["start"]
        lost = fall_of(equity, start)
        if not lost > self.max_fraction:
            return None
        found = f"lost {lost:.1%} of {start:.2f} today, at most {self.max_fraction:.1%}"
        ends = (day + 1) * _DAY + offset if self.until == "next_day" else None
        return halt(found, flatten=self.flatten, until=ends)

    def on_resume(self, account: Account) -> None:
        self.state["start"] = self.state["last"] = account.equity


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [DailyLossLimit]
