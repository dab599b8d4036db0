"""``hookline run``: run session files and write their reports."""

from __future__ import annotations

import dataclasses
import io
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookline.cli import EXIT_BUG, EXIT_ERROR, EXIT_INTERRUPTED
from hookline.errors import ConfigError, HooklineError, PluginError, StrategyError

if TYPE_CHECKING:
    from hookline.model import VenueAccount
    from hookline.reporting.result import Result
    from hookline.session import Session
    from hookline.session.config import SessionConfig
    from hookline.session.executors import Executor
    from hookline.session.live import Confirm

__all__ = ["run"]

_REPORT = "report.html"


@dataclass(frozen=True)
class _Job:
    """One file to run; it may be sent to another process."""

    file: Path
    overrides: tuple[str, ...]
    output: Path | None
    progress: bool
    width: int
    color: bool
    fresh: bool = False
    accept_changes: bool = False
    confirm: str | None = None


@dataclass(frozen=True)
class _Outcome:
    """What to print of a run; ``report`` is the file to open, or the folder where there is none."""

    summary: str = ""
    report: Path = Path()
    interrupted: bool = False
    error: str = ""
    code: int = 0


def run(
    files: Annotated[
        list[Path], typer.Argument(help="Session files.", metavar="FILE...", show_default=False)
    ],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value: strategies[0].params.fast=12", metavar="ADDRESS=VALUE"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the reports, instead of the session's own.", show_default=False),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew; the journal that is there is moved aside.")
    ] = False,
    accept_changes: Annotated[
        bool,
        typer.Option("--accept-changes", help="Go on with the journal although the file has changed."),
    ] = False,
    confirm: Annotated[
        str | None,
        typer.Option(
            help="Trade live without being asked: the name of the session, typed out.",
            metavar="SESSION",
            show_default=False,
        ),
    ] = None,
    open_report: Annotated[bool, typer.Option("--open", help="Open the report when done.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no progress bar.")] = False,
    executor: Annotated[
        str, typer.Option(help="Where several files run: serial, processes, or a plugin.", metavar="NAME")
    ] = "serial",
) -> None:
    """Run session files and write their reports.

    Ctrl-C or SIGTERM stops a run early; its report is written all the same, and the exit code is 130. A second one ends at
    once. A session on paper or live goes on where its journal ends. A live one shows what it will do with money and wants CONFIRM
    to be typed, or --confirm SESSION.

    For example: hookline run session.yaml --set mode=paper
    """
    if fresh and accept_changes:
        raise ConfigError("--fresh and --accept-changes: give one of them, was both")
    from rich.console import Console

    console = Console()
    progress = not no_progress and executor == "serial" and sys.stderr.isatty()
    first = _Job(
        files[0], tuple(changes or ()), output, progress, console.width, console.is_terminal, fresh, accept_changes,
        confirm,
    )  # fmt: skip
    works = _executor(executor)
    if len(files) == 1:
        outcomes: Iterator[_Outcome] = iter([_run(first)])
    else:
        _refuse_shared_folders(first, files)
        jobs = [dataclasses.replace(first, file=file, output=_folder(output, file, files)) for file in files]
        outcomes = works.map(_run_guarded, jobs)
    raise typer.Exit(_report_all(outcomes, open_report=open_report))


def _folder(output: Path | None, file: Path, files: list[Path]) -> Path | None:
    """Return a folder for each of several files below the one given."""
    if output is None:
        return None
    twins = [other for other in files if other.stem == file.stem]
    if len(twins) > 1:
        raise ConfigError(
            f"--output {output}: files must have different names, was {file.stem!r} {len(twins)} times"
        )
    return output / file.stem


def _refuse_shared_folders(job: _Job, files: list[Path]) -> None:
    """Refuse sessions that would overwrite each other's reports."""
    from hookline.session.loader import load_session

    owners: dict[Path, Path] = {}
    for file in files if job.output is None else ():
        try:
            folder = load_session(file, job.overrides).output.resolve()
        except HooklineError:
            continue  # told when its turn comes
        if folder in owners:
            raise ConfigError(
                f"{file}: must have a folder of its own, {owners[folder]} writes to {folder} too; give them different names"
            )
        owners[folder] = file


def _executor(name: str) -> Executor:
    from hookline import plugins

    made: Executor = plugins.build("executors", name, {}, "")
    return made


def _report_all(outcomes: Iterator[_Outcome], *, open_report: bool) -> int:
    """Print each outcome as it comes, then where the reports are, and return the exit code."""
    code, reports = 0, []
    for outcome in outcomes:
        if outcome.error:
            typer.echo(outcome.error, err=True)
            code = max(code, outcome.code)
            continue
        typer.echo(outcome.summary)
        reports.append(outcome.report)
        code = max(code, EXIT_INTERRUPTED if outcome.interrupted else 0)
    for report in reports:
        if open_report:
            typer.launch(report.resolve().as_uri())
        typer.echo(str(report))
    return code


