"""One strategy and one recording, as a backtest, on paper, live at the emulated venue and compiled: the same orders and the same fills.

What is compared exactly: orders in the order of their creation with all their terms and what became of them, fills in order with
lots, price, fee and liquidity, funding, final positions and equity. What differs by nature is when something is learnt:

- A session at a venue hears of a bar, and of what it filled, once it is over. Orders that it sends then carry that moment, a few
  milliseconds later; protection and what strategies do about a fill carry the bar's end where a backtest says the time of the fill.
- Orders sent on the last event are still on their way in a backtest; the venue has accepted them.
- Order ids of the venue are its own.

One thing trades otherwise at a venue that knows bars alone: a stop that the bar of its own entry reaches. It is sent when the entry's
fill is heard, which is after that bar; a backtest tests it on the rest of the bar (row B2 of the fill rules).
"""

from dataclasses import replace
from functools import cache

import pytest
from parity_comparing import assert_alike, positions
from parity_sessions import run, run_live
from parity_stories import SIGNAL, STORIES

from hookline.model import timeframe_ns

SECOND = 10**9
WAYS = ("backtest", "paper", "live")
COMPILED = {"signal": ("compiled",)}  # the others act on events, or on more than one instrument
ON_BARS_ALONE = {"signal", "pair", "buyer"}
LEAST_FILLS = {"signal": 25, "grid": 300, "pair": 40, "buyer": 15, "maker": 40}


@pytest.fixture(scope="module")
def ran(real_data, tmp_path_factory):
    """Return what runs a story in a mode, once, and the venues of those that ran live."""
    venues = {}

    @cache
    def result(name, mode):
        folder = tmp_path_factory.mktemp(f"{name}-{mode}")
        if mode != "live":
            return run(STORIES[name], mode, real_data, folder)
        result, venues[name] = run_live(STORIES[name], real_data, folder)
        return result

    return result, venues


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_a_strategy_trades_alike_as_a_backtest_on_paper_live_and_compiled(ran, name):
    one, *others = (ran[0](name, mode) for mode in (*WAYS, *COMPILED.get(name, ())))

    assert len(one.record.fills) >= LEAST_FILLS[name]
    for other in others:
        assert_alike(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_times_differ_by_when_something_can_be_known(ran, name):
    backtest, paper, live = (ran[0](name, mode).record for mode in WAYS)
    story = STORIES[name]
    # What a bar fills is told at its end; what a tape fills, at once, in the venue's milliseconds.
    late = SECOND // 1000 if story.tape else timeframe_ns(story.timeframe)

    assert [order.time for order in paper.orders] == [order.time for order in backtest.orders]
    assert [fill.time for fill in paper.fills] == [fill.time for fill in backtest.fills]
    for early, told in zip(backtest.fills, live.fills, strict=True):
        assert -SECOND // 1000 < told.time - early.time <= late
    for early, told in zip(backtest.orders, live.orders, strict=True):
        waited = told.time - early.time
        assert 0 <= waited < late + SECOND
        if name in ON_BARS_ALONE and early.parent is None:
            assert waited < SECOND


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_the_venue_has_got_each_order_once_and_holds_what_the_session_believes(ran, name):
    result, venues = ran
    record = result(name, "live").record
    venue = venues[name]

    assert len(venue.sent()) == len(
        [one for one in record.orders if str(one.status) not in {"denied", "held"}]
    )
    assert set(venue.sent().values()) == {1}
    if name != "buyer":  # coins are held in a wallet, not as a position
        held = {symbol: lots for symbol, lots in positions(record).items() if lots}
        assert held == {symbol: lots for symbol, lots in venue.positions().items() if lots}


@pytest.mark.slow
def test_a_stop_within_the_bar_of_its_entry_fills_a_bar_later_where_the_venue_knows_bars_alone(
    real_data, tmp_path
):
    tight = {"use": "ema_cross", "params": {"adx_min": 0, "swing": 1}}
    story = replace(SIGNAL, strategy=tight, since="2024-03-01", until="2024-03-03")

    backtest = run(story, "backtest", real_data, tmp_path).record
    live = run(story, "live", real_data, tmp_path).record

    entry, stop = backtest.orders[:2]
    assert stop.parent is entry
    assert stop.trigger_price == 62_130.0
    # The bar of the entry reaches the trigger; the next one opens beyond it.
    assert [fill.price for fill in backtest.fills[:2]] == [61_900.0, 62_130.0]
    assert [fill.price for fill in live.fills[:2]] == [61_900.0, 62_156.0]
    assert [fill.lots for fill in live.fills[:2]] == [fill.lots for fill in backtest.fills[:2]]
    assert live.orders[1].time - stop.time == timeframe_ns("1h")
