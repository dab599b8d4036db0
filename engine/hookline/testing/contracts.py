"""Contracts: tests that every strategy must pass.

Inherit one and say how to make yours::

    from hookline.testing import StrategyContract

    class TestMyStrategy(StrategyContract):
        def make(self):
            return MyStrategy(period=14)

pytest finds the inherited tests. A contract says nothing about whether a strategy earns money, only that what a backtest says
about it can be believed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from hookline.broker import Broker
from hookline.clock import isoformat
from hookline.model import BarSeries, Instrument, InstrumentKind
from hookline.params import check_params
from hookline.strategy import Strategy
from hookline.testing.market import flat_bars, random_bars, wild_bars
from hookline.testing.recording import Recording, Request, record
from hookline.testing.restart import Halted, Restarting

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["RestartContract", "StrategyContract"]

Market = Mapping[str, BarSeries]


class StrategyContract:
    """What holds for every strategy.

    It is deterministic. Its decisions depend on the bars it has seen and not on those to come. It gives the same orders bar by
    bar as over whole columns. Nothing that a market can do makes it raise.

    Override ``make``; the others where the strategy needs it, such as several symbols or a certain range of prices.
    """

    cash = 10_000.0

    def make(self) -> Strategy:
        """Return a new instance with the parameters to test."""
        raise NotImplementedError(f"{type(self).__name__}.make: must return the strategy to test")

    def symbols(self) -> Sequence[str]:
        """Return the instruments to trade."""
        return ("TEST",)

    def market(self) -> Market:
        """Return bars on which the strategy trades, by symbol: around 100, with gaps."""
        return {symbol: random_bars(symbol) for symbol in self.symbols()}

    def instrument(self, symbol: str) -> Instrument:
        """Return an instrument: by default a perpetual, so that shorts are tested too."""
        return Instrument(
            symbol, InstrumentKind.PERPETUAL, Decimal("0.01"), Decimal("0.001"), min_notional=Decimal(5)
        )

    def funding(self) -> Mapping[str, ExternalSeries]:
        """Return funding rates of perpetuals by symbol: none by default."""
        return {}

    def broker(self) -> Broker:
        """Return a new broker: by default paper with fees and slippage."""
        from hookline import plugins

        params = {"taker_fee_bps": 5, "maker_fee_bps": 2, "slippage_bps": 1}
        broker: Broker = plugins.build("brokers", "paper", params, "broker")
        return broker

    def record(
        self, market: Market, strategy: Strategy | None = None, *, streamed: bool = False
    ) -> Recording:
        """Run the strategy on a market and return what it asked for."""
        instruments = {symbol: self.instrument(symbol) for symbol in market}
        strategy = self.make() if strategy is None else strategy
        return record(
            strategy,
            market,
            instruments,
            self.broker(),
            cash=self.cash,
            streamed=streamed,
            funding=self.funding(),
        )

    def test_its_parameters_keep_their_own_rules(self) -> None:
        check_params(self.make())

    def test_it_trades_in_this_market(self) -> None:
        found = self.record(self.market()).result.record.fills
        assert found, "no order was filled, so this market tests nothing: override market() or make()"

    def test_the_same_bars_give_the_same_orders(self) -> None:
        first, second = self.record(self.market()), self.record(self.market())
        _assert_equal(first.requests, second.requests, "a second run on the same bars")
        assert first.denied == second.denied
        assert first.result.record.fills == second.result.record.fills

    def test_later_bars_never_change_earlier_orders(self) -> None:
        market = self.market()
        whole = self.record(market)
        for cut in _cuts(market):
            part = self.record(
                {symbol: series.between(None, cut - series.duration + 1) for symbol, series in market.items()}
            )
            what = f"bars after {isoformat(cut)}"
            _assert_equal(part.requests, [one for one in whole.requests if one.time <= cut], what)
            _assert_equal(part.denied, [one for one in whole.denied if one.time <= cut], what)

    def test_bar_by_bar_it_sends_the_orders_of_the_backtest(self) -> None:
        columns, stream = self.record(self.market()), self.record(self.market(), streamed=True)
        _assert_equal(columns.requests, stream.requests, "the same bars as a stream")
        assert columns.denied == stream.denied
        assert columns.result.record.fills == stream.result.record.fills

    def test_it_survives_one_bar_and_two(self) -> None:
        for count in (1, 2):
            self._survives({symbol: series.slice(0, count) for symbol, series in self.market().items()})

    def test_it_survives_flat_prices(self) -> None:
        self._survives({symbol: flat_bars(symbol) for symbol in self.symbols()})

    def test_it_survives_many_gaps(self) -> None:
        keep = {0, 3, 4, 9}
        series = {symbol: random_bars(symbol, seed=2) for symbol in self.symbols()}
        self._survives({symbol: _every(one, keep, 10) for symbol, one in series.items()})

    def test_it_survives_huge_moves(self) -> None:
        self._survives({symbol: wild_bars(symbol) for symbol in self.symbols()})

    def _survives(self, market: Market) -> None:
        assert math.isfinite(self.record(market).result.metrics.final_equity)


class RestartContract(StrategyContract):
    """What also holds for an event-driven strategy that may be stopped and started: nobody can tell from its orders.

    Nor do orders that a person has sent beside its own make it raise.

    Whatever it must remember is in ``ctx.state`` or can be seen from its open orders and positions.
    """

    def test_a_restart_changes_nothing(self) -> None:
        market = self.market()
        whole = self.record(market)
        count = max(len(series) for series in market.values())
        for bar in sorted({1, 2, 3, *(count * part // 7 for part in range(1, 7))}):
            restarted = self.record(market, Restarting(self.make, bar))
            _assert_equal(whole.requests, restarted.requests, f"a restart before bar {bar}")
            assert whole.denied == restarted.denied

    def test_it_survives_a_halt_that_closes_everything(self) -> None:
        found = self.record(self.market(), Halted(self.make))
        assert math.isfinite(found.result.metrics.final_equity)


def _cuts(market: Market) -> list[int]:
    """Return times at which to cut a market: ends of bars, early and late, and just before the end."""
    ends = np.unique(np.concatenate([series.end for series in market.values()]))
    places = {len(ends) * part // 9 for part in range(1, 9)} | {len(ends) - 2}
    return [int(ends[place]) for place in sorted(places) if place > 0]


def _every(series: BarSeries, keep: set[int], of: int) -> BarSeries:
    """Return the bars whose index modulo ``of`` is one to keep."""
    kept = np.isin(np.arange(len(series)) % of, list(keep))
    columns = (getattr(series, name)[kept] for name in ("start", *series.COLUMNS))
    return BarSeries(series.symbol, series.timeframe, *columns)


def _assert_equal(expected: Sequence[Request], found: Sequence[Request], what: str) -> None:
    for before, after in zip(expected, found, strict=False):
        assert before == after, f"{what} changed a request: {_shown(before)} became {_shown(after)}"
    if len(expected) != len(found):
        extra = max(expected, found, key=len)[min(len(expected), len(found))]
        raise AssertionError(
            f"{what} changed the number of requests from {len(expected)} to {len(found)}: {_shown(extra)}"
        )


def _shown(request: Request) -> str:
    return f"{isoformat(request.time)} {request.text}"
