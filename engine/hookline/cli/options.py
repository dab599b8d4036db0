"""Options that commands have in common: declared once, so that they are called and explained alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "ConstraintOption",
    "ExecutorOption",
    "FileArgument",
    "MethodOption",
    "NoProgressOption",
    "ObjectiveOption",
    "OpenOption",
    "OutputOption",
    "ParamOption",
    "RunsOption",
]

FileArgument = Annotated[Path, typer.Argument(help="Session file.", show_default=False)]
ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        help="What varies: ADDRESS=5:50:5 for steps, ADDRESS=5,8,13 for a list, ADDRESS=0.5..3 (or 0.001..1@log) for anything "
        "between. Repeat for more.",
        metavar="ADDRESS=VALUES",
    ),
]
ConstraintOption = Annotated[
    list[str] | None,
    typer.Option(
        "--constraint", help="Rule between parameters: 'fast < slow'. Repeat for more.", metavar="RULE"
    ),
]
ObjectiveOption = Annotated[
    str | None,
    typer.Option(
        help="Figure by which runs are compared and parameters chosen; sharpe by default.", metavar="METRIC"
    ),
]
MethodOption = Annotated[
    str | None,
    typer.Option(
        help="grid (by default), random, or in a sweep bayes, which learns from runs.", metavar="METHOD"
    ),
]
RunsOption = Annotated[
    int | None,
    typer.Option(help="Combinations to try where the method is not grid; 100 by default.", metavar="COUNT"),
]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        help="Where runs are worked off: serial, threads, processes, dask, or a plugin; what is soonest by default.",
        metavar="NAME",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder of what is written, instead of one under runs/.", show_default=False, metavar="FOLDER"
    ),
]
NoProgressOption = Annotated[bool, typer.Option("--no-progress", help="Show no progress bar.")]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the page when done.")]
