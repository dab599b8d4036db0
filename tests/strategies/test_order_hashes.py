"""Every bundled strategy sends exactly the orders that it sent before, until somebody means to change that."""

import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from book_markets import FINE, ON_BOOKS, ON_REAL_BOOKS, real_tape, synthetic_tape
from book_markets import run as book_run
from pair_markets import carried, cointegrated, isolated, perpetual, real_carry, spot
from strategy_runs import order_hash, order_list, real_bars, run

import hookline as hl
from hookline import plugins
from hookline_feeds.synthetic import SyntheticFeed

TWAP = {"use": "twap", "params": {"duration": "20d", "slices": 200, "randomize": 0.5}}
PARAMS = {
    "buy_and_hold": {},
    "ema_cross": {},
    "supertrend": {},
    "donchian_breakout": {},
    "bollinger_reversion": {},
    "grid_arithmetic": {"low": 80, "high": 130},
    "work_order": {"quantity": 20, "algorithm": TWAP},
    "pairs_trading": {"a": "B", "b": "A", "calibration": 120},
    "funding_arb": {"max_basis": 0.002, "inventory": 10, "horizon": "7d"},
    "smart_dca": {"base_quote": 20, "interval": "6h"},
}
REAL_PARAMS = {
    **PARAMS,
    "grid_arithmetic": {"low": 30_000, "high": 60_000, "num_grids": 60},
    "work_order": {"quantity": 0.2, "algorithm": TWAP},
    "pairs_trading": {"entry": 1.5, "coint_p_open": 0.1},
    "smart_dca": {"base_quote": 200, "interval": "6h", "max_asset_fraction": 1},
    "funding_arb": {"horizon": "7d", "max_basis": 0.003, "exit_rate": 0.0002},
}
COSTS = {"taker_fee_bps": 5, "maker_fee_bps": 2, "slippage_bps": 1}

# When a change of orders is meant: say why in the change, and put the value that the failing test shows here.
SYNTHETIC = {
    "buy_and_hold": "dbc79e330ef35ba0dee66db2eb2cccec6755340b658240c14404da5cbdeddbf4",
    "ema_cross": "84e4d84ce1089e5819bcfb8e4d91d123ad81105a6e8bb306c3566a8d070f8b68",
    "supertrend": "50e03850b454c3d4a31ba808a4588b5a074a33474aa905044cfdcc464fc6bc05",
    "donchian_breakout": "30d8b5b8fe455238a8e9c551b8e297312881e5b8da07c005be7929db2f031ffc",
    "bollinger_reversion": "37aa8c0f5957a10ce32de3a27c902c6aa503f7d0023e70b97bb3fe1200734814",
    "grid_arithmetic": "ba0d547238ab1ef7dde56d4857fa99c8c90b20a7d98a2f2e62e89f49e9021429",
    "work_order": "c370f255c600f0013905044fd5318f1549869499983b8813f0fb014855a87f20",
    "pairs_trading": "be3daf436436957b640ed80cf47703174074b9461b38ec91c17036b1adf3f0b4",
    "funding_arb": "a139865914f9028862e8f4eaa5ca074e39b6981b588c0dd8b2bb249768117f81",
    "smart_dca": "06120542fb7bfcdf2f9594722a255cfaa7400e8910b207b2fd2c114e3e9301dd",
}
REAL = {
    "buy_and_hold": "5e28c03540e9f451c089ef1ddb15abe842141b1afccd882c6d0e40e5ecf82f20",
    "ema_cross": "13ab1430cf195b7a2bfabb254c93bc39b247dffedea5cadf7e73d98c27a14619",
    "supertrend": "527c847827c5bfc6208e165371dac9e3f50a3660efe6c073ab309019e5aec545",
    "donchian_breakout": "dd182abe0d32676cdcb364a982de750674944cc23faf9566983bd8f5d42b4091",
    "bollinger_reversion": "0a70cc0453a15b9515c4726bac400f369b04525ffef2cee1e5ae8ac3eb1aabff",
    "grid_arithmetic": "90a627f94de4c01715b58acca26825e5540d041e4bcd60eb4baca9f50cda1284",
    "work_order": "c9dbeaa93c5c5707b043fc0d67072046635b23b56e00704dbed131318a092cdd",
    "pairs_trading": "a3b47787b5be5838885e12e4bf9b2208016be93c9f9a731bf50425bd41382d11",
    "funding_arb": "24cdaf30616d607ced3273bf6fa1ddf6f40bc01bc5492292c58f19f00957b1ba",
    "smart_dca": "3ccc64606f82f79df5c87fcbcdf2882003c3976fa056e15f320d108cc5fb2460",
}


