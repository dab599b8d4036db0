"""Sessions of real strategies on recorded markets, and how each is run: as a backtest, compiled, on paper, and live at the emulated venue."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from parity_venue import KEY, SECRET, LockstepFeed, SteppedVenue, stepped

from hookline.model import MarketData
from hookline.params import PluginUse
from hookline.reporting.result import Result
from hookline.research.compiled import CompiledRun
from hookline.session.assembly import assemble
from hookline.session.loader import session_from
from hookline.session.plan import Plan
from hookline.session.schema import ExternalEntry, InstrumentEntry
from hookline.session.session import Session
from hookline_lmex.emulator import FeesConfig, MarketConfig

RATES = "funding_rate"
FEES = {"maker_fee_bps": 2.0, "taker_fee_bps": 6.0}


@dataclass(frozen=True)
class Story:
    """A strategy on a recorded market.

    Args:
        strategy: As a session file has it.
        symbols: Ours, and as the recording has them.
        feed: Parameters of the feed ``parquet``; paths are relative to the recordings.
        since: Beginning of the first bar.
        until: End of the last.
        timeframe: Of the bars.
        terms: Of the instruments, by symbol.
        tape: Kinds of market data beside bars.
        funding: Files of funding rates, by symbol; without one nothing is paid.
        fees: In basis points, the same for every symbol.
        broker: More parameters of the simulated broker.
        cash: Of the session.
    """

    strategy: Mapping[str, Any]
    symbols: Mapping[str, str]
    feed: Mapping[str, str]
    since: str
    until: str
    terms: Mapping[str, Mapping[str, Any]]
    timeframe: str = "1h"
    tape: tuple[str, ...] = ()
    funding: Mapping[str, str] = field(default_factory=dict)
    fees: Mapping[str, float] = field(default_factory=lambda: dict(FEES))
    broker: Mapping[str, Any] = field(default_factory=dict)
    cash: float = 20_000.0

    @property
    def begin(self) -> str:
        """When the venue begins: with a tape at once, else in time for the session to ask for the first bar."""
        moment = datetime.fromisoformat(self.since).replace(tzinfo=UTC)
        return (moment if self.tape else moment - timedelta(seconds=30)).isoformat()

    def source(self, data: Path) -> dict[str, Any]:
        """Return the feed of the recordings, as a session file has it."""
        paths = {name: str(data / path) for name, path in self.feed.items()}
        return {"use": "parquet", "params": {**paths, "symbols": dict(self.symbols)}}


def run(story: Story, mode: str, data: Path, folder: Path) -> Result:
    """Run a story and return its result.

    Args:
        story: What to run.
        mode: ``backtest``, ``compiled``, ``paper`` or ``live``.
        data: Folder of the recordings.
        folder: For the journal.
    """
    if mode == "live":
        return run_live(story, data, folder)[0]
    if mode == "compiled":
        return run_compiled(story, data, folder)[0]
    return Session(plan_of(story, mode, data, folder)).run()


def run_compiled(story: Story, data: Path, folder: Path) -> tuple[Result, dict[str, float]]:
    """Run a signal strategy in compiled code; return its result, and the figures that a sweep has of it."""
    plan = plan_of(story, "backtest", data, folder)
    compiled, strategy = CompiledRun(plan), plan.seats[0].strategy
    (figures,) = compiled.metrics([strategy])
    return Result(compiled.record(strategy)), figures


def plan_of(story: Story, mode: str, data: Path, folder: Path) -> Plan:
    """Return the plan of a backtest or of a paper session on the replayed stream."""
    source = story.source(data)
    feed = source if mode == "backtest" else {"use": "replay", "params": {"source": source}}
    said = common(story, mode, folder) | {
        "since": story.since,
        "until": story.until,
        "feed": feed,
        "broker": {"use": "paper", "params": {**story.fees, "leverage": 1.0, **story.broker}},
        "instruments": {symbol: instrument_of(story, symbol) for symbol in story.terms},
        "external": {
            series_name(symbol): {"path": str(data / path), "column": RATES}
            for symbol, path in story.funding.items()
        },
    }
    return assemble(session_from(said))


def run_live(story: Story, data: Path, folder: Path, **options: Any) -> tuple[Result, SteppedVenue]:
    """Run a story live at an emulated venue, over real sockets; return its result, and the venue as it was left.

    Args:
        story: What to run.
        data: Folder of the recordings.
        folder: For the journal.
        options: Fields of the emulator's configuration.
    """
    venue = SteppedVenue(venue_of(story, data, **options))
    environ = {"LMEX_API_KEY": KEY, "LMEX_API_SECRET": SECRET}
    with patch.dict(os.environ, environ), venue.open():
        urls = {"rest_url": venue.emulator.rest_url, "socket_url": venue.emulator.socket_url}
        rates = dict.fromkeys(("query_rate", "user_rate"), 100_000)
        feed = {**urls, **rates, "mark_seconds": 0, "close_grace_seconds": 0}
        broker = {**urls, **rates, "order_rate": 100_000, "wallet_rate": 100_000, "look_seconds": 0.05}
        said = common(story, "live", folder) | {
            "feed": {"use": "lmex", "params": feed},
            "broker": {"use": "lmex", "params": broker},
            "live": {"dead_man_seconds": None},
        }
        plan = assemble(session_from(said))
        feed = LockstepFeed(plan.feed, venue)
        feed.session = session = Session(replace(plan, feed=feed, modules=[*plan.modules, feed.heard]))
        with patch("hookline_lmex.broker_link.AccountStream", feed.heard.stream):
            return session.run(), venue


def common(story: Story, mode: str, folder: Path) -> dict[str, Any]:
    """Return what a session says in every mode."""
    return {
        "name": f"parity-{story.strategy['use']}",
        "mode": mode,
        "symbols": list(story.symbols),
        "timeframe": story.timeframe,
        "cash": story.cash,
        "market_data": list(story.tape),
        "strategies": [deepcopy(dict(story.strategy))],
        "on_stop": "keep",
        # Nothing waits for the clock on the wall: what is due comes with the market's events.
        "stream": {"warmup_bars": 0, "bar_wait_seconds": 1e6},
        "output": str(folder / mode),
        "journal": {"durable": False},
        "reporters": [],
    }


def venue_of(story: Story, data: Path, **options: Any) -> Any:
    """Return the configuration of a venue with the markets of a story, half a minute before its first bar begins."""
    source = PluginUse(**story.source(data))
    markets = [
        MarketConfig(
            symbol,
            timeframe=story.timeframe,
            tape=[MarketData(kind) for kind in story.tape],
            instrument=InstrumentEntry(**terms),
            funding=ExternalEntry(data / story.funding[symbol], RATES) if symbol in story.funding else None,
        )
        for symbol, terms in story.terms.items()
    ]
    fees = FeesConfig(story.fees["maker_fee_bps"], story.fees["taker_fee_bps"])
    return stepped(
        story.cash,
        markets=markets,
        feed=source,
        start=story.begin,
        until=story.until,
        history_bars=0,
        futures_fees=fees,
        spot_fees=fees,
        **options,
    )


def instrument_of(story: Story, symbol: str) -> dict[str, str]:
    """Return the terms of an instrument as a session file has them."""
    said = {name: str(value) for name, value in story.terms[symbol].items()}
    return said | ({"funding": series_name(symbol)} if symbol in story.funding else {})


def series_name(symbol: str) -> str:
    """Return the name of a perpetual's funding among the external series."""
    return f"funding_{symbol.partition('-')[0].lower()}"
