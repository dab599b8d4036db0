"""A live session whose policy asks for a passport starts only with one that holds."""

import dataclasses
import io
import json
from pathlib import Path

import pytest
from live_sessions import PERP, bar, session_of, venue
from rich.console import Console
from wire_plugins import TAPES, VENUES, install_wire

import hookline as hl
from fake_distributions import install  # noqa: F401  # a fixture
from hookline.clock import SystemClock
from hookline.research.passport import Check, Passport, Section
from hookline.research.passport.policy import examine_passport, session_digest, session_facts
from hookline.session.confirming import LiveFacts
from hookline.session.confirming_page import page
from hookline.session.examining import _passport
from hookline.session.schema import LiveEntry

POLICY = LiveEntry(require_passport=True)


@dataclasses.dataclass
class Patient(hl.Strategy):
    """Buys once."""

    name = "patient"
    quantity: float = 1.0

    def on_bar(self, ctx, bar):
        if not ctx.position(bar.symbol).lots:
            ctx.buy(bar.symbol, self.quantity)


def session(folder, wire, live=POLICY, quantity=1.0):
    return session_of(folder, Patient(quantity), wire, [bar(0, 100), bar(1, 101)], live=live)


def passport(plan, state="pass", days_old=0.0):
    """Return a passport of a session, made some days ago."""
    made = SystemClock().now - round(days_old * 86_400e9)
    facts = {**session_facts(plan), "period": ["2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"]}
    checks = (Check("costs", "Costs x 2", state, "-3 %"),)
    return Passport(plan.name, made, session_digest(plan), facts, {}, (Section("costs", checks),))


def test_without_a_passport_nothing_is_sent(tmp_path):
    wire = venue()
    with pytest.raises(hl.ConfigError) as error:
        session(tmp_path, wire).run()
    told = str(error.value)
    assert f"live: live.require_passport: there is no passport at {tmp_path / 'passport.json'}" in told
    assert "hookline validate" in told
    assert wire.received == []


def test_a_passport_that_passes_lets_the_session_start(tmp_path):
    wire = venue()
    passport(session(tmp_path, wire).plan).write(tmp_path)
    session(tmp_path, wire).run()
    assert [what for what, _ in wire.received][:1] == ["create"]


@pytest.mark.parametrize("state", ["fail", "unknown"])
def test_a_verdict_other_than_pass_is_refused_with_what_failed(tmp_path, state):
    wire = venue()
    passport(session(tmp_path, wire).plan, state).write(tmp_path)
    with pytest.raises(hl.ConfigError, match=r"the verdict must be pass, was \w+: Costs x 2"):
        session(tmp_path, wire).run()
    assert wire.received == []


def test_a_passport_of_other_parameters_is_refused_with_what_differs(tmp_path):
    wire = venue()
    passport(session(tmp_path, wire, quantity=2.0).plan).write(tmp_path)
    with pytest.raises(hl.ConfigError, match=r"strategies\[0\]\.params\.quantity was 2\.0, is 1\.0"):
        session(tmp_path, wire).run()
    assert wire.received == []


def test_a_passport_of_other_code_is_refused(tmp_path):
    wire = venue()
    plan = session(tmp_path, wire).plan
    dataclasses.replace(passport(plan), digest="of something else").write(tmp_path)
    with pytest.raises(hl.ConfigError, match="the code of a strategy, or its sizer, has changed"):
        session(tmp_path, wire).run()


def test_a_passport_that_was_changed_by_hand_is_refused(tmp_path):
    wire = venue()
    passport(session(tmp_path, wire).plan, "fail").write(tmp_path)
    file = tmp_path / "passport.json"
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "verdict": "pass"}))
    with pytest.raises(hl.ConfigError, match="must be as hookline validate has written it"):
        session(tmp_path, wire).run()
    file.write_text("{}")
    with pytest.raises(hl.ConfigError, match="must be a passport that hookline validate has written"):
        session(tmp_path, wire).run()


def test_a_passport_grows_old_where_the_policy_says_so(tmp_path):
    wire = venue()
    live = dataclasses.replace(POLICY, passport_max_age_days=30.0)
    plan = session(tmp_path, wire, live).plan
    passport(plan, days_old=31).write(tmp_path)
    with pytest.raises(hl.ConfigError, match="at most 30 days old, was made 31 days ago"):
        session(tmp_path, wire, live).run()
    passport(plan, days_old=29).write(tmp_path)
    assert examine_passport(plan).problem == ""


