"""Funding arbitrage against markets written by hand, and against its rules in plain Python on recorded prices."""

import logging
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest
from pair_markets import HOUR, START, closes, isolated, perpetual, real_carry, spot

import hookline as hl
from hookline.columns import ExternalSeries
from hookline.model import BarSeries
from hookline.model.instrument import MarginTier
from hookline_strategies.funding_arb import FundingArb, annual_rate, common_lots


def rates(*values, every=8):
    """Funding at 08:00, 16:00 and so on."""
    time = START + every * HOUR * np.arange(1, len(values) + 1, dtype=np.int64)
    return {"P": ExternalSeries(time, np.array(values, float))}


def market(perp=100.05, hours=30, base=100.0):
    """Spot at 100 and a perpetual at one price, or at those of a list from hour 16 on."""
    prices = np.full(hours, 100.05)
    if isinstance(perp, list):
        prices[16 : 16 + len(perp)] = perp
        prices[16 + len(perp) :] = perp[-1]
    else:
        prices[:] = perp
    return {"S": closes("S", np.full(hours, base)), "P": closes("P", prices)}


def run(strategy, series, funding, instruments=None, **options):
    instruments = [spot(), isolated()] if instruments is None else instruments
    options = {"taker_fee_bps": 5} | options
    return hl.backtest(strategy, series, instruments=instruments, funding=funding, **options)


def orders(result):
    lines = []
    for order in result.record.orders:
        fills = [fill for fill in result.record.fills if fill.order_number == order.number]
        shown = [f"{fill.price:g} at {(fill.time - START) / HOUR:g}" for fill in fills] or [
            order.status.value
        ]
        head = f"{(order.time - START) / HOUR:g} {order.side.name.lower()} {order.quantity:g} {order.symbol}"
        lines.append(f"{head} {order.tag} -> {' '.join(shown)}")
    return lines


def messages(caplog):
    return [
        one.getMessage().strip() for one in caplog.records if one.name == "hookline.strategies.funding_arb"
    ]


def test_spot_is_bought_and_the_perpetual_sold_while_longs_pay(caplog):
    # The second payment, at 16:00, tells the interval: 8 h. Income in 3 d: 9 * 0.05 % = 0.45 % against 4 * 0.05 % of fees.
    # 0.2 * (10,000 / 1.0005) / 100.05 = 19.98001 of each. At 24:00 the rate is below 0.01 %; that payment is received still.
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(FundingArb(), market(), rates(0.0005, 0.0005, 0.00005))
    assert orders(result) == [
        "16 buy 19.98 S carry -> 100 at 16",
        "16 sell 19.98 P carry -> 100.05 at 16",
        "24 sell 19.98 S carry close -> 100 at 24",
        "24 buy 19.98 P carry close -> 100.05 at 24",
    ]
    received = 19.98 * 100.05 * 0.00005
    fees = 0.0005 * 19.98 * (2 * 100 + 2 * 100.05)
    assert result.metrics.final_equity == pytest.approx(10_000 + received - fees)
    told = "rate 0.0500 %, APR 54.8 %, basis 0.0500 %, income 0.4500 % in 3d against fees of 0.2000 %"
    assert messages(caplog) == [
        "funding of P 0.0500 %, APR 54.8 %, received 0.00",
        f"opens long spot, short perpetual 19.98: {told}",
        "open",
        "funding of P 0.0050 %, APR 5.5 %, received 0.10",
        "closes: rate 0.0050%, APR 5.5%",
        "closing rate 0.0050%, APR 5.5%",
        "closed rate 0.0050%, APR 5.5%",
    ]


def test_it_is_held_from_payment_to_payment():
    result = run(FundingArb(), market(hours=60), rates(*[0.0004] * 6, 0.00011))
    assert len(result.record.orders) == 2
    amounts = [amount for _, _, _, amount in result.record.funding if amount]
    assert amounts == pytest.approx([19.98 * 100.05 * 0.0004] * 4 + [19.98 * 100.05 * 0.00011])


def test_a_rate_that_turns_closes_it():
    result = run(FundingArb(), market(), rates(0.0005, 0.0005, -0.002))
    assert [line.split()[0] for line in orders(result)] == ["16", "16", "24", "24"]


