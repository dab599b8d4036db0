"""When positions are liquidated, and what becomes of them.

Rules of this file:

- Each isolated position, and all cross positions of a wallet together, are a *group*. A group is liquidated where its equity
  no longer exceeds its maintenance margin and the taker fees of closing it (``margin.py``).
- The price that counts is the mark price where the instrument has one, else the traded price.
- The open orders of a liquidated position are canceled, and an order of the venue (market, reduce-only, tag
  ``liquidation``) closes it at the worse of the level and the price at which the market was found, with slippage. It pays
  the taker fee and the liquidation fee.
- Nobody loses more than what backs the group: the price is no worse than the bankruptcy price and the fee no more than what
  is left. The insurance fund of the venue takes the rest, and a warning says so. Of several positions the last one is
  closed like that: spot first, then by size; what a price above zero cannot make up for is credited as a negative fee.
- Spot that is borrowed or bought on leverage is liquidated like a cross position, with the tiers of a perpetual that
  names none.

For every symbol there is a live band ``[floor, ceiling]``: no group can be liquidated while the price stays inside it, so
that a bar costs two comparisons. With one symbol in a group its ends are the liquidation prices. With several, each may use
up an equal part of what is left above maintenance; when one leaves its band, the sum is done and the bands are drawn anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from hookline.broker import BrokerListener
from hookline.model import Instrument, InstrumentKind, Ledger, Order, OrderType, Position, Side
from hookline.simulation.funds import Funds, mark_price
from hookline.simulation.margin import SPOT_TIERS, Tiers, liquidation_price, maintenance_margin

__all__ = ["Call", "Closing", "MarginAccount"]

_NEVER = (float("-inf"), float("inf"))
_ALWAYS = (float("inf"), float("-inf"))


class _Group:
    """Positions of one ledger that are liquidated together."""

    __slots__ = ("bands", "is_isolated", "ledger", "positions")

    def __init__(self, ledger: Ledger, positions: list[Position], is_isolated: bool) -> None:
        self.ledger = ledger
        self.positions = positions
        self.is_isolated = is_isolated
        self.bands = dict.fromkeys((position.symbol for position in positions), _NEVER)


class Call(NamedTuple):
    """A group to be liquidated: whose, what is held, and the price of a symbol at which it is due."""

    ledger: Ledger
    positions: list[Position]
    symbol: str
    level: float
    is_isolated: bool

    def level_of(self, position: Position) -> float:
        """Return the level of one of the positions: its mark for other symbols."""
        return self.level if position.symbol == self.symbol else mark_price(position.market)


class Closing(NamedTuple):
    """How a liquidated position is closed: at which price and when."""

    price: float
    time: int


class MarginAccount:
    """Knows what ledgers have pledged and where they are liquidated.

    ``guarded`` says of which symbols a position could ever be liquidated: not of spot that is bought from cash.

    Args:
        instruments: All that may be held.
        ledgers: Of all strategies.
        leverage: Of instruments that have chosen none.
        close_fee: Taker fee as a fraction, kept for closing.
        liquidation_fee: Further fee of a liquidation as a fraction.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
        leverage: float,
        close_fee: float,
        liquidation_fee: float = 0.0,
    ) -> None:
        self.funds = Funds(instruments, leverage)
        self._close_fee = close_fee
        self._liquidation_fee = liquidation_fee
        self._tiers = {
            symbol: SPOT_TIERS if one.kind is InstrumentKind.SPOT else self.funds.terms[symbol].tiers
            for symbol, one in instruments.items()
        }
        groups = [group for ledger in ledgers.values() for group in self._groups_of(ledger)]
        self._group_of = {position: group for group in groups for position in group.positions}
        self._cross_of = {group.positions[0].wallet: group for group in groups if not group.is_isolated}
        self._groups = {symbol: [one for one in groups if symbol in one.bands] for symbol in instruments}
        self.guarded = {symbol: bool(found) for symbol, found in self._groups.items()}
        # Groups of a single position that shares its wallet with none and has one tier: their band is one division.
        self._alone = {
            symbol: [one for one in of_it if self._is_alone(one, symbol)]
            for symbol, of_it in self._groups.items()
        }
        self._limits = {symbol: list(_NEVER) for symbol in instruments}
        self._marked: frozenset[str] = frozenset()

    def _groups_of(self, ledger: Ledger) -> Iterable[_Group]:
        for wallet in ledger.wallets:
            cross = []
            for position in ledger.positions.values():
                if position.wallet is wallet:
                    if self.funds.terms[position.symbol].is_isolated:
                        yield _Group(ledger, [position], is_isolated=True)
                    else:
                        cross.append(position)
            if any(self._can_owe(position.market.instrument) for position in cross):
                yield _Group(ledger, cross, is_isolated=False)

    def _is_alone(self, group: _Group, symbol: str) -> bool:
        wallet = group.positions[0].wallet
        sharing = [position for position in group.ledger.positions.values() if position.wallet is wallet]
        return not group.is_isolated and len(sharing) == 1 and len(self._tiers[symbol].up_to) == 1

    def _can_owe(self, instrument: Instrument) -> bool:
        """Return whether more can be lost than was paid: not of spot that is bought from cash."""
        return instrument.can_short or self.funds.terms[instrument.symbol].leverage > 1.0

    def limits(self, symbol: str) -> list[float]:
        """Return the live ``[floor, ceiling]`` of a symbol: inside of it no position can be liquidated.

        Where a mark price decides and not the traded one, nothing lies inside while anything is held.
        """
        return self._limits[symbol]

    def band(self, symbol: str) -> tuple[float, float]:
        """Return the band of a symbol in the price that decides, the mark price where there is one."""
        bands = [group.bands[symbol] for group in self._groups[symbol]]
        return max((floor for floor, _ in bands), default=_NEVER[0]), min(
            (ceiling for _, ceiling in bands), default=_NEVER[1]
        )

    def price_of(self, position: Position) -> float:
        """Return where a position is liquidated while all other prices stay, NaN for nowhere; its mark if it is due."""
        group = self._group_of.get(position)
        if group is None or not position.lots:
            return math.nan
        symbol = position.symbol
        long, short, price = _sides(group, symbol)
        step = -1 if position.lots > 0 else 1
        return liquidation_price(
            step,
            long,
            short,
            price,
            self._backing(group, symbol, price),
            self._tiers[symbol],
            self._close_fee,
        )

    def follow_marks(self, symbols: Iterable[str]) -> None:
        """Learn for which symbols a mark price decides."""
        self._marked = frozenset(symbols)

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart beside the ledgers: margin that was added to isolated positions."""
        added = [
            [group.ledger.strategy, position.id, self.funds.added[position]]
            for position, group in self._group_of.items()
            if self.funds.added.get(position)
        ]
        return {"added": added}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``save`` returned before a restart, once the ledgers are as they were."""
        added = {(strategy, id_): amount for strategy, id_, amount in state.get("added", [])}
        for position, group in self._group_of.items():
            amount = added.get((group.ledger.strategy, position.id))
            if amount:
                self.funds.added[position] = amount
        for group in dict.fromkeys(self._group_of.values()):
            self._redraw(group)

    # -- what changes a group --------------------------------------------------------------------------------------------

    def filled(self, position: Position, before: int) -> None:
        """Note that a fill changed a position, which held ``before`` lots until then."""
        group = self._group_of.get(position)
        if group is not None:
            if group.is_isolated:
                self.funds.resized(position, before)
                beside = self._cross_of.get(position.wallet)
                if beside is not None:
                    # What is pledged, lost and paid in fees here no longer backs the cross positions of the wallet.
                    self._redraw(beside)
            symbol = position.symbol
            if group in self._alone[symbol]:
                group.bands[symbol] = self._band_alone(position)
                self._publish(symbol)
            else:
                self._redraw(group)

    def _band_alone(self, position: Position) -> tuple[float, float]:
        """Return the band of the only position of a wallet that one tier rules: of all fills, most are of such.

        Cash is the sum of cash flows, so that equity is cash + quantity * price.
        """
        quantity = position.quantity
        if quantity == 0.0:
            return _NEVER
        share = self._tiers[position.symbol].maintenance[0] + self._close_fee
        if quantity > 0.0:
            floor = -position.wallet.cash / (quantity * (1.0 - share))
            return (floor if floor > 0.0 else _NEVER[0]), _NEVER[1]
        return _NEVER[0], position.wallet.cash / (-quantity * (1.0 + share))

    def paid(self, symbol: str, payments: Callable[[Position], float]) -> None:
        """Note that funding or interest was paid; isolated positions pay it from their margin.

        Args:
            symbol: Of what it was paid.
            payments: Returns what a position has received, negative for what it has paid.
        """
        for group in self._groups[symbol]:
            for position in group.positions:
                if group.is_isolated and position.lots:
                    self.funds.add(position, payments(position))
            self._redraw(group)

    def _redraw(self, group: _Group) -> None:
        """Draw the bands of a group anew, at the marks."""
        symbols = {position.symbol for position in group.positions if position.lots}
        part = 1.0
        if len(symbols) > 1:
            part = 1.0 / len(symbols)
        for symbol in group.bands:
            group.bands[symbol] = self._band(group, symbol, part) if symbol in symbols else _NEVER
            self._publish(symbol)

    def _publish(self, symbol: str) -> None:
        """Bring the live limits of a symbol up to date."""
        groups = self._groups[symbol]
        band = groups[0].bands[symbol] if len(groups) == 1 else self.band(symbol)
        if symbol in self._marked and band != _NEVER:
            band = _ALWAYS
        self._limits[symbol][:] = band

    def _band(self, group: _Group, symbol: str, part: float) -> tuple[float, float]:
        """Return where the symbol uses up its part of what the group has left above maintenance."""
        long, short, price = _sides(group, symbol)
        tiers, fee = self._tiers[symbol], self._close_fee
        backing = self._backing(group, symbol, price)
        if part < 1.0:
            needed = _needed(long * price, tiers, fee) + _needed(short * price, tiers, fee)
            if backing <= needed:
                return _ALWAYS
            backing = needed + part * (backing - needed)
        floor, ceiling = _NEVER
        if long:
            floor = liquidation_price(-1, long, short, price, backing, tiers, fee)
        if short:
            ceiling = liquidation_price(1, long, short, price, backing, tiers, fee)
        # Due already: the level itself lies behind the price.
        if floor >= price or ceiling <= price:
            return _ALWAYS
        return (
            floor if floor == floor else _NEVER[0],  # noqa: PLR0124
            ceiling if ceiling == ceiling else _NEVER[1],  # noqa: PLR0124
        )

    def _backing(self, group: _Group, symbol: str, price: float) -> float:
        """Return what backs a symbol's positions at a price: the group's equity less what its other symbols need."""
        if group.is_isolated:
            return self.funds.isolated_equity(group.positions[0], price)
        total = self.funds.cross_equity(group.ledger, group.positions[0].wallet, symbol, price)
        for position in group.positions:
            if position.lots and position.symbol != symbol:
                notional = abs(position.quantity * mark_price(position.market))
                total -= _needed(notional, self._tiers[position.symbol], self._close_fee)
        return total

    # -- liquidation -------------------------------------------------------------------------------------------------------

    def calls(self, symbol: str, low: float, high: float) -> list[Call]:
        """Return the groups that are due when a symbol's price has moved between two prices; the rest get new bands."""
        found = []
        for group in self._groups[symbol]:
            floor, ceiling = group.bands[symbol]
            if low <= floor or high >= ceiling:
                level = self._level(group, symbol, low, high)
                if level == level:  # noqa: PLR0124
                    held = [position for position in group.positions if position.lots]
                    found.append(Call(group.ledger, held, symbol, level, group.is_isolated))
                else:
                    self._redraw(group)
        return found

    def _level(self, group: _Group, symbol: str, low: float, high: float) -> float:
        """Return the price between low and high at which a group is due, the one against its net side first; NaN for none."""
        long, short, _ = _sides(group, symbol)
        tiers, fee = self._tiers[symbol], self._close_fee
        ways = ((-1, high, low, long), (1, low, high, short))
        for step, begin, end, held in ways if long >= short else reversed(ways):
            if held:
                backing = self._backing(group, symbol, begin)
                level = liquidation_price(step, long, short, begin, backing, tiers, fee)
                if (end - level) * step >= 0.0:
                    return level
        return float("nan")

    def close(self, call: Call, closings: Mapping[Position, Closing], listener: BrokerListener) -> None:
        """Close the positions of a group that is due.

        Args:
            call: The group.
            closings: Price and time for each of its positions.
            listener: Records the orders and books their fills.
        """
        held = sorted(call.positions, key=_spot_first)
        for number, position in enumerate(held, 1):
            is_last = number == len(held)
            self._close_position(call, position, closings[position], listener, is_last=is_last)

    def _close_position(
        self, call: Call, position: Position, closing: Closing, listener: BrokerListener, *, is_last: bool
    ) -> None:
        instrument, held = position.market.instrument, position.lots
        side = Side.SELL if held > 0 else Side.BUY
        position_id = position.id if position.id != position.symbol else ""
        order = Order(
            0,
            call.ledger.strategy,
            instrument,
            side,
            OrderType.MARKET,
            abs(held),
            closing.time,
            reduce_only=True,
            tag="liquidation",
            position_id=position_id,
        )
        price, fee = closing.price, self._fee(position, closing.price)
        is_capped = is_last and self._worth(call, position, price) < fee
        if is_capped:
            price, fee = self._capped(call, position, price)
        listener.order_adopted(order)
        listener.order_filled(order, abs(held), price, fee, False, closing.time)
        self.filled(position, held)
        who = f"{call.ledger.strategy}: {position.symbol}"
        listener.warn(f"{who} liquidated")
        if is_capped:
            listener.warn(
                f"{who} liquidated beyond its margin: the insurance fund of the venue took the rest"
            )

    def _fee(self, position: Position, price: float) -> float:
        return abs(position.quantity * price) * (self._close_fee + self._liquidation_fee)

    def _capped(self, call: Call, position: Position, price: float) -> tuple[float, float]:
        """Return price and fee at which the last position of a group is closed so that nothing is missing."""
        quantity, instrument = position.quantity, position.market.instrument
        backing = self._worth(call, position, price)
        if backing < 0.0:
            # The nearest tick at which nothing is missing.
            bankrupt = instrument.on_grid(price - backing / quantity, 1 if quantity > 0.0 else -1)
            price = max(bankrupt, float(instrument.tick_size))
            backing = self._worth(call, position, price)
        return price, min(self._fee(position, price), backing)

    def _worth(self, call: Call, position: Position, price: float) -> float:
        """Return what backs a position that is closed at a price, before the fee."""
        if call.is_isolated:
            return self.funds.isolated_equity(position, price)
        at_mark = self.funds.cross_equity(call.ledger, position.wallet)
        return at_mark + position.quantity * (price - mark_price(position.market))


def _spot_first(position: Position) -> tuple[bool, float]:
    is_spot = position.market.instrument.kind is InstrumentKind.SPOT and position.lots > 0
    return not is_spot, abs(position.notional)


def _sides(group: _Group, symbol: str) -> tuple[float, float, float]:
    """Return the long and the short quantity that a group holds of a symbol, and its mark price."""
    long = short = 0.0
    price = float("nan")
    for position in group.positions:
        if position.symbol == symbol:
            price = mark_price(position.market)
            if position.lots > 0:
                long += position.quantity
            elif position.lots < 0:
                short -= position.quantity
    return long, short, price


def _needed(notional: float, tiers: Tiers, fee: float) -> float:
    return maintenance_margin(notional, tiers) + fee * notional