def test_the_policy_may_name_the_file(tmp_path):
    wire = venue()
    elsewhere = tmp_path / "elsewhere"
    live = dataclasses.replace(POLICY, passport=elsewhere / "passport.json")
    passport(session(tmp_path, wire, live).plan).write(elsewhere)
    session(tmp_path, wire, live).run()
    assert wire.received


def test_cash_and_mode_may_differ_from_what_was_validated(tmp_path):
    plan = session(tmp_path, venue()).plan
    other = dataclasses.replace(
        plan, mode="backtest", seats=[dataclasses.replace(one, cash=50.0) for one in plan.seats]
    )
    assert session_digest(other) == session_digest(plan)
    assert session_digest(dataclasses.replace(plan, timeframe="5m")) != session_digest(plan)


def test_by_default_no_passport_is_needed(tmp_path):
    wire = venue()
    session(tmp_path, wire, LiveEntry()).run()
    assert wire.received


def shown(plan):
    console = Console(file=io.StringIO(), width=200)
    console.print(page(LiveFacts(plan), None), highlight=False)
    return " ".join(console.file.getvalue().split())


def test_the_page_before_a_live_start_says_what_the_passport_is_worth(tmp_path):
    plan = session(tmp_path, venue(), LiveEntry()).plan
    assert f"overfit passport none at {tmp_path / 'passport.json'} (not required)" in shown(plan)
    passport(plan, "fail").write(tmp_path)
    assert "overfit passport fail, of" in shown(plan)
    assert "the verdict must be pass, was fail: Costs x 2 (not required)" in shown(plan)


def test_the_doctor_looks_at_the_passport(tmp_path):
    wire = venue()
    needed, free = session(tmp_path, wire).plan, session(tmp_path, wire, LiveEntry()).plan
    assert [one.state for one in _passport(needed)] == ["fail"]
    assert _passport(free) == []
    passport(needed, "fail").write(tmp_path)
    assert [one.state for one in (*_passport(needed), *_passport(free))] == ["fail", "warn"]
    passport(needed).write(tmp_path)
    found = [*_passport(needed), *_passport(free)]
    assert [one.state for one in found] == ["ok", "ok"]
    assert "hookline validate" not in found[0].fix


def test_a_session_file_names_the_passport_relative_to_itself(tmp_path):
    from hookline.session.loader import load_session

    file = tmp_path / "one.yaml"
    file.write_text(
        "symbols: [A]\ntimeframe: 1h\nfeed: synthetic\nstrategies: [buy_and_hold]\n"
        "live: {require_passport: true, passport: papers/one.json, passport_max_age_days: 90}\n"
    )
    live = load_session(file).live
    assert live.require_passport
    assert live.passport == Path(tmp_path / "papers" / "one.json")
    assert live.passport_max_age_days == 90


FILE = """
mode: live
symbols: [PERP]
timeframe: 1m
output: out
feed: {use: live_tape, params: {at: here}}
broker: {use: wire, params: {at: here}}
require_stops: false
on_stop: keep
live: {require_passport: true}
strategies:
  - {use: buy_and_hold}
"""


def test_the_passport_of_a_backtest_of_the_file_is_that_of_the_live_session(tmp_path, monkeypatch, install):  # noqa: F811
    from hookline.research.study import Study
    from hookline.research.validating import validate_study
    from hookline.session.loader import load_session
    from hookline.session.session import Session

    monkeypatch.chdir(tmp_path)
    install_wire(install)
    VENUES["here"] = wire = venue()
    TAPES["here"] = {"events": [bar(0, 100), bar(1, 101)], "venue": wire, "instruments": {"PERP": PERP}}
    file = tmp_path / "session.yaml"
    file.write_text(FILE)
    with pytest.raises(hl.ConfigError, match="there is no passport"):
        Session.from_config(load_session(file)).run()
    history = [
        "mode=backtest", "broker=paper", "feed={use: synthetic}", "since=2024-01-01", "until=2024-01-03",
        "validation={permutations: 100, resamples: 100}",
    ]  # fmt: skip
    made = validate_study(Study.of_file(file, history))
    assert made.verdict == "fail"
    made.write("out")
    with pytest.raises(hl.ConfigError, match="the verdict must be pass, was fail"):
        Session.from_config(load_session(file)).run()
    passed = Section("all", (Check("all", "All", "pass", "good"),))
    dataclasses.replace(made, sections=(passed,)).write("out")
    Session.from_config(load_session(file)).run()
    assert wire.held["PERP"].lots > 0
