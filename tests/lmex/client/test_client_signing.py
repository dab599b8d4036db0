"""Signatures, against digests that were computed apart from this code."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_lmex.signing import login_message, sign, sign_login, signed_path

SECRET = "demo-secret-0123456789abcdef-not-real"
NONCE = 1767225600123
SPOT_BODY = (
    b'{"symbol":"BTC-USDT","side":"BUY","type":"LIMIT","price":64250.5,"size":0.0004,'
    b'"time_in_force":"GTC","postOnly":true,"clOrderID":"demo-1"}'
)
FUTURES_BODY = (
    b'{"symbol":"BTC-PERP","side":"SELL","type":"LIMIT","price":64900.5,"size":25,'
    b'"time_in_force":"GTC","reduceOnly":false,"clOrderID":"demo-2"}'
)


@pytest.mark.parametrize(
    ("path", "body", "digest"),
    [
        (
            "/spot/api/v3.3/user/open_orders?symbol=BTC-USDT",
            b"",
            "d27a06e53b470a3bd231ce965557fc4e3d412708350b0e7759a2bae682b3c40545af5c0e8a419cd2ba6a89a698da0eef",
        ),
        (
            "/spot/api/v3.3/order",
            SPOT_BODY,
            "5c51e9a390d52c94b7b7101276dffc9e56989891f83d1340bb4eb6944f7ce337d71cea7ae11a1d66d9060bafb6d62419",
        ),
        (
            "/futures/api/v2.3/order",
            FUTURES_BODY,
            "d469af223a9492d173c7f14edbc403c5447d6ee82c1bacab9f6a3542d77aef8ee89706219b7b16f1a667450f184d358b",
        ),
        (
            "/futures/api/v2.3/order?symbol=BTC-PERP&clOrderID=demo-2",
            b"",
            "7a83f9b1e8680959ca5c4089b91c183b35107cac0a205511335d539805ca01af02cee0d9d93ae5fc69c7ee5d3df76ef3",
        ),
        (
            "/futures/api/v2.3/user/positions",
            b"",
            "e8c0cbb0ea9ab9d6de74f944c90060af578f314dee200783f005decebdfb780e6e66825c1fea154ce8b847ae187e289c",
        ),
    ],
)
def test_requests_are_signed_as_the_venue_does(path: str, body: bytes, digest: str) -> None:
    assert sign(SECRET, signed_path(path), NONCE, body) == digest


@pytest.mark.parametrize(
    ("path", "digest"),
    [
        (
            "/ws/futures",
            "b6f56fae64b48a23685ce1b3efa9bcb539b2bd17560a910741cc693e58791375f2119faf36371154216914d0c2b84964",
        ),
        (
            "/ws/spot",
            "809aa9bfd90466e2d531da5325f1c2dcdfadcd0b72090f31bf87af4f4aa1136e3de8babc88fc2eedf12b19193f87d397",
        ),
    ],
)
def test_logins_are_signed_as_the_venue_does(path: str, digest: str) -> None:
    assert sign_login(SECRET, path, NONCE) == digest
    message = login_message("demo-key-42", SECRET, path, NONCE)
    assert message == {"op": "authKeyExpires", "args": ["demo-key-42", "1767225600123", digest]}


def test_the_other_login_differs_in_its_name_only() -> None:
    first = login_message("k", SECRET, "/ws/spot", NONCE)
    second = login_message("k", SECRET, "/ws/spot", NONCE, op="login")
    assert second == first | {"op": "login"}


def test_public_api_paths_are_signed_whole() -> None:
    assert (
        signed_path("/public-api/wallet/v1/crypto/networks?crypto=BTC")
        == "/public-api/wallet/v1/crypto/networks"
    )


@given(st.text(min_size=1), st.integers(1, 2**53), st.binary(max_size=300))
def test_a_signature_is_96_hexadecimal_digits_of_the_three_parts_in_a_row(
    secret: str, nonce: int, body: bytes
) -> None:
    try:
        key = secret.encode()
    except UnicodeEncodeError:  # lone surrogates
        return
    message = b"/api/v3.3/order" + str(nonce).encode() + body
    found = sign(secret, "/api/v3.3/order", nonce, body)
    assert found == hmac.new(key, message, hashlib.sha384).hexdigest()
    assert len(found) == 96
    assert found == found.lower()
