"""``hookline lmex`` on the command line, against an emulated venue."""

import asyncio
import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Self

import pytest
from typer.testing import CliRunner

from hookline.cli import main
from hookline.errors import ConfigError, VenueError
from hookline.model import MarketData, Side
from hookline.params import PluginUse
from hookline_lmex.client import LmexClient
from hookline_lmex.codes import OrderKind
from hookline_lmex.commands import app
from hookline_lmex.credentials import Credentials
from hookline_lmex.emulator import AccountConfig, Emulator, EmulatorConfig, MarketConfig
from hookline_lmex.emulator.faults import Fault
from hookline_lmex.emulator.rest_limits import RateRules
from hookline_lmex.emulator.terms import Permission
from hookline_lmex.requests import NewOrder
from hookline_lmex.settings import Settings

KEY, SECRET = "tables-key-123456", "tables-secret-abcdefghijkl"
READER = "tables-key-reader"
START = "2024-03-02T12:00:00"


def market(symbol: str, seed: int, price: float) -> MarketConfig:
    book = {"level_quantity": 5.0, "levels": 20, "events_per_second": 2.0, "minutes": 5.0}
    params = {"seed": seed, "start": START, "tick_size": "0.1", "book": book, "start_price": price}
    return MarketConfig(
        symbol, feed=PluginUse("synthetic", params), tape=[MarketData.BOOK, MarketData.TRADES]
    )


class _Server:
    """An emulator in a thread, and what is done there."""

    def __init__(self, config: EmulatorConfig) -> None:
        self.emulator, self.loop = Emulator(config), asyncio.new_event_loop()
        self._up, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(
            target=self.loop.run_until_complete, args=(self._serve(),), daemon=True
        )

    async def _serve(self) -> None:
        async with self.emulator:
            await self.emulator.step(20)
            await self._trade()
            self._up.set()
            await self._stop.wait()

    async def _trade(self) -> None:
        """Hold a position, and let an order rest in each product."""
        settings = Settings(rest_url=self.emulator.rest_url)
        async with LmexClient(settings, Credentials(KEY, SECRET)) as client:
            for symbol, size, price in (
                ("BTC-PERP", 5000, None),
                ("BTC-PERP", 1000, "70"),
                ("ETH-USDT", "2", "40"),
            ):
                order = NewOrder(
                    symbol=symbol,
                    side=Side.BUY,
                    kind=OrderKind.LIMIT if price else OrderKind.MARKET,
                    size=size if isinstance(size, int) else Decimal(size),
                    price=Decimal(price) if price else None,
                    client_order_id=f"order-of-{symbol}-{price}",
                )
                await client.product(symbol).create_order(order)

    def __enter__(self) -> Emulator:
        self._thread.start()
        assert self._up.wait(20)
        return self.emulator

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        self.loop.close()


@pytest.fixture(scope="module")
def venue() -> Iterator[Emulator]:
    config = EmulatorConfig(
        markets=[market("BTC-PERP", 1, 100.0), market("ETH-USDT", 2, 50.0)],
        accounts=[
            AccountConfig("trader", KEY, SECRET),
            AccountConfig("reader", READER, SECRET, permissions=[Permission.READ]),
        ],
        start=START,
        speed=None,
        history_bars=0,
        limits=RateRules(is_enforced=False),
        nonce_must_rise=False,  # the venue's clock stands still: commands that follow each other all begin at its time
    )
    with _Server(config) as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def _environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("LMEX_API_KEY", "LMEX_API_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _key(monkeypatch):
    monkeypatch.setenv("LMEX_API_KEY", KEY)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)


@pytest.fixture
def run(venue):
    def call(*words: str) -> str:
        result = CliRunner().invoke(app, [*words, "--url", venue.rest_url])
        if isinstance(result.exception, Exception):
            raise result.exception
        assert result.exit_code == 0
        return result.output

    return call


def words(output: str) -> list[str]:
    return [" ".join(line.split()) for line in output.splitlines() if line.strip(" ─")]


def test_the_ticker_shows_all_markets_of_both_products(run):
    head, *rows = words(run("ticker"))
    assert head.startswith("symbol last 24 h % bid ask spread bps turnover funding next")
    assert {row.split()[0] for row in rows} == {"BTC-PERP", "ETH-USDT"}


def test_the_ticker_of_named_markets_has_their_mark(run):
    [row] = json.loads(run("ticker", "--symbol", "BTC-PERP", "--json"))
    assert row["symbol"] == "BTC-PERP"
    assert float(row["bid"]) < float(row["ask"])
    assert float(row["mark"]) == pytest.approx(float(row["last"]), rel=0.05)


def test_the_book_is_that_of_the_venue(run, venue):
    rows = json.loads(run("book", "--symbol", "BTC-PERP", "--depth", "5", "--json"))
    assert len(rows) == 5
    bids = [float(row["bid_price"]) for row in rows]
    assert bids == sorted(bids, reverse=True)
    contract = float(venue.exchange.states["BTC-PERP"].setup.instrument.contract_size or 1)
    assert all(float(row["bid_quantity"]) >= contract for row in rows)
    assert words(run("book", "--symbol", "BTC-PERP", "--depth", "5"))[-2].startswith("spread ")


