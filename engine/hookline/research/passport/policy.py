"""What a passport belongs to, and whether a session may go live by it.

Rules of this file:

- A passport holds for the strategies with their code, parameters and sizers, the symbols and the timeframe. Cash, venue, risk rules and
  mode may differ: they are what changes on the way from a backtest to a venue.
- Whether a live session needs one is the session's own policy, ``live.require_passport``; by default it does not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.clock import SystemClock, isoformat
from hookline.errors import ConfigError, DataError
from hookline.research.ledger.counting import configuration_of
from hookline.research.passport.document import Passport, read_passport

if TYPE_CHECKING:
    from hookline.session.plan import Plan

__all__ = [
    "FILE",
    "Finding",
    "examine_passport",
    "passport_path",
    "require_passport",
    "session_digest",
    "session_facts",
]

FILE = "passport.json"
_DAY = 86_400 * 10**9


@dataclass(frozen=True)
class Finding:
    """What a live session's passport is worth: why it does not hold, empty if it does, and what to say of it."""

    problem: str
    text: str


def session_digest(plan: Plan) -> str:
    """Return the digest of what a passport belongs to."""
    what = [configuration_of(plan.seats, ()).digest, sorted(plan.instruments), plan.timeframe]
    return blake2b(json.dumps(what).encode(), digest_size=16).hexdigest()


def session_facts(plan: Plan) -> dict[str, Any]:
    """Return what a passport says of its session."""
    what = configuration_of(plan.seats, ())
    params = json.loads(what.params)
    return {
        "strategies": [
            {"id": seat.id, "use": seat.use, "symbols": list(seat.symbols), "params": params[seat.id]}
            for seat in plan.seats
        ],
        "symbols": list(plan.instruments),
        "timeframe": plan.timeframe,
    }


def passport_path(plan: Plan) -> Path:
    """Return where the passport of a live session is: named by the session, else in its folder."""
    if plan.live.passport is not None:
        return plan.live.passport
    folder = Path("runs") / plan.name if plan.journal is None else plan.journal.folder
    return folder / FILE


def examine_passport(plan: Plan) -> Finding:
    """Return what the passport of a live session is worth."""
    path = passport_path(plan)
    if not path.is_file():
        return Finding(f"there is no passport at {path}", f"none at {path}")
    try:
        passport = read_passport(path)
    except DataError as error:
        return Finding(str(error), str(error))
    text = f"{passport.verdict}, of {isoformat(passport.created)[:10]}, {path}"
    problem = _problem(plan, passport)
    return Finding(f"{path}: {problem}" if problem else "", f"{text}{'; ' + problem if problem else ''}")


def _problem(plan: Plan, passport: Passport) -> str:
    if passport.digest != session_digest(plan):
        return f"the passport is of another session: {_difference(plan, passport)}"
    if passport.verdict != "pass":
        failed = [check.title for check in passport.checks if check.state in {"fail", "unknown"}]
        return f"the verdict must be pass, was {passport.verdict}: {', '.join(failed)}"
    most = plan.live.passport_max_age_days
    age = (SystemClock().now - passport.created) / _DAY
    if most is not None and age > most:
        return f"the passport must be at most {most:g} days old, was made {age:.0f} days ago"
    return ""


def _difference(plan: Plan, passport: Passport) -> str:
    """Return what differs between a session and what its passport is of."""
    here, there = _flat(json.loads(json.dumps(session_facts(plan)))), _flat(passport.session)
    changed = [
        f"{name} was {there.get(name)!r}, is {here.get(name)!r}"
        for name in dict.fromkeys([*there, *here])
        if here.get(name) != there.get(name) and (name in here or not name.startswith("period"))
    ]
    return "; ".join(changed[:5]) or "the code of a strategy, or its sizer, has changed"


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {
            k: v for key, part in value.items() for k, v in _flat(part, f"{name}.{key}".lstrip(".")).items()
        }
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {
            k: v for number, part in enumerate(value) for k, v in _flat(part, f"{name}[{number}]").items()
        }
    return {name: value}


def require_passport(plan: Plan) -> None:
    """Refuse a live session whose policy asks for a passport that is not there, or does not hold.

    Raises:
        ConfigError: saying why, and what to run.
    """
    if not plan.live.require_passport:
        return
    finding = examine_passport(plan)
    if finding.problem:
        file = plan.file or "the session file"
        raise ConfigError(
            f"{plan.name}: live.require_passport: {finding.problem}\n"
            f"{plan.name}: to get one, run: hookline validate {file} --set mode=backtest --set broker=paper "
            f"(and --set feed=... where the session's own has no history)"
        )
