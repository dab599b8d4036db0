from __future__ import annotations

import numpy as np
import pytest
from run_records import DAY, HOUR, START, Run, series

from hookline.errors import DataError
from hookline.model import OrderType


def test_equity_is_cash_plus_the_position_at_the_last_close():
    result = Run("10 11 12 11").fill("1 buy 2 @ 10").fill("3 sell 1 @ 12").result()
    assert result.equity.value.tolist() == [1000, 1002, 1004, 1003]
    assert result.equity.time.tolist() == [START + n * HOUR for n in (1, 2, 3, 4)]


def test_fees_and_funding_move_cash_in_the_bar_that_holds_them():
    run = Run("10 10 10 10").fill("1 buy 2 @ 10", fee=0.5)
    run.funding = [(START + 3 * HOUR, "s", "BTC", -0.25)]
    assert run.result().equity.value.tolist() == [1000, 999.5, 999.25, 999.25]


def test_a_fill_at_the_open_never_counts_in_the_bar_that_ends_at_that_moment():
    # Bought at 8 where the bar before closed at 10: marked at 10 it would show a gain that nobody had.
    bars = series("10 10 8")
    bars.open[2] = 8.0
    run = Run(bars).fill("2 buy 1 @ 8")
    assert run.result().equity.value.tolist() == [1000, 1000, 1000]


def test_a_resting_limit_filled_at_a_gap_counts_in_the_bar_of_the_gap():
    bars = series("10 10 8")
    bars.open[2] = 8.0
    run = Run(bars).fill("2 buy 1 @ 8", made=START, type=OrderType.LIMIT, limit_price=9.0)
    assert run.result().equity.value.tolist() == [1000, 1000, 1000]


def test_a_stop_filled_inside_a_bar_counts_at_the_end_of_that_bar_in_spite_of_slippage():
    run = Run("10 10 8 8").fill("1 buy 1 @ 10")
    run.fill("2 sell 1 @ 7.9", inside=True, made=START + HOUR, type=OrderType.STOP, trigger_price=8.5)
    assert run.result().equity.value.tolist() == pytest.approx([1000, 1000, 997.9, 997.9])


def test_a_fill_after_a_gap_in_time_counts_in_the_bar_it_opened():
    early, late = series("10 11"), series("12 13", start=START + 10 * HOUR)
    columns = ("start", "open", "high", "low", "close", "volume")
    both = type(early)("BTC", "1h", *(np.append(getattr(early, c), getattr(late, c)) for c in columns))
    result = Run(both).fill("2 buy 1 @ 12", made=START + 2 * HOUR).result()
    assert result.equity.value.tolist() == [1000, 1000, 1000, 1001]


def test_several_series_are_valued_at_their_last_closes_on_the_union_of_their_ends():
    hours, two_hours = series("10 11 12 13", "BTC"), series("20 30", "ETH", "2h")
    result = (
        Run(hours, two_hours).fill("1 buy 1 @ 10", symbol="BTC").fill("1 buy 1 @ 20", symbol="ETH").result()
    )
    assert result.equity.time.tolist() == [START + n * HOUR for n in (1, 2, 3, 4)]
    assert result.equity.value.tolist() == [1000, 1001, 1002, 1003 + 10]


def test_a_series_that_starts_later_adds_nothing_before():
    result = (
        Run(series("10 10 10"), series("5 6", "ETH", start=START + HOUR))
        .fill("1 sell 2 @ 5", symbol="ETH")
        .result()
    )
    assert result.equity.value.tolist() == [1000, 1000, 998]


def test_equity_of_a_strategy_starts_from_its_own_cash_and_the_parts_add_up():
    run = Run("10 11 12 13", strategies=("a", "b")).fill("1 buy 3 @ 10", strategy="a")
    run.fill("2 sell 1 @ 11", strategy="b", fee=0.1)
    run.funding = [(START + 2 * HOUR, "a", "BTC", 0.5)]
    result = run.result()
    assert result.equity_of("a").value.tolist() == [500, 503.5, 506.5, 509.5]
    assert result.equity_of("b").value.tolist() == [500, 500, 498.9, 497.9]
    total = result.equity_of("a").value + result.equity_of("b").value
    assert total.tolist() == pytest.approx(result.equity.value.tolist(), rel=1e-15)


