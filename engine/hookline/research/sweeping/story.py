"""What was swept, in words that tell one sweep from another: session, space, objective and data, without secrets."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline import __version__, plugins
from hookline.clock import isoformat
from hookline.model import BarSeries
from hookline.research.evaluating.data import digest_of, other_data
from hookline.research.ledger.code import code_digest
from hookline.research.space import Space
from hookline.research.study import Study
from hookline.research.table import Objective

if TYPE_CHECKING:
    from hookline.research.sweeping.sweep import Period

__all__ = ["story_of"]

# How a session reports and where says nothing of what its runs are.
_IRRELEVANT = ("name", "mode", "reporters", "notifiers", "live", "journal", "stream")


def story_of(
    study: Study, space: Space, objective: Objective, markets: Sequence[tuple[str, Period]]
) -> dict[str, Any]:
    """Return what a sweep is.

    Raises:
        DataError: if the data is missing or cannot be trusted.
    """
    config = study.config()
    session = {key: value for key, value in config.dump().items() if key not in _IRRELEVANT}
    symbols = list(dict.fromkeys(symbol for symbol, _ in markets))
    periods = list(dict.fromkeys(period for _, period in markets))
    return {
        "name": config.name,
        "version": __version__,
        "space": space.describe(),
        "objective": objective.metric,
        "symbols": [symbol for symbol in symbols if symbol],
        "periods": [[_time(period.since), _time(period.until)] for period in periods],
        "data": {
            name: _series(series) for symbol in symbols for name, series in study.series(symbol).items()
        },
        "series": {name: digest for symbol in symbols for name, digest in other_data(study, symbol).items()},
        "session": session,
        "code": _code(study),
    }


def _series(series: BarSeries) -> dict[str, Any]:
    return {
        "timeframe": series.timeframe,
        "bars": len(series),
        "first": _time(int(series.start[0])) if len(series) else None,
        "last": _time(int(series.start[-1])) if len(series) else None,
        "digest": digest_of(series),
    }


def _time(time: int | None) -> str | None:
    return None if time is None else isoformat(time)


def _code(study: Study) -> dict[str, str]:
    """Return a digest of the file of each strategy: another source makes other runs."""
    return {use.use: _source(plugins.load("strategies", use.use)) for use in study.config().strategies}


def _source(strategy: type) -> str:
    try:
        file = inspect.getsourcefile(strategy)
    except (OSError, TypeError):  # typed at a prompt
        file = None
    if file is None or not Path(file).is_file():
        return code_digest(strategy)
    return blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()
