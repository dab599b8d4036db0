"""A session that is to leave nothing leaves nothing, whatever is under way when it ends."""

import asyncio

import pytest
from live_sessions import bar, session_of, venue
from wire_venue import WireBroker

import hookline as hl


class Last(hl.Strategy):
    """Buys on the first bar, and on the second does something whose end the session does not live to see."""

    name = "last"

    def __init__(self, quantity, side):
        self.quantity, self.side, self.bars = quantity, side, 0

    def on_bar(self, ctx, bar):
        self.bars += 1
        if self.bars == 1 and self.side == "reverse":
            ctx.buy(bar.symbol, 1.0)
        elif self.bars == 2:
            (ctx.sell if self.side == "reverse" else ctx.buy)(bar.symbol, self.quantity)


@pytest.mark.parametrize(("quantity", "side"), [(1.0, "enter"), (3.0, "reverse"), (0.4, "reverse")])
def test_what_is_filled_while_the_session_ends_is_closed_as_well(tmp_path, quantity, side):
    wire = venue()
    events = [bar(0, 100), lambda: asyncio.sleep(0.3), bar(1, 101)]
    broker = WireBroker(venue=wire, delay_seconds=0.05)
    session = session_of(tmp_path, Last(quantity, side), wire, events, broker=broker, on_stop="flatten")

    session.run()

    assert wire.held["PERP"].lots == 0
    assert all(one.lots == 0 for one in session.kernel.ledgers["one"].positions.values())
    assert not [one for one in wire.orders.values() if one.is_open]
