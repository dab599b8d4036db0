"""Backtests from Python, without a session file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError
from hookline.feed import BarRequest, Feed
from hookline.kernel.sizing import Sizer
from hookline.model import BarSeries, Instrument
from hookline.params import check_params
from hookline.strategy import Strategy

if TYPE_CHECKING:
    from hookline.broker import Broker
    from hookline.columns import ExternalSeries
    from hookline.reporting.result import Result
    from hookline.risk import RiskRule

__all__ = ["backtest"]


class _SeriesFeed(Feed):
    """Series that are in memory already."""

    name = "series"

    def __init__(self, series: Mapping[str, BarSeries]) -> None:
        self._series = series

    def load(self, request: BarRequest) -> BarSeries:
        return self._series[request.symbol]


def backtest(
    strategy: Strategy | Sequence[Strategy],
    data: Any,
    *,
    cash: float = 10_000.0,
    broker: Broker | None = None,
    sizer: Sizer | None = None,
    risk: Sequence[RiskRule] = (),
    instruments: Sequence[Instrument] = (),
    external: Mapping[str, ExternalSeries] | None = None,
    funding: Mapping[str, ExternalSeries] | None = None,
    seed: int = 0,
    name: str = "",
    **broker_params: Any,
) -> Result:
    """Run one or several strategies on bars in memory and return the result.

    >>> from hookline.testing import bars
    >>> from hookline_strategies.buy_and_hold import BuyAndHold
    >>> backtest(BuyAndHold(), bars("10 11 12 11 13"), cash=1000).metrics.final_equity
    1181.81...

    Args:
        strategy: One strategy, or several that share the cash equally.
        data: Bars of one instrument (a ``BarSeries``, or a pandas frame with columns open high low close and a time index,
            which is taken as UTC), or a mapping of symbols to those.
        cash: Cash at the start, in quote currency.
        broker: Where orders go; the paper broker by default.
        sizer: Sizing model of signal strategies; their own by default.
        risk: Rules of the risk gate, in order.
        instruments: Steps and limits of the instruments; what is missing is taken from the prices.
        external: Series for ``external()`` columns, by name.
        funding: Funding rates of perpetuals, by symbol.
        seed: Seed of ``ctx.rng``.
        name: Name of the run in reports; the strategy's by default.
        **broker_params: Parameters of the paper broker, such as ``taker_fee_bps=5``.

    Raises:
        ConfigError: if a parameter breaks its rule.
        DataError: if the bars cannot be trusted.
        StrategyError: if a strategy raises.
    """
    from hookline import plugins
    from hookline.session.plan import Plan, Seat
    from hookline.session.session import Session

    if broker is not None and broker_params:
        raise ConfigError(f"backtest: broker and its parameters {sorted(broker_params)} cannot both be given")
    series = _series_of(data)
    strategies = [strategy] if isinstance(strategy, Strategy) else list(strategy)
    for number, one in enumerate(strategies):
        check_params(one, f"strategy {number}")
    plan = Plan(
        name=name or " and ".join(one.name for one in strategies),
        mode="backtest",
        currency="USDT",
        seed=seed,
        timeframe=next(iter(series.values())).timeframe,
        feed=_SeriesFeed(series),
        requests=[BarRequest(one.symbol, one.timeframe) for one in series.values()],
        instruments=_instruments(series, instruments),
        broker=broker or plugins.build("brokers", "paper", broker_params, "broker"),
        seats=[
            Seat(id_, one.name, one, tuple(series), cash / len(strategies), sizer, _params(one))
            for id_, one in zip(_ids(strategies), strategies, strict=True)
        ],
        rules=risk,
        external=external or {},
        funding=funding or {},
        config={
            "broker": {"use": (broker or strategies[0]).name if broker else "paper", "params": broker_params}
        },
    )
    return Session(plan).run()


def _params(strategy: Strategy) -> dict[str, Any]:
    return {field.name: getattr(strategy, field.name) for field in fields(strategy)}  # type: ignore[arg-type]


def _ids(strategies: Sequence[Strategy]) -> list[str]:
    names = [one.name for one in strategies]
    return [
        name if names.count(name) == 1 else f"{name}-{names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]


def _series_of(data: Any) -> dict[str, BarSeries]:
    from hookline.data.frames import read_frame

    given = dict(data) if isinstance(data, Mapping) else {getattr(data, "symbol", "DATA"): data}
    if not given:
        raise ConfigError("backtest: data must hold at least one instrument, was empty")
    return {
        symbol: one if isinstance(one, BarSeries) else read_frame(one, symbol).series()
        for symbol, one in given.items()
    }


def _instruments(series: Mapping[str, BarSeries], given: Sequence[Instrument]) -> dict[str, Instrument]:
    from hookline.data import infer_instrument

    named = {one.symbol: one for one in given}
    return {symbol: named.get(symbol) or infer_instrument(one, symbol) for symbol, one in series.items()}
