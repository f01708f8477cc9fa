"""What a run leaves on disk: a checkpoint that is never half-written, and a log that grows."""

from __future__ import annotations

import json
import math
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from tutorial_lib.training.settings import RUN_SETTINGS, Recipe
from tutorial_lib.training.task import Step

CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"


def write(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all: a power cut leaves the one before.

    Parameters
    ----------
    state : dict
        Tensors, numbers and texts, in dictionaries and lists.
    path : Path
        The file.
    """
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


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
        If it is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no run to resume in {path.parent}: leave out --resume.")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"The checkpoint {path} is damaged: delete it and train again.") from error


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
    """

    def __init__(self, folder: Path, step: int, active: bool = True) -> None:
        self.path, self.active = folder / LOG, active
        if active:
            part = self.path.with_name(f"{LOG}.part")
            kept = [line for line in read_log(folder) if line["step"] <= step]
            part.write_text("".join(f"{json.dumps(line)}\n" for line in kept), encoding="utf-8")
            part.replace(self.path)

    def add(self, step: Step, loss: float) -> None:
        """Add a line.

        Parameters
        ----------
        step : Step
            The latest step.
        loss : float
            Mean loss since the last line; NaN becomes null.
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
        }
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(f"{json.dumps(line)}\n")


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
        ``images_per_second`` and ``stage``; a line cut short by a crash is left out.
    """
    path, lines = Path(folder) / LOG, []
    if path.is_file():
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                continue
    return lines
