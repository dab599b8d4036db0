"""``hookline sweep``: run a session with many values of its parameters, and show which did well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookline.cli import EXIT_ERROR, EXIT_INTERRUPTED
from hookline.cli.options import (
    ConstraintOption,
    ExecutorOption,
    FileArgument,
    MethodOption,
    NoProgressOption,
    ObjectiveOption,
    OpenOption,
    OutputOption,
    ParamOption,
    RunsOption,
)
from hookline.cli.progress import progress_bar

if TYPE_CHECKING:
    from hookline.research.study import Study
    from hookline.research.sweeping.request import SweepRequest
    from hookline.research.table import SweepTable
    from hookline.session.executors import Executor

__all__ = ["sweep"]

_PAGE = "sweep.html"


def sweep(
    file: FileArgument,
    param: ParamOption = None,
    constraint: ConstraintOption = None,
    objective: ObjectiveOption = None,
    method: MethodOption = None,
    runs: RunsOption = None,
    seed: Annotated[
        int | None, typer.Option(help="Start of the search's randomness; 0 by default.", metavar="NUMBER")
    ] = None,
    symbol: Annotated[
        list[str] | None,
        typer.Option(
            help="Instrument to trade alone; 'each' for all of the session. Repeat for more.",
            metavar="SYMBOL",
        ),
    ] = None,
    period: Annotated[
        list[str] | None,
        typer.Option(
            help="When to trade: 2023-01-01:2024-01-01; bars before warm up. Repeat for more.",
            metavar="FROM:TO",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value for all runs: cash=5000", metavar="ADDRESS=VALUE"),
    ] = None,
    output: OutputOption = None,
    executor: ExecutorOption = None,
    executor_param: Annotated[
        list[str] | None,
        typer.Option(help="Its parameters: address=tcp://host:8786. Repeat for more.", metavar="NAME=VALUE"),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew; results that are there are moved aside.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many runs there are and how long they take.")
    ] = False,
    no_progress: NoProgressOption = False,
    open_page: OpenOption = False,
) -> None:
    """Run a session with many values of its parameters, and show which did well.

    All of it may stand in the session file under 'sweep' instead; what is
    given here wins. Writes runs/NAME-sweep: sweep.parquet with a row for each
    run, and sweep.html. Ctrl-C keeps what is done, with exit code 130; the
    same command goes on where it stopped.

    Every combination that is tried makes the best one look better than it
    is. Before believing it: hookline validate

    \b
    Examples:
      How long will it take?
        hookline sweep session.yaml --dry-run
      A grid of two parameters:
        hookline sweep session.yaml --param strategies[0].params.fast=5:50:5 \\
          --param strategies[0].params.slow=20:200:10 --constraint 'fast < slow'
      A search among many, by another figure:
        hookline sweep session.yaml --param strategies[0].params.adx_min=0..40 \\
          --method bayes --runs 200 --objective calmar
      Other markets and years:
        hookline sweep session.yaml --symbol each \\
          --period 2022-01-01:2023-01-01 --period 2023-01-01:2024-01-01
    """  # noqa: D301  # the backspace is meant: no filling of these lines
    from hookline.research.study import Study
    from hookline.research.sweeping.forecast import forecast
    from hookline.research.sweeping.request import SweepOptions, executor_of, request_of, sweep_folder
    from hookline.session.environment import lend_variables

    study = Study.of_file(file, changes or ())
    config = study.config()
    options = SweepOptions(
        param or (), constraint or (), method, objective, symbol or (), period or (), runs, seed
    )
    request = request_of(config, options)
    works = executor_of(config, executor, executor_param or ())
    lend_variables(file)
    if dry_run:
        told = forecast(study, request, works)
        typer.echo(told)
        raise typer.Exit(0 if told.can_run else EXIT_ERROR)
    folder = sweep_folder(config, output)
    table = _run(study, request, works, folder, fresh=fresh, shows=not no_progress)
    _show(table, folder, open_page=open_page)
    raise typer.Exit(_exit_code(table))


def _run(
    study: Study, request: SweepRequest, works: Executor | None, folder: Path, *, fresh: bool, shows: bool
) -> SweepTable:
    from hookline.research.sweeping import run_sweep

    name = study.name
    with progress_bar(name, wanted=shows, counted=True) as tell:
        return run_sweep(
            study, request.space, request.objective, folder=folder, executor=works,
            progress=None if tell is None else lambda done, total: tell(name, done, total),
            symbols=request.symbols, periods=request.periods, fresh=fresh,
        )  # fmt: skip


def _exit_code(table: SweepTable) -> int:
    if len(table.frame) < table.total:
        typer.echo("the same command goes on where this one stopped", err=True)
        return EXIT_INTERRUPTED
    return EXIT_ERROR if _all_failed(table) else 0


def _all_failed(table: SweepTable) -> bool:
    return bool(table.frame["error"].astype(bool).all())


def _show(table: SweepTable, folder: Path, *, open_page: bool) -> None:
    """Print the best runs and where everything is."""
    from rich.console import Console

    from hookline.research.keeping import ROWS
    from hookline.research.sweep_report import write_page

    Console().print(table)
    typer.echo(str(folder / ROWS))
    if _all_failed(table):
        return
    page = write_page(table, folder / _PAGE)
    typer.echo(str(page))
    if open_page:
        typer.launch(page.resolve().as_uri())
