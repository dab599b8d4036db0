"""A look at SQLite's write-ahead log before SQLite does.

SQLite takes the first frame whose checksum is wrong for the end of the log and silently forgets what follows. That is right after
a crash, which leaves at most one torn frame at the end; a damaged frame with more of the same log behind it means lost events.

Format and checksum: https://www.sqlite.org/fileformat2.html#walformat
"""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["log_fault"]

_HEADER, _FRAME_HEADER = 32, 24
_MAGIC = 0x377F0682  # the last bit set means that checksums read words as big-endian
_WORD = 0xFFFFFFFF


def log_fault(journal: Path) -> str:
    """Return what is wrong with the write-ahead log beside a journal, empty if nothing is lost with it.

    Raises:
        OSError: if the log cannot be read.
    """
    path = journal.with_name(journal.name + "-wal")
    data = path.read_bytes() if path.exists() else b""
    if len(data) <= _HEADER:
        return ""
    magic, _, page_size, _, salt, first, second = struct.unpack(">IIII8sII", data[:_HEADER])
    if magic & ~1 != _MAGIC:
        return "the header of its write-ahead log is damaged"
    order = ">" if magic & 1 else "<"
    if _checksum(data[:24], (0, 0), order) != (first, second):
        return "the header of its write-ahead log is damaged"
    return _frame_fault(data, page_size, salt, (first, second), order)


def _frame_fault(data: bytes, page_size: int, salt: bytes, check: tuple[int, int], order: str) -> str:
    size = _FRAME_HEADER + page_size
    count = (len(data) - _HEADER) // size
    for number in range(count):
        start = _HEADER + number * size
        frame = data[start : start + size]
        if frame[8:16] != salt:
            break  # left over from a log before this one
        check = _checksum(frame[_FRAME_HEADER:], _checksum(frame[:8], check, order), order)
        if struct.unpack(">II", frame[16:24]) != check:
            later = range(number + 1, count)
            behind = sum(data[_HEADER + n * size + 8 : _HEADER + n * size + 16] == salt for n in later)
            if behind:
                return f"frame {number + 1} of its write-ahead log is damaged and {behind} more would be lost"
            break
    return ""


def _checksum(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _WORD
        second = (second + odd + first) & _WORD
    return first, second
