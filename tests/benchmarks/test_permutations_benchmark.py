"""The benchmark of permutation tests runs."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "permutations.py"


def test_every_test_is_measured():
    options = ["--bars", "200", "--permutations", "50", "--repeat", "1", "--json"]
    shown = subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=True)
    rows = json.loads(shown.stdout)
    assert [row["name"] for row in rows] == [
        "permutation test, returns",
        "permutation test, blocks",
        "permutation test, shifts",
        "bootstrap intervals",
        "overfitting of 100 trials",
    ]
    assert all(row["one_thread"] > 0 for row in rows)
