"""The page of a sweep: what it holds, and that it holds everything."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from sweep_tables import PREFIX, matrix, table_of

from hookline.reporting import pages
from hookline.research.sweep_report import charts as sweep_charts
from hookline.research.sweep_report import page, write_page
from hookline.research.sweep_report.charts import chart_data
from hookline.research.sweep_report.digest import Digest
from hookline.research.table import Parameter

NASTY = "</script><img src='x' onerror=\"alert('y')\">&amp;"


@pytest.fixture(autouse=True)
def _without_the_library(monkeypatch):
    """Five megabytes that no test reads."""
    monkeypatch.setattr(pages, "plotly_source", lambda: "window.Plotly = {};")


class Outline(HTMLParser):
    """Tags, texts and the rows of tables."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.rows, self.options = [""], [], [], []
        self.feed(html)
        self.rows = [[cell.strip() for cell in row] for row in self.rows]
        self.options = [text.strip() for text in self.options]

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"} and self.rows:
            self.rows[-1].append("")
        if tag == "option":
            self.options.append("")

    def handle_data(self, data):
        self.texts.append(data)
        last = self.tags[-1]
        if last in {"td", "th", "span", "button"} and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data
        if last == "option":
            self.options[-1] += data


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html).group(1))


def hills(**changes):
    axes, height = matrix("""
        0.0  0.0  0.1  0.0  0.0  0.0
        0.0  2.9  0.1  0.9  1.0  0.8
        0.1  0.1  0.2  1.1  1.2  1.0
        0.0  0.1  0.1  0.9  1.0  x
        0.1  0.0  0.2  0.1  0.2  0.1
    """)
    return table_of(axes, height, **changes)


def test_the_data_are_the_runs():
    data = data_of(page(hills()))
    assert [parameter["label"] for parameter in data["parameters"]] == ["fast", "slow"]
    assert data["parameters"][1]["texts"] == list("012345")
    place = {pair: cell for cell, pair in enumerate(zip(*data["codes"], strict=True))}
    sharpe = data["runs"]["sharpe"][0]
    assert len(sharpe) == 30
    assert sharpe[place[1, 1]] == 2.9
    assert sharpe[place[3, 5]] is None
    assert data["peak"] == place[1, 1]
    assert data["plateau"] == place[2, 4]
    assert sorted(data["members"]) == sorted(
        place[row, column] for row in (1, 2, 3) for column in (3, 4, 5) if (row, column) != (3, 5)
    )
    assert data["grid"] is True


def test_nothing_is_loaded_from_anywhere():
    html = page(hills())
    assert not re.search(r"https?:", html)
    assert not set(Outline(html).tags) & {"link", "iframe", "base", "object"}
    assert "default-src 'none'" in html
    assert not re.search(r"(src|href)=", html)


def test_the_charting_library_is_in_the_page(monkeypatch):
    monkeypatch.undo()
    html = page(table_of({"fast": range(2)}, float))
    assert pages.plotly_source() in html


def test_the_best_are_listed_with_plateau_and_peak_marked():
    rows = Outline(page(hills())).rows
    head = next(row for row in rows if row[:1] == ["#"])
    assert head[:6] == ["#", "", "fast", "slow", "Sharpe", "around"]
    listed = rows[rows.index(head) + 1 :]
    assert listed[0][:6] == ["1", "peak", "1", "1", "2.90", "0.39"]
    assert listed[1][:6] == ["2", "plateau", "2", "4", "1.20", "0.99"]


def test_two_hundred_are_listed_and_the_plateau_whatever_its_rank():
    # 400 lonely heights, and a plain a little below them, of which 41 come before the first with neighbours all around.
    def height(row, column):
        return 1.0 if row < 20 else 9.0 if row % 2 and column % 2 else -9.0

    table = table_of({"fast": range(60), "slow": range(40)}, height)
    rows = Outline(page(table)).rows
    begin = next(index for index, row in enumerate(rows) if row[:1] == ["#"]) + 1
    listed = rows[begin : begin + 201]
    assert [row[0] for row in listed[:3]] == ["1", "2", "3"]
    assert listed[200][:2] == ["442", "plateau"]
    assert "The best 200 of 2,400 combinations" in page(table)


def test_every_figure_can_be_chosen_and_other_parameters_only_where_there_are_some():
    html = page(hills())
    assert 'id="data"' in html
    assert {"Sharpe", "Return", "Max drawdown", "Round trips", "Fees"} <= set(Outline(html).options)
    assert "<select id=others>" not in html
    many = page(table_of({"a": range(3), "b": range(3), "c": range(3)}, lambda *values: float(sum(values))))
    assert "<select id=others>" in many
    others = [text for text in Outline(many).options if text.endswith(("plateau", "all"))]
    assert others == ["at the plateau", "best of all", "mean of all"]


