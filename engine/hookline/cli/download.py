"""``hookline data download``: bring the history of a feed into the catalogue."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookline.clock import from_ns, isoformat, to_ns
from hookline.errors import ConfigError, VenueError
from hookline.feed import BarRequest, Feed
from hookline.model import timeframe_ns

if TYPE_CHECKING:
    from rich.console import Console

    from hookline.data.catalogue import Catalogue
    from hookline.data.download import DownloadCount, PartDone

__all__ = ["download"]

EXIT_BAD = 1


def download(
    feed: Annotated[str, typer.Option("--feed", help="Feed plugin, such as lmex.", show_default=False)],
    symbol: Annotated[
        list[str], typer.Option("--symbol", help="Symbol; repeat for more.", show_default=False)
    ],
    timeframe: Annotated[str, typer.Option("--timeframe", help="Such as 1m, 1h or 1d.")] = "1h",
    since: Annotated[
        str | None,
        typer.Option(
            "--since", help="First bar, ISO date or time in UTC; default: where the stored bars begin."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Bars start before this; default: up to now.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "--params", help="Parameter of the feed, as path=bars.csv; repeat for more."),
    ] = None,
    funding: Annotated[bool, typer.Option("--funding", help="Funding rates of perpetuals too.")] = False,
    refill: Annotated[
        bool, typer.Option("--refill", help="Ask again for bars that are missing in between.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let the feed's bars win over different ones already there.")
    ] = False,
    catalog: Annotated[Path, typer.Option("--catalog", "--catalogue", help="Catalogue folder.")] = Path(
        "catalog"
    ),
) -> None:
    """Bring the history of a feed into the catalogue; go on where an earlier download ended.

    Each month is kept as it comes, so Ctrl-C loses nothing. Only bars that are closed are stored. Gaps are shown at the end.

    For example: hookline data download --feed lmex --symbol BTC-PERP --timeframe 1h --since 2024-01-01
    """
    from rich.console import Console

    from hookline.data.catalogue import Catalogue
    from hookline.plugins import build

    _check_timeframe(timeframe)
    bounds = _moment(since, "--since"), _moment(until, "--until")
    if bounds[0] is not None and bounds[1] is not None and bounds[0] >= bounds[1]:
        raise ConfigError(f"--until: must be after --since {since}, was {until}")
    source = build("feeds", feed, _params(settings or []), "")
    console, folder = Console(), Catalogue(catalog)
    is_bad = False
    for name in symbol:
        request = BarRequest(name, timeframe, *bounds)
        count = _bring(console, source, request, folder, refill, replace)
        is_bad = _report(console, folder, request, count) or is_bad
        if funding:
            _bring_funding(console, source, request, folder)
    if is_bad:
        raise typer.Exit(EXIT_BAD)


def _bring(
    console: Console, feed: Feed, request: BarRequest, folder: Catalogue, refill: bool, replace: bool
) -> DownloadCount:
    from hookline.data.download import download_bars
    from hookline.session.feeding import load_bars

    load, now = partial(load_bars, feed), feed.clock.now
    try:
        with _progress(console, request) as seen:
            return download_bars(load, request, folder, now, refill=refill, overwrite=replace, on_part=seen)
    except (KeyboardInterrupt, VenueError):
        console.print("what came is kept; the same command goes on there")
        raise


@contextmanager
def _progress(console: Console, request: BarRequest) -> Iterator[Callable[[PartDone], None]]:
    """Show how far a download is and when it will be over."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("[bold]{task.description}[/bold]"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[added]:,} bars{task.fields[at]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"{request.symbol} {request.timeframe}", total=1.0, added=0, at="")
        added = 0

        def seen(done: PartDone) -> None:
            nonlocal added
            added += done.added
            at = f", at {from_ns(done.part.until):%Y-%m-%d}"
            progress.update(bar, completed=done.done_fraction, added=added, at=at)

        yield seen


def _report(console: Console, folder: Catalogue, request: BarRequest, count: DownloadCount) -> bool:
    """Print what a download did and what is wrong with the bars; return whether anything but gaps is."""
    from rich.markup import escape

    from hookline.cli.data_report import check_lines
    from hookline.data.check import check
    from hookline.data.files import read_file

    replaced = f", {count.replaced:,} replaced" if count.replaced else ""
    console.print(f"{escape(request.symbol)} {request.timeframe}: {count.added:,} bars added{replaced}")
    for missed in count.missed:
        span = f"{isoformat(missed.part.since)} to {isoformat(missed.part.until)}"
        console.print(f"  [yellow]nothing from {span}[/yellow]: {escape(missed.reason)}", soft_wrap=True)
    path = folder.path(request.symbol, request.timeframe)
    report = check(read_file(path, timeframe=request.timeframe))
    console.print(check_lines(report, frozenset({"gap"})), soft_wrap=True)
    return bool(report.problems(frozenset({"gap"})))


def _bring_funding(console: Console, feed: Feed, request: BarRequest, folder: Catalogue) -> None:
    from rich.markup import escape

    from hookline.data.download import funding_path, store_funding
    from hookline.session.feeding import funding_of

    entry = next(
        one for one in folder.info() if (one.symbol, one.timeframe) == (request.symbol, request.timeframe)
    )
    since = entry.first if request.since is None else request.since
    until = entry.last + timeframe_ns(request.timeframe) if request.until is None else request.until
    rates = funding_of(feed, request.symbol, since, until)
    if rates is None:
        console.print(f"{escape(request.symbol)}: feed {feed.name!r} knows no funding of it")
        return
    added = store_funding(folder, request.symbol, rates)
    path = funding_path(folder, request.symbol)
    console.print(
        f"{escape(request.symbol)} funding: {added:,} rates added, {escape(str(path))}", soft_wrap=True
    )


def _params(settings: list[str]) -> dict[str, Any]:
    """Return the parameters that were set, read as a session file reads them."""
    from hookline.session.environment import read_dotenv
    from hookline.session.overrides import parse_address
    from hookline.session.yaml_loader import parse

    environ = {**read_dotenv(Path(".env")), **os.environ}
    params: dict[str, Any] = {}
    for setting in settings:
        location, text = parse_address(setting)
        names = [str(part) for part in location]
        inner = params
        for name in names[:-1]:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"--set {setting}: {name} was set to a value before")
        inner[names[-1]] = parse(text, f"--set {setting}", environ, is_file=False).data
    return params


def _moment(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{option}: must be an ISO date or time such as 2024-01-31 or 2024-01-31T12:00:00Z, was {text!r}"
        ) from None
    return to_ns(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _check_timeframe(timeframe: str) -> None:
    try:
        timeframe_ns(timeframe)
    except ValueError as error:
        raise ConfigError(f"--timeframe: {error}") from None
