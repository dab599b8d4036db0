"""``hookline watchdog``: a process of its own that stops a session when it fails."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hookline.session.vigil import Limits

__all__ = ["watchdog"]

EXIT_ACTED = 1


def watchdog(
    session: Annotated[
        Path,
        typer.Argument(
            help="A session file, the folder of its output, or its name under runs/.", show_default=False
        ),
    ],
    max_silence: Annotated[
        float, typer.Option(help="Seconds without a sign of life.", min=2.0, metavar="SECONDS")
    ] = 30.0,
    max_data_age: Annotated[
        float,
        typer.Option(
            help="Age of the newest market data, beyond the length of a bar where only bars are followed; 0: any.",
            min=0.0,
            metavar="SECONDS",
        ),
    ] = 120.0,
    max_drawdown: Annotated[
        float,
        typer.Option(
            help="Fall of equity from its highest, as a fraction of that; 0: any.",
            min=0.0,
            max=1.0,
            metavar="FRACTION",
        ),
    ] = 0.2,
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Close every position at the market as well.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Look once and end, for schedulers.")] = False,
    poll: Annotated[
        float, typer.Option(help="Time between two looks.", min=0.05, max=60.0, metavar="SECONDS")
    ] = 1.0,
) -> None:
    """Watch a session from a process of its own, and stop it when it fails.

    It fails when it gives no sign of life for too long, its data is too old, its equity has fallen too far, or its process is gone
    without having said that it ended. The watchdog then asks the session to stop, as hookline kill does, and over a connection of
    its own cancels every order of the account in the session's symbols, again and again until the venue shows none; positions
    stay as they are, without orders that protect them, unless --flatten closes them.

    Its connection is tried at the start. It waits for a session that does not run. Exit code 1 once it has acted; with --once, 0 if there was no need.

    For example: hookline watchdog session.yaml --max-drawdown 0.1 --flatten
    """
    from hookline.session.vigil import Limits
    from hookline.session.watchdog import Watchdog

    logging.getLogger("hookline").addHandler(
        logging.NullHandler()
    )  # each thing done is a line of this command
    limits = Limits(max_silence, max_data_age or None, max_drawdown or None)
    dog = Watchdog(session, limits, flatten=flatten, show=typer.echo)
    dog.say(_description(dog.target.legs, limits, flatten=flatten))
    if not once:
        dog.prepare()
    reason = dog.look_once() if once else dog.watch(poll)
    raise typer.Exit(EXIT_ACTED if reason else 0)


def _description(legs: tuple[object, ...], limits: Limits, *, flatten: bool) -> str:
    where = ", ".join(f"{leg.title}: {' '.join(leg.symbols)}" for leg in legs) or "on paper, no venue"  # type: ignore[attr-defined]
    data = "any" if limits.data_age_seconds is None else f"{limits.data_age_seconds:g} s"
    fall = "any" if limits.drawdown_fraction is None else f"{limits.drawdown_fraction:.1%}"
    then = "cancels and flattens" if flatten else "cancels"
    return f"watched ({where}); silence at most {limits.silence_seconds:g} s, data age {data}, drawdown {fall}; then {then}"
