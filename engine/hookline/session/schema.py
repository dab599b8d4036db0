"""The shape of a session file: what may be written where, before any of it is given a meaning.

These classes are read by the loader and by ``hookline schema``; :mod:`hookline.session.config` holds what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import MinLen

from hookline.model.instrument import InstrumentKind, MarginMode, PositionMode, TierStyle
from hookline.params import Doc, Ge, Gt, Le, Lt, PluginUse
from hookline.session.live_rules import LiveRules
from hookline.session.validation_rules import ValidationRules

__all__ = [
    "ExternalEntry",
    "InstrumentEntry",
    "MarginTierEntry",
    "SessionFile",
    "StrategyEntry",
    "SweepEntry",
]

_DEFAULT_REPORTERS = ("html", "json", "csv")


@dataclass(frozen=True)
class MarginTierEntry:
    """What a venue demands of positions up to a size."""

    maintenance: Annotated[
        Decimal, Gt(0), Lt(1), Doc("margin below which a position is liquidated, as a fraction of notional")
    ]
    max_leverage: Annotated[Decimal, Ge(1), Doc("most that may be chosen for positions of this size")]
    up_to: Annotated[Decimal, Gt(0), Doc("largest notional of the tier; left out, it has no end")] | None = (
        None
    )


@dataclass(frozen=True)
class InstrumentEntry:
    """What a session says of one instrument; the rest is what the feed or the venue knows, else the engine's default."""

    kind: Annotated[
        InstrumentKind | None, Doc("spot can only be sold when held, a perpetual can be sold short")
    ] = None
    tick_size: Annotated[Decimal, Gt(0), Doc("smallest price step")] | None = None
    lot_size: Annotated[Decimal, Gt(0), Doc("smallest quantity step, in base units")] | None = None
    min_quantity: Annotated[Decimal, Ge(0), Doc("smallest order in base units")] | None = None
    min_notional: Annotated[Decimal, Ge(0), Doc("smallest order in quote currency")] | None = None
    quote: Annotated[str, MinLen(1), Doc("currency of prices and cash")] | None = None
    base: Annotated[str, MinLen(1), Doc("currency of quantities")] | None = None
    contract_size: (
        Annotated[Decimal, Gt(0), Doc("base units of one contract, where the venue counts contracts")] | None
    ) = None
    leverage: (
        Annotated[Decimal, Gt(0), Doc("what positions are leveraged with; the broker's by default")] | None
    ) = None
    margin_mode: (
        Annotated[MarginMode, Doc("positions backed by the whole wallet, or each by its own margin")] | None
    ) = None
    position_mode: Annotated[PositionMode, Doc("one position, or a long and a short side by side")] | None = (
        None
    )
    margin_tiers: (
        Annotated[list[MarginTierEntry], MinLen(1), Doc("demands by size of position, smallest first")] | None
    ) = None
    tier_style: (
        Annotated[TierStyle, Doc("a tier's rate counts for the part inside it, or for the whole position")]
        | None
    ) = None
    borrow_limit: (
        Annotated[Decimal, Ge(0), Doc("most base units of spot that may be sold without being held")] | None
    ) = None
    borrow_rate: (
        Annotated[Decimal, Ge(0), Doc("interest on borrowed spot, as a fraction of its value for a year")]
        | None
    ) = None
    funding: (
        Annotated[str, MinLen(1), Doc("series under 'external' with the rates of a perpetual")] | None
    ) = None


@dataclass(frozen=True)
class ExternalEntry:
    """A series that is not made of bars, such as funding rates, for columns to read by its name."""

    path: Annotated[Path, Doc("file of the series, relative to the session file")]
    column: Annotated[str, MinLen(1), Doc("column that holds the values")]
    lag_seconds: Annotated[float, Ge(0), Doc("time between a value's timestamp and when it can be known")] = (
        0.0
    )
    symbol: Annotated[str, MinLen(1), Doc("which rows, where the file has a symbol column")] | None = None
    time_column: Annotated[str, MinLen(1), Doc("column that holds the times, if unusual")] | None = None


@dataclass(frozen=True)
class StrategyEntry:
    """One strategy of a session."""

    use: Annotated[str, MinLen(1), Doc("name of the strategy plugin")]
    id: Annotated[str, MinLen(1), Doc("name within the session; the plugin's name by default")] | None = None
    symbols: (
        Annotated[list[str], MinLen(1), Doc("what it trades; all symbols of the session by default")] | None
    ) = None
    cash_fraction: (
        Annotated[
            float, Gt(0), Le(1), Doc("its share of the cash; by default an equal part of what others leave")
        ]
        | None
    ) = None
    params: Annotated[dict[str, object], Doc("parameters of the plugin")] = field(default_factory=dict)
    sizer: Annotated[
        PluginUse | None, Doc("sizing model of a signal strategy; its own choice by default")
    ] = None


