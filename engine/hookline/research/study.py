"""What is studied: a session of which many variants are run, on data that is read once.

Rules of this file:

- A study travels to other processes as what names it (a file or a mapping, and changes): each process reads the data itself, from where
  the feed finds it, and keeps it.
- Every run is a backtest: nothing is written, and no venue is asked for anything but history.
- Bars before the start of a run warm up its columns; nothing trades on them, and they are in no figure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline import plugins
from hookline.errors import ConfigError
from hookline.model import BarSeries
from hookline.params import PluginUse
from hookline.problems import join

if TYPE_CHECKING:
    from hookline.reporting.result import Result
    from hookline.session.config import SessionConfig
    from hookline.session.plan import Plan
    from hookline.strategy import Strategy

__all__ = ["Job", "Study"]

_STRATEGY = "strategies[0].params."


@dataclass(frozen=True)
class Job:
    """One run of a study.

    Args:
        values: Addresses as ``--set`` takes them, and values as YAML gives them.
        symbol: Instrument to trade instead of the session's, empty for those of the session.
        since: When trading begins, nanoseconds UTC; bars before it warm up. None for the session's own start.
        until: Bars start before this time, nanoseconds UTC; None for the session's own end.
    """

    values: tuple[tuple[str, Any], ...] = ()
    symbol: str = ""
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Study:
    """A session to be run in variants.

    Args:
        source: Path of a session file, or what it would hold as JSON text.
        overrides: Changes for all variants, as ``--set`` takes them.
        base: Folder of relative paths where the source is no file.
    """

    source: str
    overrides: tuple[str, ...] = ()
    base: str = "."

    @classmethod
    def of_file(cls, path: Path | str, overrides: Sequence[str] = ()) -> Study:
        """Return the study of a session file.

        Raises:
            ConfigError: if the file is no session, or one that cannot be studied.
        """
        study = cls(str(Path(path).resolve()), tuple(overrides))
        study.config()
        return study

    @classmethod
    def of_mapping(cls, data: Mapping[str, Any], base: Path | str = ".") -> Study:
        """Return the study of a session from Python; it is what a file would hold.

        Raises:
            ConfigError: if it is no session, or one that cannot be studied.
        """
        study = cls(json.dumps(data), base=str(base))
        study.config()
        return study

    @property
    def name(self) -> str:
        """The session's name."""
        return self.config().name

    def config(self, job: Job | None = None) -> SessionConfig:
        """Return the configuration of a variant: a backtest that writes nothing.

        Raises:
            ConfigError: with one line for each problem.
        """
        config = _config(self, () if job is None else _changes(self, job))
        if job is None or job.until is None:
            return config
        return replace(config, until=job.until)

    def plan(self, job: Job) -> Plan:
        """Return everything that one run needs, with new plugins; data that was read before is not read again.

        Raises:
            ConfigError: if a parameter breaks its rule.
            DataError: if the data is missing or cannot be trusted.
        """
        from hookline.session.assembly import assemble

        known = _known(self, job.symbol, job.until)
        return replace(assemble(self.config(job), known), begin=job.since)

    def run(self, job: Job) -> Result:
        """Run one variant through the event kernel.

        Raises:
            ConfigError: if a parameter breaks its rule.
            DataError: if the data is missing or cannot be trusted.
            StrategyError: if a strategy raises.
        """
        from hookline.session import Session

        return Session(self.plan(job)).run()

    def series(self, symbol: str = "") -> dict[str, BarSeries]:
        """Return the bars of the session's instruments, or of another one, by symbol; with those that only warm up."""
        return {request.symbol: series for request, series in _known(self, symbol, None).loaded.items()}

    def strategy(self, job: Job) -> Strategy | None:
        """Return the strategy of a variant without the rest of it.

        None where that is not all there is to it: several strategies, or values that change more than parameters.

        Raises:
            ConfigError: if a parameter breaks its rule.
        """
        uses = self._strategies
        if len(uses) != 1 or any(not address.startswith(_STRATEGY) for address, _ in job.values):
            return None
        changed = {address.removeprefix(_STRATEGY): value for address, value in job.values}
        if any("." in name or "[" in name for name in changed):
            return None
        use = uses[0]
        strategy: Strategy = plugins.build(
            "strategies", use.use, {**use.params, **changed}, "strategies[0]", use.base
        )
        return strategy

    @cached_property
    def _strategies(self) -> list[PluginUse]:
        config = self.config()
        return [PluginUse(use.use, use.params).anchored(config.base) for use in config.strategies]


def _changes(study: Study, job: Job) -> tuple[str, ...]:
    found = [f"{address}={json.dumps(value)}" for address, value in job.values]
    if job.symbol:
        config, alone = study.config(), json.dumps([job.symbol])
        found.append(f"symbols={alone}")
        found += [f"strategies[{number}].symbols={alone}" for number in range(len(config.strategies))]
        # Nothing may be said of instruments that are not there; an empty value leaves them out.
        found += [f"{join('instruments', (name,))}=" for name in config.instruments if name != job.symbol]
    return tuple(found)


@lru_cache(maxsize=64)
def _config(study: Study, changes: tuple[str, ...]) -> SessionConfig:
    from hookline.session.loader import load_session, session_from

    overrides = (*study.overrides, *changes)
    if study.source.startswith("{"):
        config = session_from(json.loads(study.source), base=study.base, overrides=overrides)
    else:
        config = load_session(study.source, overrides)
    if len(config.venues):
        raise ConfigError(f"{config.name}: a study has one venue, the session has {', '.join(config.venues)}")
    return replace(config, mode="backtest", reporters=(), notifiers=())


@lru_cache(maxsize=8)
def _known(study: Study, symbol: str, until: int | None) -> Plan:
    """Return a plan with all data that its variants share."""
    from hookline.session.assembly import assemble
    from hookline.session.feeding import load_bars

    plan = assemble(study.config(Job(symbol=symbol, until=until)))
    loaded = {one: plan.loaded.get(one) or load_bars(plan.feed, one) for one in plan.requests}
    return replace(plan, loaded=loaded)
