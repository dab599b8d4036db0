"""Pairs trading against a market written by hand, and against pandas and statsmodels on recorded prices."""

import logging
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pair_markets import HOUR, START, closes, cointegrated, perpetual, spot, without
from statsmodels.tsa.stattools import coint

import hookline as hl
from hookline.model import BarSeries
from hookline_strategies.pairs_trading import PairsTrading

# b swings by 1 around 100 and the spread by 1 around 0, at right angles: over any twelve bars beta is 1.
B_SWING, SPREAD = [-1, 1, -1, 1], [1, 1, -1, -1]
TERMS = {"window": 12, "calibration": 30, "coint_p_open": 1.0, "coint_p_close": 1.0, "risk": 0.002}


def market(spreads, quiet=35):
    """Quiet bars, then bars with these spreads; None goes on with the pattern."""
    count = quiet + len(spreads)
    b = 100.0 + np.resize(B_SWING, count)
    e = np.resize(SPREAD, count).astype(float)
    for place, spread in enumerate(spreads, quiet):
        e[place] = e[place] if spread is None else spread
    return {"A": closes("A", b + e), "B": closes("B", b)}


def run(strategy, series, **options):
    options = {"instruments": [perpetual(symbol) for symbol in series], "leverage": 3} | options
    return hl.backtest(strategy, series, **options)


def orders(result):
    """Each order as hour, side, quantity, symbol, tag, price and time of its fills, or what became of it."""
    lines = []
    for order in result.record.orders:
        fills = [fill for fill in result.record.fills if fill.order_number == order.number]
        shown = [f"{fill.price:g} at {(fill.time - START) / HOUR:g}" for fill in fills] or [
            order.status.value
        ]
        head = f"{(order.time - START) / HOUR:g} {order.side.name.lower()} {order.quantity:g} {order.symbol}"
        lines.append(f"{head} {order.tag} -> {' '.join(shown)}")
    return lines


def reasons(caplog):
    """What the strategy said of its leg groups."""
    words = ("open", "unwinding", "closing", "closed", "unwound")
    texts = [record.getMessage() for record in caplog.records if "pairs_trading" in record.name]
    return [text.strip() for text in texts if text.startswith(words)]


def test_a_spread_that_is_far_out_is_sold_and_bought_back_when_it_is_back(caplog):
    # Bar 35 closes at a = 101 + 5, b = 101; the pattern would have had a spread of -1, b is 1 above its mean.
    #   beta      = 1 + 1 * (5 - -1) / 12 = 1.5
    #   residuals: squares sum to (11 + 25 - 12 * 0.5^2) - 12 * 0.5^2 = 30, deviation sqrt(30 / 11) = 1.65145
    #   last      = (5 - 0.5) - 0.5 * 1 = 4, so z = 4 / 1.65145 = 2.42
    #   a         = 10,000 * 0.002 / (3.5 * 1.65145 - 4) = 20 / 1.78006 = 11.2356, b = 1.5 * 11.2356 = 16.8534
    # Bar 36: beta as before, residual (1 - 0.5) + 0.5 * 1 = 1, z = 0.61: held.
    # Bar 37: residual (1 - 0.5) - 0.5 * 1 = 0: closed at the open of bar 38, where a = 102 and b = 101.
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(PairsTrading(**TERMS), market([5, None, None, None, None]))
    assert orders(result) == [
        "36 sell 11.235 A pair -> 106 at 36",
        "36 buy 16.853 B pair -> 101 at 36",
        "38 buy 11.235 A pair close -> 102 at 38",
        "38 sell 16.853 B pair close -> 101 at 38",
    ]
    assert result.metrics.final_equity == pytest.approx(10_000 + 11.235 * 4)
    assert reasons(caplog) == ["open", "closing back at z 0.00", "closed back at z 0.00"]


def test_a_spread_that_is_far_below_is_bought():
    # The mirror of the above: at a spread of -5 on bar 36, where b is 1 below its mean and the pattern has +1,
    #   beta = 1 + -1 * (-5 - 1) / 12 = 1.5, deviation sqrt(30 / 11), last = (-5 + 0.5) - 0.5 * -1 = -4, z = -2.42.
    # Bar 37: b +1, spread 1: residual (1 + 0.5) - 0.5 = 1, z = 0.61 beyond zero: back, though |z| is above the exit.
    result = run(PairsTrading(**TERMS), market([None, -5, None, None, None]))
    assert orders(result) == [
        "37 buy 11.235 A pair -> 94 at 37",
        "37 sell 16.853 B pair -> 99 at 37",
        "38 sell 11.235 A pair close -> 102 at 38",
        "38 buy 16.853 B pair close -> 101 at 38",
    ]


