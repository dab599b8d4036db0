"""What a wallet can afford.

A wallet backs positions in two ways. *Cross* positions share what it holds. An *isolated* position has margin of its own,
set aside when it opens: its entry notional by its leverage, more or less what funding has paid into it. Cash in a ledger is
the sum of all cash flows, so that margin set aside is bookkeeping here and no movement of cash there.
"""

from __future__ import annotations

from collections.abc import Mapping

from hookline.model import Instrument, Ledger, Market, Position, Wallet
from hookline.simulation.margin import MarginTerms, margin_terms, tier_of

__all__ = ["Funds", "affordable_lots", "mark_price"]


def mark_price(market: Market) -> float:
    """Return the price that positions are valued at for margin: the mark price where there is one, else the last."""
    mark = market.mark
    return mark if mark == mark else market.last  # noqa: PLR0124


def affordable_lots(
    ledger: Ledger, position: Position, side: int, price: float, fee_rate: float, leverage: float
) -> int:
    """Return the most lots that may be filled at a price on that side, fee included; 0 or less for none.

    After the fill, the value of all positions must not exceed ``leverage`` times the equity left after the fee. With
    leverage 1 that is: spot is bought from cash. What closes the position needs no funds and may always be filled.
    """
    closing = max(0, -side * position.lots)
    own = position.quantity * price
    equity, others = position.wallet.cash + own, 0.0
    if len(ledger.positions) > 1:
        for other in ledger.positions.values():
            if other is not position and other.wallet is position.wallet:
                equity += other.notional
                others += abs(other.notional)
    # leverage * (equity - fee) >= others + |own + side * x * price|, with fee = x * price * rate
    room = leverage * equity - others - side * own
    if price <= 0.0 or room <= 0.0:
        return closing
    return max(closing, position.market.instrument.lots(room / (price * (1.0 + leverage * fee_rate))))


