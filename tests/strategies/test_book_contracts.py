"""Every bundled strategy on books is deterministic, causal, and the same in a stream as in a backtest."""

import pytest
from book_markets import FINE, ON_BOOKS, run, synthetic_tape

from hookline import plugins
from hookline.reporting.journal_export import journal_lines
from hookline_paper.broker import PaperBroker
from hookline_paper.latency import Latency

MARKET = synthetic_tape()


def make(name):
    return plugins.build("strategies", name, ON_BOOKS[name], name)


def lines(result):
    return list(journal_lines(result.record))[1:]


@pytest.mark.parametrize("name", ON_BOOKS)
@pytest.mark.parametrize("queue", ["pessimistic", "proportional"])
def test_a_stream_and_a_backtest_trade_the_same(name, queue):
    backtest = run(make(name), MARKET, one=FINE, broker=PaperBroker(queue=queue))
    stream = run(make(name), MARKET, one=FINE, broker=PaperBroker(queue=queue), streamed=True)

    assert len(backtest.record.fills) > 10
    assert lines(backtest) == lines(stream)


@pytest.mark.parametrize("name", ON_BOOKS)
def test_two_runs_are_the_same_to_the_last_byte_behind_a_random_latency_too(name):
    def once():
        broker = PaperBroker(taker_fee_bps=5, latency=Latency("random", median_ms=20))
        return lines(run(make(name), MARKET, one=FINE, broker=broker))

    assert once() == once()


@pytest.mark.parametrize("name", ON_BOOKS)
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_later_messages_change_nothing_that_was_done_before(name, part):
    cut = int(MARKET.time[int(len(MARKET) * part)])

    whole = run(make(name), MARKET, one=FINE).record
    short = run(make(name), MARKET.between(None, cut), one=FINE).record

    def told(record):
        # What the end of the shorter run does, in its last second, is not in the longer one.
        return [(u.time, u.order_number, u.status, u.reason) for u in record.updates if u.time < cut - 10**9]

    assert told(short)
    assert told(short) == told(whole)
    assert short.fills == whole.fills[: len(short.fills)]


@pytest.mark.parametrize("name", ON_BOOKS)
def test_a_gap_in_the_book_stops_nobody(name):
    gap = (int(MARKET.time[len(MARKET) // 3]), int(MARKET.time[len(MARKET) // 2]))
    keep = (MARKET.time < gap[0]) | (MARKET.time >= gap[1])
    torn = type(MARKET)(MARKET.symbol, *(getattr(MARKET, column)[keep] for column in MARKET.COLUMNS))

    record = run(make(name), torn, one=FINE).record

    # A timer may end a position meanwhile; nothing is opened on a book that has lost updates.
    opened = [order for order in record.orders if gap[0] <= order.time < gap[1] and not order.reduce_only]
    assert record.orders
    assert opened == []
