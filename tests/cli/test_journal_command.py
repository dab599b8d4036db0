import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hookline.cli import commands
from hookline.journal import Amendment, Batch, Decision, Journal, SessionHeader
from hookline.model import (
    Bar,
    Fill,
    Instrument,
    InstrumentKind,
    Order,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
)
from hookline.reporting import StrategyRecord

START = 1_704_067_200_000_000_000
HOUR = 3600 * 10**9
BTC = Instrument("BTC", InstrumentKind.PERPETUAL, tick_size=Decimal("0.10"), lot_size=Decimal("0.001"))
HEADER = SessionHeader(
    "demo",
    "paper",
    "USDT",
    {"seed": 1},
    {"BTC": BTC},
    [StrategyRecord("s", "ema_cross", {}, ("BTC",), 1000.0)],
)


def bar(number):
    return Bar("BTC", START + number * HOUR, START + (number + 1) * HOUR, 100.0, 101.0, 99.0, 100.5, 7.0)


@pytest.fixture
def folder(tmp_path):
    """A session: one order filled, one resting and amended, one denied; halted."""
    time = START + HOUR
    bought = Order(1, "s", BTC, Side.BUY, OrderType.MARKET, 10, time)
    resting = Order(2, "s", BTC, Side.SELL, OrderType.LIMIT, 5, time, limit_price=120.0)
    denied = Order(3, "s", BTC, Side.BUY, OrderType.MARKET, 10**6, time)
    steps = [(1, "submitted"), (2, "submitted"), (2, "accepted"), (1, "filled"), (2, "accepted", "amended")]
    first = Batch(
        time,
        bars=[bar(0)],
        orders=[bought, resting, denied],
        updates=[
            OrderUpdate(time, n, OrderStatus(s), *(why or [""]))
            for n, s, *why in [*steps, (3, "denied", "too much")]
        ],
        fills=[Fill(1, time, 1, "s", "BTC", Side.BUY, 10, 0.01, 100.5, 0.0005, False)],
        amendments=[Amendment(time, 2, {"limit_price": 119.5})],
        decisions=[Decision(time, "max_position", "deny", "s", 3, "too much")],
        payments=[(time, "s", "BTC", -0.25)],
        states={"strategy:s": {"count": 1}},
    )
    with Journal.create(tmp_path / "run" / "journal.sqlite", HEADER, time=START) as journal:
        journal.commit(first)
        journal.commit(Batch(time + HOUR, bars=[bar(1)], halts=[(time + HOUR, "max_drawdown: 12 %")]))
        journal.close("interrupted", time=START + 9 * HOUR)
    return tmp_path / "run"


def test_show_says_what_a_session_did_and_where_it_stands(hookline, folder):
    shown = hookline("journal", "show", folder)
    rows = dict(line.strip().split("  ", 1) for line in shown.out.splitlines() if "  " in line.strip())
    rows = {name: text.strip() for name, text in rows.items()}
    assert shown.out.startswith("demo, paper")
    assert rows["events from, to"] == "2024-01-01T01:00:00Z, 2024-01-01T02:00:00Z"
    assert rows["started"] == "2024-01-01T00:00:00Z"
    assert rows["stopped"] == "2024-01-01T09:00:00Z interrupted"
    assert rows["orders"] == "1 filled, 1 accepted, 1 denied"
    assert rows["funding"] == "-0.25 USDT in 1 payments"
    assert rows["risk decisions"] == "1 deny"
    assert rows["halts"] == "1, cleared 0 times; halted now: max_drawdown: 12 %"
    assert rows["cash of s"] == "998.74 USDT"
    assert rows["s holds BTC"] == "0.01 at 100.5"
    assert rows["open order"] == "s-2 sell 0.005 BTC limit"
    assert rows["written by"] == "no process now"


def test_show_names_the_process_that_writes(hookline, folder):
    with Journal.open(folder, HEADER):
        assert f"process {os.getpid()}, now" in hookline("journal", "show", folder).out


