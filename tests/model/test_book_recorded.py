"""The local order book on recorded updates."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from hookline.data.tape import load_tape
from hookline.model import BookUpdate, MarketData, OrderBook


@pytest.mark.parametrize(
    "name",
    ["binance_usdm_BTCUSDT", "binance_spot_BTCUSDT", "binance_coinm_BTCUSD_PERP", "binance_usdm_ETHUSDT"],
)
def test_recorded_books_have_no_gap_and_end_where_the_quotes_do(real_data, name):
    tape = load_tape(real_data / f"book/{name}_depth.parquet", kinds=[MarketData.BOOK])
    quotes = pq.read_table(real_data / f"book/{name}_quotes.parquet")
    columns = ("update_id", "bid_price", "bid_size", "ask_price", "ask_size")
    rows = zip(*(quotes[column].to_numpy() for column in columns), strict=True)
    known = {int(row[0]): row for row in rows}
    book, common = OrderBook(tape.symbol), 0
    for event in tape.events():
        assert isinstance(event, BookUpdate)
        if book.apply(event) and (quote := known.get(book.sequence)):
            common += 1
            top = (book.best_bid, book.bid_quantity, book.best_ask, book.ask_quantity)
            assert np.array_equal(top, quote[1:])
    assert (book.gaps, book.crossings, book.is_usable) == (0, 0, True)
    assert common > 500


def test_books_of_several_instruments_can_be_in_one_file(real_data):
    path = real_data / "book/bitmex_multi_depth_2021-07-22.parquet"
    tape = load_tape(path, symbol="XBTUSD", kinds=[MarketData.BOOK])
    book = OrderBook("XBTUSD")
    for event in tape.events():
        book.apply(event)
    assert book.is_usable
    assert book.spread == 0.5
