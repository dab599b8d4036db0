"""The session of a schedule, in a process of its own that may be killed at any moment."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import os
import signal
import warnings
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chaos_spec import SEAT_CASH, SPEED, SPOT
from chaos_strategy import ChaosTrader

import hookline.observers
import hookline.reporting.result
import hookline.session.environment
import hookline.session.live
import hookline.session.session  # loaded before the fork, as all that follows
import hookline.session.watching  # noqa: F401
import hookline_lmex.broker_link  # noqa: F401
from hookline import Strategy
from hookline.errors import HooklineError
from hookline.feed import BarRequest
from hookline.journal import Journal
from hookline.model import MarketData
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.session.schema import LiveEntry
from hookline.session.session import Session
from hookline.session.stream_rules import StreamRules
from hookline_lmex.broker import LmexBroker
from hookline_lmex.broker_sending import Sender
from hookline_lmex.feed import LmexFeed
from hookline_lmex.streams import account_stream, market_stream
from hookline_lmex.streams.times import SocketTimes
from hookline_strategies.grid_arithmetic import GridArithmetic
from hookline_strategies.market_maker import MarketMaker

__all__ = ["Job", "run_session"]

_PRICES = {"BTC-PERP": 60_000.0, "ETH-PERP": 3_000.0, "BTC-USDT": 60_000.0}
_QUICK = {"query_rate": 1000.0, "user_rate": 1000.0, "timeout_seconds": 0.8, "retries": 3}
_TIMES = SocketTimes(
    ping_seconds=0.15, silence_seconds=0.5, connect_seconds=0.5, login_seconds=0.3, answer_seconds=0.4,
    backoff_seconds=0.05, backoff_most_seconds=0.3, stable_seconds=0.5, refused_seconds=0.2, resync_seconds=0.15,
    resync_most_seconds=0.5, quiet_seconds=0.4, old_news_seconds=0.5,
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What a process is given.

    Args:
        seed: Of the session.
        folder: For the journal, the log and the report.
        rest_url: Of the venue.
        socket_url: Of the venue.
        key: Of the account.
        secret: Of the key.
        symbols: And the strategy of each.
        on_stop: As in session files.
        kill_how: Where this process dies by itself; empty for nowhere.
        kill_at: At which of these moments.
    """

    seed: int
    folder: str
    rest_url: str
    socket_url: str
    key: str
    secret: str
    symbols: Mapping[str, str]
    on_stop: str
    kill_how: str = ""
    kill_at: int = 0


@dataclass
class QuickBroker(LmexBroker):
    """The broker, as impatient as a campaign has to be."""

    backoff_seconds: float = 0.03
    longest_backoff_seconds: float = 0.2
    patience_seconds: float = 1.5
    connect_seconds: float = 0.5
    wallet_rate: float = 1000.0
    order_rate: float = 1000.0