class Funds:
    """What the wallets of ledgers can afford, by leverage, tiers and margin mode of what they hold.

    Args:
        instruments: All that may be held.
        leverage: Of instruments that have chosen none.
    """

    def __init__(self, instruments: Mapping[str, Instrument], leverage: float) -> None:
        self._leverage = leverage
        self.terms = {symbol: margin_terms(one, leverage) for symbol, one in instruments.items()}
        # Where one leverage rules everything, a shorter sum has the same result.
        self._is_plain = all(
            one.leverage == leverage <= one.tiers.leverage[-1]
            and one.tiers.up_to[-1] == float("inf")
            and not one.is_isolated
            for one in self.terms.values()
        )
        # Whether the price in full is margin enough: not where a leverage below one demands more.
        self.is_full_enough = all(one.leverage >= 1.0 for one in self.terms.values())
        self.added: dict[Position, float] = {}

    def affordable(self, ledger: Ledger, position: Position, side: int, price: float, fee_rate: float) -> int:
        """Return the most lots that may be filled at a price on that side, fee included; 0 or less for none.

        What closes the position needs no funds and may always be filled. In hedge mode both sides need margin.
        """
        if self._is_plain:
            return affordable_lots(ledger, position, side, price, fee_rate, self._leverage)
        closing = max(0, -side * position.lots)
        if price <= 0.0:
            return closing
        terms = self.terms[position.symbol]
        if terms.is_isolated:
            own, room = self._isolated_room(ledger, position, side, price, fee_rate)
        else:
            own = side * position.quantity * price
            room = self.free(ledger, position, price) + fee_rate * own
        most = _largest(room, fee_rate, terms) - own
        return max(closing, position.market.instrument.lots(most / price)) if most > 0.0 else closing

    def _isolated_room(
        self, ledger: Ledger, position: Position, side: int, price: float, fee_rate: float
    ) -> tuple[float, float]:
        """Return what is held along the side, valued as its margin is, and what may back that and the order."""
        free = self.free(ledger, position, price)
        if side * position.lots >= 0:
            own = abs(position.quantity) * position.entry_price
            return own, free + self.base_margin(position) + fee_rate * own
        # The order closes first, which frees the margin and realizes the profit; the rest opens anew.
        own = -abs(position.quantity) * price
        return own, free + self.isolated_equity(position, price) + fee_rate * own

    def free(self, ledger: Ledger, position: Position, price: float) -> float:
        """Return what the wallet of a position has to spare for it: its own margin counts as free if it is cross.

        The position is valued at ``price``, the others at their marks.
        """
        wallet = position.wallet
        total = self.cross_equity(ledger, wallet, position.symbol, price)
        for other in ledger.positions.values():
            if other is not position and other.lots and other.wallet is wallet:
                terms = self.terms[other.symbol]
                if not terms.is_isolated:
                    at = price if other.market is position.market else mark_price(other.market)
                    total -= _required(abs(other.quantity * at), terms)
        return total

    def used(self, ledger: Ledger, wallet: Wallet) -> float:
        """Return the margin that the positions of a wallet take: initial margin of cross ones, what isolated ones posted."""
        total = 0.0
        for position in ledger.positions.values():
            if position.lots and position.wallet is wallet:
                terms = self.terms[position.symbol]
                notional = abs(position.quantity * mark_price(position.market))
                total += self.posted(position) if terms.is_isolated else _required(notional, terms)
        return total

    def spare(self, ledger: Ledger, wallet: Wallet) -> float:
        """Return what a wallet could back new positions with: its equity less the initial margin of its cross positions."""
        total = self.cross_equity(ledger, wallet)
        for position in ledger.positions.values():
            if position.lots and position.wallet is wallet:
                terms = self.terms[position.symbol]
                if not terms.is_isolated:
                    total -= _required(abs(position.quantity * mark_price(position.market)), terms)
        return total

    def initial(self, position: Position, notional: float) -> float:
        """Return the initial margin of a notional in the instrument of a position."""
        return _required(notional, self.terms[position.symbol])

    def cross_equity(
        self, ledger: Ledger, wallet: Wallet, symbol: str = "", price: float = float("nan")
    ) -> float:
        """Return what backs the cross positions of a wallet; one symbol may be valued at another price than its mark."""
        total = wallet.cash
        for position in ledger.positions.values():
            if position.lots and position.wallet is wallet:
                if self.terms[position.symbol].is_isolated:
                    # Its cash flow was -quantity * entry; what remains set aside is its margin.
                    total += position.quantity * position.entry_price - self.posted(position)
                else:
                    at = price if position.symbol == symbol else mark_price(position.market)
                    total += position.quantity * at
        return total

    # -- isolated positions ----------------------------------------------------------------------------------------------

    def base_margin(self, position: Position) -> float:
        """Return what an isolated position posted as it opened, before funding."""
        return _required(abs(position.quantity) * position.entry_price, self.terms[position.symbol])

    def posted(self, position: Position) -> float:
        """Return the margin of an isolated position: what it posted, with the funding it has received or paid since."""
        return self.base_margin(position) + self.added.get(position, 0.0)

    def isolated_equity(self, position: Position, price: float) -> float:
        """Return what an isolated position is worth at a price: its margin and its profit."""
        return self.posted(position) + position.quantity * (price - position.entry_price)

    def add(self, position: Position, amount: float) -> None:
        """Add an amount, such as a funding payment, to the margin of an isolated position."""
        self.added[position] = self.added.get(position, 0.0) + amount

    def resized(self, position: Position, before: int) -> None:
        """Release from an isolated position what a fill has closed of it; ``before`` are its lots before the fill."""
        added = self.added.pop(position, 0.0)
        if added and position.lots * before > 0:
            self.added[position] = added * min(1.0, position.lots / before)


def _required(notional: float, terms: MarginTerms) -> float:
    """Return the initial margin of a position that is there: beyond the last tier its leverage goes on."""
    return notional / min(terms.leverage, terms.tiers.leverage[tier_of(notional, terms.tiers)])


def _largest(room: float, fee_rate: float, terms: MarginTerms) -> float:
    """Return the largest notional N with N / leverage + fee_rate * N <= room, leverage by the tier of N; 0 if there is none."""
    tiers = terms.tiers
    for number in reversed(range(len(tiers.up_to))):
        leverage = min(terms.leverage, tiers.leverage[number])
        most = min(room / (1.0 / leverage + fee_rate), tiers.up_to[number])
        if most > (tiers.up_to[number - 1] if number else 0.0):
            return most
    return 0.0
