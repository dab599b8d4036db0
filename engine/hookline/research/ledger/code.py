"""A strategy's code as a digest: another idea under the same name is another strategy."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import lru_cache
from hashlib import blake2b

__all__ = ["code_digest"]


@lru_cache(maxsize=256)
def code_digest(plugin: type) -> str:
    """Return a digest of the code of a class and of those it inherits from outside hookline.

    Comments, docstrings and layout do not count. Where there is no source, the compiled code counts.
    """
    bases = [
        one for one in plugin.__mro__ if one is not object and not one.__module__.startswith("hookline.")
    ]
    return blake2b("\n".join(map(_text, bases)).encode(), digest_size=8).hexdigest()


def _text(plugin: type) -> str:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(plugin)))
    except (OSError, TypeError, SyntaxError):
        return _compiled(plugin)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _compiled(plugin: type) -> str:
    parts = []
    for name, member in sorted(vars(plugin).items()):
        code = getattr(getattr(member, "__func__", member), "__code__", None)
        if code is not None:
            parts.append(
                f"{name} {code.co_code.hex()} {code.co_names} {[one for one in code.co_consts if not hasattr(one, 'co_code')]}"
            )
    return "\n".join([plugin.__qualname__, *parts])
