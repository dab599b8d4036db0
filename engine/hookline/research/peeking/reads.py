"""Which files strategies read on their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["watch_reads"]

_DATA = {".csv", ".tsv", ".txt", ".json", ".parquet", ".pq", ".feather", ".arrow", ".pkl", ".pickle", ".npy", ".npz", ".h5",
         ".db", ".sqlite", ".xlsx", ".gz", ".zst"}  # fmt: skip
_watchers: list[set[str]] = []
_is_installed = False


@contextmanager
def watch_reads() -> Iterator[set[str]]:
    """Collect the paths of data files that code of a strategy opens, directly or through a library.

    Python tells of every file that is opened through it, and Parquet files are watched for where they are read. Other libraries
    that open files in C go unseen unless they are handed an open file.
    """
    global _is_installed  # noqa: PLW0603  # Python has no way to take such a hook away again
    if not _is_installed:
        sys.addaudithook(_opened)
        _is_installed = True
    found: set[str] = set()
    _watchers.append(found)
    try:
        with _parquet_watched():
            yield found
    finally:
        _watchers[:] = [one for one in _watchers if one is not found]


@contextmanager
def _parquet_watched() -> Iterator[None]:
    """Tell of Parquet files that are read from their paths, which pandas and pyarrow do in C."""
    import pyarrow.parquet

    readers = (pyarrow.parquet.ParquetFile, pyarrow.parquet.ParquetDataset)
    before = [reader.__init__ for reader in readers]

    def told(init: Callable[..., None]) -> Callable[..., None]:
        @wraps(init)
        def read(self: Any, source: Any, *more: Any, **options: Any) -> None:
            for one in source if isinstance(source, list) else [source]:
                _note(one)
            init(self, source, *more, **options)

        return read

    try:
        for reader, init in zip(readers, before, strict=True):
            reader.__init__ = told(init)
        yield
    finally:
        for reader, init in zip(readers, before, strict=True):
            reader.__init__ = init


def _opened(event: str, arguments: tuple[Any, ...]) -> None:
    if _watchers and event == "open":
        _note(arguments[0])


def _note(what: Any) -> None:
    if not isinstance(what, str | Path):
        return
    path = Path(what)
    if path.suffix.lower() not in _DATA or "site-packages" in path.parts:
        return
    if _is_in_strategy(sys._getframe(2)):  # noqa: SLF001  # whose code is running
        for found in _watchers:
            found.add(str(path))


def _is_in_strategy(frame: FrameType | None) -> bool:
    from hookline.strategy import Strategy

    while frame is not None:
        names = frame.f_code.co_varnames[:1]
        if names and isinstance(frame.f_locals.get(names[0]), Strategy):
            return True
        frame = frame.f_back
    return False
