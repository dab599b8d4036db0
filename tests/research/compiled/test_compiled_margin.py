"""Margin in compiled runs: its arithmetic is that of the event kernel, and what it liquidates is the same."""

import math
from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from random_runs import Told, plan_of
from same_runs import assert_same_figures, assert_same_record

from hookline import Instrument, InstrumentKind
from hookline.model import Ledger, MarginTier, Market, TierStyle
from hookline.research.compiled import CompiledRun
from hookline.research.compiled import layout as at
from hookline.research.compiled.money import affordable, liquidation_price
from hookline.research.compiled.terms import _put_grid, _put_margin
from hookline.session import Session
from hookline.simulation.liquidation import MarginAccount

TIERS = (
    MarginTier(Decimal(2_000), Decimal("0.004"), Decimal(100)),
    MarginTier(Decimal(10_000), Decimal("0.01"), Decimal(40)),
    MarginTier(Decimal(50_000), Decimal("0.05"), Decimal(8)),
    MarginTier(Decimal(200_000), Decimal("0.1"), Decimal(3)),
)
FEE = 0.0005


def instrument_of(**terms):
    terms = {"margin_tiers": TIERS, "tick_size": Decimal("0.01"), "lot_size": Decimal("0.001")} | terms
    return Instrument("ONE", InstrumentKind.PERPETUAL, **terms)


def account_of(instrument, leverage, lots, price, cash):
    """Return an account of the event kernel with one position, its ledger, and the arrays that say the same."""
    market = Market(instrument)
    market.last = price
    ledger = Ledger("one", cash, [market])
    account = MarginAccount({"ONE": instrument}, {"one": ledger}, leverage, FEE)
    position = ledger.positions["ONE"]
    f, k = np.zeros(at.F_ORDERS), np.zeros(at.K_SCRATCH, np.int64)
    _put_grid(f, instrument)
    _put_margin(f, k, instrument, leverage, FEE)
    f[at.TAKER_FEE], f[at.CLOSE] = FEE, price
    position.lots = k[at.LOTS] = lots
    position.quantity = f[at.UNITS] = instrument.units(lots)
    position.entry_price = f[at.ENTRY_PRICE] = price
    ledger.wallets[0].cash = f[at.CASH] = cash - position.quantity * price
    return account, ledger, f, k


STYLES = st.sampled_from(TierStyle)
LEVERAGES = st.sampled_from([0.5, 1.0, 3.0, 50.0, 100.0])
LOTS = st.integers(-2_000_000, 2_000_000)
PRICES = st.floats(0.5, 500.0)
CASH = st.floats(100.0, 100_000.0)


@given(STYLES, LOTS.filter(bool), PRICES, CASH, st.floats(0.5, 2.0))
def test_a_position_is_liquidated_where_tiers_say_so(style, lots, price, cash, moved):
    account, ledger, f, k = account_of(instrument_of(tier_style=style), 10.0, lots, price, cash)
    position = ledger.positions["ONE"]
    position.market.last = f[at.CLOSE] = price * moved
    expected = account.price_of(position)
    found = liquidation_price(f, k, -1 if lots > 0 else 1, f[at.CLOSE])
    assert found == expected or (math.isnan(found) and math.isnan(expected))


@given(STYLES, LEVERAGES, LOTS, PRICES, CASH, st.sampled_from([-1, 1]), st.floats(0.5, 2.0))
def test_funds_allow_what_tiers_allow(style, leverage, lots, price, cash, side, moved):
    account, ledger, f, k = account_of(instrument_of(tier_style=style), leverage, lots, price, cash)
    expected = account.funds.affordable(ledger, ledger.positions["ONE"], side, price * moved, FEE)
    assert affordable(f, k, side, price * moved, FEE) == expected


def liquidated(seeds):
    """Run random plans both ways, and return those in which a position was liquidated, each with what it was worth then."""
    found = []
    for seed in seeds:
        event = Session(plan_of(seed)).run()
        run = CompiledRun(plan_of(seed))
        assert_same_record(run.record(Told()), event.record)
        assert_same_figures(run.metrics([Told()])[0], event)
        worth = [one.quantity * one.average_price for one in event.record.orders if one.tag == "liquidation"]
        found += [(plan_of(seed), one) for one in worth]
    return found


def test_random_positions_are_liquidated_in_every_tier():
    calls = liquidated(range(3, 243, 4))
    seen = set()
    for plan, worth in calls:
        instrument = plan.instruments["ONE"]
        if len(instrument.tiers) > 1:
            is_beyond = worth > instrument.tiers[0].up_to
            seen.add((instrument.tier_style, is_beyond))
    assert {(TierStyle.FLAT, True), (TierStyle.MARGINAL, True)} <= seen
