"""What a person can get wrong, from the command line: one clear message, no traceback, exit code 2.

A bug inside a strategy is exit code 1, with the strategy's name, the event, the time and the traceback.
"""

import pytest

STRATEGY = """
from dataclasses import dataclass
from hookline import SignalStrategy, Strategy, hold, hookimpl, long

@dataclass
class Mine(SignalStrategy):
    '''Decide by the close.'''

    name = "mine"

    def columns(self, bars):
        return {"close": bars.close}

    @staticmethod
    def decide(x, held, p):
        return hold()

@hookimpl
def register_strategies():
    return [Mine]
"""
COLUMNS = '{"close": bars.close}'
RETURNED = "return hold()"


def refused(ran) -> str:
    """The one line of a command that a person's mistake has ended."""
    assert ran.code == 2, ran
    [line] = ran.err.splitlines()
    assert line.startswith("error: ")
    return line


# -- strategies ------------------------------------------------------------------------------------------------------

BUGS = {
    (COLUMNS, "None"): "columns must return a dict of names and columns, returned None",
    (COLUMNS, "[bars.close]"): "columns must return a dict of names and columns, returned [BTC-PERP.close]",
    (COLUMNS, '{"close": 3.0}'): "columns: close must be a column such as bars.close, was 3.0",
    (COLUMNS, '{"my close": bars.close}'): "columns must have names that can follow 'x.', had 'my close'",
    (COLUMNS, '{"class": bars.close}'): "columns must have names that can follow 'x.', had 'class'",
    (COLUMNS, "1 / 0"): "ZeroDivisionError: division by zero",
    (RETURNED, "pass"): "decide must return long(), short(), flat() or hold(), returned None",
    (RETURNED, "return 1"): "decide must return long(), short(), flat() or hold(), returned 1",
    (RETURNED, 'return long(float("nan"))'): "decide must return a finite size",
    (RETURNED, "return x.low"): "AttributeError: 'Row' object has no attribute 'low'",
}


@pytest.mark.parametrize("change", BUGS, ids=[f"{old} becomes {new}" for old, new in BUGS])
def test_a_bug_in_a_strategy_is_told_with_its_place_and_traceback(hookline, session, install, change):
    install("my-strategies", "strategies", {"mine": "my_mine"}, STRATEGY.replace(*change))
    ran = hookline("run", session(("buy_and_hold", "mine")))
    assert ran.code == 1
    assert "Traceback" in ran.err
    last = ran.err.splitlines()[-1]
    assert last.startswith("error: strategy 'mine': on_")
    assert "at 2024-01-01T0" in last
    assert BUGS[change] in last


@pytest.mark.parametrize("made", ["None", "1 / 0", '{"close": 3.0}'])
def test_a_strategy_whose_columns_cannot_be_shown_is_one_line(hookline, install, made):
    install("my-strategies", "strategies", {"mine": "my_mine"}, STRATEGY.replace(COLUMNS, made))
    assert "my-strategies: Mine: its columns raised " in refused(hookline("show", "strategy", "mine"))


BROKEN = {
    "import nowhere_to_be_found": "cannot import 'my_mine': No module named 'nowhere_to_be_found'",
    "raise RuntimeError('no luck')": "cannot import 'my_mine': RuntimeError: no luck",
    "def f(:": "cannot import 'my_mine': SyntaxError: invalid syntax",
    "import sys; sys.exit(3)": "cannot import 'my_mine': SystemExit: 3",
    "mine = 1": "must define register_strategies() marked with @hookimpl",
    STRATEGY.replace("[Mine]", "[]"): "must return a class whose name is 'mine', returned an empty list",
    STRATEGY.replace("@dataclass", "").replace(
        '"mine"', '"mine"\n    n: int = 1'
    ): "must be a dataclass: write @dataclass above the class",
    STRATEGY.replace("def decide", "def decied"): "my_mine.Mine must define decide",
    STRATEGY.replace(
        "def columns", "def __post_init__(self):\n        {}['a']\n\n    def columns"
    ): "my-strategies: Mine raised KeyError: 'a'",
}


@pytest.mark.parametrize("source", BROKEN, ids=BROKEN.values())
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_broken_plugin_is_one_line(hookline, session, install, source, command):
    install("my-strategies", "strategies", {"mine": "my_mine"}, source)
    ran = hookline(command, session(("buy_and_hold", "mine")))
    line = refused(ran)
    assert "strategies[0].use: my-strategies: " in line
    assert BROKEN[source] in line


def test_two_plugins_with_one_name_are_one_line_that_names_both(hookline, session, install):
    install("my-strategies", "strategies", {"mine": "my_mine"}, STRATEGY)
    install("her-strategies", "strategies", {"mine": "her_mine"}, STRATEGY)
    line = refused(hookline("run", session(("buy_and_hold", "mine"))))
    assert "'mine' is brought by both her-strategies (her_mine) and my-strategies (my_mine)" in line


# -- the command line and the session --------------------------------------------------------------------------------

