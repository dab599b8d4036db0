"""Tables of a result: columns of plain values, and pandas frames made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from hookline.reporting.result import Result

__all__ = [
    "TIME_COLUMNS",
    "equity_columns",
    "equity_frame",
    "fill_columns",
    "fills_frame",
    "order_columns",
    "orders_frame",
    "round_trips_frame",
]

# Columns that hold int64 nanoseconds UTC; None where there is no time.
TIME_COLUMNS = frozenset({"time", "update_time", "expire_time", "entry_time", "exit_time"})


def fill_columns(result: Result) -> dict[str, list[Any]]:
    """Return fills by column, in the order of events: times in nanoseconds, prices and quantities as floats."""
    fills = result.record.fills
    columns: dict[str, list[Any]] = {
        name: [getattr(fill, name) for fill in fills]
        for name in ("number", "time", "order_number", "strategy", "symbol")
    }
    columns["side"] = [fill.side.name.lower() for fill in fills]
    columns |= {
        name: [getattr(fill, name) for fill in fills] for name in ("quantity", "price", "fee", "is_maker")
    }
    return columns


def order_columns(result: Result) -> dict[str, list[Any]]:
    """Return orders by column, as they stood at the end of the run."""
    orders = result.record.orders
    before = ("number", "client_order_id", "time", "strategy", "symbol")
    after = ("quantity", "limit_price", "trigger_price", "trail_amount", "trail_fraction")
    flags = ("expire_time", "post_only", "reduce_only", "oco_group", "tag")
    end = ("filled_quantity", "average_price", "update_time", "reason")

    def take(names: tuple[str, ...]) -> dict[str, list[Any]]:
        return {name: [getattr(order, name) for order in orders] for name in names}

    columns = take(before)
    columns["side"] = [order.side.name.lower() for order in orders]
    columns["type"] = [order.type.value for order in orders]
    columns |= take(after)
    columns["time_in_force"] = [order.time_in_force.value for order in orders]
    columns |= take(flags)
    columns["parent"] = [None if order.parent is None else order.parent.number for order in orders]
    columns["status"] = [order.status.value for order in orders]
    return columns | take(end)


def equity_columns(result: Result) -> dict[str, Any]:
    """Return equity, drawdown and buy and hold at every bar end, as numpy columns; each strategy's where there are several."""
    time, equity = result.equity
    columns: dict[str, Any] = {
        "time": time,
        "equity": equity,
        "drawdown": result.drawdown.value,
        "buy_and_hold": result.buy_and_hold.equity.value,
    }
    strategies = result.record.strategies
    if len(strategies) > 1:
        columns |= {f"equity_{strategy.id}": result.equity_of(strategy.id).value for strategy in strategies}
    return columns


def fills_frame(result: Result) -> pd.DataFrame:
    """Return fills as a pandas frame."""
    return _frame(fill_columns(result))


def orders_frame(result: Result) -> pd.DataFrame:
    """Return orders as a pandas frame."""
    return _frame(order_columns(result))


def equity_frame(result: Result) -> pd.DataFrame:
    """Return the curves as a pandas frame, indexed by time."""
    return _frame(equity_columns(result)).set_index("time")


def round_trips_frame(result: Result) -> pd.DataFrame:
    """Return round trips as a pandas frame."""
    return _frame(result.trips.columns())


def _frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(dict(columns))
    for name in TIME_COLUMNS & columns.keys():
        frame[name] = pd.to_datetime(pd.Series(columns[name], dtype="Int64"), utc=True).astype(
            "datetime64[ns, UTC]"
        )
    return frame
