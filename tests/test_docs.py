"""What the documentation shows is run."""

import re
from pathlib import Path

import pytest

from hookline.session.loader import load_session

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_run_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "example"}
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page.name} block {number}", "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_session_examples_are_valid(page, tmp_path):
    for number, block in enumerate(blocks(page, "yaml")):
        if "strategies:" in block and "timeframe:" in block:
            path = tmp_path / f"example{number}.yaml"
            path.write_text(block, encoding="utf-8")
            assert load_session(path).strategies


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readme_shows_the_two_commands_first():
    first = blocks(ROOT / "README.md", "console")[0]
    assert [line.split("#")[0].split() for line in first.splitlines()] == [
        ["$", "make", "demo"],
        ["$", "make", "test"],
    ]
