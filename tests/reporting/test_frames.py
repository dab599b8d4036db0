from __future__ import annotations

import pandas as pd
import pytest
from run_records import HOUR, START, Run, series

from hookline.model import OrderType


@pytest.fixture
def result():
    run = Run("10 10 12 12").fill("1 buy 10 @ 10", fee=0.5, tag="entry")
    return run.fill(
        "3 sell 10 @ 12", type=OrderType.LIMIT, limit_price=12.0, expire_time=START + 9 * HOUR
    ).result()


def test_times_are_aware_and_utc(result):
    frames = (result.fills_frame(), result.orders_frame(), result.round_trips_frame())
    for frame, column in zip(frames, ("time", "time", "exit_time"), strict=True):
        assert str(frame[column].dtype) == "datetime64[ns, UTC]"
    assert str(result.equity_frame().index.dtype) == "datetime64[ns, UTC]"
    assert result.fills_frame().time[0] == pd.Timestamp("2024-01-01T01:00Z")


def test_fills_and_orders_hold_every_field(result):
    fill = result.fills_frame().iloc[0]
    assert (fill.side, fill.quantity, fill.price, fill.fee, fill.is_maker) == ("buy", 10.0, 10.0, 0.5, False)
    order = result.orders_frame().iloc[1]
    assert (order.type, order.limit_price, order.status, order.client_order_id) == (
        "limit",
        12.0,
        "filled",
        "s-2",
    )
    assert order.expire_time == pd.Timestamp("2024-01-01T09:00Z")
    assert result.orders_frame().tag.tolist() == ["entry", ""]
    assert pd.isna(result.orders_frame().expire_time[0])


def test_equity_frame_has_drawdown_and_comparison_and_each_of_several_strategies():
    run = Run(series("10 10 12 12"), strategies=("a", "b")).fill("1 buy 10 @ 10", strategy="a")
    frame = run.result().equity_frame()
    assert list(frame.columns) == ["equity", "drawdown", "buy_and_hold", "equity_a", "equity_b"]
    assert frame.equity.tolist() == [1000, 1000, 1020, 1020]
    assert (frame.equity_a + frame.equity_b).tolist() == frame.equity.tolist()


def test_empty_runs_give_empty_frames_with_the_same_columns(result):
    empty = Run().result()
    for name in ("fills_frame", "orders_frame", "equity_frame", "round_trips_frame"):
        assert len(getattr(empty, name)()) == 0
        assert list(getattr(empty, name)().columns) == list(getattr(result, name)().columns)
