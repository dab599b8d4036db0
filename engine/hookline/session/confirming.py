"""The CONFIRM screen: what a session will do with money, on one page, before it does.

Rules of this file:

- Nothing is sent before a person has typed CONFIRM, exactly, or whoever runs the session by a program has named it with
  ``--confirm``: two consents, with ``mode: live`` in the file.
- The page is shown in both cases, and is readable on a hundred columns. What is not known is said to be unknown, never left out.
- The numbers and what they assume are those of ``confirming_numbers``.
"""

from __future__ import annotations

import asyncio
import select
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hookline.errors import ConfigError, HooklineError
from hookline.model import VenueAccount
from hookline.session.checklist import Check, checklist_of
from hookline.session.confirming_numbers import FundingNow, Outlook, outlook_of
from hookline.session.plan import Plan

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["WORD", "LiveFacts", "ask_at", "checks_of", "confirm_live", "consent", "refuse_unconfirmed"]

WORD = "CONFIRM"
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class LiveFacts:
    """What the page is made of beside the account.

    Args:
        plan: The session.
        prices: Today's by symbol, as far as they are known.
        funding: Of perpetuals, by symbol, as far as it is known.
        taker_fees: As fractions, by symbol; the broker's for those not named.
        checks: The checklist, empty where there is no journal to read it from.
    """

    plan: Plan
    prices: Mapping[str, float] = field(default_factory=dict)
    funding: Mapping[str, FundingNow] = field(default_factory=dict)
    taker_fees: Mapping[str, float] = field(default_factory=dict)
    checks: Sequence[Check] = ()

    def outlooks(self, account: VenueAccount | None = None) -> list[Outlook]:
        """Return what each strategy could do in each of its instruments, in an account as the venue says it is."""
        plan = self.plan
        return [
            outlook_of(
                plan,
                seat,
                symbol,
                self.prices,
                self.taker_fees.get(symbol, plan.broker.taker_fee),
                self.funding.get(symbol),
                account,
            )
            for seat in plan.seats
            for symbol in seat.symbols
        ]


def checks_of(plan: Plan) -> list[Check]:
    """Return the checklist of a session from what its journal holds, empty where it holds nothing that can be read."""
    if plan.journal is None:
        return []
    try:
        return checklist_of(plan.journal.folder)
    except HooklineError:
        return []


def ask_at(console: Console) -> Callable[[], str] | None:
    """Return what asks a person at the terminal, None where there is none."""
    if not sys.stdin.isatty():
        return None

    def ask() -> str:
        # On a line of its own: a progress bar draws over the line that the cursor stands in.
        console.print(f"Type {WORD} to trade with money:", style="bold", highlight=False)
        # Who is left behind, see ``consent``, must not hold the lock of the input while Python ends.
        while not select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
            pass
        return sys.stdin.readline()

    return ask


async def consent(confirm: Callable[[], None]) -> None:
    """Ask a person beside the event loop; canceled, by Ctrl-C for example, it does not wait for the answer.

    Args:
        confirm: Asks, in a thread of its own.

    Raises:
        Exception: what ``confirm`` raises.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[None] = loop.create_future()

    def tell(error: BaseException | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)

    def ask() -> None:
        error: BaseException | None = None
        try:
            confirm()
        except Exception as raised:  # noqa: BLE001  # it is raised where the answer is awaited
            error = raised
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(tell, error)

    threading.Thread(target=ask, name="confirm", daemon=True).start()
    await answer


def refuse_unconfirmed(name: str, confirm: str | None, answer: Callable[[], str] | None) -> None:
    """Refuse what cannot end in a consent, before a venue is asked anything.

    Args:
        name: Of the session.
        confirm: What ``--confirm`` says, None without it.
        answer: Asks a person, None where there is nobody.

    Raises:
        ConfigError: saying how to confirm.
    """
    if confirm is not None and confirm != name:
        raise ConfigError(f"--confirm: must be the name of the session, {name!r}, was {confirm!r}")
    if confirm is None and answer is None:
        raise ConfigError(
            f"{name}: mode live asks a person to type {WORD}, and this is no terminal; "
            f"in automation say --confirm {name}"
        )


def confirm_live(
    facts: LiveFacts,
    account: VenueAccount | None,
    console: Console,
    answer: Callable[[], str] | None,
    *,
    confirm: str | None = None,
) -> None:
    """Show the page and return once trading with money is consented to.

    Args:
        facts: Of the session.
        account: What the venue says; None where it was not asked.
        console: Where the page is shown.
        answer: Returns what a person types; None where there is no terminal.
        confirm: What ``--confirm`` says, None without it.

    Raises:
        ConfigError: if the answer is anything else, or there is nobody to ask; nothing was sent.
    """
    from hookline.session.confirming_page import page

    name = facts.plan.name
    refuse_unconfirmed(name, confirm, answer)
    console.print(page(facts, account), highlight=False)
    if confirm is not None:
        console.print(f"Confirmed by --confirm {name}.", highlight=False, markup=False)
        return
    assert answer is not None, "refused above"
    try:
        typed = answer()
    except EOFError:
        typed = ""
    if typed.strip("\r\n") != WORD:
        raise ConfigError(f"{name}: {WORD} was not typed, was {typed!r}; nothing was sent")
