import pytest
import talib
from strategy_runs import decisions, fills, orders, real_bars, run

from hookline.testing import bars
from hookline_strategies.bollinger_reversion import BollingerReversion

FLAT = "100 " * 30  # ADX(14) needs 28 bars
NARROW = {"period": 5, "k": 1.5}


def test_it_buys_in_two_halves_and_sells_at_the_middle():
    series = bars(
        FLAT + "98 "  # average 99.6, deviation 0.8: at -2 deviations, below the band at 98.4
        "97.4 "  # deviation 1.1426: not above 98 - 0.5713
        "99.5 "  # average 98.98
        "99.5"
    )
    result = run(BollingerReversion(**NARROW), series)
    assert fills(result) == [
        "31 buy 20.833 at 98",  # half of 0.5 % of 10,000 over 98 - 96.8, the stop at 99.6 - 3.5 * 0.8
        "32 buy 41.614 at 97.4",  # half of 0.5 % of 9,987.5 over 97.4 - 96.8
        "33 sell 62.447 at 99.5",
    ]
    assert orders(result)[1].split(" stop ")[1] == "96.8 -> canceled"


def test_the_upper_band_is_sold_the_same_way():
    series = bars(FLAT + "102 102.6 100.5 100.5")
    assert fills(run(BollingerReversion(**NARROW), series)) == [
        "31 sell 20.833 at 102",
        "32 sell 41.614 at 102.6",
        "33 buy 62.447 at 100.5",
    ]
    assert orders(run(BollingerReversion(**NARROW), series, kind="spot")) == []


def test_without_scaling_it_buys_the_full_size_once():
    result = run(BollingerReversion(**NARROW, scale_in=False), bars(FLAT + "98 97.4 99.5 99.5"))
    assert orders(result) == [
        "31 buy 41.666 market -> 98 at 31",
        "31 sell 41.666 stop 96.8 -> canceled",
        "33 sell 41.666 market -> 99.5 at 33",
    ]


def test_the_stop_stays_where_the_first_half_set_it_and_ends_both():
    series = bars(FLAT + "98 97.4 97.4 97.4/97.4/96/96.5 96.5")
    result = run(BollingerReversion(**NARROW), series)
    assert [line for line in fills(result) if "sell" in line and "at 96.8" not in line] == []
    assert sum(fill.side * fill.lots for fill in result.record.fills) == 0
    assert {fill.time for fill in result.record.fills if fill.side < 0} == {int(series.end[33])}


def test_a_bar_that_fills_the_second_half_and_reaches_the_stop_ends_both():
    series = bars(FLAT + "98 97.4 97.4/97.4/96/96.5 96.5")
    result = run(BollingerReversion(**NARROW), series)
    sold = [fill for fill in result.record.fills if fill.side < 0]
    assert {fill.price for fill in sold} == {96.8}
    assert sum(fill.quantity for fill in sold) == pytest.approx(62.447)


def test_it_is_never_added_to_twice():
    result = run(BollingerReversion(**NARROW, stop_z=9), bars(FLAT + "98 97.4 96.5 95.5 94.5"))
    assert [line.split()[1] for line in orders(result) if "market" in line] == ["buy", "buy"]


@pytest.mark.parametrize("filter_", [{"max_bandwidth": 0.02}, {"adx_max": 7}])
def test_wide_bands_and_trends_are_left_alone(filter_):
    series = bars(FLAT + "98 98")  # bandwidth 2.4 / 99.6 = 0.0241, ADX 100 / 14 = 7.14
    assert orders(run(BollingerReversion(**NARROW, **filter_), series)) == []


def test_filters_just_wide_enough_let_it_in():
    series = bars(FLAT + "98 98")
    assert len(orders(run(BollingerReversion(**NARROW, max_bandwidth=0.0242, adx_max=7.2), series))) == 2


def test_a_close_beyond_the_stop_is_not_bought():
    # A close alone against n - 1 equal ones lies sqrt(n - 1) deviations away: 4.36 for 20.
    result = run(BollingerReversion(max_bandwidth=1.0), bars(FLAT + "98 100 100"))
    assert orders(result) == []


def test_k_must_be_inside_the_stop():
    with pytest.raises(ValueError, match="k must be below stop_z"):
        BollingerReversion(k=3.5)


def independent_fills(series, p):
    """The rules as a loop over TA-Lib columns: (bar, kind) of every entry, addition and exit decided on a close."""
    upper, mid, lower = talib.BBANDS(series.close, p.period, p.k, p.k)
    sigma = talib.STDDEV(series.close, p.period)
    adx = talib.ADX(series.high, series.low, series.close, 14)
    found, side, size, paid, stop = [], 0, 0.0, 0.0, 0.0
    for bar in range(max(27, p.period), len(series) - 1):
        close, after = series.close[bar], series.open[bar + 1]
        reached = series.low[bar] <= stop if side > 0 else series.high[bar] >= stop
        if side and reached:
            side = 0
        z = (close - mid[bar]) / sigma[bar] if sigma[bar] else 0.0
        if side:
            if side * z >= 0 or side * z <= -p.stop_z:
                found.append((bar, "exit"))
                side = 0
            elif size < 1 and side * (close - paid) <= -0.5 * sigma[bar]:
                found.append((bar, "add"))
                size = 1.0
        elif (upper[bar] - lower[bar]) / mid[bar] < p.max_bandwidth and adx[bar] < p.adx_max:
            side = 1 if close <= lower[bar] else -1 if close >= upper[bar] else 0
            if side and abs(z) < p.stop_z:
                found.append((bar, "buy" if side > 0 else "sell"))
                size, paid = 0.5 if p.scale_in else 1.0, after
                stop = round(mid[bar] - side * p.stop_z * sigma[bar], 2)
            else:
                side = 0
    return found


@pytest.mark.parametrize("scale_in", [False, True])
def test_on_real_bars_it_decides_as_an_independent_loop_does(real_data, scale_in):
    series = real_bars(real_data, "binance_usdm_BTCUSDT", 8000, 6000)
    strategy = BollingerReversion(adx_max=30.0, scale_in=scale_in)
    result = run(strategy, series)
    expected = independent_fills(series, strategy)
    assert len(expected) > 150
    assert decisions(result) == expected
