"""Works that belong together: they run side by side, and leave nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

__all__ = ["all_of", "first_of"]


async def first_of(
    *works: Coroutine[Any, Any, None], lesser: type[Exception] | tuple[type[Exception], ...] = ()
) -> None:
    """Run works at the same time until one ends or fails; then stop and collect the others.

    Args:
        works: What is run.
        lesser: Errors that are raised only where no work raised another one.

    Raises:
        Exception: the first that a work raised, in the order of the works.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, lesser)):
        raise error


async def all_of(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run works at the same time until all have ended; the first that fails stops the others.

    Raises:
        Exception: what that one raised.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
