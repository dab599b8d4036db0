"""The same orders in hookline and in backtrader, on recorded bars: every fill, and the equity after every bar.

Where the rules differ, a test says how, on a few bars.
"""

import random
from dataclasses import dataclass, field

import numpy as np
import pytest
from oracle_desks import recorded, run_backtrader, run_hookline, terms_of

from hookline.testing import bars

pytestmark = [
    pytest.mark.filterwarnings("ignore::SyntaxWarning"),
]

SOURCES = {
    "BTC perpetual, hours": ("bars_1h/binance_usdm_BTCUSDT_1h.parquet", "1h", 4000, 3000, "0.001"),
    "ETH spot, hours with outages": ("bars_1h/binance_spot_ETHUSDT_1h.parquet", "1h", 500, 3000, "0.0001"),
    "SPY, days": ("equity/us_SPY_1d.parquet", "1d", 0, 3000, "1"),
    "BTC spot, 5 minutes": ("bars_5m/binance_spot_BTCUSDT_5m.parquet", "5m", 20_000, 3000, "0.00001"),
}


@pytest.fixture(scope="module", params=list(SOURCES))
def market(request, real_data):
    """A recorded series and its instrument."""
    file, timeframe, begin, size, lot = SOURCES[request.param]
    series = recorded(real_data, file, request.param, timeframe, begin, size)
    return series, terms_of(series, lot)


def assert_same(one, other, at_least):
    assert set(one.fills) == set(other.fills)
    assert len(one.fills) >= at_least
    told = np.array([(*one.fills[label], *other.fills[label]) for label in one.fills])
    assert np.array_equal(told[:, 0], told[:, 3])
    assert np.allclose(told[:, 1:3], told[:, 4:], rtol=1e-9, atol=0)
    assert np.allclose(one.equity, other.equity, rtol=1e-12, atol=0)


@dataclass
class Schedule:
    """Orders of all kinds at random times and distances, drawn beforehand from a seed."""

    acts: dict[int, list]

    def on_bar(self, desk, index):
        for act in self.acts.get(index, ()):
            act(desk)


def typical_range(series):
    return float(np.median(series.high - series.low))


def drawn(series, instrument, seed, draw, every=4):
    """A schedule with an act on about every so many bars; ``draw`` makes it from a random generator."""
    rng = random.Random(seed)
    acts: dict[int, list] = {}
    for index in range(len(series) - 1):
        if rng.random() < 1 / every:
            draw(rng, index, acts)
    return Schedule(acts)


def offset(series, instrument, rng, index, low, high):
    """A price some typical ranges away from the close of a bar."""
    distance = rng.uniform(low, high) * typical_range(series)
    return instrument.on_grid(float(series.close[index]) + distance)


def size_of(rng, instrument):
    return rng.choice([1, -1]) * rng.randint(1, 50) * float(instrument.lot_size)


def later(acts, index, delay, act):
    acts.setdefault(index + delay, []).append(act)


@pytest.mark.parametrize("seed", [1, 2])
def test_market_limit_stop_and_stop_limit_orders_fill_alike(market, seed):
    series, instrument = market

    def draw(rng, index, acts):
        label, size = f"{index}", size_of(rng, instrument)
        kind = rng.choice(["market", "limit", "stop", "stop_limit", "stop_limit"])
        above = offset(series, instrument, rng, index, 0.1, 3)
        below = offset(series, instrument, rng, index, -3, -0.1)
        ahead, behind = (above, below) if size > 0 else (below, above)
        room = abs(rng.gauss(0, 1)) * typical_range(series) * (1 if size > 0 else -1)
        terms = {
            "market": {},
            "limit": {"limit": behind},
            "stop": {"trigger": ahead},
            "stop_limit": {"trigger": ahead, "limit": instrument.on_grid(ahead + room)},
        }[kind]
        later(acts, index, 0, lambda desk: desk.send(label, size, **terms))
        if kind != "market":
            later(acts, index, rng.randint(1, 40), lambda desk: desk.cancel(label))

    logic = drawn(series, instrument, seed, draw)

    assert_same(run_hookline(series, instrument, logic), run_backtrader(series, logic), 250)


def far_enough(series, instrument, rng, index, size, low, high):
    """Prices behind and ahead of an order's side, some typical ranges from the close of a bar."""
    above = offset(series, instrument, rng, index, low, high)
    below = offset(series, instrument, rng, index, -high, -low)
    return (below, above) if size > 0 else (above, below)


def closes_prove_it(series, index, size, trigger, limit, until):
    """Whether the bar that triggers a stop-limit order is one on which the two engines fill differently.

    Past its limit at the trigger, and back at the limit by the close: that fills in hookline (row SL3). backtrader fills
    it only on a bar whose body goes against the order.
    """
    side = 1 if size > 0 else -1
    for bar in range(index + 1, min(until, len(series) - 1) + 1):
        reach = series.high[bar] if side > 0 else series.low[bar]
        if side * (series.open[bar] - trigger) >= 0:
            return False
        if side * (reach - trigger) >= 0:
            is_back = side * (limit - series.close[bar]) >= 0
            with_the_order = side * (series.close[bar] - series.open[bar]) >= 0
            return is_back and with_the_order
    return False