@dataclass(frozen=True)
class VenueEntry:
    """One of several venues: what trades there, the money that lies there, and where its orders go."""

    symbols: Annotated[
        list[Annotated[str, MinLen(1)]], MinLen(1), Doc("instruments that trade at this venue")
    ]
    balances: Annotated[
        dict[str, Annotated[Decimal, Ge(0), Le(10**15)]],
        MinLen(1),
        Doc("starting cash at this venue by currency"),
    ]
    feed: Annotated[
        PluginUse | None, Doc("where its market data comes from; the session's feed by default")
    ] = None
    broker: Annotated[PluginUse | None, Doc("where its orders go; the session's broker by default")] = None


@dataclass(frozen=True)
class StreamEntry:
    """How market data is treated as it comes, on paper and live."""

    late_data: Annotated[
        Literal["drop", "stop"],
        Doc("data behind an event that was handled: dropped and counted, or the end of the run"),
    ] = "drop"
    bar_wait_seconds: Annotated[
        float, Gt(0), Doc("how long bars wait for others that end with them while the feed is silent")
    ] = 5.0
    stall_seconds: Annotated[
        float | None,
        Gt(0),
        Doc("silence after which the feed counts as stalled and notifiers are told; null for never"),
    ] = None
    on_stall: Annotated[
        Literal["warn", "cancel", "halt"],
        Doc("what a stall does besides: nothing, cancel open orders, or halt"),
    ] = "warn"
    warmup_bars: Annotated[
        int,
        Ge(0),
        Doc("bars before the start that indicators are warmed up with, on a feed that follows a market live"),
    ] = 500
    record: Annotated[bool, Doc("keep the market data beside the journal, to replay it event for event")] = (
        False
    )


@dataclass(frozen=True)
class JournalEntry:
    """The journal: what a session did, for a restart to continue from."""

    enabled: Annotated[bool | None, Doc("by default kept on paper and live, and not in a backtest")] = None
    durable: Annotated[
        bool | None,
        Doc(
            "survive a power cut too: wait for the disk before anything is sent and once a second; by default live only"
        ),
    ] = None
    max_megabytes: Annotated[float, Gt(0), Doc("size at which a new segment of the journal begins")] = 256.0


@dataclass(frozen=True)
class LiveEntry(LiveRules):
    """What holds only where orders go to a venue."""

    dead_man_seconds: Annotated[
        float | None,
        Ge(10),
        Doc(
            "the venue cancels all orders unless the session renews this while it is healthy; null for never"
        ),
    ] = 60.0
    max_data_age_seconds: Annotated[
        float | None,
        Gt(0),
        Doc(
            "age of the market data from which on the above is not renewed; by default a minute, and a bar more where only bars are followed"
        ),
    ] = None
    require_passport: Annotated[
        bool,
        Doc(
            "refuse to start without a passport of 'hookline validate' for this session whose verdict is pass"
        ),
    ] = False
    passport: Annotated[
        Path | None,
        Doc(
            "where the passport is, relative to the session file; passport.json in the output folder by default"
        ),
    ] = None
    passport_max_age_days: Annotated[
        float | None, Gt(0), Doc("how old the passport may be; by default of any age")
    ] = None


@dataclass(frozen=True)
class SweepEntry:
    """What ``hookline sweep`` tries, and how it judges."""

    parameters: Annotated[
        dict[str, str | list[float | int | bool | str | None]],
        MinLen(1),
        Doc("by address, what is tried: '5:50:5' for steps, a list, or '0.5..3' for anything between"),
    ]
    method: Annotated[
        Literal["grid", "random", "bayes"],
        Doc("every combination, some at random, or a search that learns from earlier runs"),
    ] = "grid"
    objective: Annotated[str, MinLen(1), Doc("figure by which runs are compared")] = "sharpe"
    constraints: Annotated[list[str], Doc("rules between parameters, such as 'fast < slow'")] = field(
        default_factory=list
    )
    symbols: Annotated[
        list[str] | Literal["each"],
        Doc(
            "instruments that are traded one at a time, 'each' for every one of the session; by default it runs as it is"
        ),
    ] = field(default_factory=list)
    periods: Annotated[
        list[str], Doc("when runs trade, such as '2023-01-01:2024-01-01'; bars before a period warm up")
    ] = field(default_factory=list)
    runs: Annotated[int, Ge(1), Doc("combinations to try at random or by search; 100 by default")] | None = (
        None
    )
    seed: Annotated[int, Ge(0), Doc("start of the randomness of the search")] = 0


