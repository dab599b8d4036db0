"""The study of classes and data that are in memory.

What a session file would say is made of the arguments, so that a notebook and the command line run the very same thing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline import plugins
from hookline.errors import ConfigError, PluginError
from hookline.model import BarSeries, Instrument
from hookline.problems import did_you_mean
from hookline.research.studies.data import VALUE, write_bars, write_external
from hookline.research.study import Study
from hookline.strategy import Strategy

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries
    from hookline.kernel.sizing import Sizer

__all__ = ["LocalStudy", "Setting", "Values", "local_study", "plain_values"]

Values = str | Sequence[Any]


@dataclass(frozen=True)
class LocalStudy(Study):
    """A study of classes that may be of this process alone.

    Args:
        source: As of any study.
        overrides: As of any study.
        base: As of any study.
        classes: Kind, name and class of plugins that the source names; they go to other processes with the study.
    """

    classes: tuple[tuple[str, str, type[Any]], ...] = ()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Let the process in which the study has arrived find the classes by their names.

        Raises:
            PluginError: if another class goes by one of the names there.
        """
        self.__dict__.update(state)
        for kind, name, cls in self.classes:
            found = plugins.adopt(kind, cls)
            if found != name:
                raise PluginError(
                    f"{cls.__module__}.{cls.__qualname__}: must be called {name!r} here, is {found!r}"
                )

    @property
    def can_travel(self) -> bool:
        """Whether another process can import the classes; what a notebook or a function made, it cannot."""
        return all(
            cls.__module__ != "__main__" and "<locals>" not in cls.__qualname__ for _, _, cls in self.classes
        )


@dataclass(frozen=True)
class Setting:
    """On what a strategy is studied, and with what: the arguments that :func:`sweep` and :func:`validate` share.

    Args:
        data: As for :func:`hookline.backtest`.
        cash: Cash at the start, in quote currency.
        sizer: Sizing model; the strategy's own by default.
        instruments: Steps and limits of the instruments; what is missing is taken from the prices.
        external: Series for ``external()`` columns, by name.
        funding: Funding rates of perpetuals, by symbol.
        seed: Start of all randomness.
        name: Of the study in reports; the strategy's by default.
        broker_params: Parameters of the paper broker.
    """

    data: Any
    cash: float = 10_000.0
    sizer: Sizer | None = None
    instruments: Sequence[Instrument] = ()
    external: Mapping[str, ExternalSeries] | None = None
    funding: Mapping[str, ExternalSeries] | None = None
    seed: int = 0
    name: str = ""
    broker_params: Mapping[str, Any] = field(default_factory=dict)


def local_study(
    strategy: Strategy | type[Strategy],
    setting: Setting,
    parameters: Mapping[str, Values] | None = None,
    folder: Path | None = None,
) -> LocalStudy:
    """Return the study of a strategy on bars in memory.

    Args:
        strategy: A class, or an instance whose parameters stay as they are unless they vary.
        setting: On what it is studied, and with what.
        parameters: What varies, by name.
        folder: Where data is written; a temporary one by default.

    Raises:
        ConfigError: if it is no session, or one that cannot be studied.
        DataError: if the bars cannot be trusted.
    """
    from hookline.api import series_of

    series = series_of(setting.data)
    seat, named = _seat(strategy, setting.sizer, parameters or {})
    # A wrong one would fail in every run alike.
    plugins.build("brokers", "paper", setting.broker_params, "broker")
    session = {
        "name": setting.name or seat["use"],
        "symbols": list(series),
        "timeframe": _timeframe_of(series),
        "cash": float(setting.cash),
        "seed": setting.seed,
        "currency": setting.instruments[0].quote if setting.instruments else "USDT",
        "feed": {"use": "parquet", "params": {"path": write_bars(series, folder)}},
        "broker": {"use": "paper", "params": dict(setting.broker_params)},
        "strategies": [seat],
        **_instruments_of(series, setting, folder),
    }
    study = LocalStudy(json.dumps(session), classes=named)
    study.config()
    return study


