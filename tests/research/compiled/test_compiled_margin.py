"""Margin in compiled runs: its arithmetic is that of the event kernel, and what it liquidates is the same."""

import math
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_runs import Told, marks_of, plan_of
from same_runs import assert_same_figures, assert_same_record

from hookline import Instrument, InstrumentKind
from hookline.model import Ledger, MarginMode, MarginTier, Market, TierStyle
from hookline.research.compiled import CompiledRun
from hookline.research.compiled import layout as at
from hookline.research.compiled.margin import affordable, band_after_fill, liquidation_price
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


def account_of(instrument, leverage, lots, price, cash, added=0.0):
    """Return an account of the event kernel with one position, its ledger, and the arrays that say the same."""
    market = Market(instrument)
    market.last = price
    ledger = Ledger("one", cash, [market])
    account = MarginAccount({"ONE": instrument}, {"one": ledger}, leverage, FEE)
    position = ledger.positions["ONE"]
    f, k = np.zeros(at.F_ORDERS), np.zeros(at.K_SCRATCH, np.int64)
    _put_grid(f, instrument)
    _put_margin(f, k, instrument, leverage, FEE)
    f[at.TAKER_FEE], f[at.CLOSE], f[at.MARK] = FEE, price, math.nan
    position.lots = k[at.LOTS] = lots
    position.quantity = f[at.UNITS] = instrument.units(lots)
    position.entry_price = f[at.ENTRY_PRICE] = price
    ledger.wallets[0].cash = f[at.CASH] = cash - position.quantity * price
    if lots:
        account.funds.add(position, added)
        f[at.ADDED] = added
    return account, ledger, f, k


TERMS = st.fixed_dictionaries(
    {"tier_style": st.sampled_from(TierStyle), "margin_mode": st.sampled_from(MarginMode)}
)
ADDED = st.floats(-300.0, 300.0)
LEVERAGES = st.sampled_from([0.5, 1.0, 3.0, 50.0, 100.0])
LOTS = st.integers(-2_000_000, 2_000_000)
PRICES = st.floats(0.5, 500.0)
CASH = st.floats(100.0, 100_000.0)


@given(TERMS, LOTS.filter(bool), PRICES, CASH, ADDED, st.floats(0.5, 2.0))
def test_a_position_is_liquidated_where_the_event_kernel_says_so(terms, lots, price, cash, added, moved):
    account, ledger, f, k = account_of(instrument_of(**terms), 10.0, lots, price, cash, added)
    position = ledger.positions["ONE"]
    position.market.last = f[at.CLOSE] = price * moved
    expected = account.price_of(position)
    found = liquidation_price(f, k, -1 if lots > 0 else 1, f[at.CLOSE])
    assert found == expected or (math.isnan(found) and math.isnan(expected))


@given(TERMS, LEVERAGES, LOTS, PRICES, CASH, ADDED, st.sampled_from([-1, 1]), st.floats(0.5, 2.0))
def test_funds_allow_what_the_event_kernel_allows(terms, leverage, lots, price, cash, added, side, moved):
    account, ledger, f, k = account_of(instrument_of(**terms), leverage, lots, price, cash, added)
    expected = account.funds.affordable(ledger, ledger.positions["ONE"], side, price * moved, FEE)
    assert affordable(f, k, side, price * moved, FEE) == expected


@given(TERMS, LOTS.filter(bool), PRICES, CASH, ADDED, st.floats(0.0, 2.0))
def test_a_fill_leaves_an_isolated_position_its_part_of_the_funding(terms, lots, price, cash, added, part):
    account, ledger, f, k = account_of(instrument_of(**terms), 10.0, lots, price, cash, added)
    position = ledger.positions["ONE"]
    position.lots = k[at.LOTS] = round(lots * part)
    position.quantity = f[at.UNITS] = position.market.instrument.units(position.lots)
    account.filled(position, lots)
    band_after_fill(f, k, lots)
    assert (f[at.FLOOR], f[at.CEILING]) == account.band("ONE")


STEEP = (
    MarginTier(Decimal(20_000), Decimal("0.01"), Decimal(50)),
    MarginTier(Decimal(60_000), Decimal("0.015"), Decimal(30)),
    MarginTier(Decimal(180_000), Decimal("0.03"), Decimal(15)),
)


def liquidated(seed, *, marked=False, **terms):
    """Run a random plan of large positions both ways, and return what each was worth that was liquidated."""

    def plan():
        one = plan_of(seed)
        instrument = replace(one.instruments["ONE"], margin_tiers=STEEP, leverage=None, **terms)
        (series,) = one.loaded.values()
        marks = {"ONE": marks_of(np.random.default_rng(seed), series)} if marked else {}
        return replace(
            one, instruments={"ONE": instrument}, broker=replace(one.broker, leverage=50.0), marks=marks
        )

    event = Session(plan()).run()
    run = CompiledRun(plan())
    assert_same_record(run.record(Told()), event.record)
    assert_same_figures(run.metrics([Told()])[0], event)
    return [one.quantity * one.average_price for one in event.record.orders if one.tag == "liquidation"]


@pytest.mark.parametrize("marked", [False, True], ids=["traded price", "mark price"])
@pytest.mark.parametrize("style", TierStyle)
@pytest.mark.parametrize("mode", MarginMode)
def test_random_positions_are_liquidated_in_every_tier(mode, style, marked):
    seeds = range(3, 243, 4)  # those of large positions
    worth = [
        one for seed in seeds for one in liquidated(seed, marked=marked, margin_mode=mode, tier_style=style)
    ]
    tiers = Counter(sum(one > tier.up_to for tier in STEEP[:-1]) for one in worth)
    assert tiers.keys() == {0, 1, 2}, tiers
