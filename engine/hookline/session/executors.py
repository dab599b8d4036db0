"""Executors: where several runs are worked off. Built in: one after the other, or in several processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeVar

from hookline.hookspecs import hookimpl
from hookline.params import Doc, Ge

__all__ = ["Executor", "ProcessExecutor", "SerialExecutor", "register_executors"]

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Executor(ABC):
    """Applies a function to items. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]

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

    def map(self, function: Callable[[Item], Outcome], items: Iterable[Item]) -> Iterator[Outcome]:
        return map(function, items)


@dataclass
class ProcessExecutor(Executor):
    """Several at a time, each in a fresh Python process."""

    name = "processes"

    workers: (
        Annotated[int, Ge(1), Doc("processes at a time; as many as there are cores by default")] | None
    ) = None

    def map(self, function: Callable[[Item], Outcome], items: Iterable[Item]) -> Iterator[Outcome]:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        # Forking a process that has threads (numba, pyarrow) may deadlock the child; a fresh one cannot.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.workers, mp_context=context) as pool:
            try:
                yield from pool.map(function, items)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


@hookimpl
def register_executors() -> list[type[Executor]]:
    return [SerialExecutor, ProcessExecutor]
