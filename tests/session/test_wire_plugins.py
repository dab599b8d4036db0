"""A session file that names the venue in memory trades there."""

from live_sessions import PERP, bar
from wire_plugins import TAPES, VENUES, install_wire
from wire_venue import WireVenue

from fake_distributions import install  # noqa: F401  # a fixture
from hookline.session.loader import load_session
from hookline.session.session import Session

FILE = """
mode: live
symbols: [PERP]
timeframe: 1m
output: out
feed: {use: live_tape, params: {at: here}}
broker: {use: wire, params: {at: here}}
require_stops: false
on_stop: keep
strategies:
  - {use: buy_and_hold}
"""


def test_a_session_file_trades_at_the_venue_in_memory(tmp_path, monkeypatch, install):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    install_wire(install)
    VENUES["here"] = wire = WireVenue(PERP)
    TAPES["here"] = {"events": [bar(0, 100), bar(1, 101)], "venue": wire, "instruments": {"PERP": PERP}}
    (tmp_path / "session.yaml").write_text(FILE)
    result = Session.from_config(load_session(tmp_path / "session.yaml")).run()
    assert wire.held["PERP"].lots > 0
    assert sum(fill.lots for fill in result.record.fills) == wire.held["PERP"].lots
