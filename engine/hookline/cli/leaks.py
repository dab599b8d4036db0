"""``hookline check --look-ahead --warm-up``: whether a session knows the future, and whether it knows enough of the past."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hookline.cli.progress import progress_bar

if TYPE_CHECKING:
    from hookline.research.peeking import LookAheadReport
    from hookline.research.warming import WarmUpReport

__all__ = ["check_leaks"]


def check_leaks(
    file: Path, changes: list[str], *, look_ahead: bool, warm_up: bool, cuts: int, seed: int
) -> bool:
    """Print what the checks that are asked for find, and return whether all is well.

    Raises:
        ConfigError: if the file is no session, or one that cannot be studied.
        DataError: if the data is missing or cannot be trusted.
        StrategyError: if a strategy raises.
    """
    from hookline.research.study import Study

    study = Study.of_file(file, changes)
    is_clean = True
    if look_ahead:
        from hookline.research.peeking import check_look_ahead

        with _progress("look-ahead check") as told:
            is_clean = _print(check_look_ahead(study, cuts=cuts, seed=seed, progress=told)) and is_clean
    if warm_up:
        from hookline.research.warming import check_warm_up

        with _progress("warm-up check") as told:
            is_clean = _print(check_warm_up(study, seed=seed, progress=told)) and is_clean
    return is_clean


def _print(report: LookAheadReport | WarmUpReport) -> bool:
    first, *rest = report.lines
    typer.secho(first, fg=typer.colors.GREEN if report.is_clean else typer.colors.RED)
    for line in rest:
        typer.echo(line)
    return report.is_clean


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that shows how far it is, None where nobody watches."""
    with progress_bar(what, wanted=True, counted=True) as tell:
        yield None if tell is None else lambda done, total: tell(what, done, total)
