"""What can go wrong with a file: each is a clear error, and nothing is overwritten."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from journal_events import CONFIG, bar_batch, header, trade_batch

from hookline.errors import JournalError
from hookline.journal import Journal, read_journal, verify_journal
from hookline.journal.connect import connected

HERE = Path(__file__).parent
WRITABLE = "give this user the right to write the file and its folder"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def written(path):
    """A journal of ten trades, closed."""
    with Journal.create(path, header()) as journal:
        for number in range(10):
            journal.commit(trade_batch(number))
    return path


def killed_after(path: Path, count: int) -> None:
    """Write trades in another process that dies without closing anything."""
    code = f"""
import os, sys
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
from journal_events import header, trade_batch
from hookline.journal import Journal
journal = Journal.create(Path({str(path)!r}), header())
for number in range({count}):
    journal.commit(trade_batch(number))
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0xFF
    path.write_bytes(data)


def as_nobody(action: Callable[[], object]) -> str:
    """Do something in another process, as a user without rights of its own, and return what comes of it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        said = "another error"
        try:
            said = str(action())
        except JournalError as error:
            said = f"JournalError: {error}"
        finally:
            os.write(write, said.encode())
            os._exit(0)
    os.close(write)
    said = os.read(read, 4096).decode()
    os.close(read)
    os.waitpid(child, 0)
    return said


@pytest.fixture
def shared_folder():
    """A folder that other users can reach, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_an_existing_journal_is_never_begun_again(written):
    before = written.read_bytes()
    with pytest.raises(JournalError, match="must not exist yet; open it to go on"):
        Journal.create(written, header())
    assert written.read_bytes() == before


def test_a_missing_journal_is_told(path):
    with pytest.raises(JournalError, match="no such file"):
        Journal.open(path, header())
    with pytest.raises(JournalError, match="no such file"):
        read_journal(path)
    assert not path.exists()


