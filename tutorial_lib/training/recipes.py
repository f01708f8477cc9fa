"""Recipes: everything that decides how a network is trained, as one frozen dataclass each.

A recipe is data. It can be printed, compared, stored beside the weights it made, and changed on
the command line with ``--set key=value``. What every recipe has lies in
:mod:`tutorial_lib.training.settings`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass

from tutorial_lib.options import latest
from tutorial_lib.training.latent_diversity.recipes import diversity_recipes
from tutorial_lib.training.settings import TOYS, Clicked, Recipe, choice, number, settings_of

GARMENTS = "clothing-co-parsing:clothing-co-parsing:1"


@dataclass(frozen=True, kw_only=True)
class Staged(Recipe):
    """How to train an FCN, from coarse to fine.

    Parameters
    ----------
    stages : str
        Strides and the share of the run that each is trained for, ``"32:0.3,16:0.3,8:0.4"``; each
        stage goes on from the one before (DOS, section 3.3).
    start : str
        A file of weights to begin from, of the first stage's stride or a coarser one. Empty for a
        backbone that knows ImageNet.
    preset : str
        ``"lite"`` or ``"paper"``; see :func:`tutorial_lib.deep.networks.fcn.fcn`.
    pretrained : bool
        Whether the backbone starts from ImageNet's weights.
    freeze_statistics : bool
        Keep the backbone's batch-norm statistics; small batches would ruin them.
    backbone_lr : float
        The backbone's learning rate, as a share of ``lr``.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    stages: str = "8:1"
    start: str = ""
    preset: str = choice("lite", "paper")
    pretrained: bool = True
    freeze_statistics: bool = True
    backbone_lr: float = number(0.3, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop % 32:
            raise ValueError(f"The setting crop is a multiple of 32, not {self.crop}.")
        _ = self.shares

    @property
    def shares(self) -> tuple[tuple[int, float], ...]:
        """The stages as pairs of stride and share of the run.

        Raises
        ------
        ValueError
            If the text has another form, strides do not halve, or shares do not sum to 1.
        """
        try:
            pairs = [part.split(":") for part in self.stages.split(",")]
            stages = tuple((int(stride), float(share)) for stride, share in pairs)
        except ValueError:
            raise ValueError(
                "Stages are written stride:share, such as 32:0.3,16:0.3,8:0.4, not "
                f"{self.stages!r}."
            ) from None
        strides = [stride for stride, _ in stages]
        whole = (32, 16, 8)
        if not any(strides == list(whole[a:b]) for a in range(3) for b in range(a + 1, 4)):
            raise ValueError(f"Stages go from stride 32 to 16 to 8, each once, not {strides}.")
        total = sum(share for _, share in stages)
        if min(share for _, share in stages) <= 0 or not math.isclose(total, 1, abs_tol=1e-6):
            raise ValueError(f"The stages' shares are positive and sum to 1, not to {total:g}.")
        return stages

    def stride(self, progress: float) -> int:
        """Return the stride that is trained when a share ``progress`` of the run is over."""
        passed = 0.0
        for stride, share in self.shares:
            passed += share
            if progress < passed:
                return stride
        return self.shares[-1][0]


@dataclass(frozen=True, kw_only=True)
class ObjectSelectionRecipe(Staged, Clicked):
    """How to train Deep Object Selection.

    Parameters
    ----------
    jaccard : float
        Weight of the relaxed Jaccard distance beside the cross-entropy.
    """

    jaccard: float = number(1.0, 0)


@dataclass(frozen=True, kw_only=True)
class SemanticRecipe(Staged):
    """How to train a semantic FCN, alone or with a CRF.

    Parameters
    ----------
    mixture : str
        One source, in which every pixel has a class: ``clothing-co-parsing:folder:1``.
    jaccard : float
        Weight of the relaxed Jaccard distance of the classes beside the cross-entropy.
    crf_steps : int
        Mean-field steps of the CRF; 0 for none.
    crf_lr : float
        The CRF's learning rate, as a share of ``lr``: a few hundred numbers that start far from
        where they belong, behind millions that are nearly there.
    """

    mixture: str = GARMENTS
    jaccard: float = number(1.0, 0)
    crf_steps: int = number(0, 0, 50)
    crf_lr: float = number(25.0, 0)


def _recipes() -> Iterable[Recipe]:
    yield ObjectSelectionRecipe(
        name="dos-32s",
        summary="FCN-32s from ImageNet: what the object is, coarsely.",
        stages="32:1",
        minutes=9.0,
    )
    yield ObjectSelectionRecipe(
        name="dos-16s",
        summary="FCN-16s, from --set start=weights of dos-32s.",
        stages="16:1",
        minutes=9.0,
    )
    yield ObjectSelectionRecipe(
        name="dos-8s",
        summary="FCN-8s, from --set start=weights of dos-16s.",
        corrections=4,
        minutes=50.0,
    )
    yield ObjectSelectionRecipe(
        name="dos",
        summary="FCN-32s, then 16s, then 8s in one run: Deep Object Selection.",
        stages="32:0.2,16:0.2,8:0.6",
        minutes=45.0,
    )
    yield ObjectSelectionRecipe(
        name="dos-toy",
        summary="FCN-8s on drawn scenes, with no data at all: a minute on a laptop.",
        mixture=TOYS,
        crop=96,
        scale_low=1.0,
        scale_high=1.25,
        minutes=1.0,
        corrections=1,
        log_steps=5,
        save_minutes=0.5,
        export_minutes=1.0,
    )
    # Whole people in some crops, so that a dress can be told from a skirt and a blouse.
    yield SemanticRecipe(
        name="semantic-fcn",
        summary="Semantic FCN-8s from ImageNet: classes of garments, no clicks.",
        scale_low=0.6,
        scale_high=1.3,
        minutes=12.0,
    )
    yield SemanticRecipe(
        name="semantic-crf-rnn",
        summary="The same with a CRF as RNN, from --set start=weights of semantic-fcn.",
        scale_low=0.6,
        scale_high=1.3,
        crf_steps=5,
        lr=2e-4,
        minutes=5.0,
    )
    yield from diversity_recipes()


#: All recipes by name.
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _recipes()}


def get_recipe(name: str, settings: Iterable[str] = (), minutes: float | None = None) -> Recipe:
    """Return a recipe, with some settings replaced.

    Parameters
    ----------
    name : str
        A name in :data:`RECIPES`.
    settings : iterable of str
        ``key=value`` each, read as the type that the recipe declares; of two for the same key the
        later counts.
    minutes : float, optional
        The run's length, instead of the recipe's.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    ValueError
        If there is no such recipe or setting, or a value does not fit it.

    Examples
    --------
    >>> get_recipe("dos", ["lr=0.0005", "batch=4"]).lr
    0.0005
    """
    if name not in RECIPES:
        raise ValueError(f"The recipes are {', '.join(RECIPES)}; there is no {name!r}.")
    recipe = RECIPES[name]
    changes = settings_of(recipe).read(latest(settings))
    if minutes is not None:
        if not 0 < minutes < math.inf:
            raise ValueError(f"A run lasts more than 0 minutes, not {minutes:g}.")
        changes["minutes"] = float(minutes)
    return dataclasses.replace(recipe, **changes)
