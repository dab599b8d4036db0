import json
from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import pytest

from hookline.errors import ConfigError
from hookline.model import InstrumentKind
from hookline.params import PluginUse
from hookline.session.loader import load_session, session_from

LEAST = """\
symbols: [BTC-PERP, ETH-PERP]
timeframe: 1h
feed: synthetic
strategies: [ema_cross]
"""


@pytest.fixture
def write(tmp_path):
    def write(text=LEAST, name="demo.yaml"):
        path = tmp_path / name
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


def load(path, *overrides, **environ):
    return load_session(path, overrides, environ)


def errors(path, *overrides, **environ):
    with pytest.raises(ConfigError) as raised:
        load(path, *overrides, **environ)
    return [line.removeprefix(f"{path}:") for line in str(raised.value).splitlines()]


def test_the_least_session_gets_every_default(write, tmp_path):
    config = load(write())
    assert (config.name, config.mode, config.currency, config.seed) == ("demo", "backtest", "USDT", 0)
    assert config.cash == Decimal(10_000)
    assert (config.since, config.until) == (None, None)
    assert config.broker == PluginUse("paper")
    assert [use.use for use in config.reporters] == ["html", "json", "csv"]
    assert (config.risk, config.notifiers, config.instruments, config.external) == ((), (), {}, {})
    assert (config.output, config.base) == (Path("runs/demo"), tmp_path)
    [strategy] = config.strategies
    assert (strategy.id, strategy.symbols, strategy.cash_fraction) == (
        "ema_cross",
        ("BTC-PERP", "ETH-PERP"),
        1.0,
    )


FULL = """\
name: everything
mode: paper
cash: 2500.50
currency: USD
seed: 7
symbols: [BTC-PERP, ETH-PERP]
timeframe: 15m
since: 2024-01-01
until: 2024-02-01T12:00:00+02:00
instruments:
  BTC-PERP: {kind: perpetual, tick_size: 0.5, lot_size: "0.001", min_notional: 5}
external:
  funding: {path: data/funding.parquet, column: rate, lag_seconds: 60}
feed: {use: replay, params: {speed: 60, source: {use: synthetic}}}
broker: {use: paper, params: {taker_fee_bps: 5}}
strategies:
  - use: ema_cross
    id: fast
    symbols: [ETH-PERP]
    cash_fraction: 0.5
    params: {fast: 5}
    sizer: {use: equity_fraction, params: {fraction: 0.5}}
  - use: ema_cross
risk: [{use: max_drawdown, params: {fraction: 0.2}}]
reporters: [json]
notifiers: [log]
output: elsewhere
"""


def test_everything_that_is_written_is_read(write, tmp_path):
    config = load(write(FULL))
    assert (config.name, config.mode, config.cash, config.seed) == (
        "everything",
        "paper",
        Decimal("2500.5"),
        7,
    )
    assert (config.since, config.until) == (1_704_067_200 * 10**9, 1_706_781_600 * 10**9)
    bitcoin = config.instruments["BTC-PERP"]
    assert (bitcoin.kind, bitcoin.tick_size) == (InstrumentKind.PERPETUAL, Decimal("0.5"))
    assert (bitcoin.lot_size, bitcoin.min_quantity) == (Decimal("0.001"), None)
    assert config.external["funding"].path == tmp_path / "data/funding.parquet"
    assert config.feed.params["source"] == {"use": "synthetic"}
    first, second = config.strategies
    assert (first.id, first.symbols, first.cash_fraction) == ("fast", ("ETH-PERP",), 0.5)
    assert first.sizer == PluginUse("equity_fraction", {"fraction": 0.5})
    assert first.sizer.base == tmp_path
    assert (second.id, second.symbols, second.cash_fraction) == ("ema_cross", ("BTC-PERP", "ETH-PERP"), 0.5)
    assert [use.use for use in (*config.risk, *config.reporters, *config.notifiers)] == [
        "max_drawdown",
        "json",
        "log",
    ]
    assert config.output == Path("elsewhere")