def test_the_reverse_sells_out_of_the_inventory_and_buys_it_back():
    # Five coins are bought at the first look. At -0.05 % they are sold against the perpetual; afterwards they are bought back.
    result = run(FundingArb(inventory=5), market(99.95), rates(-0.0005, -0.0005, -0.00005))
    assert orders(result) == [
        "1 buy 5 S inventory -> 100 at 1",
        "16 sell 5 S carry -> 100 at 16",
        "16 buy 5 P carry -> 99.95 at 16",
        "24 sell 5 P carry close -> 99.95 at 24",
        "25 buy 5 S inventory -> 100 at 25",
    ]
    assert [order.reduce_only for order in result.record.orders] == [False, True, False, True, False]


def test_the_reverse_is_no_larger_than_its_share_of_equity():
    result = run(FundingArb(inventory=50), market(99.95), rates(-0.0005, -0.0005))
    # Equity is 10,000 less the fee of 2.50 for the fifty coins: 0.2 * 9997.5 / 1.0005 / 100 = 19.985.
    assert orders(result)[1:] == [
        "16 sell 19.985 S carry -> 100 at 16",
        "16 buy 19.985 P carry -> 99.95 at 16",
    ]


def test_a_reverse_that_fails_buys_the_coins_back():
    result = run(FundingArb(inventory=5), market(99.95), rates(-0.0005, -0.0005), risk=[OnlySpot()])
    # Tried again at the next funding time only, and nothing is sold in between.
    refused = ["sell 5 S carry -> canceled", "buy 5 P carry -> denied"]
    assert orders(result) == ["1 buy 5 S inventory -> 100 at 1", *(f"16 {one}" for one in refused)]
    again = run(FundingArb(inventory=5), market(99.95), rates(*[-0.0005] * 3), risk=[OnlySpot()])
    assert orders(again)[3:] == [f"24 {one}" for one in refused]


def test_coins_that_were_sold_before_a_reverse_failed_are_bought_back():
    # The perpetual has no bars for some hours after 16:00: its order is canceled after two, the coins are bought back.
    series = market(99.95)
    kept = np.ones(30, bool)
    kept[16:20] = False
    series["P"] = BarSeries(
        "P", "1h", *(getattr(series["P"], name)[kept] for name in ("start", *BarSeries.COLUMNS))
    )
    result = run(FundingArb(inventory=5), series, rates(-0.0005, -0.0005))
    assert orders(result)[1:] == [
        "16 sell 5 S carry -> 100 at 16",
        "16 buy 5 P carry -> canceled",
        "21 buy 5 S inventory -> 100 at 21",
    ]


def test_without_an_inventory_there_is_no_reverse():
    assert orders(run(FundingArb(), market(99.95), rates(-0.0005, -0.0005, -0.0005))) == []


@pytest.mark.parametrize(
    ("params", "perp", "paid"),
    [
        ({}, 100.05, (0.0003, 0.0003)),  # not above min_rate
        ({}, 100.11, (0.0005, 0.0005)),  # basis 0.11 %
        ({}, 99.89, (0.0005, 0.0005)),  # basis -0.11 %
        ({"horizon": "1d"}, 100.05, (0.0005, 0.0005)),  # 3 * 0.05 % is less than the fees of 0.2 %
        ({}, 100.05, (0.0005,)),  # the interval is not known yet
    ],
)
def test_what_keeps_it_out(params, perp, paid):
    assert orders(run(FundingArb(**params), market(perp), rates(*paid))) == []


def test_shorter_intervals_earn_their_fees_sooner():
    # Six payments of 0.05 % in a day: 0.3 % against 0.2 %.
    result = run(FundingArb(horizon="1d"), market(), rates(0.0005, 0.0005, every=4))
    assert [line.split()[0] for line in orders(result)] == ["8", "8"]


def test_a_perpetual_that_nears_its_liquidation_is_closed_and_opened_anew(caplog):
    # Twice leveraged and isolated, short at 100.05: (100.05 + 50.025) / (1 + 0.005 + 0.0005) = 149.254.
    # At 114 that is 30.9 % away, at 115 29.8 %. Spot stays behind, so the basis keeps it out afterwards.
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(FundingArb(), market([100.05, 114, 114, 115, 115, 115]), rates(0.0005, 0.0005))
    assert orders(result)[2:] == [
        "20 sell 19.98 S carry close -> 100 at 20",
        "20 buy 19.98 P carry close -> 115 at 20",
    ]
    assert "closing liquidation is 29.8% away" in messages(caplog)


