import pytest


def test_a_good_session_is_summed_up(hookline, session):
    ran = hookline("check", session())
    assert ran.code == 0, ran.err
    for text in (
        "backtest, 1h bars, 10,000 USDT",
        "synthetic",
        "bars: 300",
        "buy_and_hold",
        "BTC-PERP",
        "300",
    ):
        assert text in ran.out
    assert ran.out.endswith("demo.yaml: good to run\n")


def test_changes_are_checked_too(hookline, session):
    ran = hookline("check", session(), "--set", "feed.params.bars=0")
    assert ran == (2, "", "error: --set feed.params.bars=0: feed.params.bars: must be at least 1, was 0\n")


def test_checking_runs_nothing_and_writes_nothing(hookline, session, tmp_path):
    path = session()
    hookline("check", path)
    assert list(tmp_path.iterdir()) == [path]


def test_values_from_the_environment_are_not_shown(hookline, session, monkeypatch):
    monkeypatch.setenv("LOGGER", "verysecret")
    ran = hookline(
        "check", session(("[json]", '[json]\nnotifiers: [{use: log, params: {logger: "${LOGGER}"}}]'))
    )
    assert ran.code == 0, ran.err
    assert "${LOGGER}" in ran.out
    assert "verysecret" not in ran.out


def write_bars(tmp_path, rows):
    lines = ["time,open,high,low,close,volume", *rows]
    (tmp_path / "bars.csv").write_text("\n".join(lines) + "\n")
    return ("{use: synthetic, params: {bars: 300}}", "{use: csv, params: {path: bars.csv}}")


GOOD = ["2024-01-01T00:00:00Z,1,2,1,2,5", "2024-01-01T01:00:00Z,2,3,2,3,5"]


def test_one_bar_is_enough_to_check(hookline, session, tmp_path):
    assert hookline("check", session(write_bars(tmp_path, GOOD[:1]))).code == 0


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [GOOD[0], "2024-01-01T01:00:00Z,2,nan,2,3,5"],
        [GOOD[1], GOOD[0]],
        [GOOD[0], GOOD[0]],
        [GOOD[0], "2024-01-01T01:00:00Z,2,1,2,3,5"],
        [GOOD[0], "2024-01-01T01:00:00Z,two,3,2,3,5"],
    ],
    ids=["empty", "nan", "reversed", "repeated", "high below low", "text"],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_data_that_cannot_be_trusted_is_one_line(hookline, session, tmp_path, rows, command):
    ran = hookline(command, session(write_bars(tmp_path, rows)))
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1, ran.err
    assert ran.err.startswith("error: ")
    assert "bars.csv" in ran.err or "BTC-PERP" in ran.err


def test_missing_data_is_one_line(hookline, session):
    ran = hookline(
        "check", session(("{use: synthetic, params: {bars: 300}}", "{use: csv, params: {path: no.csv}}"))
    )
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert "no.csv" in ran.err


def test_it_shows_where_leveraged_positions_would_be_liquidated(hookline, session):
    path = session(
        (
            "symbols: [BTC-PERP]",
            "symbols: [BTC-PERP]\ninstruments: {BTC-PERP: {leverage: 10, margin_mode: isolated}}",
        )
    )

    told = hookline("check", path).out

    # A tenth of the value backs it, half a percent of that must be left.
    assert "10x" in told
    assert "isolated" in told
    assert "(-9.5%)" in told
    assert "(+9.5%)" in told