def test_a_naive_time_is_utc(write):
    config = load(write(), "since=2024-01-01T06:00:00", "until='2024-01-01 07:00'")
    assert config.until - config.since == 3600 * 10**9


def test_keys_left_empty_count_as_left_out(write):
    config = load(write(LEAST + "risk:\nnotifiers:\nuntil:\nbroker: {use: paper, params: }\n"))
    assert (config.risk, config.notifiers, config.until, config.broker.params) == ((), (), None, {})


WRONG = {
    "mode: lively": "5:1: mode: must be 'backtest', 'paper' or 'live', was 'lively'; did you mean 'live'?",
    "moed: paper": "5:1: moed: no such key; did you mean 'mode'?",
    "cash: 0": "5:1: cash: must be above 0, was 0",
    "cash: a lot": "5:1: cash: must be a decimal number, was 'a lot'",
    "cash: true": "5:1: cash: must be a decimal number, was true",
    "seed: 1.5": "5:1: seed: must be a whole number, was 1.5",
    "currency: 5": "5:1: currency: must be text, was 5",
    "since: 2024": "5:1: since: must be text, was 2024",
    "since: yesterday": (
        "5:1: since: must be an ISO date or time such as 2024-01-31 or '2024-01-31T12:00:00Z', was 'yesterday'"
    ),
    "since: 2024-02-30": (
        "5:1: since: must be an ISO date or time such as 2024-01-31 or '2024-01-31T12:00:00Z', was '2024-02-30'"
    ),
    "name: a/b": "5:1: name: must be usable as the name of a folder, was 'a/b'",
    "name: ..": "5:1: name: must be usable as the name of a folder, was '..'",
    "broker: {use: paper, param: {}}": "5:22: broker.param: no such key; did you mean 'params'?",
    "broker: {params: {}}": "5:1: broker.use: is required",
    "broker: [paper]": "5:1: broker: must be a mapping, was [{'use': 'paper'}]",
    "broker: {use: paper, params: [1]}": "5:22: broker.params: must be a mapping, was [1]",
    "broker: {use: paper, base: /}": "5:22: broker.base: no such key",
    "risk: max_drawdown": "5:1: risk: must be a list, was 'max_drawdown'",
    "instruments: {BTC-PRP: {}}": (
        "5:15: instruments.BTC-PRP: must be one of the session's symbols BTC-PERP, ETH-PERP, was 'BTC-PRP'; "
        "did you mean 'BTC-PERP'?"
    ),
    "instruments: {BTC-PERP: {tick_size: 0}}": "5:26: instruments.BTC-PERP.tick_size: must be above 0, was 0",
    "instruments: {BTC-PERP: {kind: future}}": (
        "5:26: instruments.BTC-PERP.kind: must be 'spot' or 'perpetual', was 'future'"
    ),
    "external: {funding: {path: a.csv}}": "5:12: external.funding.column: is required",
    "external: {f: {path: a.csv, column: r, lag_seconds: -1}}": (
        "5:40: external.f.lag_seconds: must be at least 0, was -1"
    ),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_line_is_one_message_with_its_place(write, line):
    found = errors(write(LEAST + line + "\n"))
    assert found == [
        WRONG[line].replace(
            "broker: must be a mapping, was [{'use': 'paper'}]", "broker: must be a mapping, was ['paper']"
        )
    ]


WRONG_STRATEGIES = {
    "[]": "strategies: must not be empty",
    "ema_cross": "strategies: must be a list, was 'ema_cross'",
    "[3]": "strategies[0]: must be a mapping, was 3",
    "[{id: x}]": "strategies[0].use: is required",
    "[{use: a, cash_fraction: 0}]": "strategies[0].cash_fraction: must be above 0, was 0",
    "[{use: a, cash_fraction: 2}]": "strategies[0].cash_fraction: must be at most 1, was 2",
    "[{use: a, cash_fraction: 0.7}, {use: b, cash_fraction: 0.7}]": (
        "strategies: cash_fraction must add up to at most 1, was 1.4"
    ),
    "[{use: a, cash_fraction: 1}, b]": "strategies: cash_fraction of some leaves no cash for the others",
    "[{use: a, symbols: [ETH-PRP]}]": (
        "strategies[0].symbols[0]: must be one of the session's symbols BTC-PERP, ETH-PERP, was 'ETH-PRP'; "
        "did you mean 'ETH-PERP'?"
    ),
    "[{use: a, symbols: []}]": "strategies[0].symbols: must not be empty",
    "[{use: a, symbols: [ETH-PERP, ETH-PERP]}]": "strategies[0].symbols[1]: must be listed once, was 'ETH-PERP' again",
    "[{use: a, id: x}, {use: b, id: x}]": "strategies[1].id: must be unique, was 'x' again",
    "[{use: a, id: a/b}]": "strategies[0].id: must be usable as the name of a file, was 'a/b'",
    "[{use: a, params: {fast: 1}, sizr: x}]": "strategies[0].sizr: no such key; did you mean 'sizer'?",
}


@pytest.mark.parametrize("text", WRONG_STRATEGIES)
def test_wrong_strategies_are_one_message(write, text):
    [found] = errors(write(LEAST.replace("[ema_cross]", text)))
    assert found.split(": ", 1)[1] == WRONG_STRATEGIES[text]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("symbols: []", "1:1: symbols: must not be empty"),
        ("symbols: [A, A]", "1:14: symbols[1]: must be listed once, was 'A' again"),
        ("symbols: [1]", "1:11: symbols[0]: must be text, was 1"),
        ("symbols: BTC-PERP", "1:1: symbols: must be a list, was 'BTC-PERP'"),
        ("symbol: [A]", "1:1: symbol: no such key; did you mean 'symbols'?"),
    ],
)
def test_wrong_symbols_are_named(write, line, text):
    assert text in errors(write(LEAST.replace("symbols: [BTC-PERP, ETH-PERP]", line)))


