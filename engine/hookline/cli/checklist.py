"""``hookline checklist``: from paper to money."""

from __future__ import annotations

from typing import Annotated

import typer

from hookline.cli.session_folder import SessionArgument, session_folder

__all__ = ["checklist"]

EXIT_FAILED = 1


def checklist(
    session: SessionArgument = None,
    first_capital_fraction: Annotated[
        float | None,
        typer.Option(
            help="Share of the capital that you will begin with, such as 0.05.",
            min=0.0,
            max=1.0,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what a session on paper lacks before it may trade money.

    Exit code 1 while something fails.

    For example: hookline checklist runs/demo --first-capital-fraction 0.05
    """
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from hookline.session.checklist import STAGES, checklist_of

    checks = checklist_of(session_folder(session), first_capital_fraction)
    table = Table("", "what", "found", "needed", box=SIMPLE)
    for check in checks:
        mark = "[green]pass[/green]" if check.passed else "[red]FAIL[/red]"
        table.add_row(mark, escape(check.name), escape(check.found), escape(check.needed))
    console = Console()
    console.print(table)
    stages = ", ".join(f"{stage:.0%}" for stage in STAGES)
    console.print(
        f"Then in stages: {stages} of the capital; each for as long as this list takes, with this list again."
    )
    missing = sum(not check.passed for check in checks)
    if missing:
        console.print(f"{missing} of {len(checks)} are missing.")
        raise typer.Exit(EXIT_FAILED)