def test_both_legs_together_are_worth_no_more_than_max_fraction_of_equity():
    # Unbounded a would be 1000 / 1.78006 = 561.8; 0.5 * 10,000 / (106 + 1.5 * 101) = 19.4175, times 1.5 is 29.1262.
    result = run(PairsTrading(**{**TERMS, "risk": 0.1}, max_fraction=0.5), market([5, None]))
    assert orders(result)[:2] == [
        "36 sell 19.417 A pair -> 106 at 36",
        "36 buy 29.126 B pair -> 101 at 36",
    ]


def test_the_stop_ends_it_and_a_new_entry_waits_until_the_spread_has_been_within_the_entry(caplog):
    strategy = PairsTrading(**{**TERMS, "entry": 1.6, "stop": 2.45})
    wild = [5, 12, 14, 16, 18, None, None, None, None, None, None, 25, None]
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(strategy, market(wild))
    a, b = (pd.Series(market(wild)[symbol].close) for symbol in ("A", "B"))
    z = expected_z(a, b, 12)[1]
    entered = [place for place, line in times(result, "pair")]
    assert entered[0] == 35
    assert 1.6 <= z[35] < 2.45 <= z[36]
    assert "closing stop at z 2.69" in reasons(caplog) or f"closing stop at z {z[36]:.2f}" in reasons(caplog)
    # Later bars are beyond the entry again; the next pair comes only after one that was not.
    for place in entered[1:]:
        assert (z[25:place].abs() < 1.6).any()
    assert any(1.6 <= abs(z[place]) < 2.45 for place in range(37, entered[1] if len(entered) > 1 else len(z)))


