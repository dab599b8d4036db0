"""nautilus_trader's backtest engine, with its own EMA.

A market order made when a bar closes fills at that same close: the engine's market is at the close when the order arrives.
Its final equity is therefore that of another rule than the others'.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import repeat
from typing import Any

import nautilus_trader
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, CurrencyType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy
from workload import CASH, FAST, FEE_FRACTION, MINUTE, QUANTITY, SAME_CLOSE, SLOW, SYMBOL, Arrays, Finals

__all__ = ["FILL", "prepare", "report", "run", "version"]

FILL = SAME_CLOSE
version = nautilus_trader.__version__

_VENUE = Venue("SIM")
_BASE = Currency(SYMBOL, precision=0, iso4217=0, name=SYMBOL, currency_type=CurrencyType.CRYPTO)
_ID = InstrumentId(Symbol(f"{SYMBOL}USDT"), _VENUE)
_BAR_TYPE = BarType.from_str(f"{_ID}-1-MINUTE-LAST-EXTERNAL")


class Cross(Strategy):
    def on_start(self) -> None:
        self.instrument = self.cache.instrument(_ID)
        self.fast = ExponentialMovingAverage(FAST)
        self.slow = ExponentialMovingAverage(SLOW)
        self.register_indicator_for_bars(_BAR_TYPE, self.fast)
        self.register_indicator_for_bars(_BAR_TYPE, self.slow)
        self.subscribe_bars(_BAR_TYPE)
        self.size = self.instrument.make_qty(QUANTITY)
        self.holds = False
        self.fills = 0

    def on_bar(self, bar: Bar) -> None:
        self.close = bar.close
        rising = self.indicators_initialized() and self.fast.value > self.slow.value
        if rising != self.holds:
            self.holds = rising
            side = OrderSide.BUY if rising else OrderSide.SELL
            self.submit_order(self.order_factory.market(_ID, side, self.size))

    def on_order_filled(self, event: Any) -> None:
        self.fills += 1


def _instrument() -> CurrencyPair:
    return CurrencyPair(
        instrument_id=_ID,
        raw_symbol=_ID.symbol,
        base_currency=_BASE,
        quote_currency=USDT,
        price_precision=2,
        size_precision=0,
        price_increment=Price(0.01, 2),
        size_increment=Quantity(1, 0),
        ts_event=0,
        ts_init=0,
        maker_fee=Decimal(repr(FEE_FRACTION)),
        taker_fee=Decimal(repr(FEE_FRACTION)),
    )


def prepare(bars: Arrays) -> tuple[CurrencyPair, list[Bar]]:
    names = ("open", "high", "low", "close")
    prices = ([Price(price, 2) for price in getattr(bars, name).tolist()] for name in names)
    volumes = (Quantity(volume, 0) for volume in bars.volume.tolist())
    ends = (bars.start + MINUTE).tolist()
    made = map(Bar, repeat(_BAR_TYPE), *prices, volumes, ends, ends)
    return _instrument(), list(made)


def run(prepared: tuple[CurrencyPair, list[Bar]]) -> tuple[BacktestEngine, Cross]:
    instrument, bars = prepared
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=_VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=None,
        starting_balances=[Money(CASH, USDT), Money(0, _BASE)],
    )
    engine.add_instrument(instrument)
    engine.add_data(bars)
    strategy = Cross()
    engine.add_strategy(strategy)
    engine.run()
    return engine, strategy


def report(finished: tuple[BacktestEngine, Cross]) -> Finals:
    engine, strategy = finished
    account = engine.portfolio.account(_VENUE)
    cash = account.balance_total(USDT).as_decimal()
    held = account.balance_total(_BASE).as_decimal()
    return Finals(strategy.fills, float(cash + held * strategy.close.as_decimal()))
