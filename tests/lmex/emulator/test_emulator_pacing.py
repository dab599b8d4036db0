"""The venue's clock, the order of events, and how fast they are played."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from emulated import (
    MINUTE,
    PERP,
    SPOT,
    START,
    TAPE,
    TERMS,
    HandFeed,
    bar_venue,
    book,
    tape,
    trade,
    until,
    venue,
    venue_config,
    visit,
)

from hookline.clock import stopwatch
from hookline.errors import ConfigError, DataError, PluginError
from hookline.feed import Feed
from hookline.model import Bar, BookUpdate, Trade
from hookline.params import PluginUse
from hookline.session.schema import ExternalEntry
from hookline.testing import bars
from hookline_lmex.emulator import Emulator, EmulatorConfig, MarketConfig
from hookline_lmex.emulator.market_data import load_market_data
from hookline_lmex.emulator.pacing import Pacer
from hookline_lmex.emulator.venue_clock import SkewedClock, VenueClock

SECOND = 10**9
DAY = 86_400 * SECOND


class Seconds:
    """A stopwatch that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Heard:
    """What events are played to: it keeps them, and the clock's time at each."""

    def __init__(self, clock) -> None:
        self.clock, self.events, self.times, self.passes = clock, [], [], 0

    def handle(self, events) -> None:
        self.events.append(events)
        self.times.append(self.clock.now)

    def pass_time(self) -> None:
        self.passes += 1


def market(symbol, *, tape=(), timeframe="1m"):
    return MarketConfig(symbol, tape=list(tape), timeframe=timeframe, instrument=TERMS)


def loaded(*series, markets, **changes):
    return load_market_data(venue_config(markets=markets, **changes), {"hand": HandFeed(*series)})


# -- the clock -----------------------------------------------------------------------------------------------------------


def test_the_clock_runs_at_its_speed_and_never_beyond_the_next_event():
    timer = Seconds()
    clock = VenueClock(START, 60.0, timer)
    timer.now = 2.0
    assert clock.now == START + 120 * SECOND
    clock.limit = START + 150 * SECOND
    timer.now = 10.0
    assert clock.now == clock.limit
    clock.limit = START + 10_000 * SECOND
    assert clock.now == START + 600 * SECOND


def test_another_speed_goes_on_from_the_time_shown():
    timer = Seconds()
    clock = VenueClock(START, 10.0, timer)
    timer.now = 1.0
    clock.speed = 1.0
    timer.now = 3.0
    assert clock.now == START + 12 * SECOND
    clock.speed = None
    timer.now = 9.0
    assert clock.now == START + 12 * SECOND


def test_a_standing_clock_moves_with_steps_and_a_millisecond_with_each_request():
    clock = VenueClock(START, None)
    clock.limit = START + 3_000_000
    clock.tick()
    clock.tick()
    assert clock.now == START + 2_000_000
    for _ in range(10):
        clock.tick()
    assert clock.now == clock.limit - 1
    clock.reach(START + SECOND)
    assert clock.now == START + SECOND


def test_a_running_clock_does_not_move_with_requests_or_back():
    timer = Seconds()
    clock = VenueClock(START, 1.0, timer)
    clock.tick()
    assert clock.now == START
    clock.reach(START + SECOND)
    assert clock.now == START + SECOND
    timer.now = 0.5
    assert clock.now == START + SECOND


def test_seconds_to_wait_are_those_of_the_stopwatch():
    clock = VenueClock(START, 24.0, Seconds())
    assert clock.wait_seconds(START + 48 * SECOND) == 2.0
    assert clock.wait_seconds(START - SECOND) == 0.0


def test_a_skew_is_shown_and_nothing_else():
    clock = VenueClock(START, None)
    shown = SkewedClock(clock)
    shown.skew_ms = -1500.0
    assert (shown.now, clock.now) == (START - 1_500_000_000, START)


# -- the order of events ---------------------------------------------------------------------------------------------------


def test_bars_that_end_together_are_one_group_and_come_before_messages():
    one = bars("10 11", "A-PERP", "1m", start=START)
    two = bars("20 21", "B-PERP", "1m", start=START)
    messages = tape("B-PERP", book(0, "19.5*1", "20.5*1", snapshot=True), trade(60, 20, 1), trade(90, 20, 1))
    data = loaded(one, two, messages, markets=[market("A-PERP"), market("B-PERP", tape=TAPE)])
    groups = [(time - START, [type(event) for event in events]) for time, events in data.groups(loop=False)]
    assert groups == [
        (0, [BookUpdate]),
        (MINUTE, [Bar, Bar]),
        (MINUTE, [Trade]),
        (90 * SECOND, [Trade]),
        (2 * MINUTE, [Bar, Bar]),
    ]


def test_bars_of_two_timeframes_meet_where_both_end():
    short, long = bars("1 2 3 4 5", "A-PERP", "1m", start=START), bars("9", "B-PERP", "5m", start=START)
    data = loaded(short, long, markets=[market("A-PERP"), market("B-PERP", timeframe="5m")])
    assert [len(events) for _, events in data.groups(loop=False)] == [1, 1, 1, 1, 2]


