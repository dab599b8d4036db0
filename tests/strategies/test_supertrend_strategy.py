import numpy as np
import talib
from strategy_runs import amendments, entries, orders, real_bars, run

from hookline.testing import bars
from hookline_strategies.supertrend import Supertrend

# With period 1 and multiplier 1 the bands lie one true range from the middle of the bar.
#                 range  band            trend
FALL_AND_RISE = (
    "100/101/99/100 "
    "100/101/99/100 "  # 2    98   up
    "100/100/96/97 "  #  4   102   down: 97 closes below 98
    "97/98/94/95 "  #    4   100
    "95/96/90/91 "  #    6    99
    "91/104/91/103 "  # 13    84.5 up: 103 closes above 99
    "103/106/102/105 "  # 4   100
    "105/105/99/101 "  # 6   100   the stop is reached, the close is not below the band
    "101/107/101/106"
)


def test_it_turns_with_the_trend_and_trails_the_band():
    series = bars(FALL_AND_RISE)
    assert orders(run(Supertrend(period=1, multiplier=1), series)) == [
        "3 sell 20 market -> 97 at 3",  # one percent of 10,000 over 102 - 97
        "3 buy 20 stop 99 -> 99 at 6",
        "6 buy 5.383 market -> 103 at 6",  # one percent of 9,960 over 103 - 84.5
        "6 sell 5.383 stop 100 -> 100 at 8",
    ]
    assert amendments(Supertrend(period=1, multiplier=1), series) == [
        "4: 2 to 100.0",
        "5: 2 to 99.0",
        "7: 4 to 100.0",
    ]


def test_after_a_stop_it_waits_for_the_next_turn():
    result = run(Supertrend(period=1, multiplier=1), bars(FALL_AND_RISE + " 106 107 108"))
    assert max(order.time for order in result.record.orders) < result.record.fills[-1].time


def test_without_shorts_it_only_leaves():
    result = run(Supertrend(period=1, multiplier=1, allow_short=False), bars(FALL_AND_RISE))
    assert orders(result) == [
        "6 buy 5.405 market -> 103 at 6",
        "6 sell 5.405 stop 100 -> 100 at 8",
    ]
    assert orders(run(Supertrend(period=1, multiplier=1), bars(FALL_AND_RISE), kind="spot")) == orders(result)


def directions(high, low, close, period, multiplier):
    """Supertrend written another way: TA-Lib's range, one loop, bands as two running extremes."""
    reach = multiplier * talib.ATR(high, low, close, period)
    middle = (high + low) / 2
    trend, floor, ceiling = np.zeros(len(close)), -np.inf, np.inf
    for bar in np.flatnonzero(~np.isnan(reach)):
        before = close[bar - 1]
        floor = max(floor, middle[bar] - reach[bar]) if before >= floor else middle[bar] - reach[bar]
        ceiling = min(ceiling, middle[bar] + reach[bar]) if before <= ceiling else middle[bar] + reach[bar]
        last = trend[bar - 1] or (1.0 if close[bar] >= middle[bar] else -1.0)
        trend[bar] = (
            -1.0 if last > 0 and close[bar] < floor else 1.0 if last < 0 and close[bar] > ceiling else last
        )
    return trend


def test_on_real_bars_it_enters_at_the_turns_of_an_independent_supertrend(real_data):
    series = real_bars(real_data, "binance_usdm_ETHUSDT", 3000, 6000)
    result = run(Supertrend(), series)
    trend = directions(series.high, series.low, series.close, 10, 3.0)
    turns = np.flatnonzero((trend[1:] != trend[:-1]) & (trend[:-1] != 0)) + 1
    up, down = [bar for bar in turns if trend[bar] > 0], [bar for bar in turns if trend[bar] < 0]
    assert len(up) > 50
    assert entries(result, "buy") == up
    assert entries(result, "sell") == down
