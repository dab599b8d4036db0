"""The types that plugin authors see: right code checks, mistakes are found."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def mypy(path: Path) -> list[str]:
    sources = os.pathsep.join(str(ROOT / name) for name in ("engine", "plugins", "brokers", "feeds"))
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", str(path)]
    environment = {**os.environ, "MYPYPATH": sources}
    shown = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    return [line for line in shown.stdout.splitlines() if path.name in line and "error:" in line]


@pytest.mark.slow
def test_plugin_code_passes_mypy_strict():
    assert mypy(HERE / "must_check.py") == []


@pytest.mark.slow
def test_mypy_finds_every_mistake_and_nothing_else():
    path = HERE / "must_not_check.py"
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    expected = {(number, code) for number, line in lines for code in re.findall(r"# E: ([\w-]+)", line)}
    found = set()
    for line in mypy(path):
        number, code = re.search(r":(\d+): error: .*\[([\w-]+)\]$", line).groups()
        found.add((int(number), code))
    assert found == expected
