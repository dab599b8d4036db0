"""The overfit passport: what was tested of a session, what came of it, and what that means.

Rules of this file:

- A test is passed, failed, noted (it says something, and decides nothing), unknown (it could not be made) or not needed.
- The verdict is ``pass`` only if no test failed and none is unknown: what nobody could test is not fine.
- A passport belongs to strategies with their code, parameters, symbols and timeframe. With any other it is worth nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from hookline.errors import DataError
from hookline.reporting.plain import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Check", "Passport", "Section", "State", "Verdict", "read_passport", "verdict_of"]

State = Literal["pass", "fail", "note", "unknown", "skip"]
Verdict = Literal["pass", "fail", "incomplete"]
FORMAT = 1


@dataclass(frozen=True)
class Check:
    """One test.

    Args:
        name: Of the test, such as ``out_of_sample``.
        title: As people call it.
        state: What came of it.
        found: The figure, in a few words.
        needed: What it had to be.
        meaning: What that says of the strategy, in plain words.
    """

    name: str
    title: str
    state: State
    found: str
    needed: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Section:
    """Tests that belong together, and the figures behind them as JSON can hold them."""

    name: str
    checks: tuple[Check, ...]
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Passport:
    """What a validation found.

    Args:
        name: Of the session.
        created: When, nanoseconds UTC.
        digest: Of what it belongs to; see :mod:`hookline.research.passport.policy`.
        session: Strategies, parameters, symbols, timeframe and period, as JSON can hold them.
        rules: What had to hold.
        sections: In the order in which they are shown.
        notices: What a reader should know.
    """

    name: str
    created: int
    digest: str
    session: Mapping[str, Any]
    rules: Mapping[str, Any]
    sections: tuple[Section, ...]
    notices: tuple[str, ...] = ()

    @property
    def checks(self) -> list[Check]:
        """All tests."""
        return [check for section in self.sections for check in section.checks]

    @property
    def verdict(self) -> Verdict:
        """What all tests together say."""
        return verdict_of(self.checks)

    def section(self, name: str) -> Mapping[str, Any]:
        """Return the figures of a section, empty where it has none."""
        return next((one.data for one in self.sections if one.name == name), {})

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        data: dict[str, Any] = plain(
            {"format": FORMAT, "verdict": self.verdict, **asdict(replace(self, sections=()))}
        )
        data["sections"] = [plain(asdict(one)) for one in self.sections]
        return data

    def write(self, folder: Path | str) -> list[Path]:
        """Write ``passport.json`` and ``passport.html`` and return where they are.

        Raises:
            OSError: if the folder cannot be written to.
        """
        from hookline.research.passport.page import page

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / "passport.html", folder / "passport.json"]
        text = json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n"
        for path, content in zip(paths, (page(self), text), strict=True):
            fresh = path.with_name(f".{path.name}.new")  # a live session may read the one that is there
            fresh.write_text(content, encoding="utf-8")
            fresh.replace(path)
        return paths

    def summary(self) -> RenderableType:
        """Return it for a terminal (print it with rich)."""
        from hookline.research.passport.text import render

        return render(self)

    def __str__(self) -> str:
        from hookline.research.passport.text import text

        return text(self)

    def _repr_html_(self) -> str:
        from hookline.research.passport.page import embedded

        return embedded(self)


def verdict_of(checks: list[Check]) -> Verdict:
    """Return what tests together say: one that failed outweighs one that could not be made."""
    states = {check.state for check in checks}
    return "fail" if "fail" in states else "incomplete" if "unknown" in states or not states else "pass"


def read_passport(path: Path) -> Passport:
    """Return the passport of a file.

    Raises:
        DataError: if there is none, or it is none of ours.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        sections = tuple(
            Section(one["name"], tuple(Check(**check) for check in one["checks"]), one["data"])
            for one in data["sections"]
        )
        made = Passport(
            data["name"],
            data["created"],
            data["digest"],
            data["session"],
            data["rules"],
            sections,
            tuple(data["notices"]),
        )
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path}: must be a passport that hookline validate has written, is not") from error
    unknown = {check.state for check in made.checks} - set(get_args(State))
    if data.get("format") != FORMAT or unknown or made.verdict != data.get("verdict"):
        raise DataError(
            f"{path}: must be as hookline validate has written it, was changed or is of another version"
        )
    return made
