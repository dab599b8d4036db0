import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hookline.errors import ConfigError
from hookline.scaffold import render

ROOT = Path(__file__).parents[2]
FILES = [
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "session.yaml",
    "src/my_idea/__init__.py",
    "src/my_idea/py.typed",
    "src/my_idea/strategy.py",
    "tests/test_my_idea.py",
]


def files_of(folder):
    made = {".ruff_cache", ".pytest_cache", "__pycache__", "runs", "dist"}
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not made & set(path.relative_to(folder).parts)
    }


def test_a_package_is_written_and_the_next_steps_are_named(hookline, tmp_path):
    ran = hookline("new", "strategy", "my_idea")
    assert ran.code == 0, ran.err
    assert sorted(files_of(tmp_path / "my_idea")) == FILES
    assert ran.out.endswith("next:\n  cd my_idea\n  pip install --editable .\n  hookline run session.yaml\n")


def test_it_can_be_written_elsewhere_and_dashes_become_underscores(hookline, tmp_path):
    assert hookline("new", "strategy", "my-idea", "--directory", tmp_path / "a" / "b").code == 0
    assert sorted(files_of(tmp_path / "a/b/my_idea")) == FILES


def test_the_entry_point_leads_to_the_class(hookline, tmp_path):
    hookline("new", "strategy", "my-idea")
    project = tomllib.loads((tmp_path / "my_idea/pyproject.toml").read_text())["project"]
    assert project["name"] == "my-idea"
    assert project["entry-points"]["hookline.strategies"] == {"my_idea": "my_idea.strategy"}
    source = (tmp_path / "my_idea/src/my_idea/strategy.py").read_text()
    assert "class MyIdea(SignalStrategy):" in source
    assert 'name = "my_idea"' in source
    compile(source, "strategy.py", "exec")


def test_nothing_that_exists_is_overwritten(hookline, tmp_path):
    (tmp_path / "my_idea").mkdir()
    (tmp_path / "my_idea" / "precious").write_text("")
    ran = hookline("new", "strategy", "my_idea")
    assert ran == (2, "", "error: my_idea: must not exist yet, or be empty; nothing was written\n")
    assert sorted(files_of(tmp_path / "my_idea")) == ["precious"]


def test_an_empty_folder_is_used(hookline, tmp_path):
    (tmp_path / "my_idea").mkdir()
    assert hookline("new", "strategy", "my_idea").code == 0


WRONG = {
    "My Idea": "a package's name must be lower-case words joined by _ or -, such as my_idea, was 'My Idea'",
    "1st": "a package's name must be lower-case words joined by _ or -, such as my_idea, was '1st'",
    "../up": "a package's name must be lower-case words joined by _ or -, such as my_idea, was '../up'",
    "_a": "a package's name must be lower-case words joined by _ or -, such as my_idea, was '_a'",
    "class": "a package cannot be called 'class': that name is taken by Python or hookline",
    "random": "a package cannot be called 'random': that name is taken by Python or hookline",
    "hookline_x": "a package cannot be called 'hookline_x': that name is taken by Python or hookline",
    "numpy": "a package called 'numpy' is already installed; choose another name",
    "ema_cross": "a strategy called 'ema_cross' is already brought by hookline",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_cannot_be_used_is_explained(hookline, tmp_path, name):
    assert hookline("new", "strategy", name) == (2, "", f"error: {WRONG[name]}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_kind_without_a_template_is_explained(hookline):
    assert hookline("new", "feed", "x").err == "error: there is a template for strategy, was 'feed'\n"


def test_a_folder_that_cannot_be_written_is_one_line(hookline, tmp_path):
    (tmp_path / "file").write_text("")
    ran = hookline("new", "strategy", "my_idea", "--directory", "file")
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert "cannot be written: " in ran.err


def test_no_placeholder_is_left(tmp_path):
    for path, text in render("strategy", "my_idea").items():
        assert "{{" not in path + text
        assert "__module__" not in path


def test_an_unknown_template_is_refused():
    with pytest.raises(ConfigError, match="there is a template for strategy"):
        render("broker", "x")


def test_the_example_is_what_the_template_writes():
    assert files_of(ROOT / "examples/my_strategy") == render("strategy", "my_strategy")


def run(*arguments, cwd):
    ran = subprocess.run(
        [str(word) for word in arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_the_example_builds_installs_and_runs_in_a_fresh_environment(tmp_path):
    wheels = tmp_path / "wheels"
    flags = ("--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check")
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        *flags,
        "--wheel-dir",
        wheels,
        ROOT / "examples/my_strategy",
        cwd=tmp_path,
    )
    [wheel] = wheels.glob("my_strategy-*.whl")

    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "fresh", cwd=tmp_path)
    python = tmp_path / "fresh/bin/python"
    site = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    )
    # The fresh environment has its own packages; those of this one (hookline and what it needs) are seen behind them.
    lines = [f"import site; site.addsitedir({path!r})" for path in sys.path if path.endswith("site-packages")]
    (site / "behind.pth").write_text("\n".join(lines) + "\n")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--quiet",
        wheel,
        cwd=tmp_path,
    )

    hookline = (python, "-c", "from hookline.cli import main; main()")
    assert "my-strategy" in run(*hookline, "list", "strategies", cwd=tmp_path)
    assert "trend" in run(*hookline, "show", "strategy", "my_strategy", cwd=tmp_path)
    session = ROOT / "examples/my_strategy/session.yaml"
    assert run(*hookline, "check", session, cwd=tmp_path).endswith("good to run\n")
    last = run(*hookline, "run", session, cwd=tmp_path).splitlines()[-1]
    assert (tmp_path / last).is_file()
    assert last == "runs/session/report.html"
    tests = ROOT / "examples/my_strategy/tests"
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tests}", tests, cwd=tmp_path)
