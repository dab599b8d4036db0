"""Build the plugins that a session names, and say everything that is wrong with them at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from hookline import plugins
from hookline.errors import ConfigError, PluginError
from hookline.params import PluginUse
from hookline.problems import Location, Problem
from hookline.session.config import SessionConfig, jsonable

__all__ = ["build_plugins", "public_params", "uses"]


def uses(config: SessionConfig) -> Iterator[tuple[Location, str, PluginUse]]:
    """Yield the address, kind and use of every plugin that a session names, in the order in which they are built."""
    yield ("feed",), "feeds", config.feed
    yield ("broker",), "brokers", config.broker
    for name, venue in config.venues.items():
        if venue.feed is not None:
            yield ("venues", name, "feed"), "feeds", venue.feed
        yield ("venues", name, "broker"), "brokers", venue.broker or config.broker
    for number, use in enumerate(config.strategies):
        yield ("strategies", number), "strategies", PluginUse(use.use, use.params).anchored(config.base)
        if use.sizer is not None:
            yield ("strategies", number, "sizer"), "sizers", use.sizer
    for name, kind in (("risk", "risk_rules"), ("reporters", "reporters"), ("notifiers", "notifiers")):
        for number, plugin in enumerate(getattr(config, name)):
            yield (name, number), kind, plugin


def build_plugins(config: SessionConfig) -> dict[Location, Any]:
    """Return an instance of every plugin that a session names, by its address, such as ``("strategies", 0, "sizer")``.

    Raises:
        ConfigError: with one line for each parameter that breaks its rule.
        PluginError: if plugins are missing or broken, with one line for each.
    """
    built: dict[Location, Any] = {}
    wrong: list[Problem] = []
    error_type: type[ConfigError | PluginError] = PluginError
    for location, kind, use in uses(config):
        try:
            built[location], problems = plugins.read(kind, use.use, use.params, use.base)
        except PluginError as error:
            wrong.append(Problem((*location, "use"), str(error)))
            continue
        error_type = ConfigError if problems else error_type
        wrong += [dataclasses.replace(problem, location=location + problem.location) for problem in problems]
    if wrong:
        raise error_type(
            "\n".join(config.origin.report(problem) for problem in config.origin.in_order(wrong))
        )
    return built


def public_params(config: SessionConfig, location: Location, instance: Any) -> dict[str, Any]:
    """Return the parameters of a built plugin for result files, defaults included.

    Values from the environment are as they were written, so that no secret leaves the session.
    """
    params: dict[str, Any] = config.origin.as_written((*location, "params"), jsonable(instance))
    return params