class QuickFeed(LmexFeed):
    """The feed, likewise."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settings = replace(
            self._settings, backoff_seconds=0.03, longest_backoff_seconds=0.2, connect_seconds=0.5, patience_seconds=1.5
        )  # fmt: skip


def run_session(job: Job) -> None:
    """Run until told to end, and write ``report.json``; this process is not used for anything else."""
    try:
        _run(job, Path(job.folder))
    except Exception:
        logging.getLogger("chaos").exception("broke")
        raise SystemExit(1) from None


def _run(job: Job, folder: Path) -> None:
    os.chdir(folder)
    _listen(folder)
    os.environ.update(CHAOS_KEY=job.key, CHAOS_SECRET=job.secret)
    for module in (account_stream, market_stream):
        module.SocketTimes = lambda: _TIMES  # type: ignore[attr-defined]
    leaked: list[str] = []
    asyncio.run = _checked(asyncio.run, leaked)  # type: ignore[assignment]
    _arm(job.kill_how, job.kill_at)
    report: dict[str, Any] = {"error": "", "kind": "", "started": False}
    session = None
    try:
        session = Session(_plan(job, folder))
        session.run()
    except HooklineError as error:
        report.update(error=str(error), kind=type(error).__name__)
        logging.getLogger("chaos").warning("ended early: %s: %s", type(error).__name__, error)
    if session is not None:
        report["started"] = bool(session.kernel.order_count)
        report |= _state(session)
        del session
    gc.collect()
    report["leaked"] = leaked
    part = folder / "report.part"
    part.write_text(json.dumps(report))
    part.rename(folder / "report.json")


def _listen(folder: Path) -> None:
    logging.basicConfig(
        filename=folder / "session.log",
        level=logging.DEBUG,
        format="%(relativeCreated)d %(levelname)s %(name)s %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    signal.signal(signal.SIGUSR1, _tell_tasks)
    warnings.simplefilter("always")


def _tell_tasks(number: int, frame: object) -> None:
    """Write down what every task waits for."""
    for task in asyncio.all_tasks():
        text = io.StringIO()
        task.print_stack(file=text)
        logging.getLogger("chaos").info("task %s\n%s", task.get_name(), text.getvalue())


def _checked(run: Callable[..., Any], leaked: list[str]) -> Callable[..., Any]:
    """Return ``asyncio.run`` that notes the tasks that are left behind."""

    async def watched(work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await work
        finally:
            for _ in range(3):
                await asyncio.sleep(0)
            mine = asyncio.current_task()
            leaked.extend(repr(task.get_coro()) for task in asyncio.all_tasks() if task is not mine)

    return lambda work, **options: run(watched(work), **options)


def _arm(how: str, at: int) -> None:
    """Let this process die at a moment."""
    moments = iter(range(1, 10**9))

    def is_now() -> bool:
        return next(moments) == at

    if how == "commit":
        commit = Journal.commit

        def dying_commit(self: Journal, *args: Any, **options: Any) -> Any:
            if is_now():
                os._exit(9)
            return commit(self, *args, **options)

        Journal.commit = dying_commit  # type: ignore[method-assign]
    elif how == "flush":
        flush = LmexBroker.flush

        def dying_flush(self: LmexBroker) -> None:
            if self._book.marked and is_now():
                os._exit(9)
            flush(self)

        LmexBroker.flush = dying_flush  # type: ignore[method-assign]
    elif how == "send":
        start = Sender._start

        def dying_start(self: Sender, *args: Any) -> None:
            start(self, *args)
            if is_now():
                asyncio.get_running_loop().call_later(0.002, os._exit, 9)

        Sender._start = dying_start  # type: ignore[method-assign]


def _plan(job: Job, folder: Path) -> Plan:
    urls = {"rest_url": job.rest_url, "socket_url": job.socket_url, "clock_speed": SPEED, **_QUICK}
    feed = QuickFeed(**urls, mark_seconds=10.0)
    broker = QuickBroker(
        **urls, key_env="CHAOS_KEY", secret_env="CHAOS_SECRET", leverage=5.0, unknown_grace_seconds=0.9, unknown_asks=3,
        fill_grace_seconds=0.2, first_ask_seconds=0.05, last_ask_seconds=0.4, silence_seconds=0.5, look_seconds=0.03,
        poll_seconds=0.4, open_seconds=2.0, funding_seconds=0.5,
    )  # fmt: skip
    instruments = {symbol: feed.instrument(symbol) for symbol in job.symbols}
    tape = frozenset({MarketData.BOOK, MarketData.TRADES})
    return Plan(
        name="chaos", mode="live", currency="USDT", seed=job.seed, timeframe="1m", feed=feed,
        requests=[BarRequest(symbol, "1m") for symbol in job.symbols], instruments=instruments, broker=broker,
        seats=[
            Seat(f"on_{symbol}", use, _strategy(use, symbol), (symbol,), SEAT_CASH)
            for symbol, use in job.symbols.items()
        ],
        tapes=dict.fromkeys(job.symbols, tape),
        stream=StreamRules(late_data="drop", bar_wait_seconds=0.2, stall_seconds=1.0),
        live=LiveEntry(
            reconcile_seconds=0.4, unknown_grace_seconds=SPEED, settle_seconds=0.5, dead_man_seconds=10.0
        ),
        journal=JournalPlan(folder / "journal", accept_changes=True), on_stop=job.on_stop,
    )  # fmt: skip


def _strategy(use: str, symbol: str) -> Strategy:
    price = _PRICES[symbol]
    lot = {"BTC-PERP": 0.001, "ETH-PERP": 0.01, SPOT: 0.001}[symbol]
    if use == "market_maker":
        return MarketMaker(
            order_size=2 * lot, max_position=8 * lot, spread_bps=0.5, refresh_ms=1000, levels=2
        )
    if use == "grid_arithmetic":
        return GridArithmetic(
            low=price * 0.985, high=price * 1.015, num_grids=60, budget=SEAT_CASH / 2, stop_below=False
        )
    return ChaosTrader()


def _state(session: Session) -> dict[str, Any]:
    """Return what is believed at the end, as values that JSON can hold."""
    kernel, broker = session.kernel, session.plan.broker
    assert isinstance(broker, LmexBroker)
    positions: dict[str, int] = {}
    for ledger in kernel.ledgers.values():
        for id_, position in ledger.positions.items():
            positions[id_] = positions.get(id_, 0) + position.lots
    return {
        "tag": broker._book.tag if hasattr(broker, "_book") else "",
        "open": {one.number: [str(one.status), one.filled_lots, one.lots] for one in kernel.open_orders()},
        "positions": {id_: lots for id_, lots in positions.items() if lots},
        "halted": kernel.gate.halted,
        "warnings": list(session.warnings),
        "cash": {name: ledger.cash for name, ledger in kernel.ledgers.items()},
    }
