"""A venue that is a file, and a broker that withdraws from it: for processes that must see the same venue."""

import json
import os
import time
from pathlib import Path
from textwrap import dedent

SOURCE = '''
"""The broker of a venue that is a file."""

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hookline.broker import Broker
from hookline.errors import ConfigError, VenueError
from hookline.hookspecs import hookimpl
from hookline.notifier import Notifier


@dataclass
class FiledBroker(Broker):
    """Withdraws from a venue that is a file."""

    name: ClassVar[str] = "filed"
    is_live: ClassVar[bool] = True

    path: Path
    secret: str = ""
    needs_key: bool = False

    def __post_init__(self):
        if self.secret == "refused-by-the-broker":
            raise ValueError(f"secret: must be another, was {self.secret!r}")

    def connect(self, listener, clock, instruments, ledgers):
        raise AssertionError("who withdraws does not connect")

    taker_fee = 0.0

    def submit(self, order): ...
    def cancel(self, order, reason=""): ...
    def amend(self, order, lots, limit_price, trigger_price): ...
    def cancel_all_after(self, seconds): ...

    async def withdraw(self, symbols, *, flatten):
        if self.needs_key and not os.environ.get("FILED_KEY"):
            raise ConfigError("environment: FILED_KEY must be set")
        venue = json.loads(self.path.read_text())
        fault = venue["faults"].pop(0) if venue["faults"] else ""
        self._save(venue)
        if fault == "away":
            raise VenueError("filed: cannot be reached")
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "bug":
            raise KeyError("orders")
        done = [f"canceled {one['id']} on {one['symbol']}" for one in venue["orders"] if one["symbol"] in symbols]
        venue["orders"] = [one for one in venue["orders"] if one["symbol"] not in symbols]
        for symbol in symbols if flatten else ():
            if venue["positions"].pop(symbol, 0):
                done.append(f"closed {symbol}")
        venue["withdrawals"].append({"symbols": list(symbols), "flatten": flatten})
        self._save(venue)
        return done

    def _save(self, venue):
        part = self.path.with_suffix(".broker")
        part.write_text(json.dumps(venue))
        part.replace(self.path)


@hookimpl
def register_brokers():
    return [FiledBroker]


@dataclass
class FiledNotifier(Notifier):
    """Appends messages to a file."""

    name: ClassVar[str] = "filed"

    path: Path

    def notify(self, level, title, text):
        with self.path.open("a") as file:
            file.write(f"{level}|{title}|{text}\\n")


@hookimpl
def register_notifiers():
    return [FiledNotifier]
'''

SESSION = """\
name: demo
mode: live
symbols: [BTC-PERP, ETH-PERP]
timeframe: 1h
feed: synthetic
broker: {use: filed, params: {path: venue.json}}
strategies: [buy_and_hold]
notifiers: [{use: filed, params: {path: told.txt}}]
"""


class FiledVenue:
    """The venue, as a test sees it."""

    def __init__(self, path: Path):
        self.path = path
        self.write(
            orders=[{"id": "1", "symbol": "BTC-PERP"}, {"id": "2", "symbol": "XRP-PERP"}],
            positions={"BTC-PERP": 5, "XRP-PERP": 7},
            faults=[],
            withdrawals=[],
        )

    def read(self):
        return json.loads(self.path.read_text())

    def write(self, **changes):
        venue = (self.read() if self.path.exists() else {}) | changes
        part = self.path.with_suffix(".test")
        part.write_text(json.dumps(venue))
        part.replace(self.path)

    @property
    def orders(self):
        return [order["id"] for order in self.read()["orders"]]

    @property
    def positions(self):
        return self.read()["positions"]


def install_filed(folder: Path) -> Path:
    """Write the broker as a distribution into a folder, to be put on a path of Python."""
    site = folder / "filed_site"
    metadata = site / "filed_broker-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: filed-broker\nVersion: 1.0\n")
    points = "[hookline.brokers]\nfiled = filed_broker\n[hookline.notifiers]\nfiled = filed_broker\n"
    (metadata / "entry_points.txt").write_text(points)
    (site / "filed_broker.py").write_text(dedent(SOURCE))
    return site


def sign(folder: Path, **changes) -> dict:
    """Write a sign of life into a session's folder, as a session does that runs in this process."""
    status = {
        "name": "demo",
        "pid": os.getpid(),
        "state": "running",
        "started": 1,
        "written": time.time_ns(),
        "data_age_seconds": 0.5,
        "equity": 1000.0,
    } | changes
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / ".status.part"
    part.write_text(json.dumps(status))
    part.replace(folder / "status.json")
    return status
