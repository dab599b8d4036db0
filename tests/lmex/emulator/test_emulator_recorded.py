"""A recorded market, played by the emulator and followed by a raw client: what it builds is the exchange's own book."""

import asyncio
from decimal import Decimal

import pytest
from emulated import play, venue_config, visit

from hookline.clock import stopwatch
from hookline.model import MarketData, Side
from hookline.params import PluginUse
from hookline.session.schema import InstrumentEntry
from hookline_lmex.emulator import Emulator, MarketConfig
from hookline_lmex.emulator.wire_numbers import size_text

TOPIC = "update:BTC-PERP_0"


def recorded(real_data, **changes):
    """Return an emulator of a recorded book and its trades."""
    name = "binance_usdm_BTCUSDT"
    params = {
        "book_path": str(real_data / "book" / f"{name}_depth.parquet"),
        "trades_path": str(real_data / "trades" / f"{name}_trades_2024-08-08.parquet"),
        "symbols": {"BTC-PERP": "BTCUSDT"},
    }
    terms = InstrumentEntry(
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        contract_size=Decimal("0.00001"),
        quote="USDT",
        base="BTC",
    )
    market = MarketConfig("BTC-PERP", tape=[MarketData.BOOK, MarketData.TRADES], instrument=terms)
    return Emulator(venue_config(markets=[market], feed=PluginUse("parquet", params), **changes))


def take_in(book, data):
    """Change a book of sides as a message says."""
    for side in ("bids", "asks"):
        if data["type"] == "snapshot":
            book[side].clear()
        for price, size in data[side]:
            if size == "0":
                book[side].pop(price, None)
            else:
                book[side][price] = size


def test_a_followed_recording_is_the_book_of_the_exchange(real_data):
    async def run():
        emulator = recorded(real_data)
        async with visit(emulator, 60) as client:
            await play(client, 200)
            ear, book, last = await client.open("/ws/oss/futures", TOPIC), {"bids": {}, "asks": {}}, None
            state = emulator.exchange.states["BTC-PERP"]
            for _ in range(5):
                await play(client, 400)
                while not await ear.hears_nothing_more(0.2):
                    message = ear.kept.pop()
                    if message.get("topic") == TOPIC:
                        data = message["data"]
                        assert last is None or data["prevSeqNum"] == last
                        last = data["seqNum"]
                        take_in(book, data)
                for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
                    own = {
                        f"{price:.1f}": size_text(state.setup.instrument, quantity)
                        for price, quantity in state.levels(side, 50)
                    }
                    assert book[name] == own
                    assert len(own) > 5
            assert last is not None

    asyncio.run(run())


@pytest.mark.parametrize("speed", [60.0])
def test_a_recording_is_played_at_its_pace(real_data, speed):
    async def run():
        emulator = recorded(real_data, speed=speed)
        async with visit(emulator, 60):
            begun, since = emulator.clock.now, stopwatch()
            await asyncio.sleep(0.5)
            passed = (emulator.clock.now - begun) / 1e9 / speed
            assert 0.4 < passed < stopwatch() - since + 0.05
            assert emulator.pacer.handled > 50

    asyncio.run(run())
