"""What a run leaves on disk: a checkpoint that is never half-written, and a log that grows."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from tutorial_lib.paths import write_atomically
from tutorial_lib.training.folder import LOG
from tutorial_lib.training.settings import RUN_SETTINGS, Recipe
from tutorial_lib.training.task import Step

#: What every checkpoint holds. Those of newer releases hold more, which may be missing.
_CONTENT: dict[str, type | tuple[type, ...]] = {
    "recipe": dict, "stage": int, "step": int, "minutes": (int, float), "loss": (int, float),
    "losses": list, "skipped": int, "network": dict, "optimiser": dict,
}  # fmt: skip


def write(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all: a power cut leaves the one before.

    Parameters
    ----------
    state : dict
        Tensors, numbers and texts, in dictionaries and lists.
    path : Path
        The file.

    Raises
    ------
    OSError
        If it cannot be written, for a full disk for one; the one before stays.
    """
    stream = io.BytesIO()
    torch.save(state, stream)
    with written(path):
        write_atomically(path, stream.getvalue())


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Name the file that cannot be written, and say what to do.

    Parameters
    ----------
    path : Path
        A file of a run.

    Yields
    ------
    None
        While it is being written.

    Raises
    ------
    OSError
        In place of the system's, whose text names a file that the user does not know.
    """
    try:
        yield
    except OSError as error:
        raise OSError(
            f"The file {path} cannot be written ({error.strerror or error}): make room, and go on "
            "with the last checkpoint by --resume."
        ) from error


def read(path: Path) -> dict[str, Any]:
    """Read a checkpoint, without running code that a file might carry.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        What :func:`write` was given, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged, or no checkpoint.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no run to resume in {path.parent}: leave out --resume.")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise OSError(
            f"The checkpoint {path} cannot be read ({error.strerror or error})."
        ) from error
    except Exception as error:  # a damaged file may raise anything on its way through pickle
        raise damaged(path) from error
    if not _sensible(saved):
        raise damaged(path)
    return saved


def _sensible(saved: Any) -> bool:
    if not isinstance(saved, dict) or not all(
        isinstance(saved.get(key), kind) for key, kind in _CONTENT.items()
    ):
        return False
    numbers = saved["step"], saved["minutes"], saved["skipped"]
    if not all(0 <= number < math.inf for number in numbers):
        return False
    skips = saved.get("unreadable", {"reasons": [], "draws": 0, "failed": 0})
    return all(isinstance(loss, float) for loss in saved["losses"]) and (
        isinstance(skips, dict)
        and isinstance(skips.get("reasons"), list)
        and all(isinstance(reason, str) for reason in skips["reasons"])
        and all(isinstance(skips.get(key), int) for key in ("draws", "failed"))
    )


def damaged(path: Path) -> ValueError:
    """Return the error of a checkpoint that cannot be resumed."""
    return ValueError(
        f"The checkpoint {path} is damaged: train anew in another --out; weights in this folder "
        "stay as they are."
    )


def restore(saved: dict[str, Any], path: Path, network: nn.Module, optimiser: Optimizer) -> None:
    """Put a checkpoint's weights and the optimiser's memory in their place.

    Parameters
    ----------
    saved : dict
        What :func:`read` returned.
    path : Path
        Where it was read from.
    network : nn.Module
        Gets the weights.
    optimiser : Optimizer
        Gets the memory.

    Raises
    ------
    ValueError
        If they do not fit, or a weight is not finite.
    """
    groups = [set(group) for group in optimiser.param_groups]
    try:
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        fitting = all(
            not value.ndim or value.shape == weight.shape
            for weight, memory in optimiser.state.items()
            for value in memory.values()
            if isinstance(value, torch.Tensor)
        )
        finite = all(bool(x.isfinite().all()) for x in network.state_dict().values())
        whole = all(a <= set(b) for a, b in zip(groups, optimiser.param_groups, strict=True))
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise damaged(path) from error
    if not (fitting and finite and whole):
        raise damaged(path)


