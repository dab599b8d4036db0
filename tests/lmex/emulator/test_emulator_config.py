"""What an emulator is made from: files, fields and their rules."""

from decimal import Decimal

import pytest
from emulated import PERP, SECRET, venue_config

from hookline.errors import ConfigError
from hookline.model import MarketData
from hookline_lmex.emulator import EmulatorConfig, MarketConfig, default_config, read_config
from hookline_lmex.emulator.terms import Permission, Product

FULL = """
speed: null
port: 0
start: 2024-03-01T12:00
feed: {use: parquet, params: {path: bars/{symbol}.parquet}}
markets:
  - symbol: BTC-PERP
    timeframe: 1h
    tape: [book, trades]
    instrument: {tick_size: 0.5, contract_size: 0.001, min_notional: 5}
    funding_rate: 0.0001
  - {symbol: ETH-USDT, source: ETHUSDT}
accounts:
  - {label: one, key: k1, secret: "${A_SECRET}", permissions: [Read], cash: {USDT: 500}}
futures_fees: {maker_bps: -1, taker_bps: 5}
exchange: {leverage: 10, spam_notional: 0}
limits: {query_rate: 5, retry_after: unlock_ms}
sockets: {idle_seconds: 20, refused_topics: [notificationApiV4]}
faults:
  sequence_gaps: {probability: 0.01}
  delay_acks: 3
"""


def read(tmp_path, text, environ=None, **changes):
    path = tmp_path / "venue.yaml"
    path.write_text(text.replace("{symbol}.parquet}", "BTC.parquet}"))
    return read_config(path, environ or {"A_SECRET": SECRET}, changes)


def test_a_file_can_say_everything(tmp_path):
    config = read(tmp_path, FULL)
    perp, spot = config.markets
    assert (config.speed, config.start, config.feed.use) == (None, "2024-03-01T12:00", "parquet")
    assert (perp.is_spot, spot.is_spot, spot.source) == (False, True, "ETHUSDT")
    assert perp.tape == [MarketData.BOOK, MarketData.TRADES]
    assert (perp.instrument.tick_size, perp.funding_rate) == (Decimal("0.5"), Decimal("0.0001"))
    account = config.accounts[0]
    assert (account.secret, account.permissions, account.cash) == (SECRET, [Permission.READ], {"USDT": 500})
    assert (config.futures_fees.maker_bps, config.exchange.leverage) == (-1, 10)
    assert (config.limits.query_rate, config.limits.retry_after) == (5, "unlock_ms")
    assert (config.sockets.idle_seconds, config.sockets.max_topics) == (20, 100)
    assert [(one.name, one.value, one.probability) for one in config.start_faults()] == [
        ("sequence_gaps", None, 0.01),
        ("delay_acks", 3, 1.0),
    ]


def test_paths_in_a_file_are_relative_to_it(tmp_path):
    assert read(tmp_path, FULL).feed.base == tmp_path


def test_a_file_of_funding_rates_is_relative_too(tmp_path):
    text = FULL.replace("funding_rate: 0.0001", "funding: {path: rates.csv, column: rate}")
    assert read(tmp_path, text).markets[0].funding.path == tmp_path / "rates.csv"


def test_the_command_line_overrules_the_file(tmp_path):
    assert read(tmp_path, FULL, speed=60.0, port=9999).speed == 60.0


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("speed: null", "sped: 1", "venue.yaml:2:1: sped: an emulator has no such field; did you mean 'speed'?"),
        ("port: 0", "port: 70000", "venue.yaml:3:1: port: must be at most 65535, was 70000"),
        ("timeframe: 1h", "timefrm: 1h", "markets[0].timefrm: an emulator has no such field; did you mean 'timeframe'?"),
        ("[book, trades]", "[books]", "markets[0].tape[0]: must be 'bars', 'quotes', 'trades' or 'book', was 'books'"),
        ("[book, trades]", "[bars]", "markets[0].tape: bars are always there, name only what is beside them"),
        ("funding_rate: 0.0001", "funding_rate: 0.0001\n    funding: {path: x, column: y}", "markets[0].funding: must not be"),
        ("min_notional: 5", "funding: x", "markets[0].instrument.funding: has no meaning here; use 'funding' of the market"),
        ("tick_size: 0.5", "tick_size: -1", "markets[0].instrument.tick_size: must be above 0, was -1"),
        ("[Read]", "[Reed]", "accounts[0].permissions[0]: must be"),
        ("retry_after: unlock_ms", "retry_after: later", "limits.retry_after: must be 'seconds' or 'unlock_ms'"),
        ("delay_acks: 3", "delay_acks: {sec: 3}", "faults.delay_acks.sec: a fault has no such field"),
        ("delay_acks: 3", "delay_ack: 3", "faults.delay_ack: no fault is called 'delay_ack'; did you mean"),
        ("2024-03-01T12:00", "yesterday", "start: must be an ISO date or time such as"),
        ("symbol: ETH-USDT", "symbol: BTC-PERP", "markets[1].symbol: must not be given twice, was 'BTC-PERP'"),
        ("feed: {use", "#", "markets[0].feed: is required where the emulator has no 'feed'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_its_place(tmp_path, old, new, text):
    assert old in FULL
    with pytest.raises(ConfigError) as error:
        read(tmp_path, FULL.replace(old, new))
    assert text in str(error.value)
    assert "venue.yaml" in str(error.value)
    assert SECRET not in str(error.value)


def test_a_file_that_is_not_there_or_no_mapping_is_said(tmp_path):
    with pytest.raises(ConfigError, match=r"venue\.yaml: cannot be read"):
        read_config(tmp_path / "venue.yaml", {}, {})
    with pytest.raises(ConfigError, match="must be a mapping of fields"):
        read(tmp_path, "- 1")


def test_a_configuration_made_in_python_is_held_to_the_same_rules():
    with pytest.raises(ConfigError, match=r"^emulator\.speed: must be above 0, was -1$"):
        venue_config(speed=-1)
    with pytest.raises(
        ConfigError, match=r"^emulator\.markets\[0\]\.funding_hours: must be at least 1, was 0$"
    ):
        venue_config(markets=[MarketConfig("BTC-PERP", funding_hours=0)])
    with pytest.raises(ConfigError, match=r"^markets: must not be empty$"):
        venue_config(markets=[])
    with pytest.raises(ConfigError, match=r"^accounts\[1\]\.key: must not be given twice"):
        venue_config(accounts=[*venue_config().accounts] * 2)


def test_no_secret_is_in_what_a_configuration_shows():
    assert SECRET not in repr(venue_config())


def test_symbols_tell_the_product():
    assert [MarketConfig(symbol).is_spot for symbol in ("BTC-USDT", "BTC-PERP", "BTC-260925")] == [
        True,
        False,
        False,
    ]
    assert MarketConfig("BTC-PERP", product=Product.SPOT).is_spot


def test_without_a_word_there_are_two_perpetuals_and_a_spot_market():
    for config in (EmulatorConfig(), default_config()):
        assert [market.symbol for market in config.markets] == ["BTC-PERP", "ETH-PERP", "BTC-USDT"]
    assert (default_config().start, default_config().at_end) == ("now", "loop")
    assert default_config(speed=24.0).speed == 24.0
    assert PERP not in default_config().markets
