"""Margin terms in a session file: read, checked, and obeyed."""

from decimal import Decimal

import pytest

import hookline as hl
from hookline.model.instrument import MarginMode, MarginTier, PositionMode, TierStyle
from hookline.session.loader import load_session

SESSION = """
symbols: [BTC-PERP]
timeframe: 1h
until: 2024-01-20
feed: {{use: synthetic, params: {{seed: 7}}}}
broker: {{use: paper, params: {{liquidation_fee_bps: 20}}}}
strategies: [{{use: buy_and_hold}}]
reporters: []
instruments:
  BTC-PERP: {terms}
"""
TERMS = """
    kind: perpetual
    base: BTC
    contract_size: 0.00001
    leverage: 5
    margin_mode: isolated
    position_mode: one_way
    margin_tiers:
      - {up_to: 50_000, maintenance: 0.005, max_leverage: 100}
      - {maintenance: 0.01, max_leverage: 50}
    tier_style: flat
"""


def session(tmp_path, terms):
    path = tmp_path / "session.yaml"
    path.write_text(SESSION.format(terms=terms), encoding="utf-8")
    return hl.Session.from_config(load_session(path, environ={}))


def test_a_session_file_sets_the_terms_of_a_perpetual(tmp_path):
    result = session(tmp_path, TERMS).run()
    instrument = result.record.instruments["BTC-PERP"]

    assert instrument.base == "BTC"
    assert instrument.leverage == 5
    assert instrument.margin_mode is MarginMode.ISOLATED
    assert instrument.position_mode is PositionMode.ONE_WAY
    assert instrument.tier_style is TierStyle.FLAT
    assert instrument.margin_tiers == (
        MarginTier(Decimal(50_000), Decimal("0.005"), Decimal(100)),
        MarginTier(None, Decimal("0.01"), Decimal(50)),
    )
    assert instrument.contracts(1) * instrument.contract_size == instrument.lot_size
    assert len(result.record.fills) > 0


def test_a_lot_that_is_not_said_becomes_a_contract_where_it_does_not_fit(tmp_path):
    result = session(tmp_path, "{kind: perpetual, contract_size: 0.7}").run()

    assert result.record.instruments["BTC-PERP"].lot_size == Decimal("0.7")


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (
            "{kind: perpetual, leverage: 500}",
            "instruments.BTC-PERP.leverage: must be at most 100, as its margin tiers say, was 500",
        ),
        (
            "{kind: perpetual, contract_size: 0.7, lot_size: 1}",
            "instruments.BTC-PERP.lot_size: must be a whole multiple of contract_size 0.7, was 1",
        ),
        (
            "{kind: spot, margin_mode: isolated}",
            "instruments.BTC-PERP.margin_mode: only a perpetual has one",
        ),
        ("{kind: perpetual, margin_mode: alone}", "must be 'cross' or 'isolated', was 'alone'"),
        ("{kind: perpetual, margin_tiers: [{maintenance: 0.01}]}", "max_leverage: is required"),
        (
            "{kind: perpetual, margin_tiers: [{maintenance: 0.01, max_leverage: 5, upto: 3}]}",
            "margin_tiers[0].upto: ",
        ),
    ],
)
def test_terms_that_cannot_be_are_told_with_their_place(tmp_path, terms, message):
    with pytest.raises(hl.ConfigError) as caught:
        session(tmp_path, terms).run()

    assert message in str(caught.value)