def test_what_is_before_the_start_is_history():
    series = bars("10 11 12 13 14", "BTC-PERP", "1m", start=START)
    data = loaded(series, markets=[market("BTC-PERP")], start="2024-01-01T00:03", history_bars=2)
    assert data.start == START + 3 * MINUTE
    assert data.setups[0].history.close.tolist() == [11, 12]
    assert [events[0].close for _, events in data.groups(loop=False)] == [13, 14]


def test_a_tape_from_the_middle_begins_with_the_book_as_it_stood():
    messages = tape(
        "BTC-PERP",
        book(0, "99*1", "101*1", snapshot=True),
        book(1, "100*2", ""),
        trade(5, 100, 1),
        book(6, "", "102*1"),
    )
    data = loaded(messages, markets=[PERP], start="2024-01-01T00:00:03")
    (time, (first,)), (_, (second,)), _ = data.groups(loop=False)
    assert (time, first.is_snapshot) == (START + 3 * SECOND, True)
    assert sorted(zip(first.prices, first.quantities, strict=True)) == [(99, 1), (100, 2), (101, 1)]
    assert isinstance(second, Trade)


def test_a_loop_plays_the_same_again_whole_days_later_with_its_funding():
    series = bars("10 11", "BTC-PERP", "1h", start=START)
    one = replace(market("BTC-PERP", timeframe="1h"), funding_rate=Decimal("0.0001"))
    data = loaded(series, markets=[one], at_end="loop")
    groups = data.groups(loop=True)
    played = [next(groups) for _ in range(5)]
    assert [events[0].close for _, events in played] == [10, 11, 10, 11, 10]
    assert played[2][0] - played[0][0] == DAY
    assert played[2][1][0].end == played[2][0]
    funding = data.setups[0].funding
    assert np.diff(funding.time).tolist()[:9] == [8 * 3600 * SECOND] * 9
    assert funding.time[-1] > START + 300 * DAY
    assert data.setups[0].marks is None


