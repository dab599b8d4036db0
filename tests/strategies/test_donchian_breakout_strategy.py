import pandas as pd
import talib
from strategy_runs import entries, orders, real_bars, run

from hookline.testing import bars
from hookline_strategies.donchian_breakout import DonchianBreakout

SHORT_RANGES = {"entry_n": 3, "exit_n": 2, "atr_n": 1}
START = "100/101/99/100 100/101/99/100 100/101/99/100 "


def test_a_close_at_the_highest_high_is_bought_and_one_at_the_lowest_low_leaves():
    series = bars(
        START + "100/102/100/101 "  # closes at 101, the highest high of three bars; range 2
        "101/103/101/102.5 "
        "102/102/98.5/99.5 "  # not above 100, the lowest low of the two bars before
        "99.5/99.5/97/98 "  # not above 98.5, the lowest low of three; range 2.5
        "98/98/95/96 "
        "96/104/96/103.5 "  # reaches the stop, then closes above 102; range 8
        "103.5"
    )
    assert orders(run(DonchianBreakout(**SHORT_RANGES), series)) == [
        "4 buy 50 market -> 101 at 4",  # two percent of 10,000 over two ranges of 2
        "4 sell 50 stop 97 -> canceled",
        "6 sell 50 market -> 99.5 at 6",
        "7 sell 39.7 market -> 98 at 7",  # two percent of 9,925 over two ranges of 2.5
        "7 buy 39.7 stop 103 -> 103 at 9",
        "9 buy 12.158 market -> 103.5 at 9",  # two percent of 9,726.5 over two ranges of 8
        "9 sell 12.158 stop 87.5 -> accepted",
    ]


def test_an_exit_that_is_a_breakout_the_other_way_turns():
    series = bars(START + "100/102/100/101 101 101/101/90/92 92/92/91/91")
    assert orders(run(DonchianBreakout(**SHORT_RANGES, stop_atr=20), series)) == [
        "4 buy 5 market -> 101 at 4",
        "4 sell 5 stop 61 -> canceled",
        "6 sell 5 market -> 92 at 6",
        "6 sell 0.905 market -> 92 at 6",  # two percent of 9,955 over twenty ranges of 11
        "6 buy 0.905 stop 312 -> accepted",
    ]


def test_a_close_below_the_range_is_no_breakout():
    series = bars(START + "100/102/100/100.99 101/103/101/101.99")
    assert orders(run(DonchianBreakout(**SHORT_RANGES), series)) == []


def test_the_bar_itself_is_in_neither_range():
    # The exit bar's own low is 98; its close of 99.9 would be far above it, but is below 100, the low of the bars before.
    series = bars(START + "100/102/100/101 101/103/101/102 102/102/98/99.9 99.9")
    assert orders(run(DonchianBreakout(**SHORT_RANGES), series))[2] == "6 sell 50 market -> 99.9 at 6"


def test_spot_and_long_only_never_sell_short():
    series = bars(START + "100/100/95/96 96/96/90/91 91")
    assert orders(run(DonchianBreakout(**SHORT_RANGES), series, kind="spot")) == []
    assert orders(run(DonchianBreakout(**SHORT_RANGES, allow_short=False), series)) == []
    assert entries(run(DonchianBreakout(**SHORT_RANGES), series), "sell") == [3]


def independent_entries(series, entry_n, exit_n, atr_n, stop_atr):
    """The same rules as a loop over pandas and TA-Lib columns that keeps a position and a stop itself."""
    frame = series.to_frame()
    top, bottom = frame.high.rolling(entry_n).max().shift(1), frame.low.rolling(entry_n).min().shift(1)
    exit_low, exit_high = frame.low.rolling(exit_n).min().shift(1), frame.high.rolling(exit_n).max().shift(1)
    reach = stop_atr * pd.Series(talib.ATR(series.high, series.low, series.close, atr_n), frame.index)
    held, stop, found = 0, 0.0, {"buy": [], "sell": []}
    for bar in range(max(entry_n, atr_n), len(frame)):
        close = frame.close.iloc[bar]
        if (held > 0 and frame.low.iloc[bar] <= stop) or (held < 0 and frame.high.iloc[bar] >= stop):
            held = 0
        if (held > 0 and close <= exit_low.iloc[bar]) or (held < 0 and close >= exit_high.iloc[bar]):
            held = 0
        side = "buy" if close >= top.iloc[bar] else "sell" if close <= bottom.iloc[bar] else ""
        if held == 0 and side:
            held = 1 if side == "buy" else -1
            stop = round(close - held * reach.iloc[bar], 2)
            found[side].append(bar)
    return found


def test_on_real_bars_it_enters_where_an_independent_loop_does(real_data):
    series = real_bars(real_data, "binance_usdm_BTCUSDT", 8000, 6000)
    result = run(DonchianBreakout(), series)
    expected = independent_entries(series, 20, 10, 20, 2.0)
    assert len(expected["buy"]) > 50
    assert entries(result, "buy") == expected["buy"]
    assert entries(result, "sell") == expected["sell"]
