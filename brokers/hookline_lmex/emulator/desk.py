"""One account at one product: the simulated broker behind it, and what the broker reports.

Rules of this file:

- The broker is ours, the one of backtests; this desk is its listener in the kernel's place. Fills are therefore those of a backtest
  with the same orders.
- Settings such as leverage are part of an instrument. Changing one rebuilds the broker around the same wallets, positions and
  orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hookline.broker import Broker
from hookline.clock import Clock, EventClock
from hookline.model import Bar, BookUpdate, Order, OrderStatus, transition
from hookline.plugins import build
from hookline.simulation.funding import funding_payment
from hookline.simulation.funds import mark_price
from hookline.simulation.twins import fill_twin
from hookline_lmex.emulator.holdings import Holdings
from hookline_lmex.emulator.market_state import MarketState
from hookline_lmex.emulator.notices import fill_notice, order_notice, position_notice
from hookline_lmex.emulator.records import MARKET, PEG, ExchangeListener, FillNotice, OrderRecord
from hookline_lmex.emulator.statuses import ended_status, is_dry, resting_status
from hookline_lmex.emulator.terms import AccountSetup, ExchangeOptions, Product
from hookline_lmex.emulator.wire_numbers import Ids

__all__ = ["Desk"]

_FUTURES = Product.FUTURES
_FORGET_EVERY = 1000


class Desk(Holdings):
    """Orders of one account at one product, and what they do to its holdings.

    Attributes:
        records: Every order by its number, oldest first.
        fills: Every execution, oldest first.
        warnings: What the simulated venue has warned of.
    """

    def __init__(
        self,
        account: AccountSetup,
        product: Product,
        states: Mapping[str, MarketState],
        options: ExchangeOptions,
        time: EventClock,
        clock: Clock,
        ids: Ids,
        hear: ExchangeListener,
    ) -> None:
        super().__init__(account, product, states, options, time, ids)
        self._clock, self._hear = clock, hear
        self.records: dict[int, OrderRecord] = {}
        self.fills: list[FillNotice] = []
        self.warnings: list[str] = []
        self._by_id: dict[str, OrderRecord] = {}
        self._by_client_id: dict[str, list[OrderRecord]] = {}
        self._live: dict[int, OrderRecord] = {}
        self._count = 0
        self._deferred: list[OrderRecord] = []
        self._pegs: list[OrderRecord] = []
        self._build()

    # -- building --------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Connect a new broker to the ledger, and the tapes to it."""
        setups = [state.setup for state in self.states.values()]
        fees = setups[0] if setups else None
        options = self.options
        broker = build(
            "brokers",
            "paper",
            {
                "maker_fee_bps": 0.0 if fees is None else fees.maker_fee_bps,
                "taker_fee_bps": 0.0 if fees is None else fees.taker_fee_bps,
                "liquidation_fee_bps": options.liquidation_fee_bps,
                "slippage_bps": options.slippage_bps,
                "limit_fill": options.limit_fill,
                "intrabar": options.intrabar,
            },
            "",
        )
        assert isinstance(broker, Broker), "the paper broker is one"
        self.broker = broker
        broker.connect(self, self.time, self.instruments, {self.account.label: self.ledger})
        tapes = {state.symbol: state.setup.tape for state in self.states.values() if state.is_on_tape}
        broker.follow(tapes, {one.symbol: one.marks for one in setups if one.marks is not None})

    def rebuild(self, symbol: str, **changes: Any) -> None:
        """Change settings of an instrument, such as leverage, under everything that is there.

        Raises:
            ValueError: if the terms contradict each other.
        """
        saved = self.broker.save()
        instrument = replace(self.instruments[symbol], **changes)
        is_other_mode = instrument.position_mode is not self.instruments[symbol].position_mode
        self.instruments[symbol] = self.markets[symbol].instrument = instrument
        if is_other_mode:
            self.replace_positions()
        there: dict[int, Order] = {}
        for record in self._live.values():
            there[record.order.number] = record.order
            if record.symbol == symbol:
                record.order.instrument = instrument
        self._build()
        self.renew_funds()
        for state in self.states.values():
            if state.is_on_tape:
                self._recall(state)
        self.broker.restore(saved, there)

    def _recall(self, state: MarketState) -> None:
        """Show a new broker the book as it stands."""
        book = state.book
        if not book.time:
            return
        levels = [(1, *row) for row in book.bids()] + [(-1, *row) for row in book.asks()]
        sides, prices, quantities = ([row[column] for row in levels] for column in range(3))
        self.broker.recall(
            BookUpdate(
                state.symbol, book.time, book.venue_time, True, [int(side) for side in sides], prices, quantities,
                book.sequence, book.sequence,
            )
        )  # fmt: skip

    # -- orders ----------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """What is told as the time of what happens now, nanoseconds UTC."""
        return max(self.time.now, self._clock.now)

    def is_deferred(self, record: OrderRecord) -> bool:
        """Return whether an order waits for the next bar to say how much its amount buys."""
        return record in self._deferred

    def defer(self, record: OrderRecord) -> None:
        """Let a registered order wait for the next bar of its market."""
        self._deferred.append(record)
        self.announce(record)

    def drop_deferred(self, record: OrderRecord, reason: str) -> None:
        """Cancel an order that waits for its bar."""
        self._deferred.remove(record)
        self.order_changed(record.order, OrderStatus.CANCELED, self.time.now, reason)

    def match(self, bars: Sequence[Bar]) -> None:
        """Fill what bars of one end time fill."""
        opens = {bar.symbol: bar.open for bar in bars}
        for record in [one for one in self._deferred if one.symbol in opens]:
            self._deferred.remove(record)
            price = opens[record.symbol] * (1.0 + self.options.slippage_bps / 1e4)
            order = record.order
            order.lots = order.instrument.lots((record.quote_amount or 0.0) / price)
            if order.lots:
                self.broker.submit(order)
            else:
                self.order_changed(
                    order, OrderStatus.CANCELED, self.time.now, "no more: amount below one lot"
                )
        self.broker.match(bars)

    def pegs(self) -> list[OrderRecord]:
        """Return the open peg orders."""
        self._pegs = [record for record in self._pegs if record.order.is_open]
        return self._pegs

    def register(self, record: OrderRecord, status: OrderStatus = OrderStatus.SUBMITTED) -> None:
        """Give an order its number and keep it."""
        order = record.order
        self._count = order.number = self._count + 1
        self._forget()
        self.records[order.number] = self._live[order.number] = record
        self._by_id[record.order_id] = record
        if record.client_order_id:
            self._by_client_id.setdefault(record.client_order_id, []).append(record)
        record.original_lots = order.lots
        transition(order, status, order.time)
        record.updated = order.time
        if record.order_type == PEG:
            self._pegs.append(record)

    def _forget(self) -> None:
        """Forget orders and fills that have been over for as long as configured, now and then."""
        seconds = self.options.forget_seconds
        if seconds is None or self._count % _FORGET_EVERY:
            return
        oldest = self.now - round(seconds * 1e9)
        for record in [one for one in self.records.values() if one.updated < oldest and one.order.is_closed]:
            del self.records[record.order.number], self._by_id[record.order_id]
            same = self._by_client_id.get(record.client_order_id)
            if same is not None:
                same.remove(record)
                if not same:
                    del self._by_client_id[record.client_order_id]
        self.fills = [one for one in self.fills if one.time >= oldest]
        self.entries = [one for one in self.entries if one.time >= oldest]

    def send(self, record: OrderRecord) -> None:
        """Bring a registered order to the market, and say that it rests where that is not known otherwise."""
        self.broker.submit(record.order)
        if record.order.is_open and not record.is_announced:
            self.announce(record)

    def announce(self, record: OrderRecord) -> None:
        """Say that an order rests."""
        record.status = resting_status(record)
        self.tell(record)

    def tell(self, record: OrderRecord) -> None:
        """Tell listeners how an order stands."""
        record.is_announced = True
        record.updated = max(record.updated, self.now)
        self._hear.order(self.account.label, order_notice(self, record))
        record.filled_now = 0

    def tell_amended(self, record: OrderRecord, lots: int, trigger: float | None) -> None:
        """Tell listeners that an order is amended to a quantity and a trigger, before the market looks at it."""
        record.is_announced, order = True, record.order
        before = order.lots, order.trigger_price
        order.lots, order.trigger_price = max(lots, order.filled_lots), trigger
        self.tell(record)
        order.lots, order.trigger_price = before

    def open_records(self, symbol: str | None = None) -> list[OrderRecord]:
        """Return the open orders, oldest first."""
        return [
            one for one in self._live.values() if one.is_open and (symbol is None or one.symbol == symbol)
        ]

    def named(self, order_id: str, client_order_id: str = "") -> list[OrderRecord]:
        """Return the order of an id, else all that were sent with a client id, oldest first."""
        if order_id:
            return [self._by_id[order_id]] if order_id in self._by_id else []
        return list(self._by_client_id.get(client_order_id, ()))

    # -- what the broker reports -------------------------------------------------------------------------------------------

    def order_changed(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        """Move an order along, and tell those who listen."""
        transition(order, status, max(time, order.update_time), reason)
        record = self.records[order.number]
        if order.is_closed:
            self._live.pop(order.number, None)
        if status is OrderStatus.SUBMITTED or (status is OrderStatus.ACCEPTED and not record.is_announced):
            self._release(record)
        elif status is OrderStatus.TRIGGERED:
            self._trigger(record)
        elif order.is_closed:
            record.status = ended_status(record, status, reason)
            record.is_final = is_dry(reason) and not record.is_withdrawn
            if record.is_announced or order.parent is None:
                self.tell(record)

    def _release(self, record: OrderRecord) -> None:
        """Say that an order rests; children take the size that their entry has by now."""
        record.original_lots = record.order.lots
        self.announce(record)

    def _trigger(self, record: OrderRecord) -> None:
        record.is_triggered = True
        record.status = 10
        self.tell(record)

    def order_filled(
        self, order: Order, lots: int, price: float, fee: float, is_maker: bool, time: int
    ) -> None:
        """Book an execution, and tell those who listen."""
        record, position = self.records[order.number], self.position_of(order)
        if record.is_waiting:
            self._trigger(record)
        before = position.lots
        if is_maker and record.is_spam:
            fee = order.instrument.units(lots) * price * self.states[record.symbol].setup.taker_fee_bps / 1e4
        fill = fill_twin(0, order, lots, price, fee, is_maker, time)
        realized = self.ledger.book(fill)
        paid = fee, order.instrument.quote
        if self.product is not _FUTURES:
            paid = self.settle_coins(order.instrument, position, order.side, lots, price, fee)
            realized = 0.0  # coins are held, not positions
        elif self.funds.terms[order.symbol].is_isolated:
            self.funds.resized(position, before)
        record.filled_now, record.is_maker = lots, is_maker
        record.quote_spent += order.instrument.units(lots) * price
        if order.is_closed:
            self._live.pop(order.number, None)
        if record.status not in (1003, 1004):
            record.status = 4 if order.is_closed and not self._has_crumb(record) else 5
        self.tell(record)
        notice = fill_notice(self, record, lots, price, paid, realized, time)
        self.fills.append(notice)
        self._hear.fill(self.account.label, notice)
        if self.product is _FUTURES:
            self._tell_position(record, before, realized, fee)

    def _tell_position(self, record: OrderRecord, before: int, realized: float, fee: float) -> None:
        position = self.position_of(record.order)
        if realized:
            kind = 106 if record.status == 1003 else 108
            self.enter(kind, realized, record.order.instrument.quote, fee, record.symbol)
        direction = "LONG" if (position.lots or before) > 0 else "SHORT"
        self._hear.position(self.account.label, position_notice(self, position, direction))

    def _has_crumb(self, record: OrderRecord) -> bool:
        return record.quote_amount is not None and record.quote_amount - record.quote_spent > 0.0

    def order_adopted(self, order: Order) -> None:
        """Record an order that the venue has made: a liquidation."""
        record = OrderRecord(
            order,
            self.account.label,
            self.product,
            self.ids.uuid(),
            self.ids.request(),
            self.time.now,
            order_type=MARKET,
            is_user_initiated=False,
            status=1003,
        )
        self.register(record)
        transition(order, OrderStatus.ACCEPTED, order.time)
        self.tell(record)

    def funding_paid(self, symbol: str, time: int, rate: float, amount: float) -> None:
        """Never called: the simulated venue leaves funding to its listener."""
        raise NotImplementedError(f"{symbol}: funding {amount} at {rate} for {time} is settled by the desk")

    def warn(self, text: str) -> None:
        """Keep what the simulated venue warns of."""
        self.warnings.append(text)

    # -- money -----------------------------------------------------------------------------------------------------------

    def pay_funding(self, symbol: str, rate: float) -> None:
        """Pay funding to every position of a symbol, or take it."""
        market = self.markets[symbol]
        market.funding_rate = rate
        price = mark_price(market)
        for position in self.ledger.held(symbol):
            amount = funding_payment(position.quantity, price, rate) if position.lots else 0.0
            if amount:
                position.wallet.cash += amount
                if self.funds.terms[symbol].is_isolated:
                    self.funds.add(position, amount)
                self.enter(110, amount, self.instruments[symbol].quote, 0.0, symbol)
        self.broker.paid(symbol)

    def move_money(self, currency: str, amount: float, describe: str = "") -> None:
        """Put money into the wallet, or take it out if below zero."""
        self.change_money(currency, amount, describe)
        for symbol, market in self.markets.items():
            # Nothing was paid for any position; the broker only looks at the wallets anew.
            rate, market.funding_rate = market.funding_rate, 0.0
            self.broker.paid(symbol)
            market.funding_rate = rate

    def available(self) -> dict[str, float]:
        """Return what is free by currency: what is there, less what positions and resting orders take."""
        free = self.spare()
        for record in self.open_records():
            order, instrument = record.order, record.order.instrument
            price = order.limit_price
            units = instrument.units(order.open_lots)
            if self.product is _FUTURES:
                if price is not None and not order.reduce_only and not record.is_waiting:
                    position = self.position_of(order)
                    free[instrument.quote] -= self.funds.initial(position, units * price)
            elif order.side < 0:
                free[instrument.base] = free.get(instrument.base, 0.0) - units
            elif price is not None or record.quote_amount is not None:
                free[instrument.quote] -= record.quote_amount or units * (price or 0.0)
        return {currency: max(0.0, amount) for currency, amount in free.items()}
