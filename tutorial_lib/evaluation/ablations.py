"""What each component of Latent Diversity is worth: the file of figures, and how to compare them.

A recipe leaves out or replaces one component; all recipes are trained with the same budget. The
same robot uses each one on the same objects, with up to four *selectors* that decide which
candidate is shown. Users would get the one that the recipe's ``shown`` names:

========== =============================================== ============================
selector   shows                                           used for a recipe
========== =============================================== ============================
``oracle`` the candidate nearest to the known mask         never: nobody knows the mask
``fixed``  always the same candidate, the best one         without g and without ranking
``first``  always candidate 0                              with M = 1 or ranked diversity
``g``      the candidate that g selects                    with g trained beside f
========== =============================================== ============================

Each table needs its own comparison. Table 3 of the paper counts a user's clicks with f and g, so
its recipes are compared by what is *shown*. But g learns from candidates, and may lose what f
gained. Recipes with the same M are therefore also compared by the oracle, which needs no g.
Recipes with different M (Figure 5, and "without diversity") must not be compared by the oracle: it
picks the best of M candidates, so a larger M helps even if the candidates are no better.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import AfterValidator, BaseModel, Field, field_validator

from tutorial_lib.evaluation.claims import mean_with_interval
from tutorial_lib.evaluation.records import (
    RECORD,
    NoC,
    NonEmpty,
    NonNegative,
    Positive,
    Series,
    Share,
    has_thresholds,
    read_record,
    write_record,
)

Selector = Literal["oracle", "fixed", "first", "g"]
SELECTOR_NAMES: tuple[str, ...] = get_args(Selector)
Minutes = Annotated[int | float, Field(ge=0)]
#: The recipes of each table or figure of the paper, in its order, with the paper's words.
TABLE_3 = {
    "without-augmented-input": "without augmented input",
    "cross-entropy": "without IoU loss (replaced by cross-entropy)",
    "l1": "without IoU loss (replaced by L1)",
    "without-diversity": "without diversity",
    "without-distance-transforms": "without distance transforms",
    "without-click-input": "without click input",
    "without-soft-constraints": "without soft constraints",
    "rdl": "latent-diversity-rdl",
    "full": "latent-diversity",
}
TABLE_4 = {"unet": "U-net", "full": "CAN"}
FIGURE_5 = {"without-diversity": 1, "m2": 2, "m3": 3, "m4": 4, "full": 6, "m8": 8}
OWN = ("without-previous-mask", "without-corrections", "without-mean-loss")


class SelectorSummary(BaseModel):
    """What a recipe reaches with one selector.

    Attributes
    ----------
    counts : dict of str to tuple of int
        Clicks to each IoU threshold, object by object.
    noc : dict of str to float
        Their means.
    miou : tuple of float
        Mean IoU after 1, 2, ... clicks.
    candidate : int or None
        The candidate that a fixed selector shows.
    """

    model_config = RECORD

    counts: Annotated[dict[str, NonEmpty[Positive]], AfterValidator(has_thresholds)]
    noc: NoC
    miou: NonEmpty[Share]
    candidate: NonNegative | None = None


class AblationRecipe(BaseModel):
    """One recipe: what it changes, how it was trained, and what it reaches.

    Attributes
    ----------
    changes : dict
        Settings that differ from the full recipe.
    heads : int
        Number of candidates, M.
    shown : str
        The selector that a user gets.
    images, images_g : int
        Training images of f and of g.
    minutes, minutes_g : float
        Training time of f and of g.
    loss : float
        The last loss of f.
    commit : str or None
        The commit of this package.
    selectors : dict of str to SelectorSummary
        A summary for each selector, ``"ways"`` in the file.
    """

    model_config = RECORD

    changes: dict[str, Any]
    heads: Positive
    shown: Selector
    images: Positive
    images_g: NonNegative
    minutes: Minutes
    minutes_g: Minutes
    loss: float
    commit: str | None
    selectors: dict[Selector, SelectorSummary] = Field(alias="ways")

    @field_validator("selectors")
    @classmethod
    def _has_oracle(cls, selectors: dict[str, SelectorSummary]) -> dict[str, SelectorSummary]:
        if "oracle" not in selectors:
            raise ValueError("no figures of the oracle")
        return selectors


class AblationBudget(BaseModel):
    """The training of every recipe: steps of f and of g, and further settings."""

    model_config = RECORD

    steps: Positive
    steps_g: NonNegative
    settings: Series[str]


class AblationProtocol(BaseModel):
    """The objects and the robot that every recipe was measured with."""

    model_config = RECORD

    dataset: str
    root_name: str
    objects: Positive
    robot: str
    seed: NonNegative
    max_clicks: Positive
    size: NonNegative


class AblationResults(BaseModel):
    """All recipes, with what they have in common.

    Attributes
    ----------
    version : int
        The version of this format, ``"schema"`` in the file.
    command : str
        What measures these figures again.
    machine : dict
        The machine, from :func:`tutorial_lib.evaluation.machine.machine`.
    precision : str
        What the networks computed in.
    budget : AblationBudget
        How long each recipe was trained.
    protocol : AblationProtocol
        What each recipe was measured on.
    recipes : dict of str to AblationRecipe
        One entry for each recipe.
    """

    model_config = RECORD

    version: Literal[1] = Field(alias="schema")
    command: str
    machine: dict[str, Any]
    precision: Literal["float32", "bfloat16"]
    budget: AblationBudget
    protocol: AblationProtocol
    recipes: dict[str, AblationRecipe]


def write_ablations(results: AblationResults, path: Path) -> None:
    """Write the figures with sorted keys: the whole file, or nothing.

    Parameters
    ----------
    results : AblationResults
        The figures.
    path : Path
        JSON file. Its folder is made if there is none.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_record(results, path)


