"""What can be said of a sweep before any of it runs: whether its addresses lead somewhere, and its values fit."""

from __future__ import annotations

from collections.abc import Iterator

from hookline import plugins
from hookline.errors import ConfigError
from hookline.params import PARAMETER_RULE, field_hints
from hookline.problems import Location, Problem, did_you_mean, read_location
from hookline.research.space import Space
from hookline.research.study import Job, Study
from hookline.research.table import Parameter

__all__ = ["check_space"]


def check_space(study: Study, space: Space) -> None:
    """Refuse parameters that the session does not have, and values that break a rule by themselves.

    Raises:
        ConfigError: with one line for each address or value.
    """
    wrong = [line for parameter in space.parameters for line in _wrong(study, parameter)]
    if wrong:
        raise ConfigError("\n".join(wrong))


def _wrong(study: Study, parameter: Parameter) -> Iterator[str]:
    location, _ = read_location(parameter.address)
    found = _plugin(study, location)
    if found is None:
        yield from _wrong_in_session(study, parameter)
        return
    where, cls = found
    name, below = location[len(where) + 1], location[len(where) + 2 :]
    names = field_hints(cls)
    if name not in names:
        hint = did_you_mean(name, names)
        yield f"{parameter.address}: {PARAMETER_RULE.format(owner=cls.__name__)}{hint}"
    elif not below:
        yield from _wrong_values(cls, str(name), parameter)


def _plugin(study: Study, location: Location) -> tuple[Location, type] | None:
    """Return the address and class of the plugin whose parameter a location is, None if it is not one's."""
    from hookline.session.building import uses

    for where, kind, use in uses(study.config()):
        if location[: len(where) + 1] == (*where, "params") and len(location) > len(where) + 1:
            return where, plugins.load(kind, use.use)
    return None


def _wrong_in_session(study: Study, parameter: Parameter) -> Iterator[str]:
    """Try the values as changes of the session file."""
    for value in parameter.values:
        try:
            study.config(Job(((parameter.address, value),)))
        except ConfigError as error:
            lines = str(error).splitlines()
            yield f"{parameter.address}: {lines[0]}"
            return


def _wrong_values(cls: type, name: str, parameter: Parameter) -> Iterator[str]:
    from hookline.validation import read_fields

    for value in parameter.values:
        problems: list[Problem] = read_fields(cls, {name: value})[1]
        for problem in problems:
            if problem.location[:1] == (name,):
                yield f"{parameter.address}: {problem.text}"
                return
