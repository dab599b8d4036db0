"""Key, secret and signatures are in requests and nowhere else: files, logs, errors, what is printed, what objects show."""

import asyncio
import gc
import gzip
import io
import json
import logging
import subprocess
import sys
import threading
import time
import traceback
import urllib.request
from contextlib import contextmanager, suppress

import pytest

from hookline.cli import main
from hookline.errors import DataError, VenueError
from hookline.model import Side
from hookline.session.pulse import read_status
from hookline.session.requests import KillRequest, ask_to_kill
from hookline_lmex import http, signing
from hookline_lmex.client import LmexClient
from hookline_lmex.codes import OrderKind
from hookline_lmex.credentials import Credentials
from hookline_lmex.emulator.faults import FAULTS
from hookline_lmex.errors import LmexError
from hookline_lmex.requests import NewOrder
from hookline_lmex.settings import Settings
from hookline_lmex.streams import AccountStream

KEY, SECRET = "4d1f6c0b9e7a4d38c2f1", "b7e05a9c3f2d4e61a8d07c55e9143fb2"
READER = "90ab12cd34e7f65a0b81"
WRONG_KEY, WRONG_SECRET = "77c3d9e01f5b2a684e90", "5f3a1c7e9d2b4f608a6c"
SPEED = 60

VENUE = """
import asyncio, json, sys
from hookline_lmex.emulator import AccountConfig, Emulator
from hookline_lmex.emulator.config import default_config
from hookline_lmex.emulator.terms import Permission

async def main(key, reader, secret):
    accounts = [AccountConfig("all", key, secret), AccountConfig("reader", reader, secret, [Permission.READ])]
    async with Emulator(default_config(port=0, speed=60, accounts=accounts)) as venue:
        print(json.dumps([venue.rest_url, venue.socket_url]), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main(*json.loads(sys.stdin.readline())))
"""

SESSION = """
name: secrets
mode: live
symbols: [BTC-PERP, ETH-PERP]
timeframe: 1m
cash: 20000
output: {folder}
feed: {{use: lmex, params: &venue {{rest_url: "{rest}", socket_url: "{socket}", clock_speed: {speed}}}}}
broker:
  use: lmex
  params: {{rest_url: "{rest}", socket_url: "{socket}", clock_speed: {speed}, timeout_seconds: 1, retries: 2}}
strategies:
  - {{use: ema_cross, symbols: [BTC-PERP], params: {{fast: 2, slow: 4, adx_min: 0}}}}
  - use: market_maker
    symbols: [ETH-PERP]
    params: {{order_size: 0.5, max_position: 3, spread_bps: 1, refresh_ms: 1000}}
require_stops: false
stream: {{record: true}}
live: {{reconcile_seconds: 2, dead_man_seconds: 60}}
on_stop: flatten
"""

# What each fault is switched on with; the rest is switched on as it is.
VALUES = {
    "drop_sockets": 0.5,
    "slow_market_data": 300,
    "delay_acks": 1.2,
    "rate_limit_storm": 0.2,
    "clock_skew": 90_000,
    "delist": "ETH-PERP",
    "ban": 0.5,
}
EXTRA = [
    ("error_before", "cut"),
    ("error_after", "cut"),
    ("malformed_json", "rest"),
    ("malformed_json", "socket"),
]


