"""``hookline validate``: test whether a backtest may be believed, and write its passport."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookline.cli import EXIT_NOT_PASSED

if TYPE_CHECKING:
    from hookline.research.passport import Passport
    from hookline.research.space import Space
    from hookline.research.sweeping.request import SweepOptions
    from hookline.research.table import Objective
    from hookline.research.validating import Progress
    from hookline.session.config import SessionConfig

__all__ = ["validate"]


def validate(
    file: Annotated[Path, typer.Argument(help="Session file.", show_default=False)],
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            help="What varies, or was varied to find the session's parameters: ADDRESS=5:50:5 for steps, ADDRESS=5,8,13 for a list. "
            "Repeat for more.",
            metavar="ADDRESS=VALUES",
        ),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option("--constraint", help="Rule between parameters: 'fast < slow'.", metavar="RULE"),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(help="Figure by which parameters are chosen; sharpe by default.", metavar="METRIC"),
    ] = None,
    method: Annotated[str | None, typer.Option(help="grid (by default) or random.", metavar="METHOD")] = None,
    runs: Annotated[
        int | None, typer.Option(help="Combinations to try with random; 100 by default.", show_default=False)
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value: validation.windows=8", metavar="ADDRESS=VALUE"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the passport, instead of the session's own.", show_default=False),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            help="Where runs are worked off: serial, threads, processes, or a plugin.", metavar="NAME"
        ),
    ] = None,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no progress bar.")] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page when done.")] = False,
) -> None:
    """Test whether a backtest may be believed, and write its passport.

    The session's own parameters are tested. Say with --param, or under 'sweep' in the file, from what they were chosen: the more
    was tried, the more a good result is luck.

    \b
    What is asked:
      out of sample   does what was chosen on the first part of history work on the rest?
      walk forward    would choosing again and again, knowing only the past, have paid?
      chance          how often do random markets pay the same positions as well?
      uncertainty     is the Sharpe ratio above zero, or is the history too short to tell?
      trials          is it better than the luckiest of all trials on this data? (hookline trials lists them)
      overfitting     does the best of one half of the history stay good on the other?
      costs, delay    is there a profit at twice the costs, and one bar late?
      regimes         where does the money come from: which years, which markets?
      leaks           does it see the future, and is it warm when it begins?

    Writes passport.html and passport.json into the session's folder. Exit code 0 if the verdict is pass, 1 if not. A live session
    with 'live: {require_passport: true}' starts only with a passport that says pass.

    \b
    Examples:
      hookline validate session.yaml
      hookline validate session.yaml --param strategies[0].params.fast=5:50:5 --param strategies[0].params.slow=20:200:10
        --constraint "fast < slow"
      hookline validate session.yaml --set validation.permutations=10000 --set validation.embargo_bars=24
    """  # noqa: D301  # the backspaces are meant: no filling of these lines
    from rich.console import Console

    from hookline.research.study import Study
    from hookline.research.sweeping.request import SweepOptions, executor_of
    from hookline.research.validating import validate_study
    from hookline.session.environment import lend_variables

    study = Study.of_file(file, changes or ())
    config = study.config()
    options = SweepOptions(param or (), constraint or (), method, objective, runs=runs)
    space, judge = _asked(config, options)
    works = executor_of(config, executor)
    lend_variables(file)
    with _progress(wanted=not no_progress and sys.stderr.isatty()) as progress:
        passport = validate_study(study, space, objective=judge, executor=works, progress=progress)
    Console().print(passport.summary())
    paths = passport.write(output or config.output)
    for path in paths:
        typer.echo(str(path))
    if open_page:
        typer.launch(paths[0].resolve().as_uri())
    raise typer.Exit(_exit_code(passport))


def _exit_code(passport: Passport) -> int:
    return 0 if passport.verdict == "pass" else EXIT_NOT_PASSED


def _asked(config: SessionConfig, options: SweepOptions) -> tuple[Space | None, Objective]:
    """Return the space that the session and the command line ask for, None for none, and the objective."""
    from hookline.research.sweeping.request import request_of
    from hookline.research.table import Objective

    if config.sweep is None and not options.parameters:
        return None, Objective(options.objective or "sharpe")
    request = request_of(config, options)
    return request.space, request.objective


@contextmanager
def _progress(*, wanted: bool) -> Iterator[Progress | None]:
    """Show what is being tested; give what is told."""
    from hookline.cli.compiling import telling_of_compiling

    if not wanted:
        with telling_of_compiling():
            yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<22}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        with telling_of_compiling(lambda text: bar.update(task, description=text), bar.console.print):
            yield lambda what, fraction: bar.update(task, description=what, completed=fraction)
