"""What a person can get wrong from Python: one clear error before the run."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

import hookline as hl
from hookline.testing import bars
from hookline_risk.max_drawdown import MaxDrawdown
from hookline_strategies.buy_and_hold import BuyAndHold

HOURS = bars("10 11 12 13")
DAYS = bars("10 11 12 13", "OTHER", timeframe="1d")
SAME = BuyAndHold()
TEN = hl.Instrument("TSET")


@dataclass
class Idle(hl.Strategy):
    """Do nothing."""

    name = "idle"


WRONG = {
    "a class": (
        BuyAndHold,
        {},
        "strategy 0 must be an instance of Strategy, was <class .*; make one: BuyAndHold()",
    ),
    "a name": ("buy_and_hold", {}, "strategy 0 must be an instance of Strategy, was 'buy_and_hold'"),
    "no strategy": ([], {}, "there must be at least one strategy, was an empty list"),
    "one strategy twice": ([SAME, SAME], {}, "strategy 1 must be an object of its own, was given before"),
    "no cash": (Idle(), {"cash": 0}, "cash must be a number above 0 and at most 1e[+]15, was 0"),
    "cash of nan": (Idle(), {"cash": float("nan")}, "cash must be a number above 0 .* was nan"),
    "cash as text": (Idle(), {"cash": "100"}, "cash must be a number above 0 .* was '100'"),
    "too much cash": (Idle(), {"cash": 1e30}, "cash must be a number above 0 .* was 1e[+]30"),
    "a sizer by name": (
        Idle(),
        {"sizer": "risk_by_stop"},
        "must be an instance of Sizer, was 'risk_by_stop'",
    ),
    "a sizer out of bounds": (
        Idle(),
        {"sizer": hl.RiskByStop(5)},
        "RiskByStop.risk_fraction: must be at most 1",
    ),
    "a rule by name": (
        Idle(),
        {"risk": ["max_drawdown"]},
        "must be an instance of RiskRule, was 'max_drawdown'",
    ),
    "a rule out of bounds": (
        Idle(),
        {"risk": [MaxDrawdown(2.0)]},
        "MaxDrawdown.max_fraction: must be below 1",
    ),
    "an instrument without data": (
        Idle(),
        {"instruments": [TEN]},
        "no data for instrument 'TSET', there is TEST",
    ),
    "instruments by name": (Idle(), {"instruments": {"TEST": 1}}, "must be a list of Instrument, had 'TEST'"),
    "a fee that is unknown": (Idle(), {"taker_fee": 5}, "no such parameter; did you mean 'taker_fee_bps'"),
}


@pytest.mark.parametrize(("strategy", "more", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_run_is_refused(strategy, more, message):
    with pytest.raises(hl.ConfigError, match=message):
        hl.backtest(strategy, HOURS, **more)


def test_series_of_different_timeframes_are_refused():
    with pytest.raises(hl.ConfigError, match=r"one timeframe, were \{'TEST': '1h', 'OTHER': '1d'\}"):
        hl.backtest(Idle(), {"TEST": HOURS, "OTHER": DAYS})


def test_cash_may_be_a_decimal():
    assert hl.backtest(Idle(), HOURS, cash=Decimal(500)).metrics.final_equity == 500.0


def test_a_step_that_is_no_decimal_is_refused():
    with pytest.raises(
        TypeError, match=r"TEN.tick_size: must be a Decimal such as Decimal\('0.01'\), was 0.1"
    ):
        hl.Instrument("TEN", tick_size=0.1)
    assert replace(TEN, lot_size=5).quantity(12) == Decimal(10)
