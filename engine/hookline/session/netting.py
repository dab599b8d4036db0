"""Several strategies in one account at a venue: ``accounts: netted``.

The broker behind sees one ledger with all the cash. Strategies keep ledgers of their own in the kernel: position, cash and profit are
theirs, buying power is the account's. Rules of this file:

- What strategies ask for in one event is collected, and reaches the venue in that order before the next event does.
- Plain market orders of one event are netted (``netting_groups.py``), all others go one by one as twins (``netting_twins.py``).
- A position that the venue liquidates is taken from the strategies on the account's side, in proportion to what they hold.
- After every event the strategies' lots add up to the account's, and so does their cash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hookline.broker import Broker, BrokerListener
from hookline.clock import Clock
from hookline.errors import ConfigError, OrderError, VenueError
from hookline.model import (
    Bar,
    BarSeries,
    BookUpdate,
    Instrument,
    Ledger,
    MarketData,
    Order,
    OrderBook,
    OrderStatus,
    OrderType,
    Position,
    Quote,
    Trade,
    transition,
)
from hookline.session.netting_account import Account, VenueClock
from hookline.session.netting_groups import Groups, is_plain
from hookline.session.netting_shares import allot, share_fee
from hookline.session.netting_twins import Ground, Singles

__all__ = ["NettedBroker"]

_NEVER = 2**63 - 1
_ROUNDS_PER_EVENT = 10_000


class NettedBroker(Broker):
    """One account at a venue for all strategies.

    Args:
        inner: The venue's broker.
    """

    name = "netted"

    def __init__(self, inner: Broker) -> None:
        self._inner = inner
        self.leverage = inner.leverage
        self._pending: list[Order] = []
        self._due, self._rounds, self._last_due = _NEVER, 0, -1
        self._liquidations: dict[Order, str] = {}

    def connect(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
    ) -> None:
        self._clock = VenueClock(clock)
        self.account = account = Account(ledgers)
        open_: dict[str, list[Order]] = {symbol: [] for symbol in instruments}
        self._ground = Ground(self._inner, listener, self._clock, account, self._moved, open_)
        self._singles, self._groups = Singles(self._ground), Groups(self._ground)
        self._inner.connect(self, self._clock, instruments, {account.ledger.strategy: account.ledger})

    def follow(self, tapes: Mapping[str, frozenset[MarketData]], marks: Mapping[str, BarSeries]) -> None:
        self._inner.follow(tapes, marks)
        self._ground.on_tape = frozenset(tapes)
        if self._inner.has_own_time:
            raise ConfigError(
                "accounts: netted needs orders that reach the venue at once, but its broker has a latency; say 'apart'"
            )
        if self._inner.fills_at_close:
            raise ConfigError(
                "accounts: netted needs orders that wait for the next bar, but its broker fills at the close; say 'apart'"
            )

    @property
    def taker_fee(self) -> float:
        return self._inner.taker_fee

    # -- what strategies ask for ---------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        self._ground.open[order.symbol].append(order)
        self._pending.append(order)
        self._due = min(self._due, self._clock.now)

    def cancel(self, order: Order, reason: str = "") -> None:
        entry = order.parent
        if order in self._pending:
            self._pending.remove(order)
            self._ground.end(order, OrderStatus.CANCELED, self._clock.now, reason)
        elif entry is not None and entry in self._pending and order.status is OrderStatus.HELD:
            self._ground.end(order, OrderStatus.CANCELED, self._clock.now, reason)
        elif self._groups.has(order):
            self._groups.cancel(order, reason)
        else:
            self._singles.cancel(order, reason)

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        is_pending = order in self._pending or (order.parent is not None and order.parent in self._pending)
        if is_pending and lots <= order.filled_lots:
            self.cancel(order, "amended to its filled quantity")
        elif is_pending:
            order.lots, order.limit_price, order.trigger_price = lots, limit_price, trigger_price
        else:
            self._singles.amend(order, lots, limit_price, trigger_price)

    def cancel_all_after(self, seconds: float | None) -> None:
        self._inner.cancel_all_after(seconds)

    def _flush(self) -> None:
        """Send what was collected: groups in the place of their oldest order."""
        if not self._pending:
            self._due = _NEVER
            return
        self._count_round()
        batch = list(self._pending)
        for order in batch:
            # What is gone was sent with its group, or canceled by what an earlier one has filled.
            if order in self._pending:
                members = [one for one in batch if one in self._pending and _are_netted(one, order)]
                for one in members:
                    self._pending.remove(one)
                if is_plain(order):
                    self._groups.send(members, members[-1].time)
                else:
                    self._singles.send(order)
        self._due = self._clock.now if self._pending else _NEVER

    def _count_round(self) -> None:
        """Refuse an event that never ends because each order answers the one before."""
        self._rounds = self._rounds + 1 if self._due == self._last_due else 1
        self._last_due = self._due
        if self._rounds > _ROUNDS_PER_EVENT:
            order = self._pending[0]
            rule = "an order sent from on_order or on_fill answers itself"
            raise OrderError(
                f"strategy {order.strategy!r}: more than {_ROUNDS_PER_EVENT} rounds of orders in one event; {rule}"
            )

    def _moved(self, filled: Order, time: int) -> None:
        """Bring everything of a strategy in line with its position, which a fill has changed."""
        for order in tuple(self._pending):
            if (
                filled.oco_leader is not None
                and order.oco_leader is filled.oco_leader
                and order is not filled
            ):
                self.cancel(order, f"one cancels other: {filled.client_order_id}")
        self._singles.moved(filled, time)
        self._groups.moved(filled)

    # -- time and market data ------------------------------------------------------------------------------------------

    @property
    def has_own_time(self) -> bool:
        return self._inner.has_own_time

    @property
    def has_delays(self) -> bool:
        return True

    @property
    def due(self) -> int:
        return min(self._due, self._inner.due)

    def advance(self, until: int) -> None:
        self._flush()
        if self._inner.due <= until:
            self._inner.advance(until)

    def watch(self, symbol: str) -> list[Order]:
        return self._ground.open[symbol]

    def match(self, bars: Sequence[Bar]) -> None:
        self._flush()
        ground = self._ground
        ground.bars = {bar.symbol: bar for bar in bars if bar.symbol not in ground.on_tape}
        own = list(ground.bars.values())
        for bar in own:
            # Before the venue sees the bars, it is the time of their opens.
            self._clock.held = bar.start
            self._groups.begin(bar)
            self._singles.begin(bar)
        self._clock.held = None
        ground.is_matching = True
        self._inner.match(bars)
        ground.is_matching = False
        for bar in own:
            self._groups.finish(bar)
        self._singles.settle(own)
        ground.bars = {}

    def on_quote(self, quote: Quote) -> None:
        self._flush()
        self._inner.on_quote(quote)
        self._singles.sync(quote.symbol)

    def on_trade(self, trade: Trade) -> None:
        self._flush()
        self._inner.on_trade(trade)
        self._singles.sync(trade.symbol)

    def on_book(self, update: BookUpdate) -> None:
        self._flush()
        self._inner.on_book(update)
        self._singles.sync(update.symbol)

    def book(self, symbol: str) -> OrderBook | None:
        return self._inner.book(symbol)

    def limits(self, symbol: str) -> Sequence[float] | None:
        return self._inner.limits(symbol)

    def liquidation_price(self, position: Position) -> float:
        """Return where the account's position is liquidated, if this one is on its side; NaN else."""
        own = self.account.ledger.positions[position.id]
        return self._inner.liquidation_price(own) if own.lots * position.lots > 0 else float("nan")

    def paid(self, symbol: str) -> None:
        self.account.bring_cash()
        self._inner.paid(symbol)

    # -- what the venue reports ----------------------------------------------------------------------------------------

    def order_changed(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        """Pass on what becomes of an order of the account."""
        if self._groups.has_twin(order):
            self._groups.changed(order, status, time, reason)
        else:
            self._singles.changed(order, status, time, reason)

    def order_filled(
        self, order: Order, lots: int, price: float, fee: float, is_maker: bool, time: int
    ) -> None:
        """Book an execution of the account and give it to whose it is."""
        self.account.bring_cash()
        self.account.book(order, lots, price, fee, is_maker, time)
        if order in self._liquidations:
            self._share_liquidation(order, lots, price, fee, time)
        elif self._groups.has_twin(order):
            self._groups.filled(order, lots, price, fee, is_maker, time)
        else:
            self._singles.filled(order, lots, price, fee, is_maker, time)

    def order_adopted(self, order: Order) -> None:
        """Take an order that the venue has made for the account; strategies get theirs when it fills."""
        for status in (OrderStatus.SUBMITTED, OrderStatus.ACCEPTED):
            transition(order, status, order.time)
        self._liquidations[order] = order.tag

    def funding_paid(self, symbol: str, time: int, rate: float, amount: float) -> None:
        """Pass on what the venue has paid."""
        self._ground.listener.funding_paid(symbol, time, rate, amount)

    def warn(self, text: str) -> None:
        """Pass a warning on."""
        self._ground.listener.warn(text)

    def _share_liquidation(self, order: Order, lots: int, price: float, fee: float, time: int) -> None:
        """Let the strategies that hold what the venue has closed bear it in proportion."""
        if order.is_closed:
            del self._liquidations[order]
        id_ = order.position_id or order.symbol
        holders = [one for one in self.account.ledgers.values() if one.positions[id_].lots * order.side < 0]
        shares = allot(lots, [abs(one.positions[id_].lots) for one in holders])
        bearing = [(one, share) for one, share in zip(holders, shares, strict=True) if share]
        fees = share_fee(fee, [share for _, share in bearing])
        for (ledger, share), part in zip(bearing, fees, strict=True):
            own = Order(
                0, ledger.strategy, order.instrument, order.side, OrderType.MARKET, share, order.time,
                reduce_only=True, tag=order.tag, position_id=order.position_id,
            )  # fmt: skip
            self._ground.listener.order_adopted(own)
            self._ground.fill(own, share, price, part, False, time)
            self._moved(own, time)

    # -- the sum -------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Compare the sum of the strategies with the account.

        Raises:
            VenueError: naming every difference, of lots at all, of cash beyond rounding.
        """
        self.account.bring_cash()
        found = self.account.differences()
        if found:
            raise VenueError(f"accounts: strategies must add up to the account; {'; '.join(found)}")

    def finish(self) -> None:
        """Check the sum, and tell how much never reached the venue."""
        self._inner.finish()
        self.check()
        for symbol, lots in self._groups.crossed.items():
            self.warn(f"{lots:,} lots of {symbol} crossed between strategies")
        self._groups.crossed.clear()

    def save(self) -> dict[str, Any]:
        return {
            "inner": self._inner.save(),
            "account": self.account.save(),
            "pending": [order.number for order in self._pending],
            "due": self._due,
            "open": {symbol: [one.number for one in orders] for symbol, orders in self._ground.open.items()},
            "singles": self._singles.save(),
            "groups": self._groups.save(),
        }

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        if not state:
            return
        self.account.restore(state["account"])
        for symbol, numbers in state["open"].items():
            # In place: the kernel watches this very list.
            self._ground.open[symbol][:] = [orders[number] for number in numbers]
        self._pending, self._due = [orders[number] for number in state["pending"]], state["due"]
        twins = self._singles.restore(state["singles"], orders)
        twins |= self._groups.restore(state["groups"], orders)
        self._inner.restore(state["inner"], twins)


def _are_netted(one: Order, other: Order) -> bool:
    """Return whether two orders of one event are netted; an order is with itself."""
    if one is other:
        return True
    same = (one.symbol, one.position_id) == (other.symbol, other.position_id)
    return same and is_plain(one) and is_plain(other)
