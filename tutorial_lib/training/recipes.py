"""The registry of recipes: a name, its settings, and the task that they are for.

A recipe is a frozen dataclass. It can be printed, compared, stored beside the weights it made, and
changed on the command line with ``--set key=value``. Each recipe stands beside its task:
:mod:`.object_selection`, :mod:`.semantic.recipes`, :mod:`.latent_diversity.recipes`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

from tutorial_lib.options import latest
from tutorial_lib.training.latent_diversity.proposal import ProposalTask
from tutorial_lib.training.latent_diversity.recipes import PROPOSAL_RECIPES, SELECTION_RECIPES
from tutorial_lib.training.latent_diversity.selection import SelectionTask
from tutorial_lib.training.object_selection import OBJECT_SELECTION_RECIPES, ObjectSelectionTask
from tutorial_lib.training.semantic.recipes import SEMANTIC_RECIPES
from tutorial_lib.training.semantic.task import SemanticTask
from tutorial_lib.training.settings import Recipe, current_texts, settings_of
from tutorial_lib.training.task import TrainingTask

#: A class of tasks, or a function that makes one: of a recipe and the folder of the datasets.
TaskFactory: TypeAlias = Callable[[Any, str | Path | None], TrainingTask]

#: All recipes by name.
RECIPES: dict[str, Recipe] = {}
_TASKS: dict[str, TaskFactory] = {}


def register_recipe(recipe: Recipe, task: TaskFactory) -> Recipe:
    """Add a recipe, so that :func:`tutorial_lib.training.run.train` finds it by its name.

    Parameters
    ----------
    recipe : Recipe
        All settings, of a class of your own if the task needs other settings.
    task : callable
        ``task(recipe, data)`` returns a :class:`tutorial_lib.training.task.TrainingTask`, where
        ``data`` is the folder of the datasets or None. A class of tasks will do.

    Returns
    -------
    Recipe
        The same recipe.

    Raises
    ------
    ValueError
        If the name is taken by another recipe. A task of the running notebook is replaced, as when
        its cell runs again.

    Examples
    --------
    >>> quick = dataclasses.replace(RECIPES["dos-toy"], name="dos-quick", minutes=0.1)
    >>> register_recipe(quick, ObjectSelectionTask).minutes
    0.1
    >>> get_recipe("dos-quick", ["batch=2"]).batch
    2
    """
    name = recipe.name
    taken = name in RECIPES and (RECIPES[name], _TASKS[name]) != (recipe, task)
    if taken and getattr(_TASKS[name], "__module__", None) != "__main__":
        raise ValueError(f"A recipe named {name!r} is registered already: choose another name.")
    RECIPES[name], _TASKS[name] = recipe, task
    return recipe


def get_recipe(name: str, settings: Iterable[str] = (), minutes: float | None = None) -> Recipe:
    """Return a recipe, with some settings replaced.

    Parameters
    ----------
    name : str
        A name in :data:`RECIPES`.
    settings : iterable of str
        ``key=value`` each, read as the type that the recipe declares. The last text for a key
        counts. Former names of settings are understood.
    minutes : float, optional
        Length of the run, instead of the recipe's.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    ValueError
        If there is no such recipe or setting, or if a value does not fit.

    Examples
    --------
    >>> get_recipe("dos", ["lr=0.0005", "batch=4"]).lr
    0.0005
    """
    if name not in RECIPES:
        raise ValueError(f"The recipes are {', '.join(RECIPES)}; there is no {name!r}.")
    recipe = RECIPES[name]
    changes = settings_of(recipe).read(latest(current_texts(settings)))
    if minutes is not None:
        if not 0 < minutes < math.inf:
            raise ValueError(f"A run lasts more than 0 minutes, not {minutes:g}.")
        changes["minutes"] = float(minutes)
    return dataclasses.replace(recipe, **changes)


def make_task(recipe: Recipe, data: str | Path | None = None) -> TrainingTask:
    """Open the data of a recipe, and return its task.

    Parameters
    ----------
    recipe : Recipe
        What :func:`get_recipe` returned.
    data : str or Path, optional
        Folder of the datasets. The toy world needs none.

    Returns
    -------
    TrainingTask
        Ready for :class:`tutorial_lib.training.loop.Loop`.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError, ConnectionError
        As the task raises them, for example if data is missing.
    """
    return _TASKS[recipe.name](recipe, data)


for _recipes, _task in (
    (OBJECT_SELECTION_RECIPES, ObjectSelectionTask),
    (SEMANTIC_RECIPES, SemanticTask),
    (PROPOSAL_RECIPES, ProposalTask),
    (SELECTION_RECIPES, SelectionTask),
):
    for _recipe in _recipes:
        register_recipe(_recipe, _task)
