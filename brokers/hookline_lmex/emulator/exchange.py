"""The emulated exchange: markets, accounts, and time. No I/O; REST and sockets are built on top of it.

Rules of this file:

- Events of the market come in by ``handle``, in the order of their times: one of a tape, or the bars that end together. Each account is
  matched against them on its own: accounts do not trade with each other, and do not move the market.
- A market with a tape fills at once. One with bars only follows the rules of ``hookline.simulation.fills``: an order that comes after
  a bar is matched by the next one, so that fills equal those of a backtest.
- Between events time passes on the clock; ``pass_time`` lets happen what is due by then (orders that expire, dead man's switches).
- Funding is paid as events pass its time, after the bars that end then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hookline.clock import Clock, EventClock
from hookline.errors import ConfigError
from hookline.model import (
    Bar,
    BookUpdate,
    FundingRate,
    MarketEvent,
    MarkPrice,
    Quote,
    Trade,
)
from hookline_lmex.emulator.account import Account
from hookline_lmex.emulator.desk import Desk
from hookline_lmex.emulator.listening import Listeners
from hookline_lmex.emulator.market_state import MarketState, PublicTrade
from hookline_lmex.emulator.notices import position_notice
from hookline_lmex.emulator.pegging import follow_pegs
from hookline_lmex.emulator.records import ExchangeListener, PositionNotice, Truth
from hookline_lmex.emulator.terms import AccountSetup, ExchangeOptions, MarketSetup, Product
from hookline_lmex.emulator.wire_numbers import Ids

__all__ = ["Exchange"]

_SECOND = 10**9
TapeEvent = Quote | Trade | BookUpdate


class Exchange:
    """An exchange of some markets and accounts.

    Attributes:
        clock: The venue's time.
        time: Time of the event being handled; never ahead of the clock by more than an event.
        states: The public side of each market.
        accounts: By label.
        listeners: Who hears of what happens.

    Args:
        markets: What is traded.
        accounts: Who trades.
        clock: The venue's time.
        options: Choices where the venue's own are not known.

    Raises:
        ConfigError: if symbols, labels or keys repeat, or the markets of a product have several fees.
    """

    def __init__(
        self,
        markets: Sequence[MarketSetup],
        accounts: Sequence[AccountSetup],
        clock: Clock,
        options: ExchangeOptions | None = None,
    ) -> None:
        _check(markets, accounts)
        self.options = options or ExchangeOptions()
        self.clock = clock
        self.time = EventClock(clock.now)
        self.ids = Ids(self.options.seed)
        self.listeners = Listeners()
        self.states = {setup.symbol: MarketState(setup) for setup in markets}
        for state in self.states.values():
            state.skip_funding(clock.now)
            state.note_mark(clock.now)
        self.accounts = {
            one.label: Account(one, self.states, self.options, self.time, clock, self.ids, self.listeners)
            for one in accounts
        }
        self._by_key = {one.setup.key: one for one in self.accounts.values()}
        for desk in self._desks():
            for symbol, market in desk.markets.items():
                market.last, market.mark = self.states[symbol].last, self.states[symbol].mark

    # -- who is there ------------------------------------------------------------------------------------------------------

    def listen(self, listener: ExchangeListener) -> None:
        """Tell somebody of everything from now on."""
        self.listeners.add(listener)

    def account_of_key(self, key: str) -> Account | None:
        """Return who a key belongs to, None if nobody."""
        return self._by_key.get(key)

    def desk(self, account: str, product: Product) -> Desk:
        """Return the desk of an account at a product."""
        return self.accounts[account].desks[product]

    def state(self, symbol: str, product: Product) -> MarketState | None:
        """Return a listed market of a product, None if there is none of the name."""
        state = self.states.get(symbol)
        return state if state is not None and state.product is product and state.is_listed else None

    def truth(self, account: str) -> Truth:
        """Return what is so of an account."""
        return self.accounts[account].truth()

    def positions(self, account: str) -> list[PositionNotice]:
        """Return the open futures positions of an account."""
        desk = self.desk(account, Product.FUTURES)
        return [
            position_notice(desk, one, "LONG" if one.lots > 0 else "SHORT") for one in desk.each_position()
        ]

    def recent_trades(self, symbol: str, count: int) -> list[PublicTrade]:
        """Return the last public trades of a market, newest first."""
        trades = self.states[symbol].trades
        return list(reversed(trades))[:count]

    def set_listed(self, symbol: str, listed: bool) -> None:
        """List a market, or take it off: then its orders are canceled and new ones refused."""
        state = self.states[symbol]
        state.is_listed = listed
        if not listed:
            self.stamp(symbol)
            for account in self.accounts.values():
                account.cancel_symbol(state.product, symbol, "market delisted")

    def _desks(self) -> list[Desk]:
        return [desk for account in self.accounts.values() for desk in account.desks.values()]

    # -- time --------------------------------------------------------------------------------------------------------------

    def stamp(self, symbol: str) -> int:
        """Set the time of requests on a market, and return it: that of the clock; of the last bar where bars fill orders."""
        state = self.states[symbol]
        now = max(self.clock.now, state.handled)
        self.time.now = now if state.is_on_tape or not state.handled else state.handled
        return self.time.now

    def stamp_order(self, symbol: str) -> int:
        """Set the time of a new order on a market, and return it: late after a bar it is that of the clock."""
        state, time = self.states[symbol], self.stamp(symbol)
        late = self.clock.now - time
        if late > 0 and not state.is_on_tape and late > self.options.bar_grace_seconds * _SECOND:
            self.time.now = self.clock.now
        return self.time.now

    def pass_time(self) -> None:
        """Let happen what is due by now although no event has come."""
        self._pass(self.clock.now)

    def _pass(self, until: int) -> None:
        """Let dead man's switches and the lives of orders end up to a time."""
        for account in self.accounts.values():
            for product in account.due_switches(until):
                for symbol in account.desks[product].states:
                    self.stamp(symbol)
                    account.cancel_symbol(product, symbol, "cancel-all-after: not renewed in time")
        for desk in self._desks():
            while desk.broker.due <= until:
                self.time.now = due = desk.broker.due
                desk.broker.advance(due)

    def _advance(self, until: int, *, funding: int | None = None) -> None:
        """Let happen what is due up to a time; funding may be paid up to another."""
        self._pass(until)
        limit = until if funding is None else funding
        while True:
            state = min(self.states.values(), key=lambda one: one.funding_due)
            if state.funding_due > limit:
                return
            time, rate = state.pop_funding()
            self._note_marks(time)
            self.time.now = time
            self._pay(state.symbol, rate)

    def _pay(self, symbol: str, rate: float) -> None:
        product = self.states[symbol].product
        for account in self.accounts.values():
            account.desks[product].pay_funding(symbol, rate)

    def _note_marks(self, time: int) -> None:
        for state in self.states.values():
            if state.setup.marks is not None:
                state.note_mark(time)
                self._share(state)

    def _share(self, state: MarketState) -> None:
        """Let the markets of all accounts know the last price and the mark."""
        for account in self.accounts.values():
            market = account.desks[state.product].markets[state.symbol]
            market.last, market.mark, market.has_trades = state.last, state.mark, state.has_trades

    # -- events --------------------------------------------------------------------------------------------------------------

    def handle(self, events: Sequence[MarketEvent]) -> None:
        """Take in one event, or the bars that end together.

        Raises:
            ValueError: if several events are not bars of one end, or of an unknown symbol.
        """
        bars = [event for event in events if isinstance(event, Bar)]
        if len(bars) != len(events) or not bars:
            if len(events) != 1 or isinstance(events[0], Bar):
                raise ValueError(f"events together must be bars, were {len(events)} with {len(bars)} bars")
            self._handle_one(events[0])
        elif len({bar.end for bar in bars}) > 1:
            raise ValueError(f"bars together must end together, were {sorted({bar.end for bar in bars})}")
        else:
            self._handle_bars(bars)

    def _handle_bars(self, bars: Sequence[Bar]) -> None:
        end = bars[0].end
        self._advance(end - 1)
        self._note_marks(end)
        self.time.now = end
        for bar in bars:
            state = self.states[bar.symbol]
            if state.is_on_tape:
                state.candles.add(bar)
            else:
                self._show_bar(state, bar)
        matched = [bar for bar in bars if not self.states[bar.symbol].is_on_tape]
        for desk in self._desks():
            own = [bar for bar in matched if bar.symbol in desk.states]
            if own:
                desk.match(own)
        for bar in matched:
            follow_pegs(self, bar.symbol)
        # A bar that ends at a funding time was matched before it, as in a backtest.
        self._advance(end - 1, funding=end if matched else end - 1)

    def _show_bar(self, state: MarketState, bar: Bar) -> None:
        update, trade = state.note_bar(bar)
        self._share(state)
        number = self.ids.serial()
        state.trades.append(PublicTrade(trade, number))
        self.listeners.book(bar.symbol, update)
        self.listeners.trade(bar.symbol, trade, number)

    def _handle_one(self, event: TapeEvent | MarkPrice | FundingRate) -> None:
        self._advance(event.time - 1)
        self._note_marks(event.time)
        self.time.now = event.time
        state = self.states[event.symbol]
        if isinstance(event, MarkPrice):
            state.mark = event.price
            self._share(state)
        elif isinstance(event, FundingRate):
            state.funding_rate = event.rate
            state.told_rates.append((event.time, event.rate))
            self._pay(event.symbol, event.rate)
        elif isinstance(event, Trade):
            self._handle_trade(state, event)
        else:
            self._handle_book(state, event)

    def _handle_trade(self, state: MarketState, trade: Trade) -> None:
        number = self.ids.serial()
        for account in self.accounts.values():
            account.desks[state.product].broker.on_trade(trade)
        state.note_trade(trade)
        state.trades.append(PublicTrade(trade, number))
        self._share(state)
        self.listeners.trade(trade.symbol, trade, number)
        follow_pegs(self, trade.symbol)

    def _handle_book(self, state: MarketState, event: Quote | BookUpdate) -> None:
        for account in self.accounts.values():
            broker = account.desks[state.product].broker
            broker.on_quote(event) if isinstance(event, Quote) else broker.on_book(event)
        before = state.last
        state.note_book(event)
        if state.last != before and not math.isnan(state.last):
            self._share(state)
        if isinstance(event, Quote):
            self.listeners.quote(event.symbol, event)
        else:
            self.listeners.book(event.symbol, event)


def _check(markets: Sequence[MarketSetup], accounts: Sequence[AccountSetup]) -> None:
    """Refuse what contradicts itself.

    Raises:
        ConfigError: naming what repeats or differs.
    """
    if not markets:
        raise ConfigError("emulator: needs at least one market, was given none")
    for what, names in (
        ("symbols", [one.symbol for one in markets]),
        ("labels of accounts", [one.label for one in accounts]),
    ):
        if len(set(names)) != len(names):
            raise ConfigError(f"emulator: {what} must differ, were {names}")
    if len({one.key for one in accounts}) != len(accounts):
        raise ConfigError("emulator: keys of accounts must differ, two are the same")
    for product in Product:
        fees = {(one.maker_fee_bps, one.taker_fee_bps) for one in markets if one.product is product}
        if len(fees) > 1:
            raise ConfigError(
                f"emulator: markets of {product} must have the same fees, had {sorted(fees)} in bps"
            )
