import logging
from decimal import Decimal
from itertools import pairwise

import pytest
from strategy_runs import orders, real_bars, run

import hookline as hl
from hookline.testing import bars
from hookline_strategies.grid_arithmetic import GridArithmetic

FIVE_LEVELS = {"low": 90, "high": 110, "num_grids": 4, "budget": 3900}  # 90 95 100 105 110, ten at each


def test_it_buys_a_level_lower_and_sells_a_level_higher_until_the_range_breaks():
    series = bars(
        "102 "
        "102/103/99/101 "  # the seed at the open, then 100
        "101/106/101/104 "  # sold at 105
        "104/111/104/110 "  # sold at 110
        "110/110/104/104.5 "  # bought at 105
        "104/104/80/85 "  # bought at 100, 95 and 90, then closes below the range
        "85"
    )
    result = run(GridArithmetic(**FIVE_LEVELS), series)
    assert orders(result) == [
        "1 buy 10 limit 90 -> 90 at 6",
        "1 buy 10 limit 95 -> 95 at 6",
        "1 buy 10 limit 100 -> 100 at 2",
        "1 buy 10 market -> 102 at 1",  # what the sell at 110 needs
        "2 sell 10 limit 110 -> 110 at 4",
        "2 sell 10 limit 105 -> 105 at 3",
        "3 buy 10 limit 100 -> 100 at 6",
        "4 buy 10 limit 105 -> 105 at 5",
        "5 sell 10 limit 110 -> canceled",
        "6 sell 10 limit 95 -> canceled",
        "6 sell 10 limit 100 -> canceled",
        "6 sell 10 limit 105 -> canceled",
        "6 sell 40 market -> 85 at 6",
    ]
    assert result.metrics.final_equity == 10_000 - 1020 - 1000 + 1050 + 1100 - 1050 - 1000 - 950 - 900 + 3400


def test_it_starts_at_the_first_close_inside_the_range():
    result = run(GridArithmetic(**FIVE_LEVELS), bars("120 115 89 101 101"))
    assert {order.time for order in result.record.orders[:4]} == {int(bars("1 1 1 1").end[3])}


def test_after_the_hard_stop_it_stays_out():
    result = run(GridArithmetic(**FIVE_LEVELS), bars("102 102 85 85 102 90 102"))
    assert orders(result)[-1] == "3 sell 40 market -> 85 at 3"
    assert result.record.fills[-1].time == int(bars("1 1 1 1").start[3])


def test_without_the_hard_stop_the_orders_stay():
    result = run(GridArithmetic(**FIVE_LEVELS, stop_below=False), bars("102 102 85 85 96 96"))
    assert "canceled" not in " ".join(orders(result))
    assert [line for line in orders(result) if "sell" in line and "-> 95 at" in line]


def test_without_inventory_levels_above_wait_until_price_has_passed_them():
    series = bars("102 102/107/102/106 106/106/104/104 104/112/104/110")
    assert orders(run(GridArithmetic(**FIVE_LEVELS, seed_inventory=False), series)) == [
        "1 buy 10 limit 90 -> accepted",
        "1 buy 10 limit 95 -> accepted",
        "1 buy 10 limit 100 -> accepted",
        "2 buy 10 limit 105 -> 105 at 3",
        "3 sell 10 limit 110 -> 110 at 4",
        "4 buy 10 limit 105 -> submitted",
    ]


def test_a_price_on_a_level_is_not_below_it():
    assert orders(run(GridArithmetic(**FIVE_LEVELS, seed_inventory=False), bars("100 101/101/101/101"))) == [
        "1 buy 10 limit 90 -> accepted",
        "1 buy 10 limit 95 -> accepted",
        "2 buy 10 limit 100 -> submitted",
    ]


def test_it_spends_what_it_has_unless_told_a_budget():
    result = run(GridArithmetic(low=90, high=110, num_grids=4), bars("102 102"), taker_fee_bps=100)
    assert {order.quantity for order in result.record.orders[:3]} == {25.387}  # 10,000 / 1.01 / 390


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"budget": 10_001},
            "budget: must be at most 10000.0, so that all buys can be paid at once, was 10001.0",
        ),
        # five at the lowest level of 90 are 0.056 in lots of 0.001; those at all levels cost 21.84
        (
            {"budget": 20},
            "budget: must be at least 21.84 for 4 levels of the minimum order, was 20.0; num_grids 3 would work",
        ),
        ({"budget": 5}, "budget: must be at least 21.84 for 4 levels of the minimum order, was 5.0"),
        (
            {"num_grids": 1000, "low": 90, "high": 91},
            "num_grids: must be at most 100, one for each price step, was 1000 between 90.0 and 91.0",
        ),
    ],
)
def test_it_refuses_to_start_with_the_number_that_would_work(params, message):
    strategy = GridArithmetic(**{**FIVE_LEVELS, **params})
    instrument = hl.Instrument("TEST", lot_size=Decimal("0.001"), min_notional=Decimal(5))
    with pytest.raises(hl.ConfigError) as caught:
        hl.backtest(strategy, bars("102 102"), instruments=[instrument])
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize("budget", [21.84, 16.35])
def test_the_number_that_would_work_works(budget):
    # 16.35 is what three levels of the minimum order cost at 90, 96.67 and 103.33.
    count = 4 if budget > 20 else 3
    strategy = GridArithmetic(**{**FIVE_LEVELS, "budget": budget, "num_grids": count})
    instrument = hl.Instrument("TEST", lot_size=Decimal("0.001"), min_notional=Decimal(5))
    result = hl.backtest(strategy, bars("102 102"), instruments=[instrument])
    assert {order.quantity for order in result.record.orders if order.limit_price} == {0.056}
    assert not [order for order in result.record.orders if order.status == "denied"]


