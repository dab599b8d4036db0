"""A passport: a verdict that follows from its tests, words that a trader understands, a page that needs nothing else."""

import json
import re

import pytest

from hookline.errors import DataError
from hookline.research.passport import Check, Passport, Section, read_passport, verdict_of
from hookline.research.passport.svg import Line, histogram, lines, steps
from hookline.research.passport.words import chance_text, headline, values_text


def check(state, title="A test", name="a"):
    return Check(name, title, state, "found 1", "at least 2", "It means something.")


def passport(*checks, **changes):
    given = {
        "name": "one",
        "created": 1_700_000_000 * 10**9,
        "digest": "abcdef0123456789",
        "session": {
            "strategies": [{"id": "a", "use": "a", "symbols": ["BTC"], "params": {"fast": 5}}],
            "symbols": ["BTC"],
            "timeframe": "1h",
            "period": ["2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"],
        },
        "rules": {"max_p_value": 0.05},
        "sections": (Section("size", checks),),
    }
    return Passport(**{**given, **changes})


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "note", "skip"], "pass"),
        (["pass", "fail", "unknown"], "fail"),
        (["pass", "unknown"], "incomplete"),
        ([], "incomplete"),
    ],
)
def test_what_failed_outweighs_and_what_is_unknown_is_no_pass(states, verdict):
    assert verdict_of([check(state) for state in states]) == verdict


def test_the_verdict_in_a_sentence():
    assert headline(passport(check("pass"))).startswith("All 1 tests passed.")
    failed = headline(
        passport(check("pass"), check("fail", "Walk forward, rolling"), check("fail", "Costs x 2"))
    )
    assert failed == ("2 of 3 tests failed: walk forward, rolling and costs x 2. Do not trade this as it is.")
    sharpe = headline(passport(check("fail", "Enough trades"), check("fail", "Sharpe ratio above zero")))
    assert "enough trades and Sharpe ratio above zero" in sharpe
    assert (
        headline(passport(check("unknown", "Warm-up"))) == "No test failed, but warm-up could not be tested."
    )


def test_values_are_named_by_the_last_part_of_their_address():
    assert values_text({"strategies[0].params.fast": 5, "broker.params.fee": 1}) == "fast 5, fee 1"
    assert values_text({}) == "as they are"


def test_it_is_written_and_read_again(tmp_path):
    made = passport(check("pass"), check("fail"), notices=("careful",))
    page, file = made.write(tmp_path)
    assert (page.name, file.name) == ("passport.html", "passport.json")
    assert read_passport(file) == made
    assert not list(tmp_path.glob(".*"))


def test_nothing_that_json_does_not_know_is_written(tmp_path):
    data = {"figures": {"a": float("nan"), "b": (1, 2)}}
    _, file = passport(sections=(Section("size", (check("pass"),), data),)).write(tmp_path)
    assert json.loads(file.read_text())["sections"][0]["data"] == {"figures": {"a": None, "b": [1, 2]}}
    assert read_passport(file).section("size") == {"figures": {"a": None, "b": [1, 2]}}


@pytest.mark.parametrize("text", ["", "[]", '{"name": 1}', '{"sections": [{}]}'])
def test_what_is_no_passport_is_refused(tmp_path, text):
    file = tmp_path / "passport.json"
    file.write_text(text)
    with pytest.raises(DataError, match="must be a passport that hookline validate has written"):
        read_passport(file)


def test_a_passport_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_passport(tmp_path / "passport.json")


def test_the_text_names_every_test_and_what_failing_means():
    shown = str(passport(check("pass", "First"), check("fail", "Second"), notices=("careful",)))
    assert "FAIL" in shown
    assert re.search(r"pass +First +found 1", shown)
    assert re.search(r"FAIL +Second +found 1 \(needed: at least 2\)", shown)
    assert "Second: It means something." in shown
    assert "careful" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_the_page_needs_nothing_else_and_escapes_what_others_wrote():
    from hookline.research.passport.page import page

    nasty = passport(check("fail", "<script>alert(1)</script>"), name="<b>x</b>", notices=("<i>",))
    text = page(nasty)
    assert not re.search(r"(?:href|src)\s*=|url\(|https?://", text)
    assert "<script" not in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert 'class="verdict fail"' in text


def test_a_notebook_shows_the_verdict():
    assert "<h3>one: PASS</h3>" in passport(check("pass"))._repr_html_()


# -- charts ------------------------------------------------------------------------------------------------------------