def test_one_parameter_needs_no_choice_of_axes():
    html = page(table_of({"fast": range(5)}, float))
    assert "<select id=x>" not in html
    assert "<select id=figure>" in html
    assert data_of(html)["codes"] == [[0, 1, 2, 3, 4]]


def test_instruments_can_be_shown_alone_and_side_by_side():
    table = table_of({"fast": range(5)}, lambda fast, symbol: fast + 10.0 * (symbol == "B"), symbols="AB")
    html = page(table)
    data = data_of(html)
    assert data["sets"] == ["A", "B"]
    assert data["runs"]["sharpe"] == [[0, 1, 2, 3, 4], [10, 11, 12, 13, 14]]
    outline = Outline(html)
    assert {"mean of 2 instruments", "A", "B"} <= set(outline.options)
    # Plateau (fast 3), peak (fast 4), median and best of each.
    assert ["B", "13.00", "14.00", "12.00", "14.00"] in outline.rows


def test_a_continuous_parameter_is_drawn_by_its_numbers():
    table = table_of({"fast": [0.5, 2.25, 9.0]}, float, continuous=("fast",))
    parameter = data_of(page(table))["parameters"][0]
    assert parameter["numbers"] == [0.5, 2.25, 9]
    assert "fast (0.5 to 2.25 to 9)" not in page(hills())


def test_errors_and_notices_are_told():
    table = hills(total=40)
    table.notices.append("compiled runs need one strategy")
    html = page(table)
    outline = Outline(html)
    assert ["it broke", "1"] in outline.rows
    text = "".join(outline.texts)
    for part in ("compiled runs need one strategy", "30 of 40 runs", "is partly luck"):
        assert part in text


def test_everything_a_user_can_write_is_escaped():
    table = table_of({"kind": [NASTY, "b"]}, lambda kind: 1.0 if kind == "b" else NASTY)
    table.name = NASTY
    table.frame["symbol"] = [NASTY, "B"]
    table.notices.append(NASTY)
    table.frame = table.frame.rename(columns={PREFIX + "kind": NASTY})
    table.parameters = (Parameter(NASTY, (NASTY, "b")),)
    html = page(table)
    outline = Outline(html)
    assert "img" not in outline.tags
    assert outline.tags.count("script") == 3
    assert NASTY in "".join(outline.texts)
    assert data_of(html)["parameters"][0]["texts"] == [NASTY, "b"]


def test_a_sweep_of_which_nothing_worked():
    html = page(table_of({"fast": [1, 2]}, lambda _: "it broke"))
    assert data_of(html)["peak"] is None
    assert "No run has an objective" in html


def test_a_sweep_over_instruments_alone():
    html = page(table_of({}, lambda symbol: 1.0 if symbol == "A" else 2.0, symbols="AB"))
    assert data_of(html)["runs"]["sharpe"] == [[1], [2]]


def test_a_large_sweep_is_drawn_in_part_and_says_so(monkeypatch):
    monkeypatch.setattr(sweep_charts, "NUMBERS", 1_000)
    table = table_of(
        {"fast": range(30), "slow": range(40)}, lambda fast, slow: -abs(fast - 7) - abs(slow - 9.0)
    )
    digest = Digest(table)
    data = chart_data(digest)
    numbers = sum(len(row) for rows in data["runs"].values() for row in rows)
    assert numbers <= 1_000 + 10 * len(data["figures"])
    drawn = set(zip(*data["codes"], strict=True))
    assert {(row, column) for row in (6, 7, 8) for column in (8, 9, 10)} <= drawn
    assert "of 1,200 combinations, evenly over the space" in data["note"]
    assert "The page holds 5 of 20 figures" in data["note"]


def test_ten_thousand_runs_are_two_megabytes_beside_the_library():
    rng = np.random.default_rng(1)
    table = table_of({"fast": range(100), "slow": range(100)}, lambda *_: rng.normal())
    for name in ("final_equity", "cagr", "volatility", "sortino", "calmar", "expectancy", "turnover", "fees"):
        table.frame[name] = rng.normal(size=10_000) * 1234.5
    assert len(page(table)) < 2_000_000


def test_the_page_is_written_and_the_same_table_gives_the_same_bytes(tmp_path):
    first = write_page(hills(), tmp_path / "a.html")
    second = write_page(hills(), tmp_path / "b.html")
    assert first == tmp_path / "a.html"
    assert first.read_bytes() == second.read_bytes()


def test_a_wider_neighbourhood_can_be_asked_for():
    table = table_of({"fast": range(11)}, lambda fast: [0, 0, 9, 9, 9, 0, 7, 8, 8, 8, 7][fast] * 1.0)
    assert data_of(page(table))["plateau"] == 3
    assert data_of(page(table, radius=2))["plateau"] == 8


def test_one_combination_has_no_cards_about_neighbours():
    html = page(table_of({"fast": [3]}, float))
    assert "Peak, Sharpe" in html
    assert "<div class=label>Neighbours</div>" not in html
    assert "<div class=label>Neighbours</div>" in page(hills())