def test_a_wrong_timeframe_is_explained(write):
    assert errors(write(), "timeframe=1 hour") == [
        "--set timeframe=1 hour: timeframe: must be a count and one of s m h d w, such as '15m' or '4h', was '1 hour'"
    ]


def test_until_must_be_after_since(write):
    assert errors(write(LEAST + "since: 2024-02-01\nuntil: 2024-01-01\n")) == [
        "6:1: until: must be after since ('2024-02-01'), was '2024-01-01'"
    ]


def test_missing_keys_are_all_named(write):
    assert errors(write("name: x\n")) == [
        f"1:1: {key}: is required" for key in ("symbols", "timeframe", "feed", "strategies")
    ]


def test_problems_of_every_sort_are_reported_together_in_the_order_of_the_file(write):
    text = LEAST + "moed: paper\ninstruments: {BTC: {}}\ncash: -1\nsince: x\n"
    assert [line.split(": ")[1] for line in errors(write(text))] == [
        "moed",
        "instruments.BTC",
        "cash",
        "since",
    ]


def test_an_unnamed_strategy_used_twice_is_numbered(write):
    text = LEAST.replace("[ema_cross]", "[a, a, {use: b, id: a-3}, a, {use: a, id: other}]")
    assert [use.id for use in load(write(text)).strategies] == ["a", "a-2", "a-3", "a-4", "other"]


def test_strategies_without_a_share_divide_what_is_left(write):
    text = LEAST.replace("[ema_cross]", "[{use: a, cash_fraction: 0.4}, b, c]")
    assert [use.cash_fraction for use in load(write(text)).strategies] == pytest.approx([0.4, 0.3, 0.3])


def test_ten_tenths_of_the_cash_are_the_whole(write):
    entries = ", ".join(f"{{use: a{n}, cash_fraction: 0.1}}" for n in range(10))
    assert len(load(write(LEAST.replace("[ema_cross]", f"[{entries}]"))).strategies) == 10


