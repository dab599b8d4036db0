"""Queues and latency against hftbacktest, on recorded books and trades: the same orders, fill by fill.

hftbacktest pins an older numpy, so it runs in an interpreter of its own: HOOKLINE_HFTBACKTEST_PYTHON, or this one if it is there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import hookline as hl
from hookline.clock import EventClock
from hookline.data.tape import cut_tape, load_tape
from hookline.model import (
    BookUpdate,
    Ledger,
    Market,
    Order,
    OrderBook,
    OrderStatus,
    OrderType,
    Side,
    Trade,
    transition,
)
from hookline.simulation.fees import NoFee
from hookline.simulation.latency import ConstantLatency
from hookline.simulation.latency_link import DelayedVenue
from hookline.simulation.queue import PessimisticQueue, ProportionalQueue
from hookline.simulation.tape_venue import TapeVenue

MS = 10**6
BTC = hl.Instrument(
    "BTCUSDT", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal("0.001")
)
LATENCY = (7 * MS, 5 * MS)
# Orders live longer than the step between them in the crowd, so that several of ours rest on a side at once.
SCRIPTS = {"alone": (2_100, 1_900), "crowd": (437, 1_900)}


class BehindAsThey(ProportionalQueue):
    """Proportional, but what stands behind is what the level showed before the trades, less what is ahead after them."""

    def ahead(self, ahead: float, before: float, after: float, traded: float) -> float:
        canceled = before - traded - after
        if canceled > 0.0 and ahead > 0.0:
            behind = max(0.0, before - ahead)
            ahead -= canceled - min(behind, canceled * behind / (ahead + behind))
        return max(0.0, min(ahead, after))


QUEUES = {
    "pessimistic": PessimisticQueue(),
    "proportional": ProportionalQueue(),
    "as they": BehindAsThey(),
}


@lru_cache
def tape_of(folder: Path):
    """The recorded minutes of the perpetual, from the first whole book on."""
    name = "binance_usdm_BTCUSDT"
    paths = (folder / f"book/{name}_depth.parquet", folder / f"trades/{name}_trades_2024-08-08.parquet")
    tape = load_tape(*paths, least_latency=2 * MS)
    return cut_tape(tape, int(tape.time[0]) + 2_000 * MS, None)


@lru_cache
def script_of(folder: Path, name: str) -> list[tuple[int, int, int, float]]:
    """A market maker by the clock: each ``step`` ms a bid and an ask near the touch, canceled after ``life`` ms.

    Rows of time sent, time canceled, side and price. The prices go from the touch to three ticks behind it.
    """
    step, life = SCRIPTS[name]
    tape, rows, book = tape_of(folder), [], OrderBook("BTCUSDT")
    due = int(tape.time[0]) + 100 * MS + 137
    for event in tape.events():
        while event.time > due and due + 2 * life * MS < tape.time[-1]:
            away = 0.1 * (len(rows) // 2 % 4)
            for side, price in ((1, book.best_bid - away), (-1, book.best_ask + away)):
                rows.append((due, due + life * MS, side, round(price, 1)))
                due += 11
            due += step * MS
        if isinstance(event, BookUpdate):
            book.apply(event)
    return rows


class Outcome(NamedTuple):
    """What became of an order, when, and at which price it was filled (0 if not)."""

    status: str
    time: int
    price: float


# They have no word for a post-only order that is refused.
WORDS = {"rejected": "expired"}


class Recorder:
    """Notes what the venue reports."""

    def __init__(self) -> None:
        self.fills: dict[int, float] = {}

    def order_changed(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        transition(order, status, time, reason)

    def order_filled(self, order, lots, price, fee, is_maker, time) -> None:
        assert is_maker
        assert lots == order.lots
        order.filled_lots = lots
        transition(order, OrderStatus.FILLED, time)
        self.fills[order.number] = price

    def order_adopted(self, order: Order) -> None:
        raise AssertionError(order)

    def warn(self, text: str) -> None:
        raise AssertionError(text)


def ours(folder: Path, name: str, model: str) -> list[Outcome]:
    """Send a script to our venue, behind the same latency."""
    script = script_of(folder, name)
    desk, clock = Recorder(), EventClock()
    ledgers = {"s": Ledger("s", 1e9, [Market(BTC)])}

    def make(listener, venue_clock, twins):
        return TapeVenue(listener, venue_clock, {"BTCUSDT": BTC}, twins, NoFee(), QUEUES[model])

    venue = DelayedVenue(desk, clock, ledgers, ConstantLatency(*LATENCY), make)
    orders = [
        Order(
            number, "s", BTC, Side(side), OrderType.LIMIT, 1, sent,
            limit_price=price, post_only=True, status=OrderStatus.SUBMITTED,
        )
        for number, (sent, _, side, price) in enumerate(script)
    ]  # fmt: skip
    acts = [(sent, number, True) for number, (sent, _, _, _) in enumerate(script)]
    acts += [(canceled, number, False) for number, (_, canceled, _, _) in enumerate(script)]
    acts.sort(reverse=True)

    def pass_time(until: int) -> None:
        while (acts and acts[-1][0] <= until) or venue.due <= until:
            if acts and acts[-1][0] <= venue.due:
                clock.now, number, is_new = acts.pop()
                venue.submit(orders[number]) if is_new else venue.cancel(orders[number])
            else:
                clock.now = max(clock.now, venue.due)
                venue.advance(venue.due)

    for event in sorted(tape_of(folder).events(), key=lambda event: event.venue_time):
        pass_time(event.venue_time - 1)
        venue.on_book(event) if isinstance(event, BookUpdate) else venue.on_trade(event)
    pass_time(clock.now + 10**10)
    return [
        Outcome(
            WORDS.get(str(order.status), str(order.status)),
            order.update_time,
            desk.fills.get(order.number, 0.0),
        )
        for order in orders
    ]


@pytest.fixture(scope="module")
def interpreter() -> str:
    """An interpreter that has hftbacktest."""
    python = os.environ.get("HOOKLINE_HFTBACKTEST_PYTHON", sys.executable)
    try:
        subprocess.run([python, "-c", "import hftbacktest"], check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("no hftbacktest; name an interpreter that has it in HOOKLINE_HFTBACKTEST_PYTHON")
    return python


@pytest.fixture(scope="module")
def theirs(interpreter, real_data, tmp_path_factory) -> dict[tuple[str, str], list[Outcome]]:
    """What became of each script's orders in hftbacktest, by script and queue model."""
    folder, tape = tmp_path_factory.mktemp("hftbacktest"), tape_of(real_data)
    names = ("time", "venue_time", "kind", "side", "price", "quantity")
    rows = {name: getattr(tape, name) for name in names}
    runs = [(name, model) for name in SCRIPTS for model in ("pessimistic", "proportional")]
    paths = []
    for number, (name, model) in enumerate(runs):
        columns = [np.array(column) for column in zip(*script_of(real_data, name), strict=True)]
        script = dict(zip(("sent", "canceled", "sides", "prices"), columns, strict=True))
        paths += [str(folder / f"{number}.npz"), str(folder / f"{number}.json")]
        terms = {"order_quantity": 0.001, "latency": LATENCY, "tick": 0.1, "lot": 0.001, "model": model}
        np.savez(paths[-2], **rows, **script, **terms)
    worker = Path(__file__).with_name("hftbacktest_worker.py")
    command = [interpreter, str(worker), *paths]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [json.loads(Path(path).read_text()) for path in paths[1::2]]
    return {
        run: [Outcome(one["status"], one["time"], one["price"]) for one in answer]
        for run, answer in zip(runs, answers, strict=True)
    }


