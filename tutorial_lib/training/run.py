"""Train by a recipe's name, as the command ``train`` and the notebooks do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tutorial_lib.training.folder import CHECKPOINT, claimed
from tutorial_lib.training.loop import Loop
from tutorial_lib.training.recipes import get_recipe, make_task
from tutorial_lib.training.task import TrainingResult, TrainingStep


def train(
    recipe: str,
    out: str | Path,
    data: str | Path | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    minutes: float | None = None,
    settings: Iterable[str] = (),
    on_step: Callable[[TrainingStep], None] | None = None,
) -> TrainingResult:
    """Train a network.

    Parameters
    ----------
    recipe : str
        A name in :data:`tutorial_lib.training.recipes.RECIPES`.
    out : str or Path
        Folder for the log, the checkpoint and the weights; made if it is missing.
    data : str or Path, optional
        Folder of the datasets; ``dos-toy`` needs none.
    resume : bool
        Resume the run in ``out``.
    force : bool
        Give up the run in ``out``, if there is one.
    minutes : float, optional
        Length of the run, instead of the recipe's. The minutes before a resumption count.
    settings : iterable of str
        ``key=value`` each; see :func:`tutorial_lib.training.recipes.get_recipe`.
    on_step : callable, optional
        Called with a :class:`tutorial_lib.training.task.TrainingStep` after each step.

    Returns
    -------
    TrainingResult
        How the run ended, and where its weights are.

    Raises
    ------
    ValueError
        If the recipe or a setting is wrong, or if no gradient is finite any more.
    FileNotFoundError, FileExistsError
        If data or the run to resume is missing, or if a run would be overwritten.
    OSError
        If ``out`` cannot be written to, another process trains there, most photos cannot be read,
        or a process of the run was killed.

    Examples
    --------
    >>> result = train("dos-toy", "runs/toy", minutes=1)    # doctest: +SKIP
    """
    chosen = get_recipe(recipe, settings, minutes)
    folder = Path(out).expanduser()
    with claimed(folder, resume, force):  # before the data is opened, which may take minutes
        return Loop(make_task(chosen, data), folder, on_step).go(resume)


def train_or_resume(
    recipe: str, out: str | Path, data: str | Path | None = None, **options: Any
) -> TrainingResult:
    """Train a network, or resume the run in its folder, for tools that own this folder.

    A run that was killed before its first checkpoint begins again.

    Parameters
    ----------
    recipe, out, data
        See :func:`train`.
    **options
        Other arguments of :func:`train`.

    Returns
    -------
    TrainingResult
        As :func:`train` does.

    Raises
    ------
    KeyboardInterrupt
        If the run was interrupted.
    ValueError, OSError
        As :func:`train` does.
    """
    resume = (Path(out) / CHECKPOINT).exists()
    found = train(recipe, out, data, resume=resume, force=not resume, **options)
    if not found.finished:
        raise KeyboardInterrupt
    return found
