"""``hookline data``: download or import bars into the catalogue, look at it, check bars, put them together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from hookline.cli.data_report import check_lines, count_table, info_table
from hookline.cli.download import download
from hookline.data.catalogue import Catalogue, WriteCount
from hookline.data.check import CheckReport, FindingKind, check
from hookline.data.csv_table import CsvFormat
from hookline.data.files import check_file, file_symbols, read_file
from hookline.data.resample import resample as to_timeframe
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest
from hookline.model import Timeframe, timeframe_ns

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Bring bars into the catalogue, look at it, check bars, put them together.",
)
app.command("download")(download)

_KINDS: tuple[str, ...] = get_args(FindingKind)

_Folder = Annotated[Path, typer.Option("--catalog", help="Catalogue folder.")]
_Symbol = Annotated[
    str | None, typer.Option("--symbol", help="Symbol: which one of a file with several, else its name.")
]
_Stored = Annotated[
    str | None, typer.Option("--timeframe", help="Timeframe of the files, if their steps do not tell.")
]
_Columns = Annotated[
    list[str] | None, typer.Option("--column", help="Column by name, as open=Open; repeat for more.")
]
_TimeColumn = Annotated[str | None, typer.Option("--time-column", help="Name of the column with the times.")]
_TimeUnit = Annotated[
    Literal["auto", "s", "ms", "us", "ns"],
    typer.Option(
        "--time-unit", help="What integer times count; auto tells by their size in CSV, is ns in Parquet."
    ),
]
_TimeZone = Annotated[str, typer.Option("--time-zone", help="CSV: zone of times that name none.")]
_Label = Annotated[
    Literal["open", "close"], typer.Option("--label", help="CSV: whether times are starts or ends.")
]
_Names = Annotated[
    str, typer.Option("--column-names", help="CSV without a header: names of all columns, comma between.")
]
_Skip = Annotated[int, typer.Option("--skip-lines", min=0, help="CSV: lines before the header.")]
_NewestFirst = Annotated[bool, typer.Option("--newest-first", help="CSV: the last bar comes first.")]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Let new bars win over different ones already there.")
]


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet files of bars.", show_default=False)],
    symbol: _Symbol = None,
    timeframe: _Stored = None,
    column: _Columns = None,
    time_column: _TimeColumn = None,
    time_unit: _TimeUnit = "auto",
    time_zone: _TimeZone = "UTC",
    label: _Label = "open",
    column_names: _Names = "",
    skip_lines: _Skip = 0,
    newest_first: _NewestFirst = False,
    replace: _Replace = False,
    catalog: _Folder = Path("catalog"),
) -> None:
    """Bring CSV or Parquet files into the catalogue. Bars that are there already stay; different ones are an error."""
    form = CsvFormat(
        columns=_mapping(column or []),
        time_column=time_column,
        time_unit=time_unit,
        time_zone=time_zone,
        label=label,
        column_names=[name.strip() for name in column_names.split(",")] if column_names else [],
        skip_lines=skip_lines,
        newest_first=newest_first,
    )
    _known(timeframe)
    console = Console()
    jobs = [(path, stored, name) for path in files for stored, name in _targets(path, symbol, form)]
    counts: list[tuple[str, str, WriteCount]] = []
    for path, stored, name in track(
        jobs, "importing", console=console, transient=True, disable=not console.is_terminal
    ):
        raw = read_file(path, stored, form, timeframe).renamed(name)
        try:
            series = raw.series()
        except DataError as error:
            raise DataError(f"{error}; for everything that is wrong: hookline data check {path}") from None
        counts.append((name, raw.timeframe, Catalogue(catalog).write(series, replace=replace)))
    console.print(count_table(counts))


@app.command()
def info(catalog: _Folder = Path("catalog")) -> None:
    """Show what the catalogue holds."""
    entries = Catalogue(catalog).info()
    console = Console()
    if not entries:
        console.print(f"{escape(str(catalog))} holds no bars")
        return
    console.print(info_table(entries))
    for entry in entries:
        if entry.problem:
            console.print(f"[red]{escape(entry.problem)}[/red]", soft_wrap=True)
    if any(entry.problem for entry in entries):
        raise typer.Exit(1)


@app.command("check")
def check_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="CSV or Parquet files; the whole catalogue if none.", show_default=False),
    ] = None,
    symbol: _Symbol = None,
    timeframe: _Stored = None,
    column: _Columns = None,
    time_column: _TimeColumn = None,
    time_unit: _TimeUnit = "auto",
    time_zone: _TimeZone = "UTC",
    label: _Label = "open",
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help=f"Kind of problem to accept: {', '.join(_KINDS)}.")
    ] = None,
    catalog: _Folder = Path("catalog"),
) -> None:
    """Look for gaps, duplicates and bad bars; exit code 1 if there are any."""
    allowed = frozenset(allow or [])
    for kind in sorted(allowed - set(_KINDS)):
        raise ConfigError(f"--allow: must be one of {', '.join(_KINDS)}, was {kind!r}")
    _known(timeframe)
    form = CsvFormat(
        columns=_mapping(column or []),
        time_column=time_column,
        time_unit=time_unit,
        time_zone=time_zone,
        label=label,
    )
    reports = _file_reports(files, symbol, form, timeframe) if files else _catalogue_reports(catalog, symbol)
    console = Console()
    dirty = False
    for report in reports:
        console.print(check_lines(report, allowed), soft_wrap=True)
        dirty = dirty or bool(report.problems(allowed))
    if dirty:
        raise typer.Exit(1)


@app.command()
def resample(
    symbol: Annotated[str, typer.Argument(help="Symbol in the catalogue.", show_default=False)],
    timeframe: Annotated[str, typer.Argument(help="Timeframe to make, such as 4h.", show_default=False)],
    source: Annotated[
        str | None, typer.Option("--from", help="Timeframe to make it of; default: the longest that fits.")
    ] = None,
    partial: Annotated[
        Literal["drop", "keep"],
        typer.Option("--partial", help="What to do with a first and last bar that is not whole."),
    ] = "drop",
    replace: _Replace = False,
    catalog: _Folder = Path("catalog"),
) -> None:
    """Make longer bars of shorter ones in the catalogue, and keep them there."""
    _known(timeframe)
    _known(source)
    folder = Catalogue(catalog)
    bars = folder.load(BarRequest(symbol, source or folder.shorter(symbol, timeframe)))
    made = to_timeframe(bars, timeframe, partial)
    if len(made) == 0:
        raise DataError(f"{catalog}: the {bars.timeframe} bars of {symbol!r} fill no bar of {timeframe}")
    count = folder.write(made, replace=replace)
    Console().print(count_table([(symbol, timeframe, count)]))


def _targets(path: Path, symbol: str | None, form: CsvFormat) -> list[tuple[str | None, str]]:
    """Return which symbols of a file to read, each with the name that it is to have."""
    have = file_symbols(path, form)
    if symbol is None:
        if not have:
            raise ConfigError(f"{path}: names no symbol; say which it is: --symbol SYMBOL")
        return [(name, name) for name in have]
    if len(have) > 1:
        return [(symbol, symbol)]
    return [(have[0] if have else None, symbol)]


def _file_reports(
    files: list[Path], symbol: str | None, form: CsvFormat, timeframe: Timeframe | None
) -> Iterator[CheckReport]:
    for path in files:
        have = file_symbols(path, form)
        names: list[str | None] = [symbol] if symbol and len(have) > 1 else [*have] or [None]
        for name in names:
            yield check_file(path, name, form, timeframe)


def _catalogue_reports(folder: Path, symbol: str | None) -> Iterator[CheckReport]:
    entries = [entry for entry in Catalogue(folder).info() if symbol in (None, entry.symbol)]
    if not entries:
        raise DataError(f"{folder}: no bars" + (f" of {symbol!r}" if symbol else ""))
    for entry in entries:
        if entry.problem:
            raise DataError(entry.problem)
        yield check(read_file(entry.path, timeframe=entry.timeframe))


def _mapping(pairs: list[str]) -> dict[str, str]:
    columns = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs):
            raise ConfigError(f"--column: must be such as open=Open, was {pair!r}")
        columns[ours.strip()] = theirs.strip()
    return columns


def _known(timeframe: Timeframe | None) -> None:
    try:
        timeframe_ns(timeframe or "1m")
    except ValueError as error:
        raise ConfigError(str(error)) from None
