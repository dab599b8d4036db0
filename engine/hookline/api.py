"""Backtests from Python, without a session file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.kernel.sizing import Sizer
from hookline.model import BarSeries, Instrument, MarketData, TapeSeries
from hookline.params import check_params
from hookline.problems import did_you_mean
from hookline.risk import RiskRule
from hookline.strategy import Strategy

if TYPE_CHECKING:
    from hookline.broker import Broker
    from hookline.columns import ExternalSeries
    from hookline.reporting.result import Result
    from hookline.session.plan import Seat

__all__ = ["backtest", "series_of"]

_MOST_CASH = 1e15


class _SeriesFeed(Feed):
    """Series that are in memory already."""

    name = "series"

    def __init__(self, series: Mapping[str, BarSeries], tapes: Sequence[TapeSeries]) -> None:
        self._series = series
        self._tapes = {tape.symbol: tape for tape in tapes}

    def load(self, request: BarRequest) -> BarSeries:
        return self._series[request.symbol]

    def tape(self, request: TapeRequest) -> TapeSeries:
        return self._tapes[request.symbol]


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
    tapes: Sequence[TapeSeries] = (),
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
        tapes: Quotes, trades and books of instruments, besides their bars; orders on these instruments are filled by them.
        seed: Seed of ``ctx.rng``.
        name: Name of the run in reports; the strategy's by default.
        **broker_params: Parameters of the paper broker, such as ``taker_fee_bps=5``.

    Raises:
        ConfigError: if a parameter breaks its rule.
        DataError: if the bars cannot be trusted.
        StrategyError: if a strategy raises.
    """
    from hookline.session.plan import Plan
    from hookline.session.session import Session

    series, strategies = series_of(data), _strategies_of(strategy)
    venue, config = _broker_of(broker, broker_params)
    _check_rest(series, cash, sizer, risk, instruments)
    seats = _seats(strategies, tuple(series), float(cash), sizer)
    plan = Plan(
        name=name or " and ".join(one.name for one in strategies),
        mode="backtest",
        currency="USDT",
        seed=seed,
        timeframe=next(iter(series.values())).timeframe,
        feed=_SeriesFeed(series, tapes),
        requests=[BarRequest(one.symbol, one.timeframe) for one in series.values()],
        instruments=_instruments(series, instruments),
        broker=venue,
        seats=seats,
        rules=risk,
        external=external or {},
        funding=funding or {},
        tapes=_followed(seats, series, tapes),
        config=config,
    )
    return Session(plan).run()


def _broker_of(given: Broker | None, params: Mapping[str, Any]) -> tuple[Broker, dict[str, Any]]:
    """Return where orders go, and what a session file would say of it.

    Raises:
        ConfigError: if both a broker and parameters are given, or a parameter breaks its rule.
    """
    from hookline import plugins

    if given is not None and params:
        raise ConfigError(f"backtest: broker and its parameters {sorted(params)} cannot both be given")
    broker: Broker = given or plugins.build("brokers", "paper", params, "broker")
    return broker, {"broker": {"use": broker.name if given else "paper", "params": params}}


def _seats(
    strategies: Sequence[Strategy], symbols: tuple[str, ...], cash: float, sizer: Sizer | None
) -> list[Seat]:
    """Return a seat for each strategy; all trade all symbols, and share the cash equally."""
    from hookline.session.plan import Seat

    return [
        Seat(id_, one.name, one, symbols, cash / len(strategies), sizer, _params(one))
        for id_, one in zip(_ids(strategies), strategies, strict=True)
    ]


def _followed(
    seats: Sequence[Seat], series: Mapping[str, BarSeries], tapes: Sequence[TapeSeries]
) -> dict[str, frozenset[MarketData]]:
    """Return the kinds of tape that are followed, by symbol.

    Raises:
        ConfigError: if a strategy follows a tape that is not there, or there is one of an instrument without bars.
    """
    from hookline.session.assembly import tapes_of

    there = {tape.symbol for tape in tapes}
    for tape in tapes:
        if tape.symbol not in series:
            raise ConfigError(f"backtest: a tape needs bars beside it, there are none of {tape.symbol}")
    for seat in seats:
        for symbol, kinds in tapes_of([seat], seat.symbols).items():
            if symbol not in there:
                wanted = " and ".join(sorted(kinds))
                raise ConfigError(
                    f"backtest: strategy {seat.id!r}: {seat.use} follows {wanted} of {symbol}, give its tape under 'tapes'"
                )
    return {tape.symbol: frozenset(MarketData) - {MarketData.BARS} for tape in tapes}


def _strategies_of(given: Any) -> list[Strategy]:
    """Return the strategies, each checked."""
    strategies = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    if not strategies:
        raise ConfigError("backtest: there must be at least one strategy, was an empty list")
    for number, one in enumerate(strategies):
        if not isinstance(one, Strategy):
            hint = f"; make one: {one.__name__}()" if isinstance(one, type) else ""
            raise ConfigError(
                f"backtest: strategy {number} must be an instance of Strategy, was {one!r}{hint}"
            )
        if any(one is other for other in strategies[:number]):
            raise ConfigError(f"backtest: strategy {number} must be an object of its own, was given before")
        check_params(one, f"strategy {number}")
    return strategies


def _check_rest(
    series: Mapping[str, BarSeries],
    cash: Any,
    sizer: Any,
    risk: Sequence[Any],
    instruments: Sequence[Any],
) -> None:
    """Refuse what would fail, or be silently wrong, in the middle of a run."""
    if isinstance(cash, bool) or not isinstance(cash, int | float | Decimal) or not 0 < cash <= _MOST_CASH:
        raise ConfigError(f"backtest: cash must be a number above 0 and at most {_MOST_CASH:g}, was {cash!r}")
    for base, ones in ((Sizer, [] if sizer is None else [sizer]), (RiskRule, risk)):
        for one in ones:
            if not isinstance(one, base):
                raise ConfigError(f"backtest: must be an instance of {base.__name__}, was {one!r}")
            check_params(one)
    for one in instruments:
        if not isinstance(one, Instrument):
            raise ConfigError(f"backtest: instruments must be a list of Instrument, had {one!r}")
        if one.symbol not in series:
            hint = did_you_mean(one.symbol, series)
            raise ConfigError(
                f"backtest: no data for instrument {one.symbol!r}, there is {', '.join(series)}{hint}"
            )
    timeframes = {symbol: one.timeframe for symbol, one in series.items()}
    if len(set(timeframes.values())) > 1:
        raise ConfigError(f"backtest: all series must have one timeframe, were {timeframes}")


def _params(strategy: Strategy) -> dict[str, Any]:
    return {field.name: getattr(strategy, field.name) for field in fields(strategy)}  # type: ignore[arg-type]


def _ids(strategies: Sequence[Strategy]) -> list[str]:
    names = [one.name for one in strategies]
    return [
        name if names.count(name) == 1 else f"{name}-{names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]


def series_of(data: Any) -> dict[str, BarSeries]:
    """Return the bars of what :func:`backtest` takes as data, by symbol.

    Raises:
        ConfigError: if there is no instrument.
        DataError: if a frame does not hold bars.
    """
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