def times(result, tag):
    """Bars on whose close orders of a tag were sent, with the orders of a."""
    return [
        ((order.time - START) // HOUR - 1, order)
        for order in result.record.orders
        if order.tag == tag and order.symbol == "A"
    ]


def expected_z(a, b, window):
    """Rolling hedge ratio and z-score by pandas: the residual of least squares has mean 0 and variance var(a) - beta cov."""
    beta = a.rolling(window).cov(b) / b.rolling(window).var()
    gone = (a - a.rolling(window).mean()) - beta * (b - b.rolling(window).mean())
    deviation = np.sqrt(a.rolling(window).var() - beta * a.rolling(window).cov(b))
    return beta, gone / deviation, deviation


def test_it_does_not_hold_longer_than_max_hold(caplog):
    # The spread stays where it is; after three hours the pair is closed.
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(PairsTrading(**TERMS, max_hold="3h"), market([5, 5, 5, 5, 5, 5]))
    sent = [place for place, _ in times(result, "pair close")]
    assert sent == [38]
    assert "closing held for 3h" in reasons(caplog)


def test_every_entry_is_of_a_pair_that_the_test_calls_cointegrated():
    series = cointegrated(700)
    a, b = (pd.Series(series[symbol].close) for symbol in ("A", "B"))
    z = expected_z(a, b, 30)[1]
    far = [bar for bar in range(66, 699) if 1.8 <= abs(z[bar]) < 3.5]
    p = {bar: coint(a[bar - 59 : bar + 1], b[bar - 59 : bar + 1])[1] for bar in far}
    counts = []
    for limit in (0.001, 0.05, 0.5):
        strategy = PairsTrading(window=30, calibration=60, entry=1.8, coint_p_open=limit, coint_p_close=1.0)
        entered = [bar for bar, _ in times(run(strategy, series), "pair")]
        assert all(p[bar] < limit for bar in entered)
        counts.append(len(entered))
    assert counts[0] < counts[1] < counts[2]


def test_a_retest_that_finds_no_cointegration_closes(caplog):
    # At every whole five hours, counted from 1970, the pair is tested over the sixty bars that have closed by then.
    series = cointegrated(700)
    a, b = (pd.Series(series[symbol].close) for symbol in ("A", "B"))
    strategy = PairsTrading(
        window=30, calibration=60, entry=1.2, exit=0.0, coint_p_close=0.05, retest="5h", max_hold="9w"
    )
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(strategy, series)
    tested = {
        bar: coint(a[bar - 59 : bar + 1], b[bar - 59 : bar + 1])[1]
        for bar in range(66, 699)
        if (START // HOUR + bar + 1) % 5 == 0
    }
    closed = [bar for bar, _ in times(result, "pair close")]
    said = [f"closing p {tested[bar]:.3f} at the retest" for bar in closed if tested.get(bar, 0.0) > 0.05]
    told = [one for one in reasons(caplog) if one.startswith("closing p")]
    assert len(told) >= 3
    assert set(told) <= set(said), "on the rest of these bars z was back too, which comes first"
    # Whatever stayed open over a retest was still cointegrated.
    for opened, ended in zip((bar for bar, _ in times(result, "pair")), closed, strict=False):
        assert all(p <= 0.05 for bar, p in tested.items() if opened + 1 < bar < ended)


def test_one_leg_refused_leaves_nothing_and_is_not_tried_again_until_the_spread_was_back(caplog):
    @dataclass
    class OnlyA(hl.RiskRule):
        name = "only_a"

        def check(self, order, account):
            return None if order.symbol == "A" else hl.deny("not this one")

    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(PairsTrading(**TERMS), market([5, 5, 5, None]), risk=[OnlyA()])
    assert orders(result) == ["36 sell 11.235 A pair -> canceled", "36 buy 16.853 B pair -> denied"]
    assert reasons(caplog) == ["unwound: B: denied: only_a: not this one"]


def test_a_leg_that_is_not_filled_in_time_is_unwound_with_the_other():
    # B has no bars for four hours after the signal. Two hours later its order is to be canceled, and the venue says so with
    # B's next bar; only then is A taken back.
    series = market([5, None, None, None, None, None, None, None])
    kept = np.ones(len(series["B"]), bool)
    kept[36:40] = False
    series["B"] = BarSeries(
        "B", "1h", *(getattr(series["B"], name)[kept] for name in ("start", *BarSeries.COLUMNS))
    )
    assert orders(run(PairsTrading(**TERMS), series)) == [
        "36 sell 11.235 A pair -> 106 at 36",
        "36 buy 16.853 B pair -> canceled",
        "41 buy 11.235 A pair unwind -> 100 at 41",
    ]


def test_when_a_leg_is_taken_away_the_other_is_closed(caplog):
    class Robbed(PairsTrading):
        """Loses its leg in A in the middle of the trade, as a liquidation would take it."""

        def on_bar(self, ctx, bar):
            if bar.symbol == "A" and ctx.state.get("robbed") is None and not ctx.position("A").is_flat:
                ctx.state["robbed"] = True
                ctx.close("A", tag="gone")
            else:
                super().on_bar(ctx, bar)

    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(Robbed(**TERMS), market([5, 5, 5, 5, 5]))
    assert orders(result)[2:] == [
        "37 buy 11.235 A gone -> 104 at 37",
        "38 sell 16.853 B pair close -> 101 at 38",
    ]
    assert "closing a leg is gone" in reasons(caplog)


def test_an_unhedgeable_pair_is_left_alone():
    # a falls as b rises: beta is below 0, two legs on one side hedge nothing.
    series = market([5, None, None])
    mirrored = 200.0 - series["B"].close + np.resize(SPREAD, 38)
    mirrored[35] += 6
    assert not run(PairsTrading(**TERMS), {"A": closes("A", mirrored), "B": series["B"]}).record.orders


def test_bars_that_one_instrument_lacks_are_left_out_for_both():
    series = {symbol: without(one, ord(symbol), 0.03) for symbol, one in cointegrated(900).items()}
    strategy = PairsTrading(window=30, calibration=60, entry=1.8)
    result = run(strategy, series)
    frames = {symbol: pd.Series(one.close, one.end) for symbol, one in series.items()}
    both = pd.DataFrame(frames).dropna()
    z = expected_z(both["A"], both["B"], 30)[1]
    sent = [order for order in result.record.orders if order.tag == "pair" and order.symbol == "A"]
    assert len(sent) > 5
    for order in sent:
        assert 1.8 <= abs(z[order.time]) < 3.5
        assert order.side == (-1 if z[order.time] > 0 else 1)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"a": "A", "b": "A"}, "b must be another instrument than a, was 'A'"),
        ({"entry": 4.0}, r"entry must lie between exit \(0.5\) and stop \(3.5\), was 4.0"),
        ({"coint_p_close": 0.01}, r"coint_p_close must be at least coint_p_open \(0.05\), was 0.01"),
        ({"window": 20}, "calibration must be given, 30 or more, with a window of 20"),
        ({"max_hold": "long"}, "was 'long'"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        PairsTrading(**params)


@pytest.mark.parametrize(
    ("params", "instruments", "message"),
    [
        ({"a": "C"}, [perpetual("A"), perpetual("B")], "a: must be one of A, B, was 'C'"),
        ({}, [perpetual("A"), spot("B")], "b: must be an instrument that can be sold short, was 'B'"),
        ({"a": "B"}, [perpetual("A"), perpetual("B")], "needs two instruments, was 'B' alone"),
    ],
)
def test_instruments_that_cannot_be_a_pair_are_refused(params, instruments, message):
    with pytest.raises(hl.ConfigError) as caught:
        run(PairsTrading(**params), market([None]), instruments=instruments)
    assert str(caught.value).endswith(message)


# -- recorded prices ---------------------------------------------------------------------------------------------------


def equities(folder):
    series = {}
    for symbol in ("KO", "PEP"):
        table = pq.read_table(folder / "equity" / f"us_{symbol}_1d_1997-98.parquet")
        columns = [table[name].to_numpy() for name in ("ts", "open", "high", "low", "close", "volume")]
        series[symbol] = BarSeries(symbol, "1d", *columns)
    return series


def by_hand(series, p_open, entry=1.5, exit_=0.5, stop=3.0, window=60, hold_days=14):
    """Entries and exits as the rules say, by pandas and statsmodels: (bar, what, quantity of KO, quantity of PEP)."""
    a, b = (pd.Series(series[symbol].close) for symbol in ("KO", "PEP"))
    beta, z, deviation = expected_z(a, b, window)
    end = series["KO"].end
    cash, side, since, armed, legs, found = 10_000.0, 0, 0, True, (0.0, 0.0), []
    fills = {symbol: series[symbol].open for symbol in ("KO", "PEP")}
    for bar in range(66, len(a) - 1):  # sixty rows, and a tenth and one to spare
        if side:
            ahead = -side * z[bar]
            late = end[bar] - end[since] >= hold_days * 24 * HOUR
            if ahead <= exit_ or ahead >= stop or late:
                armed = ahead <= exit_
                cash += legs[0] * fills["KO"][bar + 1] + legs[1] * fills["PEP"][bar + 1]
                found.append((bar, "exit", *np.abs(legs)))
                side = 0
            continue
        armed = armed or abs(z[bar]) < entry
        past = slice(bar - window + 1, bar + 1)
        opens = armed and entry <= abs(z[bar]) < stop and beta[bar] > 0
        if opens and coint(a[past], b[past])[1] < p_open:
            unit = a[bar] + beta[bar] * b[bar]
            quantity = min(cash * 0.02 / ((stop - abs(z[bar])) * deviation[bar]), 0.9 * cash / unit)
            side, since = (-1 if z[bar] > 0 else 1), bar
            legs = side * floor(quantity), -side * floor(beta[bar] * quantity)
            cash -= legs[0] * fills["KO"][bar + 1] + legs[1] * fills["PEP"][bar + 1]
            found.append((bar, "sell" if side < 0 else "buy", *np.abs(legs)))
    return found


def floor(quantity):
    return np.floor(quantity * 1000 + 1e-6) / 1000


@pytest.mark.parametrize("p_open", [0.05, 0.5])
def test_recorded_equities_are_traded_as_pandas_and_statsmodels_say(real_data, p_open):
    series = equities(real_data)
    strategy = PairsTrading(
        entry=1.5, stop=3.0, coint_p_open=p_open, coint_p_close=1.0, leg_timeout="6d", retest="365d"
    )
    # Prices are in sixteenths of a dollar.
    steps = [perpetual(symbol, tick_size=Decimal("0.0001")) for symbol in series]
    result = run(strategy, series, instruments=steps)
    bar_of = {int(end): bar for bar, end in enumerate(series["KO"].end)}
    sent = [order for order in result.record.orders if order.symbol == "KO"]
    hedges = [order for order in result.record.orders if order.symbol == "PEP"]
    found = [
        (
            bar_of[order.time],
            "exit" if order.tag == "pair close" else order.side.name.lower(),
            order.quantity,
            hedge.quantity,
        )
        for order, hedge in zip(sent, hedges, strict=True)
    ]
    wanted = by_hand(series, p_open)
    assert len(wanted) >= (2 if p_open < 0.1 else 8)
    assert [one[:2] for one in found] == [one[:2] for one in wanted]
    np.testing.assert_allclose([one[2:] for one in found], [one[2:] for one in wanted], atol=0.0011)
