"""A process that is killed leaves whole events only, however far it had come."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from journal_events import header, trade_batch

from hookline.journal import Journal, read_journal, verify_journal

HERE = Path(__file__).parent
WRITER = f"""
import os, sys
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
from journal_events import header, trade_batch
from hookline.journal import Journal
path = Path(sys.argv[1])
if path.exists():
    journal = Journal.open(path, header(), segment_bytes=400_000)
    number = journal.content.last_order
else:
    journal, number = Journal.create(path, header(), segment_bytes=400_000), 0
print("ready", flush=True)
while True:
    journal.commit(trade_batch(number))
    number += 1
    os.write(1, b"%d\\n" % number)
"""


def test_a_session_that_is_killed_again_and_again_loses_and_doubles_nothing(tmp_path):
    path = tmp_path / "journal.sqlite"
    chance = random.Random(11)
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.0, 0.12))
        child.send_signal(signal.SIGKILL)
        said = child.stdout.read().split(b"\n")
        child.stdout.close()
        child.wait()
        content = read_journal(path)
        committed = int(said[-2]) if len(said) > 1 else 0
        assert len(content.fills) >= committed, "what commit returned for is there"
        assert [fill.number for fill in content.fills] == list(range(1, len(content.fills) + 1))
        assert len(content.updates) == 3 * len(content.fills)
        assert verify_journal(path).fault == ""
    assert len(read_journal(path).starts) == 4


@pytest.mark.parametrize("step", range(1, 14))
def test_a_commit_that_stops_after_any_of_its_statements_leaves_nothing(tmp_path, step):
    """A child dies between two statements of the commit; the next process finds the events before."""
    path = tmp_path / "journal.sqlite"
    child = os.fork()
    if child == 0:
        journal = Journal.create(path, header())
        journal.commit(trade_batch(0))
        journal._connection = Dying(journal._connection, step)
        journal.commit(trade_batch(1))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    content = read_journal(path)
    assert len(content.fills) == (1 if status else 2)
    assert verify_journal(path).is_good
    with Journal.open(path, header()) as journal:
        journal.commit(trade_batch(len(content.fills)))
    assert len(read_journal(path).fills) == len(content.fills) + 1


class Dying:
    """A connection whose process is killed at its nth statement."""

    def __init__(self, connection, step):
        self._connection, self._left = connection, step

    def __getattr__(self, name):
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return getattr(self._connection, name)


def test_a_process_killed_while_it_begins_a_journal_leaves_none(tmp_path, monkeypatch):
    path = tmp_path / "journal.sqlite"
    child = os.fork()
    if child == 0:
        Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        Journal.create(path, header())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert not path.exists()
    with Journal.create(path, header()) as journal:
        journal.commit(trade_batch(0))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["journal.sqlite", "journal.sqlite.lock"]
    assert verify_journal(path).is_good
