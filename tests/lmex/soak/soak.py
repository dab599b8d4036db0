"""A soak: a live session at the emulated venue, for long, whose sockets are cut every minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["Soak", "soak"]

_FOLDER = Path(__file__).parent
_SESSION = """
name: soak
mode: live
symbols: [BTC-PERP, ETH-PERP]
timeframe: 1m
cash: 20000
output: {folder}
feed: {{use: lmex, params: {{rest_url: "{rest}", socket_url: "{socket}", clock_speed: {speed}}}}}
broker: {{use: lmex, params: {{rest_url: "{rest}", socket_url: "{socket}", clock_speed: {speed}}}}}
strategies:
  - {{use: ema_cross, symbols: [BTC-PERP], params: {{fast: 3, slow: 8, adx_min: 0}}}}
  - use: market_maker
    symbols: [ETH-PERP]
    params: {{order_size: 0.5, max_position: 2, spread_bps: 2, refresh_ms: 2000}}
require_stops: false
live: {{reconcile_seconds: 5, dead_man_seconds: 60}}
on_stop: flatten
"""


@dataclass(frozen=True)
class Soak:
    """What was seen of a session.

    Args:
        seen: What it told of itself.
        truth: What the venue told of the account.
        minutes: Of the venue's time.
    """

    seen: dict[str, Any]
    truth: dict[str, Any]
    minutes: float

    def middle(self, name: str, part: int) -> float:
        """Return the median of what was sampled in one third of the time, the first quarter left out: 0 is the first."""
        samples = [one[name] for one in self.seen["samples"]]
        samples = samples[len(samples) // 4 :]
        third = len(samples) // 3
        return median(samples[part * third : (part + 1) * third])

    def growth(self, name: str) -> float:
        """Return how much the last third has more than the first, as a share."""
        return self.middle(name, 2) / self.middle(name, 0) - 1.0

    @property
    def lines(self) -> list[str]:
        """The figures, to be shown."""
        seen = self.seen
        figures = ", ".join(
            f"{name} {self.middle(name, 0):,.1f} then {self.middle(name, 2):,.1f} ({self.growth(name):+.1%})"
            for name in ("megabytes", "objects", "tasks")
        )
        return [
            f"{self.minutes:g} minutes of the venue in {seen['samples'][-1]['seconds']:.0f} s; sockets lost {seen['losses']} times",
            f"first and last third: {figures}; most tasks {max(one['tasks'] for one in seen['samples'])}",
            f"orders {seen['orders']}, fills {len(seen['fills'])}, at the venue {len(self.truth['fills'])}",
            f"problems: {seen['problems'] or 'none'}",
        ]


def soak(folder: Path, minutes: float, speed: float) -> Soak:
    """Run a session for so many minutes of a venue whose clock runs so many times as fast."""
    environ = os.environ | {"PYTHONWARNINGS": "always"}
    venue = subprocess.Popen(
        [sys.executable, str(_FOLDER / "soak_venue.py"), str(speed)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert venue.stdin is not None
        assert venue.stdout is not None
        rest, socket, key, secret = json.loads(venue.stdout.readline())
        file = folder / "soak.yaml"
        file.write_text(_SESSION.format(folder=folder / "run", rest=rest, socket=socket, speed=speed))
        seconds = minutes * 60.0 / speed
        done = subprocess.run(
            [sys.executable, str(_FOLDER / "soak_session.py"), str(file), str(seconds), str(speed)],
            env=environ | {"LMEX_API_KEY": key, "LMEX_API_SECRET": secret}, cwd=folder,
            capture_output=True, text=True, timeout=seconds + 90.0, check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(done.stderr)
        venue.stdin.write("done\n")
        venue.stdin.flush()
        truth = json.loads(venue.stdout.readline())
    finally:
        venue.kill()
        venue.communicate(timeout=20)
    return Soak(json.loads(done.stdout.splitlines()[-1]), truth, minutes)
