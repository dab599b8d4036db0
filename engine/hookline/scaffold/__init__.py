"""Templates of plugin packages for ``hookline new``.

A template is a folder beside this file. In the names and texts of its files ``{{module}}`` and the like (in names:
``__module__``) stand for what the user chose.
"""

from __future__ import annotations

import keyword
import re
import sys
from importlib import resources
from importlib.resources.abc import Traversable

from hookline.errors import ConfigError

__all__ = ["TEMPLATES", "check_name", "render"]

TEMPLATES = ("strategy",)

_SUFFIX = ".tmpl"
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


def check_name(name: str) -> str:
    """Return the module name for a package's name.

    >>> check_name("my-idea")
    'my_idea'

    Raises:
        ConfigError: if Python or a package index could not take it as a name, or Python uses it itself.
    """
    module = name.replace("-", "_")
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"a package's name must be lower-case words joined by _ or -, such as my_idea, was {name!r}"
        )
    if keyword.iskeyword(module) or module in sys.stdlib_module_names or module.startswith("hookline"):
        raise ConfigError(f"a package cannot be called {name!r}: that name is taken by Python or hookline")
    return module


def render(template: str, name: str) -> dict[str, str]:
    """Return the files of a new package: text by path, with ``/`` between folders.

    Raises:
        ConfigError: if there is no such template or the name cannot be used.
    """
    if template not in TEMPLATES:
        raise ConfigError(f"there is a template for {', '.join(TEMPLATES)}, was {template!r}")
    module = check_name(name)
    words = {
        "module": module,
        "distribution": module.replace("_", "-"),
        "class": "".join(word.capitalize() for word in module.split("_")),
        "title": module.replace("_", " ").capitalize(),
    }
    folder = resources.files("hookline.scaffold") / template
    return {_filled(path, words): _filled(text, words) for path, text in sorted(_files(folder, ""))}


def _files(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            path = prefix + entry.name.removesuffix(_SUFFIX).replace("dot_", ".")
            found.append((path.replace("__module__", "{{module}}"), entry.read_text(encoding="utf-8")))
    return found


def _filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: words[match[1]], text)
