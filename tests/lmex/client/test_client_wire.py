"""Numbers and texts as the venue writes them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.model import Side
from hookline_lmex.wire import (
    UnreadableError,
    decimal,
    decimal_or_none,
    decode,
    encode,
    flag,
    from_ms,
    row_of,
    rows_of,
    side,
    text,
    whole,
)

PLAIN = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=8)


@given(PLAIN)
def test_a_decimal_survives_the_way_out_and_back(value: Decimal) -> None:
    row = decode(encode({"price": value}))
    assert decimal(row, "price") == value
    assert b"E" not in encode({"price": value})


@given(PLAIN)
def test_a_number_is_the_same_however_it_is_written(value: Decimal) -> None:
    for written in (format(value, "f"), f"{value:e}", f'"{value:f}"', f'"{value:E}"'):
        assert decimal(decode(f'{{"price":{written}}}'.encode()), "price") == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_64_bit_numbers_stay_exact(value: int) -> None:
    assert whole(decode(f'{{"requestId":{value}}}'.encode()), "requestId") == value
    assert whole(decode(f'{{"requestId":"{value}"}}'.encode()), "requestId") == value


@given(st.integers(0, 10**9))
def test_a_count_may_be_written_with_a_point(value: int) -> None:
    assert whole(decode(f'{{"size":{value}.0}}'.encode()), "size") == value
    assert type(whole(decode(f'{{"size":"{value}.0"}}'.encode()), "size")) is int


@pytest.mark.parametrize("written", ["1.5", '"1.5"', '"NaN"', "1e999999999", "true", "[]", '"x"'])
def test_what_is_no_whole_number_is_refused(written: str) -> None:
    with pytest.raises(UnreadableError, match="size: must be a"):
        whole(decode(f'{{"size":{written}}}'.encode()), "size")


@pytest.mark.parametrize("written", ['"NaN"', '"Infinity"', "true", "{}", '"1,5"'])
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(UnreadableError, match="price: must be a"):
        decimal(decode(f'{{"price":{written}}}'.encode()), "price")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    )
)
def test_whatever_a_field_holds_is_read_or_refused(value: Any) -> None:
    row = {"price": value}
    for reader in (decimal, decimal_or_none, whole, side, from_ms):
        try:
            reader(row, "price")
        except UnreadableError:
            continue
    assert isinstance(text(row, "price"), str)
    assert isinstance(flag(row, "price"), bool)


def test_null_and_empty_count_as_absent_and_older_names_are_tried() -> None:
    row = {"avgFilledPrice": None, "averageFillPrice": "", "avgFillPrice": "3.5"}
    assert decimal(row, "avgFilledPrice", "averageFillPrice", "avgFillPrice") == Decimal("3.5")
    assert decimal_or_none(row, "avgFilledPrice") is None
    with pytest.raises(UnreadableError, match="price: must be there, was missing"):
        decimal(row, "price", default=None)


@pytest.mark.parametrize("written", ["BUY", "buy", "MODE_BUY", 66])
def test_a_side_has_many_names(written: Any) -> None:
    assert side({"side": written}, "side") is Side.BUY


def test_arrays_single_objects_and_envelopes_are_rows_alike() -> None:
    row = {"symbol": "ETH-USDT"}
    assert list(rows_of([row])) == list(rows_of(row)) == [row]
    assert list(rows_of({"code": 1, "msg": "Success", "data": [row], "success": True})) == [row]
    assert list(rows_of({"code": 1, "data": None, "success": True})) == []
    assert row_of([row]) == row_of(row) == row


@pytest.mark.parametrize("payload", [None, "x", 3, [1], [[]]])
def test_what_has_no_rows_is_refused(payload: Any) -> None:
    with pytest.raises(UnreadableError, match="must be an array"):
        rows_of(payload)


def test_infinite_numbers_are_not_sent() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        encode({"price": Decimal("NaN")})