def read_ablations(path: str | Path) -> AblationResults:
    """Read the figures.

    Parameters
    ----------
    path : str or Path
        JSON file that ``tools/measure_ablations.py`` wrote.

    Returns
    -------
    AblationResults
        What the file holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else. The message names the first wrong place.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Tables 3 and 4,
    Figure 5.
    """
    return read_record(path, AblationResults, "`make ablations` writes one")


def summary(
    recipe: AblationRecipe, selector: Selector | Literal["shown"] = "shown"
) -> SelectorSummary | None:
    """Return what a recipe reaches with one selector.

    Parameters
    ----------
    recipe : AblationRecipe
        One of the file's ``recipes``.
    selector : str
        One of :data:`SELECTOR_NAMES`, or ``"shown"`` for the one that a user gets.

    Returns
    -------
    SelectorSummary or None
        None if it was not measured. With a single candidate all selectors but g are the same.
    """
    chosen = recipe.shown if selector == "shown" else selector
    if recipe.heads == 1 and chosen != "g":
        chosen = "oracle"
    return recipe.selectors.get(chosen)


def paired_difference(
    recipe: AblationRecipe,
    full: AblationRecipe,
    threshold: int = 85,
    selector: Selector | Literal["shown"] = "shown",
) -> tuple[float, float, float] | None:
    """Return how many more clicks a recipe needs than the full one, with a confidence interval.

    Both were measured on the same objects. So the difference is taken object by object, which
    gives a narrower interval than a comparison of two means.

    Parameters
    ----------
    recipe, full : AblationRecipe
        Two of the file's ``recipes``.
    threshold : int
        The IoU to reach in per cent, 85 or 90.
    selector : str
        As for :func:`summary`.

    Returns
    -------
    mean, low, high : float
        The mean difference and the ends of its bootstrap interval (95 %). None if one of the two
        was not measured with this selector.

    Raises
    ------
    ValueError
        If the two were measured on different numbers of objects.
    """
    found = [summary(each, selector) for each in (recipe, full)]
    if None in found:
        return None
    counts = [np.array(each.counts[str(threshold)]) for each in found]
    if len(counts[0]) != len(counts[1]):
        raise ValueError(
            f"Only counts of the same objects can be compared, not {len(counts[0])} with "
            f"{len(counts[1])}."
        )
    return mean_with_interval(counts[0] - counts[1])