SYNTHETIC_BOOK = {
    "market_maker": "f16513a77b8a180b537b44e258b3d2554fd31a3091924efc9c869334adeb5e66",
    "weighted_imbalance": "3a0208360cf078a13d0b6c5270299659139281df8771629be74bbc9ab6d12709",
}
REAL_BOOK = {
    "market_maker": "8e64a87e4983780055a95580b7bdfe1a00844940fe7726cd08fa6c0208754730",
    "weighted_imbalance": "d7c75f0f6a5ad67b3255b009437c63e15ae20e1f260b9a1f27ed94459874d8f5",
}


def synthetic_run(name):
    strategy = plugins.build("strategies", name, PARAMS[name], name)
    if name == "pairs_trading":
        instruments = [perpetual("A"), perpetual("B")]
        return hl.backtest(strategy, cointegrated(4000), instruments=instruments, **COSTS)
    if name == "funding_arb":
        series, funding = carried(4000)
        return hl.backtest(strategy, series, instruments=[spot(), isolated()], funding=funding, **COSTS)
    series = SyntheticFeed(seed=7, bars=4000, start="2024-01-01").load(hl.BarRequest("TEST", "1h"))
    return run(strategy, series, **COSTS)


def real_run(name, folder):
    strategy = plugins.build("strategies", name, REAL_PARAMS[name], name)
    if name == "pairs_trading":
        coins = {coin: f"binance_usdm_{coin}USDT" for coin in ("ETH", "BTC")}
        pair = {
            coin: replace(real_bars(folder, file, 10_000, 4000), symbol=coin) for coin, file in coins.items()
        }
        return hl.backtest(strategy, pair, instruments=[perpetual(coin) for coin in pair], **COSTS)
    if name == "funding_arb":
        series, funding = real_carry(folder, "2020-12-01", 4000)
        return hl.backtest(strategy, series, instruments=[spot(), isolated()], funding=funding, **COSTS)
    return run(strategy, real_bars(folder, "binance_usdm_BTCUSDT", 10_000, 4000), **COSTS)


def check(name, result, stored):
    assert len(result.record.orders) > (0 if name == "buy_and_hold" else 50)
    found = order_hash(result)
    first = order_list(result).splitlines()[:2]
    assert found == stored.get(name), (
        f"{name} sends other orders than before; now {found!r}, beginning with {first}"
    )


@pytest.mark.parametrize("name", PARAMS)
def test_the_orders_on_synthetic_bars_are_those_stored(name):
    check(name, synthetic_run(name), SYNTHETIC)


@pytest.mark.parametrize("name", PARAMS)
def test_the_orders_on_real_bars_are_those_stored(name, real_data):
    check(name, real_run(name, real_data), REAL)


@pytest.mark.parametrize("name", ON_BOOKS)
def test_the_orders_on_a_synthetic_book_are_those_stored(name):
    strategy = plugins.build("strategies", name, ON_BOOKS[name], name)
    check(name, book_run(strategy, synthetic_tape(40), one=FINE, broker=maker_and_taker()), SYNTHETIC_BOOK)


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_REAL_BOOKS)
def test_the_orders_on_a_real_book_are_those_stored(name, real_data):
    strategy = plugins.build("strategies", name, ON_REAL_BOOKS[name], name)
    one = replace(FINE, tick_size=Decimal("0.1"))
    result = book_run(strategy, real_tape(real_data), one=one, broker=maker_and_taker())
    check(name, result, REAL_BOOK)


def maker_and_taker():
    return plugins.build("brokers", "paper", {"taker_fee_bps": 5, "maker_fee_bps": 2}, "broker")


def test_another_process_with_another_hash_seed_sends_the_same_orders():
    code = "import test_order_hashes as t; print({n: t.order_hash(t.synthetic_run(n)) for n in t.PARAMS} == t.SYNTHETIC)"
    environ = {**os.environ, "PYTHONHASHSEED": "12345"}
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == "True"


def test_every_bundled_strategy_has_stored_orders():
    ours = {
        info.name for info in plugins.names("strategies") if info.module.startswith("hookline_strategies.")
    }
    assert set(PARAMS) == set(SYNTHETIC) == set(REAL)
    assert set(ON_BOOKS) == set(ON_REAL_BOOKS) == set(SYNTHETIC_BOOK) == set(REAL_BOOK)
    assert set(PARAMS) | set(ON_BOOKS) == ours
