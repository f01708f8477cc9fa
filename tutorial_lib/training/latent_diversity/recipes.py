"""The recipes for Latent Diversity: f, g, and one for every row of the paper's Tables 3 and 4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tutorial_lib.training.latent_diversity.settings import LatentDiversityRecipe, SelectionRecipe
from tutorial_lib.training.settings import TOYS, Recipe

F = LatentDiversityRecipe(
    name="latent-diversity-f",
    summary="f of Latent Diversity: six segmentations, of which the best one learns.",
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
    stray=0.1,
    selector="intent",
    minutes=30.0,
)

#: What a component is called when it is left out or replaced, and which settings do so. The first
#: block is Table 3, the second Table 4 and Figure 5, the third what we added to the paper.
ABLATIONS: dict[str, dict[str, Any]] = {
    "full": {},
    "without-augmented-input": {"augmented": False},
    "cross-entropy": {"loss": "cross-entropy"},
    "l1": {"loss": "l1"},
    "without-diversity": {"heads": 1},
    "without-distance-transforms": {"distances": False},
    "without-click-input": {"clicks": False},
    "without-soft-constraints": {"constraint": 0.0},
    "rdl": {"ranking": 0.01, "share": 0.0, "follow": "first", "stray": 0.0},
    "unet": {"architecture": "unet"},
    "m2": {"heads": 2},
    "m3": {"heads": 3},
    "m4": {"heads": 4},
    "m8": {"heads": 8},
    "without-previous-mask": {"previous": False},
    "without-corrections": {"corrections": 0},
    "without-mean-loss": {"share": 0.0},
}
#: The budget of each, the same for all: what differs is the component. Seventeen f, each with its
#: g, and measuring them, take two hours on two cores: every length is half of the shipped
#: recipe's (crops, and with them scales), so that a step has a quarter of the pixels. The shipped
#: networks learned in their second round what a correction is; these have one round, and therefore
#: more corrections in it.
ABLATION_STEPS, ABLATION_STEPS_G = 600, 100
SMALL: dict[str, Any] = {
    "crop": 128, "scale_low": 0.4, "scale_high": 0.9,
    "single_click": 0.3, "corrections": 6, "rounds": 2,
}  # fmt: skip
SMALL_G: dict[str, Any] = {"crop": 160, "scale_low": 0.5, "scale_high": 0.8, "corrections": 5}
#: What a recipe is told to learn from drawn scenes.
TOY_SCALE: dict[str, Any] = {"mixture": TOYS, "crop": 96, "scale_low": 1.0, "scale_high": 1.25}


def diversity_recipes() -> Iterator[Recipe]:
    """Yield every recipe for Latent Diversity."""
    yield F
    yield G
    yield replace(
        G,
        name="latent-diversity-g-dense",
        summary="The paper's g beside our f: convolutions over image, clicks and masks, averaged.",
        selector="paper",
        temperature=0.0,
    )
    yield replace(
        F,
        name="latent-diversity-rdl",
        summary="f with the ranked diversity loss: the first segmentation is shown, without g.",
        minutes=60.0,
        **ABLATIONS["rdl"],
    )
    yield from _as_published()
    toy = {**TOY_SCALE, "minutes": 1.0}
    often = {"log_steps": 5, "save_minutes": 0.5, "export_minutes": 1.0}
    yield replace(
        F,
        name="latent-diversity-toy",
        summary="f on drawn scenes, with no data at all: a minute on a laptop.",
        corrections=1,
        **toy,
        **often,
    )
    yield replace(
        G,
        name="latent-diversity-g-toy",
        summary="g on drawn scenes, from --set start=weights of latent-diversity-toy.",
        corrections=3,
        selector="shared",
        **toy,
        **often,
    )
    yield from _ablations()


def _as_published() -> Iterator[Recipe]:
    """Yield f and g as the paper trains them: VGG-19, single images, 100 epochs of SBD."""
    protocol: dict[str, Any] = {
        "mixture": "sbd:sbd:1", "crop": 384, "scale_low": 1.0, "scale_high": 1.0, "brightness": 0.0,
        "batch": 1, "steps": 849_800, "minutes": 0.0, "lr": 1e-4, "weight_decay": 0.0,
        "schedule": "constant", "warmup": 0.0, "clip_norm": 0.0, "single_click": 0.0,
        "corrections": 0, "stray": 0.0,
    }  # fmt: skip
    yield replace(
        F,
        name="latent-diversity-f-paper",
        summary="f as published: VGG-19, full resolution, 100 epochs of SBD; for a GPU.",
        preset="paper",
        previous=False,
        share=0.0,
        **protocol,
    )
    yield replace(
        G,
        name="latent-diversity-g-paper",
        summary="g as published, from --set start=weights of latent-diversity-f-paper.",
        selector="paper",
        temperature=0.0,
        **protocol,
    )


def _ablations() -> Iterator[Recipe]:
    for name, changes in ABLATIONS.items():
        yield replace(
            F,
            name=f"ablation-{name}",
            summary=f"f for Tables 3 and 4: {name.replace('-', ' ')}.",
            steps=ABLATION_STEPS,
            minutes=0.0,
            **SMALL | changes,
        )
    yield replace(
        G,
        name="ablation-g",
        summary="g beside any of them, from --set start=weights of an ablation.",
        steps=ABLATION_STEPS_G,
        minutes=0.0,
        selector="shared",
        **SMALL_G,
    )
