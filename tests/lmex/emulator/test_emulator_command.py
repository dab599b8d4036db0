"""``hookline lmex-emulator``, as a person starts and stops it."""

import asyncio
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest
from emulated import play, venue, visit

from hookline.cli import main
from hookline_lmex.emulator.telling import Teller

COMMAND = [sys.executable, "-c", "from hookline.cli import main; main()", "lmex-emulator"]
SMALL = ["--feed", "synthetic:bars=200", "--symbol", "BTC-PERP", "--timeframe", "1h", "--port", "0"]


def started(*words):
    return subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
    )


def read_until(process, text, seconds=30.0):
    """Return what a process has printed once a text is part of it."""
    found, ends = b"", time.monotonic() + seconds
    descriptor = process.stdout.fileno()
    while text.encode() not in found and time.monotonic() < ends:
        if select.select([descriptor], [], [], 0.2)[0]:
            part = os.read(descriptor, 65_536)
            found += part
            if not part:
                break
    assert text.encode() in found, (found.decode(), process.stderr.read().decode() if process.poll() else "")
    return found.decode()


@pytest.fixture
def run():
    """Start a command; whatever happens, it does not outlive the test."""
    processes = []

    def start(*words):
        processes.append(started(*words))
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def test_it_says_what_it_serves_and_stops_on_ctrl_c(run):
    process = run(*SMALL, "--speed", "3600", "--fault", "sequence_gaps")
    printed = read_until(process, "Ctrl-C stops it")
    assert re.search(r"BTC-PERP\s.*futures", printed)
    assert "export LMEX_API_KEY=emulator-demo-key" in printed
    assert "export LMEX_API_SECRET=" in printed
    url = re.search(
        r"rest_url: (http://127\.0\.0\.1:\d+), socket_url: (ws://127\.0\.0\.1:\d+), clock_speed: 3600",
        printed,
    )
    assert url
    with urlopen(f"{url[1]}/emulator/state", timeout=5) as answer:
        state = json.load(answer)
    assert (state["speed"], [one["name"] for one in state["faults"]["active"]]) == (3600, ["sequence_gaps"])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out.decode().strip(), err) == (0, "stopped", b"")


def test_a_market_may_have_another_name_in_its_feed(run):
    words = [word.replace("BTC-PERP", "BTC-PERP=BTCUSDT") for word in SMALL]
    printed = read_until(run(*words, "--speed", "0"), "Ctrl-C stops it")
    assert re.search(r"BTC-PERP\s.*futures", printed)
    assert "BTCUSDT" not in printed


def test_it_can_stand_until_it_is_stepped(run):
    process = run(*SMALL, "--speed", "0")
    assert "by steps (POST /emulator/step)" in read_until(process, "Ctrl-C stops it")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


def test_it_tells_a_person_what_accounts_do():
    lines = []

    async def run():
        emulator = venue()
        emulator.exchange.listen(Teller(lines.append))
        async with visit(emulator) as client:
            await play(client, 1)
            await client.order("BUY", 10, clOrderID="mine")
            await client.order("SELL", 10, price=150.0)
            await client.call("DELETE", "/futures/api/v2.3/order?symbol=BTC-PERP")
            await client.order("SELL", 10)

    asyncio.run(run())
    assert lines == [
        "2024-01-01 00:00:00 tester: BUY 10 BTC-PERP (mine): filled at 100.5, taker, fee 0.000603 USDT",
        "2024-01-01 00:00:00 tester: BTC-PERP: LONG 10 at 100.5",
        "2024-01-01 00:00:00 tester: SELL 10 BTC-PERP at 150: rests",
        "2024-01-01 00:00:00 tester: SELL 10 BTC-PERP at 150: canceled",
        "2024-01-01 00:00:00 tester: SELL 10 BTC-PERP: filled at 99.5, taker, fee 0.000597 USDT",
        "2024-01-01 00:00:00 tester: BTC-PERP: flat",
    ]


@pytest.mark.slow
def test_without_options_it_makes_up_a_venue(run):
    process = run("--port", "0")
    printed = read_until(process, "Ctrl-C stops it", 60)
    for symbol in ("BTC-PERP", "ETH-PERP", "BTC-USDT"):
        assert symbol in printed
    assert "clock_speed" not in printed


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--symbol", "BTC-PERP"], "--symbol and --tape: need --feed, which they are of"),
        (["--feed", "synthetic"], "--feed: needs at least one --symbol to serve"),
        (
            ["--feed", "synthetic:bars", "--symbol", "A"],
            "--feed: parameters must be written name=value, was 'bars'",
        ),
        (
            ["--feed", "synthetic:bars=x", "--symbol", "A"],
            "feed.params.bars: must be a whole number, was 'x'",
        ),
        (["--fault", "bann=3"], "faults.bann: no fault is called 'bann'; did you mean 'ban'?"),
        (["--speed", "-1"], "speed: must be above 0, was -1"),
        (["--config", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_exit_code_2(capsys, words, text):
    with pytest.raises(SystemExit) as left:
        main(["lmex-emulator", *words])
    out, err = capsys.readouterr()
    assert left.value.code == 2
    assert text in err
    assert err.count("\n") == 1
    assert out == ""


def test_a_port_that_is_taken_is_said(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as left:
            main(["lmex-emulator", *SMALL[:-1], str(port)])
    assert left.value.code == 2
    assert f"emulator: cannot listen on port {port}" in capsys.readouterr().err


def test_its_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["lmex-emulator", "--help"])
    out, _ = capsys.readouterr()
    for word in ("127.0.0.1", "--config", "--fault", "Examples", "order books"):
        assert word in out
