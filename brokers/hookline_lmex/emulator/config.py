"""What an emulator serves and how it behaves: the fields of its YAML file, of the command line and of the Python API.

Rules of this file:

- Every field has a default: ``EmulatorConfig()`` is a venue with two perpetuals and a spot market, made-up books and one
  account.
- What is not known of the venue is a field here, never a habit hidden in the code.
- A message about a file begins with the file, the line and the address of what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from hookline.clock import SystemClock, isoformat
from hookline.errors import ConfigError
from hookline.model import MarketData, Timeframe
from hookline.params import Doc, Ge, Gt, Le, PluginUse, check_params
from hookline.session.schema import ExternalEntry, InstrumentEntry
from hookline_lmex.emulator.faults import Fault, fault_of
from hookline_lmex.emulator.rest_limits import RateRules
from hookline_lmex.emulator.start_times import start_time
from hookline_lmex.emulator.terms import ALL_PERMISSIONS, ExchangeOptions, Permission, Product

__all__ = [
    "AccountConfig",
    "EmulatorConfig",
    "FeesConfig",
    "MarketConfig",
    "SocketsConfig",
    "default_config",
    "made_config",
    "read_config",
]

DEMO_KEY, DEMO_SECRET = "emulator-demo-key", "emulator-demo-secret-worth-nothing"
_HOUR = 3600 * 10**9


@dataclass(frozen=True)
class MarketConfig:
    """One market: where its prices come from and on what terms it is traded."""

    symbol: Annotated[str, Doc("name at the venue: BTC-PERP, BTC-USDT")]
    product: Annotated[Product | None, Doc("default: spot for BASE-QUOTE, futures for the rest")] = None
    feed: Annotated[PluginUse | None, Doc("source of its data; default: the emulator's")] = None
    source: Annotated[str | None, Doc("its name in the feed, where it differs")] = None
    timeframe: Annotated[Timeframe, Doc("of the bars")] = "1m"
    tape: Annotated[
        list[MarketData], Doc("what the feed has beside bars: quotes, trades, book; orders then fill at once")
    ] = field(default_factory=list)
    instrument: Annotated[InstrumentEntry, Doc("terms that overrule those of the feed")] = field(
        default_factory=InstrumentEntry
    )
    funding_hours: Annotated[int, Ge(1), Le(24), Doc("hours between payments of a perpetual")] = 8
    funding_rate: Annotated[
        Decimal | None, Doc("of every interval; default: what the feed knows, else nothing is paid")
    ] = None
    funding: Annotated[ExternalEntry | None, Doc("file with the rates, where the feed has none")] = None
    listed: Annotated[bool, Doc("whether it may be traded from the start")] = True

    @property
    def is_spot(self) -> bool:
        """Whether the market belongs to the spot product."""
        if self.product is not None:
            return self.product is Product.SPOT
        _, dash, last = self.symbol.rpartition("-")
        return bool(dash) and last != "PERP" and not last.isdigit()


@dataclass(frozen=True)
class FeesConfig:
    """Fees of one product, basis points of the notional."""

    maker_bps: float = 2.0
    taker_bps: float = 6.0


@dataclass(frozen=True)
class AccountConfig:
    """One user with one key. The secret is worth nothing: it is known to this emulator alone."""

    label: Annotated[str, Doc("name in tables and rows")] = "demo"
    key: str = DEMO_KEY
    secret: str = field(default=DEMO_SECRET, repr=False)
    permissions: list[Permission] = field(default_factory=lambda: sorted(ALL_PERMISSIONS))
    cash: Annotated[dict[str, Decimal], Doc("of the futures wallet, by currency")] = field(
        default_factory=lambda: {"USDT": Decimal(100_000)}
    )
    spot_cash: Annotated[dict[str, Decimal], Doc("of the spot wallet, by currency")] = field(
        default_factory=lambda: {"USDT": Decimal(100_000)}
    )


@dataclass(frozen=True)
class SocketsConfig:
    """Habits of the sockets. Times are wall time: they are about networks."""

    idle_seconds: Annotated[float, Gt(0), Doc("without a word from the client until it is dropped")] = 60.0
    ping_seconds: Annotated[float, Gt(0), Doc("between the venue's protocol pings")] = 180.0
    positions_seconds: Annotated[float, Gt(0), Doc("between messages of allPosition")] = 5.0
    max_topics: Annotated[int, Ge(1), Doc("for each connection; more are left out of the answer")] = 100
    max_connections: Annotated[int, Ge(1), Doc("at once; more are refused with 400")] = 50
    max_failures: Annotated[int, Ge(1), Doc("requests refused until an order-book socket is closed")] = 20
    queue: Annotated[int, Ge(10), Doc("messages waiting for a slow reader until it is dropped")] = 20_000
    refused_topics: Annotated[
        list[str], Doc("topics that are left out of answers, by their beginning: notificationApiV4")
    ] = field(default_factory=list)
    login_operations: Annotated[list[str], Doc("names under which a login is understood")] = field(
        default_factory=lambda: ["authKeyExpires", "login"]
    )
    greeting: Annotated[bool, Doc("whether a connection begins with the text 'connect success'")] = False
    spot_notification_is_list: Annotated[
        bool, Doc("whether data of spot notifications is a list of one, as older documentation has it")
    ] = False
    spot_side_is_mode: Annotated[bool, Doc("MODE_BUY for BUY in notifications of spot")] = True


@dataclass(frozen=True)
class EmulatorConfig:
    """An emulated venue."""

    markets: list[MarketConfig] = field(default_factory=lambda: default_markets("2024-01-01"))
    accounts: list[AccountConfig] = field(default_factory=lambda: [AccountConfig()])
    feed: Annotated[PluginUse | None, Doc("source of data for markets that name none")] = None
    start: Annotated[
        str | None, Doc("ISO time at which playing begins, or 'now'; before it data is history")
    ] = None
    until: Annotated[str | None, Doc("ISO time at which the data ends")] = None
    history_bars: Annotated[int, Ge(0), Doc("bars before the start that clients may ask for")] = 500
    at_end: Annotated[
        Literal["hold", "loop"], Doc("stand still, or play it again with later times; prices jump there")
    ] = "hold"
    speed: Annotated[float | None, Gt(0), Doc("seconds of the venue in one; null: only by steps")] = 1.0
    port: Annotated[int, Ge(0), Le(65_535), Doc("on 127.0.0.1; 0 for any that is free")] = 0
    seed: Annotated[int, Ge(0), Doc("of what is random: ids, numbers' formats, faults")] = 1
    order_latency_ms: Annotated[
        float, Ge(0), Doc("from request to answer, in the venue's time; while that stands, of orders alone")
    ] = 0.0
    data_latency_ms: Annotated[float, Ge(0), Doc("of market data on sockets, in the venue's time")] = 0.0
    nonce_window_seconds: Annotated[
        float | None, Gt(0), Doc("how far a nonce may be from the clock; null: any")
    ] = 60.0
    nonce_must_rise: Annotated[bool, Doc("whether a nonce must be above the last one of its key")] = True
    quirks: Annotated[bool, Doc("numbers in exponent form now and then, fields nobody documented")] = True
    futures_fees: FeesConfig = field(default_factory=FeesConfig)
    spot_fees: FeesConfig = field(default_factory=lambda: FeesConfig(10.0, 10.0))
    exchange: Annotated[ExchangeOptions, Doc("rules of matching and answering that are not published")] = (
        field(default_factory=ExchangeOptions)
    )
    limits: Annotated[RateRules, Doc("requests a second of our time")] = field(default_factory=RateRules)
    sockets: SocketsConfig = field(default_factory=SocketsConfig)
    faults: Annotated[
        dict[str, object], Doc("switched on from the start: {sequence_gaps: {probability: 0.01}}")
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold a configuration made in Python to the rules of one in a file, and check what bounds cannot say.

        Raises:
            ConfigError: naming what is wrong.
        """
        check_params(self, "emulator")
        _check_unique("markets", "symbol", [market.symbol for market in self.markets])
        _check_unique("accounts", "key", [account.key for account in self.accounts])
        _check_unique("accounts", "label", [account.label for account in self.accounts])
        if not self.markets:
            raise ConfigError("markets: must not be empty")
        for number, market in enumerate(self.markets):
            if MarketData.BARS in market.tape:
                raise ConfigError(
                    f"markets[{number}].tape: bars are always there, name only what is beside them"
                )
            if market.instrument.funding is not None:
                raise ConfigError(
                    f"markets[{number}].instrument.funding: has no meaning here; use 'funding' of the market"
                )
            if market.funding is not None and market.funding_rate is not None:
                raise ConfigError(f"markets[{number}].funding: must not be given beside 'funding_rate'")
            if market.feed is None and self.feed is None:
                raise ConfigError(f"markets[{number}].feed: is required where the emulator has no 'feed'")
        for name in ("start", "until"):
            start_time(getattr(self, name), name)
        self.start_faults()

    def start_faults(self) -> list[Fault]:
        """Return the faults that are switched on from the start.

        Raises:
            ConfigError: naming the first that is wrong.
        """
        return [fault_of(name, said, f"faults.{name}") for name, said in self.faults.items()]


