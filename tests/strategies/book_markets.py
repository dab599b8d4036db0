"""Order books and tapes written in words, and sessions on them."""

import re
from decimal import Decimal

import numpy as np

import hookline as hl
from hookline.feed import BarRequest
from hookline.model import MarketData, RowKind, TapeSeries
from hookline.session.assembly import tapes_of
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.session.session import Session
from hookline.testing.recording import SeriesFeed

SECOND = 10**9
START = 1_704_067_200 * SECOND  # 2024-01-01, UTC


def tape(text, symbol="TEST"):
    """Return the tape that lines tell: ``1.5 book bid 99:5 ask 101:5``, the same with ``change``, ``2 sell 1 @ 99``."""
    rows = []
    for message, line in enumerate(filter(None, map(str.strip, text.splitlines()))):
        seconds, what, rest = line.split(" ", 2)
        time = START + round(float(seconds) * SECOND)
        if what in ("buy", "sell"):
            quantity, price = map(float, rest.split(" @ "))
            levels = [(1 if what == "buy" else -1, price, quantity)]
            kind = RowKind.TRADE
        else:
            kind = RowKind.SNAPSHOT if what == "book" else RowKind.BOOK
            levels, side = [], 0
            for word in rest.split():
                side = {"bid": 1, "ask": -1}.get(word, side)
                if found := re.fullmatch(r"([\d.]+):([\d.]+)", word):
                    levels.append((side, *map(float, found.groups())))
        rows += [(time, time, message, kind, *level, -1, -1) for level in levels]
    return TapeSeries(symbol, *map(np.array, zip(*rows, strict=True)))


def instrument(kind=hl.InstrumentKind.PERPETUAL, symbol="TEST"):
    return hl.Instrument(symbol, kind, tick_size=Decimal("0.1"), lot_size=Decimal("0.1"))


class _TapeFeed(SeriesFeed):
    """Tapes in memory, with bars of their prices, as history or as a stream."""

    def __init__(self, tapes):
        from hookline.data.tape_bars import tape_bars

        super().__init__({one.symbol: tape_bars(one, "1s", partial="keep") for one in tapes})
        self._tapes = {one.symbol: one for one in tapes}

    def tape(self, request):
        return self._tapes[request.symbol].between(request.since, request.until)

    async def stream(self, requests):
        bars = [bar async for bar in super().stream(requests)]
        events = [event for one in self._tapes.values() for event in one.events()]
        keyed = [(bar.end, 0, number, bar) for number, bar in enumerate(bars)]
        keyed += [(event.time, 1, number, event) for number, event in enumerate(events)]
        for *_, event in sorted(keyed, key=lambda row: row[:3]):
            yield event


def run(strategy, *tapes, one=None, broker=None, streamed=False, cash=10_000.0, journal=None):
    """Run a strategy on tapes and return the result."""
    from hookline_paper.broker import PaperBroker

    one = one or instrument()
    seat = Seat("s", strategy.name, strategy, (one.symbol,), cash)
    return Session(
        Plan(
            name="tape",
            mode="paper" if streamed else "backtest",
            currency="USDT",
            seed=0,
            timeframe="1s",
            feed=_TapeFeed(tapes),
            requests=[BarRequest(one.symbol, "1s")],
            instruments={one.symbol: one},
            broker=broker or PaperBroker(),
            seats=[seat],
            tapes=tapes_of([seat], [one.symbol], [MarketData.TRADES]),
            journal=None if journal is None else JournalPlan(journal),
        )
    ).run()


FINE = hl.Instrument(
    "TEST", hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.01"), lot_size=Decimal("0.001")
)
# The strategies that trade on books, with parameters that let them trade on the synthetic one.
ON_BOOKS = {
    "market_maker": {
        "order_size": 0.5, "max_position": 2, "spread_bps": 3, "levels": 2, "level_step_bps": 2,
    },
    "weighted_imbalance": {"threshold": 0.2, "hold": "5s"},
}  # fmt: skip
# The same for the book of BTCUSDT, in which a tick is a sixtieth of a basis point.
ON_REAL_BOOKS = {
    "market_maker": {"order_size": 0.01, "max_position": 0.05, "spread_bps": 0.2, "refresh_ms": 200},
    "weighted_imbalance": {"threshold": 0.2, "hold": "5s"},
}


def synthetic_tape(minutes=10):
    """Return a synthetic tape of TEST."""
    from hookline import plugins
    from hookline.feed import TapeRequest

    feed = plugins.build("feeds", "synthetic", {"seed": 4, "start": "2024-01-01", "book": {}}, "feed")
    kinds = frozenset({MarketData.BOOK, MarketData.TRADES})
    return feed.tape(TapeRequest("TEST", kinds, START, START + minutes * 60 * SECOND))


def real_tape(folder):
    """Return the recorded book and trades of BTCUSDT as a tape of TEST."""
    from dataclasses import replace

    from hookline.data.tape import load_tape

    files = (
        folder / "book" / "binance_usdm_BTCUSDT_depth.parquet",
        folder / "trades" / "binance_usdm_BTCUSDT_trades_2024-08-08.parquet",
    )
    return replace(load_tape(*files, symbol="BTCUSDT"), symbol="TEST")
