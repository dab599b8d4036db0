"""The command: a session file, a folder or a name in, a table or JSON out."""

from __future__ import annotations

import json
from decimal import Decimal
from math import fsum

import pytest

from hookline.cli import main
from hookline.journal import read_journal
from hookline.session import replaying

SESSION = """
name: maker
mode: paper
symbols: [AAA]
timeframe: 10s
since: 2024-01-01
until: 2024-01-01T00:05
feed: {use: replay, params: {source: {use: synthetic, params: {seed: 5, start: "2024-01-01", book: {}}}}}
broker: {use: paper, params: {taker_fee_bps: 5, maker_fee_bps: 1}}
instruments: {AAA: {kind: perpetual, lot_size: 0.001}}
stream: {record: true}
strategies: [{use: market_maker, params: {order_size: 0.5, max_position: 3}}]
reporters: []
"""


@pytest.fixture
def hookline(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "220")

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


@pytest.fixture
def session(tmp_path, hookline):
    path = tmp_path / "maker.yaml"
    path.write_text(SESSION)
    assert hookline("run", path)[0] == 0
    return path


def test_a_session_on_paper_has_no_difference_by_file_folder_and_name(session, hookline):
    for named in (session, "runs/maker", "maker"):
        code, out, _ = hookline("replay", named)
        assert code == 0
        assert "no difference in" in out
        assert "covers all of the session" in out


def test_json_holds_every_order_and_parts_that_sum_to_the_whole(session, hookline):
    code, out, _ = hookline("replay", session, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["orders"]
    assert {order["session"]["order"] for order in found["orders"]} == {
        order["simulator"]["order"] for order in found["orders"]
    }
    assert fsum(found["parts"].values()) == found["difference"] == 0.0
    assert found["coverage"]["is_whole"] is True


def test_a_difference_is_a_table_whose_cents_add_up(session, hookline, monkeypatch):
    def changed(folder):
        content = read_journal(folder)
        content.header.config["strategies"][0]["params"]["order_size"] = 0.4
        return content

    monkeypatch.setattr(replaying, "read_journal", changed)
    code, out, _ = hookline("replay", session)
    assert code == 0
    amounts = {}
    for row in (line.split() for line in out.splitlines()):
        signed = [word for word in row[1:] if word[0] in "+-" and word[-1].isdigit()]
        if signed and row[0] not in amounts:
            amounts[row[0]] = Decimal(signed[0].replace(",", ""))
    causes = ["latency", "queue", "fees", "slippage", "funding", "missed", "logic"]
    assert sum(amounts[cause] for cause in causes) == amounts["difference"] != 0
    assert amounts["session"] - amounts["simulator"] == pytest.approx(
        amounts["difference"], abs=Decimal("0.01")
    )


def test_a_session_that_recorded_nothing_is_one_line(hookline, tmp_path):
    path = tmp_path / "maker.yaml"
    path.write_text(SESSION.replace("record: true", "record: false"))
    hookline("run", path)
    code, _, err = hookline("replay", path)
    assert code == 2
    assert "say stream: {record: true}" in err
    assert len(err.splitlines()) == 1
