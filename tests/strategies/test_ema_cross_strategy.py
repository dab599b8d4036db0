import numpy as np
import pytest
import talib
from strategy_runs import entries, orders, real_bars, run

from hookline.testing import bars
from hookline_strategies.ema_cross import EmaCross

FLAT = "100 " * 30  # ADX(14) needs 28 bars
QUICK = {"fast": 2, "slow": 3, "adx_min": 0, "swing": 2}


def test_a_cross_up_buys_and_the_cross_down_turns():
    # Averages of 2 and 3 closes: 100 and 100, then 101.33 > 101, 103.11 > 102.5, 101.70 < 101.75.
    result = run(EmaCross(**QUICK), bars(FLAT + "102 104 101 101/103/100/101"))
    assert orders(result) == [
        "31 buy 50 market -> 102 at 31",  # one percent of 10,000 over the distance 102 - 100
        "31 sell 50 stop 100 -> canceled",  # lowest low of two bars
        "33 sell 50 market -> 101 at 33",
        "33 sell 33.166 market -> 101 at 33",  # one percent of 9,950 over 104 - 101
        "33 buy 33.166 stop 104 -> accepted",
    ]


def test_the_stop_at_the_swing_ends_a_position():
    result = run(EmaCross(**QUICK), bars(FLAT + "102 102/102/99/101.9 102"))
    assert orders(result)[:2] == ["31 buy 50 market -> 102 at 31", "31 sell 50 stop 100 -> 100 at 32"]


def test_spot_is_sold_but_not_sold_short():
    result = run(EmaCross(**QUICK), bars(FLAT + "102 104 101 105"), kind="spot")
    assert orders(result)[:3] == [
        "31 buy 50 market -> 102 at 31",
        "31 sell 50 stop 100 -> canceled",
        "33 sell 50 market -> 101 at 33",
    ]
    assert not [fill for fill in result.record.fills if fill.side < 0 and fill.number == 1]


def test_a_weak_trend_is_not_entered_but_a_position_still_ends():
    weak = run(EmaCross(**{**QUICK, "adx_min": 90}), bars(FLAT + "102 104 101 105"))
    assert orders(weak) == []
    # 100 * (1 - (13/14)^n) is the index after n bars of one direction: 19.8 after the rise below, 14.3 at its second bar.
    rising = bars(FLAT + "102 104 106 90 90")
    result = run(EmaCross(**{**QUICK, "adx_min": 7, "allow_short": False}), rising)
    assert [line.split(" ->")[0] for line in orders(result)] == [
        "31 buy 50 market",
        "31 sell 50 stop 100",
    ]


def test_the_volume_filter_wants_more_than_the_average_of_twenty_bars():
    busy = FLAT + "102@3 104 103"
    quiet = FLAT + "102@1 104 103"
    strategy = EmaCross(**QUICK, volume_filter=True)
    assert len(entries(run(strategy, bars(busy)), "buy")) == 1
    assert entries(run(strategy, bars(quiet)), "buy") == []


def test_fast_must_be_faster():
    with pytest.raises(ValueError, match="fast must be below slow"):
        EmaCross(fast=21, slow=21)


@pytest.mark.parametrize(("fast", "slow", "adx_min"), [(9, 21, 25.0), (20, 50, 20.0)])
def test_on_real_bars_it_enters_where_talib_crosses(real_data, fast, slow, adx_min):
    series = real_bars(real_data, "binance_usdm_BTCUSDT", 8000, 6000)
    result = run(EmaCross(fast=fast, slow=slow, adx_min=adx_min), series)
    quick, slow_ = talib.EMA(series.close, fast), talib.EMA(series.close, slow)
    strong = talib.ADX(series.high, series.low, series.close, 14) >= adx_min
    above, was_above = quick > slow_, np.roll(quick > slow_, 1)
    known = np.arange(len(series)) > slow
    up, down = (
        np.flatnonzero(known & strong & above & ~was_above),
        np.flatnonzero(known & strong & ~above & was_above),
    )
    assert len(up) > 20
    assert entries(result, "buy") == up.tolist()
    assert entries(result, "sell") == down.tolist()
    floor = talib.MIN(series.low, 10)
    stops = [
        o.children[0].trigger_price
        for o in result.record.orders
        if o.tag == "entry" and o.children and o.side > 0
    ]
    assert stops == pytest.approx(floor[up], abs=0.005)
