import pytest

from hookline.errors import ConfigError
from hookline.session.loader import load_session
from hookline.session.overrides import parse_address

SESSION = """\
symbols: [BTC-PERP]
timeframe: 1h
feed: synthetic
broker: paper
strategies:
  - ema_cross
  - use: supertrend
    params: {period: 10, "odd key": 1}
"""


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "demo.yaml"
    path.write_text(SESSION)
    return lambda *overrides, **environ: load_session(path, overrides, environ)


def error(load, *overrides, **environ):
    with pytest.raises(ConfigError) as raised:
        load(*overrides, **environ)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("cash", ("cash",)),
        ("strategies[0].params.fast", ("strategies", 0, "params", "fast")),
        ("instruments.BTC-PERP.kind", ("instruments", "BTC-PERP", "kind")),
        ("instruments['A.B'].kind", ("instruments", "A.B", "kind")),
        ('a["b=c"][10]', ("a", "b=c", 10)),
    ],
)
def test_an_address_is_a_path_of_keys_and_indices(text, location):
    assert parse_address(f"{text}=a=b") == (location, "a=b")


@pytest.mark.parametrize("text", ["cash", "=1", ".cash=1", "a..b=1", "a[x]=1", "a[0=1", "a b] = 1", "[=1"])
def test_what_is_no_address_is_refused(load, text):
    assert error(load, text) == (
        f"--set {text}: must be an address, = and a value, such as strategies[0].params.fast=12"
    )


def test_values_are_read_as_yaml(load):
    config = load(
        "cash=1e4",
        "since=2024-01-01",
        "risk=[{use: max_drawdown, params: {fraction: 0.1}}]",
        "name=a=b",
        "seed=3",
    )
    assert (float(config.cash), config.seed, config.name) == (10_000.0, 3, "a=b")
    assert config.risk[0].params == {"fraction": 0.1}


def test_parameters_of_shorthands_can_be_set(load):
    config = load(
        "broker.params.taker_fee_bps=5", "strategies[0].params.fast=12", "strategies[1].params.period=20"
    )
    assert config.broker.params == {"taker_fee_bps": 5}
    assert [use.params for use in config.strategies] == [{"fast": 12}, {"period": 20, "odd key": 1}]


def test_a_shorthand_can_be_a_value(load):
    assert load("broker=other", "strategies[0]=macd").broker.use == "other"


def test_an_empty_value_takes_a_key_out(load):
    assert load("broker=").broker.use == "paper"
    assert load("strategies[1].params=").strategies[1].params == {}


def test_a_later_override_wins(load):
    assert load("seed=1", "seed=2").seed == 2


WRONG = {
    "cash=-1": "cash: must be above 0, was -1",
    "cash=on": "'on' is a boolean in YAML 1.1 and text in 1.2: write true or false, or quote it",
    "cash=[1": "expected ',' or ']', but got '<stream end>'",
    "csh=1": "csh: no such key; did you mean 'cash'?",
    "strategies[0].parms.fast=1": "strategies[0].parms: no such key; did you mean 'params'?",
    "strategies[2].use=x": "strategies has 2 entries, so the last index is 1, was 2",
    "strategys[0].use=x": "a session has no list 'strategys'; did you mean 'strategies'?",
    "strategies.use=x": "strategies must be a mapping to hold 'use', was a list",
    "broker[0]=x": "broker must be a list to be indexed, was a mapping",
    "timeframe.x=1": "timeframe must be a mapping to hold 'x', was '1h'",
    "risk[0].use=x": "a session has no list 'risk'",
}


@pytest.mark.parametrize("override", WRONG)
def test_an_override_that_leads_nowhere_is_explained(load, override):
    assert error(load, override) == f"--set {override}: {WRONG[override]}"


def test_a_value_from_the_environment_is_not_shown(load):
    text = error(load, "cash=${API_KEY}", API_KEY="verysecret")
    assert text == "--set cash=${API_KEY}: cash: must be a decimal number, was '${API_KEY}'"
    assert load("currency=${API_KEY}", API_KEY="verysecret").dump()["currency"] == "${API_KEY}"


def test_an_override_of_a_reference_takes_its_place(load):
    config = load("currency=${API_KEY}", "currency=USD", API_KEY="verysecret")
    assert config.dump()["currency"] == "USD"
