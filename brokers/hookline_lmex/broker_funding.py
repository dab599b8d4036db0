"""Funding that the venue has paid, found in the history of the wallets.

Rules of this file:

- A payment is booked once: by time, symbol and amount. It is booked without its rate where the market is gone by then.
- A record names its market in its wallet or its description, or it does not. Then the session's only perpetual gets it; of several,
  the one whose position and rate explain the amount. A payment that nothing explains is told and booked nowhere.
- Each isolated position has a wallet of its own, which is read for good once it was seen: the position that was paid for may be
  closed by then.
- Funding is paid at known times: the history is read a little after each, and now and then.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hookline.model import Instrument, InstrumentKind, Ledger
from hookline_lmex.broker_news import FundingNews
from hookline_lmex.errors import LmexLimited, LmexRefused, LmexUnauthorized

if TYPE_CHECKING:
    from hookline_lmex.client import LmexClient
    from hookline_lmex.results_account import PositionState, WalletRecord

__all__ = ["FundingWatch"]

_MS = 1_000_000
_HOUR_MS = 3_600_000
_SECOND = 1_000_000_000
_DELAYS = (2, 10, 30)
_KEPT = 500
_CROSS, _ISOLATED = "CROSS@", "ISOLATED"
# How far an amount may be off what position, mark and rate explain, to be taken for it.
_TOLERANCE = 0.25
_logger = logging.getLogger("hookline.lmex")


class FundingWatch:
    """Finds payments of funding.

    Args:
        instruments: Of the session.
        ledgers: By strategy; never changed here.
        now: Returns the venue's time, nanoseconds UTC.
        put: Takes payments.
        warn: Takes what cannot be explained.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
        now: Callable[[], int],
        put: Callable[[FundingNews], None],
        warn: Callable[[str], None],
    ) -> None:
        self._instruments = {
            one.symbol: one for one in instruments.values() if one.kind is not InstrumentKind.SPOT
        }
        self._ledgers = ledgers
        self._now = now
        self._put = put
        self._warn = warn
        self._seen: set[str] = set()
        self._next: dict[str, tuple[int, int]] = {}
        self._wallets: dict[str, None] = {_CROSS: None}
        self.booked: OrderedDict[str, int] = OrderedDict()
        """Keys of payments that were reported, with their times."""
        self.since = 0
        """From when on payments are of this session, nanoseconds UTC."""

    def schedule(self, symbol: str, next_funding: int, interval_minutes: int) -> None:
        """Learn when a market pays; unknown times are looked for now and then only."""
        if next_funding and interval_minutes:
            self._next[symbol] = (next_funding, interval_minutes * 60 * _SECOND)

    def note_wallet(self, wallet: str) -> None:
        """Learn the wallet of a position; one that is empty or not of its own is no news."""
        if wallet.startswith(_ISOLATED):
            self._wallets[wallet] = None

    def seconds_to_wait(self, longest: float, speed: float) -> float:
        """Return the seconds, of ours, until the history should be read again."""
        now, best = self._now(), longest
        for time, interval in self._next.values():
            last = time + (now - time) // interval * interval
            due = (base + delay * _SECOND for base in (last, last + interval) for delay in _DELAYS)
            best = min(best, *((at - now) / _SECOND / speed for at in due if at > now))
        return max(0.05, best)

    async def read(self, client: LmexClient) -> None:
        """Read the history and report the payments that are new.

        Raises:
            VenueError: if the venue does not answer.
        """
        if not self._instruments:
            return
        positions = await client.futures.positions()
        for one in positions:
            self.note_wallet(one.wallet)
        latest = max(self.booked.values(), default=self.since)
        start = max(self.since, latest - _HOUR_MS * _MS) // _MS
        for wallet in list(self._wallets):
            for record in await client.futures.wallet_history(wallet, start_ms=start):
                if record.is_funding and record.time >= self.since:
                    await self._take(client, record, positions)

    async def _take(
        self, client: LmexClient, record: WalletRecord, positions: Sequence[PositionState]
    ) -> None:
        symbol = self._named(record)
        if symbol and self._is_known(_key(record, symbol)):
            return
        rates = await self._rates(client, record.time, [symbol] if symbol else self._instruments)
        symbol = symbol or self._explained(record, rates, positions)
        key = _key(record, symbol)
        # Looked at once all is known that has to be asked for: what fails until here is tried again with the next reading.
        if self._is_known(key):
            return
        self._seen.add(key)
        if not symbol:
            self._warn(f"funding of {record.amount} {record.currency} belongs to no position of this session")
            return
        self._put(FundingNews(symbol, record.time, rates.get(symbol, 0.0), float(record.amount), key))

    def _is_known(self, key: str) -> bool:
        return key in self.booked or key in self._seen

    def _named(self, record: WalletRecord) -> str:
        """Return the symbol that a record names, or the only one that there is."""
        text = f"{record.wallet} {record.description} {record.record_id}"
        named = [symbol for symbol in sorted(self._instruments, key=len, reverse=True) if symbol in text]
        if named:
            return named[0]
        return next(iter(self._instruments)) if len(self._instruments) == 1 else ""

    async def _rates(self, client: LmexClient, time: int, symbols: Iterable[str]) -> dict[str, float]:
        """Return the rates that were settled closest to a time, at most half an hour away; none of markets that are gone."""
        found = {}
        for symbol in symbols:
            around = {"start_ms": time // _MS - _HOUR_MS, "end_ms": time // _MS + _HOUR_MS}
            try:
                points = await client.futures.funding_history(symbol, **around)
            except (LmexLimited, LmexUnauthorized):
                raise
            except LmexRefused as error:
                _logger.warning("the rate of a funding payment is not known: %s", error)
                continue
            near = [one for one in points if abs(one.time - time) <= _HOUR_MS * _MS // 2]
            if near:
                found[symbol] = float(min(near, key=lambda one: abs(one.time - time)).rate)
        return found

    def _explained(
        self, record: WalletRecord, rates: Mapping[str, float], positions: Sequence[PositionState]
    ) -> str:
        """Return the symbol whose positions and rate explain an amount best, empty if none does."""
        marks = {one.symbol: one.mark_price for one in positions}
        best, amount = ("", _TOLERANCE), float(record.amount)
        for symbol, rate in rates.items():
            held = [one for ledger in self._ledgers.values() for one in ledger.held(symbol)]
            mark = float(marks.get(symbol, Decimal(0))) or (held[0].market.last if held else 0.0)
            expected = -sum(one.quantity for one in held) * mark * rate
            if expected and amount:
                off = abs(amount - expected) / abs(amount)
                if off < best[1]:
                    best = (symbol, off)
        return best[0]

    def reported(self, news: FundingNews) -> None:
        """Note that a payment was reported."""
        self.booked[news.key] = news.time
        self._seen.discard(news.key)
        while len(self.booked) > _KEPT:
            self.booked.popitem(last=False)

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart, as values that JSON can hold."""
        recent = sorted(self.booked.items(), key=lambda item: item[1])[-50:]
        return {"since": self.since, "booked": dict(recent), "wallets": list(self._wallets)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``save`` returned."""
        self.since = state.get("since", 0)
        self.booked.update(state.get("booked", {}))
        self._wallets |= dict.fromkeys(state.get("wallets", ()))


def _key(record: WalletRecord, symbol: str) -> str:
    return f"{record.time}|{symbol}|{record.amount.normalize()}"
