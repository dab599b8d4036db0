"""Reporters: what writes a result into files."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from hookline.reporting.result import Result

__all__ = ["Reporter", "replacing", "write_text"]


class Reporter(ABC):
    """Writes a result into a folder. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]

    @abstractmethod
    def write(self, result: Result, folder: Path) -> list[Path]:
        """Write files into an existing folder and return their paths, the main one first.

        Raises:
            OSError: if a file cannot be written.
        """


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to and move the file into place when the block ends well; else leave what was there.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "note.txt") as part:
    ...         _ = part.write_text("done")
    ...     print([file.name for file in Path(folder).iterdir()])
    ['note.txt']
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write a text file in one step: a reader sees the old file or the new one, never half of it."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return path
