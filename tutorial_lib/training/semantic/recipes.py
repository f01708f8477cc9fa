"""Settings and recipes of semantic segmentation."""

from __future__ import annotations

from dataclasses import dataclass

from tutorial_lib.training.settings import number
from tutorial_lib.training.staged import StagedRecipe

GARMENTS = "clothing-co-parsing:clothing-co-parsing:1"


@dataclass(frozen=True, kw_only=True)
class SemanticRecipe(StagedRecipe):
    """Settings for training a semantic FCN, with or without a CRF.

    Parameters
    ----------
    mixture : str
        One source, in which every pixel has a class: ``clothing-co-parsing:folder:1``.
    jaccard : float
        Weight of the relaxed Jaccard distance of the classes; the weight of the cross-entropy is 1.
    crf_steps : int
        Mean-field steps of the CRF; 0 for no CRF.
    crf_lr : float
        Learning rate of the CRF, as a multiple of ``lr``. The CRF has a few hundred parameters,
        which begin far from their best values. The FCN's millions begin close to theirs.
    """

    mixture: str = GARMENTS
    jaccard: float = number(1.0, 0)
    crf_steps: int = number(0, 0, 50)
    crf_lr: float = number(25.0, 0)


# Some crops show whole people, so that a dress looks different from a skirt and a blouse.
SEMANTIC_RECIPES = (
    SemanticRecipe(
        name="semantic-fcn",
        summary="Semantic FCN-8s from ImageNet: classes of garments, no clicks.",
        scale_low=0.6,
        scale_high=1.3,
        minutes=12.0,
    ),
    SemanticRecipe(
        name="semantic-crf-rnn",
        summary="The same with a CRF as RNN, from --set start=weights of semantic-fcn.",
        scale_low=0.6,
        scale_high=1.3,
        crf_steps=5,
        lr=2e-4,
        minutes=5.0,
    ),
)
