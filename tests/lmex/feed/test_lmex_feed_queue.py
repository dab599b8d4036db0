"""What waits for a session that is too slow."""

import asyncio

import pytest

from hookline.errors import DataError
from hookline.model import BookUpdate, MarkPrice, Quote, Side, Trade
from hookline_lmex.feed_queue import EventQueue


def quote(symbol, number):
    return Quote(symbol, number, number, 1.0, 1.0, 2.0, 1.0)


def trade(symbol, number):
    return Trade(symbol, number, number, 1.0, 1.0, Side.BUY)


def update(symbol, number, *, is_snapshot=False):
    return BookUpdate(symbol, number, number, is_snapshot, [1], [1.0], [1.0], number, number - 1)


def drained(queue):
    async def drain():
        queue.finish()
        async with asyncio.timeout(2):
            found = []
            while (event := await queue.get()) is not None:
                found.append((type(event).__name__, event.symbol, event.time))
            return found

    return asyncio.run(drain())


def queue_of(**limits):
    asked = []
    return EventQueue(asked.append, **limits), asked


def test_events_come_out_as_they_went_in():
    queue, _ = queue_of()
    for event in (quote("A", 1), trade("A", 2), quote("A", 3), MarkPrice("A", 4, 4, 1.0)):
        queue.put(event)
    assert drained(queue) == [("Quote", "A", 1), ("Trade", "A", 2), ("Quote", "A", 3), ("MarkPrice", "A", 4)]


def test_quotes_and_marks_are_conflated_by_symbol_when_it_is_crowded():
    queue, _ = queue_of(crowded=3)
    for number in range(10):
        queue.put(quote("A", number))
    queue.put(quote("B", 10))
    for number in (11, 12):
        queue.put(MarkPrice("A", number, number, 1.0))
    found = drained(queue)
    assert found[-3:] == [("Quote", "A", 9), ("Quote", "B", 10), ("MarkPrice", "A", 12)]
    assert len(found) == 3 + 3
    assert queue.conflated == 13 - len(found)


def test_places_of_conflated_quotes_do_not_pile_up():
    queue, _ = queue_of(crowded=10)
    for number in range(5_000):
        queue.put(quote("A", number))
    assert len(queue) <= 11
    assert len(queue._waiting) < 50


def test_trades_are_never_lost_silently():
    queue, _ = queue_of(capacity=5)
    for number in range(6):
        queue.put(trade("A", number))
    with pytest.raises(
        DataError, match="A: the session is too slow for the market: 5 events wait, a trade would be lost"
    ):
        drained(queue)


def test_a_book_that_finds_no_room_begins_anew_with_a_snapshot():
    queue, asked = queue_of(capacity=4)
    queue.put(trade("A", 0))
    for number in range(1, 5):
        queue.put(update("A", number))
    queue.put(update("A", 5))
    queue.put(update("B", 6))
    queue.put(update("A", 7, is_snapshot=True))
    queue.put(update("A", 8))
    assert asked == ["A"]
    assert queue.resynced == 1
    expected = [("Trade", "A", 0), ("BookUpdate", "B", 6), ("BookUpdate", "A", 7), ("BookUpdate", "A", 8)]
    assert drained(queue) == expected


def test_a_failure_ends_it_at_once():
    queue, _ = queue_of()
    queue.put(trade("A", 1))
    queue.fail(DataError("first"))
    queue.fail(DataError("second"))
    with pytest.raises(DataError, match="first"):
        drained(queue)


def test_it_waits_for_what_comes():
    async def scenario():
        queue, _ = queue_of()
        asyncio.get_running_loop().call_later(0.01, queue.put, trade("A", 1))
        async with asyncio.timeout(2):
            return await queue.get()

    assert asyncio.run(scenario()).time == 1
