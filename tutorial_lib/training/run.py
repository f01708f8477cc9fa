"""Train by a recipe's name: what the command ``train`` does, and what a notebook calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from tutorial_lib.training.folder import claimed
from tutorial_lib.training.latent_diversity.proposal import LatentDiversity
from tutorial_lib.training.latent_diversity.selection import Selection
from tutorial_lib.training.latent_diversity.settings import LatentDiversityRecipe, SelectionRecipe
from tutorial_lib.training.loop import Loop
from tutorial_lib.training.object_selection import ObjectSelection
from tutorial_lib.training.recipes import ObjectSelectionRecipe, SemanticRecipe, get_recipe
from tutorial_lib.training.semantic import Semantic
from tutorial_lib.training.settings import Recipe
from tutorial_lib.training.task import Result, Step, Task

#: What each kind of recipe trains.
TASKS: dict[type[Recipe], type[Task]] = {
    ObjectSelectionRecipe: ObjectSelection,
    SemanticRecipe: Semantic,
    LatentDiversityRecipe: LatentDiversity,
    SelectionRecipe: Selection,
}


def train(
    recipe: str,
    out: str | Path,
    data: str | Path | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    minutes: float | None = None,
    settings: Iterable[str] = (),
    on_step: Callable[[Step], None] | None = None,
) -> Result:
    """Train a network.

    Parameters
    ----------
    recipe : str
        One of :data:`tutorial_lib.training.recipes.RECIPES`.
    out : str or Path
        Folder for the log, the checkpoint and the weights; made if it is missing.
    data : str or Path, optional
        The folder the datasets lie in; ``dos-toy`` needs none.
    resume : bool
        Go on with the run in ``out``.
    force : bool
        Give up the run in ``out``, if there is one.
    minutes : float, optional
        The run's length, instead of the recipe's; of a resumed run, with what it had already.
    settings : iterable of str
        ``key=value`` each, see :mod:`tutorial_lib.training.recipes`.
    on_step : callable, optional
        Called with a :class:`tutorial_lib.training.task.Step` after each step.

    Returns
    -------
    Result
        How the run ended, and where its weights are.

    Raises
    ------
    ValueError
        If recipe or settings are wrong, or training does not get anywhere.
    FileNotFoundError, FileExistsError
        If data, or the run to resume, is missing; or if a run would be written over.
    OSError
        If ``out`` cannot be written to, another process trains there, most photos cannot be read,
        or a process that takes part in the run was killed.

    Examples
    --------
    >>> result = train("dos-toy", "runs/toy", minutes=1)    # doctest: +SKIP
    """
    chosen = get_recipe(recipe, settings, minutes)
    folder = Path(out).expanduser()
    with claimed(folder, resume, force):  # before the data is opened, which may take minutes
        task = TASKS[type(chosen)](chosen, data)
        return Loop(task, folder, on_step).go(resume)
