"""The journal: an append-only record of everything that a session did, from which its state is rebuilt."""

from hookline.journal.bars import recent_bars
from hookline.journal.batch import Amendment, Balance, Batch, Decision, Payment
from hookline.journal.content import JournalContent
from hookline.journal.header import SessionHeader
from hookline.journal.reader import read_journal
from hookline.journal.record import to_record
from hookline.journal.replay import LedgerState, PositionState
from hookline.journal.segments import journal_path, segments
from hookline.journal.verify import Verification, verify_journal
from hookline.journal.writer import Journal

__all__ = [
    "Amendment",
    "Balance",
    "Batch",
    "Decision",
    "Journal",
    "JournalContent",
    "LedgerState",
    "Payment",
    "PositionState",
    "SessionHeader",
    "Verification",
    "journal_path",
    "read_journal",
    "recent_bars",
    "segments",
    "to_record",
    "verify_journal",
]
