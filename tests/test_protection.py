"""Building blocks that look after positions, each on a market written out by hand."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

import hookline as hl
from hookline.model import OrderStatus, OrderType
from hookline.protection import BreakEven, PartialExits, TrailingExit, break_even_price, move_stop, stops_of
from hookline.testing import bars

PERPETUAL = [hl.Instrument("TEST", hl.InstrumentKind.PERPETUAL)]


@dataclass
class Enters(hl.Strategy):
    """Enters on the first bar, then lets a function look after the position."""

    name: ClassVar[str] = "enters"

    after: Callable[[hl.Context, hl.Bar], Any]
    side: int = 1
    terms: tuple[tuple[str, Any], ...] = (("stop_loss", 90.0),)
    restart_at: int = -1

    def on_start(self, ctx):
        self.seen = 0
        self.stops = []

    def on_bar(self, ctx, bar):
        if self.seen == self.restart_at:
            kept = json.loads(json.dumps(ctx.state))
            ctx.state.clear()
            ctx.state.update(kept)
        if self.seen == 0:
            ctx.submit(bar.symbol, hl.Side(self.side), 4.0, **dict(self.terms))
        else:
            self.after(ctx, bar)
        self.stops.append([order.trigger_price for order in stops_of(ctx, bar.symbol)])
        self.seen += 1


def run(text, after, **options):
    broker = {name: options.pop(name) for name in ("taker_fee_bps",) if name in options}
    strategy = Enters(after, **options)
    result = hl.backtest(strategy, bars(text), cash=1000, leverage=2, instruments=PERPETUAL, **broker)
    return strategy, result


def exits(result):
    return [(fill.quantity, fill.price) for fill in result.record.fills[1:]]


# -- break-even ----------------------------------------------------------------------------------------------------------


def test_the_stop_goes_to_break_even_after_one_r():
    strategy, result = run("100 100 109 110 115 99", lambda ctx, bar: BreakEven().follow(ctx, bar))
    assert strategy.stops == [[], [90], [90], [100], [100], []]
    assert exits(result) == [(4, 100)]


def test_break_even_pays_the_fees_of_both_fills():
    _, result = run("100 100 110 99", lambda ctx, bar: BreakEven().follow(ctx, bar), taker_fee_bps=10)
    assert result.record.fills[-1].price == pytest.approx(break_even_price(100, 0.001, 1), abs=0.01)
    fees = sum(fill.fee for fill in result.record.fills)
    assert 4 * (result.record.fills[-1].price - 100) - fees == pytest.approx(0, abs=0.04)


def test_break_even_of_a_short_lies_below():
    terms = (("stop_loss", 110.0),)
    after = lambda ctx, bar: BreakEven(0.5, extra_bps=10).follow(ctx, bar)  # noqa: E731
    strategy, _ = run("100 100 96 95 95", after, side=-1, terms=terms)
    assert strategy.stops == [[], [110], [110], [99.9], [99.9]]


def test_without_a_stop_there_is_no_r():
    _, result = run("100 100 150 150", lambda ctx, bar: BreakEven().follow(ctx, bar), terms=())
    assert len(result.record.orders) == 1


# -- trailing ------------------------------------------------------------------------------------------------------------


def chandelier(ctx, bar):
    TrailingExit(2).follow(ctx, bar, 2.0)


def test_a_trailing_exit_follows_the_highest_high_and_never_moves_back():
    strategy, result = run("100 100/101/99/100 100/108/100/107 107/107/105/106 106/106/103/104", chandelier)
    assert strategy.stops == [[], [97], [104], [104], []]
    assert exits(result) == [(4, 104)]


def test_a_trailing_exit_of_a_short_follows_the_lowest_low():
    terms = (("stop_loss", 110.0),)
    strategy, _ = run("100 100 100/100/93/95 95", chandelier, side=-1, terms=terms)
    assert strategy.stops == [[], [104], [97], [97]]


def test_an_entry_inside_a_bar_does_not_count_its_high():
    terms = (("limit", 98.0), ("stop_loss", 90.0))
    strategy, _ = run("100 100/109/97/99 99", chandelier, terms=terms)
    assert strategy.stops == [[], [95], [95]]


def test_a_trailing_exit_makes_the_stop_where_there_is_none():
    strategy, result = run("100 100 100", chandelier, terms=())
    assert strategy.stops == [[], [96], [96]]
    stop = result.record.orders[1]
    assert (stop.type, stop.reduce_only, stop.quantity) == (OrderType.STOP, True, 4)


def test_nothing_moves_while_the_range_is_unknown():
    strategy, _ = run("100 100 120", lambda ctx, bar: TrailingExit().follow(ctx, bar, float("nan")))
    assert strategy.stops == [[], [90], [90]]


# -- partial exits -------------------------------------------------------------------------------------------------------


def parts(ctx, bar):
    PartialExits(((1.0, 0.5), (2.0, 0.25))).follow(ctx, bar)


def test_parts_are_taken_off_at_multiples_of_r():
    _, result = run("100 100 111 121 89", parts)
    assert exits(result) == [(2, 110), (1, 120), (1, 90)]
    assert [order.tag for order in result.record.orders[2:]] == ["exit 1R", "exit 2R"]


def test_parts_wait_until_the_entry_is_complete():
    def adds(ctx, bar):
        if not ctx.state.get("added"):
            ctx.state["added"] = True
            ctx.buy(bar.symbol, 4, limit=99)
        parts(ctx, bar)

    _, result = run("100 100 100 100/100/98/100 100", adds)
    sent = [(one.quantity, one.limit_price) for one in result.record.orders if one.tag.startswith("exit")]
    assert sent == [(4, 109.5), (2, 119.5)], "eight at 99.5 on average, and R as it was first"


@pytest.mark.parametrize("levels", [((0.0, 0.5),), ((1.0, -0.1),), ((1.0, 0.6), (2.0, 0.6))])
def test_parts_that_make_no_sense_are_refused(levels):
    with pytest.raises(ValueError, match="levels: "):
        PartialExits(levels)


# -- together ------------------------------------------------------------------------------------------------------------


def everything(ctx, bar):
    PartialExits(((1.0, 0.5),)).follow(ctx, bar)
    BreakEven().follow(ctx, bar)
    TrailingExit(4).follow(ctx, bar, 2.5)


MARKET = "100 100 105 111 112 118 117 107"


def test_the_nearest_stop_wins():
    strategy, result = run(MARKET, everything)
    assert strategy.stops == [[], [90], [95], [101], [102], [108], [108], []]
    assert exits(result) == [(2, 110), (2, 108)]


@pytest.mark.parametrize("bar", range(1, 8))
def test_a_restart_changes_nothing(bar):
    whole, again = run(MARKET, everything), run(MARKET, everything, restart_at=bar)
    assert again[0].stops == whole[0].stops
    assert exits(again[1]) == exits(whole[1])


def test_a_turned_position_is_a_new_one():
    def turns(ctx, bar):
        everything(ctx, bar)
        if ctx.position(bar.symbol).lots > 0 and bar.close == 112:
            ctx.cancel_all()
            ctx.sell(bar.symbol, 6, stop_loss=122)

    strategy, result = run("100 100 105 112 112 101 101", turns)
    assert strategy.stops == [[], [90], [95], [], [122], [111], [111]]
    assert exits(result) == [(2, 110), (6, 112), (2, 102)]


def test_what_was_closed_is_forgotten():
    remembered = []

    def follows(ctx, bar):
        everything(ctx, bar)
        remembered.append(dict(ctx.state["protection"]))

    run("100 100 80 80", follows)
    assert [bool(one) for one in remembered] == [True, False, False]


def test_a_stop_moves_only_towards_the_price_and_trailing_stops_by_themselves():
    def moves(ctx, bar):
        move_stop(ctx, bar.symbol, 95)
        move_stop(ctx, bar.symbol, 92)

    assert run("100 100 100", moves)[0].stops == [[], [95], [95]]
    strategy, _ = run("100 100 110 110", moves, terms=(("stop_loss_trail", 8.0),))
    assert strategy.stops == [[], [92], [102], [102]]


def test_no_position_no_stop():
    _, result = run("100 100 100", lambda ctx, bar: move_stop(ctx, bar.symbol, 95), terms=(("limit", 50.0),))
    assert [order.status for order in result.record.orders] == [OrderStatus.ACCEPTED]