def differing(saved: dict[str, Any], recipe: Recipe) -> list[str]:
    """Name the settings in which a run differs from a recipe, and that must not change within it.

    Parameters
    ----------
    saved : dict
        The recipe of the run, from its checkpoint.
    recipe : Recipe
        The recipe it is to go on with.

    Returns
    -------
    list of str
        Names of settings; empty if the run can go on.
    """
    now = recipe.to_dict()
    return [key for key in now if key not in RUN_SETTINGS and saved.get(key) != now[key]]


class Log:
    """A file of JSON lines, one for every few steps.

    Lines of steps that a resumed run trains again are dropped first.

    Parameters
    ----------
    folder : Path
        Where ``log.jsonl`` lies.
    step : int
        The step the run begins after.
    active : bool
        False writes nothing: only one of several processes keeps the log.
    about : dict, optional
        Goes into the first line that is added: on what is trained from here on.

    Raises
    ------
    ValueError
        If the log that is there is damaged.
    OSError
        If it cannot be written.
    """

    def __init__(
        self, folder: Path, step: int, active: bool = True, about: dict[str, Any] | None = None
    ) -> None:
        self.path, self.active, self._about = folder / LOG, active, about or {}
        if active:
            kept = [line for line in read_log(folder) if line["step"] <= step]
            text = "".join(f"{json.dumps(line)}\n" for line in kept)
            with written(self.path):
                write_atomically(self.path, text.encode())

    def add(self, step: Step, loss: float, unreadable: int = 0) -> None:
        """Add a line.

        Parameters
        ----------
        step : Step
            The latest step.
        loss : float
            Mean loss since the last line; NaN becomes null.
        unreadable : int
            Files so far that could not be read and were skipped.
        """
        if not self.active:
            return
        line = {
            "step": step.step,
            "loss": round(loss, 5) if math.isfinite(loss) else None,
            "lr": float(f"{step.lr:.4g}"),
            "minutes": round(step.minutes, 3),
            "images_per_second": round(step.images_per_second, 2),
            "stage": step.stage,
            "unreadable": unreadable,
            **self._about,
        }
        self._about = {}
        with written(self.path), self.path.open("a", encoding="utf-8") as stream:
            stream.write(f"{json.dumps(line)}\n")
            stream.flush()
            os.fsync(stream.fileno())


def read_log(folder: str | Path) -> list[dict[str, Any]]:
    """Read a run's log, for a curve.

    Parameters
    ----------
    folder : str or Path
        The run's folder.

    Returns
    -------
    list of dict
        ``step``, ``loss`` (None if no step was finite), ``lr``, ``minutes``,
        ``images_per_second``, ``stage`` and ``unreadable`` (files that were skipped so far). The
        first line of a run, and of each resumption, has ``precision``, ``device``, ``devices`` and
        ``machine`` as well. A last line cut short by a crash is left out.

    Raises
    ------
    ValueError
        If another line is damaged.
    """
    path = Path(folder) / LOG
    if not path.is_file():
        return []
    whole, _, last = path.read_bytes().rpartition(b"\n")
    lines = [_log_line(text) for text in whole.split(b"\n")] if whole else []
    if None in lines:
        raise ValueError(
            f"The log {path} is damaged in line {lines.index(None) + 1}: move it out of the "
            "folder, and go on without it."
        )
    rest = _log_line(last)
    return [*lines, rest] if rest else lines


_NUMBERS = ("loss", "lr", "minutes", "images_per_second", "stage", "unreadable")


def _log_line(text: bytes) -> dict[str, Any] | None:
    """Return a line of a log, or None if it is none."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):  # also what is no UTF-8
        return None
    if not isinstance(line, dict) or type(line.get("step")) is not int:
        return None
    numbers = (line.get(key) for key in _NUMBERS)
    fine = all(x is None or type(x) in (int, float) for x in numbers)
    return line if fine else None
