"""A session before it trades: what it would meet, and the command that says so."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from doctor_venue import BARS, KEY, SECRET, open_venue

from hookline.cli import main
from hookline.diagnosis import Finding
from hookline.errors import StrategyError
from hookline.session import rehearsing
from hookline.session.confirming_numbers import FundingNow
from hookline.session.examining import Examination, examine_session
from hookline.session.loader import load_session
from hookline.session.plan import Plan
from hookline.session.predicting import predict
from hookline.session.rehearsing import Rehearsal, rehearse
from hookline_lmex import doctor, limits
from hookline_lmex.emulator import AccountConfig, Emulator, RateRules
from hookline_lmex.emulator.refusals import Refused
from hookline_lmex.emulator.rest_limits import CallKind, RateLimiter

SESSION = """\
name: checkup
mode: live
symbols: [BTC-PERP]
timeframe: 1m
cash: 10000
feed: {{use: lmex, params: {{rest_url: {rest}, socket_url: {socket}, query_rate: 200, user_rate: 200}}}}
broker: {{use: lmex, params: {{rest_url: {rest}, socket_url: {socket}, leverage: 2}}}}
strategies:
  - {{use: ema_cross, params: {{fast: 3, slow: 8, adx_min: 0}}}}
"""
EMA = "  - {use: ema_cross, params: {fast: 3, slow: 8, adx_min: 0}}"
HOLD = (EMA, "  - {use: buy_and_hold}")
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def venue() -> Iterator[Emulator]:
    with open_venue() as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMEX_API_KEY", KEY)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)
    monkeypatch.setattr(doctor, "_TRIPS", 1)
    monkeypatch.setattr(doctor, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(limits, "_meter_of", lambda *_: limits.Meter(1000.0))  # these venues have no limits


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a session file; pairs of texts are replaced in it first."""

    def written(emulator: Emulator, *changes: tuple[str, str]) -> Path:
        text = SESSION.format(rest=emulator.rest_url, socket=emulator.socket_url)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "checkup.yaml"
        path.write_text(text)
        return path

    return written


def on_paper(emulator: Emulator) -> list[tuple[str, str]]:
    """Return the changes that make the session one on paper, with the same feed."""
    params = f"{{rest_url: {emulator.rest_url}, socket_url: {emulator.socket_url}, leverage: 2}}"
    return [
        (f"broker: {{use: lmex, params: {params}}}", "broker: {use: paper}"),
        ("mode: live", "mode: paper"),
    ]


def examine(file: Path, bars: int = BARS) -> tuple[Examination, dict[str, Finding]]:
    examination = examine_session(load_session(file), bars)
    findings = [*examination.venue, *examination.session]
    assert len({one.name for one in findings}) == len(findings), findings
    return examination, {one.name: one for one in findings}


def planned(file: Path, bars: int = BARS) -> tuple[Plan, Rehearsal]:
    from hookline.session.assembly import assemble

    plan = assemble(load_session(file))
    return plan, rehearse(plan, bars)


def predicted(plan: Plan, rehearsal: Rehearsal, **rates: FundingNow) -> dict[str, Finding]:
    funding = {name.replace("_", "-"): rate for name, rate in rates.items()}
    return {one.name: one for one in predict(plan, rehearsal, None, funding)}


def test_a_session_that_may_begin(venue: Emulator, write: Write) -> None:
    examination, found = examine(write(venue))
    assert examination.title == "checkup"
    assert [one.name for one in examination.venue if one.state != "ok"] == []
    assert found["rehearsal"].state == "ok"
    assert "nothing was sent" in found["rehearsal"].text
    assert found["BTC-PERP orders"].state == "ok"
    assert "the session sets one-way positions, isolated margin at 2x" in found["BTC-PERP settings"].text
    assert found["order rate"].state == "ok"
    assert found["order rate"].text.endswith("of 75 a second that are allowed")
    assert found["BTC-PERP margin"].state == "ok"
    assert "100,000.00 available" in found["BTC-PERP margin"].text
    assert found["BTC-PERP liquidation"].state == "ok"
    assert "(isolated margin)" in found["BTC-PERP liquidation"].text
    assert venue.exchange.truth("patient").orders == ()


