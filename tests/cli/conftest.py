from collections.abc import Callable
from typing import NamedTuple

import pytest

from fake_distributions import install
from hookline.cli import main

__all__ = ["hookline", "install", "session"]

SESSION = """\
symbols: [BTC-PERP]
timeframe: 1h
feed: {use: synthetic, params: {bars: 300}}
strategies:
  - use: buy_and_hold
reporters: [json]
"""


class Ran(NamedTuple):
    """What a command line did."""

    code: int
    out: str
    err: str


@pytest.fixture
def hookline(capsys, monkeypatch, tmp_path) -> Callable[..., Ran]:
    """Run a command line in this process, in a folder of its own, on a terminal wide enough for every table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(ended.value.code or 0, out, err)

    return run


@pytest.fixture
def session(tmp_path):
    """Write a session file; pairs of texts are replaced in it first."""

    def write(*changes, name="demo.yaml"):
        text = SESSION
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text)
        return path

    return write
