from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from run_records import Run, series

from hookline.clock import stopwatch
from hookline.reporting import Result, StrategyRecord
from hookline_reports.html import HtmlReporter, page
from hookline_reports.trips_table import ALL, PART, chosen

NASTY = "<script>alert('x')</script>\"&"


class Outline(HTMLParser):
    """Collects tags, texts and attributes that would reach the network."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href", "srcset", "action"}]
        if tag not in {"meta", "br", "link", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"script", "style"}:
            self.texts.append(data)


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    parser.close()
    return parser


def data_of(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html)[1])


def a_run(trips: int, strategies=("s",)) -> Run:
    rng = np.random.default_rng(1)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, 2 * trips + 2))), 2)
    run = Run(series(close), strategies=strategies)
    for number in range(2 * trips):
        run.fill(
            f"{number + 1} {'sell' if number % 2 else 'buy'} 1 @ {close[number]}", strategy=strategies[-1]
        )
    return run


@pytest.fixture(scope="module")
def html() -> str:
    return page(a_run(10).result(warnings=["BTC: a gap"]))


def test_the_page_is_well_formed_and_needs_no_network(html):
    found = outline(html)
    assert found.open == []
    assert found.links == []
    assert "link" not in found.tags
    assert "default-src 'none'" in html


def test_every_section_is_there(html):
    text = " ".join(outline(html).texts)
    for title in (
        "test run",
        "Before you believe this",
        "BTC: a gap",
        "Price and fills",
        "Equity",
        "Drawdown",
        "Monthly returns",
        "All figures",
        "Round trips",
        "Orders",
        "Parameters",
        "Session file",
        "taker_fee_bps",
        "buy and hold",
        "All round trips are listed: 10.",
    ):
        assert title in text


def test_everything_a_user_can_write_is_escaped():
    run = a_run(3, strategies=(NASTY, "b"))
    for order in run.orders:
        order.tag = order.reason = NASTY
    bars = run.series.pop("BTC")
    run.series = {NASTY: type(bars)(NASTY, "1h", *(getattr(bars, name) for name in ("start", *bars.COLUMNS)))}
    run.fills = [fill._replace(symbol=NASTY) for fill in run.fills]
    html = page(
        run.result(
            name=NASTY,
            mode=NASTY,
            currency=NASTY,
            halted=NASTY,
            warnings=[NASTY],
            config={NASTY: [NASTY]},
            strategies=[
                StrategyRecord(each, NASTY, {NASTY: NASTY}, (NASTY,), 500.0) for each in (NASTY, "b")
            ],
        )
    )
    assert "<script>alert" not in html
    assert "'x')</script>" not in html
    found = outline(html)
    assert found.tags.count("script") == 3
    assert NASTY in "".join(found.texts)
    assert data_of(html)["prices"][0]["symbol"] == NASTY


def test_dollars_and_braces_in_names_survive_the_template():
    html = page(a_run(1).result(name="$title ${x} {y} $"))
    assert "$title ${x} {y} $" in "".join(outline(html).texts)


def test_ratings_are_words_and_not_only_colors(html):
    assert re.search(
        r'<div class="card warning"><div class=label>Round trips<span class=rating>warning</span>', html
    )


@pytest.mark.parametrize("size", [0, 1, ALL])
def test_few_round_trips_are_all_listed(size):
    result = a_run(size).result()
    assert chosen(result.trips).tolist() == list(range(size))


def test_of_many_round_trips_the_first_last_and_worst_are_listed_and_the_rest_is_counted():
    result = a_run(1000).result()
    rows = chosen(result.trips)
    worst = int(np.argmin(result.trips.profit))
    assert set(range(PART)) <= set(rows.tolist())
    assert set(range(1000 - PART, 1000)) <= set(rows.tolist())
    assert worst in rows
    html = page(result)
    assert f"{len(rows)} of 1,000 round trips are listed" in html
    assert f"{1000 - len(rows)} are left out" in html
    assert html.count("<tr><td data-value") == len(rows)


def test_several_strategies_get_a_line_each():
    text = " ".join(outline(page(a_run(3, strategies=("idle", "busy")).result())).texts)
    assert "Strategies" in text
    assert "idle" in text
    assert "busy" in text


@pytest.mark.parametrize("run", [Run(), Run("10")], ids=["no bars", "one bar"])
def test_runs_with_nothing_in_them_still_give_a_page(run):
    found = outline(page(run.result(strategies=[])))
    assert found.open == []
    assert "No round trips." in found.texts


def test_a_page_of_ten_thousand_bars_takes_well_under_a_second_and_stays_small(tmp_path):
    run = a_run(2000)
    closes = np.linspace(100.0, 120.0, 10_000)
    run.series = {"BTC": series(closes)}
    started = stopwatch()
    (path,) = HtmlReporter().write(Result(run.record()), tmp_path)
    assert stopwatch() - started < 1.0
    assert path.stat().st_size < 6_000_000


def test_the_chart_data_holds_no_trace_longer_than_promised():
    html = page(Run(series(np.linspace(100.0, 120.0, 200_000), timeframe="1m")).result())
    data = data_of(html)
    assert (
        max(len(trace["t"]) for trace in (*data["prices"], data["equity"], data["hold"], data["drawdown"]))
        < 5000
    )