def test_the_rehearsal_is_a_backtest_on_the_same_bars(venue: Emulator, write: Write) -> None:
    plan, rehearsal = planned(write(venue), 120)
    (series,) = rehearsal.record.series.values()
    assert 118 <= len(series) <= 120
    assert rehearsal.planned
    assert len(rehearsal.planned) == len(rehearsal.sent) <= len(rehearsal.record.orders)
    first = rehearsal.planned[0]
    index = int((series.end <= first.time).sum()) - 1
    assert first.price == series.close[index]
    assert first.price_now == series.close[-1] == rehearsal.prices["BTC-PERP"]
    fees = sum(fill.fee for fill in rehearsal.record.fills)
    turnover = sum(fill.quantity * fill.price for fill in rehearsal.record.fills)
    assert fees == pytest.approx(plan.broker.taker_fee * turnover)


def test_the_largest_position_is_that_of_all_strategies(venue: Emulator, write: Write) -> None:
    holds = "  - {use: buy_and_hold, id: a}\n  - {use: buy_and_hold, id: b}"
    _, rehearsal = planned(write(venue, (EMA, holds), *on_paper(venue)))  # where they may share a symbol
    bought = [fill.lots for fill in rehearsal.record.fills]
    assert len(bought) == 2
    assert rehearsal.largest() == {"BTC-PERP": sum(bought)}


def test_too_little_money_is_told(write: Write) -> None:
    account = AccountConfig("patient", KEY, SECRET, cash={"USDT": Decimal(100)})
    with open_venue(accounts=[account]) as venue:
        _, found = examine(write(venue))
    margin = found["BTC-PERP margin"]
    assert (margin.state, "100.00 available" in margin.text) == ("fail", True)
    assert margin.fix.startswith("transfer ")


def test_less_money_than_the_session_counts_on_is_told(venue: Emulator, write: Write) -> None:
    _, found = examine(write(venue, ("cash: 10000", "cash: 150000")))
    margin = found["BTC-PERP margin"]
    assert margin.state == "warn"
    assert "less than the 150,000.00" in margin.text


def test_orders_too_small_are_told(venue: Emulator, write: Write) -> None:
    _, found = examine(
        write(
            venue,
            ("cash: 10000", "cash: 4"),
            HOLD,
        )
    )
    assert found["denied orders"].state == "warn"
    assert "notional below the minimum" in found["denied orders"].text
    assert found["rehearsal"].state == "warn"


def test_a_liquidation_that_is_near_is_told(venue: Emulator, write: Write) -> None:
    plan, rehearsal = planned(write(venue, ("leverage: 2", "leverage: 25")))
    assert predicted(plan, rehearsal)["BTC-PERP liquidation"].state == "warn"


def test_liquidations_on_the_way_are_told(write: Write) -> None:
    falling = [1100.0 - step for step in range(BARS)]
    with open_venue(falling) as venue:
        plan, rehearsal = planned(write(venue, ("leverage: 2", "leverage: 40"), HOLD))
    found = predicted(plan, rehearsal)
    assert found["liquidations"].state == "fail"
    assert all(order.tag != "liquidation" for order in rehearsal.sent)


def test_funding_is_told(venue: Emulator, write: Write) -> None:
    plan, rehearsal = planned(write(venue, HOLD))
    notional = rehearsal.largest()["BTC-PERP"] * 0.001 * rehearsal.prices["BTC-PERP"]
    low = predicted(plan, rehearsal, BTC_PERP=FundingNow(0.0001))["BTC-PERP funding"]
    assert low.state == "ok"
    assert f"pays {3 * 0.0001 * notional:,.2f} USDT in 24 hours" in low.text
    high = predicted(plan, rehearsal, BTC_PERP=FundingNow(0.004))["BTC-PERP funding"]
    assert high.state == "warn"
    paid = predicted(plan, rehearsal, BTC_PERP=FundingNow(-0.004, 4.0))["BTC-PERP funding"]
    assert paid.state == "ok"
    assert f"receives {6 * 0.004 * notional:,.2f} USDT" in paid.text
    assert "not known" in predicted(plan, rehearsal)["BTC-PERP funding"].text


