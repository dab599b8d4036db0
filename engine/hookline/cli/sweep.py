"""``hookline sweep``: run a session with many values of its parameters, and show which did well."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookline.cli import EXIT_ERROR, EXIT_INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console

    from hookline.research.table import SweepTable

__all__ = ["sweep"]

_PAGE = "sweep.html"


def sweep(
    file: Annotated[Path, typer.Argument(help="Session file.", show_default=False)],
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            help="What varies: ADDRESS=5:50:5 for steps, ADDRESS=5,8,13 for a list, ADDRESS=0.5..3 (or 0.001..1@log) for "
            "anything between. Repeat for more.",
            metavar="ADDRESS=VALUES",
        ),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option("--constraint", help="Rule between parameters: 'fast < slow'.", metavar="RULE"),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(help="Figure by which runs are compared; sharpe by default.", metavar="METRIC"),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="grid (by default), random, or bayes, which learns from runs.", metavar="METHOD"),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(help="Combinations to try with random and bayes; 100 by default.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Start of the search's randomness; 0 by default.", show_default=False)
    ] = None,
    symbol: Annotated[
        list[str] | None,
        typer.Option(
            "--symbol", help="Instrument to trade alone; 'each' for all of the session. Repeat for more."
        ),
    ] = None,
    period: Annotated[
        list[str] | None,
        typer.Option(
            "--period", help="When to trade: 2023-01-01:2024-01-01; bars before warm up. Repeat for more."
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value for all runs: cash=5000", metavar="ADDRESS=VALUE"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the results, instead of runs/NAME-sweep.", show_default=False),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            help="Where runs are worked off: serial, threads, processes, dask, or a plugin; what is soonest by default.",
            metavar="NAME",
        ),
    ] = None,
    executor_param: Annotated[
        list[str] | None,
        typer.Option(
            "--executor-param", help="Its parameters: address=tcp://host:8786", metavar="NAME=VALUE"
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew; results that are there are moved aside.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many runs there are and how long they take.")
    ] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no progress bar.")] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page when done.")] = False,
) -> None:
    """Run a session with many values of its parameters, and show which did well.

    All of it may stand in the session file under 'sweep' instead; what is given here wins. Rows are kept in
    runs/NAME-sweep/sweep.parquet. Ctrl-C keeps what is done, with exit code 130; the same command goes on where it stopped.

    Every combination that is tried makes the best one look better than it is. Before believing it: hookline validate

    For example, a grid of two parameters:

    hookline sweep session.yaml --param strategies[0].params.fast=5:50:5 --param strategies[0].params.slow=20:200:10
    --constraint 'fast < slow' --objective calmar

    A search among many: hookline sweep session.yaml --param strategies[0].params.adx_min=0..40 --method bayes --runs 200

    Other markets and years: hookline sweep session.yaml --symbol each --period 2022-01-01:2023-01-01 --period
    2023-01-01:2024-01-01

    How long it will take: hookline sweep session.yaml --dry-run
    """
    from rich.console import Console

    from hookline.research.study import Study
    from hookline.research.sweeping import run_sweep
    from hookline.research.sweeping.forecast import forecast
    from hookline.research.sweeping.request import SweepOptions, executor_of, request_of, sweep_folder
    from hookline.session.environment import lend_variables

    study = Study.of_file(file, changes or ())
    config = study.config()
    request = request_of(
        config,
        SweepOptions(
            param or (), constraint or (), method, objective, symbol or (), period or (), runs, seed
        ),
    )
    works = executor_of(config, executor, executor_param or ())
    lend_variables(file)
    console = Console()
    if dry_run:
        typer.echo(forecast(study, request, works))
        return
    folder = sweep_folder(config, output)
    with _progress(config.name, wanted=not no_progress and sys.stderr.isatty()) as progress:
        table = run_sweep(
            study, request.space, request.objective, folder=folder, executor=works, progress=progress,
            symbols=request.symbols, periods=request.periods, fresh=fresh,
        )  # fmt: skip
    _show(table, folder, console, open_page=open_page)
    raise typer.Exit(_exit_code(table))


def _exit_code(table: SweepTable) -> int:
    if len(table.frame) < table.total:
        typer.echo("the same command goes on where this one stopped", err=True)
        return EXIT_INTERRUPTED
    return EXIT_ERROR if table.frame["error"].astype(bool).all() else 0


def _show(table: SweepTable, folder: Path, console: Console, *, open_page: bool) -> None:
    """Print the best runs and where everything is."""
    from hookline.research.keeping import ROWS
    from hookline.research.sweep_report import write_page
    from hookline.research.sweep_report.text import render

    failed = table.frame[table.frame["error"] != ""]
    if len(failed):
        typer.echo(f"{len(failed):,} runs failed; the first: {failed['error'].iloc[0]}", err=True)
    if len(failed) == len(table.frame):
        for notice in table.notices:
            typer.echo(notice, err=True)
        return
    console.print(render(table))
    page = write_page(table, folder / _PAGE)
    typer.echo(str(folder / ROWS))
    typer.echo(str(page))
    if open_page:
        typer.launch(page.resolve().as_uri())


@contextmanager
def _progress(name: str, *, wanted: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show a progress bar while runs are worked off; give what is told how many are done."""
    from hookline.cli.compiling import telling_of_compiling

    if not wanted:
        with telling_of_compiling():
            yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, description=name, completed=done, total=total)

        with telling_of_compiling(lambda text: bar.update(task, description=text), bar.console.print):
            yield tell
