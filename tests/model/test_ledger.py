"""Positions and cash against an exact replay in Decimal."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hookline as hl
from hookline.model import Fill, Ledger, Market, Side
from hookline.model.account import apply_fill

A = hl.Instrument("A", kind=hl.InstrumentKind.PERPETUAL, lot_size=Decimal("0.001"))
B = hl.Instrument("B", kind=hl.InstrumentKind.PERPETUAL, lot_size=Decimal(5))

fills = st.lists(
    st.tuples(
        st.sampled_from([A, B]),
        st.sampled_from(Side),
        st.integers(1, 10**6),
        st.integers(1, 10**8).map(lambda cents: Decimal(cents) / 100),
        st.integers(-30, 100).map(lambda bps: Decimal(bps) / 10**4),
    ),
    max_size=60,
)


def new_ledger(cash=1000.0):
    return Ledger("s", cash, [Market(A), Market(B)])


def a_fill(instrument, side, lots, price, rate, time=0):
    quantity = instrument.units(lots)
    fee = quantity * float(price) * float(rate)
    return Fill(0, time, 0, "s", instrument.symbol, side, lots, quantity, float(price), fee, is_maker=False)


class Replay:
    """The same accounts in fractions: average cost, profit realized on reducing, cash by cash flow."""

    def __init__(self, cash):
        self.cash = Fraction(cash)
        self.quantity = {"A": Fraction(0), "B": Fraction(0)}
        self.cost = {"A": Fraction(0), "B": Fraction(0)}
        self.realized = {"A": Fraction(0), "B": Fraction(0)}
        self.flow = Fraction(0)

    def book(self, instrument, side, lots, price, rate):
        symbol, added = instrument.symbol, Fraction(side * lots * instrument.lot_size)
        held, price = self.quantity[symbol], Fraction(price)
        self.cash -= added * price + abs(added) * price * Fraction(rate)
        self.flow += abs(added) * price
        closed = -min(abs(held), abs(added)) * (1 if added > 0 else -1) if held * added < 0 else Fraction(0)
        if closed:
            entry = self.cost[symbol] / held
            self.realized[symbol] += closed * (price - entry)
            self.cost[symbol] -= closed * entry
        self.cost[symbol] += (added + closed) * price
        self.quantity[symbol] = held + added


@given(fills)
def test_cash_positions_and_profit_equal_an_exact_replay(sequence):
    ledger, replay = new_ledger(), Replay(1000)
    for terms in sequence:
        ledger.book(a_fill(*terms))
        replay.book(*terms)

    scale = 1e-9 * float(replay.flow + 1000)
    assert ledger.cash == pytest.approx(float(replay.cash), rel=1e-9, abs=scale)
    for symbol, position in ledger.positions.items():
        quantity = replay.quantity[symbol]
        assert position.quantity == float(quantity)
        assert position.realized == pytest.approx(float(replay.realized[symbol]), rel=1e-9, abs=scale)
        if quantity:
            assert position.entry_price == pytest.approx(float(replay.cost[symbol] / quantity), rel=1e-9)
        else:
            assert (position.entry_price, position.quantity, position.lots) == (0.0, 0.0, 0)


@given(fills)
def test_equity_is_cash_and_positions_and_also_start_profit_and_fees(sequence):
    ledger = new_ledger()
    for instrument, side, lots, price, rate in sequence:
        ledger.positions[instrument.symbol].market.last = float(price)
        ledger.book(a_fill(instrument, side, lots, price, rate))

    positions = ledger.positions.values()
    flow = sum(float(price) * instrument.units(lots) for instrument, _, lots, price, _ in sequence)
    assert ledger.equity == pytest.approx(
        ledger.cash + sum(position.notional for position in positions), rel=1e-12, abs=1e-9
    )
    assert ledger.equity == pytest.approx(
        1000.0 + sum(one.realized + one.unrealized for one in positions) - ledger.fees,
        abs=1e-9 * (flow + 1000),
    )
    assert ledger.fees == pytest.approx(sum(one.fees for one in positions), abs=1e-9 * (flow + 1))


@pytest.mark.parametrize(
    ("lots", "entry", "fill_lots", "price", "expected"),
    [
        (0, 0.0, 2, 10.0, (10.0, 0.0)),  # open
        (2, 10.0, 2, 20.0, (15.0, 0.0)),  # add
        (2, 10.0, -1, 12.0, (10.0, 2.0)),  # reduce a long
        (-2, 10.0, 1, 12.0, (10.0, -2.0)),  # reduce a short
        (2, 10.0, -2, 12.0, (0.0, 4.0)),  # close
        (2, 10.0, -5, 12.0, (12.0, 4.0)),  # turn
        (-2, 10.0, 5, 8.0, (8.0, 4.0)),  # turn the other way
    ],
)
def test_a_fill_opens_adds_reduces_closes_or_turns(lots, entry, fill_lots, price, expected):
    assert apply_fill(lots, float(lots), entry, fill_lots, float(fill_lots), price) == expected


def test_a_position_is_as_old_as_its_last_turn():
    ledger = new_ledger()
    position = ledger.positions["A"]
    opened = []
    for time, (side, lots) in enumerate([(1, 5), (1, 5), (-1, 4), (-1, 8), (1, 2), (1, 3)]):
        ledger.book(a_fill(A, Side(side), lots, Decimal(10), Decimal(0), time=time))
        opened.append((position.lots, position.opened))

    assert opened == [(5, 0), (10, 0), (6, 0), (-2, 3), (0, 3), (3, 5)]


def test_the_value_of_a_position_follows_the_last_price():
    ledger = new_ledger()
    position = ledger.positions["A"]
    assert (position.notional, position.unrealized, position.is_flat) == (0.0, 0.0, True)
    assert not position.is_long
    assert not position.is_short

    ledger.book(a_fill(A, Side.SELL, 2000, Decimal(10), Decimal(0)))
    position.market.last = 12.0

    assert (position.notional, position.unrealized, position.is_short) == (-24.0, -4.0, True)
    assert (ledger.cash, ledger.equity, ledger.gross_notional) == (1020.0, 996.0, 24.0)
    assert repr(position) == "Position(A, -2 @ 10)"
