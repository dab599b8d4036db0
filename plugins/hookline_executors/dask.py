"""Runs on a cluster of dask workers.

Rules of this file:

- Results are fetched as they come, and given out in the order of the items.
- An item whose worker is lost is done again by another one. One that takes its worker along again and again is given up.
- Items are small: they name a session, and workers read its file and its data themselves, from where the session finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Annotated, Any, TypeVar

from hookline import hookimpl
from hookline.errors import ConfigError, PluginError
from hookline.params import Doc, Ge, Gt
from hookline.session.executors import Executor, cores

__all__ = ["DaskExecutor", "register_executors"]

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass
class DaskExecutor(Executor):
    """On a cluster of dask workers, which have hookline and the data within reach."""

    name = "dask"

    address: (
        Annotated[str, Doc("of the scheduler, such as tcp://host:8786; by default a cluster on this machine")]
        | None
    ) = None
    workers: (
        Annotated[
            int, Ge(1), Doc("processes of a cluster on this machine; as many as there are cores by default")
        ]
        | None
    ) = None
    retries: Annotated[int, Ge(0), Doc("times that an item is tried again which took its workers along")] = 2
    timeout_seconds: Annotated[
        float, Gt(0), Doc("how long to wait for the scheduler, and for a first worker")
    ] = 30.0

    def __post_init__(self) -> None:
        if self.address is not None and self.workers is not None:
            raise ValueError(
                "workers: must be left out with an address, whose cluster has workers of its own"
            )
        if find_spec("distributed") is None:
            raise ConfigError("dask needs the extra 'dask': pip install 'hookline[dask]'")

    @property
    def slots(self) -> int:
        """Threads of all workers."""
        if self.address is None:
            return self.workers or cores()
        with self._client() as client:
            threads: dict[str, int] = client.nthreads()
            return max(1, sum(threads.values()))

    def map(self, function: Callable[[Item], Outcome], items: Iterable[Item]) -> Iterator[Outcome]:
        """Yield the function's results in the order of the items.

        Raises:
            ConfigError: if the cluster cannot be reached, or is gone before the end.
            PluginError: if an item takes its workers along more often than it is tried again.
        """
        with self._client() as client:
            ready: dict[int, Callable[[], Outcome]] = {}
            due = 0
            for number, take in self._coming(client, client.map(function, list(items), pure=False)):
                ready[number] = take
                while due in ready:
                    yield ready.pop(due)()
                    due += 1

    def _coming(self, client: Any, futures: Sequence[Any]) -> Iterator[tuple[int, Callable[[], Any]]]:
        """Yield the number of each item as it is done, and what gives its result or raises what it raised."""
        numbers = {future.key: number for number, future in enumerate(futures)}
        tries = dict.fromkeys(numbers, self.retries)
        coming = _distributed().as_completed(futures)
        try:
            for future in coming:
                if future.status == "cancelled":
                    raise ConfigError(f"executor: the cluster at {self.address!r} is gone")
                if (
                    future.status == "lost"
                ):  # it was done, and its result is gone with its worker: it is worked out again
                    coming.add(future)
                elif _was_given_up(future) and tries[future.key]:
                    tries[future.key] -= 1
                    future.retry()
                    coming.add(future)
                elif _was_given_up(future):
                    raise PluginError(
                        f"executor dask: an item took its workers along {self.retries + 1} times; their logs may say why"
                    )
                elif future.status == "error":
                    yield numbers[future.key], future.result
                else:
                    value = future.result()
                    future.release()  # or it would be worked out again should its worker be lost
                    yield numbers[future.key], partial(_identity, value)
        finally:
            client.cancel([future for future in futures if not future.done()])

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """Connect to the cluster, or make one.

        Raises:
            ConfigError: if none answers, or it has no workers.
        """
        options: dict[str, Any]
        if self.address is None:
            options = {
                "n_workers": self.workers or cores(),
                "threads_per_worker": 1,
                "dashboard_address": None,
            }
        else:
            options = {"address": self.address, "timeout": self.timeout_seconds}
        try:
            client = _distributed().Client(**options)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"executor.params.address: a dask scheduler must answer at {self.address!r}: {error}"
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=self.timeout_seconds)
            except TimeoutError as error:
                raise ConfigError(
                    f"executor: the cluster at {self.address!r} must have a worker, none came in {self.timeout_seconds:g} s"
                ) from error
            yield client


def _distributed() -> Any:
    # Partly typed, and slow to import.
    import distributed

    return distributed


def _identity(value: Outcome) -> Outcome:
    return value


def _was_given_up(future: Any) -> bool:
    """Return whether an item was given up because its workers died."""
    return future.status == "error" and isinstance(future.exception(), _distributed().KilledWorker)


@hookimpl
def register_executors() -> list[type[Executor]]:
    return [DaskExecutor]