def _run_guarded(job: _Job) -> _Outcome:
    """Run one of several files; what is wrong with it does not stop the others."""
    try:
        return _run(job)
    except StrategyError as error:
        cause = "".join(traceback.format_exception(error.__cause__)) if error.__cause__ is not None else ""
        return _Outcome(error=f"{cause}error: {job.file}: {error}", code=EXIT_BUG)
    except HooklineError as error:
        text = "\n".join(f"error: {line}" for line in str(error).splitlines())
        return _Outcome(error=text, code=EXIT_ERROR)


def _run(job: _Job) -> _Outcome:
    from hookline.session.environment import lend_variables
    from hookline.session.loader import load_session

    _show_log()
    config = load_session(job.file, job.overrides)
    if job.output is not None:
        config = dataclasses.replace(config, output=job.output)
    from hookline.session import Session  # only now: a wrong file is told before the engine is loaded

    if job.fresh:
        from hookline.session.aside import move_aside

        kept = move_aside(config.output)
        if kept is not None:
            typer.echo(f"the earlier journal is in {kept}", err=True)
    lend_variables(job.file)
    session = Session.from_config(config, accept_changes=job.accept_changes)
    confirm = _confirm(session, job) if config.mode == "live" else None
    with _progress(job, config) as progress:
        result = session.run(progress=progress, confirm=confirm)
    if result.record.unvalued:
        return _without_figures(result, config)
    report = _write(session, config, result)
    return _Outcome(_rendered(result, job), report, result.record.interrupted)


def _confirm(session: Session, job: _Job) -> Confirm:
    """Return what shows the page of a live session and asks for consent.

    Raises:
        ConfigError: if nobody can consent.
    """
    from rich.console import Console

    from hookline.session.confirming import LiveFacts, ask_at, checks_of, confirm_live, refuse_unconfirmed
    from hookline.session.confirming_numbers import funding_now

    plan, console = session.plan, Console()
    answer = ask_at(console)
    refuse_unconfirmed(plan.name, job.confirm, answer)

    def confirm(account: VenueAccount, prices: Mapping[str, float]) -> None:
        facts = LiveFacts(plan, prices, funding_now(plan), checks=checks_of(plan))
        confirm_live(facts, account, console, answer, confirm=job.confirm)

    return confirm


class _StandardError(logging.StreamHandler[Any]):
    """Writes to the error stream of the moment: a progress bar puts its own in place, to draw below what is written."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _show_log() -> None:
    """Show what strategies, observers and notifiers log, unless the process has a log of its own."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", handlers=[_StandardError()])
    log = logging.getLogger("hookline")
    if log.level == logging.NOTSET:
        log.setLevel(logging.INFO)


@contextmanager
def _progress(job: _Job, config: SessionConfig) -> Iterator[Callable[[float, int], None] | None]:
    """Show a progress bar while a run lasts, if wanted; give what the run reports to. Live there is no end to progress to."""
    if not job.progress or config.mode == "live":
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from hookline.clock import isoformat

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[at]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(config.name, total=1.0, at="")
        yield lambda fraction, time: bar.update(task, completed=fraction, at=isoformat(time))


def _without_figures(result: Result, config: SessionConfig) -> _Outcome:
    """Keep what a run has traded of which no bar has ended: a live session that was stopped at once."""
    _write_journal(result, config.output)
    record = result.record
    text = (
        f"{record.name}: {len(record.fills):,} fills of {', '.join(record.unvalued)}, but no bar ended before the run did, so "
        f"there are no figures and no report; all orders and fills: hookline journal show {config.output}\n"
    )
    return _Outcome(text, config.output, record.interrupted)


def _write(session: Session, config: SessionConfig, result: Result) -> Path:
    """Write the journal and every report; return the page to open, else the folder.

    Raises:
        ConfigError: if the folder cannot be written to.
        PluginError: if a reporter raises; the others have written theirs.
    """
    folder = config.output
    wrong: list[str] = []
    paths: list[Path] = []
    _write_journal(result, folder)
    for reporter in session.plan.reporters:
        try:
            paths += reporter.write(result, folder)
        except Exception as error:  # noqa: BLE001  # a plugin is called
            wrong.append(f"reporter {reporter.name!r} raised {type(error).__name__}: {error}")
    if wrong:
        raise PluginError("\n".join(wrong))
    return next((path for path in paths if path.name == _REPORT), folder)


def _write_journal(result: Result, folder: Path) -> None:
    from hookline.reporting.journal_export import write_journal

    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_journal(result.record, folder / "journal.jsonl")
    except OSError as error:
        raise ConfigError(f"{folder}: reports cannot be written there: {error.strerror}") from error


def _rendered(result: Result, job: _Job) -> str:
    """Return the summary as text with the codes of the terminal it will be printed to."""
    from rich.console import Console

    buffer = io.StringIO()
    Console(file=buffer, width=job.width, force_terminal=job.color).print(result.summary())
    return buffer.getvalue()