def test_a_size_whose_tier_leaves_no_buffer_keeps_it_out():
    # Above 1,000 the maintenance is 30 %: 19.98 short at 100.05 would be liquidated at
    # (19.98 * 100.05 * 1.5 + 1000 * 0.295) / (19.98 * 1.3005) = 126.75, 26.7 % away; a quarter of it stays in the first tier.
    tiers = (
        MarginTier(Decimal(1000), Decimal("0.005"), Decimal(100)),
        MarginTier(None, Decimal("0.3"), Decimal(2)),
    )
    instruments = [spot(), isolated(margin_tiers=tiers)]
    assert orders(run(FundingArb(), market(), rates(0.0005, 0.0005), instruments)) == []
    assert (
        len(run(FundingArb(max_fraction=0.05), market(), rates(0.0005, 0.0005), instruments).record.orders)
        == 2
    )


def test_after_the_price_of_both_has_risen_a_new_pair_has_its_buffer_again():
    series = market([100.05, 100.05, 120, 120, 120, 120, 120])
    series["S"] = closes("S", np.where(np.arange(30) >= 18, 119.95, 100.0))
    result = run(FundingArb(), series, rates(0.0005, 0.0005))
    assert [line.split()[:2] + line.split()[3:5] for line in orders(result)] == [
        ["16", "buy", "S", "carry"], ["16", "sell", "P", "carry"],
        ["19", "sell", "S", "carry"], ["19", "buy", "P", "carry"],
        ["20", "buy", "S", "carry"], ["20", "sell", "P", "carry"],
    ]  # fmt: skip


def test_a_liquidated_perpetual_takes_spot_with_it(caplog):
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(FundingArb(), market([100.05, 160, 160, 160]), rates(0.0005, 0.0005))
    assert orders(result)[2:] == [
        "18 buy 19.98 P liquidation -> 149.26 at 18",
        "18 sell 19.98 S carry close -> 100 at 18",
    ]
    assert "closing a leg is gone" in messages(caplog)


@dataclass
class OnlySpot(hl.RiskRule):
    """Lets no perpetual through."""

    name = "only_spot"

    def check(self, order, account):
        return None if order.symbol == "S" else hl.deny("not this one")


def test_the_second_leg_failing_unwinds_the_first(caplog):
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(FundingArb(), market(), rates(0.0005, 0.0005), risk=[OnlySpot()])
    assert orders(result) == ["16 buy 19.98 S carry -> canceled", "16 sell 19.98 P carry -> denied"]
    assert "unwound: P: denied: only_spot: not this one" in messages(caplog)


def test_a_basis_between_prices_of_two_times_is_none():
    series = market()
    kept = np.ones(30, bool)
    kept[15:18] = False  # no spot bars that end at 16, 17 and 18
    series["S"] = BarSeries(
        "S", "1h", *(getattr(series["S"], name)[kept] for name in ("start", *BarSeries.COLUMNS))
    )
    result = run(FundingArb(), series, rates(0.0005, 0.0005))
    assert [line.split()[0] for line in orders(result)] == ["19", "19"]


def test_both_legs_are_whole_lots_of_both_instruments():
    instruments = [spot(lot_size=Decimal("0.00001")), isolated(lot_size=Decimal("0.03"))]
    result = run(FundingArb(), market(), rates(0.0005, 0.0005), instruments)
    assert [order.quantity for order in result.record.orders] == [19.98, 19.98]


@pytest.mark.parametrize(
    ("first", "second", "quantity", "common"),
    [
        ("0.001", "0.001", 1.2349, 1.234),
        ("0.00001", "0.01", 1.2349, 1.23),
        ("0.01", "0.00001", 0.3, 0.3),
        ("0.02", "0.03", 0.299, 0.24),
        ("10", "0.001", 9.999, 0.0),
    ],
)
def test_common_lots(first, second, quantity, common):
    instruments = [spot(lot_size=Decimal(size)) for size in (first, second)]
    assert common_lots(*instruments, quantity) == common


def test_the_annual_rate_is_that_of_the_source():
    assert annual_rate(0.0003, 8) == pytest.approx(0.3285)  # 0.03 % every eight hours is about 33 % a year
    assert annual_rate(0.0001, 1) == pytest.approx(0.876)


