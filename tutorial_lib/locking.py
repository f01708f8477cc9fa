"""A lock on a file or folder, so that only one program writes it at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def only_one(target: Path, work: str) -> Iterator[None]:
    """Lock a target for this process while a block runs.

    The lock is on a hidden file beside the target. The system releases the lock when the process
    ends, even after a crash. So a leftover lock file blocks nobody.

    Parameters
    ----------
    target : Path
        The file or folder to lock. It need not exist yet, but its folder must. Links are followed,
        so all names of a target share one lock.
    work : str
        The work that needs the lock, for the error message, such as ``"evaluation"``.

    Raises
    ------
    BlockingIOError
        If another process, or another call in this one, holds the lock.
    OSError
        If the folder is not writable.
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
        with suppress(OSError):  # Windows cannot delete an open file, so the empty lock file stays
            path.unlink()
        lock.release()