class Spoken:
    """What is secret: key, secret, their halves (a text may be cut), and every signature that was made."""

    def __init__(self, monkeypatch):
        self.signatures = set()
        for module, name in ((http, "sign"), (signing, "sign_login")):
            monkeypatch.setattr(module, name, self._kept(getattr(module, name)))

    def _kept(self, function):
        def sign(*args):
            made = function(*args)
            self.signatures.add(made)
            return made

        return sign

    @property
    def needles(self):
        words = {KEY, READER, SECRET, WRONG_KEY, WRONG_SECRET}
        for word in [*words, *self.signatures]:
            words |= {word, word[: len(word) // 2], word[len(word) // 2 :]}
        return words

    def leaks(self, text):
        return sorted(word for word in self.needles if word in text)


@pytest.fixture
def spoken(monkeypatch):
    return Spoken(monkeypatch)


@pytest.fixture
def logged():
    """Everything that is logged, with exceptions and their locals."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(_Talkative())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


class _Talkative(logging.Formatter):
    def format(self, record):
        return f"{record.name} {super().format(record)} {record.args!r}"

    def formatException(self, ei):
        return told(ei[1])


def told(error):
    """Return an exception as the most talkative tool shows it: chained, with the locals of every frame but those of this file."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    chained, seen, part = [], error, shown
    while part is not None:
        part.stack[:] = [frame for frame in part.stack if frame.filename != __file__]
        part = part.__cause__ or part.__context__
    while seen is not None:
        chained += [repr(seen), str(seen), repr(vars(seen)), repr(seen.args)]
        seen = seen.__cause__ or seen.__context__
    return "".join(shown.format()) + "\n".join(chained)


@contextmanager
def venue():
    """Run an emulated venue in a process of its own; what it knows is in no object here."""
    process = subprocess.Popen(
        [sys.executable, "-c", VENUE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        process.stdin.write(json.dumps([KEY, READER, SECRET]) + "\n")
        process.stdin.flush()
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(timeout=20)
        process.stdout.close()


def ask(rest, method, path, said=None):
    body = None if said is None else json.dumps(said).encode()
    request = urllib.request.Request(f"{rest}/emulator/{path}", body, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def shown_objects():
    """Return what objects of ours, and tasks and errors, show of themselves."""
    gc.unfreeze()  # else those from before the start would be left out
    texts = []
    for one in gc.get_objects():
        try:
            module = getattr(type(one), "__module__", "")
            is_ours = isinstance(module, str) and module.startswith("hookline")
            if is_ours or isinstance(one, asyncio.Task | Exception):
                texts += [repr(one), str(one)]
        except (AttributeError, DataError, ReferenceError, RuntimeError, ValueError):
            continue  # half made, gone, changed meanwhile by the session's thread, or the result of a run without bars
    return texts


def file_text(path):
    """Return what a file holds, unpacked."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return str(pq.read_table(path).to_pydict()) + str(pq.read_schema(path).metadata)
    return raw.decode("latin-1")


class Tormentor(threading.Thread):
    """Switches one fault on after the other while a session runs, looks at all objects, and ends the session."""

    def __init__(self, rest, folder):
        super().__init__(daemon=True)
        self.rest, self.folder = rest, folder
        self.fired, self.shown, self.problem = {}, [], None

    def run(self):
        try:
            self._torment()
        except Exception as error:  # noqa: BLE001  # raised where the test waits
            self.problem = error
        finally:
            ask_to_kill(self.folder, KillRequest("the test is over", flatten=True))

    def _torment(self):
        self._wait_for_orders()
        faults = [(name, VALUES.get(name)) for name in FAULTS if name not in dict(EXTRA)] + EXTRA
        for name, value in faults:
            if name == "refuse_sockets":  # sockets are only asked for by who has lost his
                ask(self.rest, "POST", "faults", {"name": "drop_sockets", "count": 1})
            said = {"name": name, "seconds": 10} | ({} if value is None else {"value": value})
            self._suffer(name, ask(self.rest, "POST", "faults", said)["fired"].get(name, 0))
            ask(self.rest, "DELETE", "faults")
            time.sleep(0.25)
        self.shown = shown_objects()
        self.fired = ask(self.rest, "GET", "faults")["fired"]
        self._wait_for_orders()

    def _suffer(self, name, before):
        """Wait until a fault has happened and the session had a moment to meet it, a few seconds at most."""
        until = time.monotonic() + 8
        while ask(self.rest, "GET", "faults")["fired"].get(name, 0) <= before and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.5)

    def _wait_for_orders(self):
        until = time.monotonic() + 20
        while not read_status(self.folder).get("open_orders"):
            assert time.monotonic() < until, "the session has no orders"
            time.sleep(0.1)


def run_cli(words, capsys):
    """Return what a command prints; it may fail."""
    with suppress(SystemExit):
        main(words)
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.slow
def test_a_session_through_every_fault_leaves_no_trace(tmp_path, monkeypatch, capsys, spoken, logged):
    monkeypatch.setenv("LMEX_API_KEY", KEY)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)
    folder, file = tmp_path / "run", tmp_path / "secrets.yaml"
    with venue() as (rest, socket):
        file.write_text(SESSION.format(folder=folder, rest=rest, socket=socket, speed=SPEED))
        tormentor = Tormentor(rest, folder)
        tormentor.start()
        printed = run_cli(["run", str(file), "--fresh", "--confirm", "secrets"], capsys)
        tormentor.join(timeout=30)
        if tormentor.problem is not None:
            raise AssertionError(f"{printed}\n{logged.getvalue()[-5000:]}") from tormentor.problem
        looks = [
            ["doctor", "lmex", "--param", f"rest_url={rest}"],
            ["doctor", str(file)],
            *(["lmex", name, "--url", rest] for name in ("positions", "orders", "balance")),
            ["status", str(folder)],
            ["journal", "show", str(folder)],
        ]
        for key, secret in ((KEY, SECRET), (WRONG_KEY, SECRET), (KEY, WRONG_SECRET)):
            monkeypatch.setenv("LMEX_API_KEY", key)
            monkeypatch.setenv("LMEX_API_SECRET", secret)
            for words in looks:
                printed += run_cli(words, capsys)
        printed += run_cli(
            ["run", str(file), "--fresh", "--confirm", "secrets", "--set", f"output={tmp_path / 'other'}"],
            capsys,
        )
    files = {str(one.relative_to(tmp_path)): file_text(one) for one in tmp_path.rglob("*") if one.is_file()}

    assert {"run/journal.sqlite", "run/status.json", "run/report.html"} <= set(files)
    assert any(name.startswith("run/recording/") for name in files)
    assert len(spoken.signatures) > 100
    assert len(tormentor.fired) >= len(FAULTS) - 2, tormentor.fired
    assert len(tormentor.shown) > 800
    assert any("LmexBroker(" in text for text in tormentor.shown)
    log = logged.getvalue()
    assert "hookline.lmex" in log
    assert spoken.leaks(log) == []
    assert spoken.leaks(printed) == []
    assert [name for name, text in files.items() if spoken.leaks(name + text)] == []
    assert [text[:300] for text in tormentor.shown if spoken.leaks(text)] == []
    print(
        f"{len(files)} files with {sum(map(len, files.values())):,} characters, {len(log):,} characters of log, "
        f"{len(tormentor.shown):,} texts of objects, {len(spoken.signatures):,} signatures; faults: {tormentor.fired}"
    )


ANSWERS = [
    (KEY, WRONG_SECRET, None),
    (WRONG_KEY, SECRET, None),
    (READER, SECRET, None),
    (KEY, SECRET, {"name": "malformed_json", "value": "rest"}),
    (KEY, SECRET, {"name": "error_before", "value": "cut"}),
    (KEY, SECRET, {"name": "error_after", "value": "cut"}),
    (KEY, SECRET, {"name": "error_after", "value": 502}),
    (KEY, SECRET, {"name": "rate_limit_storm", "value": 30}),
    (KEY, SECRET, {"name": "delay_acks", "value": 2}),
    (KEY, SECRET, {"name": "maintenance"}),
    (KEY, SECRET, {"name": "clock_skew", "value": 500_000}),
]


@pytest.mark.slow
def test_no_error_tells_them_even_with_the_locals_of_every_frame(monkeypatch, spoken, logged):
    async def provoke(rest, socket, key, secret):
        settings = Settings(
            rest_url=rest,
            socket_url=socket,
            clock_speed=SPEED,
            timeout_seconds=0.5,
            retries=1,
            patience_seconds=0.1,
        )
        found = []
        new = NewOrder(symbol="BTC-PERP", side=Side.BUY, kind=OrderKind.MARKET, size=1, client_order_id="one")
        async with LmexClient(settings, Credentials(key, secret)) as client:
            calls = [
                client.futures.wallet, client.spot.wallet, client.futures.positions, lambda: client.futures.create_order(new),
                lambda: client.futures.cancel_all("BTC-PERP"), lambda: client.futures.order(client_order_id="two"),
            ]  # fmt: skip
            for call in calls:
                try:
                    await call()
                except LmexError as error:
                    found.append(told(error))
        return found

    async def listen(rest, socket, key, secret):
        settings = Settings(rest_url=rest, socket_url=socket, clock_speed=SPEED)
        async with LmexClient(settings, Credentials(key, secret)) as client:
            stream = AccountStream(
                settings, Credentials(key, secret), client.clock, ["futures"], *[lambda *_: None] * 5,
                on_trouble=lambda text: logging.getLogger("test").warning("%s", text),
            )  # fmt: skip
            try:
                async with asyncio.timeout(1):
                    await stream.run()
            except (VenueError, TimeoutError) as error:
                return told(error)
        return ""

    errors = []
    with venue() as (rest, socket):
        for key, secret, fault in ANSWERS:
            if fault is not None:
                ask(rest, "POST", "faults", fault)
            try:
                errors += asyncio.run(provoke(rest, socket, key, secret))
            except LmexError as error:  # of opening
                errors.append(told(error))
            ask(rest, "DELETE", "faults")
            if fault is None:
                errors.append(asyncio.run(listen(rest, socket, key, secret)))
    assert len(errors) > 20
    assert len(spoken.signatures) > 20
    assert [text for text in errors if spoken.leaks(text)] == []
    assert spoken.leaks(logged.getvalue()) == []


def test_what_is_looked_for_would_be_found(tmp_path, spoken):
    code = compile(
        "def fail(key):\n    header = {'request-api': key}\n    raise ValueError(len(header))",
        "client.py",
        "exec",
    )
    found = {}
    exec(code, found)
    with pytest.raises(ValueError, match="1") as caught:
        found["fail"](KEY)
    assert KEY in spoken.leaks(told(caught.value))
    made = http.sign(SECRET, "/api/v3.3/order", 1, b"")
    assert made in spoken.signatures
    assert spoken.leaks(made[10:])
    (tmp_path / "packed.gz").write_bytes(gzip.compress(f"x{SECRET[:20]}".encode()))
    assert spoken.leaks(file_text(tmp_path / "packed.gz"))
    assert not spoken.leaks("nothing of them")
