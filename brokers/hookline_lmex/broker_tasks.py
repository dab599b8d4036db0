"""The owner of what runs beside the event loop's callbacks: every task is canceled with it, and no exception is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["Tasks"]

_logger = logging.getLogger("hookline.lmex")


class Tasks:
    """Owns tasks.

    Args:
        failed: Told once a task has raised, which none should.

    Attributes:
        error: The first exception that a task has raised.
    """

    def __init__(self, failed: Callable[[], None]) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()
        self.error: BaseException | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something until it is done, or until all is closed."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        _logger.error("%s failed: %s: %s", task.get_name(), type(error).__name__, error, exc_info=error)
        if self.error is None:
            self.error = error
            self._failed()

    async def aclose(self) -> None:
        """Cancel what still runs, and wait for it."""
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.difference_update(tasks)
