"""What an answer of the venue means: pure functions from its status and body to an error, or to none.

Rules of this file:

- A call is refused only where the venue says so. An answer that leaves doubt about an order is ``LmexUnknown``.
- Errors come in four shapes: ``errorCode`` and ``message``; ``code``, ``msg`` and ``success``; ``error``, ``code`` and
  ``message``; and a text or page that is not JSON at all, from whatever stands in front of the venue.
- ``message`` may itself be JSON; then its ``default_msg`` is what a person should read.
- On futures a 429 may say that an order was not found. Only one that speaks of a limit, or says nothing, is one.
- HTTP 200 may carry a failure in the ``status`` of each order: the table below says what each is.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

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

__all__ = ["Answer", "failure_of", "order_failure", "readable", "setting_failure"]

_NOT_FOUND = re.compile(
    r"order\b.{0,20}(not (be )?found|n.t exist|not exist)|no such order", re.IGNORECASE | re.DOTALL
)
# Not every limit is one of calls: orders, positions and risk have theirs.
_LIMIT = re.compile(r"rate.?limit|too many requests|throttl", re.IGNORECASE)
_LIMIT_CODES = frozenset({303, -22})
_UNAUTHORIZED_CODES = frozenset({-7, 10002})
# General failures and system errors: they say that something went wrong, not that nothing happened.
_DOUBTFUL_CODES = frozenset({-1, -11})
# Of an envelope that reports success.
_FINE_CODES = frozenset({0, 1, 200})
_DONE_CODES = frozenset({20, 21, 27, 93, 94, 96, 124, 129})
# Of settings and transfers: what refuses an order refuses these, too.
_REFUSED_SETTINGS = frozenset({28, 135})


class Answer(NamedTuple):
    """An answer as it came.

    Args:
        where: Method and path, for messages.
        status: Of HTTP.
        payload: The decoded body; None if it is empty or no JSON.
        is_json: Whether the body was JSON.
        raw: Its text, cut and without secrets.
        retry_seconds: What its ``Retry-After`` means; None where there is none.
        is_read: Whether the call only reads, so that a doubtful failure does no harm.
    """

    where: str
    status: int
    payload: Any
    is_json: bool
    raw: str
    retry_seconds: float | None
    is_read: bool


def readable(message: str) -> str:
    """Return what a person should read of a message, which may itself be JSON.

    >>> readable('{"msgKey":"m","params":[],"default_msg":"Too little of it"}')
    'Too little of it'
    """
    if message.startswith("{"):
        try:
            inner = msgspec.json.decode(message)
        except msgspec.DecodeError:
            return message
        if isinstance(inner, dict) and inner.get("default_msg"):
            return str(inner["default_msg"])
    return message


def failure_of(answer: Answer) -> LmexError | None:
    """Return what is wrong with an answer, None where it is good as far as its status and envelope say."""
    code, text = _code_and_text(answer)
    if answer.status == 200:
        return None if not _is_failure(answer.payload) else _refusal(answer, code, text)
    if answer.status == 408 or answer.status >= 500 or answer.status < 400:
        return LmexUnknown(answer.where, text, code=code, status=answer.status)
    return _refusal(answer, code, text)


def _refusal(answer: Answer, code: int | None, text: str) -> LmexError:
    where, status = answer.where, answer.status
    said = _said_status(answer.payload)
    if _NOT_FOUND.search(text) and status in (200, 400, 404, 429):
        return LmexNotFound(where, text, code=code, status=status)
    if _is_limit(answer, code, text, said):
        pause = answer.retry_seconds if answer.retry_seconds is not None else -1.0
        return LmexLimited(where, text, retry_seconds=pause, code=code, status=status)
    if status == 401 or code in _UNAUTHORIZED_CODES or "nonce" in text.lower():
        return LmexUnauthorized(where, text, code=code, status=status)
    if status in (403, 451):
        return LmexForbidden(where, text, code=code, status=status)
    if code in _DOUBTFUL_CODES and not answer.is_read:
        return LmexUnknown(where, text, code=code, status=status)
    return LmexRefused(where, text, code=code, status=status)


def _is_limit(answer: Answer, code: int | None, text: str, said: int | None) -> bool:
    if code in _LIMIT_CODES or _LIMIT.search(text):
        return True
    if 429 not in (answer.status, said):
        return False
    if answer.status == 429 and answer.retry_seconds is not None:
        return True
    # An errorCode of -1 is "order not found" and the like, whatever the status claims.
    return code is None or code == 429


def _code_and_text(answer: Answer) -> tuple[int | None, str]:
    payload = answer.payload
    if not isinstance(payload, dict):
        return None, answer.raw or "an empty answer"
    code = payload.get("errorCode")
    if code is None:
        code = payload.get("code")
    text = payload.get("message") or payload.get("msg") or payload.get("error") or answer.raw
    return (code if type(code) is int else None), readable(str(text))


def _said_status(payload: object) -> int | None:
    said = payload.get("status") if isinstance(payload, dict) else None
    return said if type(said) is int else None


def _is_failure(payload: object) -> bool:
    """Return whether an answer with HTTP 200 is an error in one of the shapes."""
    if not isinstance(payload, dict):
        return False
    if payload.get("errorCode"):
        return True
    if payload.get("success") is False:
        return True
    code = payload.get("code")
    if payload.get("error") and code is not None:
        return True
    return type(code) is int and code not in _FINE_CODES and ("msg" in payload or "message" in payload)


def order_failure(
    where: str, status: int, message: str, *, extra: frozenset[int] = frozenset()
) -> LmexError | None:
    """Return what is wrong with an order by the ``status`` of its answer, None where the venue has taken it.

    An order that the venue took and ended at once (canceled, refunded) is no failure: its status says so.

    Args:
        where: Method and path, for the message.
        status: The integer of the answer.
        message: The text beside it, may be empty.
        extra: Further statuses that are no failure of this call.
    """
    code = OrderCode(status)
    text = readable(message) or code.name.lower().replace("_", " ")
    if code.is_open or code.is_final or status in extra:
        return None
    if status == OrderCode.NOT_FOUND:
        return LmexNotFound(where, text, code=status, status=200)
    if code is OrderCode.RATE_LIMITED:
        return LmexLimited(where, text, retry_seconds=-1.0, code=status, status=200)
    if code.is_refused:
        return LmexRefused(where, text, code=status, status=200)
    return LmexUnknown(where, text, code=status, status=200)


def setting_failure(where: str, status: int, message: str) -> LmexError | None:
    """Return what is wrong with a change of a setting by the ``status`` of its answer, None where it was made."""
    if status in _DONE_CODES:
        return None
    code = OrderCode(status)
    text = readable(message) or code.name.lower().replace("_", " ")
    if status in _LIMIT_CODES:
        return LmexLimited(where, text, retry_seconds=-1.0, code=status, status=200)
    if code.is_refused or status in _REFUSED_SETTINGS or status == OrderCode.NOT_FOUND:
        return LmexRefused(where, text, code=status, status=200)
    return LmexUnknown(where, text, code=status, status=200)
