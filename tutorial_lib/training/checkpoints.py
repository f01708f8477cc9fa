"""Checkpoints, which are written whole or not at all, and the log of a run."""

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
from tutorial_lib.training.settings import RUN_SETTINGS, Recipe, with_current_names
from tutorial_lib.training.task import TrainingStep

#: The content of every checkpoint. Newer releases add entries, which may be missing.
_CONTENT: dict[str, type | tuple[type, ...]] = {
    "recipe": dict, "stage": int, "step": int, "minutes": (int, float), "loss": (int, float),
    "losses": list, "skipped": int, "network": dict, "optimiser": dict,
}  # fmt: skip


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all: after a power cut, the last one is still there.

    Parameters
    ----------
    state : dict
        Tensors, numbers and strings, in dictionaries and lists.
    path : Path
        The file.

    Raises
    ------
    OSError
        If it cannot be written, for example because the disk is full. The last one stays.
    """
    stream = io.BytesIO()
    torch.save(state, stream)
    with explained_write_errors(path):
        write_atomically(path, stream.getvalue())


@contextmanager
def explained_write_errors(path: Path) -> Iterator[None]:
    """Name the file that cannot be written, and the remedy.

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
        Instead of the system's error, which names a temporary file.
    """
    try:
        yield
    except OSError as error:
        raise OSError(
            f"The file {path} cannot be written ({error.strerror or error}): make room, and "
            "continue from the last checkpoint by --resume."
        ) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint, without running any code that the file may contain.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        As given to :func:`write_checkpoint`, on the CPU. Settings have their current names.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or not a checkpoint.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no run to resume in {path.parent}: leave out --resume.")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise OSError(
            f"The checkpoint {path} cannot be read ({error.strerror or error})."
        ) from error
    except Exception as error:  # pickle may raise anything for a damaged file
        raise damaged(path) from error
    if not _is_checkpoint(saved):
        raise damaged(path)
    return saved | {"recipe": with_current_names(saved["recipe"])}


def _is_checkpoint(saved: Any) -> bool:
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
    """Return the error for a checkpoint that cannot be resumed."""
    return ValueError(
        f"The checkpoint {path} is damaged: start again in another --out; the weights in this "
        "folder are not affected."
    )


def restore(saved: dict[str, Any], path: Path, network: nn.Module, optimiser: Optimizer) -> None:
    """Load weights and optimiser state from a checkpoint.

    Parameters
    ----------
    saved : dict
        What :func:`read_checkpoint` returned.
    path : Path
        Its file.
    network : nn.Module
        Gets the weights.
    optimiser : Optimizer
        Gets the optimiser state.

    Raises
    ------
    ValueError
        If they do not fit, or if a weight is not finite.
    """
    groups = [set(group) for group in optimiser.param_groups]
    try:
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        fitting = all(
            not value.ndim or value.shape == weight.shape
            for weight, state in optimiser.state.items()
            for value in state.values()
            if isinstance(value, torch.Tensor)
        )
        finite = all(bool(x.isfinite().all()) for x in network.state_dict().values())
        whole = all(a <= set(b) for a, b in zip(groups, optimiser.param_groups, strict=True))
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise damaged(path) from error
    if not (fitting and finite and whole):
        raise damaged(path)


def changed_settings(saved: dict[str, Any], recipe: Recipe) -> list[str]:
    """Return the settings that differ from a run's, though they must stay the same within a run.

    Parameters
    ----------
    saved : dict
        The run's recipe, from its checkpoint.
    recipe : Recipe
        The recipe to resume it with.

    Returns
    -------
    list of str
        Names of settings; empty if the run can be resumed.
    """
    now = recipe.to_dict()
    return [key for key in now if key not in RUN_SETTINGS and saved.get(key) != now[key]]


class TrainingLog:
    """A file of JSON lines, one for every few steps.

    A resumed run first drops the lines of steps that it repeats.

    Parameters
    ----------
    folder : Path
        The folder of ``log.jsonl``.
    step : int
        The number of steps before this run.
    active : bool
        False writes nothing: only one of several processes writes the log.
    about : dict, optional
        Further entries of the first line: the machine and the precision of this run.

    Raises
    ------
    ValueError
        If the existing log is damaged.
    OSError
        If it cannot be written.
    """

    def __init__(
        self, folder: Path, step: int, active: bool = True, about: dict[str, Any] | None = None
    ) -> None:
        self.path, self.active, self._about = folder / LOG, active, about or {}
        if active:
            kept = [line for line in read_training_log(folder) if line["step"] <= step]
            text = "".join(f"{json.dumps(line)}\n" for line in kept)
            with explained_write_errors(self.path):
                write_atomically(self.path, text.encode())

    def add(self, step: TrainingStep, loss: float, unreadable: int = 0) -> None:
        """Add a line.

        Parameters
        ----------
        step : TrainingStep
            The latest step.
        loss : float
            Mean loss since the last line; NaN becomes null.
        unreadable : int
            Number of files so far that could not be read and were skipped.
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
        with explained_write_errors(self.path), self.path.open("a", encoding="utf-8") as stream:
            stream.write(f"{json.dumps(line)}\n")
            stream.flush()
            os.fsync(stream.fileno())


def read_training_log(folder: str | Path) -> list[dict[str, Any]]:
    """Read the log of a run, for example for a loss curve.

    Parameters
    ----------
    folder : str or Path
        The run's folder.

    Returns
    -------
    list of dict
        ``step``, ``loss`` (None if no step was finite), ``lr``, ``minutes``,
        ``images_per_second``, ``stage`` and ``unreadable`` (number of skipped files). The first
        line of a run, and of each resumption, also has ``precision``, ``device``, ``devices`` and
        ``machine``. A last line that a crash cut short is left out.

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
            "folder, and continue without it."
        )
    rest = _log_line(last)
    return [*lines, rest] if rest else lines


_NUMBERS = ("loss", "lr", "minutes", "images_per_second", "stage", "unreadable")


def _log_line(text: bytes) -> dict[str, Any] | None:
    """Return a line of a log, or None if the text is no such line."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):  # ValueError also if the text is not UTF-8
        return None
    if not isinstance(line, dict) or type(line.get("step")) is not int:
        return None
    numbers = (line.get(key) for key in _NUMBERS)
    fine = all(x is None or type(x) in (int, float) for x in numbers)
    return line if fine else None
