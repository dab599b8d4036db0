"""The chain of digests: each commit's covers its rows and the digest before it.

A row that was changed, added or taken away breaks the chain at its commit. A digest is sha256 over the digest before and
the JSON of ``[number, time, position, [table, rows], ...]``, where rows end at their last value that is not NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import msgspec

__all__ = ["FIRST_DIGEST", "Rows", "chained"]

Rows = list[tuple[str, Sequence[tuple[Any, ...]]]]
"""Rows of one commit by table, in the order of the schema; tables without rows are left out."""

FIRST_DIGEST = bytes(32)
_encode = msgspec.json.Encoder().encode


def chained(previous: bytes, number: int, time: int, position: str, rows: Rows) -> bytes:
    """Return the digest of a commit."""
    parts: list[Any] = [number, time, position]
    for table, values in rows:
        parts.append((table, list(_trimmed(values))))
    return sha256(previous + _encode(parts)).digest()


def _trimmed(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    for row in rows:
        kept = row
        while kept[-1] is None:
            kept = kept[:-1]
        yield kept
