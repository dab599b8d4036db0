"""Bars that are followed: each once, in order, none of them open."""

import asyncio
import logging
import random

import pytest
from fake_bar_venue import MINUTE, SECOND, T0, FastClock, Venue, follow

from hookline.feed import BarRequest
from hookline_lmex.errors import LmexLimited, LmexRefused, LmexUnknown
from hookline_lmex.feed_bars import BarRules, pause_after
from hookline_lmex.streams.times import Backoff


def run(scenario):
    async def bounded():
        async with asyncio.timeout(10):
            return await scenario()

    return asyncio.run(bounded())


def names(told):
    return [(one.symbol, (one.start - T0) // MINUTE) for _, one in told]


def test_what_was_comes_first_and_what_closes_follows_without_gap_or_overlap():
    async def scenario():
        venue = Venue(FastClock(T0 + 5 * MINUTE + 20 * SECOND))
        return await follow(venue, [BarRequest("A", "1m", T0, T0 + 8 * MINUTE)], 5)

    told, _ = run(scenario)
    assert names(told) == [("A", n) for n in range(8)]
    assert all(one.close == 10.0 for _, one in told)
    assert all(at >= one.end for at, one in told)


def test_a_stream_ends_with_the_last_bar_of_its_request():
    async def scenario():
        venue = Venue(FastClock(T0 + 60 * MINUTE))
        return await follow(venue, [BarRequest("A", "1m", T0 + 2 * MINUTE, T0 + 5 * MINUTE)], 1), venue

    (told, followers), venue = run(scenario)
    assert names(told) == [("A", 2), ("A", 3), ("A", 4)]
    assert followers[0].is_over
    assert len(venue.questions) == 1


def test_without_a_since_the_bar_that_is_open_is_the_first():
    async def scenario():
        venue = Venue(FastClock(T0 + 5 * MINUTE + 20 * SECOND))
        return await follow(venue, [BarRequest("A", "1m", None, T0 + 7 * MINUTE)], 5)

    assert names(run(scenario)[0]) == [("A", 5), ("A", 6)]


def test_a_since_inside_a_bar_begins_with_the_next_one():
    async def scenario():
        venue = Venue(FastClock(T0 + 5 * MINUTE))
        return await follow(venue, [BarRequest("A", "1m", T0 + 1, T0 + 3 * MINUTE)], 5)

    assert names(run(scenario)[0]) == [("A", 1), ("A", 2)]


def test_the_venue_is_asked_shortly_after_an_end_and_seldom():
    async def scenario():
        venue = Venue(FastClock(T0 + 30 * SECOND))
        await follow(venue, [BarRequest("A", "1m", T0, T0 + 4 * MINUTE)], 5)
        return venue.questions

    questions = run(scenario)
    assert len(questions) <= 1 + 4 * 2
    after = [(at - T0) % MINUTE / SECOND for _, at in questions[1:]]
    assert min(after) >= 0.3


def test_a_bar_counts_as_closed_without_a_newer_one_only_after_the_grace_time():
    rules = BarRules(delay_seconds=0.1, grace_seconds=10.0, again_seconds=2.0)

    async def scenario():
        venue = Venue(FastClock(T0 + 50 * SECOND, speed=60))
        venue.absent = {("A", T0 + MINUTE)}
        return await follow(venue, [BarRequest("A", "1m", T0, T0 + MINUTE)], 5, rules)

    [(at, one)] = run(scenario)[0]
    assert one.start == T0
    assert at >= T0 + 70 * SECOND


def test_a_newer_bar_closes_the_one_before_at_once():
    rules = BarRules(delay_seconds=0.1, grace_seconds=30.0)

    async def scenario():
        venue = Venue(FastClock(T0 + 55 * SECOND, speed=60))
        return await follow(venue, [BarRequest("A", "1m", T0, T0 + MINUTE)], 5, rules)

    [(at, _)] = run(scenario)[0]
    assert at < T0 + 75 * SECOND


def test_nothing_is_told_of_a_bar_without_trades():
    async def scenario():
        venue = Venue(FastClock(T0 + 30 * SECOND))
        venue.absent = {("A", T0 + n * MINUTE) for n in (1, 2, 4)}
        return await follow(venue, [BarRequest("A", "1m", T0, T0 + 6 * MINUTE)], 5)

    assert names(run(scenario)[0]) == [("A", 0), ("A", 3), ("A", 5)]


def test_what_was_missed_while_the_venue_did_not_answer_comes_later_in_order(caplog):
    async def scenario():
        venue = Venue(FastClock(T0 + 30 * SECOND))
        venue.down = [(T0 + 60 * SECOND, T0 + 5 * MINUTE + 30 * SECOND)]
        return await follow(venue, [BarRequest("A", "1m", T0, T0 + 8 * MINUTE)], 8)

    with caplog.at_level(logging.WARNING, "hookline.lmex"):
        told, followers = run(scenario)
    assert names(told) == [("A", n) for n in range(8)]
    assert followers[0].failures > 0
    assert "A 1m: no bars, asked again in" in caplog.text


def test_an_unknown_market_ends_it_at_once():
    async def scenario():
        venue = Venue(FastClock(T0))
        venue.unknown = {"B"}
        await follow(venue, [BarRequest("A", "1m", T0), BarRequest("B", "1m", T0)], 5)

    with pytest.raises(LmexRefused, match="no such market"):
        run(scenario)


def test_a_refusal_later_is_survived():
    async def scenario():
        venue = Venue(FastClock(T0 + 30 * SECOND))
        task = asyncio.ensure_future(follow(venue, [BarRequest("A", "1m", T0, T0 + 4 * MINUTE)], 8))
        await asyncio.sleep(0.05)
        venue.unknown = {"A"}
        await asyncio.sleep(0.3)
        venue.unknown = set()
        return await task

    assert names(run(scenario)[0]) == [("A", n) for n in range(4)]


def test_a_bar_that_changes_after_it_was_told_is_counted_and_not_told_again(caplog):
    async def scenario():
        venue = Venue(FastClock(T0 + 30 * SECOND))
        venue.changes = {("A", T0): (T0 + 100 * SECOND, 11.0)}
        return await follow(venue, [BarRequest("A", "1m", T0, T0 + 3 * MINUTE)], 5)

    with caplog.at_level(logging.WARNING, "hookline.lmex"):
        told, followers = run(scenario)
    assert names(told) == [("A", 0), ("A", 1), ("A", 2)]
    assert followers[0].changed == 1
    assert "was changed by the venue after it was told" in caplog.text


def test_bars_far_in_the_future_close_nothing():
    async def scenario():
        venue = Venue(FastClock(T0 + 30 * SECOND, speed=60))
        venue.junk = [T0 + 500 * MINUTE]
        return await follow(venue, [BarRequest("A", "1m", T0, T0 + MINUTE)], 5)

    [(at, one)] = run(scenario)[0]
    assert (one.start, one.close) == (T0, 10.0)
    assert at >= T0 + MINUTE


def test_bars_that_end_together_are_told_together_in_the_order_of_the_requests():
    async def scenario():
        venue = Venue(FastClock(T0 + 3 * MINUTE + 30 * SECOND))
        requests = [BarRequest(name, "1m", T0, T0 + 6 * MINUTE) for name in ("B", "A", "C")]
        return await follow(venue, requests, 5)

    expected = [(name, n) for n in range(6) for name in ("B", "A", "C")]
    assert names(run(scenario)[0]) == expected


def test_longer_bars_come_in_their_place():
    async def scenario():
        venue = Venue(FastClock(T0 + 30 * SECOND))
        requests = [BarRequest("A", "1m", T0, T0 + 6 * MINUTE), BarRequest("B", "3m", T0, T0 + 6 * MINUTE)]
        return await follow(venue, requests, 5)

    expected = [("A", 0), ("A", 1), ("A", 2), ("B", 0), ("A", 3), ("A", 4), ("A", 5), ("B", 3)]
    assert names(run(scenario)[0]) == expected


def test_a_bar_does_not_wait_for_ever_for_another():
    rules = BarRules(delay_seconds=0.1, grace_seconds=2.0, patience_seconds=8.0)

    async def scenario():
        venue = Venue(FastClock(T0 + 50 * SECOND, speed=60))
        fine = venue.ask("A")

        def ask(symbol, minutes=1):
            return fine if symbol == "A" else stuck

        async def stuck(since, until):
            if venue.clock.now > T0 + MINUTE:
                await asyncio.sleep(3600)
            return await fine(since, until)

        venue.ask = ask
        requests = [BarRequest("B", "1m", T0, T0 + MINUTE), BarRequest("A", "1m", T0, T0 + MINUTE)]
        return await follow(venue, requests, 0.8, rules)

    [(at, one)] = run(scenario)[0]
    assert one.symbol == "A"
    assert T0 + 68 * SECOND <= at < T0 + 90 * SECOND


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        (LmexUnknown("GET ohlcv", "no answer"), 0.0, 2.0),
        (LmexLimited("GET ohlcv", "too many", retry_seconds=7.0, status=429), 7.0, 7.0),
        (LmexLimited("GET ohlcv", "banned", retry_seconds=900.0, status=429), 60.0, 60.0),
    ],
)
def test_a_venue_that_wants_to_be_left_alone_is(error, least, most):
    assert least <= pause_after(error, Backoff(random.Random(1), 2.0, 30.0)) <= most


def test_a_rate_limit_at_the_start_does_not_end_it():
    async def scenario():
        venue = Venue(FastClock(T0 + 5 * MINUTE))
        fine, calls = venue.ask("A"), []

        async def limited(since, until):
            calls.append(since)
            if len(calls) < 3:
                raise LmexLimited("GET ohlcv", "too many", retry_seconds=0.05, status=429)
            return await fine(since, until)

        venue.ask = lambda symbol, minutes=1: limited
        return await follow(venue, [BarRequest("A", "1m", T0, T0 + 3 * MINUTE)], 5)

    told, followers = run(scenario)
    assert names(told) == [("A", 0), ("A", 1), ("A", 2)]
    assert followers[0].failures == 2
