"""Order of computation: every node after the nodes it reads, each once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hookline.columns.column import Call, Column, Held, Node

__all__ = ["nodes_in_order", "reads", "symbol_of"]


def reads(node: Node) -> list[Node]:
    """Return the nodes whose values a node needs."""
    if isinstance(node, Held):
        return [node.column.node]
    if isinstance(node, Call):
        return [value.node for value in node.inputs if isinstance(value, Column)]
    return []


def nodes_in_order(columns: Iterable[Column], known: Collection[bytes] = ()) -> list[Node]:
    """Return the nodes that columns need, inputs first.

    Nodes whose keys are known are left out, with all that only they need.
    """
    done = set(known)
    ordered: list[Node] = []
    waiting = [(column.node, False) for column in columns][::-1]
    while waiting:
        node, is_expanded = waiting.pop()
        if node.key in done:
            continue
        if is_expanded:
            done.add(node.key)
            ordered.append(node)
        else:
            waiting.append((node, True))
            waiting += [(read, False) for read in reversed(reads(node))]
    return ordered


def symbol_of(columns: Iterable[Column], given: str = "") -> str:
    """Return the one symbol that columns name, empty if they name none.

    Raises:
        ValueError: if they name several, or another than the one whose bars are given.
    """
    named = list(dict.fromkeys(column.symbol for column in columns if column.symbol))
    if len(named) > 1 or (named and given and named[0] != given):
        expected = repr(given) if given else "one symbol"
        raise ValueError(f"columns: must be columns of {expected}, were of {', '.join(map(repr, named))}")
    return named[0] if named else ""
