"""Strategies on recorded markets: a signal, a grid, a market maker, a pair, a scheduled buyer; and each signal on two timeframes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from parity_sessions import Story

from hookline.model import InstrumentKind

BTC = {
    "kind": InstrumentKind.PERPETUAL,
    "tick_size": Decimal("0.01"),
    "lot_size": Decimal("0.001"),
    "contract_size": Decimal("0.001"),
    "min_notional": Decimal(5),
    "base": "BTC",
    "quote": "USDT",
}
ETH = {**BTC, "base": "ETH"}
SPOT = {
    "kind": InstrumentKind.SPOT,
    "tick_size": Decimal("0.01"),
    "lot_size": Decimal("0.00001"),
    "min_notional": Decimal(5),
    "base": "BTC",
    "quote": "USDT",
}
FREE = {"maker_fee_bps": 0.0, "taker_fee_bps": 0.0}
BARS = {"path": "bars_1h/binance_usdm_{symbol}_1h.parquet"}
FUNDING = "funding/binance_usdm_{}_funding.parquet"

SIGNAL = Story(
    {"use": "ema_cross", "params": {"adx_min": 15}},
    symbols={"BTC-PERP": "BTCUSDT"},
    feed=BARS,
    since="2024-01-01",
    until="2024-01-22",
    terms={"BTC-PERP": BTC},
    funding={"BTC-PERP": FUNDING.format("BTCUSDT")},
)
GRID = Story(
    {"use": "grid_arithmetic", "params": {"low": 41_000, "high": 47_000, "num_grids": 24}},
    symbols={"BTC-PERP": "BTCUSDT"},
    feed=BARS,
    since="2024-01-01",
    until="2024-01-14",
    terms={"BTC-PERP": BTC},
    funding={"BTC-PERP": FUNDING.format("BTCUSDT")},
)
PAIR = Story(
    {
        "use": "pairs_trading",
        "params": {
            "window": 40,
            "entry": 1.5,
            "coint_p_open": 0.4,
            "coint_p_close": 0.6,
            "retest": "24h",
        },
    },
    symbols={"BTC-PERP": "BTCUSDT", "ETH-PERP": "ETHUSDT"},
    feed=BARS,
    since="2024-01-01",
    until="2024-01-22",
    terms={"BTC-PERP": BTC, "ETH-PERP": ETH},
    funding={"BTC-PERP": FUNDING.format("BTCUSDT"), "ETH-PERP": FUNDING.format("ETHUSDT")},
)
# Spot takes its fee from what is bought: the lots that it costs are sales of their own at the venue, none in a backtest.
BUYER = Story(
    {"use": "smart_dca", "params": {"interval": "12h", "base_quote": 200, "max_asset_fraction": 0.5}},
    symbols={"BTC-USDT": "BTCUSDT"},
    feed={"path": "bars_1h/binance_spot_{symbol}_1h.parquet"},
    since="2022-06-01",
    until="2022-06-26",
    terms={"BTC-USDT": SPOT},
    fees=FREE,
)
TAPE = {
    "book_path": "book/binance_usdm_{symbol}_depth.parquet",
    "trades_path": "trades/binance_usdm_{symbol}_trades_2024-08-08.parquet",
}
MAKER = Story(
    {
        "use": "market_maker",
        "params": {
            "order_size": 0.05,
            "max_position": 0.3,
            "spread_bps": 1.0,
            "levels": 2,
            "level_step_bps": 0.5,
            "refresh_ms": 0,
        },
    },
    symbols={"BTC-PERP": "BTCUSDT"},
    feed=TAPE,
    since="2024-08-08T23:56:10",
    until="2024-08-08T23:57:10",
    terms={"BTC-PERP": {**BTC, "tick_size": Decimal("0.1")}},
    timeframe="1m",
    tape=("book", "trades"),
)

STORIES = {"signal": SIGNAL, "grid": GRID, "pair": PAIR, "buyer": BUYER, "maker": MAKER}

# Parameters with which each signal strategy trades often in a few weeks.
SIGNALS = {
    "bollinger_reversion": {"adx_max": 40, "max_bandwidth": 1.0},
    "buy_and_hold": {"weight": 0.5},
    "donchian_breakout": {"entry_n": 12, "exit_n": 6},
    "ema_cross": {"adx_min": 15},
    "supertrend": {"period": 7, "multiplier": 2.0},
}
HOURS = replace(SIGNAL, until="2024-04-01")
FIVE_MINUTES = Story(
    SIGNAL.strategy,
    symbols={"ETH-USDT": "ETHUSDT"},
    feed={"path": "bars_5m/binance_spot_{symbol}_5m.parquet"},
    since="2023-03-01",
    until="2023-03-15",
    timeframe="5m",
    terms={"ETH-USDT": {**SPOT, "lot_size": Decimal("0.0001"), "base": "ETH"}},
    broker={"slippage_bps": 2.0},
)
MARKETS = {"hours of the BTC perpetual": HOURS, "five minutes of ETH spot": FIVE_MINUTES}
