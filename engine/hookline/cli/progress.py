"""A bar that shows how far a command is, where somebody watches, and what is being compiled meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hookline.cli.compiling import telling_of_compiling

__all__ = ["Tell", "progress_bar"]

Tell = Callable[[str, float, float], None]
"""Is told what is being done, how much of it is done, and how much there is in all."""


@contextmanager
def progress_bar(what: str = "", *, wanted: bool, counted: bool) -> Iterator[Tell | None]:
    """Show a bar while something is worked off, and give what is told how far it is; None where there is no bar.

    Args:
        what: What is being done at first.
        wanted: Whether to show it, if standard error is a terminal.
        counted: Whether to show numbers of runs and the time that is left, else a percentage and the time that has passed.
    """
    if not (wanted and sys.stderr.isatty()):
        with telling_of_compiling():
            yield None
        return
    from rich import progress
    from rich.console import Console
    from rich.markup import escape

    numbers = (
        (progress.MofNCompleteColumn(), progress.TimeRemainingColumn())
        if counted
        else (progress.TaskProgressColumn(), progress.TimeElapsedColumn())
    )
    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), *numbers)
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(what), total=None)

        def tell(now: str, done: float, total: float) -> None:
            bar.update(task, description=escape(now), completed=done, total=total)

        with telling_of_compiling(lambda text: bar.update(task, description=escape(text)), bar.console.print):
            yield tell
