"""Where trials run: in this process, in processes beside it, or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

from edgeq.errors import EdgeqError, ToolMissingError, UsageError
from edgeq.tune import child
from edgeq.tune.setup import Setup
from edgeq.tune.worker import Task

Result = TypeVar("Result")
Work = Callable[[Setup, Task], Result]
"""What workers can do."""

CONNECT_SECONDS = 20
"""So long a cluster may take to answer."""


class Executor(Protocol):
    """Runs tasks, several at a time."""

    @property
    def workers(self) -> int:
        """How many tasks run at once."""
        ...

    def submit(self, work: Work[Result], task: Task) -> Future[Result]:
        """A future; its callbacks may run in another thread."""
        ...


@contextmanager
def open_executor(setup: Setup, cluster: str | None, jobs: int) -> Iterator[Executor]:
    """An executor for the trials of a setup.

    Args:
        cluster: Address of a Dask scheduler; None for processes of this machine.
        jobs: Number of these processes.

    Raises:
        EdgeqError: The cluster cannot be reached.
        ToolMissingError: Dask is not installed.
    """
    if cluster is not None:
        with _dask(setup, cluster) as executor:
            yield executor
    elif jobs > 1:
        with _processes(setup, jobs) as executor:
            yield executor
    else:
        yield Inline(setup)


class Inline:
    """Runs each task at once, in this process."""

    workers = 1

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def submit(self, work: Work[Result], task: Task) -> Future[Result]:
        future: Future[Result] = Future()
        future.set_result(work(self._setup, task))
        return future


@contextmanager
def _processes(setup: Setup, jobs: int) -> Iterator[Executor]:
    """Processes by joblib's pool; the setup goes to them once, through a file that they map into memory."""
    import joblib
    from joblib.externals.loky import ProcessPoolExecutor

    with TemporaryDirectory(prefix="edgeq-tune-") as folder:
        path = Path(folder, "setup.joblib")
        joblib.dump(setup, path)
        first = {"initializer": child.begin, "initargs": (os.getpid(),)}
        pool = ProcessPoolExecutor(jobs, env={"OMP_NUM_THREADS": "1"}, **first)
        try:
            yield Processes(pool, path, jobs)
        finally:
            pool.shutdown(kill_workers=True)


class Processes:
    """A pool of processes."""

    def __init__(self, pool: Any, path: Path, workers: int) -> None:
        self._pool, self._path, self.workers = pool, path, workers

    def submit(self, work: Work[Result], task: Task) -> Future[Result]:
        return self._pool.submit(_run_from_file, work, self._path, task)


def _run_from_file(work: Work[Result], path: Path, task: Task) -> Result:
    import joblib

    return work(joblib.load(path, mmap_mode="r"), task)


@contextmanager
def _dask(setup: Setup, address: str) -> Iterator[Executor]:
    """A Dask cluster; the scheduler gives the task of a worker that died to another one."""
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ToolMissingError("--cluster needs Dask", fix="pip install 'edgeq[cluster]'") from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EdgeqError(f"the cluster {address} does not answer: {error}", fix="start it: dask scheduler") from error
    with client:
        if not client.nthreads():
            raise UsageError(f"the cluster {address} has no workers", fix=f"start some: dask worker {address}")
        # The result of a task can be made again where the workers that hold it die; what is scattered cannot.
        yield Cluster(client, client.submit(_itself, setup))


def _itself(setup: Setup) -> Setup:
    return setup


class Cluster:
    """A client of Dask."""

    def __init__(self, client: Any, setup: Any) -> None:
        self._client, self._setup = client, setup

    @property
    def workers(self) -> int:
        return max(sum(self._client.nthreads().values()), 1)

    def submit(self, work: Work[Result], task: Task) -> Future[Result]:
        return self._client.submit(work, self._setup, task, pure=False)


def processors() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))
