"""Several venues and currencies in one session, and one portfolio in the session's currency."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest

import hookline as hl
from hookline.feed import BarRequest
from hookline.model import Instrument, InstrumentKind
from hookline.session.loader import session_from
from hookline.session.plan import Plan, Seat, WalletPlan
from hookline.session.session import Session
from hookline.session.venues import VenueBroker
from hookline.testing import Scripted, bars, buy, sell
from hookline.testing.recording import SeriesFeed
from hookline_paper.broker import PaperBroker

SESSION = {
    "timeframe": "1h",
    "symbols": ["A", "B", "EURUSDT"],
    "feed": "synthetic",
    "strategies": [{"use": "buy_and_hold"}],
    "rates": {"EUR": "EURUSDT"},
    "venues": {
        "here": {"symbols": ["A"], "balances": {"USDT": 100}},
        "there": {"symbols": ["B", "EURUSDT"], "balances": {"EUR": 50, "USDT": 0}},
    },
}


def instrument(symbol, quote, venue):
    return Instrument(
        symbol, InstrumentKind.SPOT, Decimal("0.01"), Decimal(1), quote=quote, base=symbol, venue=venue
    )


def run(script, *, fee_bps=0.0, b="10 10 12 12"):
    """A trades for USDT at one venue, B for EUR at another; a euro is worth 2, then 3."""
    series = {
        "A": bars("10 10 11 11", "A"),
        "B": bars(b, "B"),
        "EURUSDT": bars("2 2 3 3", "EURUSDT"),
    }
    instruments = {
        "A": instrument("A", "USDT", "here"),
        "B": instrument("B", "EUR", "there"),
        "EURUSDT": instrument("EURUSDT", "USDT", "there"),
    }
    here, there = PaperBroker(taker_fee_bps=fee_bps), PaperBroker(taker_fee_bps=fee_bps)
    plan = Plan(
        name="venues",
        mode="backtest",
        currency="USDT",
        seed=0,
        timeframe="1h",
        feed=SeriesFeed(series),
        requests=[BarRequest(symbol, "1h") for symbol in series],
        instruments=instruments,
        broker=VenueBroker({"A": here, "B": there, "EURUSDT": there}),
        seats=[Seat("s", "scripted", Scripted(script), ("A", "B", "EURUSDT"), 200.0)],
        wallets=[
            WalletPlan("here", "USDT", 100.0),
            WalletPlan("there", "EUR", 50.0),
            WalletPlan("there", "USDT", 0.0),
        ],
        rates={"EUR": "EURUSDT"},
    )
    session = Session(plan)
    return session, session.run()


def test_equity_is_in_the_currency_of_the_session_at_the_last_rate():
    session, result = run({0: [buy(5), buy(2, symbol="B")]})

    # 100 - 50 + 5 * 11 at home; (50 - 2 * 10 + 2 * 12) euros at 3.
    assert result.equity.value[-1] == 105.0 + 54.0 * 3.0
    assert session.kernel.equity == result.equity.value[-1]
    assert session.kernel.ledgers["s"].balances() == {"USDT": 50.0, "EUR": 30.0, "A": 5.0, "B": 2.0}


def test_the_curve_follows_the_rate_while_nothing_trades():
    _, result = run({})

    np.testing.assert_array_equal(result.equity.value, [200.0, 200.0, 250.0, 250.0])


def test_fees_and_profits_of_another_currency_are_converted():
    _, result = run({0: buy(2, symbol="B"), 2: sell(2, symbol="B")}, fee_bps=100.0)

    # 1 % of 20 euros at 2 on the second bar, of 24 euros at 3 on the last one.
    assert result.metrics.fees == pytest.approx(0.2 * 2 + 0.24 * 3)
    (trip,) = result.round_trips
    assert trip.profit == pytest.approx((24 - 20 - 0.44) * 3)


def test_money_at_one_venue_pays_for_nothing_at_another():
    _, result = run({0: buy(20)})

    (fill,) = result.record.fills
    assert fill.quantity == 10.0
    assert result.record.orders[0].reason == "insufficient funds for the rest"


def test_what_is_bought_at_one_venue_cannot_be_sold_at_another():
    _, result = run({0: [buy(5), sell(5, symbol="B")]})

    assert result.record.orders[1].reason == "spot: cannot sell 5, 0 held"


def test_an_order_is_sized_in_the_currency_it_is_paid_in():
    @dataclass
    class Half(hl.Strategy):
        name = "half"

        def on_bar(self, ctx, bar):
            if bar.symbol == "B" and ctx.position("B").is_flat:
                ctx.target_weight("B", 0.2)

    session, _ = run({})
    session.plan.seats[0].__dict__["strategy"] = Half()
    result = Session(session.plan).run()

    # 20 % of 200 USDT are 40 USDT, 20 euros: two of B at 10.
    assert result.record.fills[0].quantity == 2.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cash": 500}, "cash: must be left out where there are the balances of the venues, was 500"),
        (
            {"journal": {"enabled": True}},
            "journal.enabled: must be left out of a backtest, which keeps no journal, was true",
        ),
        ({"rates": {}}, "venues.there.balances.EUR: must be USDT or have an instrument under 'rates' that turns it into USDT"),
        ({"rates": {"EUR": "EURUSD"}}, "rates.EUR: must be one of the session's symbols A, B, EURUSDT, was 'EURUSD'; did you mean 'EURUSDT'?"),
        (
            {"venues": {"here": {"symbols": ["A", "B"], "balances": {"USDT": 1}}}},
            "symbols[2]: must be listed under one of the venues here, was 'EURUSDT'",
        ),
        (
            {"venues": {"here": {"symbols": ["A", "B", "EURUSDT", "A"], "balances": {"USDT": 1}}}},
            "venues.here.symbols[3]: must trade at one venue, trades at 'here' already, was 'A'",
        ),
    ],
)  # fmt: skip
def test_contradictions_are_told_with_their_place(change, message):
    with pytest.raises(hl.ConfigError) as error:
        session_from({**SESSION, **change})
    assert message in str(error.value)


def test_an_instrument_needs_a_wallet_that_pays_for_it():
    venues = {"here": {"symbols": ["A", "B", "EURUSDT"], "balances": {"USDT": 100}}}
    config = session_from({**SESSION, "venues": venues, "instruments": {"B": {"quote": "EUR"}}})

    with pytest.raises(hl.ConfigError, match=r"venues.here.balances: must hold EUR, which B is paid in"):
        Session.from_config(config)
