"""How much the time that orders take changes what a live session trades.

    python benchmarks/parity_latency.py

The sessions of the parity tests, and two that trade on a recorded book for five minutes, run live against the emulated venue over real sockets.
The venue moves by steps and keeps orders on their way for ``order_latency_ms`` of its own time, half of it there and half back, so
that the numbers are the same on every machine. Without the recorded data (``--data``, or ``HOOKLINE_TEST_DATA``) nothing runs.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

_ROOT = Path(__file__).resolve().parents[1]
_LATENCIES = (0.0, 50.0, 250.0, 1000.0)
_TRADES = "trades/binance_usdm_{}_trades_2024-08-08.parquet"
_GRID = {"use": "grid_arithmetic", "params": {"low": 61_500, "high": 62_000, "num_grids": 10}}
_SPAN = {"since": "2024-08-08T23:54:30", "until": "2024-08-08T23:59:30"}


@dataclass(frozen=True)
class Row:
    """A session at one latency, beside the same one without any.

    Args:
        session: What ran.
        latency_ms: From an order to its answer.
        fills: How many there were.
        gone: Fills of the session without latency that this one has not, by side, lots and price.
        new: Fills of this session that the one without latency has not.
        price_bps: How much worse its average prices are, basis points, weighted by what was traded.
        pnl: In quote currency, fees and open positions included.
        pnl_change: Against the session without latency.
        modelled_pnl: Of a backtest with a latency model of the same times; None where bars fill the orders.
    """

    session: str
    latency_ms: float
    fills: int
    gone: int
    new: int
    price_bps: float
    pnl: float
    pnl_change: float
    modelled_pnl: float | None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    default = os.environ.get("HOOKLINE_TEST_DATA", _ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), help="folder of the recorded data")
    parser.add_argument("--only", action="append", help="a session; may be repeated")
    parser.add_argument(
        "--latency", type=float, nargs="+", default=_LATENCIES, help="milliseconds; 0 is always run"
    )
    parser.add_argument("--json", action="store_true", help="rows as JSON")
    args = parser.parse_args()
    if not args.data.is_dir():
        print(f"no recorded data in {args.data}; see --data", file=sys.stderr)
        return 2
    logging.disable(logging.WARNING)
    rows = []
    for row in measured(args.data, args.only, sorted({0.0, *args.latency})):
        rows.append(row)
        if not args.json:
            print(line(row) if len(rows) > 1 else f"{HEADER}\n{line(row)}", flush=True)
    if args.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        print("\n" + "\n".join(moves(args.data, sorted({*args.latency} - {0.0}))))
    return 0


def sessions() -> dict[str, Any]:
    """Return the stories by name."""
    sys.path.insert(0, str(_ROOT / "tests" / "parity"))
    from parity_stories import MAKER, STORIES

    on_book = {
        "maker, book": replace(MAKER, **_SPAN),
        "grid, book": replace(MAKER, strategy=_GRID, **_SPAN),
    }
    return {f"{name}, bars": story for name, story in STORIES.items() if not story.tape} | on_book


def measured(data: Path, only: list[str] | None, latencies: list[float]) -> Iterator[Row]:
    """Run everything, and yield its rows; the first latency must be none."""
    for name, story in sessions().items():
        if only and name not in only:
            continue
        base = None
        for latency in latencies:
            result = live(story, data, latency)
            base = base or result
            yield compared(name, latency, result, base, modelled(story, data, latency))


def live(story: Any, data: Path, latency_ms: float) -> Any:
    """Return the result of a live session."""
    from parity_sessions import run_live

    with tempfile.TemporaryDirectory() as folder:
        return run_live(story, data, Path(folder), order_latency_ms=latency_ms)[0]


def modelled(story: Any, data: Path, latency_ms: float) -> float | None:
    """Return what a backtest says that models the latency, None where it has none to model."""
    from parity_sessions import run

    if not story.tape:
        return None
    half = {"entry_ms": latency_ms / 2, "response_ms": latency_ms / 2}
    with_model = replace(story, broker={"latency": half} if latency_ms else {})
    with tempfile.TemporaryDirectory() as folder:
        result = run(with_model, "backtest", data, Path(folder))
    return pnl(result)


def compared(name: str, latency: float, result: Any, base: Any, model: float | None) -> Row:
    """Return the row of a session beside the one without latency."""
    ours, theirs = fills(result), fills(base)
    return Row(
        session=name,
        latency_ms=latency,
        fills=sum(ours.values()),
        gone=sum((theirs - ours).values()),
        new=sum((ours - theirs).values()),
        price_bps=worse_bps(ours, theirs),
        pnl=pnl(result),
        pnl_change=round(pnl(result) - pnl(base), 6) + 0.0,  # no negative zero
        modelled_pnl=model,
    )


def fills(result: Any) -> Counter[tuple[str, int, int, float]]:
    """Return how often something was filled: symbol, side, lots and price."""
    return Counter((one.symbol, int(one.side), one.lots, one.price) for one in result.record.fills)


def pnl(result: Any) -> float:
    """Return profit or loss in quote currency."""
    return float(result.metrics.final_equity - result.record.cash)


def worse_bps(
    ours: Mapping[tuple[str, int, int, float], int], theirs: Mapping[tuple[str, int, int, float], int]
) -> float:
    """Return how much worse average prices are, basis points: higher of what is bought, lower of what is sold.

    >>> worse_bps({("X", 1, 10, 101.0): 1, ("X", -1, 10, 100.0): 1}, {("X", 1, 10, 100.0): 1, ("X", -1, 10, 100.0): 1})
    50.0
    """
    total = weight = 0.0
    for key in {(symbol, side) for symbol, side, _, _ in ours}:
        before = average(theirs, *key)
        now = average(ours, *key)
        if before is not None and now is not None:
            lots = sum(count * n for (symbol, side, count, _), n in ours.items() if (symbol, side) == key)
            worth = lots * now
            total += key[1] * (now / before - 1.0) * 1e4 * worth
            weight += worth
    return round(total / weight, 6) if weight else 0.0


def average(found: Mapping[tuple[str, int, int, float], int], symbol: str, side: int) -> float | None:
    """Return the average price of one side of a market, None where nothing was filled."""
    own = [(lots * n, price) for (one, way, lots, price), n in found.items() if (one, way) == (symbol, side)]
    lots = sum(count for count, _ in own)
    return sum(count * price for count, price in own) / lots if lots else None


HEADER = f"{'session':14} {'latency':>8} {'fills':>6} {'gone':>6} {'new':>6} {'price bps':>10} {'PnL':>10} {'change':>9} {'modelled':>10}"


def line(row: Row) -> str:
    """Return a row as text."""
    model = "" if row.modelled_pnl is None else f"{row.modelled_pnl:,.2f}"
    return (
        f"{row.session:14} {row.latency_ms:5,.0f} ms {row.fills:6,} {row.gone:6,} {row.new:6,} {row.price_bps:+10.3f} "
        f"{row.pnl:10,.2f} {row.pnl_change:+9,.2f} {model:>10}"
    )


def moves(data: Path, latencies: list[float]) -> list[str]:
    """Return how far the last price of recorded trades moves in a time."""
    import pyarrow.parquet as pq

    lines = [f"{'price moves':14} {'in':>8} {'mean bps':>10} {'95 % below':>11} {'most':>8}"]
    for symbol in ("BTCUSDT", "ETHUSDT"):
        table = pq.read_table(data / _TRADES.format(symbol))
        time, price = table["ts"].to_numpy(), table["price"].to_numpy()
        for latency in latencies:
            found = np.abs(moved_bps(time, price, latency))
            mean, high, most = found.mean(), np.percentile(found, 95), found.max()
            lines.append(f"{symbol:14} {latency:5,.0f} ms {mean:10.3f} {high:11.3f} {most:8.2f}")
    return lines


def moved_bps(time: Any, price: Any, latency_ms: float) -> Any:
    """Return, for each millisecond of a recording, by how many basis points the last price moves within a time."""
    step = 10**6
    grid = np.arange(time[0], time[-1] - round(latency_ms * step), step)
    now = price[np.searchsorted(time, grid, "right") - 1]
    then = price[np.searchsorted(time, grid + round(latency_ms * step), "right") - 1]
    return (then / now - 1.0) * 1e4


if __name__ == "__main__":
    sys.exit(main())