def differences(mine: list[Outcome], other: list[Outcome]) -> list[int]:
    return [number for number, pair in enumerate(zip(mine, other, strict=True)) if pair[0] != pair[1]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "as_theirs"), [("pessimistic", "pessimistic"), ("as they", "proportional")]
)
def test_single_orders_fill_cancel_and_are_refused_at_the_same_nanosecond(
    real_data, theirs, model, as_theirs
):
    mine = ours(real_data, "alone", model)
    assert differences(mine, theirs["alone", as_theirs]) == []
    counts = Counter(outcome.status for outcome in mine)
    assert counts["filled"] > 100
    assert counts["canceled"] > 100
    assert counts["expired"] > 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "as_theirs"), [("pessimistic", "pessimistic"), ("as they", "proportional")]
)
def test_orders_in_a_crowd_differ_only_where_they_give_a_trade_twice(real_data, theirs, model, as_theirs):
    """A trade through the prices of several of our orders fills all of them there, and here as many as it had quantity for."""
    mine, other = ours(real_data, "crowd", model), theirs["crowd", as_theirs]
    script = script_of(real_data, "crowd")
    found = differences(mine, other)
    assert 0 < len(found) < 10
    for number in found:
        time, (_, _, side, price) = other[number].time, script[number]
        assert other[number].status == "filled"
        assert mine[number].time > time
        through = sum(
            round(event.quantity / 0.001)
            for event in tape_of(real_data).events()
            if isinstance(event, Trade) and event.venue_time == time and side * (price - event.price) > 0
        )
        served = sum(
            outcome.time == time and outcome.status == "filled" and script[place][2] == side
            and side * (script[place][3] - price) >= 0
            for place, outcome in enumerate(mine)
        )  # fmt: skip
        # Each lot that was traded through our price went to an order of ours that was better or earlier.
        assert 0 < through <= served


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_behind_us_hardly_matters(real_data, theirs, name):
    """They count what was traded since the last update as still behind us; we do not."""
    mine, other = ours(real_data, name, "proportional"), theirs[name, "proportional"]
    assert len(differences(mine, other)) <= 0.005 * len(mine)
