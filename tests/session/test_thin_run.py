"""One run from end to end on real bars; it stays green."""

from decimal import Decimal

import pyarrow.parquet as pq

import hookline as hl
from hookline_strategies.ema_cross import EmaCross


def test_a_strategy_runs_on_real_bars_and_its_numbers_add_up(real_data):
    table = pq.read_table(real_data / "bars_1h" / "binance_usdm_BTCUSDT_1h.parquet").slice(0, 5000)
    columns = [table[name].to_numpy() for name in ("ts", "open", "high", "low", "close", "volume")]
    series = hl.BarSeries("BTCUSDT", "1h", *columns)
    instrument = hl.Instrument(
        "BTCUSDT", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal("0.001")
    )

    result = hl.backtest(EmaCross(), series, instruments=[instrument], taker_fee_bps=5)

    fills = result.record.fills
    assert len(fills) > 50
    flows = sum(fill.side * fill.quantity * fill.price + fill.fee for fill in fills)
    held = sum(fill.side * fill.lots for fill in fills) * 0.001
    assert abs(result.metrics.final_equity - (10_000 - flows + held * series.close[-1])) < 1e-6
    assert "Sharpe" in str(result)
