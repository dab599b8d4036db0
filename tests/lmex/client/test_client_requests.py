"""Bodies of orders and amendments, as the venue documents them."""

from decimal import Decimal
from typing import Any

import pytest

from hookline.errors import OrderError
from hookline.model import Side
from hookline_lmex.codes import Lifetime, OrderKind, PositionModeName, PriceSource, TxKind
from hookline_lmex.requests import NewOrder, amendment_body, order_body, peg_body

BUY: dict[str, Any] = {"symbol": "ETH-PERP", "side": Side.BUY, "size": 5}


def futures(**fields: Any) -> dict[str, object]:
    return order_body(NewOrder(**BUY | fields), is_futures=True)


def spot(**fields: Any) -> dict[str, object]:
    return order_body(NewOrder(**{"symbol": "ETH-USDT", "side": Side.BUY} | fields), is_futures=False)


def test_a_limit_order_holds_what_was_set_and_no_more() -> None:
    assert futures(price=Decimal("3000.5")) == {
        "symbol": "ETH-PERP", "side": "BUY", "type": "LIMIT", "price": Decimal("3000.5"), "size": 5,
    }  # fmt: skip


def test_all_of_an_order() -> None:
    body = futures(
        price=Decimal(3000), lifetime=Lifetime.IOC, tx_kind=TxKind.STOP, trigger_price=Decimal(2990),
        trigger_source=PriceSource.LAST, post_only=True, reduce_only=True, take_profit_price=Decimal(3200),
        take_profit_source=PriceSource.MARK, stop_loss_price=Decimal(2800), position_mode=PositionModeName.HEDGE,
        client_order_id="hl-1",
    )  # fmt: skip
    assert body == {
        "symbol": "ETH-PERP", "side": "BUY", "type": "LIMIT", "price": 3000, "size": 5, "time_in_force": "IOC",
        "txType": "STOP", "triggerPrice": 2990, "trigger": "lastPrice", "postOnly": True, "reduceOnly": True,
        "takeProfitPrice": 3200, "takeProfitTrigger": "markPrice", "stopLossPrice": 2800, "positionMode": "HEDGE",
        "clOrderID": "hl-1",
    }  # fmt: skip


def test_triggers_have_other_words_on_spot() -> None:
    body = spot(
        size=Decimal("0.5"), kind=OrderKind.MARKET, tx_kind=TxKind.TRIGGER, trigger_price=Decimal(9),
        trigger_source=PriceSource.INDEX,
    )  # fmt: skip
    assert (body["triggerPriceType"], body["txType"]) == ("INDEX_PRICE", "TRIGGER")
    assert "trigger" not in body


def test_contracts_are_whole_even_if_given_as_a_decimal() -> None:
    body = order_body(NewOrder(**BUY | {"size": Decimal("5.0"), "kind": OrderKind.MARKET}), is_futures=True)
    assert body["size"] == 5
    assert type(body["size"]) is int


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "needs a price, was None"),
        ({"kind": OrderKind.MARKET, "price": Decimal(1)}, "has no price"),
        ({"kind": OrderKind.MARKET, "size": None}, "needs a size, was None"),
        ({"kind": OrderKind.MARKET, "size": Decimal("1.5")}, "must be whole contracts, was 1.5"),
        ({"kind": OrderKind.MARKET, "size": 0}, "size must be above 0, was 0"),
        ({"kind": OrderKind.MARKET, "quote_amount": Decimal(5)}, "only a spot market buy has a quote_amount"),
        ({"kind": OrderKind.MARKET, "tx_kind": TxKind.STOP}, "needs a trigger_price"),
        ({"kind": OrderKind.OCO, "price": Decimal(1), "trigger_price": Decimal(1)}, "needs a stop_price"),
        ({"kind": OrderKind.OCO, "price": Decimal(1), "stop_price": Decimal(1)}, "needs a trigger_price"),
        (
            {"kind": OrderKind.MARKET, "trail_value": Decimal(1), "stop_loss_price": Decimal(1)},
            "futures orders that do not trail",
        ),
        (
            {"price": Decimal(1), "trigger_source": PriceSource.INDEX},
            "trigger_source: must be 'mark' or 'last', was 'index'",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(OrderError, match=message):
        futures(**fields)


def test_spot_has_no_position_mode_and_nothing_attached() -> None:
    with pytest.raises(OrderError, match="has no position mode, was 'HEDGE'"):
        spot(size=1, price=Decimal(1), position_mode=PositionModeName.HEDGE)
    with pytest.raises(OrderError, match="only futures orders"):
        spot(size=1, price=Decimal(1), take_profit_price=Decimal(2))


def test_a_trailing_stop_needs_no_trigger() -> None:
    body = futures(kind=OrderKind.MARKET, tx_kind=TxKind.STOP, trail_value=Decimal(12))
    assert body["trailValue"] == 12
    assert "triggerPrice" not in body


def test_a_peg_is_a_peg() -> None:
    with pytest.raises(OrderError, match="must be PEG"):
        peg_body(NewOrder(**BUY, price=Decimal(1)), is_futures=True)


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"price": Decimal("9.5")}, {"type": "PRICE", "value": Decimal("9.5")}),
        ({"size": Decimal(7)}, {"type": "SIZE", "value": 7}),
        ({"trigger_price": Decimal(8)}, {"type": "TRIGGERPRICE", "value": 8}),
        ({"price": Decimal(9), "size": 7}, {"type": "ALL", "orderPrice": 9, "orderSize": 7}),
        (
            {"price": Decimal(9), "size": 7, "trigger_price": Decimal(8)},
            {"type": "ALL", "orderPrice": 9, "orderSize": 7, "triggerPrice": 8},
        ),
    ],
)
def test_an_amendment_names_what_changes(changes: dict[str, Any], body: dict[str, Any]) -> None:
    found = amendment_body("ETH-PERP", client_order_id="hl-1", is_futures=True, **changes)
    assert found == {"symbol": "ETH-PERP", "clOrderID": "hl-1"} | body


def test_an_amendment_needs_an_order_and_a_change() -> None:
    with pytest.raises(OrderError, match="had neither"):
        amendment_body("ETH-PERP", price=Decimal(1), is_futures=True)
    with pytest.raises(OrderError, match="changed nothing"):
        amendment_body("ETH-PERP", order_id="x", is_futures=True)
