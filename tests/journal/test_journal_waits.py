"""When a journal waits for the disk: losing power must not lose what was acted upon."""

from types import SimpleNamespace

import pytest
from journal_events import START, bar_batch, header, trade_batch

from hookline.journal import Journal, read_journal
from hookline.session.keeper import Keeper
from hookline.session.plan import JournalPlan

FULL, NORMAL = "FULL", "NORMAL"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "journal.sqlite"


def modes(journal):
    """Return a list that gets, with each commit to come, how SQLite treats the disk in it."""
    found, current = (
        [],
        [None, FULL, NORMAL][3 - journal._connection.execute("PRAGMA synchronous").fetchone()[0]],
    )

    def see(statement):
        nonlocal current
        if statement.startswith("PRAGMA synchronous"):
            current = statement.split()[-1]
        elif statement == "COMMIT":
            found.append(current)

    journal._connection.set_trace_callback(see)
    return found


def test_a_durable_journal_waits_unless_it_is_told_not_to(path):
    with Journal.create(path, header(), durable=True) as journal:
        found = modes(journal)
        for number, wait in enumerate([True, False, False, True]):
            journal.commit(trade_batch(number), wait=wait)
    assert found == [FULL, NORMAL, NORMAL, FULL]
    assert len(read_journal(path).fills) == 4


def test_a_journal_that_is_not_durable_never_waits(path):
    with Journal.create(path, header()) as journal:
        found = modes(journal)
        journal.commit(bar_batch(0), wait=True)
        journal.commit(bar_batch(1), wait=False)
        journal.commit(bar_batch(2), wait=True)
    assert found == [NORMAL] * 3


def test_the_log_of_the_database_is_kept_short_whether_anything_waits_or_not(path):
    for number, wait in ((0, False), (1, True)):
        own = path.with_name(f"{number}.sqlite")
        with Journal.create(own, header()) as journal:
            for count in range(4000):
                journal.commit(trade_batch(count), wait=wait)
            log = own.with_name(own.name + "-wal").stat().st_size
        assert 0 < log < (20_000_000 if wait else 8_000_000)


class Kernel:
    """What a keeper asks of a kernel."""

    def __init__(self, monkeypatch):
        self.broker = SimpleNamespace(has_requests=False)
        self.updates = self.fills = self.payments = ()
        self.gate = SimpleNamespace(decisions=())
        monkeypatch.setattr("hookline.session.keeper.save_kernel", lambda kernel: {})
        monkeypatch.setattr("hookline.session.keeper.wallet_cash", lambda kernel: [])

    def open_orders(self):
        return []

    def take(self):
        return SimpleNamespace(orders=[], updates=[], fills=[], seen=[], payments=[], decisions=[])


def test_a_session_waits_for_the_disk_before_it_sends_and_once_a_second(tmp_path, monkeypatch):
    kernel = Kernel(monkeypatch)
    keeper = Keeper(JournalPlan(tmp_path, durable=True), header())
    found = modes(keeper._journal)
    for tenths, sends in (
        (0, False),
        (1, False),
        (2, True),
        (3, False),
        (11, False),
        (12, False),
        (13, False),
    ):
        kernel.broker.has_requests = sends
        keeper.commit(kernel, START + tenths * 10**8)
    keeper.close("finished")
    assert found == [FULL, NORMAL, FULL, NORMAL, NORMAL, FULL, NORMAL, FULL]
