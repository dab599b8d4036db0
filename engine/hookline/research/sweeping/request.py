"""What a sweep is asked to do: by the session file, and by the command line, which wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline import plugins
from hookline.clock import to_ns
from hookline.errors import ConfigError
from hookline.params import PluginUse
from hookline.research.space import Space, parameter_of, parse_parameter
from hookline.research.sweeping.sweep import Period
from hookline.research.table import Objective, Parameter

if TYPE_CHECKING:
    from hookline.session.config import SessionConfig
    from hookline.session.executors import Executor

__all__ = ["SweepOptions", "SweepRequest", "executor_of", "parse_period", "request_of", "sweep_folder"]


@dataclass(frozen=True)
class SweepOptions:
    """What the command line says; empty or None where it says nothing."""

    parameters: Sequence[str] = ()
    constraints: Sequence[str] = ()
    method: str | None = None
    objective: str | None = None
    symbols: Sequence[str] = ()
    periods: Sequence[str] = ()
    runs: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class SweepRequest:
    """A sweep, ready to be run: arguments of :func:`hookline.research.sweeping.run_sweep`."""

    space: Space
    objective: Objective
    symbols: tuple[str, ...] = ()
    periods: tuple[Period, ...] = ()


def request_of(config: SessionConfig, options: SweepOptions) -> SweepRequest:
    """Return the sweep that a session and the command line ask for.

    A parameter of the command line replaces the session's of the same address; constraints add up; the rest replaces.

    Raises:
        ConfigError: if a value breaks its rule.
    """
    entry = config.sweep
    parameters: dict[str, Parameter] = {}
    if entry is not None:
        for address, values in entry.parameters.items():
            found = parameter_of(address, values, f"sweep.parameters.{address}")
            parameters[found.address] = found
    for text in options.parameters:
        found = parse_parameter(text)
        parameters[found.address] = found
    method: Any = options.method or (entry.method if entry else "grid")
    runs, seed = options.runs, options.seed
    # The number of runs of the file is one of its method.
    if runs is None and entry is not None and method == entry.method:
        runs = entry.runs
    constraints = dict.fromkeys([*(entry.constraints if entry else ()), *options.constraints])
    space = Space(
        tuple(parameters.values()),
        tuple(constraints),
        method,
        runs,
        seed if seed is not None else (entry.seed if entry else 0),
    )
    periods = options.periods or (entry.periods if entry else ())
    symbols = options.symbols or (entry.symbols if entry else ())
    return SweepRequest(
        space,
        Objective(options.objective or (entry.objective if entry else "sharpe")),
        (symbols,) if isinstance(symbols, str) else tuple(symbols),
        tuple(parse_period(text) for text in periods),
    )


def parse_period(text: str) -> Period:
    """Return the period that a text such as ``2023-01-01:2024-01-01`` means; an end left out is the session's own.

    Raises:
        ConfigError: if it is none.
    """
    places = [place for place, letter in enumerate(text) if letter == ":"]
    for place in places:  # times have colons too
        try:
            period = Period(_moment(text[:place]), _moment(text[place + 1 :]))
        except ValueError:
            continue
        if None not in period and period.since >= period.until:  # type: ignore[operator]
            raise ConfigError(f"period {text!r}: must end after it begins")
        return period
    raise ConfigError(
        f"period {text!r}: must be two ISO dates or times with a colon between, such as 2023-01-01:2024-01-01"
    )


def _moment(text: str) -> int | None:
    if not text.strip():
        return None
    moment = datetime.fromisoformat(text.strip())
    return to_ns(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def executor_of(config: SessionConfig, use: str | None = None, params: Sequence[str] = ()) -> Executor | None:
    """Return where runs are worked off: as the command line says, else the session, else None for the default.

    Args:
        config: The session.
        use: Name of an executor; the session's own by default.
        params: Its parameters, such as ``address=tcp://host:8786``.

    Raises:
        ConfigError: if a parameter breaks its rule.
        PluginError: if the executor is not installed.
    """
    from hookline.session.yaml_loader import parse

    given: dict[str, Any] = {}
    for text in params:
        name, is_given, value = text.partition("=")
        if not name or not is_given:
            raise ConfigError(f"--executor-param {text}: must be a name, = and a value, such as workers=4")
        given[name] = parse(value, f"--executor-param {text}", {}, is_file=False).data
    own = config.executor
    if use is None and own is None:
        if given:
            raise ConfigError("--executor-param: must come with --executor, the session names none")
        return None
    if use is None or (own is not None and own.use == use):
        assert own is not None, "checked above"
        chosen = PluginUse(own.use, {**own.params, **given}).anchored(own.base)
    else:
        chosen = PluginUse(use, given).anchored(Path())
    executor: Executor = plugins.build_use("executors", chosen, "executor")
    return executor


def sweep_folder(config: SessionConfig, output: Path | None = None) -> Path:
    """Return the folder of a session's sweep: the one given, else beside that of its runs."""
    return output or config.output.with_name(f"{config.output.name}-sweep")
