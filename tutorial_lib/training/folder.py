"""The folder of a run: one run at a time, and nothing in it is lost unless somebody says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tutorial_lib.locking import only_one
from tutorial_lib.targets import check_target
from tutorial_lib.training.setup import launched_first

CHECKPOINT, LOG, WEIGHTS_FILE = "checkpoint.pt", "log.jsonl", "weights.safetensors"


@contextmanager
def claimed(out: Path, resume: bool = False, force: bool = False) -> Iterator[None]:
    """Keep a folder for one run, and refuse to lose the run that is in it.

    Of several processes that share a run only the first claims its folder.

    Parameters
    ----------
    out : Path
        The folder; made if it is missing, and removed again if nothing was put into it.
    resume : bool
        The run in it is gone on with.
    force : bool
        The run in it may be given up.

    Yields
    ------
    None
        While the folder is claimed.

    Raises
    ------
    FileExistsError
        If there is a run in the folder that is neither resumed nor given up.
    BlockingIOError
        If another run is going on there.
    OSError
        If there cannot be such a folder, or one of a run's files cannot be written.
    ValueError
        If the run is to be both resumed and given up.
    """
    if resume and force:
        raise ValueError("--resume goes on with a run and --force gives it up: choose one.")
    if not launched_first():
        yield
        return
    for name in (CHECKPOINT, LOG, WEIGHTS_FILE):
        check_target(out / name)
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        with only_one(out, "training"):
            if not resume and not force:
                _refuse_to_lose(out)
            yield
    finally:
        if made:
            with suppress(OSError):  # there is something in it
                out.rmdir()


def begin_anew(out: Path) -> None:
    """Remove what a run that was given up could be resumed from.

    Its weights stay until there are new ones: the new run may have started from them.

    Parameters
    ----------
    out : Path
        Its folder, claimed with ``force``.
    """
    for name in (CHECKPOINT, LOG):
        (out / name).unlink(missing_ok=True)


def _refuse_to_lose(out: Path) -> None:
    found = [
        name
        for name in (CHECKPOINT, WEIGHTS_FILE, LOG)
        if (out / name).exists() and (out / name).stat().st_size
    ]
    if found:
        resume = "go on with it by --resume, " if CHECKPOINT in found else ""
        raise FileExistsError(
            f"There is a run in {out} already ({', '.join(found)}): {resume}name another --out, or "
            "give it up by --force."
        )