def _check_unique(group: str, field_name: str, values: list[str]) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise ConfigError(f"{group}[{number}].{field_name}: must not be given twice, was {value!r}")


def default_config(**changes: Any) -> EmulatorConfig:
    """Return the venue that ``hookline lmex-emulator`` serves where nothing is said: made-up books from now on, without end."""
    first = SystemClock().now // _HOUR * _HOUR - 8 * _HOUR
    said = {
        "start": "now",
        "at_end": "loop",
        "history_bars": 480,
        "markets": default_markets(isoformat(first)),
    }
    return EmulatorConfig(**{**said, **changes})


def default_markets(first: str) -> list[MarketConfig]:
    """Return two perpetuals and a spot market with made-up books whose history begins at a time."""
    btc = _made_up(first, 64_000.0, "0.1", 0.05, {"BTC-PERP": {"of": "BTC-USDT"}})
    eth = _made_up(first, 3_200.0, "0.01", 1.0, {"ETH-PERP": {"of": "ETH-USDT"}})
    perpetual = {"contract_size": "0.0001", "lot_size": "0.0001", "min_quantity": "0.0001"}
    spot = {"lot_size": "0.00001", "min_quantity": "0.00001"}
    return [
        _market("BTC-PERP", btc, perpetual),
        _market("ETH-PERP", eth, dict.fromkeys(perpetual, "0.001")),
        _market("BTC-USDT", btc, spot),
    ]


