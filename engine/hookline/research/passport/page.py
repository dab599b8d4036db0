"""A passport as one HTML page with everything in it, without a script, so that it opens anywhere and prints."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from hookline.clock import isoformat
from hookline.reporting import pages
from hookline.research.passport import sections
from hookline.research.passport.words import WORDS, headline

if TYPE_CHECKING:
    from hookline.research.passport.document import Check, Passport

__all__ = ["embedded", "page"]

_STATES = {"pass": "passed", "fail": "failed", "unknown": "unknown", "note": "note", "skip": "not needed"}


def page(passport: Passport) -> str:
    """Return the page as one HTML text; the same passport gives the same bytes."""
    assets = files("hookline.research") / "assets"
    return Template((assets / "passport.html").read_text(encoding="utf-8")).substitute(
        head=pages.head(
            f"{passport.name}, overfit passport", (assets / "passport.css").read_text(encoding="utf-8")
        ),
        body=_body(passport),
    )


def embedded(passport: Passport) -> str:
    """Return verdict and tests as HTML for a notebook."""
    return f"<h3>{escape(passport.name)}: {WORDS[passport.verdict]}</h3><p>{escape(headline(passport))}</p>{_tests(passport)}"


def _body(passport: Passport) -> str:
    parts = [
        f"<header>{_header(passport)}</header>",
        _verdict(passport),
        f"<section><h2>What was tested</h2>{_tests(passport)}</section>",
        *_notices(passport),
        *sections.all_sections(passport),
    ]
    return "\n".join(parts)


def _header(passport: Passport) -> str:
    session = passport.session
    uses = ", ".join(dict.fromkeys(one["use"] for one in session.get("strategies", ())))
    period = " to ".join(time[:10] for time in session.get("period", ()))
    where = f"{', '.join(session.get('symbols', ()))} {session.get('timeframe', '')}, {period}"
    made = (
        f"made {isoformat(passport.created)[:16].replace('T', ' ')} UTC, for session {passport.digest[:12]}"
    )
    return (
        f'<h1>{escape(passport.name)} <span class="badge">overfit passport</span></h1><p class=uses>{escape(uses)}</p>'
        f"<p>{escape(where)}</p><p>{escape(made)}</p>"
    )


def _verdict(passport: Passport) -> str:
    verdict = passport.verdict
    return f'<section class="verdict {verdict}" role=note><h2>{WORDS[verdict]}</h2><p>{escape(headline(passport))}</p></section>'


def _tests(passport: Passport) -> str:
    rows = "".join(_test(check) for check in passport.checks)
    return f"<div class=scroll><table class=tests><tbody>{rows}</tbody></table></div>"


def _test(check: Check) -> str:
    needed = f" <span class=needed>needed: {escape(check.needed)}</span>" if check.needed else ""
    return (
        f'<tr><td><span class="state {check.state}">{_STATES[check.state]}</span></td><td>{escape(check.title)}</td>'
        f"<td><div class=found>{escape(check.found)}{needed}</div><div class=meaning>{escape(check.meaning)}</div></td></tr>"
    )


def _notices(passport: Passport) -> Iterator[str]:
    if passport.notices:
        items = "".join(f"<li>{escape(text)}</li>" for text in passport.notices)
        yield f"<section class=warnings role=note><h2>Worth knowing</h2><ul>{items}</ul></section>"
