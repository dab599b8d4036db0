"""Funding payments: who pays, when, how much, and what does not count."""

import numpy as np
import pytest

import hookline as hl
from hookline.kernel.funding import FundingSchedule
from hookline.simulation.funding import funding_payment
from hookline.testing import Scripted, bars, buy, sell

PERP = hl.Instrument("TEST", kind=hl.InstrumentKind.PERPETUAL)
HOUR = 3600 * 10**9
START = 1_704_067_200_000_000_000  # start of the first bar


def rates(*rows: tuple[float, float]) -> dict[str, hl.ExternalSeries]:
    hours = np.array([START + round(hour * HOUR) for hour, _ in rows], dtype=np.int64)
    return {"TEST": hl.ExternalSeries(hours, np.array([rate for _, rate in rows]))}


def run(script, text, *rows):
    return hl.backtest(Scripted(script), bars(text), instruments=[PERP], funding=rates(*rows), cash=1000)


def test_a_long_pays_a_positive_rate_on_its_value_at_the_last_price():
    result = run({0: buy(2)}, "10 10 20 20", (3, 0.01))

    assert result.record.funding == [(START + 3 * HOUR, "scripted", "TEST", pytest.approx(-0.4))]
    assert result.metrics.funding == pytest.approx(-0.4)
    assert result.metrics.final_equity == pytest.approx(1000 + 2 * (20 - 10) - 0.4)


def test_a_short_receives_it_and_a_negative_rate_turns_it_round():
    paid = run({0: sell(2)}, "10 10 10 10", (2, 0.01), (3, -0.02)).record.funding

    assert [amount for *_, amount in paid] == [pytest.approx(0.2), pytest.approx(-0.4)]


def test_an_order_that_fills_at_the_open_of_that_instant_comes_after_the_payment():
    assert run({0: buy(1)}, "10 10 10", (1, 0.01)).record.funding == []
    assert len(run({0: buy(1), 1: sell(1)}, "10 10 10", (2, 0.01)).record.funding) == 1


def test_the_payment_at_the_last_bars_end_counts():
    assert len(run({0: buy(1)}, "10 10", (2, 0.01)).record.funding) == 1
    assert run({0: buy(1)}, "10 10", (2.5, 0.01)).record.funding == []


def test_payments_before_the_data_and_unknown_rates_are_left_out():
    result = run({0: buy(1)}, "10 10 10", (-8, 0.5), (1.5, float("nan")), (2, 0.01))

    assert [amount for *_, amount in result.record.funding] == [pytest.approx(-0.1)]


def test_cash_that_a_strategy_sees_includes_the_payment():
    seen = []
    run({0: buy(1), 2: lambda _, ctx: seen.append(ctx.cash)}, "10 10 10", (2, 0.01))

    assert seen == [pytest.approx(1000 - 10 - 0.1)]


def test_payments_of_several_instruments_come_in_order_of_time():
    one = {"B": rates((2, 0.2))["TEST"], "A": rates((1, 0.1), (2, 0.3))["TEST"]}
    schedule = FundingSchedule(one)

    assert [schedule.pop() for _ in range(3)] == [
        (START + HOUR, "A", 0.1),
        (START + 2 * HOUR, "B", 0.2),
        (START + 2 * HOUR, "A", 0.3),
    ]


def test_the_formula_by_hand():
    assert funding_payment(3.0, 50_000.0, 0.0001) == pytest.approx(-15.0)
    assert funding_payment(-3.0, 50_000.0, 0.0001) == pytest.approx(15.0)


def test_real_funding_of_a_perpetual_held_for_a_year(real_data):
    from hookline.data import load_external, read_parquet

    series = read_parquet(
        real_data / "bars_1h/binance_usdm_BTCUSDT_1h.parquet", "BTCUSDT", timeframe="1h"
    ).series()
    series = series.between(1_704_067_200_000_000_000, 1_735_689_600_000_000_000)
    funding = load_external(real_data / "funding/binance_usdm_BTCUSDT_funding.parquet", "funding_rate")
    instrument = hl.Instrument("BTCUSDT", kind=hl.InstrumentKind.PERPETUAL)
    result = hl.backtest(
        Scripted({0: buy(0.1)}), series, instruments=[instrument], funding={"BTCUSDT": funding}, cash=100_000
    )

    inside = (funding.time > series.start[1]) & (funding.time <= series.end[-1])
    close = series.close[np.searchsorted(series.end, funding.time[inside], side="right") - 1]
    assert result.metrics.funding == pytest.approx(-(0.1 * close * funding.value[inside]).sum(), rel=1e-12)
    assert inside.sum() == 366 * 3
