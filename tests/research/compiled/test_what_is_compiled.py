"""What cannot be compiled says why, and what fails in a run is told from what is fine."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar

import pytest
from random_runs import SeriesFeed, Told, plan_of
from same_runs import assert_same_figures

from hookline import (
    EquityFraction,
    Instrument,
    InstrumentKind,
    SignalStrategy,
    Sizer,
    Strategy,
    ema,
    flat,
    hold,
    long,
)
from hookline.feed import BarRequest
from hookline.model import MarginTier
from hookline.research.compiled import CompiledRun, NotCompilable
from hookline.research.compiled.compiling import _kernels
from hookline.research.compiled.graph import graph_of
from hookline.research.compiled.source import Figures, Form, source_of
from hookline.research.stress.late import LateBroker
from hookline.research.table import METRICS
from hookline.risk import RiskRule
from hookline.session import Session
from hookline.session.plan import Plan, Seat
from hookline.testing import bars
from hookline_paper.broker import PaperBroker
from hookline_paper.latency import Latency

SERIES = bars([100 + ((7 * i) % 13) - ((5 * i) % 11) + i / 10 for i in range(200)], timeframe="1h")


@dataclass
class Cross(SignalStrategy):
    name: ClassVar[str] = "cross"

    fast: int = 3
    slow: int = 12
    mode: str = "plain"
    most: float = 5.0

    def columns(self, bars):
        return {"up": ema(bars.close, self.fast) > ema(bars.close, self.slow), "close": bars.close}

    @staticmethod
    def decide(x, held, p):
        return long() if x.up else flat()

    def sizer(self):
        return EquityFraction()


def plan(strategy, **changes):
    instrument = Instrument("TEST", tick_size=Decimal("0.01"), lot_size=Decimal("0.001"))
    request = BarRequest("TEST", "1h")
    made = Plan(
        name="test", mode="backtest", currency="USDT", seed=0, timeframe="1h", feed=SeriesFeed(), requests=[request],
        instruments={"TEST": instrument}, broker=PaperBroker(taker_fee_bps=5.0),
        seats=[Seat("one", "cross", strategy, ("TEST",), 1000.0)], loaded={request: SERIES},
    )  # fmt: skip
    return replace(made, **changes)


def instrument(**terms):
    return {"TEST": Instrument("TEST", InstrumentKind.PERPETUAL, **terms)}


class Other(Sizer):
    name = "other"

    def quantity(self, equity, price, stop, volatility):
        return 1.0


class Rule(RiskRule):
    name = "rule"


class Events(Strategy):
    name = "events"


class Started(Cross):
    def on_start(self, ctx):
        ctx.log.debug("started")


class ByMode(Cross):
    @staticmethod
    def decide(x, held, p):
        return long() if x.up and p.mode == "plain" else flat()


class ByPower(Cross):
    @staticmethod
    def decide(x, held, p):
        return long() if x.close**2 > 9 else flat()


class ByMethod(Cross):
    def decide(self, x, held, p=None):
        return flat()


class ByDict(Cross):
    @staticmethod
    def decide(x, held, p):
        return {True: long(), False: flat()}[x.up > 0]


class ByZero(Cross):
    @staticmethod
    def decide(x, held, p):
        return long() if x.close / (p.most - 5.0) > 1.0 else hold()


class ByInfinity(Cross):
    @staticmethod
    def decide(x, held, p):
        return long(x.close * p.most)


TIERS = tuple(MarginTier(Decimal(1000 * number), Decimal("0.01"), Decimal(20)) for number in range(1, 34))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seats": [Seat("one", "x", Events(), ("TEST",), 1.0)]}, "Events is no signal strategy"),
        ({"seats": [Seat("one", "x", Cross(), ("TEST",), 1.0)] * 2}, "must have one strategy, had 2"),
        ({"instruments": {**instrument(), "B": Instrument("B")}}, "must have one instrument, had TEST, B"),
        ({"rules": [Rule()]}, "risk rule 'rule'"),
        ({"broker": PaperBroker(intrabar="path")}, "orders fill along a path inside each bar"),
        ({"broker": PaperBroker(latency=Latency())}, "broker 'paper' does not say by what rules"),
        ({"broker": LateBroker(PaperBroker())}, "broker 'late' does not say by what rules"),
        ({"tapes": {"TEST": frozenset()}}, "quotes, trades or books"),
        ({"instruments": instrument(margin_tiers=TIERS)}, "must have at most 32 tiers, had 33"),
        ({"seats": [Seat("one", "x", Cross(), ("TEST",), 1.0, Other())]}, "sizer Other is not built in"),
        ({"seats": [Seat("one", "x", Started(), ("TEST",), 1.0)]}, "Started overrides on_start"),
        ({"seats": [Seat("one", "x", ByMode(), ("TEST",), 1.0)]}, r"ByMode.decide reads p.mode.*was 'plain'"),
        ({"seats": [Seat("one", "x", ByPower(), ("TEST",), 1.0)]}, r"ByPower.decide uses \*\*"),
        ({"seats": [Seat("one", "x", ByMethod(), ("TEST",), 1.0)]}, "must be a static method"),
        ({"begin": int(SERIES.end[-1])}, "no bars from the begin"),
    ],
)
def test_what_cannot_be_compiled_says_why(changes, reason):
    with pytest.raises(NotCompilable, match=reason) as caught:
        CompiledRun(plan(Cross(), **changes))
    assert caught.value.reason == str(caught.value)


def test_sessions_without_mark_prices_and_fills_at_closes_pay_nothing_for_them():
    figures = Figures(returns=False, downside=False, drawdown=False, mean=False)
    graph = graph_of({}, frozenset())
    plain = Form((), figures, has_payments=True, has_watches=False)
    closing, marked = plain._replace(fills_at_close=True), plain._replace(has_marks=True)
    sources = [source_of("one", graph, form).lower() for form in (plain, closing, marked)]
    assert ["mark" in source for source in sources] == [False, False, True]
    assert [source.count("k[start]") for source in sources] == [1, 2, 1]


def test_what_numba_does_not_know_says_what():
    run = CompiledRun(plan(ByDict()))
    with pytest.raises(NotCompilable, match="cross: numba cannot compile it") as caught:
        run.metrics([ByDict()])
    assert "0x" not in caught.value.reason


def test_a_run_that_fails_has_no_figures_and_stops_no_other():
    run = CompiledRun(plan(ByZero()))
    good, bad, after = run.metrics([ByZero(most=6.0), ByZero(most=5.0), ByZero(most=7.0)])
    assert good["bars"] == after["bars"] == len(SERIES)
    assert all(value != value for value in bad.values())
    with pytest.raises(NotCompilable, match="division by zero"):
        run.record(ByZero(most=5.0))


def test_a_size_that_is_not_finite_fails_the_run():
    run = CompiledRun(plan(ByInfinity(most=float("inf"))))
    (found,) = run.metrics([ByInfinity(most=float("inf"))])
    assert found["bars"] != found["bars"]
    with pytest.raises(NotCompilable, match="the event kernel says why"):
        run.record(ByInfinity(most=float("inf")))


def test_one_kernel_serves_all_values_of_a_parameter():
    run = CompiledRun(plan(Cross()))
    run.metrics([Cross(2, 30)])
    before = len(_kernels)
    found = run.metrics([Cross(fast, slow) for fast in range(2, 9) for slow in range(10, 60, 7)])
    assert len(_kernels) == before
    assert len({one["final_equity"] for one in found}) > 30


def test_figures_that_are_not_asked_for_are_left_out_and_the_others_stay_the_same():
    run = CompiledRun(plan(Cross()))
    (every,) = run.metrics([Cross()])
    assert tuple(every) == METRICS
    for names in (("sharpe",), ("final_equity", "round_trips"), ("calmar", "turnover"), ("sortino",)):
        assert run.metrics([Cross()], metrics=names) == [{name: every[name] for name in names}]


def test_variants_keep_their_order_and_progress_is_told():
    strategies = [Cross(fast, slow) for slow in (9, 21, 40) for fast in range(2, 8)]
    told = []
    run = CompiledRun(plan(Cross()))
    found = run.metrics(strategies, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(strategies), len(strategies))
    assert found == [run.metrics([one])[0] for one in strategies]


def test_threads_share_a_run():
    strategies = [Cross(fast, slow) for slow in range(9, 60, 3) for fast in range(2, 8)]
    expected = CompiledRun(plan(Cross())).metrics(strategies)
    run = CompiledRun(plan(Cross()))
    with ThreadPoolExecutor(4) as pool:
        parts = list(
            pool.map(run.metrics, [strategies[first : first + 7] for first in range(0, len(strategies), 7)])
        )
    assert [one for part in parts for one in part] == expected


def test_returns_of_almost_no_variance_are_worked_out_from_the_record():
    rising = bars([100.0 * 1.001**i for i in range(1500)], timeframe="1h")
    request = BarRequest("TEST", "1h")
    one = plan(Cross(), loaded={request: rising}, broker=PaperBroker(), begin=int(rising.start[30]))
    event = Session(one).run()
    assert_same_figures(CompiledRun(replace(one, broker=PaperBroker())).metrics([Cross()])[0], event)


def test_a_run_that_is_repeated_gives_the_same():
    run = CompiledRun(plan_of(4))
    first, second = run.record(Told()), run.record(Told())
    assert first.fills == second.fills
    assert len(first.fills) > 5
