"""The folder of a run: one run at a time, and no run is overwritten without ``force``."""

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
    """Reserve a folder for one run, and refuse to overwrite an earlier run.

    Of several processes of one run, only the first reserves the folder.

    Parameters
    ----------
    out : Path
        The folder; made if it is missing, and removed again if it stays empty.
    resume : bool
        The run in it is resumed.
    force : bool
        The run in it may be given up.

    Yields
    ------
    None
        While the folder is reserved.

    Raises
    ------
    FileExistsError
        If the folder holds a run that is neither resumed nor given up.
    BlockingIOError
        If another process trains there.
    OSError
        If the folder cannot be made, or if a file of the run cannot be written.
    ValueError
        If both ``resume`` and ``force`` are given.
    """
    if resume and force:
        raise ValueError("--resume continues a run and --force gives it up: choose one.")
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
                _refuse_to_overwrite(out)
            yield
    finally:
        if made:
            with suppress(OSError):  # it is not empty
                out.rmdir()


def remove_run(out: Path) -> None:
    """Remove checkpoint and log of a run that was given up.

    Its weights stay until new ones are written: the new run may start from them.

    Parameters
    ----------
    out : Path
        Its folder, reserved with ``force``.
    """
    for name in (CHECKPOINT, LOG):
        (out / name).unlink(missing_ok=True)


def _refuse_to_overwrite(out: Path) -> None:
    found = [
        name
        for name in (CHECKPOINT, WEIGHTS_FILE, LOG)
        if (out / name).exists() and (out / name).stat().st_size
    ]
    if found:
        resume = "continue it by --resume, " if CHECKPOINT in found else ""
        raise FileExistsError(
            f"There is a run in {out} already ({', '.join(found)}): {resume}choose another --out, "
            "or give it up by --force."
        )
