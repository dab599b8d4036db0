"""An examination of a broker's venue, or of a session before it trades."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hookline.broker import Broker
from hookline.diagnosis import Finding, State, worst
from hookline.errors import HooklineError, VenueError
from hookline.model import VenueAccount
from hookline.params import PluginUse

if TYPE_CHECKING:
    from hookline.session.config import SessionConfig
    from hookline.session.plan import Plan
    from hookline.session.rehearsing import Rehearsal

__all__ = ["Examination", "examine_broker", "examine_session"]


@dataclass(frozen=True)
class Examination:
    """What was found.

    Args:
        title: Of what was examined.
        venue: About the venue, the account there and orders sent to it.
        session: About the session; empty where there is none.
    """

    title: str
    venue: Sequence[Finding]
    session: Sequence[Finding] = field(default_factory=tuple)

    @property
    def state(self) -> State:
        """The worst state of all findings."""
        return worst([*self.venue, *self.session])


def examine_broker(use: PluginUse, symbols: Sequence[str]) -> Examination:
    """Examine a broker's venue.

    Args:
        use: The broker and its parameters.
        symbols: Markets to look at; empty for what the broker thinks typical.

    Raises:
        ConfigError: if a parameter breaks its rule.
        PluginError: if there is no such broker, or it is broken.
    """
    from hookline import plugins

    broker: Broker = plugins.build_use("brokers", use, "")
    return Examination(use.use, asyncio.run(broker.diagnose(dict.fromkeys(symbols))))


def examine_session(config: SessionConfig, bars: int) -> Examination:
    """Examine the venue of a session, and what the session would do there; nothing is sent that changes anything.

    Args:
        config: The session.
        bars: How many of the last bars its strategies are rehearsed on.

    Raises:
        ConfigError: if something in the session breaks its rule.
        PluginError: if a plugin is missing or broken.
        DataError: if the feed cannot say what the instruments are.
    """
    from hookline.session.assembly import assemble
    from hookline.session.building import build_plugins
    from hookline.session.venues import broker_of

    try:
        plan = assemble(config)
    except VenueError as error:  # the examination of the venue says more of it
        broker = broker_of(config, build_plugins(config))
        venue = asyncio.run(broker.diagnose(dict.fromkeys(config.symbols)))
        return Examination(config.name, venue, [Finding("session", "fail", f"not examined: {error}")])
    account = _account(plan)
    rehearsal, session = _rehearsed(plan, bars)
    planned = () if rehearsal is None else rehearsal.planned
    venue = asyncio.run(plan.broker.diagnose(plan.instruments, planned))
    if rehearsal is not None:
        session += _predicted(plan, rehearsal, account)
    session += _passport(plan)
    return Examination(config.name, venue, session)


def _account(plan: Plan) -> VenueAccount | None:
    """Return what the venue says of the account, None where there is none or it cannot be asked: the examination says why.

    The broker learns the account's fees by it.
    """
    from hookline.session.session import Session

    if not plan.broker.is_live:
        return None
    Session(plan)  # which introduces the broker to its instruments
    try:
        return asyncio.run(plan.broker.venue_account())
    except HooklineError:
        return None


def _rehearsed(plan: Plan, bars: int) -> tuple[Rehearsal | None, list[Finding]]:
    from hookline.session.rehearsing import rehearse

    try:
        return rehearse(plan, bars), []
    except HooklineError as error:
        return None, [
            Finding("rehearsal", "fail", str(error), "hookline check says what the session is made of")
        ]


def _passport(plan: Plan) -> list[Finding]:
    """Return what the session's passport is worth, nothing where it needs none and has none."""
    from hookline.research.passport.policy import examine_passport, passport_path

    is_needed = plan.live.require_passport
    if not plan.broker.is_live or not (is_needed or passport_path(plan).is_file()):
        return []
    found = examine_passport(plan)
    if not found.problem:
        return [Finding("passport", "ok", found.text)]
    fix = "hookline validate tests the session on history and writes one"
    return [Finding("passport", "fail" if is_needed else "warn", found.text, fix)]


def _predicted(plan: Plan, rehearsal: Rehearsal, account: VenueAccount | None) -> list[Finding]:
    from hookline.session.confirming_numbers import funding_now
    from hookline.session.predicting import predict

    return predict(plan, rehearsal, account, funding_now(plan) if plan.feed.is_live else {})
