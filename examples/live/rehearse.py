"""A session that trades live, rehearsed from beginning to end: the emulated venue, the session, a look at both, a comparison.

Run it with the Python that has hookline: ``python examples/live/rehearse.py [SECONDS]``. No network and no money is needed.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from hookline_lmex.client import LmexClient
from hookline_lmex.credentials import read_credentials
from hookline_lmex.settings import Settings

HERE = Path(__file__).resolve().parent
HOOKLINE = [str(Path(sys.executable).with_name("hookline"))]
KEY = re.compile(r"export (LMEX_API_\w+)=(\S+)")
SYMBOLS = ["BTC-PERP", "ETH-PERP"]
READY_SECONDS = 60


def main(seconds):
    emulator = subprocess.Popen(
        [*HOOKLINE, "lmex-emulator", "--speed", "60", "--port", "0", "--seed", "7", "--quiet"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        environ = {"COLUMNS": "110"} | os.environ | venue_of(emulator)
        folder = Path("runs") / "rehearsal"
        session = subprocess.Popen(
            [*HOOKLINE, "run", str(HERE / "rehearsal.yaml"), "--fresh", "--confirm", "rehearsal"], env=environ
        )
        try:
            time.sleep(seconds)
            url = ["--url", environ["LMEX_REST_URL"], "--clock-speed", "60"]
            for words in (["status", str(folder)], ["lmex", "positions", *url], ["lmex", "orders", *url]):
                print(f"\n$ hookline {' '.join(words)}", flush=True)
                subprocess.run([*HOOKLINE, *words], env=environ, check=True)
        finally:
            session.send_signal(signal.SIGINT)
            code = session.wait(timeout=60)
        same = compare(folder, environ)
        print("\n$ hookline replay", folder, flush=True)
        subprocess.run([*HOOKLINE, "replay", str(folder)], env=environ, check=True)
    finally:
        emulator.send_signal(signal.SIGINT)
        emulator.wait(timeout=20)
    return 0 if same and code in (0, 130) else 1


def venue_of(emulator):
    """Return where the emulator listens and the key of its account, as environment variables."""
    found, until = {}, time.monotonic() + READY_SECONDS
    for line in emulator.stdout:
        for name, pattern in (("LMEX_REST_URL", r"^REST\s+(\S+)"), ("LMEX_SOCKET_URL", r"^sockets\s+(\S+)")):
            match = re.match(pattern, line)
            if match:
                found[name] = match[1]
        found |= KEY.findall(line)
        if "Ctrl-C" in line:
            return found
        if time.monotonic() > until:
            break
    raise SystemExit("the emulator has not started")


def compare(folder, environ):
    """Say whether the session's journal and the venue tell the same fills, and what is left at the venue."""
    lines = (folder / "journal.jsonl").read_text().splitlines()
    ours = [row for row in map(json.loads, lines) if row["event"] == "fill"]
    theirs, positions = asyncio.run(ask(environ))
    print(f"\nfills in the journal: {len(ours)}; at the venue: {len(theirs)}")
    print(f"positions left at the venue: {[one.symbol for one in positions] or 'none'}")
    return len(ours) == len(theirs) and not positions


async def ask(environ):
    """Return the account's fills and positions, as the venue tells them."""
    settings = Settings(rest_url=environ["LMEX_REST_URL"], clock_speed=60)
    async with LmexClient(settings, read_credentials(environ=environ)) as client:
        fills = [one for symbol in SYMBOLS for one in await client.futures.trade_history(symbol)]
        return fills, await client.futures.positions()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