def test_stop_limits_past_their_limit_fill_alike_but_where_only_hookline_sees_the_proof(market):
    series, instrument = market
    different = []

    def draw(rng, index, acts):
        label, size, delay = f"{index}", size_of(rng, instrument), rng.randint(1, 40)
        _, trigger = far_enough(series, instrument, rng, index, size, 0.1, 1)
        back = (1 if size > 0 else -1) * rng.uniform(0.05, 1) * typical_range(series)
        limit = instrument.on_grid(trigger - back)
        if closes_prove_it(series, index, size, trigger, limit, index + delay):
            different.append(index)
            return
        later(acts, index, 0, lambda desk: desk.send(label, size, trigger=trigger, limit=limit))
        later(acts, index, delay, lambda desk: desk.cancel(label))

    logic = drawn(series, instrument, 3, draw)

    assert len(different) < 100
    assert_same(run_hookline(series, instrument, logic), run_backtrader(series, logic), 250)


def opens_past_the_limit_and_reaches_the_stop(series, index, size, trigger, limit):
    """Whether the first bar that meets one of two linked orders is one on which the two engines fill differently."""
    side = 1 if size > 0 else -1
    for bar in range(index + 1, len(series)):
        ahead, behind = (
            (series.high[bar], series.low[bar]) if side > 0 else (series.low[bar], series.high[bar])
        )
        if side * (limit - series.open[bar]) >= 0:
            return side * (ahead - trigger) >= 0
        if side * (ahead - trigger) >= 0 or side * (limit - behind) >= 0:
            return False
    return False


def test_orders_that_cancel_each_other_fill_alike_but_where_the_open_decides_in_hookline_alone(market):
    series, instrument = market
    different = []

    def draw(rng, index, acts):
        label, size, delay = f"{index}", size_of(rng, instrument), rng.randint(5, 60)
        behind, ahead = far_enough(series, instrument, rng, index, size, 0.3, 3)
        if opens_past_the_limit_and_reaches_the_stop(series, index, size, ahead, behind):
            different.append(index)
            return
        later(acts, index, 0, lambda desk: desk.send(label, size, trigger=ahead))
        later(acts, index, 0, lambda desk: desk.send(f"{label}/limit", size, limit=behind, oco=label))
        later(acts, index, delay, lambda desk: desk.cancel(label))
        later(acts, index, delay, lambda desk: desk.cancel(f"{label}/limit"))

    logic = drawn(series, instrument, 4, draw, every=6)

    assert len(different) < 10
    assert_same(run_hookline(series, instrument, logic), run_backtrader(series, logic), 250)


@dataclass
class Cross:
    """Follows an EMA cross: enters with a limit some ticks away, leaves by a stop, a target, or the cross back."""

    series: object
    instrument: object
    entry: str = ""
    exits: list[str] = field(default_factory=list)

    def __post_init__(self):
        frame = self.series.to_frame().close
        fast, slow = (frame.ewm(span=span, adjust=False).mean().to_numpy() for span in (9, 21))
        self.is_up = fast > slow
        self.width = typical_range(self.series)

    def on_bar(self, desk, index):
        if index < 21:
            return
        close, held = float(self.series.close[index]), desk.position
        if self.is_up[index] != self.is_up[index - 1]:
            for label in (self.entry, *self.exits):
                if label:
                    desk.cancel(label)
            self.entry, self.exits = "", []
            if held:
                desk.send(f"exit {index}", -held)
            self.entry = f"entry {index}"
            side = 1 if self.is_up[index] else -1
            limit = self.instrument.on_grid(close - side * 0.3 * self.width)
            desk.send(self.entry, side * 20 * float(self.instrument.lot_size), limit=limit)
        elif held and not self.exits:
            side = 1 if held > 0 else -1
            stop, target = (self.instrument.on_grid(close + side * far * self.width) for far in (-1.5, 2.5))
            self.exits = [f"stop {index}", f"target {index}"]
            desk.send(self.exits[0], -held, trigger=stop)
            desk.send(self.exits[1], -held, limit=target, oco=self.exits[0])
        elif not held and self.exits:
            self.exits = []


def test_an_ema_cross_with_limit_entries_stops_and_targets_trades_alike(market):
    series, instrument = market

    one = run_hookline(series, instrument, Cross(series, instrument))
    other = run_backtrader(series, Cross(series, instrument))

    assert_same(one, other, 150)


