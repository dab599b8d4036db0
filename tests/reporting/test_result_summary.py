from __future__ import annotations

import io

import pytest
from rich.console import Console
from run_records import Run

from hookline.reporting import StrategyRecord


@pytest.fixture
def result():
    run = Run("10 10 12 12").fill("1 buy 10 @ 10", fee=0.5).fill("3 sell 10 @ 12", fee=0.5)
    return run.result(warnings=["BTC: a gap of 3 bars [from 12:00]"])


def printed(result) -> str:
    file = io.StringIO()
    Console(file=file, width=120, color_system=None).print(result.summary())
    return file.getvalue()


def test_terminal_and_plain_text_show_the_same_figures_beside_buy_and_hold(result):
    for text in (printed(result), str(result)):
        assert "1,019.00" in text
        assert "1,200.00" in text
        assert "buy and hold" in text
        assert "n/a" in text
        assert "BTC: a gap of 3 bars [from 12:00]" in text


def test_the_plain_text_names_run_period_and_bars(result):
    head = str(result).splitlines()[0]
    assert head == "test run (backtest): 2024-01-01T00:00:00Z to 2024-01-01T04:00:00Z, 4 h, 4 bars"


def test_notebook_html_is_escaped():
    run = Run("10 11").result(name="<script>alert(1)</script>", warnings=["<img src=x>"])
    html = run._repr_html_()
    assert "<script>" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_markup_in_names_is_shown_not_obeyed():
    text = printed(Run("10 11").result(name="[bold]x[/bold] [/]", warnings=["[red]y"]))
    assert "[bold]x[/bold] [/]" in text
    assert "[red]y" in text


def test_ratings_are_in_the_table(result):
    lines = {line.strip().split("  ")[0]: line for line in str(result).splitlines()}
    assert lines["Round trips"].rstrip().endswith("warning")
    assert lines["Win rate"].rstrip().endswith("good")


def test_a_benchmark_run_gets_its_own_column(result):
    other = Run("10 10 10 10").result(name="other run")
    both = type(result)(result.record, benchmark=other)
    assert "other run" in str(both)
    assert "other run" in printed(both)
    assert "other run" in both._repr_html_()


@pytest.mark.parametrize("run", [Run(), Run("10")], ids=["no bars", "one bar"])
def test_runs_with_nothing_in_them_still_show_a_summary(run):
    result = run.result(strategies=[StrategyRecord("s", "x", {}, (), 1000.0)])
    assert "1,000.00" in str(result)
    assert "1,000.00" in printed(result)
    assert "1,000.00" in result._repr_html_()
