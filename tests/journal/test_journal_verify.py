"""Journals that are whole as files and chained as they should be, but tell what cannot be."""

from __future__ import annotations

import re
import sqlite3
from decimal import Decimal

import pytest
from journal_events import START, bar_batch, fill, header, order, time_of, trade_batch, update

from hookline.journal import Balance, Batch, Decision, Journal, verify_journal
from hookline.journal.chain import FIRST_DIGEST, chained
from hookline.journal.schema import TABLES


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


def written(path, *batches):
    with Journal.create(path, header()) as journal:
        for batch in batches:
            journal.commit(batch)


def tampered(path, statement):
    """Change rows in spite of the triggers, as someone who wants to deceive would."""
    connection = sqlite3.connect(path)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    changed = connection.execute(statement).rowcount
    assert changed != 0
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


def rechained(path, statement):
    """Change rows and compute every digest anew, as someone who knows how would."""
    connection = sqlite3.connect(path)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    digest = FIRST_DIGEST
    for number, time, position in connection.execute("SELECT number, time, position FROM commits").fetchall():
        rows = [
            (table, found)
            for table in TABLES
            if (
                found := connection.execute(
                    f"SELECT * FROM {table} WHERE commit_number = {number}"
                ).fetchall()
            )
        ]
        digest = chained(digest, number, time, position, rows)
        connection.execute("UPDATE commits SET digest = ? WHERE number = ?", (digest, number))
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


def test_a_good_journal_says_what_was_checked(path):
    cash = Decimal(1000) - Decimal("0.01") * 100 - Decimal("0.05")
    trade = trade_batch(0)
    trade.balances = [Balance(time_of(0), "s", "USDT", cash)]
    written(path, trade, bar_batch(1))
    found = verify_journal(path)
    assert found.is_good
    assert found.checks[1].startswith("3 commits chained without a gap, last digest ")
    assert [found.checks[0], *found.checks[2:]] == [
        "1 file whole, with the tables and triggers of schema version 1",
        "3 order updates, every step legal",
        "1 order numbered once, fills add up to what is filled",
        "1 fill of whole lots, sums equal to the positions",
        "1 recorded balance equal to cash replayed in decimals",
    ]


@pytest.mark.parametrize(
    ("statement", "commit"),
    [
        ("UPDATE fills SET price = '99.0' WHERE number = 2", 3),
        ("UPDATE fills SET price = '100.00' WHERE number = 1", 2),
        ("DELETE FROM updates WHERE order_number = 3", 4),
        ("INSERT INTO halts VALUES (2, 1, 'none')", 2),
        ("UPDATE commits SET time = time + 1 WHERE number = 3", 3),
        ("UPDATE commits SET position = '{}' WHERE number = 4", 4),
    ],
)
def test_the_first_commit_that_was_changed_is_named(path, statement, commit):
    written(path, *map(trade_batch, range(4)))
    tampered(path, statement)
    found = verify_journal(path)
    assert f"commit {commit}: its rows do not fit its digest" in found.fault
    assert len(found.checks) == 1


def test_commits_that_were_taken_away_are_noticed(path):
    written(path, *map(trade_batch, range(4)))
    tampered(path, "DELETE FROM commits WHERE number = 3")
    assert "commit 3 is missing" in verify_journal(path).fault


def test_the_last_commit_cannot_be_taken_away_and_leave_its_rows(path):
    written(path, *map(trade_batch, range(4)))
    tampered(path, "DELETE FROM commits WHERE number = 5")
    assert "table bars has rows of commit 5, which is missing" in verify_journal(path).fault


def test_a_trigger_that_was_taken_away_is_noticed(path):
    written(path, bar_batch(0))
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER fills_no_update")
    connection.close()
    assert "trigger fills_no_update is not as it was made" in verify_journal(path).fault


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "UPDATE updates SET status = 'denied' WHERE order_number = 2",
            "order s-2: cannot go from denied to denied",
        ),
        ("UPDATE fills SET lots = 9, quantity = '0.009' WHERE number = 2", "order s-2: fills must add up"),
        ("UPDATE fills SET quantity = '0.02' WHERE number = 2", "fill 2: quantity must be 0.01, was 0.02"),
        ("UPDATE fills SET side = 'buy' WHERE number = 2", "fill 2: must be of .* as its order"),
        ("UPDATE fills SET number = 7 WHERE number = 2", "fills must be numbered from 1 on, was 7 after 1"),
        ("UPDATE balances SET cash = '1000.01'", "commit 5: cash of 's' in 'USDT' must be .*, was 1000.01"),
        (
            "UPDATE fills SET order_number = 77 WHERE number = 2",
            "commit 3: a fill must be of an order that was written",
        ),
    ],
)
def test_what_cannot_be_is_found_behind_a_good_chain(path, statement, fault):
    cash = Decimal(1000) + Decimal("0.01") * (-100 + 101 - 102 + 103) - 4 * Decimal("0.05")
    last = trade_batch(3)
    last.balances = [Balance(time_of(3), "s", "USDT", cash)]
    written(path, *map(trade_batch, range(3)), last)
    rechained(path, "UPDATE fills SET price = price")
    assert verify_journal(path).is_good
    rechained(path, statement)
    assert re.search(fault, verify_journal(path).fault)


def test_funding_counts_into_the_replayed_cash(path):
    one = order(1)
    steps = [update(1, "submitted"), update(1, "filled")]
    paid = Balance(START + 1, "s", "USDT", Decimal("998.70"))
    written(
        path,
        Batch(START, orders=[one], updates=steps, fills=[fill(1, one)]),
        Batch(START + 1, payments=[(START + 1, "s", "BTC", -0.25)], balances=[paid]),
        Batch(START + 2, decisions=[Decision(START + 2, "max_leverage", "warn", "s", None, "leverage 9")]),
    )
    assert verify_journal(path).is_good
    rechained(path, "UPDATE payments SET amount = '-0.24'")
    assert "must be 998.71 after all fills and payments, was 998.70" in verify_journal(path).fault
