"""One program at a time on a file or folder: whoever comes second is told, and loses nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def only_one(target: Path, work: str) -> Iterator[None]:
    """Keep a target for this process while a block runs.

    The lock is a hidden file beside the target. The system gives the lock up when the process that
    holds it ends, however it ends, so a lock file that is left behind blocks nobody.

    Parameters
    ----------
    target : Path
        The file or folder to keep, which need not exist yet; its folder must. Links are followed,
        so all names of a target have one lock.
    work : str
        What is done with it, for the error, such as ``"evaluation"``.

    Raises
    ------
    BlockingIOError
        If another process, or another call in this one, keeps the target.
    OSError
        If the folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    real = Path(os.path.realpath(target))
    path = real.with_name(f".{real.name}.lock")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BlockingIOError(
            f"Another {work} is writing {target}: wait until it has ended, or choose another name."
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows deletes no open file: there the empty lock file stays
            path.unlink()
        lock.release()
