"""The files of a journal: ``journal.sqlite`` first, then ``journal-0001.sqlite`` and so on."""

from __future__ import annotations

from pathlib import Path

from hookline.errors import JournalError

__all__ = ["FILE_NAME", "journal_path", "segment_path", "segments"]

FILE_NAME = "journal.sqlite"


def journal_path(path: Path) -> Path:
    """Return the first file of the journal that a file or a folder means.

    Raises:
        JournalError: if there is none.
    """
    found = path / FILE_NAME if path.is_dir() else path
    stem, _, number = found.stem.rpartition("-")
    if stem and number.isdecimal() and found.with_name(stem + found.suffix).exists():
        found = found.with_name(stem + found.suffix)
    if not found.is_file():
        raise JournalError(f"journal {found}: no such file; a session writes one into its folder")
    return found


def segment_path(journal: Path, number: int) -> Path:
    """Return the file of a segment; the first has number 0."""
    return journal if number == 0 else journal.with_name(f"{journal.stem}-{number:04d}{journal.suffix}")


def segments(journal: Path) -> list[Path]:
    """Return the files of a journal, oldest first."""
    found = [journal]
    while (path := segment_path(journal, len(found))).exists():
        found.append(path)
    return found
