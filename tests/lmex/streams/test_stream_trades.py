"""Public trades: each once, in the order in which they happened."""

from hypothesis import given
from hypothesis import strategies as st

from hookline_lmex.streams.trade_sieve import TradeSieve
from hookline_lmex.streams.wire import TradeData


def trades(*rows: tuple[int, int]) -> list[TradeData]:
    """Trades of ``(id, milliseconds)``."""
    return [TradeData("BTC-USDT", "BUY", 1.0, 100.0, number, time) for number, time in rows]


def ids(rows: list[TradeData]) -> list[int]:
    return [row.trade_id for row in rows]


def test_a_burst_in_one_millisecond_keeps_its_order_whatever_its_ids() -> None:
    assert ids(TradeSieve().news(trades((7, 5), (3, 5), (9, 5), (4, 5)))) == [7, 3, 9, 4]


def test_the_same_price_and_time_are_two_trades_and_the_same_id_is_one() -> None:
    sieve = TradeSieve()
    assert ids(sieve.news(trades((1, 5), (2, 5)))) == [1, 2]
    assert ids(sieve.news(trades((2, 5), (3, 5), (3, 5)))) == [3]
    assert sieve.repeated == 2


def test_the_first_batch_is_turned_round_and_its_history_dropped() -> None:
    sieve = TradeSieve()
    assert ids(sieve.news(trades((6, 60), (5, 50), (4, 50), (3, 30)), since_ms=40)) == [4, 5, 6]
    assert sieve.old == 1


def test_a_batch_is_turned_round_though_all_that_is_new_in_it_shares_a_millisecond() -> None:
    assert ids(TradeSieve().news(trades((6, 50), (9, 50), (3, 30)), since_ms=40)) == [9, 6]


def test_history_that_was_dropped_is_no_news_later() -> None:
    sieve = TradeSieve()
    sieve.news(trades((3, 30)), since_ms=40)
    assert sieve.news(trades((3, 30))) == []


def test_memory_is_bounded() -> None:
    sieve = TradeSieve(remembered=10)
    for number in range(100):
        assert ids(sieve.news(trades((number, number)))) == [number]
    assert len(sieve._seen) == 10


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), max_size=30))
def test_however_a_tape_is_repeated_each_trade_is_told_once_in_order(cuts: list[tuple[int, int]]) -> None:
    tape = [(number * 7 % 40, number // 3) for number in range(40)]
    sieve, told, at = TradeSieve(), [], 0
    for back, length in [*cuts, (0, 40)]:
        start = max(0, at - back)
        told += ids(sieve.news(trades(*tape[start : start + length])))
        at = max(at, start + length)
    assert told == [number for number, _ in tape]