@dataclass(frozen=True)
class SessionFile:
    """A session: market data, strategies, and where their orders go."""

    symbols: Annotated[
        list[Annotated[str, MinLen(1)]], MinLen(1), Doc("instruments, by their names at the venue")
    ]
    timeframe: Annotated[str, Doc("bar length: a count and one of s m h d w, such as 15m or 4h")]
    feed: Annotated[PluginUse, Doc("where market data comes from")]
    strategies: Annotated[list[StrategyEntry], MinLen(1), Doc("what trades")]
    name: Annotated[str, MinLen(1), Doc("name of the session; the file's name by default")] | None = None
    mode: Annotated[
        Literal["backtest", "paper", "live"],
        Doc("history at full speed, market data as it comes with simulated fills, or orders at a venue"),
    ] = "backtest"
    cash: Annotated[Decimal, Gt(0), Le(10**15), Doc("starting cash")] = Decimal(10_000)
    currency: Annotated[str, MinLen(1), Doc("currency of cash and results")] = "USDT"
    balances: Annotated[
        dict[str, Annotated[Decimal, Ge(0), Le(10**15)]],
        Doc(
            "starting cash by currency, instead of 'cash'; instruments are paid from that of their quote currency"
        ),
    ] = field(default_factory=dict)
    rates: Annotated[
        dict[str, str],
        Doc("by currency, the instrument whose last price turns it into the session's currency"),
    ] = field(default_factory=dict)
    venues: Annotated[dict[str, VenueEntry], Doc("where a session trades, if at more than one venue")] = (
        field(default_factory=dict)
    )
    accounts: Annotated[
        Literal["apart", "netted"],
        Doc(
            "whether each strategy has an account of its own at the venue, or all share one in which orders are netted"
        ),
    ] = "apart"
    seed: Annotated[int, Ge(0), Doc("start of all randomness")] = 0
    since: Annotated[str, Doc("first bar start: ISO date or time, UTC unless it says otherwise")] | None = (
        None
    )
    until: Annotated[str, Doc("end of the period, itself not included")] | None = None
    instruments: Annotated[dict[str, InstrumentEntry], Doc("steps and limits by symbol")] = field(
        default_factory=dict
    )
    external: Annotated[dict[str, ExternalEntry], Doc("other series by name")] = field(default_factory=dict)
    broker: Annotated[PluginUse, Doc("where orders go")] = field(default_factory=lambda: PluginUse("paper"))
    market_data: Annotated[
        list[Literal["quotes", "trades", "book"]],
        Doc(
            "what to follow besides bars, also where no strategy has a callback for it: the paper broker fills from it"
        ),
    ] = field(default_factory=list)
    stream: Annotated[StreamEntry, Doc("treatment of market data as it comes")] = field(
        default_factory=StreamEntry
    )
    live: Annotated[LiveEntry, Doc("comparison with the venue, and the dead man's switch")] = field(
        default_factory=LiveEntry
    )
    journal: Annotated[JournalEntry, Doc("record of the session, to restart from")] = field(
        default_factory=JournalEntry
    )
    require_stops: Annotated[
        bool, Doc("deny orders that open a leveraged position without a protective stop")
    ] = True
    flatten_on_halt: Annotated[bool, Doc("close every position when the session halts")] = False
    on_stop: Annotated[
        Literal["keep", "cancel", "flatten"] | None,
        Doc(
            "what becomes of open orders when a session stops: kept, canceled (live without those that protect a position), "
            "or canceled with every position closed; by default keep on paper and cancel live"
        ),
    ] = None
    risk: Annotated[list[PluginUse], Doc("risk rules, asked in this order")] = field(default_factory=list)
    reporters: Annotated[list[PluginUse], Doc("reports to write")] = field(
        default_factory=lambda: [PluginUse(name) for name in _DEFAULT_REPORTERS]
    )
    notifiers: Annotated[list[PluginUse], Doc("who is told of halts and ends")] = field(default_factory=list)
    sweep: Annotated[SweepEntry | None, Doc("what 'hookline sweep' tries")] = None
    validation: Annotated[ValidationRules, Doc("how 'hookline validate' tests, and what must hold")] = field(
        default_factory=ValidationRules
    )
    executor: Annotated[
        PluginUse | None,
        Doc("where the runs of sweeps and validations are worked off; by default this machine"),
    ] = None
    output: Annotated[Path, Doc("folder of the reports, relative to the working directory")] | None = None
