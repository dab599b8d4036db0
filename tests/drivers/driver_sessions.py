"""Strategies and plans that use much of the engine, to be run through both drivers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

import hookline as hl
from hookline.feed import BarRequest
from hookline.params import PluginUse
from hookline.session.plan import Plan, Seat
from hookline.session.session import Session
from hookline_feeds.replay import ReplayFeed
from hookline_paper.broker import PaperBroker


@dataclass
class Breakout(hl.Strategy):
    """Event-driven: stop entries with brackets at channel extremes, dips bought with limits, a timer that tidies up."""

    name = "breakout"

    period: int = 20

    def on_start(self, ctx):
        self.heard = []
        self.columns = {}
        for symbol in ctx.symbols:
            bars = ctx.bars(symbol)
            self.columns[symbol] = (
                ctx.use(hl.highest(bars.high, self.period)),
                ctx.use(hl.lowest(bars.low, self.period)),
                ctx.use(hl.atr(bars, 14)),
                ctx.use(hl.ema(bars.at("4h").close, 10)),
            )
        ctx.every("12h", "tidy")
        ctx.every("7m", "blink")

    def on_bar(self, ctx, bar):
        symbol, position = bar.symbol, ctx.position(bar.symbol)
        high, low, width, trend = (handle.value for handle in self.columns[symbol])
        if not position.is_flat or ctx.open_orders(symbol):
            return
        quantity = 0.2 * ctx.spendable / bar.close
        rising = bar.close > trend
        if rising and bar.close > (high + low) / 2:
            ctx.buy(symbol, quantity, trigger=high, stop_loss=high - 2 * width, take_profit=high + 3 * width)
        elif rising:
            ctx.buy(symbol, quantity, limit=bar.close - width, stop_loss_trail=2 * width, post_only=True)
        else:
            ctx.sell(symbol, quantity, trigger=low, limit=low - width, stop_loss=low + 2 * width)

    def on_order(self, ctx, order, update):
        self.heard.append((ctx.now, order.client_order_id, str(update.status)))

    def on_fill(self, ctx, fill):
        self.heard.append((ctx.now, fill.number, ctx.position(fill.symbol).lots))

    def on_timer(self, ctx, timer):
        if timer == "tidy":
            for order in ctx.open_orders():
                if order.parent is None:
                    ctx.cancel(order)
        elif ctx.rng.random() < 0.002:
            ctx.close(ctx.rng.choice(ctx.symbols))


@dataclass
class Trend(hl.SignalStrategy):
    """Decisions on closed bars: both sides, stops that follow, targets."""

    name = "trend"

    fast: int = 8
    slow: int = 30
    allow_short: bool | None = None

    def columns(self, bars):
        width = hl.atr(bars, 10)
        return {
            "close": bars.close,
            "fast": hl.ema(bars.close, self.fast),
            "slow": hl.ema(bars.close, self.slow),
            "low": bars.close - 2.5 * width,
            "high": bars.close + 2.5 * width,
            "week": hl.sma(bars.at("1d").close, 5),
        }

    @staticmethod
    def decide(x, held, p):
        if held.exposure > 0.0:
            return hl.hold(stop=x.low) if x.low > held.stop else hl.hold()
        if held.exposure < 0.0:
            return hl.hold(stop=x.high) if x.high < held.stop else hl.hold()
        if x.fast > x.slow and x.close > x.week:
            return hl.long(stop=x.low, target=x.close + 2.0 * (x.close - x.low))
        if x.fast < x.slow and x.close < x.week and p.allow_short:
            return hl.short(stop=x.high)
        return hl.hold()

    def sizer(self):
        return hl.RiskByStop(risk_fraction=0.01)


INSTRUMENTS = {
    "BTCUSDT": hl.Instrument(
        "BTCUSDT",
        kind=hl.InstrumentKind.PERPETUAL,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
        min_notional=Decimal(10),
    ),
    "ETHUSDT": hl.Instrument("ETHUSDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.0001")),
}
SINCE = 1_580_515_200_000_000_000  # 2020-02-01: the crash of March is in it
HOUR = 3600 * 10**9


def save_bars(folder: Path, real_data: Path, bars: int) -> Path:
    """Write two instruments of recorded bars, the second with holes and flats of its own, where a feed finds them."""
    for symbol, cut in (("BTCUSDT", lambda index: index >= 0), ("ETHUSDT", lambda index: index % 97 > 3)):
        table = pq.read_table(real_data / "bars_1h" / f"binance_usdm_{symbol}_1h.parquet")
        time = table["ts"].to_numpy()
        wanted = (time >= SINCE) & (time < SINCE + bars * HOUR)
        rows = table.filter(wanted)
        pq.write_table(rows.filter(cut(np.arange(rows.num_rows))), folder / f"{symbol}.parquet")
    return folder


def plan_of(mode: str, folder: Path, strategies, *, symbols=("BTCUSDT", "ETHUSDT"), **broker) -> Plan:
    """A session of strategies on the saved bars; each has 10,000 in cash."""
    feed = ReplayFeed(PluginUse("parquet", {"path": str(folder / "{symbol}.parquet")}))
    terms = {"taker_fee_bps": 5.0, "maker_fee_bps": 1.0, "slippage_bps": 1.0, "leverage": 2.0} | broker
    return Plan(
        name="parity",
        mode=mode,
        currency="USDT",
        seed=7,
        timeframe="1h",
        feed=feed,
        requests=[BarRequest(symbol, "1h") for symbol in symbols],
        instruments={symbol: INSTRUMENTS[symbol] for symbol in symbols},
        broker=PaperBroker(**terms),
        seats=[
            Seat(f"{one.name}-{number}", one.name, one, tuple(symbols), 10_000.0)
            for number, one in enumerate(strategies)
        ],
    )


def run_plan(mode: str, folder: Path, strategies, **terms):
    return Session(plan_of(mode, folder, strategies, **terms)).run()


def order_lines(record) -> list[str]:
    """Every order with every term and how it ended."""
    names = (
        "client_order_id", "symbol", "side", "type", "lots", "limit_price", "trigger_price", "trail_amount",
        "time_in_force", "expire_time", "post_only", "reduce_only", "oco_group", "tag", "time",
        "status", "filled_lots", "average_price", "update_time", "reason",
    )  # fmt: skip
    return [" ".join(f"{name}={getattr(order, name)!r}" for name in names) for order in record.orders]
