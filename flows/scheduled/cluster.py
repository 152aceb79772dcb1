"""A Dask cluster on which files are loaded and models of scope ``build`` made.

Workers see the artifacts and the warehouse's folder under the same paths (a shared file system). They write
Parquet files there, which nobody lists until this process commits them. Dask does the work of a worker that
died again on another; a task whose workers died each time is tried once more with nothing beside it, and then
given up, as the file or build that it is.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import dask
from distributed import CancelledError, Client
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.scheduler import KilledWorker

from tracemill.flows.folders import made
from tracemill.flows.loading.capture import failed
from tracemill.flows.loading.ingest import content_of
from tracemill.flows.scheduled.task_batches import FILES_A_TASK, LoadAgainError, chunks
from tracemill.flows.scheduled.worker import (
    Errand,
    RefusedWorkerError,
    code,
    load_part,
    make_models,
    other_code,
    read_part,
    why_unfit,
)
from tracemill.warehouse.address import address_of
from tracemill.warehouse.own_models import Made
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from distributed import Future

    from tracemill.flows.loading.capture import Job, Outcome
    from tracemill.flows.loading.discover import Input
    from tracemill.flows.loading.ingest import Content
    from tracemill.flows.progress import Progress
    from tracemill.warehouse.own_models import Elsewhere, Share

SECONDS_TO_ANSWER = 5
# A cluster that adapts starts workers when there is work; a dead one comes back in seconds.
SECONDS_WITHOUT_WORKERS = 30
SECONDS_TO_HAND_OVER = 60
RETRIES = 2
# Each worker's thread gets several parts of a long load, so that all end at about the same time.
PARTS_A_THREAD = 4
_MARKER, _MARKER_SECONDS = ".cluster-", 24 * 3600
_DIED = object()
_LACKS = "is refused: no tracemill there, or an earlier one"

_Item = TypeVar("_Item")


class ClusterError(TracemillError):
    """A cluster that cannot be used, in one sentence."""


class Work(NamedTuple):
    """What workers do, and the kind of client that can ask them to: functions, or Prefect's tasks."""

    client: type[Client] = Client
    load: Callable[..., Any] = load_part
    models: Callable[..., Any] = make_models
    retries: int | None = RETRIES


@contextlib.contextmanager
def cluster(
    address: str, warehouse: Path, artifacts: Sequence[Path] = (), work: Work | None = None
) -> Iterator[Cluster]:
    """The cluster of the scheduler at this address, its workers found fit. Raises ClusterError."""
    work = work or Work()
    _be_quiet()
    with dask.config.set({"distributed.comm.timeouts.connect": f"{SECONDS_TO_ANSWER}s"}):
        client = _connected(address, work.client)
        try:
            with _errand(warehouse, artifacts) as errand:
                found = Cluster(address, client, errand, work)
                found.require_workers()
                yield found
        finally:
            with contextlib.suppress(OSError, TimeoutError):  # it may be gone
                client.close(timeout=SECONDS_TO_ANSWER)


def _connected(address: str, kind: type[Client]) -> Client:
    try:
        # Dask's client tries for a while, and complains when what it never had is closed.
        _require_answer(address)
        return kind(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError, OverflowError) as error:
        fact = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        fact = fact.partition("\n")[0] or type(error).__name__
        raise ClusterError(f"no Dask scheduler answers at {address}: {fact}") from error


def _require_answer(address: str) -> None:
    """Raises ValueError for what is no address, OSError where nothing listens there."""
    scheme, place = parse_address(address)
    if scheme not in {"tcp", "tls"}:
        raise ValueError("not an address such as tcp://scheduler:8786")
    socket.create_connection(parse_host_port(place), SECONDS_TO_ANSWER).close()


def _be_quiet() -> None:
    """What Dask says of workers that come and go is said in our words, where it matters."""
    known = [name for name in logging.root.manager.loggerDict if name.startswith("distributed.")]
    for name in ("distributed", "tornado", "tornado.application", *known):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextlib.contextmanager
def _errand(warehouse: Path, artifacts: Sequence[Path]) -> Iterator[Errand]:
    root = warehouse.absolute()
    if address := address_of(root):
        raise ClusterError(
            f"{address}: a cluster loads into a folder that its machines share, not into a store"
        )
    with made(root):
        for left in root.glob(f"{_MARKER}*"):  # by runs that were killed
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - _MARKER_SECONDS:
                    left.unlink()
        token = secrets.token_hex(8)
        marker = root / f"{_MARKER}{token}"
        marker.write_text(token)
        try:
            yield Errand(code(), marker, token, tuple(p.absolute() for p in artifacts if p.exists()))
        finally:
            marker.unlink(missing_ok=True)


