"""Executors: where several runs are worked off. Built in: one after the other, in threads, or in several processes."""

from __future__ import annotations

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeVar

from hookline.errors import PluginError
from hookline.hookspecs import hookimpl
from hookline.params import Doc, Ge

__all__ = ["Executor", "ProcessExecutor", "SerialExecutor", "ThreadExecutor", "cores", "register_executors"]

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Executor(ABC):
    """Applies a function to items. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]

    @property
    def slots(self) -> int:
        """How many items are worked on at a time, for those who cut work into items; the cores of this machine by default."""
        return cores()

    @abstractmethod
    def map(self, function: Callable[[Item], Outcome], items: Iterable[Item]) -> Iterator[Outcome]:
        """Yield the function's results in the order of the items.

        Function, items and results must be picklable for executors that leave this process. An exception in the function is
        raised here when its result is due.
        """


@dataclass
class SerialExecutor(Executor):
    """One after the other, in this process."""

    name = "serial"

    @property
    def slots(self) -> int:
        return 1

    def map(self, function: Callable[[Item], Outcome], items: Iterable[Item]) -> Iterator[Outcome]:
        return map(function, items)


@dataclass
class ThreadExecutor(Executor):
    """Several at a time, each in a thread of this process: for compiled runs, which do not wait for each other."""

    name = "threads"

    workers: Annotated[int, Ge(1), Doc("threads at a time; as many as there are cores by default")] | None = (
        None
    )

    @property
    def slots(self) -> int:
        return self.workers or cores()

    def map(self, function: Callable[[Item], Outcome], items: Iterable[Item]) -> Iterator[Outcome]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self.slots) as pool:
            try:
                yield from pool.map(function, items)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class ProcessExecutor(Executor):
    """Several at a time, each in a fresh Python process."""

    name = "processes"

    workers: (
        Annotated[int, Ge(1), Doc("processes at a time; as many as there are cores by default")] | None
    ) = None

    @property
    def slots(self) -> int:
        return self.workers or cores()

    def map(self, function: Callable[[Item], Outcome], items: Iterable[Item]) -> Iterator[Outcome]:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        # Forking a process that has threads (numba, pyarrow) may deadlock the child; a fresh one cannot.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.slots, context, _leave_interrupts) as pool:
            try:
                with _interrupts_later():
                    results = pool.map(function, items)  # starts the processes
                yield from results
            except BrokenProcessPool as error:
                raise PluginError(
                    "executor processes: a process was ended from outside, perhaps for lack of memory; fewer workers need less"
                ) from error
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


# Ctrl-C reaches every process of a terminal. Here it is the affair of a run, or else of the process that waits for the results.
_INTERRUPT = frozenset({signal.SIGINT})


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Hold an interrupt back, also from the processes that start meanwhile, until they can tell what to do with it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)


@hookimpl
def register_executors() -> list[type[Executor]]:
    return [SerialExecutor, ThreadExecutor, ProcessExecutor]