@pytest.mark.parametrize(
    ("params", "instruments", "message"),
    [
        ({}, [spot(), perpetual("P")], "instruments.P.margin_mode: must be isolated, was cross"),
        (
            {},
            [spot(), isolated(leverage=4)],
            "instruments.P.leverage: must leave 30% to the liquidation price, leaves 24.3%",
        ),
        ({"spot": "P"}, [spot(), isolated()], "spot: must be a spot among S, P, was 'P'"),
        ({}, [perpetual("S"), isolated()], "spot: must be a spot among S, P, was None"),
    ],
)
def test_what_it_refuses_to_start_with(params, instruments, message):
    with pytest.raises(hl.ConfigError) as caught:
        run(FundingArb(**params), market(), {}, instruments)
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"exit_rate": 0.0003}, r"exit_rate must be below min_rate \(0.0003\), was 0.0003"),
        ({"check": "hourly"}, "was 'hourly'"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        FundingArb(**params)


# -- recorded prices ---------------------------------------------------------------------------------------------------


def by_hand(series, funding, max_basis, horizon_hours):
    """Hours at which a pair is opened and closed, by the rules alone, with leverage 1 and forward only.

    A short that is not leveraged is liquidated where its equity, 2 * entry - price and the funding received, is 0.5 % of
    the price and the fee of 0.05 %.
    """
    close, open_ = (
        {
            symbol: dict(zip(at(one).tolist(), prices(one).tolist(), strict=True))
            for symbol, one in series.items()
        }
        for at, prices in (
            (lambda one: one.end, lambda one: one.close),
            (lambda one: one.start, lambda one: one.open),
        )
    )
    paid = dict(zip(funding["P"].time.tolist(), funding["P"].value.tolist(), strict=True))
    rate, times, backing, sent = float("nan"), [], 0.0, []
    for now in range(int(series["P"].start[0]) + HOUR, int(series["P"].end[-1]), HOUR):
        price = close["P"].get(now)
        near = price is not None and backing and (backing / 1.0055 - price) / price < 0.3
        if near:  # seen on the bar, before the payment of the same time, which the pair still receives
            backing = 0.0
            sent.append((now, "close"))
        if now in paid:
            rate = paid[now]
            times.append(now)
            backing += backing and rate * price
        if near or now not in close["S"] or price is None or len(times) < 2:
            continue
        if backing and rate < 0.0001:
            backing = 0.0
            sent.append((now, "close"))
        elif not backing and rate > 0.0003:
            interval = (times[-1] - times[-2]) / HOUR
            basis = price / close["S"][now] - 1.0
            if abs(basis) <= max_basis and rate * horizon_hours / interval > 4 * 0.0005:
                backing = 2 * open_["P"][now]
                sent.append((now, "open"))
    return sent


def test_recorded_hours_are_traded_as_the_rules_say_and_the_payments_are_those_of_the_venue(
    real_data, caplog
):
    series, funding = real_carry(real_data, "2021-01-01", 24 * 150)
    strategy = FundingArb(max_basis=0.002, horizon="5d", leg_timeout="1d")
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(strategy, series, funding, [spot(), isolated(leverage=1)])
    assert [one for one in messages(caplog) if one.startswith("closing liquidation is 30.0% away")]
    record = result.record
    found = [
        (order.time, "close" if order.tag == "carry close" else "open")
        for order in record.orders
        if order.symbol == "P"
    ]
    wanted = by_hand(series, funding, 0.002, 120)
    assert len(wanted) >= 4
    assert found == wanted
    assert all(order.status == "filled" for order in record.orders)
    # What was received is the rate on what was held, at the last close.
    close = dict(zip(series["P"].end.tolist(), series["P"].close.tolist(), strict=True))
    held, expected = 0.0, 0.0
    fills = iter(
        sorted((fill.time, -fill.quantity * fill.side) for fill in record.fills if fill.symbol == "P")
    )
    coming = next(fills, None)
    for time, rate in zip(funding["P"].time.tolist(), funding["P"].value.tolist(), strict=True):
        while coming is not None and coming[0] < time:
            held += coming[1]
            coming = next(fills, None)
        expected += held * close.get(time, 0.0) * rate
    assert sum(amount for *_, amount in record.funding) == pytest.approx(expected)
    assert expected > 0
