"""Distributions that exist for one test: a module, its metadata and its entry points in a folder on ``sys.path``."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution: ``install("my-strategies", "strategies", {"grid": "my_strategies.grid"}, source)``."""
    before = set(sys.modules)

    def make(distribution: str, kind: str, points: dict[str, str], source: str = "") -> None:
        folder = tmp_path / "site" / distribution
        metadata = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"{name} = {module}" for name, module in points.items()]
        (metadata / "entry_points.txt").write_text("\n".join([f"[hookline.{kind}]", *lines]) + "\n")
        if source:
            module = next(iter(points.values())).replace(".", "/")
            path = folder / f"{module}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(source))
        monkeypatch.syspath_prepend(str(folder))
        importlib.invalidate_caches()

    yield make
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