def test_a_second_process_is_told_who_has_the_journal(path):
    journal = Journal.create(path, header())
    code = f"""
from pathlib import Path
import sys
sys.path.insert(0, {str(HERE)!r})
from journal_events import header
from hookline.journal import Journal
Journal.open(Path({str(path)!r}), header())
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert f"in use by process {os.getpid()}; a session has one process" in done.stderr
    journal.commit(bar_batch(0))
    journal.close()
    assert read_journal(path).commits == 2
    Journal.open(path, header()).close()


def test_a_reader_reads_while_a_session_writes(path):
    with Journal.create(path, header()) as journal:
        for number in range(5):
            journal.commit(trade_batch(number))
            assert read_journal(path).commits == number + 2
            assert verify_journal(path).is_good


def test_a_changed_configuration_is_refused_unless_accepted(written):
    changed = header(config=CONFIG | {"cash": "2000", "seed": 7})
    with pytest.raises(JournalError, match="must be the one that it was begun with, differs in cash, seed"):
        Journal.open(written, changed)
    with Journal.open(written, changed, accept_changes=True) as journal:
        journal.commit(bar_batch(10))
    assert read_journal(written).header == changed
    with pytest.raises(JournalError, match="differs in cash, seed"):
        Journal.open(written, header())
    Journal.open(written, changed).close()


def test_a_full_disk_keeps_every_whole_event(path):
    journal = Journal.create(path, header())
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(JournalError, match="the disk is full; free some space, then start the session again"):
        list(map(journal.commit, map(trade_batch, range(10_000))))
    written = len(read_journal(path).fills)
    assert written > 0
    assert verify_journal(path).is_good
    with Journal.open(path, header()) as again:
        again.commit(trade_batch(written))
    assert len(read_journal(path).fills) == written + 1


def test_a_full_device_is_told_when_a_journal_is_begun(tmp_path, monkeypatch):
    path = tmp_path / "journal.sqlite"

    def connect(*_args):
        connection = sqlite3.connect(tmp_path / "journal.sqlite.part", isolation_level=None)
        connection.execute("PRAGMA max_page_count = 3")
        return connection

    monkeypatch.setattr("hookline.journal.writer.connected", connect)
    with pytest.raises(JournalError, match="the disk is full"):
        Journal.create(path, header())
    assert [file.name for file in tmp_path.iterdir()] == ["journal.sqlite.lock"]
    monkeypatch.undo()
    Journal.create(path, header()).close()


def test_a_read_only_folder_is_told(shared_folder):
    path, other = shared_folder / "journal.sqlite", shared_folder / "other.sqlite"
    with Journal.create(path, header()) as journal:
        journal.commit(bar_batch(0))
    shared_folder.chmod(0o555)
    for file in shared_folder.iterdir():
        file.chmod(0o444)
    said = f"must be writable, was not permitted; {WRITABLE}"
    assert as_nobody(lambda: Journal.open(path, header())) == f"JournalError: journal {path}: {said}"
    assert as_nobody(lambda: Journal.create(other, header())) == f"JournalError: journal {other}: {said}"
    assert as_nobody(lambda: read_journal(path).commits) == "2"


def test_a_read_only_file_is_told(shared_folder):
    path = shared_folder / "journal.sqlite"
    with Journal.create(path, header()) as journal:
        journal.commit(bar_batch(0))
    path.with_name("journal.sqlite.lock").chmod(0o666)
    path.chmod(0o444)
    shared_folder.chmod(0o777)
    before = path.read_bytes()
    assert as_nobody(lambda: Journal.open(path, header())).startswith(
        f"JournalError: journal {path}: must be writable, was read-only; {WRITABLE}"
    )
    assert path.read_bytes() == before
    assert as_nobody(lambda: read_journal(path).commits) == "2"


def test_other_files_are_told_from_journals(path):
    path.write_bytes(b"")
    with pytest.raises(JournalError, match=r"must be an SQLite file, began with b''"):
        Journal.open(path, header())
    path.write_text("time,open,high,low,close")
    with pytest.raises(JournalError, match=r"must be an SQLite file, began with b'time,open"):
        read_journal(path)
    assert path.read_text() == "time,open,high,low,close"
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(JournalError, match="must be a journal of hookline, was another SQLite file"):
        Journal.open(path, header())


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_told_and_left_as_it_is(written, share):
    data = written.read_bytes()
    written.write_bytes(data[: int(len(data) * share)])
    before = written.read_bytes()
    for use in (lambda: Journal.open(written, header()), lambda: read_journal(written)):
        with pytest.raises(JournalError, match=r"damaged; nothing was written; copy the folder"):
            use()
    assert not verify_journal(written).is_good
    assert written.read_bytes() == before


@pytest.fixture
def opened(monkeypatch):
    """Every connection to a file that was opened since."""
    connections = []

    def noted(path, mode="rw"):
        connections.append(connected(path, mode))
        return connections[-1]

    for module in ("connect", "writer"):
        monkeypatch.setattr(f"hookline.journal.{module}.connected", noted)
    return connections


def are_closed(connections):
    for connection in connections:
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            connection.execute("SELECT 1")
    return len(connections) > 0


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_damaged_file_is_let_go_of(written, opened, share):
    data = written.read_bytes()
    written.write_bytes(data[: int(len(data) * share)])
    for use in (lambda: Journal.open(written, header()), lambda: read_journal(written)):
        with pytest.raises(JournalError):
            use()
    assert not verify_journal(written).is_good
    assert are_closed(opened)


def test_a_journal_whose_start_cannot_be_written_is_let_go_of(written, opened, monkeypatch):
    def full(_journal, *_what, **_how):
        raise JournalError("the disk is full")

    monkeypatch.setattr(Journal, "_write", full)
    with pytest.raises(JournalError, match="the disk is full"):
        Journal.open(written, header())
    assert are_closed(opened)
    monkeypatch.undo()
    Journal.open(written, header()).close()


def test_no_flipped_byte_of_the_rows_goes_unnoticed(written):
    whole = written.read_bytes()
    places = [whole.index(b"strategy:s", 8192), whole.index(b"submitted", 8192), whole.index(b"100.0", 8192)]
    for place in places:
        flip(written, place)
        with pytest.raises(JournalError, match="damaged"):
            Journal.open(written, header())
        assert not verify_journal(written).is_good
        written.write_bytes(whole)
    assert verify_journal(written).is_good


def test_a_flipped_byte_anywhere_is_told_or_changes_nothing(written):
    whole, content = written.read_bytes(), read_journal(written)
    told = 0
    for place in random.Random(7).sample(range(len(whole)), 150):
        flip(written, place)
        try:
            found = read_journal(written)
        except JournalError:
            told += 1
        else:
            assert (found.fills, found.updates, found.states) == (
                content.fills,
                content.updates,
                content.states,
            )
            assert found.digest == content.digest
        written.write_bytes(whole)
    assert told > 5


def test_what_a_killed_process_wrote_is_all_there(path):
    killed_after(path, 10)
    assert path.with_name("journal.sqlite-wal").stat().st_size > 0
    assert len(read_journal(path).fills) == 10
    with Journal.open(path, header()) as journal:
        journal.commit(trade_batch(10))
    assert verify_journal(path).is_good
    assert len(read_journal(path).fills) == 11


def test_a_damaged_write_ahead_log_is_told_and_left_as_it_is(path):
    killed_after(path, 10)
    log = path.with_name("journal.sqlite-wal")
    whole = log.read_bytes()
    for place in (10, len(whole) // 2, len(whole) - 4096 * 8):
        flip(log, place)
        before = log.read_bytes()
        for use in (lambda: Journal.open(path, header()), lambda: read_journal(path)):
            with pytest.raises(JournalError, match=r"write-ahead log .*damaged.*copy the folder"):
                use()
        assert log.read_bytes() == before
        log.write_bytes(whole)
    assert len(read_journal(path).fills) == 10


def test_a_torn_end_of_the_write_ahead_log_costs_the_event_that_was_being_written_only(path):
    killed_after(path, 10)
    log = path.with_name("journal.sqlite-wal")
    log.write_bytes(log.read_bytes()[:-100])
    with Journal.open(path, header()) as journal:
        assert len(journal.content.fills) == 9
        journal.commit(trade_batch(9))
    assert verify_journal(path).is_good


def test_rows_can_be_added_but_never_changed_or_taken_away(written):
    connection = sqlite3.connect(written)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert len(tables) == 16
    filled = [name for name in tables if connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]]
    assert {"commits", "orders", "fills", "updates", "states", "bars"} <= set(filled)
    for name in filled:
        column = connection.execute(f"PRAGMA table_info({name})").fetchall()[0][1]
        for statement in (f"DELETE FROM {name}", f"UPDATE {name} SET {column} = 1"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
                connection.execute(statement)
    connection.close()
