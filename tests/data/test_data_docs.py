"""What the page on data promises."""

import re
from pathlib import Path

import pytest
import yaml

from hookline.cli import main
from hookline.data.check import FindingKind
from hookline.plugins import names, read

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_run_in_their_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec("\n".join(blocks("python")), {})
    assert capsys.readouterr().out == "33 0.01 []\n"
    commands = [
        line.removeprefix("$ hookline ") for block in blocks("console") for line in block.splitlines()
    ]
    assert len(commands) == 4
    for command in commands:
        with pytest.raises(SystemExit) as caught:
            main(command.split())
        assert caught.value.code == 0, command
    assert (tmp_path / "catalog" / "BTCUSDT" / "4h.parquet").exists()


def test_every_feed_example_names_parameters_that_exist(tmp_path):
    for block in blocks("yaml"):
        use = yaml.safe_load(block)["feed"]
        feed, problems = read("feeds", use["use"], use["params"], tmp_path)
        assert (feed is not None, problems) == (True, [])


def test_every_bundled_feed_and_every_kind_of_problem_is_on_the_page():
    bundled = {info.name for info in names("feeds") if info.module.startswith("hookline_feeds")}
    assert bundled == set(re.findall(r"^\| `(\w+)` \| [a-z ]+", PAGE.split("## Synthetic")[0], re.MULTILINE))
    assert set(FindingKind.__args__) == set(
        re.findall(r"`(\w+)`", PAGE.split("| kind of problem")[1].split("\n\n")[0])
    )