def test_a_histogram_marks_the_value_and_what_did_better():
    drawn = histogram([0.0, 1.0, 2.0, 3.0], [5, 3, 1], 1.5, "numbers", str)
    assert drawn.count("<rect") == 3
    assert drawn.count("--warning") == 2  # the bins that reach beyond 1.5
    assert "this session 1.5" in drawn
    assert histogram([], [], 1.0, "nothing", str) == ""


def test_a_histogram_of_one_value_is_drawn():
    assert "<rect" in histogram([1.0, 1.0], [7], None, "numbers", str)


def points(drawn):
    return [tuple(map(float, pair.split(","))) for pair in re.search(r'points="([^"]+)"', drawn)[1].split()]


def test_lines_rise_where_values_do_and_stay_in_the_picture():
    drawn = lines([Line("a", "accent", [0, 1, 2], [1.0, 3.0, 2.0])], "values", str, base=0.0)
    (x0, y0), (x1, y1), (x2, y2) = points(drawn)
    assert x0 < x1 < x2
    assert y1 < y2 < y0  # down is more in SVG
    assert all(0 <= x <= 1100 and 0 <= y <= 260 for x, y in points(drawn))
    assert "stroke-dasharray" in drawn
    assert lines([Line("a", "accent", [], [])], "nothing", str) == ""


def test_several_lines_have_a_legend():
    drawn = lines([Line("a & b", "accent", [0, 1], [1, 1]), Line("c", "buy", [0, 1], [2, 2])], "values", str)
    assert "a &amp; b" in drawn
    assert drawn.count("<polyline") == 2


def test_steps_hold_from_a_time_to_the_next():
    drawn = steps([0, 10, 20], [1.0, 2.0], "choices", str)
    path = re.search(r' d="([^"]+)"', drawn)[1]
    assert re.fullmatch(r"M[\d.]+ [\d.]+ H[\d.]+ L[\d.]+ [\d.]+ H[\d.]+", path)


# -- chance and leaks --------------------------------------------------------------------------------------------------


def of_chance(**p_values):
    data = {scheme: {"p_value": value} for scheme, value in p_values.items()}
    return passport(sections=(Section("permutation", (check("fail", "Chance"),), data),))


def test_tests_of_chance_that_disagree_are_told_of_with_the_largest_p_value():
    made = of_chance(returns=0.01, blocks=0.2, shifts=0.03)
    text, agree = chance_text(made)
    assert not agree
    assert text == (
        "The tests of chance disagree, so the largest p-value counts, p = 0.2000 (blocks of bars shuffled), "
        "and not p = 0.0100 (bars shuffled) and p = 0.0300 (positions shifted in time)."
    )
    assert text in headline(made)
    assert text in " ".join(str(made).split())


@pytest.mark.parametrize("p_values", [{"returns": 0.01, "blocks": 0.05}, {"returns": 0.06, "shifts": 0.5}])
def test_those_that_agree_are_told_of_by_the_largest(p_values):
    made = of_chance(**p_values)
    text, agree = chance_text(made)
    assert agree
    assert f"p = {max(p_values.values()):.4f}" in text
    assert text not in headline(made)


def test_p_values_that_are_not_defined_say_nothing():
    assert chance_text(of_chance(returns=None, blocks=float("nan"))) == ("", True)
    assert chance_text(passport()) == ("", True)


LEAKS = {
    "findings": [
        {
            "kind": "order",
            "where": "a: orders",
            "text": "know <the> future",
            "bars": 0,
            "is_proof": True,
        }
    ],
    "compared": ["3 requests"],
    "unseen": ["secret.csv was read by a strategy itself"],
}


def test_leaks_and_what_could_not_be_checked_are_shown_and_kept(tmp_path):
    made = passport(sections=(Section("look_ahead", (check("fail", "No look-ahead"),), LEAKS),))
    page, file = made.write(tmp_path)
    html = page.read_text()
    assert "<h2>Look-ahead</h2>" in html
    assert "a: orders: know &lt;the&gt; future" in html
    assert html.index("Could not be checked") < html.index("secret.csv was read by a strategy itself")
    shown = str(made)
    assert "Look-ahead: a: orders: know <the> future" in shown
    assert "Look-ahead: could not be checked: secret.csv was read by a strategy itself" in shown
    assert json.loads(file.read_text())["sections"][0]["data"]["unseen"] == LEAKS["unseen"]


def test_many_findings_are_few_in_the_terminal():
    many = {"findings": [{"where": f"column {number}", "text": "leaks"} for number in range(30)]}
    shown = str(passport(sections=(Section("look_ahead", (check("fail"),), many),)))
    assert shown.count("leaks") == 8
    assert "and 22 more on the page" in shown
