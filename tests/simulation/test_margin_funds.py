"""What wallets can afford: against a search that tries lots one by one, and estimates before entry against what follows."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hookline as hl
from hookline.model import Ledger, Market
from hookline.model.instrument import MarginMode, MarginTier, TierStyle
from hookline.simulation.funds import Funds, affordable_lots
from hookline.simulation.liquidation import MarginAccount
from hookline.simulation.margin import estimate_liquidation

TIERS = (
    MarginTier(Decimal(2_000), Decimal("0.005"), Decimal(50)),
    MarginTier(Decimal(8_000), Decimal("0.02"), Decimal(10)),
    MarginTier(Decimal(20_000), Decimal("0.05"), Decimal(5)),
)
PERP = hl.Instrument(
    "PERP", kind=hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1), margin_tiers=TIERS, leverage=Decimal(20)
)
OTHER = hl.Instrument("OTHER", kind=hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1), leverage=Decimal(4))
SPOT = hl.Instrument("SPOT", lot_size=Decimal(1))


def holding(cash, **positions):
    """A ledger and its markets, with lots and entry price of each instrument; everything is worth 100 now."""
    instruments = {one.symbol: one for one in positions.pop("instruments")}
    markets = [Market(one) for one in instruments.values()]
    for market in markets:
        market.last = 100.0
    ledger = Ledger("s", cash, markets)
    for symbol, (lots, entry) in positions.items():
        position = ledger.positions[symbol]
        position.lots, position.quantity, position.entry_price = lots, float(lots), entry
        position.wallet.cash -= lots * entry
    return instruments, ledger


def needed(notional, leverage, tiers):
    for tier in tiers:
        if notional <= float(tier.up_to):
            return notional / min(leverage, float(tier.max_leverage))
    return math.inf


def is_covered(count, cash, lots, side, fee):
    """Whether cash and position cover the margin after buying or selling that many at 100, everything cross."""
    equity = cash + lots * (100 - 90) - count * 100 * fee
    return equity >= needed(abs(lots + side * count) * 100, 20, TIERS) + 5 * 100 / 4 - 1e-9


@given(
    cash=st.floats(200, 4_000),
    lots=st.integers(-60, 60),
    side=st.sampled_from([1, -1]),
    fee=st.sampled_from([0.0, 0.001]),
)
def test_affordable_is_the_most_that_the_tiers_leave(cash, lots, side, fee):
    instruments, ledger = holding(cash, instruments=(PERP, OTHER), PERP=(lots, 90.0), OTHER=(5, 100.0))
    closing = max(0, -side * lots)

    most = Funds(instruments, 1.0).affordable(ledger, ledger.positions["PERP"], side, 100.0, fee)

    covered = [count for count in range(closing + 1, 300) if is_covered(count, cash, lots, side, fee)]
    assert most == max(covered, default=closing)


def test_nothing_is_opened_beyond_the_last_tier():
    instruments, ledger = holding(1e6, instruments=(PERP,))

    assert Funds(instruments, 1.0).affordable(ledger, ledger.positions["PERP"], 1, 100.0, 0.0) == 200


@given(
    cash=st.floats(1, 1e5),
    lots=st.integers(-50, 50),
    other=st.integers(-50, 50),
    side=st.sampled_from([1, -1]),
    leverage=st.sampled_from([1.0, 5.0]),
)
def test_with_one_leverage_for_all_both_sums_agree(cash, lots, other, side, leverage):
    plain = [
        hl.Instrument(symbol, kind=hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1)) for symbol in ("A", "B")
    ]
    instruments, ledger = holding(cash, instruments=plain, A=(lots, 95.0), B=(other, 101.0))
    position = ledger.positions["A"]
    funds = Funds(instruments, leverage)
    assert funds._is_plain

    expected = affordable_lots(ledger, position, side, 100.0, 0.0005, leverage)
    assert funds.affordable(ledger, position, side, 100.0, 0.0005) == expected
    funds._is_plain = False
    found = funds.affordable(ledger, position, side, 100.0, 0.0005)
    assert max(found, 0) == pytest.approx(max(expected, 0), abs=1)


def test_used_margin_is_initial_margin_of_cross_and_what_isolated_positions_posted():
    isolated = replace(OTHER, margin_mode=MarginMode.ISOLATED)
    instruments, ledger = holding(5_000, instruments=(PERP, isolated), PERP=(10, 90.0), OTHER=(8, 110.0))
    funds = Funds(instruments, 1.0)
    wallet = ledger.wallets[0]

    assert funds.used(ledger, wallet) == pytest.approx(10 * 100 / 20 + 8 * 110 / 4)
    assert funds.cross_equity(ledger, wallet) == pytest.approx(5_000 + 10 * 10 - 220)
    funds.add(ledger.positions["OTHER"], -20.0)
    assert funds.posted(ledger.positions["OTHER"]) == pytest.approx(200)
    assert funds.isolated_equity(ledger.positions["OTHER"], 100.0) == pytest.approx(200 - 8 * 10)


def test_closing_a_part_releases_its_part_of_the_added_margin():
    isolated = replace(OTHER, margin_mode=MarginMode.ISOLATED)
    instruments, ledger = holding(5_000, instruments=(isolated,), OTHER=(8, 100.0))
    funds, position = Funds(instruments, 1.0), ledger.positions["OTHER"]
    funds.add(position, -20.0)

    position.lots, position.quantity = 2, 2.0
    funds.resized(position, 8)
    assert funds.posted(position) == pytest.approx(2 * 100 / 4 - 5)
    position.lots, position.quantity = -3, -3.0
    funds.resized(position, 2)
    assert funds.posted(position) == pytest.approx(3 * 100 / 4)


@pytest.mark.parametrize("mode", list(MarginMode))
@pytest.mark.parametrize("style", list(TierStyle))
@pytest.mark.parametrize("side", [1, -1])
def test_the_estimate_before_entry_is_where_the_position_is_liquidated(mode, style, side):
    instrument = replace(PERP, margin_mode=mode, tier_style=style)
    instruments, ledger = holding(1_000, instruments=(instrument,))
    account = MarginAccount(instruments, {"s": ledger}, 1.0, 0.001)
    position, quantity = ledger.positions["PERP"], 50.0

    estimate = estimate_liquidation(instrument, side, quantity, 100.0, ledger.equity, fee_rate=0.001)
    position.lots, position.quantity, position.entry_price = side * 50, side * quantity, 100.0
    position.wallet.cash -= side * quantity * 100.0 + quantity * 100.0 * 0.001
    account.filled(position, 0)

    assert account.limits("PERP")[0 if side > 0 else 1] == pytest.approx(estimate)


def test_spot_bought_from_cash_and_an_order_of_nothing_have_no_liquidation_price():
    assert math.isnan(estimate_liquidation(SPOT, 1, 10.0, 100.0, 1_000.0))
    assert math.isnan(estimate_liquidation(PERP, 1, 0.0, 100.0, 1_000.0))


def test_leveraged_spot_and_a_position_due_at_once_have_one():
    # (1000 - 500) / (10 * 0.995)
    assert estimate_liquidation(SPOT, 1, 10.0, 100.0, 500.0) == pytest.approx(500 / 9.95)
    assert estimate_liquidation(PERP, 1, 10.0, 100.0, 1.0) == 100.0