CHANGES = {
    "cash=1e30": "cash: must be at most 1000000000000000, was 1e+30",
    "timeframe=9999999w": "timeframe: must be ten years at most, was '9999999w'",
    "since=1600-01-01": "since: must be from 1700 on and before 2200, was '1600-01-01'",
    "until=9999-01-01": "until: must be from 1700 on and before 2200, was '9999-01-01'",
    "feed.params.bars=100000000000": "synthetic: 100,000,000,000 bars of 1h from 2024-01-01T00:00:00Z must end before",
    "feed=nowhere": "feed.use: no feed is called 'nowhere'; there are csv, frame, lmex, parquet, recording, replay, synthetic",
    "strategies[1].use=x": "strategies has 1 entries, so the last index is 0, was 1",
    "strategies.use=x": "strategies must be a mapping to hold 'use', was a list",
    "until=2023-01-01": "synthetic: no bars of BTC-PERP 1h in the range asked for",
    "symbols=[A, A]": "symbols[1]: must be listed once, was 'A' again",
    "mode=paper": "feed 'synthetic' has history only; wrap it: use 'replay' with it as 'source'",
    "strategies=[{use: ema_cross, params: {fast: 9, slow: 3}}]": "strategies[0].params: fast must be below slow (3)",
    "strategies=[{use: grid_arithmetic, params: {low: 9, high: 3}}]": "low must be below high (3.0), was 9.0",
    "strategies=[{use: grid_arithmetic, params: {low: 90, high: 110, budget: 1e9}}]": (
        "strategy 'grid_arithmetic': budget: must be at most 10000.0, so that all buys can be paid at once"
    ),
    "external={a: {path: a.csv, column: b}}": "external.a: a.csv: no such file",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_wrong_value_is_one_line(hookline, session, change):
    assert CHANGES[change] in refused(hookline("run", session(), "--set", change)).replace(
        "external.a: " + str(session().parent) + "/", "external.a: "
    )


def test_an_external_series_that_is_not_given_is_one_line(hookline, session, install):
    reads = STRATEGY.replace("bars.close}", 'external("flows")}').replace("hold,", "external, hold,")
    install("my-strategies", "strategies", {"mine": "my_mine"}, reads)
    line = refused(hookline("run", session(("buy_and_hold", "mine"))))
    assert "external series 'flows' must be given under 'external', there are none" in line


def test_cash_too_small_for_a_lot_says_why_nothing_was_bought(hookline, session):
    ran = hookline("run", session(), "--set", "cash=0.0001")
    assert ran.code == 0
    assert "No order was filled; 1 order was denied, quantity below the minimum" in ran.out


def test_an_executor_that_is_not_there_is_one_line_for_one_file_too(hookline, session):
    line = refused(hookline("run", session(), "--executor", "proceses"))
    assert line == "error: no executor is called 'proceses'; did you mean 'processes'?"


def test_sessions_that_would_write_to_one_folder_are_refused(hookline, session, tmp_path):
    other = session(("symbols", "name: demo\nsymbols"), name="other.yaml")
    line = refused(hookline("run", session(), other))
    assert f"{other}: must have a folder of its own, {session()} writes to {tmp_path}/runs/demo too" in line


def test_a_disk_that_is_full_is_one_line(hookline, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rich.console.Console.print", full)
    assert refused(hookline("list")) == "error: [Errno 28] No space left on device"


# -- feeds -----------------------------------------------------------------------------------------------------------

FEED = """
import msgspec
from dataclasses import dataclass
from hookline import Feed, hookimpl
from hookline.testing import bars

@dataclass
class Tape(Feed):
    '''Three bars.'''

    name = "tape"

    def load(self, request):
        return bars("10 11 12", request.symbol)

    async def stream(self, requests):
        for index in range(3):
            yield self.load(requests[0]).bar(index)
        for nothing in ():
            yield nothing

@hookimpl
def register_feeds():
    return [Tape]
"""
LOADED = 'bars("10 11 12", request.symbol)'
TAPES = {
    "None": "feed 'tape': load must return the 1h bars of BTC-PERP as a BarSeries, returned NoneType",
    'bars("10 11", "ETH")': "feed 'tape': load must return the 1h bars of BTC-PERP, returned the 1h bars of ETH",
    'bars("10", request.symbol, timeframe="1d")': "returned the 1d bars of BTC-PERP",
    "bars('10', request.symbol).slice(0, 0)": "feed 'tape': no bars of BTC-PERP 1h",
    "1 / 0": "feed 'tape': load raised ZeroDivisionError: division by zero",
    'bars("10 nan", request.symbol)': "BTC-PERP 1h: bar 1 (2024-01-01T01:00:00Z): close must be a finite number",
}


@pytest.mark.parametrize("loaded", TAPES)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_feed_that_answers_wrongly_is_one_line(hookline, session, install, loaded, command):
    install("my-feeds", "feeds", {"tape": "my_tape"}, FEED.replace(LOADED, loaded))
    line = refused(hookline(command, session(("{use: synthetic, params: {bars: 300}}", "tape"))))
    assert TAPES[loaded] in line


STREAMS = {
    "1 / 0": "feed 'tape': stream raised ZeroDivisionError: division by zero",
    "raise OSError('gone')": "feed 'tape': stream raised OSError: gone",
    "yield msgspec.structs.replace(self.load(requests[0]).bar(index), close=float('nan'))": "prices must be finite",
    "yield msgspec.structs.replace(self.load(requests[0]).bar(index), low=99.0)": "open and close between low and high",
    "yield msgspec.structs.replace(self.load(requests[0]).bar(index), symbol='ETH')": "ETH: the session has no such symbol",
    "yield self.load(requests[0]).bar(2 - index)": "BTC-PERP: time must rise",
    "pass": "feed 'tape': sent no bar",
}


@pytest.mark.parametrize("sent", STREAMS)
def test_a_feed_that_streams_wrongly_is_one_line(hookline, session, install, sent):
    source = FEED.replace("yield self.load(requests[0]).bar(index)", sent)
    install("my-feeds", "feeds", {"tape": "my_tape"}, source)
    stop = "tape\nmode: paper\nstream: {late_data: stop}"
    path = session(("{use: synthetic, params: {bars: 300}}", stop))
    assert STREAMS[sent] in refused(hookline("run", path))


# -- files of bars ---------------------------------------------------------------------------------------------------

HEADER = "time,open,high,low,close,volume"
FIRST, SECOND = "2024-01-01T00:00:00Z,1,2,1,2,5", "2024-01-01T01:00:00Z,2,3,2,3,5"
FILES = {
    "": "bars.csv: the file is empty",
    HEADER: "bars.csv: the file has a header and no rows",
    f"{HEADER}\n{FIRST}\n2024-01-01T01:00:00Z,2,nan,2,3,5": "bars.csv:3: BTC-PERP 1h: bar 1",
    f"{HEADER}\n{SECOND}\n{FIRST}": "time must rise, was 2024-01-01T00:00:00Z after 2024-01-01T01:00:00Z",
    f"{FIRST}\n{SECOND}": "bars.csv:1: must be a header line",
    "time,open,high,low\n2024-01-01,1,2,1": "no column for 'close' among 'time', 'open', 'high', 'low'",
    f"{HEADER},close\n{FIRST},5": "bars.csv: columns must have different names, was 'close' twice",
    f"{HEADER}\n1704067200,1,2,1,2,5\n1704070800000,1,2,1,2,5": (
        "bars.csv:3: times must all count the same, or say it with 'time_unit', was 1704070800000, which counts ms after s"
    ),
    f"{HEADER}\n{FIRST}\n2024-01-01T01:00:00Z,2": "bars.csv:3: a line must have 6 fields, had 2",
    f"{HEADER}\nyesterday,1,2,1,2,5": "bars.csv:2: a time must be a number or ISO 8601 text, was 'yesterday'",
}


@pytest.mark.parametrize("text", FILES, ids=FILES.values())
@pytest.mark.parametrize("mode", ["backtest", "paper"])
def test_a_file_that_cannot_be_used_is_one_line(hookline, session, tmp_path, text, mode):
    (tmp_path / "bars.csv").write_text(text)
    feed = "{use: csv, params: {path: bars.csv}}"
    if mode == "paper":
        feed = f"{{use: replay, params: {{source: {feed}}}}}\nmode: paper"
    assert FILES[text] in refused(hookline("run", session(("{use: synthetic, params: {bars: 300}}", feed))))


RANGES = {
    "timeframe=1m": "holds bars of 1h, of which bars of 1m cannot be made",
    "since=2030-01-01": "no bars from 2030-01-01T00:00:00Z; it has 2024-01-01T00:00:00Z to 2024-01-01T01:00:00Z",
    "symbols=[A, B]": "must hold bars of one symbol, was asked for 'A' and 'B'",
    "feed.params.path=nothing.csv": "nothing.csv: no such file",
    "feed.params.columns={close: last}": "no column 'last' for 'close'",
}


@pytest.mark.parametrize("change", RANGES)
def test_bars_that_a_file_does_not_have_are_one_line(hookline, session, tmp_path, change):
    (tmp_path / "bars.csv").write_text(f"{HEADER}\n{FIRST}\n{SECOND}\n")
    path = session(("{use: synthetic, params: {bars: 300}}", "{use: csv, params: {path: bars.csv}}"))
    assert RANGES[change] in refused(hookline("run", path, "--set", change))


@pytest.mark.parametrize("count", [1, 2])
def test_a_bar_or_two_are_enough_to_run(hookline, session, tmp_path, count):
    (tmp_path / "bars.csv").write_text("\n".join([HEADER, FIRST, SECOND][: count + 1]))
    path = session(("{use: synthetic, params: {bars: 300}}", "{use: csv, params: {path: bars.csv}}"))
    assert hookline("run", path).code == 0


def test_a_catalogue_that_cannot_be_written_is_one_line(hookline, session, tmp_path):
    (tmp_path / "bars.csv").write_text(f"{HEADER}\n{FIRST}\n{SECOND}\n")
    line = refused(hookline("data", "import", "bars.csv", "--symbol", "A", "--catalog", session()))
    assert line.endswith("demo.yaml/A/1h.parquet: cannot be written: Not a directory")
