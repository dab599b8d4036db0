"""``hookline trials``: what was tried on which data."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookline.clock import isoformat

if TYPE_CHECKING:
    from rich.table import Table

    from hookline.research.ledger import Ledger, Trial
    from hookline.research.ledger.data import DataSet

__all__ = ["trials"]


@dataclass(frozen=True)
class _Group:
    """Data that counts together, and what was tried on it."""

    data: Sequence[DataSet]
    trials: Sequence[Trial]
    last_run: int

    @property
    def since(self) -> int:
        return min(one.since for one in self.data)

    @property
    def until(self) -> int:
        return max(one.until for one in self.data)


def trials(
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", "-s", help="Only this instrument; repeat for more.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """List everything that was tried, by the data that it was tried on.

    Every backtest counts by itself: of hookline run, sweep and validate, and
    from Python. The same strategy with the same parameters counts once,
    however often it runs; other periods of the same symbol and timeframe
    count together where they overlap. The best of so many trials looks good
    by luck alone; hookline validate takes their number into account.

    The ledger is in ~/.local/state/hookline, or where HOOKLINE_STATE_DIR says.

    For example: hookline trials --symbol BTC-PERP
    """
    from rich.console import Console

    from hookline.research.ledger import Ledger

    ledger = Ledger()
    groups = list(_groups(ledger))
    if symbol and groups:
        groups = _of_symbols(groups, symbol)
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in groups], allow_nan=False))
        return
    if not groups:
        typer.echo(f"nothing was tried yet; the ledger is {ledger.path}")
        return
    Console().print(_table(groups))
    typer.echo(str(ledger.path))


def _of_symbols(groups: Sequence[_Group], symbols: Sequence[str]) -> list[_Group]:
    """Return what was tried on some symbols.

    Raises:
        ConfigError: if nothing was on one of them.
    """
    from hookline.errors import ConfigError
    from hookline.problems import did_you_mean

    known = list(dict.fromkeys(one.data[0].symbol for one in groups))
    for symbol in symbols:
        if symbol not in known:
            hint = did_you_mean(symbol, known) or f"; there is {', '.join(known)}"
            raise ConfigError(f"--symbol {symbol}: nothing was tried on it{hint}")
    return [one for one in groups if one.data[0].symbol in symbols]


def _groups(ledger: Ledger) -> Iterator[_Group]:
    from hookline.research.ledger.data import together

    for data in together(ledger.data_sets()):
        yield _Group(data, ledger.trials(data), ledger.last_run(data))


def _best(group: _Group) -> Trial | None:
    """Return the trial with the best Sharpe ratio: of days, where there is one, as ratios of bars cannot be compared with those."""
    known = [one for one in group.trials if math.isfinite(one.sharpe)]
    return max(known, key=lambda one: (one.sharpe_per == "day", one.sharpe), default=None)


def _strategies(group: _Group) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in group.trials:
        counts[one.strategy] = counts.get(one.strategy, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _plain(group: _Group) -> dict[str, Any]:
    best = _best(group)
    return {
        "symbol": group.data[0].symbol,
        "timeframe": group.data[0].timeframe,
        "since": isoformat(group.since),
        "until": isoformat(group.until),
        "trials": len(group.trials),
        "runs": sum(one.runs for one in group.trials),
        "strategies": _strategies(group),
        "last_run": isoformat(group.last_run),
        "best": None if best is None else _best_plain(best),
    }


def _best_plain(best: Trial) -> dict[str, Any]:
    return {
        "strategy": best.strategy,
        "params": json.loads(best.params),
        "sharpe": best.sharpe,
        "sharpe_per": best.sharpe_per,
    }


def _table(groups: Sequence[_Group]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "data", "period", "trials", "runs", "strategies", "last", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for column in table.columns[2:4]:
        column.justify = "right"
    for column in (*table.columns[:4], table.columns[5]):
        column.no_wrap = True
    for group in groups:
        named = [f"{name} ({count:,})" for name, count in _strategies(group).items()]
        table.add_row(
            escape(f"{group.data[0].symbol} {group.data[0].timeframe}"),
            f"{isoformat(group.since)[:10]} to {isoformat(group.until)[:10]}",
            f"{len(group.trials):,}",
            f"{sum(one.runs for one in group.trials):,}",
            escape(", ".join(named[:6]) + (f" and {len(named) - 6} more" if len(named) > 6 else "")),
            isoformat(group.last_run)[:10],
        )
    return table
