"""What a session is: enough to judge whether a journal is its own and to rebuild its instruments and strategies."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from hookline.journal.text import number_text, to_json
from hookline.model import Instrument
from hookline.reporting.plain import plain
from hookline.reporting.record import StrategyRecord

__all__ = ["SessionHeader", "config_hash"]


def config_hash(config: Mapping[str, Any]) -> str:
    """Return the sha256 of a configuration's canonical JSON, as hexadecimal text."""
    text = json.dumps(plain(config), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class SessionHeader:
    """What a session is.

    Args:
        name: Its name.
        mode: ``backtest``, ``paper`` or ``live``.
        currency: Currency of the strategies' cash.
        config: The configuration as ``SessionConfig.dump()`` gives it: without secrets.
        instruments: What it trades, by symbol.
        strategies: Its strategies, each with its cash.
        wallets: Wallet that each symbol is paid from, by symbol; those not named are paid from the one called ``currency``.
        cash: Start cash by strategy and wallet; a strategy that is not named has all of its cash in one called ``currency``.
    """

    name: str
    mode: str
    currency: str
    config: Mapping[str, Any]
    instruments: Mapping[str, Instrument]
    strategies: Sequence[StrategyRecord]
    wallets: Mapping[str, str] = field(default_factory=dict)
    cash: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Sha256 of the configuration's canonical JSON, as hexadecimal text."""
        return config_hash(self.config)

    def start_cash(self, strategy: StrategyRecord) -> dict[str, float]:
        """Return what a strategy starts with, by wallet."""
        given = self.cash.get(strategy.id)
        if given is None:
            return {self.currency: strategy.cash}
        return {wallet: float(cash) for wallet, cash in given.items()}

    def wallet(self, symbol: str) -> str:
        """Return the wallet that an instrument is paid from, by its symbol or the id of a position in it."""
        return self.wallets.get(symbol.partition("|")[0], self.currency)

    def differences(self, other: SessionHeader) -> list[str]:
        """Return the top-level keys of the configuration that differ."""
        ours, theirs = plain(self.config), plain(other.config)
        return sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))

    def to_text(self) -> str:
        """Return the header as JSON text."""
        data = {
            "config": plain(self.config),
            "instruments": {symbol: _instrument_data(one) for symbol, one in self.instruments.items()},
            "strategies": [
                plain(strategy) | {"cash": number_text(strategy.cash)} for strategy in self.strategies
            ],
            "wallets": dict(self.wallets),
            "cash": plain(self.cash),
        }
        return to_json(data, f"journal of session {self.name!r}")

    @classmethod
    def from_text(cls, name: str, mode: str, currency: str, text: str) -> SessionHeader:
        """Return the header that a JSON text describes."""
        data = json.loads(text)
        return cls(
            name=name,
            mode=mode,
            currency=currency,
            config=data["config"],
            instruments={symbol: _instrument(item) for symbol, item in data["instruments"].items()},
            strategies=[_strategy(item) for item in data["strategies"]],
            wallets=data["wallets"],
            cash={
                strategy: {wallet: Decimal(cash) for wallet, cash in wallets.items()}
                for strategy, wallets in data["cash"].items()
            },
        )


def _strategy(data: Mapping[str, Any]) -> StrategyRecord:
    return StrategyRecord(
        data["id"], data["use"], data["params"], tuple(data["symbols"]), float(data["cash"])
    )


def _instrument_data(instrument: Instrument) -> dict[str, Any]:
    """Return the fields that an instrument is made from; what it derives from them is left out."""
    return {
        item.name: plain(getattr(instrument, item.name))
        for item in dataclasses.fields(instrument)
        if item.init
    }


def _instrument(data: Mapping[str, Any]) -> Instrument:
    kinds = typing.get_type_hints(Instrument)
    return Instrument(**{name: msgspec.convert(value, kinds[name]) for name, value in data.items()})
