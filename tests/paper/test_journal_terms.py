"""The terms of orders in a journal are those that they had at the end."""

from dataclasses import dataclass
from decimal import Decimal

import hookline as hl
from hookline.feed import BarRequest
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.session.session import Session
from hookline.testing import bars
from hookline.testing.recording import SeriesFeed
from hookline_paper.broker import PaperBroker


@dataclass
class Chaser(hl.Strategy):
    """Rests a bid, and moves it up just before the bar that fills it."""

    name = "chaser"

    def on_start(self, ctx):
        self.bid = None
        ctx.every("2h")

    def on_bar(self, ctx, bar):
        if self.bid is None:
            self.bid = ctx.buy("TEST", 1, limit=5)

    def on_timer(self, ctx, timer):
        if self.bid is not None and self.bid.is_open:
            ctx.amend(self.bid, limit=8, quantity=2)


def test_an_order_that_is_amended_and_filled_in_one_event_is_rebuilt_as_it_ended(tmp_path):
    chaser = Chaser()
    perp = hl.Instrument("TEST", hl.InstrumentKind.PERPETUAL, tick_size=Decimal(1), lot_size=Decimal(1))
    # The timer of 02:00 belongs to the event of the bar that starts then, which fills the amended bid.
    series = bars("10 10/10/9/10 10/10/7/10 10")
    plan = Plan(
        name="terms",
        mode="paper",
        currency="USDT",
        seed=0,
        timeframe="1h",
        feed=SeriesFeed({"TEST": series}),
        requests=[BarRequest("TEST", "1h")],
        instruments={"TEST": perp},
        broker=PaperBroker(),
        seats=[Seat("s", "chaser", chaser, ("TEST",), 1000.0)],
        journal=JournalPlan(tmp_path),
    )

    (order,) = Session(plan).run().record.orders

    assert chaser.bid.status is hl.OrderStatus.FILLED
    assert (order.limit_price, order.lots, order.filled_lots) == (8.0, 2, 2)
    assert (order.limit_price, order.lots) == (chaser.bid.limit_price, chaser.bid.lots)