def _seat(
    strategy: Strategy | type[Strategy], sizer: Sizer | None, parameters: Mapping[str, Values]
) -> tuple[dict[str, Any], tuple[tuple[str, str, type[Any]], ...]]:
    """Return what a session says of a strategy and its sizer, and the classes that it names."""
    cls = _class_of(strategy)
    use = plugins.adopt("strategies", cls)
    seat: dict[str, Any] = {"use": use, "params": _fixed(strategy, parameters)}
    if sizer is None:
        return seat, (("strategies", use, cls),)
    seat["sizer"] = {"use": plugins.adopt("sizers", type(sizer)), "params": _fields_of(sizer)}
    return seat, (("strategies", use, cls), ("sizers", seat["sizer"]["use"], type(sizer)))


def plain_values(values: Any) -> Values:
    """Return values as YAML could hold them: numpy's own become Python's."""
    if isinstance(values, str):
        return values
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    return [one.item() if hasattr(one, "item") else one for one in listed]


def _class_of(given: Any) -> type[Strategy]:
    """Return the class of a strategy.

    Raises:
        ConfigError: if it is none.
    """
    if isinstance(given, Strategy):
        return type(given)
    if not (isinstance(given, type) and issubclass(given, Strategy)):
        raise ConfigError(f"strategy: must be a class or an instance of Strategy, was {given!r}")
    return given


def _fixed(given: Any, parameters: Mapping[str, Values]) -> dict[str, Any]:
    """Return what parameters are where they do not vary; one without a default is what is tried first."""
    if not isinstance(given, type):
        return _fields_of(given)
    first = {name: plain_values(values) for name, values in parameters.items()}
    needed = [item.name for item in dataclasses.fields(given) if item.init and _is_required(item)]
    return {name: first[name][0] for name in needed if first.get(name) and not isinstance(first[name], str)}


def _is_required(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _fields_of(instance: Any) -> dict[str, Any]:
    """Return the parameters of a plugin made in Python, as a session file would say them."""
    from hookline.params import check_params
    from hookline.session.config import jsonable

    check_params(instance)
    said: dict[str, Any] = jsonable(instance)
    return {name: value for name, value in said.items() if value is not None}


def _timeframe_of(series: Mapping[str, BarSeries]) -> str:
    timeframes = {symbol: one.timeframe for symbol, one in series.items()}
    if len(set(timeframes.values())) > 1:
        raise ConfigError(f"data: all series must have one timeframe, were {timeframes}")
    return next(iter(timeframes.values()))


def _instruments_of(series: Mapping[str, BarSeries], setting: Setting, folder: Path | None) -> dict[str, Any]:
    """Return what a session says of instruments and of series beside bars."""
    entries: dict[str, dict[str, Any]] = {one.symbol: _entry(one) for one in setting.instruments}
    files = {
        name: {"path": write_external(name, one, folder), "column": VALUE}
        for name, one in (setting.external or {}).items()
    }
    for symbol, rates in (setting.funding or {}).items():
        name = f"funding of {symbol}"
        files[name] = {"path": write_external(name, rates, folder), "column": VALUE}
        entries.setdefault(symbol, {})["funding"] = name
    for symbol in entries:
        if symbol not in series:
            hint = did_you_mean(symbol, series)
            raise ConfigError(f"instruments: no data for {symbol!r}, there is {', '.join(series)}{hint}")
    return {"instruments": entries, "external": files}


def _entry(instrument: Instrument) -> dict[str, Any]:
    from hookline.session.config import jsonable
    from hookline.session.schema import InstrumentEntry

    said = {item.name for item in dataclasses.fields(InstrumentEntry)} - {"funding"}
    entry = {name: jsonable(getattr(instrument, name)) for name in said}
    return {name: value for name, value in entry.items() if value not in (None, "", [])}