@pytest.mark.parametrize(("rate", "state"), [(75.0, "ok"), (4.0, "warn"), (1.0, "fail")])
def test_requests_are_held_against_the_budget(venue: Emulator, write: Write, rate: float, state: str) -> None:
    plan, rehearsal = planned(write(venue, ("leverage: 2", f"leverage: 2, order_rate: {rate}")))
    assert (
        max(rehearsal.requests().count(time) for time in rehearsal.requests()) >= 2
    )  # an entry and its stop
    assert predicted(plan, rehearsal)["order rate"].state == state


def test_fees_are_told(venue: Emulator, write: Write) -> None:
    plan, rehearsal = planned(write(venue))
    assert predicted(plan, rehearsal)["fees"].state == "warn"
    few = replace(rehearsal, record=replace(rehearsal.record, fills=rehearsal.record.fills[:1], cash=1e9))
    assert predicted(plan, few)["fees"].state == "ok"


def test_strategies_that_live_on_books_are_told(venue: Emulator, write: Write) -> None:
    maker = "  - {use: market_maker, params: {order_size: 0.1, max_position: 1, spread_bps: 20}}"
    _, found = examine(write(venue, (EMA, maker)))
    assert found["market_maker"].state == "warn"
    assert "of which there is no history" in found["market_maker"].text


def test_bars_on_which_nothing_happens_are_told(venue: Emulator, write: Write) -> None:
    _, found = examine(write(venue), 2)
    assert found["rehearsal"].state == "warn"
    assert "--bars" in found["rehearsal"].fix
    assert "order rate" not in found


