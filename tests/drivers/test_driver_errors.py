"""A bug in a strategy is told with its name, the event and the time, and keeps its own traceback."""

from dataclasses import dataclass

import pytest
from driver_sessions import INSTRUMENTS

import hookline as hl
from hookline.errors import StrategyError
from hookline.feed import BarRequest, Feed
from hookline.session.plan import Plan, Seat
from hookline.session.session import Session
from hookline.testing import bars
from hookline_paper.broker import PaperBroker

CALLBACKS = ("on_start", "on_bar", "on_order", "on_fill", "on_timer", "on_stop")


@dataclass
class Faulty(hl.Strategy):
    """Raises in one of its callbacks."""

    name = "faulty"

    where: str = ""

    def _enter(self, callback):
        if callback == self.where:
            raise ZeroDivisionError(f"a bug in {callback}")

    def on_start(self, ctx):
        ctx.every("90m", "tick")
        self._enter("on_start")

    def on_bar(self, ctx, bar):
        self._enter("on_bar")
        if ctx.position(bar.symbol).is_flat:
            ctx.buy(bar.symbol, 1)

    def on_order(self, ctx, order, update):
        if update.status == "filled" or self.where != "on_order":
            self._enter("on_order")

    def on_fill(self, ctx, fill):
        self._enter("on_fill")

    def on_timer(self, ctx, timer):
        self._enter("on_timer")

    def on_stop(self, ctx):
        self._enter("on_stop")


@dataclass
class FaultySignals(hl.SignalStrategy):
    """Raises in one of the methods of a signal strategy."""

    name = "faulty_signals"

    where: str = ""

    def columns(self, bars):
        if self.where == "columns":
            raise ZeroDivisionError("a bug in columns")
        return {"close": bars.close, "broken": bars.close * (1.0 if self.where == "decide" else 0.0)}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if 1.0 / (x.close - x.broken) else hl.flat()


@dataclass
class Memory(Feed):
    """Bars from memory, whole or one at a time."""

    name = "memory"

    text: str = "10 10 11 12"

    def load(self, request):
        return bars(self.text, request.symbol)

    async def stream(self, requests):
        for request in requests:
            series = self.load(request)
            for index in range(len(series)):
                yield series.bar(index)


def run_plan(mode, strategy, feed=None):
    plan = Plan(
        "errors",
        mode,
        "USDT",
        0,
        "1h",
        feed or Memory(),
        [BarRequest("BTCUSDT", "1h")],
        {"BTCUSDT": INSTRUMENTS["BTCUSDT"]},
        PaperBroker(),
        [Seat("mine", strategy.name, strategy, ("BTCUSDT",), 1000.0)],
    )
    return Session(plan).run()


@pytest.mark.parametrize("mode", ["backtest", "paper"])
@pytest.mark.parametrize(
    ("where", "time"),
    [
        ("on_start", "2024-01-01T00:00:00Z"),
        ("on_bar", "2024-01-01T01:00:00Z"),
        ("on_order", "2024-01-01T02:00:00Z"),
        ("on_fill", "2024-01-01T02:00:00Z"),
        ("on_timer", "2024-01-01T01:30:00Z"),
        ("on_stop", "2024-01-01T04:00:00Z"),
    ],
)
def test_an_error_in_a_callback_names_strategy_event_and_time(mode, where, time):
    with pytest.raises(StrategyError) as caught:
        run_plan(mode, Faulty(where))

    assert str(caught.value) == f"strategy 'mine': {where} at {time}: ZeroDivisionError: a bug in {where}"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("mode", ["backtest", "paper"])
@pytest.mark.parametrize(("where", "time"), [("columns", "00"), ("decide", "01")])
def test_an_error_in_a_signal_strategy_names_strategy_event_and_time(mode, where, time):
    event = "on_start" if where == "columns" else "on_bar"

    with pytest.raises(StrategyError, match=f"strategy 'mine': {event} at 2024-01-01T{time}:00:00Z: Zero"):
        run_plan(mode, FaultySignals(where))


def test_an_error_in_one_of_two_strategies_names_the_right_one():
    feed = Memory()
    seats = [
        Seat("fine", "faulty", Faulty(), ("BTCUSDT",), 1000.0),
        Seat("broken", "faulty", Faulty("on_bar"), ("BTCUSDT",), 1000.0),
        Seat("fine too", "faulty", Faulty(), ("BTCUSDT",), 1000.0),
    ]
    plan = Plan(
        "errors",
        "backtest",
        "USDT",
        0,
        "1h",
        feed,
        [BarRequest("BTCUSDT", "1h")],
        {"BTCUSDT": INSTRUMENTS["BTCUSDT"]},
        PaperBroker(),
        seats,
    )

    with pytest.raises(StrategyError, match="strategy 'broken': on_bar at 2024-01-01T01:00:00Z"):
        Session(plan).run()


@dataclass
class Backwards(Memory):
    """Sends the second bar again."""

    name = "backwards"

    async def stream(self, requests):
        series = self.load(requests[0])
        for index in (0, 1, 1):
            yield series.bar(index)


@dataclass
class Stranger(Memory):
    """Sends a bar that nobody asked for."""

    name = "stranger"

    async def stream(self, requests):
        yield self.load(requests[0]).bar(0)
        yield bars("10", "OTHER").bar(0)


@dataclass
class Silent(Memory):
    """Sends nothing."""

    name = "silent"

    async def stream(self, requests):
        for _ in ():
            yield None


@pytest.mark.parametrize(
    ("feed", "message"),
    [
        (Backwards(), "BTCUSDT: time must rise, was a bar ending 2024-01-01T02:00:00Z"),
        (Stranger(), "OTHER: the session has no such symbol, it has BTCUSDT"),
        (Silent(), "feed 'silent': sent no bar"),
    ],
)
def test_a_stream_that_cannot_be_trusted_stops_the_run(feed, message):
    with pytest.raises(hl.DataError, match=message):
        run_plan("paper", Faulty(), feed)