def test_tail_shows_the_last_events_in_order(hookline, folder):
    lines = hookline("journal", "tail", folder, "-n", "100").out.splitlines()
    assert [line.split("  ", 1)[1].strip() for line in lines if "process" not in line] == [
        "session  demo, paper, file 0",
        "bar      BTC 100.0 101.0 99.0 100.5 volume 7.0",
        "order    s-1 buy 0.01 BTC market",
        "update   order 1 submitted",
        "order    s-2 sell 0.005 BTC limit limit 120.0",
        "update   order 2 submitted",
        "update   order 2 accepted",
        "fill     order 1 buy 0.01 BTC at 100.5 fee 0.0005 taker",
        "update   order 1 filled",
        "update   order 2 accepted: amended",
        "order    s-3 buy 1000.0 BTC market",
        "update   order 3 denied: too much",
        "amended  order 2 limit_price 119.5",
        "funding  s BTC -0.25",
        "decision max_position deny s order 3: too much",
        "state    strategy:s",
        "bar      BTC 100.0 101.0 99.0 100.5 volume 7.0",
        "halt     max_drawdown: 12 %",
        "stop     interrupted",
    ]
    assert hookline("journal", "tail", folder, "-n", "2").out.splitlines() == lines[-2:]


def test_tail_follows_a_session_that_runs(folder):
    code = f"from hookline.cli import main; main(['journal', 'tail', {str(folder)!r}, '-n', '1', '--follow'])"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().endswith("stop     interrupted\n")
    with Journal.open(folder, HEADER) as journal:
        assert "start    process" in child.stdout.readline()
        for number in (2, 3):
            journal.commit(Batch(START + (number + 1) * HOUR, bars=[bar(number)]))
            assert child.stdout.readline().startswith(f"2024-01-01T0{number + 1}:00:00Z  bar")
    time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=30) == 0
    child.stdout.close()


def test_export_writes_events_as_lines(hookline, folder, tmp_path):
    assert hookline("journal", "export", folder, "-o", tmp_path / "out.jsonl", "--states").code == 0
    events = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["run", "order"]
    assert {"order", "update", "fill", "funding", "amendment", "decision", "halt", "state"} < set(kinds)
    assert next(e for e in events if e["event"] == "halt")["reason"] == "max_drawdown: 12 %"
    assert next(e for e in events if e["event"] == "state")["state"] == {"count": 1}
    assert next(e for e in events if e["event"] == "amendment")["changes"] == {"limit_price": "119.5"}
    times = [event["time"] for event in events[1:]]
    assert times == sorted(times)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_export_writes_a_file_for_each_table(hookline, folder, tmp_path, form):
    out = hookline("journal", "export", folder, "--format", form, "-o", tmp_path / "tables").out
    names = {Path(line).name for line in out.splitlines()}
    assert {f"{name}.{form}" for name in ("bars", "orders", "updates", "fills", "halts", "stops")} <= names
    file = tmp_path / "tables" / f"fills.{form}"
    if form == "csv":
        header, row = file.read_text().splitlines()
        assert header.startswith("commit_number,number,time,order_number,strategy,symbol,side,lots")
        assert row == f"2,1,{START + HOUR},1,s,BTC,buy,10,0.01,100.5,0.0005,0,,"
    else:
        assert pq.read_table(file)["price"].to_pylist() == ["100.5"]


def test_verify_says_what_it_checked(hookline, folder):
    said = hookline("journal", "verify", folder)
    assert said.code == 0
    assert said.out.splitlines()[1].startswith("good: 4 commits chained without a gap")
    assert said.out.splitlines()[-1] == f"{folder}: can be trusted"


def test_verify_names_the_first_fault_and_fails(hookline, folder):
    connection = sqlite3.connect(folder / "journal.sqlite")
    connection.execute("DROP TRIGGER halts_no_delete")
    connection.execute("DELETE FROM halts")
    connection.execute(
        "CREATE TRIGGER halts_no_delete BEFORE DELETE ON halts "
        "BEGIN SELECT RAISE(ABORT, 'a journal is only ever added to'); END"
    )
    connection.commit()
    connection.close()
    said = hookline("journal", "verify", folder)
    assert said.code == 1
    assert "bad: journal" in said.err
    assert "commit 3: its rows do not fit its digest" in said.err


def test_a_folder_without_a_journal_is_one_line(hookline, tmp_path):
    said = hookline("journal", "show", tmp_path)
    assert (said.code, said.out) == (2, "")
    assert (
        said.err
        == f"error: journal {tmp_path / 'journal.sqlite'}: no such file; a session writes one into its folder\n"
    )


def test_help_teaches_with_an_example(hookline):
    said = hookline("journal", "--help").out
    assert commands._BUILT_IN["journal"][2] in said
    assert "hookline journal show runs/demo" in said
    for command in ("show", "tail", "export", "verify"):
        assert f"hookline journal {command} runs/demo" in hookline("journal", command, "--help").out