class Cluster:
    """Workers found fit for one run over one warehouse."""

    def __init__(self, address: str, client: Client, errand: Errand, work: Work) -> None:
        self._address, self._client, self._errand, self._work = address, client, errand, work

    def require_workers(self) -> None:
        """Raises ClusterError where there are no workers, or one that would do other work.

        The scheduler reads what it hands on, and needs Tracemill too.
        """
        try:
            its_code = self._client.run_on_scheduler(code)
        except Exception as error:
            raise ClusterError(f"the Dask scheduler at {self._address} {_LACKS} ({error})") from error
        if why := other_code(its_code, self._errand.code):
            raise ClusterError(f"the Dask scheduler at {self._address} is refused: {why}")
        with contextlib.suppress(TimeoutError):  # those that are there are counted below
            self._client.wait_for_workers(1, timeout=SECONDS_WITHOUT_WORKERS)
        answers = self._client.run(why_unfit, self._errand, on_error="return")
        if not answers:
            raise ClusterError(f"the Dask scheduler at {self._address} has no workers")
        for worker, answer in answers.items():
            if isinstance(answer, ImportError | AttributeError):
                raise ClusterError(f"{worker} {_LACKS} ({answer})")
            if isinstance(answer, BaseException):
                raise ClusterError(f"{worker} is refused: {type(answer).__name__}: {answer}")
            if answer:
                raise ClusterError(f"{worker} is refused: {answer}")

    def read(self, inputs: list[Input]) -> Iterator[Content]:
        """A flows.loading.ingest.Reader."""
        items = [replace(item, file=item.file.absolute()) for item in inputs]
        count = self._files_a_task(len(items))
        parts = [items[start : start + count] for start in range(0, len(items), count)]
        found: dict[int, list[Content]] = {}
        for number, contents in self._tried(read_part, parts):
            if contents is _DIED:
                found[number] = [content_of(item) for item in parts[number]]
            elif isinstance(contents, BaseException):
                raise contents
            else:
                found[number] = contents
        for number in range(len(parts)):
            yield from found[number]

    def _files_a_task(self, count: int) -> int:
        """Of so many files, how many a task takes."""
        threads = sum(self._client.nthreads().values())
        return max(1, min(FILES_A_TASK, count // (threads * PARTS_A_THREAD or 1)))

    def load(self, jobs: list[Job], _processes: int) -> Iterator[Outcome]:
        """A flows.loading.ingest.Loader."""
        parts = list(chunks([_by_whole_paths(job) for job in jobs], self._files_a_task(len(jobs))))
        for number, found in self._tried(self._work.load, parts):
            if found is not _DIED:
                yield from _outcomes(found)
                continue
            for job in parts[number]:
                [(_, alone)] = self._spread(self._work.load, [[job]])
                yield from [failed(job, _words("it was loaded"))] if alone is _DIED else _outcomes(alone)

    def models(self, progress: Progress) -> Elsewhere:
        """What makes the models of scope build, one task a build."""

        def make(shares: Sequence[Share]) -> Iterator[Made]:
            progress.start("building models of builds", len(shares))
            ready: dict[int, Made] = {}
            due = 0
            for number, found in self._tried(self._work.models, shares):
                build = shares[number].build_id
                made = found
                if made is _DIED:
                    [(_, made)] = self._spread(self._work.models, [shares[number]])
                if made is _DIED:
                    made = Made(build, fault=_words("its models were built"))
                if isinstance(made, BaseException):
                    raise made
                ready[number] = made
                progress.step(build)
                while due in ready:
                    yield ready.pop(due)
                    due += 1

        return make

    def _tried(self, work: Callable[..., Any], items: Sequence[_Item]) -> Iterator[tuple[int, Any]]:
        """_spread(), those last whose workers died: a worker takes along what else it was given."""
        died = []
        for number, found in self._spread(work, items):
            if found is _DIED:
                died.append(number)
            else:
                yield number, found
        for number in died:
            yield number, _DIED

    def _spread(self, work: Callable[..., Any], items: Sequence[_Item]) -> Iterator[tuple[int, Any]]:
        """(place in items, what work gave or raised, or _DIED) of each item, as they end.

        Raises ClusterError where nothing more can come, or a worker refuses.
        """
        if not items:
            return
        ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        futures = self._client.map(work, items, errand=self._errand, pure=False, retries=self._work.retries)
        places = {future.key: number for number, future in enumerate(futures)}
        for future in futures:
            future.add_done_callback(ended.put)
        waiting = {future.key: future for future in futures}
        del futures
        try:
            while waiting:
                future = self._next(ended)
                try:
                    found = self._found(future)
                except TimeoutError:  # it is done again, as its worker died with what it had
                    future.add_done_callback(ended.put)
                    continue
                del waiting[future.key]
                yield places[future.key], found
        finally:
            if waiting:
                with contextlib.suppress(OSError, TimeoutError):
                    self._client.cancel(list(waiting.values()))

    def _next(self, ended: queue.SimpleQueue[Future]) -> Future:
        """The next that ended."""
        last_seen = time.monotonic()
        while True:
            with contextlib.suppress(queue.Empty):
                return ended.get(timeout=1)
            if self._client.status != "running":
                raise ClusterError(f"the Dask scheduler at {self._address} went away")
            try:
                workers = self._client.nthreads()
            except (OSError, TimeoutError) as error:
                raise ClusterError(f"the Dask scheduler at {self._address} went away") from error
            if workers:
                last_seen = time.monotonic()
            elif time.monotonic() - last_seen > SECONDS_WITHOUT_WORKERS:
                raise ClusterError(f"no worker is left at the Dask scheduler {self._address}")

    def _found(self, future: Future) -> Any:  # noqa: ANN401 - whatever the work gives
        try:
            error = future.exception(timeout=SECONDS_TO_HAND_OVER)
            if error is None:
                return future.result(timeout=SECONDS_TO_HAND_OVER)
        except KilledWorker:
            return _DIED
        except CancelledError as lost:
            raise ClusterError(f"the Dask scheduler at {self._address} went away") from lost
        if isinstance(error, KilledWorker):
            return _DIED
        if isinstance(error, RefusedWorkerError):
            raise ClusterError(str(error)) from error
        return error


def _by_whole_paths(job: Job) -> Job:
    return replace(job, root=job.root.absolute(), input=replace(job.input, file=job.input.file.absolute()))


def _outcomes(found: Any) -> list[Outcome]:  # noqa: ANN401 - what a task gave or raised
    if isinstance(found, LoadAgainError):
        return found.outcomes
    if isinstance(found, BaseException):
        raise found
    outcomes: list[Outcome] = found
    return outcomes


def _words(when: str) -> str:
    return f"its worker died each time {when}; it may need more memory than a worker has"
