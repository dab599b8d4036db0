"""The emulated venue of the campaign: it counts what reaches it, before any of its own faults."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from aiohttp import web
from chaos_spec import PERPS, SPOT, Spec

from hookline.clock import isoformat, to_ns
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import BarSeries, Instrument, MarketData, TapeSeries
from hookline.params import PluginUse
from hookline.session.schema import InstrumentEntry
from hookline_feeds.synthetic import Book, SyntheticFeed
from hookline_lmex.emulator import AccountConfig, Emulator, EmulatorConfig, MarketConfig
from hookline_lmex.emulator.records import FillNotice, OrderNotice, Truth
from hookline_lmex.emulator.rest_limits import RateRules

__all__ = ["CASH", "LABEL", "ChaosVenue"]

LABEL, CASH = "campaign", 1_000_000
# The venue has certainly done nothing then, and a request may be made again.
_REFUSED = (401, 429)
_HOUR = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
_BEFORE, _MINUTES = 180 * 10**9, 45.0
_SPOT_OF = {"BTC-PERP": "BTC", "ETH-PERP": "ETH", "BTC-USDT": "BTC"}
_PRICES = {"BTC": 60_000.0, "ETH": 3_000.0}
_TICKS = {"BTC-PERP": "0.5", "ETH-PERP": "0.05", "BTC-USDT": "0.1"}
_LOTS = {"BTC-PERP": "0.001", "ETH-PERP": "0.01", "BTC-USDT": "0.00001"}


class _Kept(Feed):
    """Made-up prices from a few minutes before a time on, made once in a process."""

    name = "kept"

    def __init__(self, symbol: str, start: int) -> None:
        spot = _SPOT_OF[symbol]
        book = Book(
            level_quantity=0.05 if spot == "BTC" else 1.0, levels=12, events_per_second=3.0, minutes=_MINUTES
        )
        self._made = SyntheticFeed(
            seed=11, start=isoformat(start - _BEFORE), start_price=_PRICES[spot], tick_size=Decimal(_TICKS[symbol]),
            annual_volatility=2.0, book=book,
        )  # fmt: skip
        self._bars: dict[BarRequest, BarSeries] = {}
        self._tapes: dict[TapeRequest, TapeSeries] = {}

    def load(self, request: BarRequest) -> BarSeries:
        if request not in self._bars:
            self._bars[request] = self._made.load(request)
        return self._bars[request]

    def tape(self, request: TapeRequest) -> TapeSeries:
        if request not in self._tapes:
            self._tapes[request] = self._made.tape(request)
        return self._tapes[request]

    def instrument(self, symbol: str) -> Instrument:
        return self._made.instrument(symbol)


@cache
def _feed(symbol: str, start: int) -> Feed:
    return _Kept(symbol, start)


def _market(symbol: str, funding: Decimal) -> MarketConfig:
    lot = Decimal(_LOTS[symbol])
    entry = InstrumentEntry(
        tick_size=Decimal(_TICKS[symbol]), lot_size=lot, min_quantity=lot, min_notional=Decimal(5),
        contract_size=None if symbol == SPOT else lot, base=symbol.partition("-")[0], quote="USDT",
    )  # fmt: skip
    return MarketConfig(
        symbol, feed=PluginUse(symbol), tape=[MarketData.BOOK, MarketData.TRADES], instrument=entry,
        funding_hours=1, funding_rate=None if symbol == SPOT else funding,
    )  # fmt: skip


class _Scribe:
    """Notes what the exchange tells of the account."""

    def __init__(self, venue: ChaosVenue) -> None:
        self._venue = venue

    def order(self, account: str, notice: OrderNotice) -> None:
        self._venue.note(f"    told {notice}")

    def fill(self, account: str, notice: FillNotice) -> None:
        self._venue.note(f"    told {notice}")

    def __getattr__(self, name: str) -> Any:
        return _nothing


def _nothing(*_: object) -> None:
    return None


class ChaosVenue(Emulator):
    """An emulator that counts the orders sent to it by their client order ids, whether it takes them or not.

    Attributes:
        received: How often each client order id came in a request to create an order.
        connections: How often a private or public socket was opened.
        requests: By method and path.
        transcript: What was asked and answered, and told on sockets, with the venue's seconds in the hour.
    """

    def __init__(self, spec: Spec, key: str, secret: str) -> None:
        symbols = [*PERPS, SPOT]
        self.received: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.connections = 0
        self.transcript: list[str] = []
        # Where the tape begins decides when the full hour comes, at which funding is paid.
        start = to_ns(_HOUR) + round(spec.minute * 60e9)
        super().__init__(
            EmulatorConfig(
                markets=[_market(symbol, Decimal("0.0001")) for symbol in symbols],
                accounts=[
                    AccountConfig(
                        LABEL, key, secret, cash={"USDT": Decimal(CASH)}, spot_cash={"USDT": Decimal(CASH)}
                    )
                ],
                start=isoformat(start),
                history_bars=2,
                at_end="loop",
                speed=None,
                seed=spec.seed,
                order_latency_ms=spec.latency_ms,
                nonce_window_seconds=600.0,
                nonce_must_rise=False,
                limits=RateRules(is_enforced=False),
            ),
            {symbol: _feed(symbol, start) for symbol in symbols},
        )
        self.exchange.listen(_Scribe(self))

    def _application(self) -> web.Application:
        application = super()._application()

        @web.middleware
        async def counted(request: web.Request, handler: Any) -> web.StreamResponse:
            return await self._handle(request, handler)

        application.middlewares.insert(0, counted)
        return application

    async def _handle(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Handle a request, count it and note it."""
        if request.path.startswith("/ws/"):
            self.connections += 1
            return await handler(request)
        self.requests[f"{request.method} {request.path}"] += 1
        is_order = request.method != "GET"
        body = (await request.read()).decode() if is_order else ""
        self.note(f"{request.method} {request.path_qs} {body}")
        answer = await handler(request)
        text = answer.text if isinstance(answer, web.Response) else ""
        self.note(f"  {request.method} {request.path_qs}: {answer.status} {text}")
        if request.method == "POST" and request.path.endswith("/order") and answer.status not in _REFUSED:
            self.received[str(msgspec.json.decode(body).get("clOrderID"))] += 1
        return answer

    def note(self, text: str) -> None:
        """Keep a line for whoever asks what happened."""
        self.transcript.append(f"{self.clock.now / 1e9 % 3600:.3f} {text}")

    # -- what the campaign does ------------------------------------------------------------------------------------------

    def quiet(self) -> None:
        """End all faults, those too that were still to come."""
        self._schedules.clear()
        self.faults.clear()

    def stop_market(self) -> None:
        """Let no more events come; time goes on."""
        self.pacer._groups = iter(())
        self.pacer._fetch()

    @property
    def truth(self) -> Truth:
        """What is so of the account."""
        return self.exchange.truth(LABEL)
