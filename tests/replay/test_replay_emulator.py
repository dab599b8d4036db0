"""A session that traded at the emulated venue over real sockets, run again on its recording."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from math import fsum

import pytest

from hookline.errors import JournalError
from hookline.journal import read_journal

pytestmark = pytest.mark.slow

HOOKLINE = [sys.executable, "-c", "from hookline.cli import main; main()"]
MOST_SECONDS = 90
FILLED = 6
SESSION = """
name: live
mode: live
symbols: [BTC-PERP, ETH-PERP]
timeframe: 1m
cash: 20000
market_data: [book, trades]
feed: {use: lmex, params: {rest_url: "${AT}", socket_url: "ws://${HOST}", clock_speed: 60}}
broker: {use: lmex, params: {rest_url: "${AT}", socket_url: "ws://${HOST}", clock_speed: 60, leverage: 2}}
strategies:
  - {use: ema_cross, symbols: [BTC-PERP], params: {fast: 2, slow: 4, adx_min: 0}}
  - use: market_maker
    symbols: [ETH-PERP]
    params: {order_size: 0.5, max_position: 2, spread_bps: 4, refresh_ms: 2000}
require_stops: false
on_stop: flatten
stream: {record: true}
reporters: []
"""


def started(words, path, environ):
    with path.open("w") as out:
        return subprocess.Popen(
            [*HOOKLINE, *words], stdout=out, stderr=subprocess.STDOUT, env=environ, cwd=path.parent
        )


def stopped(process, within=60):
    """Interrupt a process of ours, and end it if it does not."""
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
        raise


def wait_for_fills(folder):
    """Wait until some orders were filled, a bounded time: how many a second brings depends on what else the machine does."""
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        time.sleep(1)
        with suppress(JournalError):
            if len({fill.order_number for fill in read_journal(folder).fills}) >= FILLED:
                return
    raise AssertionError(f"fewer than {FILLED} orders were filled in {MOST_SECONDS} s")


@pytest.fixture
def venue(tmp_path):
    """The emulator, and the environment that a session needs to trade there."""
    import os

    log = tmp_path / "emulator.log"
    emulator = started(
        ["lmex-emulator", "--speed", "60", "--port", "0", "--seed", "7"], log, dict(os.environ)
    )
    try:
        until = time.monotonic() + 60
        while "Ctrl-C" not in (text := log.read_text()):
            assert time.monotonic() < until, text
            time.sleep(0.1)
        at = re.search(r"^REST\s+(\S+)", text, re.MULTILINE)[1]
        key = dict(re.findall(r"export (LMEX_API_\w+)=(\S+)", text))
        yield {**os.environ, **key, "AT": at, "HOST": at.removeprefix("http://")}
    finally:
        stopped(emulator)


def test_every_difference_of_a_live_session_is_explained(tmp_path, venue):
    (tmp_path / "live.yaml").write_text(SESSION)
    run = ["run", "live.yaml", "--confirm", "live"]
    session = started(run, tmp_path / "session.log", venue)
    try:
        wait_for_fills(tmp_path / "runs" / "live")
    finally:
        stopped(session)
    told = subprocess.run(
        [*HOOKLINE, "replay", "live.yaml", "--json"], cwd=tmp_path, env=venue, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(told.stdout)
    assert found["coverage"]["is_whole"]
    assert not [text for text in found["notes"] if "step by step" in text]
    filled = [one for one in found["orders"] if one["session"] and one["session"]["filled"]]
    assert len(filled) >= FILLED
    assert fsum(found["parts"].values()) == pytest.approx(found["difference"], abs=0.005)
    # The strategies are the same, and the venue charges what it says.
    assert found["parts"]["logic"] == 0.0
    assert found["parts"]["fees"] == pytest.approx(0.0, abs=0.01)
