"""A contract that everything passes is worth nothing: here is what each of its tests is there to catch."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import hookline as hl
from hookline.feed import TapeRequest
from hookline.model import MarketData, TapeSeries
from hookline.testing import FeedContract, RestartContract, StrategyContract
from hookline.testing.market import flat_bars, random_bars, wild_bars


@dataclass
class Periodic(hl.Strategy):
    """Turns every fifth bar; honest. Its variants below are not."""

    name = "periodic"

    def on_start(self, ctx):
        ctx.state.setdefault("seen", 0)

    def on_bar(self, ctx, bar):
        ctx.state["seen"] += 1
        if ctx.state["seen"] % 5 == 0:
            ctx.target(bar.symbol, 1.0 if ctx.position(bar.symbol).is_flat else 0.0)


def contract(make, base=StrategyContract):
    """The contract of a strategy, made here so that pytest does not collect it."""
    return type("Contract", (base,), {"make": lambda self: make()})()


def test_an_honest_strategy_passes():
    one = contract(Periodic, RestartContract)
    for name in dir(one):
        if name.startswith("test_"):
            getattr(one, name)()


def test_one_that_never_trades_is_not_taken_for_tested():
    class Idle(Periodic):
        def on_bar(self, ctx, bar):
            pass

    with pytest.raises(AssertionError, match="tests nothing"):
        contract(Idle).test_it_trades_in_this_market()


def test_one_that_depends_on_the_run_is_caught():
    runs = []

    class Moody(Periodic):
        def on_start(self, ctx):
            runs.append(1)
            ctx.state["seen"] = len(runs)

    with pytest.raises(AssertionError, match="a second run on the same bars changed a request"):
        contract(Moody).test_the_same_bars_give_the_same_orders()


def test_one_that_knows_the_bars_to_come_is_caught():
    runs = []

    class Peeking(Periodic):
        def on_bar(self, ctx, bar):
            later = runs[-1].close[runs[-1].start > bar.start]
            ctx.target(bar.symbol, 1.0 if len(later) and later[0] > bar.close else 0.0)

    class Contract(StrategyContract):
        def make(self):
            return Peeking()

        def record(self, market, strategy=None, *, streamed=False):
            runs.append(market["TEST"])
            return super().record(market, strategy, streamed=streamed)

    with pytest.raises(AssertionError, match=r"bars after 2024-.* changed (a|the number of) request"):
        Contract().test_later_bars_never_change_earlier_orders()


def test_one_that_sees_the_driver_is_caught():
    class Whole(Periodic):
        """Trades on bars it has not been given a stream of: the streaming driver makes other bar objects."""

        def on_bar(self, ctx, bar):
            if not ctx._kernel.broker.inner._streams:
                super().on_bar(ctx, bar)

    class Contract(StrategyContract):
        def make(self):
            return Whole()

        def record(self, market, strategy=None, *, streamed=False):
            self.streams = streamed
            return super().record(market, strategy, streamed=streamed)

        def broker(self):
            broker = super().broker()
            broker._streams = self.streams
            return broker

    with pytest.raises(AssertionError, match="the same bars as a stream changed the number of requests"):
        Contract().test_bar_by_bar_it_sends_the_orders_of_the_backtest()


def test_one_that_forgets_at_a_restart_is_caught():
    @dataclass
    class Forgetful(Periodic):
        seen: int = field(init=False, default=0)

        def on_bar(self, ctx, bar):
            self.seen += 1
            ctx.state["seen"] = self.seen - 1
            super().on_bar(ctx, bar)

    with pytest.raises(AssertionError, match="a restart before bar 1 changed a request"):
        contract(Forgetful, RestartContract).test_a_restart_changes_nothing()


def test_state_that_a_restart_cannot_keep_is_caught():
    class Hoarder(Periodic):
        def on_bar(self, ctx, bar):
            ctx.state["order"] = ctx.target(bar.symbol, 1.0)

    with pytest.raises(hl.StrategyError, match="not JSON serializable"):
        contract(Hoarder, RestartContract).test_a_restart_changes_nothing()


def test_one_that_divides_by_a_range_of_zero_is_caught():
    class Fragile(Periodic):
        def on_bar(self, ctx, bar):
            ctx.target(bar.symbol, 1.0 / (bar.high - bar.low))

    with pytest.raises(hl.StrategyError, match="ZeroDivisionError"):
        contract(Fragile).test_it_survives_flat_prices()


def test_a_parameter_beyond_its_bounds_is_caught():
    from hookline_strategies.ema_cross import EmaCross

    with pytest.raises(hl.ConfigError, match="risk: must be at most 1"):
        contract(lambda: EmaCross(risk=2.0)).test_its_parameters_keep_their_own_rules()


class Fickle(hl.Feed):
    """A feed whose bars depend on how often it was asked."""

    name = "fickle"
    asked = 0

    def load(self, request):
        self.asked += 1
        return random_bars(request.symbol, 50, seed=self.asked)

    async def stream(self, requests):
        for index in range(10):
            yield random_bars(requests[0].symbol, 50, seed=99).bar(index)


class FickleContract(FeedContract):
    def make(self):
        return Fickle()

    def request(self):
        return hl.BarRequest("TEST", "1h")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("test_it_gives_the_same_bars_twice", "same"),
        ("test_a_narrower_range_gives_the_bars_inside_it", "same"),
        ("test_a_range_without_bars_is_refused", "must raise DataError"),
        ("test_a_stream_sends_the_bars_of_the_history", "must send"),
    ],
)
def test_a_feed_that_answers_as_it_likes_is_caught(name, message):
    with pytest.raises(AssertionError, match=message):
        getattr(FickleContract(), name)()


class FickleTape(hl.Feed):
    """A feed whose tape depends on how often it was asked, and holds quotes whatever it was asked for."""

    name = "fickle_tape"
    asked = 0

    def load(self, request):
        return random_bars(request.symbol, 50)

    def tape(self, request):
        self.asked += 1
        time = np.arange(60) // 2 * 10**9
        side, whole = np.tile([1, -1], 30), np.full(60, -1)
        price = 100.0 + self.asked - 0.5 * side
        return TapeSeries(
            request.symbol,
            time,
            time,
            np.arange(60) // 2,
            0 * time,
            side,
            price,
            1.0 + 0 * price,
            whole,
            whole,
        )

    async def stream(self, requests):
        for index in range(10):
            yield random_bars("TEST", 50, seed=99).bar(index)


class FickleTapeContract(FeedContract):
    kinds = frozenset({MarketData.QUOTES})

    def make(self):
        return FickleTape()

    def request(self):
        return hl.BarRequest("TEST", "1h")

    def tape_request(self):
        return TapeRequest("TEST", self.kinds)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("test_it_gives_the_same_tape_twice", "price differs first at row 0"),
        ("test_a_narrower_range_gives_the_messages_inside_it", "must be the same"),
        ("test_a_range_without_messages_is_refused", "must raise DataError, gave 30"),
        ("test_a_stream_sends_bars_and_messages_by_time", r"must send \d+ bars and messages, sent 10"),
    ],
)
def test_a_feed_whose_tape_is_as_it_likes_is_caught(name, message):
    with pytest.raises(AssertionError, match=message):
        getattr(FickleTapeContract(), name)()


def test_a_tape_of_other_kinds_than_asked_for_is_caught():
    contract = FickleTapeContract()
    contract.kinds = frozenset({MarketData.TRADES})
    with pytest.raises(AssertionError, match=r"must hold .*trades.*, held .*quotes"):
        contract.test_a_tape_holds_what_was_asked_for()


def test_a_tape_that_the_contract_does_not_know_of_is_caught():
    contract = FickleTapeContract()
    contract.tape_request = lambda: None
    with pytest.raises(AssertionError, match=r"override tape_request\(\)"):
        contract.test_a_tape_holds_what_was_asked_for()


def test_the_ordinary_market_has_trends_gaps_and_quiet_stretches():
    series = random_bars()
    steps = np.diff(series.start) // series.duration
    assert steps.max() > 30
    assert (steps == 1).mean() > 0.9
    assert series.close.min() < 85
    assert series.close.max() > 110


def test_the_wild_market_moves_tenfold_and_the_flat_one_not_at_all():
    wild = wild_bars()
    assert (wild.close[1:] / wild.close[:-1]).max() > 8
    assert (wild.high / wild.low).max() > 50
    assert set(flat_bars().close) == {100.0}
