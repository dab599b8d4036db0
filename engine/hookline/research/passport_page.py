"""A passport as one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookline.research.passport import Passport


def page(passport: Passport) -> str:
    return f"<pre>{passport}</pre>"


def embedded(passport: Passport) -> str:
    return page(passport)
