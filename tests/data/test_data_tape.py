"""Tapes from files of depth, trades and quotes, and as one stored file."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.data.tape import cut_tape, load_tape, of_kinds, read_tape, save_tape
from hookline.data.tape_bars import tape_bars
from hookline.errors import DataError
from hookline.model import BookUpdate, MarketData, OrderBook, Quote, RowKind, Side, TapeSeries, Trade

SECOND = 10**9


@pytest.fixture
def write(tmp_path):
    """Write rows, given as text with a heading, as a Parquet file; ``-`` is an empty value."""

    def to_file(name: str, text: str, symbol: str = ""):
        heading, *lines = text.strip().splitlines()
        names, rows = heading.split(), [line.split() for line in lines]
        columns = {}
        for place, column in enumerate(names):
            values = [None if row[place] == "-" else row[place] for row in rows]
            read = float if column.endswith(("price", "size")) else (str if column == "symbol" else int)
            columns[column] = [None if value is None else read(value) for value in values]
        table = pa.table(columns)
        if symbol:
            table = table.replace_schema_metadata({"symbol": symbol})
        pq.write_table(table, tmp_path / name)
        return tmp_path / name

    return to_file


DEPTH = """
ts   ts_local msg is_snapshot first_id last_id prev_id side price size
100  110      1   1           -        10      -        1    99    2
100  110      1   1           -        10      -       -1   101    6
200  215      2   0           11       13      10       1    99    0
200  215      2   0           11       13      10       1    98    4
300  312      3   0           14       14      13       0     -    -
"""
TRADES = """
ts  ts_local price size side
150 160      101   0.5  1
250 255      98    1.5  -1
"""
QUOTES = """
ts  ts_local bid_price bid_size ask_price ask_size
120 130      99        2        101       6
"""


def test_depth_is_snapshots_and_updates_with_their_numbers(write):
    events = list(load_tape(write("depth.parquet", DEPTH, "TEST")).events())
    assert events == [
        BookUpdate("TEST", 110, 100, True, [1, -1], [99.0, 101.0], [2.0, 6.0], 10, -1),
        BookUpdate("TEST", 215, 200, False, [1, 1], [99.0, 98.0], [0.0, 4.0], 13, 10),
        BookUpdate("TEST", 312, 300, False, [], [], [], 14, 13),
    ]


def test_files_are_merged_by_arrival(write):
    paths = [write("d.parquet", DEPTH), write("t.parquet", TRADES), write("q.parquet", QUOTES)]
    events = list(load_tape(*paths, symbol="TEST").events())
    assert [type(event) for event in events] == [BookUpdate, Quote, Trade, BookUpdate, Trade, BookUpdate]
    assert events[1] == Quote("TEST", 130, 120, 99.0, 2.0, 101.0, 6.0)
    assert events[4] == Trade("TEST", 255, 250, 98.0, 1.5, Side.SELL)


def test_messages_of_one_time_are_in_the_order_of_the_paths(write):
    trades = write("t.parquet", "ts price size side\n5 10 1 1\n5 11 1 1")
    quotes = write("q.parquet", "ts bid_price bid_size ask_price ask_size\n5 9 1 10 1")
    kinds = [type(event) for event in load_tape(trades, quotes, symbol="X").events()]
    assert kinds == [Trade, Trade, Quote]
    kinds = [type(event) for event in load_tape(quotes, trades, symbol="X").events()]
    assert kinds == [Quote, Trade, Trade]


def test_without_previous_numbers_an_update_follows_the_one_before_its_first(write):
    path = write(
        "d.parquet",
        "ts msg is_snapshot first_id last_id side price size\n1 1 0 7 9 1 99 1\n2 2 0 - 12 1 99 2",
    )
    assert [(e.sequence, e.previous) for e in load_tape(path).events()] == [(9, 6), (12, -1)]


def test_a_missing_clock_is_replaced_by_the_other(write):
    local = load_tape(write("a.parquet", "ts ts_local price size side\n- 7 10 1 1\n5 8 10 1 1"))
    assert (local.time.tolist(), local.venue_time.tolist()) == ([7, 8], [7, 5])
    venue = load_tape(write("b.parquet", "ts price size side\n5 10 1 1"))
    assert (venue.time.tolist(), venue.venue_time.tolist()) == ([5], [5])


BEHIND = "ts ts_local price size side\n1000 400 10 1 1\n1100 520 10 1 1\n1200 590 10 1 1"


def test_a_clock_that_is_behind_is_moved_so_that_the_fastest_message_takes_no_time(write):
    tape = load_tape(write("t.parquet", BEHIND))
    assert (tape.time - tape.venue_time).tolist() == [10, 30, 0]


def test_the_least_latency_may_be_more_than_none(write):
    tape = load_tape(write("t.parquet", BEHIND), least_latency=50)
    assert (tape.time - tape.venue_time).tolist() == [60, 80, 50]


def test_the_clocks_of_all_files_are_moved_together(write):
    other = write("q.parquet", "ts ts_local bid_price bid_size ask_price ask_size\n1050 430 9 1 11 1")
    tape = load_tape(write("t.parquet", BEHIND), other)
    assert (tape.time - tape.venue_time)[tape.side > 0].tolist() == [20, 0, 40, 10]


def test_a_clock_that_may_be_right_is_left_alone(write):
    assert load_tape(write("d.parquet", DEPTH)).time[0] == 110


def test_a_known_offset_is_added_to_local_times_only(write):
    assert load_tape(write("a.parquet", BEHIND), clock_offset=700).time.tolist() == [1100, 1220, 1290]
    assert load_tape(write("b.parquet", "ts price size side\n5 1 1 1"), clock_offset=700).time[0] == 5


def test_trades_sent_again_on_subscription_are_no_prints(write):
    path = write("t.parquet", "ts_local price size side is_backfill\n5 10 1 1 1\n6 11 2 1 0")
    assert [event.price for event in load_tape(path).events()] == [11]


def test_one_instrument_is_taken_of_a_file_of_several(write):
    path = write("t.parquet", "ts symbol price size side\n1 A 10 1 1\n2 B 20 1 1\n3 A 11 1 1")
    tape = load_tape(path, symbol="A")
    assert (tape.symbol, tape.price.tolist()) == ("A", [10, 11])
    with pytest.raises(DataError, match=r"t\.parquet: holds A, B; none was named"):
        load_tape(path)


def test_a_folder_gives_its_files_of_the_symbol(write, tmp_path):
    write("a.parquet", TRADES, "A")
    write("b.parquet", QUOTES, "B")
    write("c.parquet", "ts open\n1 5")
    assert load_tape(tmp_path, symbol="B").messages == 1
    with pytest.raises(DataError, match="one tape has one instrument, files are of A, B"):
        load_tape(tmp_path)


def test_only_the_kinds_asked_for_are_kept(write):
    paths = [write("d.parquet", DEPTH, "TEST"), write("t.parquet", TRADES, "TEST")]
    assert set(load_tape(*paths, kinds=[MarketData.TRADES]).kind) == {RowKind.TRADE}
    assert set(of_kinds(load_tape(*paths), [MarketData.BOOK]).kind) == {RowKind.BOOK, RowKind.SNAPSHOT}
    with pytest.raises(DataError, match=r"no quotes of 'TEST'"):
        load_tape(*paths, symbol="TEST", kinds=[MarketData.QUOTES])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("ts price size side\n5 10 1 1\n4 10 1 1", "row 1: time must never go back, was 4"),
        ("ts price size side\n5 10 1 1\n6 10 1 0", "row 1: side must be 1 or -1, was 0"),
        ("ts price size side\n5 - 1 1", "row 0: price must be a finite number, was nan"),
        ("ts price size side\n5 10 -1 1", "row 0: size must be zero or more, was -1.0"),
        ("ts price size side\n5 10 1 1\n6 10 0 1", "row 1: a trade needs a size, was 0.0"),
        ("ts ts_local price size side\n5 5 10 1 1\n- - 10 0 1", "row 1: a message needs 'ts' or 'ts_local'"),
        (
            "ts msg is_snapshot side price size\n5 1 1 1 10 1\n6 1 1 1 9 1",
            "row 1: rows of one message must have one time, was 6",
        ),
        ("ts price size symbol\n5 10 1 A", "must have the columns of depth, trades or quotes, has ts, price"),
    ],
)
def test_what_cannot_be_trusted_is_named_with_file_and_row(write, text, error):
    with pytest.raises(DataError, match=rf"bad\.parquet: {error}"):
        load_tape(write("bad.parquet", text))


def test_rows_are_counted_in_the_file_and_not_among_those_of_the_symbol(write):
    path = write("t.parquet", "ts symbol price size side\n1 A 10 1 1\n2 B 20 1 1\n3 B - 1 1")
    with pytest.raises(DataError, match="row 2: price"):
        load_tape(path, symbol="B")


def test_a_column_of_text_is_refused(tmp_path):
    pq.write_table(
        pa.table({"ts": [1], "price": ["ten"], "size": [1.0], "side": [1]}), tmp_path / "t.parquet"
    )
    with pytest.raises(
        DataError, match=r"t\.parquet: column 'price' must hold numbers, was of type 'string'"
    ):
        load_tape(tmp_path / "t.parquet")


def test_a_file_of_another_symbol_is_refused(write):
    with pytest.raises(DataError, match=r"must be of 'ETH', its metadata says 'BTC'.*symbols: \{ETH: BTC\}"):
        load_tape(write("t.parquet", TRADES, "BTC"), symbol="ETH")


# -- stored tapes ------------------------------------------------------------------------------------------------------


def test_a_stored_tape_reads_back_as_it_was(write, tmp_path):
    tape = load_tape(*(write(n, t) for n, t in (("d.parquet", DEPTH), ("t.parquet", TRADES))), symbol="TEST")
    save_tape(tape, tmp_path / "new" / "tape.parquet")
    for back in (read_tape(tmp_path / "new/tape.parquet"), load_tape(tmp_path / "new/tape.parquet")):
        assert back.symbol == "TEST"
        for name in TapeSeries.COLUMNS:
            assert np.array_equal(getattr(back, name), getattr(tape, name), equal_nan=True)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["tape.parquet"]


def test_a_stored_tape_may_be_read_under_another_name(write, tmp_path):
    save_tape(load_tape(write("t.parquet", TRADES, "BTC")), tmp_path / "tape.parquet")
    assert read_tape(tmp_path / "tape.parquet", "XBT").symbol == "XBT"
    with pytest.raises(DataError, match="must be of 'ETH'"):
        load_tape(tmp_path / "tape.parquet", symbol="ETH")


def test_a_file_that_is_no_tape_is_refused(write):
    with pytest.raises(DataError, match=r"t\.parquet: a stored tape has a column 'time'"):
        read_tape(write("t.parquet", TRADES))


def test_a_spoilt_tape_names_its_file(write, tmp_path):
    tape = load_tape(write("t.parquet", TRADES))
    columns = {name: getattr(tape, name) for name in TapeSeries.COLUMNS}
    pq.write_table(pa.table({**columns, "time": tape.time[::-1].copy()}), tmp_path / "tape.parquet")
    with pytest.raises(DataError, match=r"tape\.parquet: .*row 1 .*time must never go back"):
        read_tape(tmp_path / "tape.parquet")


# -- cuts --------------------------------------------------------------------------------------------------------------


def test_a_cut_after_the_snapshot_begins_with_the_book_as_it_stood(write):
    tape = cut_tape(load_tape(write("d.parquet", DEPTH)), 220, None)
    first, second = tape.events()
    assert first == BookUpdate("", 220, 200, True, [1, -1], [98.0, 101.0], [4.0, 6.0], 13, -1)
    assert (second.time, second.sequence) == (312, 14)
    book = OrderBook("")
    assert book.apply(first)
    assert book.apply(second)


def test_a_cut_of_trades_is_only_a_cut(write):
    assert cut_tape(load_tape(write("t.parquet", TRADES)), 200, 255).messages == 0
    assert cut_tape(load_tape(write("t.parquet", TRADES)), 160, 255).price.tolist() == [101]


def test_a_cut_book_without_a_snapshot_before_it_stays_without(write):
    tape = load_tape(write("d.parquet", "ts msg is_snapshot side price size\n1 1 0 1 9 1\n5 2 0 1 9 2"))
    assert [event.is_snapshot for event in cut_tape(tape, 3, None).events()] == [False]


# -- bars --------------------------------------------------------------------------------------------------------------


def test_bars_are_made_of_trades_by_their_arrival(write):
    rows = [(0, 0, 10, 1), (58, 59, 12, 2), (59, 60, 9, 4), (61, 62, 11, 8), (125, 125, 7, 1)]
    text = "ts ts_local price size side\n" + "\n".join(
        f"{ts * SECOND} {local * SECOND} {price} {size} 1" for ts, local, price, size in rows
    )
    series = tape_bars(load_tape(write("t.parquet", text)), "1m")
    assert (series.start // SECOND).tolist() == [0, 60]
    assert series.open.tolist() == [10, 9]
    assert series.high.tolist() == [12, 11]
    assert series.low.tolist() == [10, 9]
    assert series.close.tolist() == [12, 11]
    assert series.volume.tolist() == [3, 12]
    assert len(tape_bars(load_tape(write("t.parquet", text)), "1m", "keep")) == 3


def test_bars_without_trades_are_made_of_the_mid_of_quotes(write):
    text = "ts bid_price bid_size ask_price ask_size\n0 9 1 11 1\n1 9 1 12 1\n2 9 0 99 1\n60000000000 9 1 9 1"
    series = tape_bars(load_tape(write("q.parquet", text)), "1m")
    assert [getattr(series, n).tolist() for n in ("open", "high", "close", "volume")] == [
        [10],
        [10.5],
        [10.5],
        [0],
    ]


def test_bars_of_a_book_are_made_of_its_mid(write):
    series = tape_bars(load_tape(write("d.parquet", DEPTH)), "1m", "keep")
    assert (series.open.tolist(), series.close.tolist()) == ([100], [99.5])


def test_bars_of_recorded_trades_are_the_venues_own_bars(real_data):
    tape = load_tape(real_data / "trades/binance_spot_BTCUSDT_trades_2024-08-08.parquet", clock_offset=0)
    by_venue = TapeSeries(tape.symbol, tape.venue_time, *(getattr(tape, n) for n in TapeSeries.COLUMNS[1:]))
    made = tape_bars(by_venue, "1m")
    table = pq.read_table(real_data / "bars_1m/binance_spot_BTCUSDT_1m.parquet").to_pandas()
    theirs = table[table.ts.isin(made.start)]
    assert len(made) == len(theirs) == 10
    for name in ("open", "high", "low", "close", "volume"):
        assert np.allclose(getattr(made, name), theirs[name], rtol=1e-12)


def test_the_recorded_capture_is_ordered_after_its_clock_is_set_right(real_data):
    name = "binance_usdm_BTCUSDT"
    tape = load_tape(
        real_data / f"book/{name}_depth.parquet",
        real_data / f"trades/{name}_trades_2024-08-08.parquet",
        real_data / f"book/{name}_quotes.parquet",
    )
    latency = tape.time - tape.venue_time
    assert latency.min() == 0
    assert latency.max() < 0.2 * SECOND
    assert tape.messages == 6553 - 1 + 21313 + 66089