@pytest.mark.usefixtures("_key")
def test_positions_orders_and_balances_are_the_accounts(run):
    [position] = json.loads(run("positions", "--json"))
    assert (position["symbol"], position["direction"], position["contracts"]) == ("BTC-PERP", "long", 5000)
    orders = json.loads(run("orders", "--json"))
    assert [one["client_order_id"] for one in orders] == ["order-of-BTC-PERP-70", "order-of-ETH-USDT-40"]
    assert [one["symbol"] for one in json.loads(run("orders", "--symbol", "ETH-USDT", "--json"))] == [
        "ETH-USDT"
    ]
    balance = json.loads(run("balance", "--json"))
    assert balance["spot"][0]["currency"] == "USDT"
    assert balance["futures"][0]["wallet"] == "CROSS@"
    assert words(run("positions"))[1].startswith("BTC-PERP long")
    assert "order-of-ETH-USDT-40" in run("orders")


@pytest.mark.parametrize("command", ["positions", "orders", "balance"])
def test_without_a_key_one_line_says_which_variables_are_missing(run, command):
    with pytest.raises(ConfigError) as caught:
        run(command)
    assert str(caught.value) == (
        "lmex: this needs an API key: set LMEX_API_KEY and LMEX_API_SECRET in the environment, "
        "or as lines LMEX_API_KEY=... and LMEX_API_SECRET=... of a file .env in this folder"
    )


def test_a_key_may_be_in_a_file_or_under_other_names(run, tmp_path):
    (tmp_path / ".env").write_text(f"DESK_KEY={KEY}\nDESK_SECRET='{SECRET}'\n")
    assert json.loads(run("positions", "--json", "--key-env", "DESK_KEY", "--secret-env", "DESK_SECRET"))


@pytest.mark.parametrize("value", ["a-wrong-key", KEY])
def test_a_key_that_is_refused_is_said_without_the_key(run, monkeypatch, value):
    monkeypatch.setenv("LMEX_API_KEY", value)
    monkeypatch.setenv("LMEX_API_SECRET", "a-wrong-secret")
    with pytest.raises(VenueError) as caught:
        run("positions")
    assert value not in str(caught.value)
    assert "a-wrong-secret" not in str(caught.value)


def test_a_product_that_the_key_may_not_see_is_left_out_and_said(run, monkeypatch):
    monkeypatch.setenv("LMEX_API_KEY", READER)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)
    rows = words(run("orders"))
    assert rows[0] == "no open order"
    assert "left out: GET /spot/api/v3.3/user/open_orders" in " ".join(rows)


def test_a_market_that_does_not_exist_is_one_line(run):
    for command in (("ticker",), ("book",)):
        with pytest.raises(ConfigError, match=r"LMEX has no market 'BTX-PERP'; did you mean 'BTC-PERP'\?"):
            run(*command, "--symbol", "BTX-PERP")


def test_the_group_is_found_by_the_command_line_and_teaches(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["lmex", "--help"])
    assert caught.value.code == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    for part in (
        "Markets need no key",
        "LMEX_API_SECRET=...",
        "ticker",
        "book",
        "positions",
        "orders",
        "balance",
    ):
        assert part in text


_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A command in a terminal of its own, of a hundred columns."""

    def __init__(self, *arguments: str) -> None:
        self._own, other = pty.openpty()
        environment = {**os.environ, "COLUMNS": "100", "LINES": "40", "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from hookline.cli import main; main()", "lmex", *arguments],
            stdin=other, stdout=other, stderr=other, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(other)
        self.seen = ""

    def wait_for(self, text: str, seconds: float = 15.0) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.seen and time.monotonic() < deadline:
            if select.select([self._own], [], [], 0.1)[0]:
                try:
                    self.seen += _ESCAPES.sub("", os.read(self._own, 65_536).decode(errors="replace"))
                except OSError:
                    break
        assert text in self.seen, self.seen[-2000:]

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(AssertionError):
            self.wait_for("\x00never", 0.5)  # what it still writes is read, or it could not end
        return self.process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(10)
        os.close(self._own)


@pytest.mark.usefixtures("_key")
def test_watching_shows_it_again_survives_trouble_and_ends_cleanly_with_an_interrupt(venue):
    with Terminal("orders", "--watch", "--every", "0.2", "--url", venue.rest_url) as terminal:
        terminal.wait_for("order-of-ETH-USDT-40")
        terminal.wait_for("Ctrl-C to end")
        venue.faults.put(Fault("error_before", value=503.0))
        terminal.wait_for("HTTP 503", 30.0)
        venue.faults.clear()
        terminal.seen = ""
        terminal.wait_for("Ctrl-C to end", 30.0)
        assert terminal.interrupt() == 0
    assert "Traceback" not in terminal.seen


def test_watching_as_json_writes_a_line_for_each_look(venue):
    options = ["--watch", "--every", "0.2", "--json", "--url", venue.rest_url]
    with Terminal("ticker", "-s", "BTC-PERP", *options) as terminal:
        terminal.wait_for("]\r\n[")
        assert terminal.interrupt() == 0
    assert json.loads(terminal.seen.splitlines()[0])[0]["symbol"] == "BTC-PERP"