def test_funding_may_come_from_a_file(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("time,rate\n2024-01-01T08:00:00Z,0.0003\n2024-01-01T16:00:00Z,-0.0001\n")
    one = replace(market("BTC-PERP", timeframe="1h"), funding=ExternalEntry(path, "rate"))
    funding = loaded(bars("10 11", "BTC-PERP", "1h", start=START), markets=[one]).setups[0].funding
    assert funding.value.tolist() == [0.0003, -0.0001]
    assert funding.time[0] == START + 8 * 3600 * SECOND


def test_a_looped_tape_gives_the_same_book_in_every_round():
    series = tape(
        "BTC-PERP",
        book(0, "99*1", "101*1", snapshot=True),
        book(1, "100*2", ""),
        book(2, "100*0 99*5", "", snapshot=False),
        numbered=True,
    )

    async def run():
        emulator = venue(series, markets=[PERP], at_end="loop")
        shown = []
        for _ in range(7):
            emulator.play_next()
            state = emulator.exchange.states["BTC-PERP"]
            assert not state.book.is_stale
            shown.append((state.book.bids(), emulator.clock.now))
        assert [book for book, _ in shown[:3]] == [[(99, 1)], [(100, 2), (99, 1)], [(99, 5)]]
        assert [book for book, _ in shown[3:6]] == [book for book, _ in shown[:3]]
        assert shown[3][1] - shown[0][1] == DAY

    asyncio.run(run())


def test_a_market_may_have_another_name_in_its_feed():
    series = bars("10 11", "btc", "1m", start=START)
    data = loaded(series, markets=[replace(market("BTC-PERP"), source="btc")])
    assert data.setups[0].symbol == "BTC-PERP"
    assert {event.symbol for _, events in data.groups(loop=False) for event in events} == {"BTC-PERP"}


def test_terms_are_those_of_the_configuration_over_those_of_the_feed():
    series = bars("10.25 11", "BTC-PERP", "1m", start=START)
    setup = loaded(
        series, markets=[MarketConfig("BTC-PERP", instrument=replace(TERMS, tick_size=None))]
    ).setups[0]
    assert (setup.instrument.tick_size, setup.instrument.lot_size) == (Decimal("0.01"), Decimal("0.001"))
    assert (setup.instrument.base, setup.instrument.quote) == ("BTC", "USDT")
    assert (setup.maker_fee_bps, setup.taker_fee_bps) == (2, 6)


# -- what is wrong -----------------------------------------------------------------------------------------------------------


class Broken(Feed):
    """A feed with a bug."""

    name = "broken"

    def load(self, request):
        raise ZeroDivisionError("a bug")


@pytest.mark.parametrize(
    ("config", "error", "text"),
    [
        ({"feed": PluginUse("nothing")}, PluginError, "feed.use: no feed is called 'nothing'"),
        (
            {"markets": [replace(PERP, feed=PluginUse("csv", {"pat": "x"}))]},
            ConfigError,
            "markets[0].feed.params.pat",
        ),
        ({"markets": [market("BTC-PERP"), market("NO-PERP")]}, DataError, "markets[1]: no bars of NO-PERP"),
        (
            {"feed": PluginUse("broken")},
            PluginError,
            "markets[0]: feed 'broken' raised ZeroDivisionError: a bug",
        ),
        (
            {"markets": [replace(SPOT, instrument=replace(TERMS, contract_size=Decimal("0.0007")))]},
            ConfigError,
            "markets[0].instrument: BTC-USDT.lot_size: must be a whole multiple of contract_size",
        ),
    ],
)
def test_what_is_wrong_with_a_market_names_its_place(config, error, text):
    feeds = {"hand": HandFeed(bars("1 2", "BTC-PERP"), tape("BTC-USDT", trade(0, 1, 1))), "broken": Broken()}
    said = {"markets": [replace(market("BTC-PERP"), timeframe="1h")], **config}
    with pytest.raises(error) as raised:
        load_market_data(venue_config(**said), feeds)
    assert str(raised.value).startswith(text)


def test_no_data_from_the_start_on_is_an_error():
    series = bars("10 11", "BTC-PERP", "1m", start=START)
    with pytest.raises(DataError, match="BTC-PERP: there is no data from the start on"):
        loaded(series, markets=[market("BTC-PERP")], start="2024-01-01T00:10")


# -- the pace ----------------------------------------------------------------------------------------------------------------


def playing(text, timeframe):
    """Return a pacer of bars, what it plays to and its clock."""
    data = loaded(
        bars(text, "BTC-PERP", timeframe, start=START), markets=[market("BTC-PERP", timeframe=timeframe)]
    )
    clock = VenueClock(data.start, None)
    heard = Heard(clock)
    return Pacer(heard, data.groups(loop=False), clock), heard, clock


@pytest.mark.parametrize("speed", [600.0, 3600.0, 36_000.0])
def test_events_are_played_as_fast_as_the_clock_runs(speed):
    async def run():
        pacer, heard, clock = playing(" ".join("10 11" for _ in range(20)), "1m")
        begun = stopwatch()
        pacer.set_speed(speed)
        task = asyncio.create_task(pacer.run())
        await asyncio.sleep(0.3)
        passed, most = clock.now - START, (stopwatch() - begun) * speed * SECOND
        task.cancel()
        assert 0.25 * speed * SECOND < passed <= most
        assert len(heard.events) in {min(40, passed // MINUTE + lag) for lag in (-1, 0)}
        assert heard.times == [START + MINUTE * (number + 1) for number in range(len(heard.events))]

    asyncio.run(run())


def test_steps_play_whatever_the_clock_says():
    async def run():
        pacer, heard, clock = playing("10 11 12", "1d")
        assert clock.now == START
        assert [pacer.step() for _ in range(4)] == [True, True, True, False]
        assert (pacer.is_over, pacer.next_time, pacer.handled) == (True, None, 3)
        assert heard.times == [START + DAY, START + 2 * DAY, START + 3 * DAY]

    asyncio.run(run())


def test_after_the_last_event_time_goes_on():
    async def run():
        pacer, heard, clock = playing("10", "1s")
        pacer.set_speed(1000.0)
        task = asyncio.create_task(pacer.run())
        await asyncio.sleep(0.25)
        task.cancel()
        assert clock.now > START + 100 * SECOND
        assert heard.passes >= 2
        assert len(heard.events) == 1

    asyncio.run(run())


def test_other_tasks_get_their_turn_while_many_events_are_due():
    async def run():
        pacer, heard, _ = playing(" ".join("10 11" for _ in range(3000)), "1s")
        handle = heard.handle

        def slowly(events):
            handle(events)
            sum(range(3000))

        heard.handle = slowly
        pacer.set_speed(1e9)
        task = asyncio.create_task(pacer.run())
        turns = 0
        async with asyncio.timeout(10):
            while not pacer.is_over:
                turns += 1
                await asyncio.sleep(0)
        task.cancel()
        assert turns > 5

    asyncio.run(run())


def test_a_running_venue_cancels_all_when_the_switch_runs_out_after_the_data_is_over():
    async def run():
        async with visit(bar_venue("100 100", speed=2000.0)) as client:
            await until(lambda: client.emulator.pacer.is_over)
            assert (await client.order(price=50))[0] == 200
            path = "/futures/api/v2.3/order/cancelAllAfter"
            assert (await client.call("POST", path, {"timeout": 10_000}))[0] == 200
            await until(lambda: not client.emulator.exchange.truth("tester").open_orders)

    asyncio.run(run())


def test_an_emulator_can_be_made_of_the_synthetic_feed():
    config = EmulatorConfig(
        markets=[MarketConfig("BTC-PERP", timeframe="1h", feed=PluginUse("synthetic", {"bars": 5}))],
        speed=None,
    )

    async def run():
        async with Emulator(config) as emulator:
            assert await emulator.step(9) == 5

    asyncio.run(run())