@dataclass
class Brackets:
    """Sends a bracket whenever it is flat; with a side, distances and a kind of entry drawn for every bar."""

    series: object
    instrument: object
    entry: str = ""
    sent_at: int = 0
    skipped: int = 0

    def on_bar(self, desk, index):
        if self.entry and not desk.position and index - self.sent_at > 12:
            for label in (self.entry, f"{self.entry}/stop", f"{self.entry}/target"):
                desk.cancel(label)
            self.entry = ""
        if desk.position:
            self.sent_at = index
        if not self.entry and not desk.position and index < len(self.series) - 1:
            self.enter(desk, index, random.Random(index))

    def enter(self, desk, index, rng):
        size = size_of(rng, self.instrument)
        stop, target = far_enough(self.series, self.instrument, rng, index, size, 1, 4)
        behind, ahead = far_enough(self.series, self.instrument, rng, index, size, 0.1, 0.9)
        terms = rng.choice([{}, {"limit": behind}, {"trigger": ahead}])
        if self.children_are_met_by_the_bar_of_the_entry(index, size, stop, target, terms):
            self.skipped += 1
            return
        self.entry, self.sent_at = f"{index}", index
        desk.bracket(self.entry, size, stop, target, **terms)

    def children_are_met_by_the_bar_of_the_entry(self, index, size, stop, target, terms):
        side = 1 if size > 0 else -1
        for bar in range(index + 1, min(index + 16, len(self.series))):
            low, high = self.series.low[bar], self.series.high[bar]
            worst, best = (low, high) if side > 0 else (high, low)
            limit, trigger = terms.get("limit", best), terms.get("trigger", worst)
            if side * (limit - worst) >= 0 and side * (best - trigger) >= 0:
                return side * (stop - worst) >= 0 or side * (best - target) >= 0
        return False


def test_brackets_fill_alike_where_the_bar_of_the_entry_leaves_the_children_alone(market):
    series, instrument = market

    one = run_hookline(series, instrument, Brackets(series, instrument))
    other = run_backtrader(series, Brackets(series, instrument))

    assert_same(one, other, 180)
    assert {label.partition("/")[2] for label in one.fills} == {"", "stop", "target"}


# -- where the rules differ ------------------------------------------------------------------------------------------


@dataclass
class Once:
    """Acts on the close of the first bar."""

    act: object

    def on_bar(self, desk, index):
        if index == 0:
            self.act(desk)


def both(text, act):
    series = bars(text)
    one = run_hookline(series, terms_of(series, "1"), Once(act))
    return one.fills, run_backtrader(series, Once(act)).fills


def test_children_count_on_the_bar_of_their_entry_in_hookline_and_from_the_next_in_backtrader():
    one, other = both("10 10/10.5/8/9 9/9.5/8.5/9", lambda desk: desk.bracket("a", 1, 8.5, 12))

    assert one == {"a": (1, 10.0, 1.0), "a/stop": (1, 8.5, -1.0)}
    assert other == {"a": (1, 10.0, 1.0), "a/stop": (2, 8.5, -1.0)}


def test_a_stop_limit_past_its_limit_is_filled_by_a_close_that_proves_it_in_hookline_alone():
    # Open 10, high 12 (trigger), close 10.5 under the limit 11: the price must have come back through 11. backtrader sees
    # a bar that rises from open to close and waits.
    one, other = both("10 10/12/10/10.5 13", lambda desk: desk.send("a", 1, trigger=12, limit=11))

    assert one == {"a": (1, 11.0, 1.0)}
    assert other == {"a": (2, 10.5, 1.0)}


def test_what_fills_at_the_open_comes_first_in_hookline_and_the_older_order_first_in_backtrader():
    # The bar opens past the target, so that nothing is left for the stop that it reaches later.
    def protect(desk):
        desk.send("entry", 1)
        desk.send("stop", -1, trigger=9)
        desk.send("target", -1, limit=11, oco="stop")

    one, other = both("10 11.5/12/8.5/9 9", protect)

    assert one == {"entry": (1, 11.5, 1.0), "target": (1, 11.5, -1.0)}
    assert other == {"entry": (1, 11.5, 1.0), "stop": (1, 9.0, -1.0)}


def test_a_trailing_stop_follows_extremes_in_hookline_and_closes_in_backtrader():
    import backtrader as bt

    text = "10 10/14/10/13 13/13.5/11.5/12 12/12.5/9/9"
    series, levels = bars(text), []

    class Trail(bt.Strategy):
        def next(self):
            if len(self) == 1:
                self.order = self.sell(size=1, exectype=bt.Order.StopTrail, trailamount=2)

        def notify_order(self, order):
            if order.status == order.Completed:
                levels.append((len(self) - 1, order.executed.price))

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=series.to_frame().tz_localize(None)))
    cerebro.addstrategy(Trail)
    cerebro.run()
    one = run_hookline(series, terms_of(series, "1"), Once(lambda desk: desk.send("a", -1, trail_amount=2)))

    assert one.fills == {"a": (2, 12.0, -1.0)}
    assert levels == [(3, 11.0)]
