"""Ctrl-C ends a run at a bar's end, with a result."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = '''
import os, signal, sys
from dataclasses import dataclass
from pathlib import Path
import hookline as hl
from hookline.session.session import Session
from driver_sessions import plan_of

@dataclass
class Impatient(hl.Strategy):
    """Buys on every bar, and presses Ctrl-C on one."""
    name = "impatient"
    seen = 0
    def on_bar(self, ctx, bar):
        self.seen += 1
        ctx.target(bar.symbol, 0.01 * (self.seen % 3))
        if self.seen in PRESSES:
            os.kill(os.getpid(), signal.SIGINT)
    def on_stop(self, ctx):
        self.equity = ctx.equity

PRESSES = [int(word) for word in sys.argv[3].split(",")]
strategy = Impatient()
plan = plan_of(sys.argv[1], Path(sys.argv[2]), [strategy], symbols=tuple(sys.argv[4:]))
result = Session(plan).run()
bars = sum(len(series) for series in result.record.series.values())
print(result.record.interrupted, strategy.seen, bars, result.metrics.final_equity / strategy.equity)
print("restored", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
'''
BARS = 20_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory, real_data):
    from driver_sessions import save_bars

    return save_bars(tmp_path_factory.mktemp("bars"), real_data, BARS)


def run_interrupted(mode, folder, presses, *symbols):
    """Run the program above and return its exit code, what it printed and what it complained of."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, mode, str(folder), presses, *symbols],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    return done.returncode, done.stdout.split(), done.stderr


@pytest.mark.parametrize("mode", ["backtest", "paper"])
@pytest.mark.parametrize("symbols", [("BTCUSDT",), ("BTCUSDT", "ETHUSDT")])
def test_an_interrupt_ends_the_run_early_with_a_result_of_the_bars_seen(folder, mode, symbols):
    code, (interrupted, seen, bars, ratio, *restored), complaints = run_interrupted(
        mode, folder, "100", *symbols
    )

    assert (code, complaints) == (0, "")
    assert interrupted == "True"
    assert 100 <= int(seen) < BARS
    assert int(bars) == int(seen)
    assert float(ratio) == pytest.approx(1.0, rel=1e-12)
    assert restored == ["restored", "True"]


def test_a_second_interrupt_aborts(folder):
    code, printed, complaints = run_interrupted("backtest", folder, "100,200", "BTCUSDT")

    assert code != 0
    assert printed == []
    assert "KeyboardInterrupt" in complaints


def test_a_run_that_is_left_alone_says_so(folder):
    code, (interrupted, seen, bars, *_), _ = run_interrupted("backtest", folder, "0", "BTCUSDT")

    assert (code, interrupted, seen, bars) == (0, "False", str(BARS), str(BARS))
