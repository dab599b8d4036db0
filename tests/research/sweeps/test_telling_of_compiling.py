"""What a person is told while a strategy is compiled."""

import logging

from hookline.cli.compiling import telling_of_compiling

LOG = logging.getLogger("hookline.research.compiling")


def test_what_is_compiled_is_described_and_a_long_wait_leaves_a_line():
    described, printed = [], []
    with telling_of_compiling(described.append, printed.append):
        LOG.info("one: compiling")
        LOG.info("one: compiled in 0.3 s", extra={"seconds": 0.3})
        LOG.info("two: compiled in 9.0 s", extra={"seconds": 9.0})
    LOG.info("three: compiling")
    assert described == ["one: compiling", "one: compiled in 0.3 s", "two: compiled in 9.0 s"]
    assert printed == ["two: compiled in 9.0 s"]


def test_kernels_say_that_they_are_compiled():
    from hookline.research.compiled import compiling

    assert compiling._logger.name == LOG.name
