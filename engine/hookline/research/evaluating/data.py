"""Digests that tell whether two processes study the same: one session, on the same bars."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b

from hookline.errors import HooklineError
from hookline.model import BarSeries
from hookline.research.study import Job, Study

__all__ = ["differences", "digest_of", "digests_of", "other_data"]


def digest_of(series: BarSeries) -> str:
    """Return a digest of every column of a series, equal only where all bars are."""
    digest = blake2b(digest_size=16)
    for name in ("start", *series.COLUMNS):
        digest.update(getattr(series, name))
    return digest.hexdigest()


def other_data(study: Study, symbol: str = "") -> dict[str, str]:
    """Return a digest of each series that runs read besides bars, by where it comes from: external, funding, marks.

    Raises:
        ConfigError: if the session cannot be read.
        DataError: if the data is missing or cannot be trusted.
    """
    plan = study.plan(Job(symbol=symbol))
    found = {}
    for kind, all_ in (("external", plan.external), ("funding", plan.funding)):
        for name, one in all_.items():
            digest = blake2b(one.time.data, digest_size=16)
            digest.update(one.value.data)
            found[f"{kind}.{name}"] = digest.hexdigest()
    return found | {f"marks.{name}": digest_of(series) for name, series in plan.marks.items()}


def digests_of(study: Study, jobs: Sequence[Job]) -> tuple[tuple[str, str], ...]:
    """Return a digest of session and data for each symbol that jobs trade; one without data has none."""
    found = []
    for symbol in dict.fromkeys(job.symbol for job in jobs):
        with suppress(HooklineError):  # its jobs will say what is wrong
            found.append((symbol, _digest(study, symbol)))
    return tuple(found)


def differences(study: Study, expected: Sequence[tuple[str, str]]) -> str:
    """Return what differs here from what digests tell, an empty text if nothing does.

    Raises:
        ConfigError: if the session cannot be read.
        DataError: if the data is missing or cannot be trusted.
    """
    for symbol, digest in expected:
        if _digest(study, symbol) != digest:
            what = symbol or "the session"
            return f"{what}: session and bars must be the same everywhere, on {platform.node()} they differ"
    return ""


@lru_cache(maxsize=64)
def _digest(study: Study, symbol: str) -> str:
    digest = blake2b(json.dumps(study.config().dump()).encode(), digest_size=16)
    for name, series in study.series(symbol).items():
        digest.update(f"{name} {digest_of(series)}".encode())
    digest.update(json.dumps(other_data(study, symbol)).encode())
    return digest.hexdigest()