def test_a_missing_file_is_named_with_what_was_meant(write, tmp_path):
    path = write()
    with pytest.raises(ConfigError, match=r"dmo\.yaml: no such file; did you mean '.*demo\.yaml'\?"):
        load(tmp_path / "dmo.yaml")
    with pytest.raises(ConfigError, match=r"nowhere.x\.yaml: no such file$"):
        load(path.parent / "nowhere" / "x.yaml")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\n\n"])
def test_an_empty_file_is_refused(write, text):
    with pytest.raises(
        ConfigError, match="is empty; a session needs symbols, timeframe, feed and strategies"
    ):
        load(write(text))


@pytest.mark.parametrize(("text", "found"), [("- a\n", "['a']"), ("text\n", "'text'"), ("5\n", "5")])
def test_a_file_that_is_no_mapping_is_refused(write, text, found):
    assert errors(write(text)) == [f"1:1: a session must be a mapping, was {found}"]


def test_a_folder_and_a_binary_file_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "x.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(ConfigError, match="must be UTF-8 text, byte 3 is not"):
        load(tmp_path / "x.yaml")


SECRET = (
    LEAST
    + """
broker:
  use: paper
  params:
    key: "${API_KEY}"
    limit: ${LIMIT:-5}
    nested: [{token: "Bearer ${API_KEY}"}]
"""
)


def test_values_from_the_environment_reach_plugins_but_not_the_dump(write):
    config = load(write(SECRET), API_KEY="verysecret")
    assert config.broker.params == {
        "key": "verysecret",
        "limit": 5,
        "nested": [{"token": "Bearer verysecret"}],
    }
    dumped = json.dumps(config.dump())
    assert "verysecret" not in dumped
    assert config.dump()["broker"] == {
        "use": "paper",
        "params": {"key": "${API_KEY}", "limit": "${LIMIT:-5}", "nested": [{"token": "Bearer ${API_KEY}"}]},
    }


def test_values_from_the_environment_are_not_shown_with_other_problems(write):
    assert "verysecret" not in str(errors(write(SECRET + 'cash: "${API_KEY}"\n'), API_KEY="verysecret"))


@pytest.mark.parametrize(
    "line", ['cash: "${API_KEY}"', 'mode: "${API_KEY}"', 'risk: [["${API_KEY}"]]', 'timeframe: "${API_KEY}"']
)
def test_values_from_the_environment_are_never_in_messages(write, line):
    text = (
        LEAST.replace("timeframe: 1h\n", "")
        + ("" if line.startswith("timeframe") else "timeframe: 1h\n")
        + line
    )
    found = errors(write(text), API_KEY="verysecret")
    assert "verysecret" not in str(found)
    assert any("${API_KEY}" in one or "from the environment" in one for one in found)


def test_dotenv_beside_the_file_is_read_and_the_environment_wins(write, tmp_path):
    (tmp_path / ".env").write_text("NAME=from-file\nONLY=there\n")
    path = write(LEAST + "name: ${NAME}\ncurrency: ${ONLY}\n")
    assert (load(path).name, load(path).currency) == ("from-file", "there")
    assert load(path, NAME="from-environment").name == "from-environment"


def test_the_environment_of_the_process_is_the_default(write, monkeypatch):
    monkeypatch.setenv("HOOKLINE_TEST_NAME", "from-process")
    assert load_session(write(LEAST + "name: ${HOOKLINE_TEST_NAME}\n")).name == "from-process"


def test_the_dump_is_a_session_again(write, tmp_path):
    config = load(write(FULL))
    again = session_from(config.dump(), base=tmp_path)
    assert again.dump() == config.dump()


def test_a_mapping_from_python_is_a_session(tmp_path):
    data = {"symbols": ("A",), "timeframe": "1h", "feed": "synthetic", "strategies": ["a"]}
    config = session_from(data, "mine", tmp_path)
    assert (config.name, config.base, config.feed) == ("mine", tmp_path, PluginUse("synthetic"))
    assert data["feed"] == "synthetic"
    with pytest.raises(ConfigError, match=r"^mode: must be 'backtest', 'paper' or 'live', was 'lively'"):
        session_from({**data, "mode": "lively"})
