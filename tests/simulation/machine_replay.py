"""What a session's record says when it is added up again: whole lots and Decimals, in the order of events.

Knows nothing of the engine but instruments and the messages of the record.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import hookline as hl
from hookline.model import MarginMode, OrderType, PositionMode

EXACT = Decimal("1e-9")


def exact(value: float) -> Decimal:
    return Decimal(repr(value))


def position_ids(instrument: hl.Instrument) -> list[str]:
    if instrument.position_mode is PositionMode.HEDGE:
        return [f"{instrument.symbol}|long", f"{instrument.symbol}|short"]
    return [instrument.symbol]


class Held:
    """One position: lots, entry, and what margin of its own has received or paid of funding."""

    def __init__(self, instrument: hl.Instrument) -> None:
        self.instrument = instrument
        self.lots = 0
        self.entry = Decimal(0)
        self.added = Decimal(0)

    def units(self, lots: int) -> Decimal:
        return lots * self.instrument.lot_size

    def posted(self, leverage: Decimal) -> Decimal:
        """Margin of an isolated position: entry notional by its leverage, and the funding since."""
        notional = abs(self.units(self.lots)) * self.entry
        tiers = self.instrument.tiers
        tier = next((one for one in tiers if one.up_to is None or notional <= one.up_to), tiers[-1])
        return notional / min(self.instrument.leverage or leverage, tier.max_leverage) + self.added

    def change(self, lots: int, price: Decimal) -> Decimal:
        """Add signed lots and return the profit that they realized."""
        before, after = self.lots, self.lots + lots
        closed = min(abs(before), abs(lots)) if before * lots < 0 else 0
        realized = self.units(closed if before > 0 else -closed) * (price - self.entry)
        if before * lots >= 0:
            self.entry = (before * self.entry + lots * price) / after
        elif abs(lots) > abs(before):
            self.entry = price
        self.added = (
            self.added * after / before
            if before * after > 0 and abs(after) < abs(before)
            else (self.added if before * after > 0 else Decimal(0))
        )
        self.lots = after
        return realized


_Payment = tuple[int, str, str, Decimal, Held]


class Replay:
    """The books of all strategies."""

    def __init__(self, setting: Any) -> None:
        self.setting = setting
        broker = setting.broker
        self.rates = {
            True: exact(float(broker.get("maker_fee_bps", 0.0))) / 10**4,
            False: exact(float(broker.get("taker_fee_bps", 0.0))) / 10**4,
        }
        self.liquidation_rate = (
            self.rates[False] + exact(float(broker.get("liquidation_fee_bps", 50.0))) / 10**4
        )
        self.leverage = exact(float(broker.get("leverage", 1.0)))
        self.cash = {id_: exact(float(cash)) for id_, cash in setting.cash.items()}
        self.gross = dict(self.cash)
        self.held = {
            (strategy, id_): Held(one)
            for strategy in setting.cash
            for one in setting.instruments.values()
            for id_ in position_ids(one)
        }
        self.filled: dict[int, int] = defaultdict(int)
        self.fills = 0
        # On bars the price that liquidates is the one that fills orders: nobody gets out behind it. A mark price may hold a
        # position while its market is worse, and so may the last trade while the book is.
        self.is_guarded = not setting.marks and not setting.tapes

    def fill(self, fill: Any, order: hl.Order, limit: float | None) -> None:
        """Book a fill of an order that had this limit, and check what must hold whatever the market did."""
        self.fills += 1
        assert fill.number == self.fills
        told = (fill.order_number, fill.strategy, fill.symbol, fill.side, fill.position_id)
        assert told == (order.number, order.strategy, order.symbol, order.side, order.position_id)
        assert fill.lots > 0
        self.filled[order.number] += fill.lots
        held = self.held[fill.strategy, fill.position_id or fill.symbol]
        before, price, value = held.lots, exact(fill.price), held.units(fill.lots) * exact(fill.price)
        after = before + fill.side * fill.lots
        fee = exact(fill.fee)
        if order.tag == "liquidation":
            assert after == 0
            assert fee <= value * self.liquidation_rate + EXACT * (1 + value)
        else:
            assert abs(fee - value * self.rates[fill.is_maker]) <= EXACT * (1 + value)
        self._check_direction(order, held, before, after)
        assert fill.is_maker or not order.post_only
        assert not fill.is_maker or order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        if limit is not None:
            assert fill.side * (limit - fill.price) >= 0
        self._change(held, fill, order, price, fee)
        self.cash[fill.strategy] -= fill.side * value + fee
        self.gross[fill.strategy] += value + abs(fee)
        if order.tag == "liquidation" and held.instrument.margin_mode is MarginMode.CROSS:
            self._check_debt(fill.strategy)

    def _check_debt(self, strategy: str) -> None:
        """Who holds nothing owes nothing."""
        if not any(held.lots for (owner, _), held in self.held.items() if owner == strategy):
            assert self.cash[strategy] >= -EXACT * self.gross[strategy]

    def _check_direction(self, order: hl.Order, held: Held, before: int, after: int) -> None:
        if order.reduce_only:
            assert before * order.side < 0
            assert 0 <= after * (1 if before > 0 else -1) < abs(before)
        if order.position_id:
            assert after >= 0 if order.position_id.endswith("|long") else after <= 0
        if held.instrument.kind is hl.InstrumentKind.SPOT:
            assert after >= min(before, -held.instrument.borrow_lots)

    def _change(self, held: Held, fill: Any, order: hl.Order, price: Decimal, fee: Decimal) -> None:
        before = held.lots
        is_isolated = held.instrument.margin_mode is MarginMode.ISOLATED
        posted = held.posted(self.leverage) if is_isolated and before else Decimal(0)
        realized = held.change(fill.side * fill.lots, price)
        if is_isolated and before * fill.side < 0 and (self.is_guarded or order.tag == "liquidation"):
            share = min(Decimal(1), Decimal(fill.lots) / abs(before))
            cost = fee if order.tag == "liquidation" else Decimal(0)
            assert realized - cost >= -max(posted, Decimal(0)) * share - EXACT * (
                1 + abs(posted) + self.gross[fill.strategy]
            )

    def pay(self, rows: list[tuple[int, str, str, float]], due: list[tuple[int, str, float, float]]) -> None:
        """Book payments, and check each against what is held, price and rate; none may be missing.

        Args:
            rows: Time, strategy, symbol, amount.
            due: Time, symbol, rate for the interval that ends, and price at that time.
        """
        expected = [row for one in due for row in self._payments(*one)]
        assert [(time, who, id_.partition("|")[0]) for time, who, id_, _ in rows] == [
            row[:3] for row in expected
        ]
        for row, (_, strategy, _, amount, held) in zip(rows, expected, strict=True):
            assert abs(exact(row[3]) - amount) <= EXACT * (1 + abs(amount))
            self.cash[strategy] += amount
            self.gross[strategy] += abs(amount)
            held.added += amount

    def _payments(self, time: int, symbol: str, rate: float, price: float) -> list[_Payment]:
        one, found = self.setting.instruments[symbol], []
        for strategy in self.cash:
            for id_ in position_ids(one):
                held = self.held[strategy, id_]
                quantity = held.units(held.lots)
                if one.kind is hl.InstrumentKind.SPOT:
                    quantity = -min(quantity, Decimal(0))
                if quantity and rate:
                    found.append((time, strategy, symbol, -quantity * exact(price) * exact(rate), held))
        return found

    def check(self, world: Any) -> None:
        """The engine's floats are what the record adds up to."""
        for strategy, cash in self.cash.items():
            ledger = world.kernel.ledgers[strategy]
            tolerance = float(EXACT * self.gross[strategy])
            assert abs(ledger.cash - float(cash)) <= tolerance
            worth = cash
            for id_, position in ledger.positions.items():
                held = self.held[strategy, id_]
                assert position.lots == held.lots
                assert position.quantity == float(held.units(held.lots))
                if held.lots:
                    assert abs(position.entry_price - float(held.entry)) <= 1e-9 * (
                        1 + abs(float(held.entry))
                    )
                    worth += held.units(held.lots) * exact(position.market.last)
            assert abs(ledger.equity - float(worth)) <= tolerance
            if self.is_guarded:
                self._check_debt(strategy)
        for number, order in world.orders.items():
            assert order.filled_lots == self.filled[number] <= order.lots
