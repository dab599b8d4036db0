import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from hookline.errors import ConfigError, PluginError
from hookline.session.building import build_plugins, public_params
from hookline.session.loader import load_session

NOTES = """
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from hookline import Ge, Notifier, hookimpl

@dataclass
class Pager(Notifier):
    '''Page somebody.'''

    name = "pager"

    token: str
    retries: Annotated[int, Ge(0)] = 1
    limit: Decimal = Decimal("0.5")
    log: Path | None = None
    people: list[str] = field(default_factory=list)

    def __post_init__(self):
        if "x" in self.token:
            raise ValueError(f"token must have no x, was {self.token!r}")

    def notify(self, level, title, text):
        pass

@hookimpl
def register_notifiers():
    return [Pager]
"""
SESSION = """\
symbols: [BTC-PERP]
timeframe: 1h
feed: {use: synthetic, params: {seed: 3}}
strategies: [buy_and_hold]
reporters: []
notifiers:
  - use: pager
    params:
      token: ${TOKEN}
      people: [ada, "${BOSS:-bob}"]
      log: pages.log
"""


@pytest.fixture
def load(tmp_path, install):
    install("my-notes", "notifiers", {"pager": "my_notes"}, NOTES)
    path = tmp_path / "demo.yaml"

    def load(text=SESSION, token="verysecret"):
        path.write_text(text)
        return load_session(path, (), {"TOKEN": token})

    return load


def errors(config, error=ConfigError):
    with pytest.raises(error) as raised:
        build_plugins(config)
    return [line.partition("demo.yaml:")[2] or line for line in str(raised.value).splitlines()]


def test_every_plugin_is_built_under_its_address(load, tmp_path):
    built = build_plugins(load())
    assert list(built) == [("feed",), ("broker",), ("strategies", 0), ("notifiers", 0)]
    assert built["feed",].seed == 3
    assert built["notifiers", 0].token == "verysecret"
    assert built["notifiers", 0].log == tmp_path / "pages.log"


def test_all_problems_of_all_plugins_are_reported_with_their_lines(load):
    text = SESSION.replace("seed: 3", "sed: 3").replace("token: ${TOKEN}", "retries: -1")
    assert errors(load(text)) == [
        "3:33: feed.params.sed: SyntheticFeed has no such parameter; did you mean 'seed'?",
        "8:5: notifiers[0].params.token: is required",
        "9:7: notifiers[0].params.retries: must be at least 0, was -1",
    ]


def test_missing_plugins_are_named_with_their_lines(load):
    text = SESSION.replace("pager", "pagr").replace("[buy_and_hold]", "[buy_and_hodl]")
    assert errors(load(text), PluginError) == [
        "4:14: strategies[0].use: no strategy is called 'buy_and_hodl'; did you mean 'buy_and_hold'?",
        "7:5: notifiers[0].use: no notifier is called 'pagr'; did you mean 'pager'?",
    ]


def test_a_value_from_the_environment_is_in_no_message_of_a_plugin(load):
    found = errors(load(token="secretx"))
    assert found == ["8:5: notifiers[0].params: token must have no x, was '${TOKEN}'"]


def test_public_parameters_have_every_default_and_no_secret(load):
    config = load()
    built = build_plugins(config)
    assert public_params(config, ("notifiers", 0), built["notifiers", 0]) == {
        "token": "${TOKEN}",
        "retries": 1,
        "limit": "0.5",
        "log": str(config.base / "pages.log"),
        "people": ["ada", "${BOSS:-bob}"],
    }


def test_public_parameters_of_an_unchanged_plugin_are_its_fields(load):
    @dataclass
    class Made:
        size: Decimal = Decimal(2)

    assert public_params(load(), ("broker",), Made()) == {"size": "2"}


def test_the_plugins_of_the_documented_session_can_be_built(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "sessions.md").read_text()
    block = re.search(r"^```yaml\n(symbols:.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "session.yaml").write_text(block[1])
    built = build_plugins(load_session(tmp_path / "session.yaml"))
    assert built["risk", 0].max_fraction == 0.2
    assert built["strategies", 1].slow == 200
