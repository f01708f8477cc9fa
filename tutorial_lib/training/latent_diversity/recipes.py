"""Settings and recipes for Latent Diversity: f, g, and every row of the paper's Tables 3 and 4."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tutorial_lib.deep.latent_diversity.proposal import Design
from tutorial_lib.training.settings import TOYS, ClickRecipe, choice, number


@dataclass(frozen=True, kw_only=True)
class RolloutRecipe(ClickRecipe):
    """Settings of the simulated interactions in which f or g is trained.

    Parameters
    ----------
    random_clicks : float
        Probability that a corrective click is random, more often where the error is deeper. All
        other clicks lie where the error is deepest.
    exploration : float
        Probability that a user sees and corrects a random candidate (epsilon-greedy). A trained
        selection is not always right either.
    rounds : int
        Most click rounds per sample. A round costs one pass of the network. If there are fewer
        rounds than corrections, a round has several clicks on the same mask.
    start : str
        File of weights to begin with; empty for random weights.
    backbone : str
        File of the backbone's weights from ImageNet, for a machine without internet.
    encoder_lr : float
        Learning rate of a learned encoder, as a share of ``lr``.
    """

    random_clicks: float = number(0.3, 0, 1)
    exploration: float = number(0.2, 0, 1)
    rounds: int = number(20, 1)
    start: str = ""
    backbone: str = ""
    encoder_lr: float = number(0.1, 0)
    lr: float = number(2e-3, 0)
    precision: str = choice("native", "auto", "float32", "bfloat16")

    @property
    def trains_encoder(self) -> bool:
        """Whether the encoder learns in this run."""
        return False


@dataclass(frozen=True, kw_only=True)
class ProposalRecipe(RolloutRecipe):
    """Settings for training f.

    Parameters
    ----------
    preset, heads, architecture, augmented, distances, clicks, previous, learned
        See :class:`tutorial_lib.deep.latent_diversity.proposal.Design`.
    loss : str
        Compares a candidate with the true mask: ``"jaccard"`` (Eq. 3), ``"cross-entropy"`` or
        ``"l1"``.
    constraint : float
        Weight of the click constraint (Eq. 4); 0 for none.
    share : float
        Weight of the mean over all candidates, beside the best candidate; 0 in the paper.
    ranking : float
        The last candidate's lambda in the ranked diversity loss (Eq. 7); 0 for the hindsight loss.
    follow : str
        The candidate that users see and correct: the ``"best"``, the ``"first"``, or the one
        ``"selected"`` by the g of the file ``start``.

    Raises
    ------
    ValueError
        If a value is out of its limits.
    """

    preset: str = choice("lite", "paper")
    heads: int = number(6, 1, 64)
    architecture: str = choice("can", "unet", "pyramid")
    augmented: bool = True
    distances: bool = True
    clicks: bool = True
    previous: bool = True
    learned: bool = False
    loss: str = choice("jaccard", "cross-entropy", "l1")
    constraint: float = number(1.0, 0)
    share: float = number(0.02, 0)
    ranking: float = number(0.0, 0)
    follow: str = choice("best", "first", "selected")

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.design
        if self.learned and self.devices > 1:
            raise ValueError(
                "An encoder that learns is trained on one device: --set devices=1, or --set "
                "learned=false."
            )
        if self.follow == "selected" and not self.start:
            raise ValueError(
                "To follow selected candidates, start from weights that hold a selection network: "
                "--set start=FILE."
            )

    @property
    def trains_encoder(self) -> bool:
        """Whether the encoder learns in this run."""
        return self.learned

    @property
    def design(self) -> Design:
        """The network that is trained."""
        return Design(
            self.preset, self.heads, self.architecture, self.augmented,
            self.distances, self.clicks, self.previous, self.learned,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SelectionRecipe(RolloutRecipe):
    """Settings for training g, beside the f of the file ``start``.

    Parameters
    ----------
    selector : str
        ``"shared"``, ``"intent"``, ``"views"`` or ``"paper"``; see
        :mod:`tutorial_lib.deep.latent_diversity.selection`.
    temperature : float
        Candidates whose Jaccard distances differ by less than about this are similar targets; 0 as
        in the paper. See :func:`tutorial_lib.deep.latent_diversity.losses.selection_loss`.
    """

    selector: str = choice("shared", "intent", "views", "paper")
    temperature: float = number(0.2, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.selector == "views" and self.devices > 1:
            raise ValueError(  # devices would have different numbers of first clicks
                "A g that compares views is trained on one device: --set devices=1, or --set "
                "selector=intent."
            )


F = ProposalRecipe(
    name="latent-diversity-f",
    summary="f of Latent Diversity: six candidates, of which only the best one is trained.",
    scale_high=1.8,
    single_click=0.65,
    minutes=120.0,
)
G = SelectionRecipe(
    name="latent-diversity-g",
    summary="g of Latent Diversity, from --set start=weights of latent-diversity-f.",
    crop=320,
    scale_low=1.0,
    scale_high=1.6,
    batch=6,
    single_click=0.8,
    corrections=8,
    exploration=0.1,
    selector="intent",
    minutes=30.0,
)

#: Components that are left out or replaced, and the settings that do so. The first block is Table
#: 3, the second Table 4 and Figure 5, the third what we added to the paper.
ABLATIONS: dict[str, dict[str, Any]] = {
    "full": {},
    "without-augmented-input": {"augmented": False},
    "cross-entropy": {"loss": "cross-entropy"},
    "l1": {"loss": "l1"},
    "without-diversity": {"heads": 1},
    "without-distance-transforms": {"distances": False},
    "without-click-input": {"clicks": False},
    "without-soft-constraints": {"constraint": 0.0},
    "rdl": {"ranking": 0.01, "share": 0.0, "follow": "first", "exploration": 0.0},
    "unet": {"architecture": "unet"},
    "m2": {"heads": 2},
    "m3": {"heads": 3},
    "m4": {"heads": 4},
    "m8": {"heads": 8},
    "without-previous-mask": {"previous": False},
    "without-corrections": {"corrections": 0},
    "without-mean-loss": {"share": 0.0},
}
#: The budget of each ablation. It is the same for all, so that only the component differs. Training
#: and measuring seventeen f, each with its g, takes two hours on two cores: every length (crops,
#: and with them scales) is half of the shipped recipe's, so a step has a quarter of the pixels. The
#: shipped networks learned to use corrections in a second training. The ablations have only one,
#: and therefore more corrections in it.
ABLATION_STEPS, ABLATION_STEPS_G = 600, 100
SMALL: dict[str, Any] = {
    "crop": 128, "scale_low": 0.4, "scale_high": 0.9,
    "single_click": 0.3, "corrections": 6, "rounds": 2,
}  # fmt: skip
SMALL_G: dict[str, Any] = {"crop": 160, "scale_low": 0.5, "scale_high": 0.8, "corrections": 5}
#: Settings for generated scenes.
TOY_SCALE: dict[str, Any] = {"mixture": TOYS, "crop": 96, "scale_low": 1.0, "scale_high": 1.25}
_TOY: dict[str, Any] = {
    **TOY_SCALE, "minutes": 1.0, "log_steps": 5, "save_minutes": 0.5, "export_minutes": 1.0,
}  # fmt: skip
#: The paper's training: VGG-19, single images at full resolution, 100 epochs of SBD.
_PAPER: dict[str, Any] = {
    "mixture": "sbd:sbd:1", "crop": 384, "scale_low": 1.0, "scale_high": 1.0, "brightness": 0.0,
    "batch": 1, "steps": 849_800, "minutes": 0.0, "lr": 1e-4, "weight_decay": 0.0,
    "schedule": "constant", "warmup": 0.0, "clip_norm": 0.0, "single_click": 0.0,
    "corrections": 0, "exploration": 0.0,
}  # fmt: skip

PROPOSAL_RECIPES = (
    F,
    replace(
        F,
        name="latent-diversity-rdl",
        summary="f with the ranked diversity loss: shows its first candidate, without g.",
        minutes=60.0,
        **ABLATIONS["rdl"],
    ),
    replace(
        F,
        name="latent-diversity-f-paper",
        summary="f as published: VGG-19, full resolution, 100 epochs of SBD; for a GPU.",
        preset="paper",
        previous=False,
        share=0.0,
        **_PAPER,
    ),
    replace(
        F,
        name="latent-diversity-toy",
        summary="f on generated scenes, without any data: a minute on a laptop.",
        corrections=1,
        **_TOY,
    ),
    *(
        replace(
            F,
            name=f"ablation-{name}",
            summary=f"f for Tables 3 and 4: {name.replace('-', ' ')}.",
            steps=ABLATION_STEPS,
            minutes=0.0,
            **SMALL | changes,
        )
        for name, changes in ABLATIONS.items()
    ),
)

SELECTION_RECIPES = (
    G,
    replace(
        G,
        name="latent-diversity-g-dense",
        summary="The paper's g beside our f: convolutions over image, clicks and masks, averaged.",
        selector="paper",
        temperature=0.0,
    ),
    replace(
        G,
        name="latent-diversity-g-paper",
        summary="g as published, from --set start=weights of latent-diversity-f-paper.",
        selector="paper",
        temperature=0.0,
        **_PAPER,
    ),
    replace(
        G,
        name="latent-diversity-g-toy",
        summary="g on generated scenes, from --set start=weights of latent-diversity-toy.",
        corrections=3,
        selector="shared",
        **_TOY,
    ),
    replace(
        G,
        name="ablation-g",
        summary="g for any ablation, from --set start=weights of the ablation.",
        steps=ABLATION_STEPS_G,
        minutes=0.0,
        selector="shared",
        **SMALL_G,
    ),
)
