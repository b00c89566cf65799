"""Where the costly stages of indexing run: in this process, or as Ray tasks on this machine or a cluster of them.

Both give the same results in the same order, so that a snapshot does not depend on where it was built.
"""

import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol, TypeVar

ENGINES = ("local", "ray")

Item = TypeVar("Item")
Result = TypeVar("Result")


class EngineError(RuntimeError):
    """The engine cannot run; the message says why and what to do."""


class Engine(Protocol):
    """Applies a function to items; the results come in the items' order."""

    def __call__(self, function: Callable[[Item], Result], items: Iterable[Item], chunk: int) -> Iterator[Result]:
        """The results, ``chunk`` items handed over at once where they leave the process."""
        ...


@contextmanager
def open_engine(name: str) -> Iterator[Engine]:
    """The engine of that name: ``local``, or ``ray``, which connects to RAY_ADDRESS or starts a Ray of its own.

    Raises:
        EngineError: Ray is not installed, cannot be reached, or lost its workers.
    """
    if name == "local":
        yield _local
        return
    try:
        import ray
    except ImportError as error:
        raise EngineError("--engine ray needs Ray: pip install 'yewen[ray]', or use --engine local") from error
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report every start to its makers
    address = os.environ.get("RAY_ADDRESS", "")
    own = {} if address else {"address": "local", "num_cpus": 2, "include_dashboard": False}
    try:
        host, _, port = address.removeprefix("ray://").rpartition(":")
        if port.isdigit():  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=5).close()
        ray.init(log_to_driver=False, logging_level="error", **own)
    except Exception as error:  # Ray raises even this very class where it could not start
        what = f"Ray at {address} (RAY_ADDRESS) cannot be reached" if address else "Ray cannot be started here"
        advice = "start it, set RAY_AUTH_TOKEN if it wants a token" if address else "mend that"
        raise EngineError(f"{what} ({error}): {advice}, or use --engine local") from error
    try:
        yield _ray
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # what the function raised there, as if it had run here
    except ray.exceptions.RayError as error:
        raise EngineError(f"Ray lost its workers ({error}): run it again, or use --engine local") from error
    finally:
        ray.shutdown()


def _local(function: Callable[[Item], Result], items: Iterable[Item], chunk: int) -> Iterator[Result]:
    return map(function, items)


def _ray(function: Callable[[Item], Result], items: Iterable[Item], chunk: int) -> Iterator[Result]:
    import ray

    shared = [ray.put(function)]  # in a list, so that Ray hands over the reference and a worker loads it once
    apply = ray.remote(_apply)
    room = int(2 * ray.cluster_resources().get("CPU", 1))  # tasks under way; what waits is not yet made
    remaining = iter(items)
    tasks: deque[Any] = deque()
    while part := list(islice(remaining, chunk)):
        tasks.append(apply.remote(shared, part))
        if len(tasks) >= room:
            yield from ray.get(tasks.popleft())
    while tasks:
        yield from ray.get(tasks.popleft())


def _apply(shared: list[Any], part: list[Any]) -> list[Any]:
    function = _loaded(shared[0])
    return [function(item) for item in part]


@lru_cache(maxsize=2)  # one function for each stage
def _loaded(reference: Any) -> Callable[[Any], Any]:  # noqa: ANN401  (Ray's reference has no type here)
    import ray

    function: Callable[[Any], Any] = ray.get(reference)
    return function