def test_a_session_that_cannot_be_rehearsed_is_told(
    venue: Emulator, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StrategyError("ema_cross: on_bar: division by zero")

    monkeypatch.setattr(rehearsing, "rehearse", fail)
    examination, found = examine(write(venue))
    assert (found["rehearsal"].state, "division by zero" in found["rehearsal"].text) == ("fail", True)
    assert found["key"].state == "ok"  # the venue is examined all the same
    assert examination.state == "fail"


def test_a_venue_that_does_not_answer_is_told(venue: Emulator, write: Write) -> None:
    file = write(venue, (venue.rest_url, "http://127.0.0.1:9"))
    examination, found = examine(file)
    assert examination.state == "fail"
    assert found["connection"].state == "fail"
    assert "not examined" in found["session"].text


def test_a_simulated_broker_has_no_venue(venue: Emulator, write: Write) -> None:
    examination, found = examine(write(venue, *on_paper(venue)))
    assert [one.text for one in examination.venue] == [
        "paper sends nothing over a network: there is nothing to examine"
    ]
    assert found["rehearsal"].state == "ok"


def test_the_page_names_every_finding(venue: Emulator, write: Write) -> None:
    page = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text()
    for leverage in (2, 40):
        _, found = examine(write(venue, ("leverage: 2", f"leverage: {leverage}")))
        for name in found:
            assert f"`{name.replace('BTC-PERP', 'SYMBOL')}`" in page


def test_a_session_on_both_products_is_examined_in_both(venue: Emulator, write: Write) -> None:
    both = "  - {use: buy_and_hold, id: a, symbols: [BTC-PERP]}\n  - {use: buy_and_hold, id: b, symbols: [BTC-USDT]}"
    symbols = ("symbols: [BTC-PERP]", "symbols: [BTC-PERP, BTC-USDT]")
    _, found = examine(write(venue, symbols, (EMA, both)))
    assert {"futures socket", "spot socket", "futures balance", "spot balance"} <= set(found)
    assert found["permission Trading"].text == "given for futures and spot"
    assert found["BTC-USDT margin"].text.endswith("200,000.00 available in all wallets together")
    assert "BTC-PERP liquidation" in found
    assert "BTC-USDT liquidation" not in found
    assert "BTC-USDT settings" not in found


def test_an_examination_keeps_the_venues_limits(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMEX_API_KEY", KEY)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)
    refused: list[str] = []
    count = RateLimiter.count

    def counting(self: RateLimiter, caller: str, endpoint: str, kind: CallKind) -> None:
        try:
            count(self, caller, endpoint, kind)
        except Refused:
            refused.append(endpoint)
            raise

    monkeypatch.setattr(RateLimiter, "count", counting)
    with open_venue(limits=RateRules()) as venue:
        examine(write(venue, (", query_rate: 200, user_rate: 200", "")))
    assert refused == []


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Any, str, str]]:
    """Run a command line on a terminal of a hundred columns."""
    monkeypatch.setenv("COLUMNS", "100")

    def ran(*arguments: object) -> tuple[Any, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        out, err = capsys.readouterr()
        for text in (out, err):
            assert KEY not in text
            assert SECRET not in text
        return ended.value.code or 0, out, err

    return ran


def hosts(emulator: Emulator) -> list[str]:
    return ["--param", f"rest_url={emulator.rest_url}", "--param", f"socket_url={emulator.socket_url}"]


def test_the_command_says_that_all_is_well(venue: Emulator, run: Any) -> None:
    code, out, _ = run("doctor", "lmex", *hosts(venue), "--symbol", "BTC-PERP")
    assert code == 0
    assert "All is well" in out
    assert max(map(len, out.splitlines())) <= 100


def test_the_command_says_what_to_do(venue: Emulator, run: Any) -> None:
    code, out, _ = run("doctor", "lmex", *hosts(venue), "--symbol", "BTC-PERP", "-p", "order_rate=500")
    assert code == 1
    assert "→ set order_rate: 75" in out
    assert "0 failed, 1 with a warning" in out
    code, out, _ = run("doctor", "lmex", *hosts(venue), "--symbol", "NONE-PERP")
    assert code == 2
    assert "FAIL" in out


def test_the_command_examines_a_session(venue: Emulator, write: Write, run: Any) -> None:
    code, out, _ = run("doctor", write(venue), "--bars", BARS)
    assert code == 1  # it trades much for what it holds
    assert "venue of checkup" in out
    assert "session checkup" in out
    assert max(map(len, out.splitlines())) <= 100


def test_the_command_writes_json(venue: Emulator, write: Write, run: Any) -> None:
    code, out, _ = run("doctor", write(venue), "--json", "--set", "cash=150000")
    said = json.loads(out)
    assert code == 1
    assert (said["title"], said["state"]) == ("checkup", "warn")
    assert {"name", "state", "text", "fix"} == set(said["venue"][0]) == set(said["session"][0])
    by_name = {one["name"]: one for one in said["session"]}
    assert by_name["BTC-PERP margin"]["state"] == "warn"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["doctor", "lmexx"], "did you mean 'lmex'"),
        (["doctor", "lmex", "--param", "leverage"], "--param leverage: must be NAME=VALUE"),
        (["doctor", "lmex", "--param", "levrage=3"], "did you mean 'leverage'"),
        (["doctor", "lmex", "--set", "cash=3"], "--set: is for a session file"),
        (["doctor", "none.yaml"], "none.yaml"),
        (["doctor", "none.yaml", "--symbol", "BTC-PERP"], "are for a broker"),
    ],
)
def test_what_is_wrong_with_a_command_is_said(run: Any, arguments: list[str], text: str) -> None:
    code, _, err = run(*arguments)
    assert (code, text in err) == (2, True), err


def test_checking_a_live_session_needs_no_connection(venue: Emulator, write: Write, run: Any) -> None:
    code, out, _ = run("check", write(venue))
    assert (code, "good to run" in out) == (0, True)
