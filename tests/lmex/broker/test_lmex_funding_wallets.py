"""Funding of isolated positions: it lies in wallets of their own, which the venue no longer names once they are closed."""

import asyncio
from decimal import Decimal

import pytest

from hookline.model import Instrument, InstrumentKind
from hookline_lmex.broker_funding import FundingWatch
from hookline_lmex.errors import LmexRefused, LmexUnknown
from hookline_lmex.results_account import WalletRecord

WALLET = "ISOLATED@BTC-PERP-USDT"
PAID = WalletRecord(
    time=1_000 * 10**9, kind="110", status="10", currency="USDT", amount=Decimal("-0.05"), fee=Decimal(0),
    wallet=WALLET, description="", record_id="",
)  # fmt: skip


class Futures:
    """A venue without positions, which has paid for one that is closed by now; at first it may fail to tell the rate."""

    def __init__(self, *failures):
        self.failures = list(failures)

    async def positions(self):
        return []

    async def wallet_history(self, wallet, start_ms):
        return [PAID] if wallet == WALLET and PAID.time >= start_ms * 10**6 else []

    async def funding_history(self, symbol, start_ms, end_ms):
        if self.failures:
            raise self.failures.pop()
        return []


class Client:
    def __init__(self, *failures):
        self.futures = Futures(*failures)


def watch(put):
    perp = Instrument(
        "BTC-PERP", InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal("0.001")
    )
    return FundingWatch({"BTC-PERP": perp}, {}, lambda: PAID.time, put, put)


def test_funding_of_a_position_that_is_closed_by_now_is_found():
    found = []
    funding = watch(found.append)
    funding.note_wallet(WALLET)
    funding.note_wallet("")
    asyncio.run(funding.read(Client()))
    assert [(one.symbol, one.amount) for one in found] == [("BTC-PERP", -0.05)]


def test_wallets_are_known_over_a_restart():
    found = []
    before = watch(found.append)
    before.note_wallet(WALLET)
    after = watch(found.append)
    after.restore(before.save())
    asyncio.run(after.read(Client()))
    assert len(found) == 1


def test_a_payment_whose_rate_could_not_be_asked_for_is_booked_with_the_next_reading():
    found, client = [], Client(LmexUnknown("GET /funding_history", "no answer"))
    funding = watch(found.append)
    funding.note_wallet(WALLET)
    with pytest.raises(LmexUnknown):
        asyncio.run(funding.read(client))
    asyncio.run(funding.read(client))
    asyncio.run(funding.read(client))
    assert [(one.symbol, one.amount) for one in found] == [("BTC-PERP", -0.05)]


def test_a_payment_of_a_market_that_is_gone_is_booked_without_its_rate():
    found = []
    funding = watch(found.append)
    funding.note_wallet(WALLET)
    asyncio.run(funding.read(Client(LmexRefused("GET /funding_history", "Market BTCPFC is not available"))))
    assert [(one.amount, one.rate) for one in found] == [(-0.05, 0.0)]
