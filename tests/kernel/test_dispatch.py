"""The order of callbacks, and what they see."""

from dataclasses import dataclass, field
from typing import Any

import pytest

import hookline as hl
from hookline.testing import Scripted, bars, buy, sell

PERP = hl.Instrument("TEST", kind=hl.InstrumentKind.PERPETUAL)


@dataclass
class Diary(Scripted):
    """A script that writes down every callback with what it sees."""

    script: dict[Any, Any] = field(default_factory=dict)
    book: list[str] = field(default_factory=list)
    tag: str = ""

    def on_bar(self, ctx, bar):
        self.book.append(f"{self.tag}bar {bar.close:g}, holding {ctx.position(bar.symbol).quantity:g}")
        super().on_bar(ctx, bar)

    def on_order(self, ctx, order, update):
        self.book.append(f"{self.tag}{update.status}, holding {ctx.position(order.symbol).quantity:g}")

    def on_fill(self, ctx, fill):
        seen = ctx.last(fill.symbol)
        self.book.append(
            f"{self.tag}fill {fill.price:g} at last {seen:g}, holding {ctx.position(fill.symbol).quantity:g}"
        )


def test_fills_come_before_the_bar_that_held_them_and_know_its_close():
    diary = Diary({0: buy(1)})
    hl.backtest(diary, bars("10 12"), instruments=[PERP])

    assert diary.book == [
        "bar 10, holding 0",
        "submitted, holding 0",
        "filled, holding 1",
        "fill 10 at last 12, holding 1",
        "bar 12, holding 1",
    ]


def test_a_callback_never_sees_half_a_bar():
    # The bar fills the entry and its stop: the first callback sees both.
    diary = Diary({0: buy(1, stop_loss=9)})
    hl.backtest(diary, bars("10 10/10/8/8"), instruments=[PERP])

    after = diary.book[diary.book.index("bar 10, holding 0") + 3 :]
    assert after
    assert all("holding 0" in line for line in after)


def test_what_a_callback_does_is_told_after_the_bar_to_all_strategies_in_their_order():
    book: list[str] = []
    one, two = Diary({0: buy(1)}, book, "1 "), Diary({0: sell(1)}, book, "2 ")
    hl.backtest([one, two], bars("10 12"), instruments=[PERP])

    assert book == [
        "1 bar 10, holding 0",
        "1 submitted, holding 0",
        "2 bar 10, holding 0",
        "2 submitted, holding 0",
        "1 filled, holding 1",
        "1 fill 10 at last 12, holding 1",
        "2 filled, holding -1",
        "2 fill 10 at last 12, holding -1",
        "1 bar 12, holding 1",
        "2 bar 12, holding -1",
    ]


def test_an_order_sent_from_a_fill_counts_from_the_next_bar():
    @dataclass
    class Exit(Scripted):
        def on_fill(self, ctx, fill):
            if ctx.position(fill.symbol).is_long:
                ctx.sell(fill.symbol, 1, limit=11)

    result = hl.backtest(Exit({0: buy(1)}), bars("10 10/12/10/10 10/11/10/10"), instruments=[PERP])

    assert [(fill.price, fill.time) for fill in result.record.fills][1] == (11.0, result.end)


def test_an_order_that_answers_itself_is_stopped():
    @dataclass
    class Echo(Scripted):
        def on_order(self, ctx, order, update):
            ctx.buy("TEST", 1, limit=1)

    with pytest.raises(
        hl.StrategyError, match="'scripted': at 2024-01-01T01:00:00Z: more than 10000 callbacks"
    ):
        hl.backtest(Echo({0: buy(1)}), bars("10 10"), instruments=[PERP])


def test_a_strategy_hears_only_of_its_own_orders():
    book: list[str] = []
    hl.backtest([Diary({0: buy(1)}, book, "1 "), Diary({}, book, "2 ")], bars("10 12"), instruments=[PERP])

    assert [line for line in book if line.startswith("2")] == ["2 bar 10, holding 0", "2 bar 12, holding 0"]


def test_bars_wait_until_every_column_in_use_is_ready_once():
    @dataclass
    class Patient(hl.Strategy):
        name = "patient"

        def on_start(self, ctx):
            self.average = ctx.use(hl.sma(ctx.bars().close, 3))
            self.seen = []

        def on_bar(self, ctx, bar):
            self.seen.append((bar.close, self.average.value, self.average.ready))

    patient = Patient()
    hl.backtest(patient, bars("1 2 3 4"))

    assert patient.seen == [(3.0, 2.0, True), (4.0, 3.0, True)]


def test_each_instrument_waits_for_its_own_columns():
    @dataclass
    class Pair(hl.Strategy):
        name = "pair"

        def on_start(self, ctx):
            ctx.use(hl.sma(ctx.bars("A").close, 3))
            self.seen = []

        def on_bar(self, ctx, bar):
            self.seen.append(f"{bar.symbol}{bar.close:g}")

    pair = Pair()
    hl.backtest(pair, {"A": bars("1 2 3", "A"), "B": bars("1 2 3", "B")})

    assert pair.seen == ["B1", "B2", "A3", "B3"]