def _market(symbol: str, feed: PluginUse, terms: Mapping[str, str]) -> MarketConfig:
    base = symbol.partition("-")[0]
    said = {name: Decimal(value) for name, value in terms.items()}
    entry = InstrumentEntry(**said, min_notional=Decimal(5), base=base, quote="USDT")  # type: ignore[arg-type]
    return MarketConfig(symbol, feed=feed, tape=[MarketData.BOOK, MarketData.TRADES], instrument=entry)


def _made_up(
    first: str, price: float, tick: str, quantity: float, perpetuals: Mapping[str, object]
) -> PluginUse:
    book = {
        "level_quantity": quantity,
        "levels": 60,
        "events_per_second": 5.0,
        "minutes": 720.0,
        "spread_ticks": 2,
    }
    params = {
        "start": first,
        "start_price": price,
        "tick_size": tick,
        "book": book,
        "perpetuals": dict(perpetuals),
    }
    return PluginUse("synthetic", params)


def read_config(path: Path, environ: Mapping[str, str], changes: Mapping[str, Any]) -> EmulatorConfig:
    """Return the configuration of a YAML file, with what the command line changes of it.

    Args:
        path: The file. Relative paths in it are relative to its folder.
        environ: Variables that ``${NAME}`` in the file may name.
        changes: Fields that replace those of the file.

    Raises:
        ConfigError: with one line for each problem: file, line, address, what should hold and what was found.
    """
    from hookline.session.yaml_loader import parse
    from hookline.validation import read_fields

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    document = parse(text, str(path), environ)
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: must be a mapping of fields such as 'markets' and 'speed'")
    values, problems = read_fields(EmulatorConfig, {**data, **changes}, "an emulator has no such field")
    if problems:
        raise ConfigError("\n".join(document.report(problem) for problem in document.in_order(problems)))
    try:
        return EmulatorConfig(**_anchored(values, path.parent))
    except ConfigError as error:
        raise ConfigError(document.scrub(f"{path}: {error}")) from error


def made_config(said: Mapping[str, Any]) -> EmulatorConfig:
    """Return the configuration of fields as YAML has them.

    Raises:
        ConfigError: with one line for each problem: address, what should hold and what was found.
    """
    from hookline.validation import read_fields

    values, problems = read_fields(EmulatorConfig, said, "an emulator has no such field")
    if problems:
        raise ConfigError("\n".join(problem.at("") for problem in problems))
    return EmulatorConfig(**values)


def _anchored(values: dict[str, Any], base: Path) -> dict[str, Any]:
    from dataclasses import replace

    if isinstance(values.get("feed"), PluginUse):
        values["feed"] = values["feed"].anchored(base)
    if "markets" in values:
        values["markets"] = [
            replace(
                market,
                feed=None if market.feed is None else market.feed.anchored(base),
                funding=None
                if market.funding is None
                else replace(market.funding, path=base / market.funding.path.expanduser()),
            )
            for market in values["markets"]
        ]
    return values