def test_an_unknown_strategy_is_named_with_those_there_are():
    with pytest.raises(KeyError, match="no strategy 'x'; it has a, b"):
        Run("10", strategies=("a", "b")).result().equity_of("x")


def test_a_traded_symbol_without_bars_is_refused():
    run = Run("10 11").fill("1 buy 1 @ 10")
    with pytest.raises(DataError, match="the record has no bars of what was traded: BTC"):
        _ = run.result(series={"ETH": series("1 2", "ETH")}).equity


def test_a_flat_position_adds_exactly_nothing():
    # 0.1 + 0.2 - 0.3 is not zero in floats; in lots it is.
    run = Run("1 1 1 1 1e12").fill("1 buy 0.1 @ 1").fill("2 buy 0.2 @ 1").fill("3 sell 0.3 @ 1")
    assert run.result().equity.value[-1] == pytest.approx(1000, abs=1e-9)


def test_drawdown_and_returns_start_from_the_cash():
    bars = series([10.0, 5.0, 10.0, 20.0], timeframe="1d")
    run = Run(bars, cash=100.0).fill("1 buy 10 @ 10")
    result = run.result()
    assert result.equity.value.tolist() == [100, 50, 100, 200]
    assert result.returns.value.tolist() == [0.0, -0.5, 1.0, 1.0]
    assert result.drawdown.value.tolist() == [0.0, 0.5, 0.0, 0.0]
    assert result.end - result.start == 4 * DAY


def test_no_bars_give_empty_curves():
    result = Run().result()
    assert result.equity.time.tolist() == []
    assert result.drawdown.value.tolist() == []
    assert (result.start, result.end) == (0, 0)


def test_times_at_which_fills_were_seen_settle_what_would_have_to_be_inferred():
    # By price alone the stop could have filled inside bar 2 at 8.5 or, slipped, at the open of bar 3.
    run = Run("10 10 9 8.45").fill("1 buy 1 @ 10")
    run.series["BTC"].low[2] = 8.4
    run.series["BTC"].open[3] = 8.45
    run.fill("3 sell 1 @ 8.44", made=START + HOUR, type=OrderType.STOP, trigger_price=8.5)
    inside = run.result(seen=[START + 2 * HOUR, START + 3 * HOUR])
    at_open = run.result(seen=[START + 2 * HOUR, START + 4 * HOUR])
    assert inside.equity.value.tolist() == pytest.approx([1000, 1000, 998.44, 998.44])
    assert at_open.equity.value.tolist() == pytest.approx([1000, 1000, 999, 998.44])


@pytest.mark.parametrize(
    ("kind", "side", "price", "trigger", "close", "next_open", "counts_in"),
    [
        ("stop", "sell", 8.5, 8.5, 9.0, 9.0, 2),  # reached and filled at the trigger
        ("stop", "sell", 8.4, 8.5, 8.0, 8.0, 2),  # slipped; the bar closed beyond the trigger
        (
            "trailing_stop",
            "sell",
            8.9,
            9.2,
            9.5,
            8.9,
            3,
        ),  # the level rose to 9.2 in this bar, the next opened below
        ("trailing_stop", "sell", 9.2, 9.2, 9.5, 8.9, 2),  # at the level itself
        ("stop", "buy", 11.6, 11.5, 9.0, 11.6, 3),  # never reached before the gap
        ("take_profit", "sell", 10.9, 10.8, 10.0, 10.9, 3),  # never reached before the gap
        ("take_profit", "sell", 9.5, 9.5, 9.0, 9.6, 2),
        ("limit", "buy", 8.2, None, 9.0, 9.0, 2),  # at the limit, reached
        ("limit", "buy", 7.0, None, 9.0, 7.0, 3),  # better than the limit: an open
    ],
)
def test_the_bar_of_a_resting_order_is_inferred_from_its_prices(
    kind, side, price, trigger, close, next_open, counts_in
):
    run = Run("10 10 9 9 9")
    bars = run.series["BTC"]
    bars.low[2], bars.close[2], bars.open[3] = 8.0, close, next_open
    terms = {"limit_price": 8.2} if kind == "limit" else {"trigger_price": trigger}
    run.fill(f"3 {side} 1 @ {price}", made=START + HOUR, type=OrderType(kind), **terms)
    assert run.result().book.fills["BTC"].bar.tolist() == [counts_in]
