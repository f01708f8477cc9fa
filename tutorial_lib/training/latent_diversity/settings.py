"""What decides how f and g of Latent Diversity are trained."""

from __future__ import annotations

from dataclasses import dataclass

from tutorial_lib.deep.latent_diversity.proposal import Design
from tutorial_lib.training.settings import Clicked, choice, number


@dataclass(frozen=True, kw_only=True)
class Turning(Clicked):
    """How users behave while f or g is trained.

    Parameters
    ----------
    scatter : float
        How often a corrective click is drawn at random, the deeper in the error the likelier,
        instead of lying where the error is deepest.
    stray : float
        How often users see, and correct, some other candidate than the one meant to be shown: no
        selection is always right.
    rounds : int
        In how many rounds corrections are given at most. A round costs an answer of the network;
        with fewer rounds than corrections, several clicks of a round correct the same mask.
    start : str
        A file of weights to begin from; empty for random ones.
    backbone : str
        A file of the backbone's ImageNet weights, for a machine without internet.
    """

    scatter: float = number(0.3, 0, 1)
    stray: float = number(0.2, 0, 1)
    rounds: int = number(20, 1)
    start: str = ""
    backbone: str = ""
    lr: float = number(2e-3, 0)
    precision: str = choice("native", "auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class LatentDiversityRecipe(Turning):
    """How to train f.

    Parameters
    ----------
    preset, heads, architecture, augmented, distances, clicks, previous
        See :class:`tutorial_lib.deep.latent_diversity.proposal.Design`.
    loss : str
        What a candidate is compared with the known mask by: ``"jaccard"`` (Eq. 3),
        ``"cross-entropy"`` or ``"l1"``.
    constraint : float
        Weight of the click constraint (Eq. 4); 0 leaves it out.
    share : float
        Weight of the mean over all candidates beside the best one; 0 in the paper.
    ranking : float
        The last candidate's lambda in the ranked diversity loss (Eq. 7); 0 for plain hindsight.
    follow : str
        Which candidate users see and correct: the ``"best"``, the ``"first"``, or the one that is
        ``"selected"`` by the g beside the weights to start from.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    preset: str = choice("lite", "paper")
    heads: int = number(6, 1, 64)
    architecture: str = choice("can", "unet")
    augmented: bool = True
    distances: bool = True
    clicks: bool = True
    previous: bool = True
    loss: str = choice("jaccard", "cross-entropy", "l1")
    constraint: float = number(1.0, 0)
    share: float = number(0.02, 0)
    ranking: float = number(0.0, 0)
    follow: str = choice("best", "first", "selected")

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.design
        if self.follow == "selected" and not self.start:
            raise ValueError(
                "To follow selected candidates, start from weights that hold a selection network: "
                "--set start=FILE."
            )

    @property
    def design(self) -> Design:
        """Which network is trained."""
        return Design(
            self.preset, self.heads, self.architecture, self.augmented,
            self.distances, self.clicks, self.previous,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SelectionRecipe(Turning):
    """How to train g, beside the f whose weights it starts from.

    Parameters
    ----------
    selector : str
        ``"shared"``, ``"intent"`` or ``"paper"``; see
        :mod:`tutorial_lib.deep.latent_diversity.selection`.
    temperature : float
        How far from the best a candidate may be and still count as right, in Jaccard distance; 0
        as in the paper. See :func:`tutorial_lib.deep.latent_diversity.losses.selection`.
    """

    selector: str = choice("shared", "intent", "paper")
    temperature: float = number(0.2, 0)
