"""Run jobs in other processes or on a cluster, so that a dead process costs one job.

A process may die at any job: for want of memory, by a fault in compiled code, by ``os._exit``. All
jobs that were running are then tried again one by one. So only the job that kills is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pickle import PicklingError

from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from tutorial_lib.evaluation.jobs import Answered, Failed, Job

Work = Callable[[Job], Answered | Failed]


def run_one_by_one(jobs: Sequence[Job], work: Work) -> Iterator[Answered | Failed]:
    """Run one job after another in another process. If it dies, the next job gets a new one.

    Parameters
    ----------
    jobs : sequence of Job
        What to do.
    work : callable
        Does a job and returns its record.

    Yields
    ------
    Answered or Failed
        Records, in order.

    Raises
    ------
    ValueError
        If jobs or records cannot be sent to another process and back.
    """
    pool = None
    try:
        for job in jobs:
            pool = pool or ProcessPoolExecutor(max_workers=1)
            try:
                with _explain_pickling():
                    record = pool.submit(work, job).result()
            except TerminatedWorkerError:
                pool = None
                record = job.process_died()
            yield record
    finally:
        if pool is not None:
            pool.shutdown(kill_workers=True)


def run_in_parallel(
    jobs: Sequence[Job], work: Work, workers: int | None
) -> Iterator[Answered | Failed]:
    """Run jobs in several processes, or wherever ``joblib.parallel_config`` says.

    Parameters
    ----------
    jobs : sequence of Job
        What to do.
    work : callable
        Does a job and returns its record.
    workers : int, optional
        As joblib's ``n_jobs``.

    Yields
    ------
    Answered or Failed
        Records, in the order in which the jobs finish.

    Raises
    ------
    ValueError
        If jobs or records cannot be sent to another process and back.
    """
    waiting = dict(enumerate(jobs))
    in_flight = 2 * effective_n_jobs(workers)
    while waiting:
        parallel = Parallel(
            workers, return_as="generator_unordered", batch_size=1, pre_dispatch=in_flight
        )
        tasks = [delayed(_numbered)(work, number, job) for number, job in waiting.items()]
        try:
            with _explain_pickling():
                for number, record in parallel(tasks):
                    del waiting[number]
                    yield record
        except Exception as error:
            if not _was_killed(error):
                raise
            suspects = list(waiting)[:in_flight]
            yield from run_one_by_one([waiting.pop(number) for number in suspects], work)


def _numbered(work: Work, number: int, job: Job) -> tuple[int, Answered | Failed]:
    return number, work(job)


def _was_killed(error: Exception) -> bool:
    """Whether a worker died: joblib's own, or one of Dask, which is not always installed."""
    return isinstance(error, TerminatedWorkerError) or type(error).__name__ == "KilledWorker"


@contextmanager
def _explain_pickling() -> Iterator[None]:
    """Explain in one sentence that something cannot be sent to another process."""
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
