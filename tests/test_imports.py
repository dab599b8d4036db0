"""Imports point inward, and the front door stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path for root in ("engine", "plugins", "brokers", "feeds") for path in (ROOT / root).rglob("*.py")
)
OURS = {
    "hookline",
    "hookline_strategies",
    "hookline_algorithms",
    "hookline_risk",
    "hookline_reports",
    "hookline_notify",
    "hookline_executors",
} | {
    "hookline_lmex",
    "hookline_paper",
    "hookline_feeds",
}


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[1]


def imported(path: Path) -> set[str]:
    """Every module that a file imports, inside functions and for type checking too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module or "")
    return found


def test_every_source_file_is_in_a_known_package():
    assert {package_of(path) for path in SOURCES} == OURS


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_inward(path):
    package, modules = package_of(path), imported(path)
    tops = {module.split(".")[0] for module in modules}
    if package == "hookline":
        assert not tops & (OURS - {"hookline"}), "the engine never imports a plugin"
    else:
        assert not tops & (OURS - {"hookline", package}), "a plugin package imports no other"
    if package == "hookline_strategies":
        allowed = {"hookline", "numpy", package} | set(sys.stdlib_module_names)
        assert tops <= allowed, "strategies import hookline and numpy only"
    if path.parent.name == "model":
        inner = {module for module in modules if module.startswith("hookline")}
        assert all(m.startswith(("hookline.model", "hookline.errors", "hookline.clock")) for m in inner)


@pytest.mark.parametrize(
    "command",
    [
        "import hookline",
        "from hookline import cli; cli.main",
        "import hookline.plugins; hookline.plugins.names('feeds')",
    ],
)
def test_the_front_door_imports_nothing_heavy(command):
    code = f"import sys; {command}; print(sorted({{'pandas','numba','pyarrow','plotly','ccxt'}} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_only_the_clock_reads_the_system_time():
    banned = {
        "time.time",
        "time.time_ns",
        "datetime.now",
        "datetime.utcnow",
        "date.today",
        "perf_counter",
        "monotonic",
    }
    for path in SOURCES:
        if path.name == "clock.py":
            continue
        calls = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
        }
        assert not {call for call in calls if any(call.endswith(name) for name in banned)}, path


def test_the_typed_names_are_the_names_that_can_be_imported():
    import hookline

    stub = ast.parse((ROOT / "engine/hookline/__init__.pyi").read_text())
    typed = {alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    from hookline import columns

    assert (typed - {"*"}) | set(columns.__all__) == set(hookline.__all__)
    for name in hookline.__all__:
        assert getattr(hookline, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hookline.nothing


def test_the_error_tree_is_the_drawing():
    from hookline import errors

    drawn: list[tuple[str, str | None]] = []
    parents: list[str] = []
    for line in errors.__doc__.splitlines():
        name = line.lstrip("│├└─ ").split(" ")[0]
        if name.endswith("Error"):
            depth = line.index(name) // 4
            parents[depth:] = [name]
            drawn.append((name, parents[depth - 1] if depth else None))
    assert {name for name, _ in drawn} == set(errors.__all__)
    for name, parent in drawn:
        assert getattr(errors, name).__bases__[0].__name__ == (parent or "Exception")
