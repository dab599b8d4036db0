"""``hookline validate``: test whether a backtest may be believed, and write its passport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hookline.cli import EXIT_INTERRUPTED, EXIT_NOT_PASSED
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
    from hookline.research.passport import Passport
    from hookline.research.space import Space
    from hookline.research.sweeping.request import SweepOptions
    from hookline.research.table import Objective
    from hookline.session.config import SessionConfig

__all__ = ["validate"]


def validate(
    file: FileArgument,
    param: ParamOption = None,
    constraint: ConstraintOption = None,
    objective: ObjectiveOption = None,
    method: MethodOption = None,
    runs: RunsOption = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value: validation.windows=8", metavar="ADDRESS=VALUE"),
    ] = None,
    output: OutputOption = None,
    executor: ExecutorOption = None,
    no_progress: NoProgressOption = False,
    open_page: OpenOption = False,
) -> None:
    """Test whether a backtest may be believed, and write its passport.

    The session's own parameters are tested. Say with --param, or under
    'sweep' in the file, from what they were chosen: the more was tried, the
    more a good result is luck.

    \b
    What is asked:
      out of sample   does what was chosen on the first part work on the rest?
      walk forward    would choosing again and again, by the past, have paid?
      chance          how often do random markets pay the positions as well?
      uncertainty     is the Sharpe ratio above zero, or history too short?
      trials          is it better than the luckiest of all (hookline trials)?
      overfitting     does the best of one half stay good on the other?
      costs, delay    is there a profit at twice the costs, and one bar late?
      regimes         where does the money come from: which years and markets?
      leaks           does it see the future, and is it warm when it begins?

    Writes passport.html and passport.json into the session's folder. Exit
    code 0 if the verdict is pass, 1 if not. A live session with
    'live: {require_passport: true}' starts only with one that says pass.

    \b
    Examples:
      What the file says:
        hookline validate session.yaml
      With what else was tried to find its parameters:
        hookline validate session.yaml --param strategies[0].params.fast=5:50:5 \\
          --param strategies[0].params.slow=20:200:10 --constraint 'fast < slow'
      More permutations, and a gap between training and test:
        hookline validate session.yaml --set validation.permutations=10000 \\
          --set validation.embargo_bars=24
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
    try:
        with progress_bar(wanted=not no_progress, counted=False) as tell:
            passport = validate_study(
                study, space, objective=judge, executor=works,
                progress=None if tell is None else lambda what, fraction: tell(f"{what:<22}", fraction, 1.0),
            )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo("interrupted: no passport was written", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
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