def test_low_must_be_below_high():
    with pytest.raises(ValueError, match="low must be below high"):
        GridArithmetic(low=110, high=90)


def test_an_order_that_is_refused_leaves_its_level_empty(caplog):
    # A gap up makes the seed cost more than there is: only what can be paid is bought, and only that is offered.
    series = bars("92 150/150/150/150 109 108")
    with caplog.at_level(logging.WARNING, "hookline"):
        result = run(GridArithmetic(low=90, high=110, num_grids=4), series, kind="spot")
    seed = result.record.orders[1]
    assert seed.status == "canceled"
    sells = [order for order in result.record.orders if order.side < 0]
    assert len(sells) == int(seed.filled_quantity // 25.641)


class Absent(GridArithmetic):
    """A grid whose process is down on some bars: it sees nothing of them, then starts again with its state."""

    down = range(0)
    forgets = False

    def on_start(self, ctx):
        super().on_start(ctx)
        self.bar = -1

    def on_bar(self, ctx, bar):
        self.bar += 1
        if self.bar - 1 in self.down and self.bar not in self.down:
            if self.forgets:
                ctx.state.clear()
            now = self.bar
            self.on_start(ctx)
            self.bar = now
        if self.bar not in self.down:
            super().on_bar(ctx, bar)
            self.check(ctx)

    def on_order(self, ctx, order, update):
        # What happens inside a bar is told before on_bar of it.
        if self.bar + 1 not in self.down:
            super().on_order(ctx, order, update)

    def check(self, ctx):
        tags = [order.tag for order in ctx.open_orders() if order.limit_price]
        cells = [tag.split()[1] for tag in tags]
        assert len(cells) == len(set(cells)), "a cell has two orders"
        if tags:
            offered = sum(order.open_lots for order in ctx.open_orders() if order.side < 0)
            assert offered == ctx.position("TEST").lots, "inventory is offered once"


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize("down", [range(2, 4), range(2, 6), range(1, 5), range(4, 7)])
def test_after_a_restart_nothing_is_doubled_and_nothing_left_out(down, forgets):
    series = bars(
        "102 102/103/99/101 101/106/101/104 104/111/104/110 110/110/94/96 96/101/96/99 99/106/99/104 104 104"
    )
    strategy = Absent(**FIVE_LEVELS)
    strategy.down, strategy.forgets = down, forgets
    result = run(strategy, series)
    resting = [order for order in result.record.orders if order.is_open and order.limit_price]
    empty = {"0", "1", "2", "3"} - {order.tag.split()[1] for order in resting}
    assert empty <= {"3"}, "only the cell above the last close of 104 may wait without an order"
    held = sum(fill.side * fill.quantity for fill in result.record.fills)
    assert held == sum(order.quantity for order in resting if order.side < 0)


def test_other_levels_are_refused_while_the_state_is_kept():
    class Moved(GridArithmetic):
        def on_bar(self, ctx, bar):
            super().on_bar(ctx, bar)
            self.high = 120.0
            self.on_start(ctx)

    message = r"low, high, num_grids: must stay \[90.0, 110.0, 4\] while the grid's state is kept, was \[90.0, 120.0, 4\]"
    with pytest.raises(hl.StrategyError, match=message):
        run(Moved(**FIVE_LEVELS), bars("102 102"))


def test_on_real_bars_every_fill_is_at_its_level_and_inventory_is_what_is_offered(real_data):
    series = real_bars(real_data, "binance_spot_ETHUSDT", 20_000, 4000)
    low, high = float(series.close.min()) * 0.99, float(series.close.max()) * 1.01
    result = run(GridArithmetic(low=low, high=high, num_grids=30), series, kind="spot")
    step = (high - low) / 30
    by_number = {order.number: order for order in result.record.orders}
    limits = [fill for fill in result.record.fills if by_number[fill.order_number].limit_price]
    assert len(limits) > 200
    for fill in limits:
        order = by_number[fill.order_number]
        doing, cell = order.tag.split()
        assert order.limit_price == pytest.approx(low + step * (int(cell) + (doing == "sell")), abs=0.005)
        assert fill.side * fill.price <= fill.side * order.limit_price
    # Buys and sells of one cell alternate, beginning with a buy, or with a sell where it was seeded.
    for cell in range(30):
        sides = [fill.side for fill in limits if by_number[fill.order_number].tag.split()[1] == str(cell)]
        assert all(first != second for first, second in pairwise(sides))
    resting = [order for order in result.record.orders if order.is_open]
    assert len(resting) == 30
    held = sum(fill.side * fill.lots for fill in result.record.fills)
    assert held == sum(order.lots for order in resting if order.side < 0)
