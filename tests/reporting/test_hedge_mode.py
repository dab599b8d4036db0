"""Reports of an instrument whose long and short are held side by side."""

from decimal import Decimal

import pytest

import hookline as hl
from hookline.columns import ExternalSeries
from hookline.testing import Scripted, bars, buy, sell

PERP = hl.Instrument(
    "TEST",
    hl.InstrumentKind.PERPETUAL,
    tick_size=Decimal(1),
    lot_size=Decimal(1),
    position_mode=hl.PositionMode.HEDGE,
)


def run(script, text, **options):
    return hl.backtest(Scripted(script), bars(text), cash=1000, instruments=[PERP], **options)


def test_long_and_short_are_round_trips_of_their_own():
    result = run(
        {
            0: [buy(5, position="long"), sell(5, position="short")],
            2: sell(5, position="long"),
            3: buy(5, position="short"),
        },
        "10 10 12 9 9",
    )

    trips = [(trip.side, trip.entry_price, trip.exit_price, trip.profit) for trip in result.round_trips]
    assert sorted(trips) == [("long", 10.0, 12.0, 10.0), ("short", 10.0, 9.0, 5.0)]
    assert result.metrics.final_equity == 1015.0


def test_both_sides_pay_and_receive_funding():
    series = bars("10 10 10 10")
    rates = ExternalSeries([int(series.start[2])], [0.01])

    result = run(
        {0: [buy(5, position="long"), sell(3, position="short")]}, "10 10 10 10", funding={"TEST": rates}
    )

    assert [(row[2], row[3]) for row in result.record.funding] == [
        ("TEST|long", pytest.approx(-0.5)),
        ("TEST|short", pytest.approx(0.3)),
    ]
    assert sorted((trip.side, trip.funding) for trip in result.round_trips) == [
        ("long", pytest.approx(-0.5)),
        ("short", pytest.approx(0.3)),
    ]


def test_a_sale_of_the_long_never_opens_a_short():
    result = run({0: buy(5, position="long"), 1: sell(9, position="long")}, "10 10 10 10")

    assert [fill.quantity for fill in result.record.fills] == [5.0, 5.0]
    assert result.record.orders[1].reason == "reduce-only: position closed"


def test_an_order_must_name_its_side():
    with pytest.raises(
        hl.StrategyError, match="TEST is in hedge mode: side must be 'long' or 'short', was ''"
    ):
        run({0: buy(5)}, "10 10")


def test_a_signal_strategy_says_that_it_cannot_hedge():
    from hookline_strategies.ema_cross import EmaCross

    with pytest.raises(hl.HooklineError, match="hedge mode"):
        hl.backtest(EmaCross(), bars("10 10 10"), instruments=[PERP])
