"""Pieces of work done in this process, in others, or on a cluster; a dead process costs one piece.

A process may die at any piece: short of memory, by a fault in compiled code, by ``os._exit``. The
pieces in flight are then tried again one by one, so that only the one that kills is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pickle import PicklingError
from typing import TypeVar

from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def run_here(
    pieces: Sequence[Piece], work: Callable[[Piece], Result], begin: Callable[[Piece], None]
) -> Iterator[Result]:
    """Do one piece after another in this process.

    Parameters
    ----------
    pieces : sequence
        What is to be done.
    work : callable
        Does a piece and returns its result.
    begin : callable
        Is told of each piece before it is done.

    Yields
    ------
    object
        Results, in order.
    """
    for piece in pieces:
        begin(piece)
        yield work(piece)


def run_one_by_one(
    pieces: Sequence[Piece], work: Callable[[Piece], Result], lost: Callable[[Piece], Result]
) -> Iterator[Result]:
    """Do one piece after another in another process; where it dies, the next piece gets a new one.

    Parameters
    ----------
    pieces : sequence
        What is to be done; can be pickled.
    work : callable
        Does a piece and returns its result.
    lost : callable
        Returns the result of a piece whose process died.

    Yields
    ------
    object
        Results, in order.

    Raises
    ------
    ValueError
        If pieces or results cannot be sent to another process and back.
    """
    pool = None
    try:
        for piece in pieces:
            pool = pool or ProcessPoolExecutor(max_workers=1)
            try:
                with _sent():
                    result = pool.submit(work, piece).result()
            except TerminatedWorkerError:
                pool = None
                result = lost(piece)
            yield result
    finally:
        if pool is not None:
            pool.shutdown(kill_workers=True)


def run_in_parallel(
    pieces: Sequence[Piece],
    work: Callable[[Piece], Result],
    lost: Callable[[Piece], Result],
    workers: int | None,
) -> Iterator[Result]:
    """Do pieces in several processes, or wherever ``joblib.parallel_config`` says.

    Parameters
    ----------
    pieces : sequence
        What is to be done; can be pickled.
    work : callable
        Does a piece and returns its result.
    lost : callable
        Returns the result of a piece whose process died.
    workers : int, optional
        As joblib's ``n_jobs``.

    Yields
    ------
    object
        Results, in the order in which they finish.

    Raises
    ------
    ValueError
        If pieces or results cannot be sent to another process and back.
    """
    waiting = dict(enumerate(pieces))
    in_flight = 2 * effective_n_jobs(workers)
    while waiting:
        parallel = Parallel(
            workers, return_as="generator_unordered", batch_size=1, pre_dispatch=in_flight
        )
        tasks = [delayed(_numbered)(work, number, piece) for number, piece in waiting.items()]
        try:
            with _sent():
                for number, result in parallel(tasks):
                    del waiting[number]
                    yield result
        except Exception as error:
            if not _was_killed(error):
                raise
            suspects = list(waiting)[:in_flight]
            for result in run_one_by_one([waiting.pop(one) for one in suspects], work, lost):
                yield result


def _numbered(work: Callable[[Piece], Result], number: int, piece: Piece) -> tuple[int, Result]:
    return number, work(piece)


def _was_killed(error: Exception) -> bool:
    """Whether a worker died: of joblib's own, or of Dask, which is not always installed."""
    return isinstance(error, TerminatedWorkerError) or type(error).__name__ == "KilledWorker"


@contextmanager
def _sent() -> Iterator[None]:
    """Say in one sentence that something cannot travel between processes."""
    try:
        yield
    except TerminatedWorkerError:
        raise
    except (BrokenProcessPool, PicklingError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[-1].rstrip(".")
        raise ValueError(
            "A method or an object cannot be sent to another process; give no number of workers, "
            f"and all is done in this one ({reason})."
        ) from error
