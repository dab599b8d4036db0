"""A validation of whole sessions: an edge passes, the best of many tries on noise does not, and every test says what it says."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from validation_markets import FAST, SLOW, market, study_of

import hookline as hl
from hookline import cli
from hookline.research.ledger import Ledger, Trial, uncounted
from hookline.research.ledger.data import data_set_of
from hookline.research.ledger.ratios import ratios_of
from hookline.research.passport import read_passport
from hookline.research.passport.page import page as passport_page
from hookline.research.space import Space
from hookline.research.study import Job
from hookline.research.table import Objective
from hookline.research.validating import validate_study, validation
from hookline.research.walk_forward import Candidates, choose, figures_of
from hookline.session.validation_rules import ValidationRules
from hookline_strategies.ema_cross import EmaCross

QUICK = ValidationRules(permutations=200, resamples=200, windows=3)
VALUES = {"fast": [8, 12, 16, 20], "slow": [40, 60, 80, 100]}
SPACE = Space.of({FAST: "4:8:2", SLOW: "20:40:10"})


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOKLINE_STATE_DIR", str(tmp_path / "state"))


def states(passport):
    return {one.name: one.state for one in passport.checks}


@pytest.mark.slow
def test_a_planted_edge_passes_every_test():
    found = hl.validate(
        EmaCross(fast=12, slow=60, adx_min=0, risk=0.02), market(0.001), VALUES, taker_fee_bps=2.0, slippage_bps=1.0,
        rules={"permutations": 500, "resamples": 500},
    )  # fmt: skip
    assert {name: state for name, state in states(found).items() if state != "pass"} == {"regimes": "note"}
    assert found.verdict == "pass"


@pytest.mark.slow
def test_the_best_of_many_tries_on_noise_is_called_out():
    noise = market(0.0)
    table = hl.sweep(EmaCross(adx_min=0), noise, VALUES, taker_fee_bps=2.0)
    best = table.frame.loc[table.frame["sharpe"].idxmax()]
    assert best["total_return"] > 0.0  # somebody would believe this
    found = hl.validate(
        EmaCross(fast=int(best[FAST]), slow=int(best[SLOW]), adx_min=0), noise, VALUES, taker_fee_bps=2.0,
        rules={"permutations": 500, "resamples": 500},
    )  # fmt: skip
    assert found.verdict == "fail"
    failed = {name for name, state in states(found).items() if state == "fail"}
    assert {"deflated_sharpe", "overfitting", "bootstrap", "permutation_blocks", "out_of_sample"} <= failed
    assert found.section("trials")["trials"] == 16


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        study, told = study_of(), []
        passport = validate_study(
            study, SPACE, rules=QUICK, progress=lambda what, fraction: told.append((what, fraction))
        )
        trials = Ledger().trials([data_set_of(one) for one in study.series().values()])
    return study, passport, told, trials


def test_every_test_is_made_and_told_of(validated):
    _, passport, told, _ = validated
    assert list(states(passport)) == [
        "size", "out_of_sample", "walk_forward_rolling", "walk_forward_expanding", "permutation_returns",
        "permutation_blocks", "permutation_shifts", "bootstrap", "deflated_sharpe", "overfitting", "costs", "delay",
        "regimes", "look_ahead", "warm_up",
    ]  # fmt: skip
    assert "unknown" not in states(passport).values()
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert (told[0], told[-1]) == (("the session as it is", 0.0), ("done", 1.0))


def test_in_and_out_of_sample_are_single_runs(validated):
    study, passport, _, _ = validated
    data = passport.section("split")
    starts = study.series()["ONE-PERP"].start
    cut = int(starts[round(len(starts) * 0.7)])
    chosen = choose(study, Candidates.of(SPACE), Objective(), (None, cut))
    assert data["chosen"]["values"] == dict(chosen.values)
    after = figures_of(study.run(Job(chosen.values, since=cut)))
    assert data["chosen"]["in_sample"]["sharpe"] == pytest.approx(chosen.metrics["sharpe"])
    assert data["chosen"]["out_of_sample"]["sharpe"] == pytest.approx(after["sharpe"])
    own = figures_of(study.run(Job(until=cut)))
    assert data["own"]["in_sample"]["total_return"] == pytest.approx(own["total_return"])


def test_the_session_and_each_variant_count_once(validated):
    _, passport, _, trials = validated
    assert len(trials) == 10  # nine variants, and the session's own 5 and 20
    assert [one.runs for one in trials] == [1] * 10
    data = passport.section("trials")
    assert data["trials"] == 10
    assert 1.0 <= data["independent"] < 10.0
    assert data["variance"] == pytest.approx(ratios_of(trials, 24).variance)
    assert data["variance_of"] == ratios_of(trials, 24).per


def test_the_deflated_sharpe_ratio_is_that_of_days_throughout(tmp_path, monkeypatch):
    """Worked by hand: Bailey and Lopez de Prado (2014), equations 1 and 2, on daily returns as pandas has them."""
    from scipy.stats import kurtosis, norm, skew

    monkeypatch.setenv("HOOKLINE_STATE_DIR", str(tmp_path))
    study = study_of()
    with uncounted():
        result = study.run(Job())
    others = [-0.12, 0.03, 0.05, 0.2, 0.31]  # of a day each
    data = [data_set_of(one) for one in study.series().values()]
    Ledger().add(data, [Trial(str(ratio), "s", "{}", "sharpe", 1.0, ratio) for ratio in others])
    Ledger().add(
        data, [Trial("old", "s", "{}", "sharpe", 1.0, 0.9, sharpe_per="bar")]
    )  # of bars: counts, is not compared
    found = validate_study(study, rules=QUICK).section("trials")

    ends = pd.to_datetime(result.equity.time - 1, utc=True)
    equity = pd.Series(result.equity.value, ends).resample("1D").last().to_numpy()
    days = np.diff(np.append(result.record.cash, equity)) / np.append(result.record.cash, equity[:-1])
    own = days.mean() / days.std(ddof=1)
    variance = np.var([*others, own], ddof=1)
    trials = 7  # the five, the old one and this
    largest = 0.4227843350984671 * norm.ppf(1 - 1 / trials) + 0.5772156649015329 * norm.ppf(
        1 - 1 / trials / np.e
    )
    threshold = np.sqrt(variance) * largest
    spread = 1 - skew(days) * own + (kurtosis(days, fisher=False) - 1) / 4 * own**2
    deflated = norm.cdf((own - threshold) * np.sqrt(len(days) - 1) / np.sqrt(spread))
    assert len(days) == 60
    assert (found["trials"], found["variance_of"]) == (trials, "day")
    assert found["variance"] == pytest.approx(variance)
    assert found["luckiest"] == pytest.approx(threshold * np.sqrt(365))
    assert found["deflated"] == pytest.approx(deflated)
    assert 0.001 < deflated < 0.5


def test_a_passport_says_where_ratios_of_bars_had_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOKLINE_STATE_DIR", str(tmp_path))
    study = study_of()
    data = [data_set_of(one) for one in study.series().values()]
    Ledger().add(
        data, [Trial(str(ratio), "s", "{}", "sharpe", 1.0, ratio, sharpe_per="bar") for ratio in (0.01, 0.03)]
    )
    passport = validate_study(study, rules=QUICK)
    found = passport.section("trials")
    assert (found["trials"], found["variance_of"]) == (3, "bar")
    assert found["variance"] == pytest.approx(0.0002 * 24)
    assert "brought to days as if bars were independent" in passport_page(passport)


def test_what_was_tried_before_weighs_on_the_deflated_sharpe_ratio():
    study = study_of()
    few = validate_study(study, rules=QUICK).section("trials")
    for slow in range(21, 61):
        study.run(Job(((SLOW, slow),)))
    many = validate_study(study, rules=QUICK).section("trials")
    assert (few["trials"], many["trials"]) == (1, 41)
    assert few["deflated"] == pytest.approx(few["probabilistic"])
    assert many["deflated"] < few["deflated"]


def test_stress_figures_are_those_of_stressed_runs(validated):
    study, passport, _, _ = validated
    rows = {row["multiple"]: row for row in passport.section("costs")["rows"]}
    assert list(rows) == [1.0, 2.0, 3.0]
    thrice = study_of(broker={"use": "paper", "params": {"taker_fee_bps": 15, "slippage_bps": 6}}).run(Job())
    assert rows[3.0]["total_return"] == pytest.approx(thrice.metrics.total_return)
    assert rows[1.0]["total_return"] == pytest.approx(study.run(Job()).metrics.total_return)


def test_the_page_shows_every_section(validated, tmp_path):
    _, passport, _, _ = validated
    page, file = passport.write(tmp_path)
    text = page.read_text()
    for title in ("Out of sample", "Walk forward", "Chance", "Uncertainty", "Everything that was tried", "Overfitting",
                  "Higher costs", "One bar late", "Different markets", "Look-ahead", "Warm-up", "Session"):  # fmt: skip
        assert f"<h2>{title}" in text
    assert text.count("<svg") == 1 + 2 + 3 + 1  # equity, a chart for each parameter, three histograms, ranks
    assert len(text) < 300_000
    assert read_passport(file).verdict == passport.verdict


def test_what_the_leak_checks_saw_is_in_the_passport(validated):
    _, passport, _, _ = validated
    data = passport.section("look_ahead")
    assert (data["findings"], data["unseen"], data["runs"]) == ([], [], 32)
    assert len(data["cuts"]) == 10
    assert any("columns: " in line for line in data["compared"])
    warm = passport.section("warm_up")
    assert warm["findings"] == []
    assert warm["warmup_bars"] == 500
    assert warm["recommended"] <= 500


def test_the_text_shows_what_was_chosen_in_each_window(validated):
    _, passport, _, _ = validated
    shown = str(passport)
    assert "walk forward, rolling" in shown
    assert shown.count(", slow ") >= 3


def test_the_same_session_gives_the_same_passport(validated):
    study, passport, _, _ = validated
    again = validate_study(study, SPACE, rules=QUICK)
    assert again.digest == passport.digest
    for one, other in zip(passport.sections, again.sections, strict=True):
        if one.name != "trials":  # the earlier validation is in the ledger there
            assert json.dumps(other.data, default=str) == json.dumps(one.data, default=str)


def test_without_a_space_nothing_is_chosen_and_that_is_said():
    found = validate_study(study_of(), rules=QUICK)
    assert states(found)["overfitting"] == "skip"
    assert states(found)["walk_forward_expanding"] == "skip"
    assert "expanding" not in found.section("walk_forward")
    assert "Windows, rolling" in passport_page(found)
    assert found.section("split")["chosen"]["how"] == "fixed"
    assert any("Nothing varies" in one for one in found.notices)


def test_variants_that_cannot_be_run_are_left_out_and_told_of():
    # A fast average must be below the slow one, which is 20.
    found = validate_study(study_of(), Space.of({FAST: [4, 8, 30]}), rules=QUICK)
    assert "unknown" not in states(found).values()
    assert found.section("overfitting")["trials"] == 2
    (notice,) = [one for one in found.notices if "cannot be run" in one]
    assert notice.startswith(
        "1 of 3 variants cannot be run and is left out: strategies[0].params: fast must be below"
    )


def test_a_single_variant_that_can_be_run_is_no_choice():
    found = validate_study(study_of(), Space.of({FAST: [4, 30, 40]}), rules=QUICK)
    (check,) = [one for one in found.checks if one.name == "overfitting"]
    assert check.state == "unknown"
    assert check.found == "only one of the variants can be run, so there is no choice to be tested"


def test_figures_that_are_not_defined_are_said_to_be_missing(tmp_path):
    found = validate_study(study_of(until="2024-01-01T06:00:00"), rules=QUICK)
    meanings = {one.name: one.meaning for one in found.checks}
    assert meanings["bootstrap"] == "There is no Sharpe ratio, for lack of trades."
    assert meanings["costs"] == meanings["delay"] == "There is no profit as it is, so none could be left."
    page, _ = found.write(tmp_path)
    assert ">nan<" not in page.read_text()
    assert "inf" not in [cell.strip() for cell in page.read_text().split("<td>")]


def test_where_nothing_is_chosen_no_choice_is_spoken_of():
    found = validate_study(study_of(), rules=QUICK)
    meanings = " ".join(
        one.meaning for one in found.checks if one.name.startswith(("out_of", "walk_forward"))
    )
    assert "chosen the parameters" not in meanings
    assert "parameters were chosen" not in meanings


def test_a_session_without_costs_fails_that_test():
    found = validate_study(study_of(broker={"use": "paper"}), rules=QUICK)
    (check,) = [one for one in found.checks if one.name == "costs"]
    assert (check.state, check.found) == ("fail", "no costs at all")


def test_a_test_that_cannot_be_made_is_unknown_and_stops_no_other():
    found = validate_study(study_of(until="2024-01-01T06:00:00"), rules=QUICK)
    assert states(found)["walk_forward"] == "unknown"
    assert states(found)["costs"] in {"pass", "fail"}
    (check,) = [one for one in found.checks if one.name == "walk_forward"]
    assert "each window must have at least 2 bars" in check.found


def test_a_broken_test_tool_makes_the_verdict_incomplete_at_best(monkeypatch):
    def broken(case):
        raise ValueError("no such thing")

    monkeypatch.setattr(validation, "_makers", lambda: [("One", "one", broken)])
    found = validate_study(study_of(), rules=QUICK)
    assert found.verdict == "incomplete"
    assert found.checks[0].found == "no such thing"


def test_a_wrong_address_in_the_space_is_told_before_anything_runs():
    with pytest.raises(hl.ConfigError, match="fats"):
        validate_study(study_of(), Space.of({"strategies[0].params.fats": [1, 2]}), rules=QUICK)


def run(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    return ended.value.code, capsys.readouterr()


def test_the_command_writes_the_passport_into_the_sessions_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = study_of()
    session = json.loads(study.source) | {
        "name": "demo",
        "validation": {"permutations": 100, "resamples": 100},
    }
    (tmp_path / "demo.yaml").write_text(yaml.safe_dump(session))
    code, shown = run(["validate", "demo.yaml", "--param", f"{FAST}=4:6:2"], capsys)
    assert code == 1
    assert "FAIL" in shown.out
    assert shown.out.splitlines()[-2:] == ["runs/demo/passport.html", "runs/demo/passport.json"]
    made = read_passport(tmp_path / "runs" / "demo" / "passport.json")
    assert made.rules["permutations"] == 100
    assert len(made.section("walk_forward")["rolling"]["steps"]) == 6
    assert made.section("overfitting")["trials"] == 2


def test_the_command_takes_what_varies_from_the_session(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = json.loads(study_of().source) | {
        "sweep": {"parameters": {FAST: "4:6:2"}, "objective": "total_return"},
        "validation": {"permutations": 100, "resamples": 100, "windows": 2},
    }
    (tmp_path / "demo.yaml").write_text(yaml.safe_dump(session))
    run(["validate", "demo.yaml", "--output", "elsewhere"], capsys)
    made = read_passport(tmp_path / "elsewhere" / "passport.json")
    assert made.rules["objective"] == "total_return"
    assert made.section("split")["metric"] == "total_return"
    assert made.section("overfitting")["variants"] == 2


def test_an_interrupted_validation_writes_no_passport_and_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.yaml").write_text(study_of().source)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("hookline.research.validating.validate_study", interrupt)
    code, shown = run(["validate", "demo.yaml"], capsys)
    assert (code, shown.err) == (130, "interrupted: no passport was written\n")
    assert not (tmp_path / "runs").exists()


def test_help_says_what_is_asked_and_shows_examples(capsys):
    code, shown = run(["validate", "--help"], capsys)
    assert code == 0
    for word in ("walk forward", "hookline trials", "--param", "require_passport", "Examples"):
        assert word in shown.out


def test_a_session_on_the_tape_is_not_delayed_by_bars_and_not_begun_in_its_middle():
    tape = {"use": "synthetic", "params": {"seed": 3, "book": {}}}
    found = validate_study(
        study_of(until="2024-01-01T14:00:00", market_data=["trades"], feed=tape), rules=QUICK
    )
    assert states(found)["delay"] == "skip"
    (check,) = [one for one in found.checks if one.name == "walk_forward"]
    assert check.state == "unknown"
    assert "must begin with the tape" in check.found
