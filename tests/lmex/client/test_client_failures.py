"""What answers mean, without a socket: the four shapes of errors and the statuses of orders."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.errors import VenueError
from hookline_lmex import errors
from hookline_lmex.codes import OrderCode
from hookline_lmex.errors import (
    LmexError,
    LmexForbidden,
    LmexLimited,
    LmexNotFound,
    LmexRefused,
    LmexUnauthorized,
    LmexUnknown,
)
from hookline_lmex.failures import Answer, failure_of, order_failure, readable


def answer(status: int, payload: Any, *, is_read: bool = False, retry: float | None = None) -> Answer:
    raw = payload if isinstance(payload, str) else msgspec.json.encode(payload).decode()
    is_json = not isinstance(payload, str)
    return Answer("POST /x", status, payload if is_json else None, is_json, raw, retry, is_read)


def futures(code: int, message: str, status: int = 400) -> dict[str, Any]:
    return {"status": status, "errorCode": code, "message": message, "extraData": None}


def spot(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "msg": message, "time": 1772600767089, "data": None, "success": False}


def old(code: int, message: str) -> dict[str, Any]:
    return {"status": 400, "error": "Bad Request", "code": code, "message": message}


@pytest.mark.parametrize(
    ("status", "payload", "error", "code"),
    [
        (400, futures(-2, "count is too large"), LmexRefused, -2),
        (200, futures(-2, "count is too large"), LmexRefused, -2),
        (400, spot(51523, "BAD_REQUEST: too little balance"), LmexRefused, 51523),
        (400, old(301, "a size that is wrong"), LmexRefused, 301),
        (200, old(301, "a size that is wrong"), LmexRefused, 301),
        (401, spot(10002, "UNAUTHORIZED: Authentication Failed"), LmexUnauthorized, 10002),
        (400, futures(-7, "Authenticate failed"), LmexUnauthorized, -7),
        (401, "api parameter is mandatory", LmexUnauthorized, None),
        (403, "<html>no entry</html>", LmexForbidden, None),
        (451, "", LmexForbidden, None),
        (404, "no such path", LmexRefused, None),
        (405, "", LmexRefused, None),
        (400, futures(-1, "Order not found", 429), LmexNotFound, -1),
        (429, futures(-1, "Order not found", 429), LmexNotFound, -1),
        (400, spot(400, "BAD_REQUEST: order doesn't exist"), LmexNotFound, 400),
        (429, futures(303, "Rate limit exceeded", 429), LmexLimited, 303),
        (429, futures(-22, "slow down", 429), LmexLimited, -22),
        (429, "", LmexLimited, None),
        (400, futures(303, "Rate limit exceeded"), LmexLimited, 303),
        (400, futures(304, "too many open orders"), LmexRefused, 304),
        (400, futures(4051, "risk limit exceeded"), LmexRefused, 4051),
        (400, futures(-1, "general failure"), LmexUnknown, -1),
        (400, spot(-11, "system error"), LmexUnknown, -11),
        (408, "", LmexUnknown, None),
        (500, futures(-1, "Order not found", 500), LmexUnknown, -1),
        (503, "maintenance", LmexUnknown, None),
        (302, "", LmexUnknown, None),
    ],
)
def test_each_shape_of_error_is_told_apart(
    status: int, payload: Any, error: type[LmexError], code: int | None
) -> None:
    found = failure_of(answer(status, payload))
    assert type(found) is error
    assert found.code == code
    assert found.status == status


def test_a_market_that_does_not_exist_is_no_order_that_was_not_found() -> None:
    text = "BAD_REQUEST: order was checked thoroughly, but its market does not exist"
    assert type(failure_of(answer(400, spot(400, text)))) is LmexRefused


def test_a_question_that_failed_was_refused_where_a_command_would_be_in_doubt() -> None:
    assert type(failure_of(answer(400, futures(-1, "general failure"), is_read=True))) is LmexRefused


@pytest.mark.parametrize(
    "payload",
    [
        [],
        {},
        None,
        [{"status": 8}],
        {"status": 16},
        {"code": 1, "msg": "Success", "success": True, "data": []},
        {"code": 0, "msg": "", "data": {}},
        {"symbol": "ETH-PERP", "status": 20, "message": ""},
        {"errorCode": 0, "message": ""},
    ],
)
def test_an_envelope_without_an_error_is_none(payload: Any) -> None:
    assert failure_of(answer(200, payload)) is None


def test_the_pause_that_a_limit_asks_for_is_passed_on() -> None:
    found = failure_of(answer(429, futures(303, "Rate limit exceeded", 429), retry=7.5))
    assert isinstance(found, LmexLimited)
    assert found.retry_seconds == 7.5


def test_a_message_that_is_json_is_read() -> None:
    text = '{"msgKey":"a.b","params":["1"],"default_msg":"The price is too far"}'
    found = failure_of(answer(400, futures(305, text)))
    assert found is not None
    assert found.text == "The price is too far"
    assert str(found) == "POST /x: The price is too far (HTTP 400, code 305)"
    for plain in ("{not json", '{"msgKey":"x"}', "plain"):
        assert readable(plain) == plain


@given(st.one_of(st.integers(-400, 1100), st.integers(-(2**40), 2**40)))
def test_every_status_is_taken_refused_or_unknown(status: int) -> None:
    found = order_failure("POST /x", status, "")
    code = OrderCode(status)
    assert code == status
    assert code.is_open + code.is_final + code.is_refused + code.is_unknown == 1
    if code.is_open or code.is_final:
        assert found is None
    elif code.is_unknown:
        assert isinstance(found, LmexUnknown)
    else:
        assert isinstance(found, LmexRefused)


@pytest.mark.parametrize("status", [-1, 3, 17, 20, 27, 110, 4242])
def test_a_status_that_says_nothing_of_an_order_leaves_it_unknown(status: int) -> None:
    assert type(order_failure("POST /x", status, "")) is LmexUnknown


@given(
    st.integers(100, 599),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(
            st.sampled_from(["status", "errorCode", "code", "msg", "message", "success", "error", "data", "x"]), inner
        ),
    ),
)  # fmt: skip
def test_whatever_is_answered_is_judged_and_only_200_can_be_good(status: int, payload: Any) -> None:
    found = failure_of(
        Answer("POST /x", status, payload, is_json=True, raw="r", retry_seconds=None, is_read=False)
    )
    if found is None:
        assert status == 200
    elif status == 408 or status >= 500:
        assert isinstance(found, LmexUnknown)


def test_the_errors_are_the_tree_that_is_drawn() -> None:
    lines = (errors.__doc__ or "").splitlines()
    drawn = []
    for line in lines:
        words = line.lstrip("│ └├─").split()
        if words and words[0] in errors.__all__:
            drawn.append(((len(line) - len(line.lstrip("│ └├─"))) // 4, words[0]))
    parents: dict[int, type[BaseException]] = {0: VenueError}
    for depth, name in drawn:
        kind = getattr(errors, name)
        assert kind.__base__ is parents[depth - 1], name
        parents[depth] = kind
    assert sorted(name for _, name in drawn) == sorted(errors.__all__)
