"""Recipes: everything that decides how a network is trained, as one frozen dataclass each.

A recipe is data. It can be printed, compared, stored beside the weights it made, and changed on
the command line with ``--set key=value``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: Salient objects, garments and people, segments: mixed so that one place has several readings.
PHOTOS = "duts:duts-tr:0.55,clothing-co-parsing:clothing-co-parsing:0.2,bsds500:BSDS500:0.25"
TOYS = "toy-world::1"


@dataclass(frozen=True)
class Recipe:
    """How to train Deep Object Selection.

    Parameters
    ----------
    name : str
        The recipe's name.
    summary : str
        One sentence on what it trains.
    stages : str
        Strides and the share of the run that each is trained for, ``"32:0.3,16:0.3,8:0.4"``; each
        stage goes on from the one before (DOS, section 3.3).
    start : str
        A file of weights to begin from, of the first stage's stride or a coarser one. Empty for a
        backbone that knows ImageNet.
    preset : str
        ``"lite"`` or ``"paper"``; see :func:`tutorial_lib.deep.fcn.fcn`.
    pretrained : bool
        Whether the backbone starts from ImageNet's weights.
    freeze_statistics : bool
        Keep the backbone's batch-norm statistics; small batches would ruin them.
    mixture : str
        ``kind:folder:share`` for each source of samples, joined by commas; see
        :func:`tutorial_lib.training.sources.parse_mixture`.
    renormalise : bool
        Leave out the sources whose folder is missing and share out their part among the others.
    crop : int
        Side of the square crops, in pixels, a multiple of 32.
    scale_low, scale_high : float
        Photos are scaled by a factor between these.
    brightness : float
        Colours are multiplied by a factor between 1 - this and 1 + this.
    single_click : float
        Share of samples that begin with one positive click only; the others follow one of Xu's
        strategies.
    corrections : int
        Up to this many clicks are added on the network's own errors.
    batch : int
        Samples of a step, all devices together.
    steps : int
        Length of the run in steps; 0 for no limit.
    minutes : float
        Length of the run in minutes; 0 for no limit. The schedule ends with whichever limit comes
        first.
    optimiser : str
        ``"adamw"`` or ``"sgd"`` (with momentum 0.9).
    lr : float
        Learning rate at its highest.
    backbone_lr : float
        The backbone's learning rate, as a share of ``lr``.
    weight_decay : float
        Of weights; never of biases and batch norm.
    schedule : str
        ``"cosine"`` or ``"constant"``.
    warmup : float
        Share of the run in which the learning rate rises from 0.
    final_lr : float
        Where the cosine ends, as a share of ``lr``.
    clip_norm : float
        Gradients are shortened to this length; 0 leaves them.
    jaccard : float
        Weight of the relaxed Jaccard distance beside the cross-entropy.
    seed : int
        Everything random follows from it.
    workers : int
        Processes that prepare samples; 0 prepares them in between. Changes no sample.
    device : str
        See :func:`tutorial_lib.deep.device.pick_device`.
    devices : int
        How many devices, or processes on a CPU, share each batch.
    precision : str
        ``"auto"`` trains in bfloat16 on GPUs that compute it natively, and in float32 elsewhere;
        ``"float32"`` or ``"bfloat16"`` insist.
    log_steps : int
        A line of the log stands for this many steps.
    save_minutes : float
        A checkpoint is written whenever so many minutes have passed; 0 for after each step.
    export_minutes : float
        The weights so far are written whenever so many minutes have passed.

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    name: str
    summary: str
    stages: str = "8:1"
    start: str = ""
    preset: str = "lite"
    pretrained: bool = True
    freeze_statistics: bool = True
    mixture: str = PHOTOS
    renormalise: bool = False
    crop: int = 256
    scale_low: float = 0.7
    scale_high: float = 1.25
    brightness: float = 0.2
    single_click: float = 0.5
    corrections: int = 3
    batch: int = 8
    steps: int = 0
    minutes: float = 25.0
    optimiser: str = "adamw"
    lr: float = 1e-3
    backbone_lr: float = 0.3
    weight_decay: float = 1e-4
    schedule: str = "cosine"
    warmup: float = 0.02
    final_lr: float = 0.01
    clip_norm: float = 1.0
    jaccard: float = 1.0
    seed: int = 0
    workers: int = 1
    device: str = "auto"
    devices: int = 1
    precision: str = "auto"
    log_steps: int = 10
    save_minutes: float = 2.0
    export_minutes: float = 5.0

    def __post_init__(self) -> None:
        for key, allowed in _CHOICES.items():
            if getattr(self, key) not in allowed:
                raise ValueError(
                    f"The setting {key} is one of {', '.join(allowed)}, not {getattr(self, key)!r}."
                )
        for key, (least, most) in _RANGES.items():
            value = getattr(self, key)
            if not least <= value <= most:
                limits = f"between {least} and {most}" if most < math.inf else f"at least {least}"
                raise ValueError(f"The setting {key} is {limits}, not {value}.")
        if not 0 < self.scale_low <= self.scale_high:
            raise ValueError(
                "The settings scale_low and scale_high need 0 < scale_low <= scale_high, not "
                f"{self.scale_low} and {self.scale_high}."
            )
        if self.crop % 32:
            raise ValueError(f"The setting crop is a multiple of 32, not {self.crop}.")
        if self.batch % self.devices:
            raise ValueError(
                f"A batch of {self.batch} cannot be shared out evenly among {self.devices} devices."
            )
        if not (self.steps or self.minutes):
            raise ValueError("A run needs an end: set steps or minutes to more than 0.")
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

    def to_dict(self) -> dict[str, Any]:
        """Return all settings, ready for JSON."""
        return dataclasses.asdict(self)


_CHOICES = {
    "optimiser": ("adamw", "sgd"),
    "schedule": ("cosine", "constant"),
    "preset": ("lite", "paper"),
    "precision": ("auto", "float32", "bfloat16"),
}
_INF = math.inf
_RANGES: dict[str, tuple[float, float]] = {
    "crop": (32, _INF),
    "brightness": (0, 1),
    "single_click": (0, 1),
    "corrections": (0, 20),
    "batch": (1, _INF),
    "steps": (0, _INF),
    "minutes": (0, _INF),
    "lr": (0, _INF),
    "backbone_lr": (0, _INF),
    "weight_decay": (0, _INF),
    "warmup": (0, 1),
    "final_lr": (0, 1),
    "clip_norm": (0, _INF),
    "jaccard": (0, _INF),
    "seed": (0, 2**63 - 1),
    "workers": (0, 64),
    "devices": (1, 1024),
    "log_steps": (1, _INF),
    "save_minutes": (0, _INF),
    "export_minutes": (0, _INF),
}

#: Settings that change where and how long a run computes but not what: free to differ on resuming.
RUN_SETTINGS = frozenset(
    ("steps", "minutes", "workers", "device", "devices", "precision")
    + ("log_steps", "save_minutes", "export_minutes", "start", "summary")
)


def _recipes() -> Iterable[Recipe]:
    yield Recipe(
        "dos-32s", "FCN-32s from ImageNet: what the object is, coarsely.", "32:1", minutes=10.0
    )
    yield Recipe("dos-16s", "FCN-16s, from --set start=weights of dos-32s.", "16:1", minutes=10.0)
    yield Recipe("dos-8s", "FCN-8s, from --set start=weights of dos-16s.", "8:1")
    yield Recipe(
        "dos",
        "FCN-32s, then 16s, then 8s in one run: Deep Object Selection.",
        "32:0.2,16:0.2,8:0.6",
        minutes=45.0,
    )
    yield Recipe(
        "dos-toy",
        "FCN-8s on drawn scenes, with no data at all: a minute on a laptop.",
        mixture=TOYS,
        crop=96,
        scale_low=1.0,
        minutes=1.0,
        corrections=1,
        log_steps=5,
        save_minutes=0.5,
        export_minutes=1.0,
    )


#: All recipes by name.
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _recipes()}


def get_recipe(name: str, settings: Iterable[str] = (), minutes: float | None = None) -> Recipe:
    """Return a recipe, with some settings replaced.

    Parameters
    ----------
    name : str
        A name in :data:`RECIPES`.
    settings : iterable of str
        ``key=value`` each; of two for the same key the later counts.
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
    types = {f.name: type(getattr(recipe, f.name)) for f in dataclasses.fields(recipe)}
    changes: dict[str, Any] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals:
            raise ValueError(f"A setting is written key=value, such as lr=0.001, not {text!r}.")
        if key not in types or key in ("name", "summary"):
            known = ", ".join(k for k in types if k not in ("name", "summary"))
            raise ValueError(f"There is no setting {key!r}; the settings are {known}.")
        changes[key] = _value(key, value.strip(), types[key])
    if minutes is not None:
        if not 0 < minutes < math.inf:
            raise ValueError(f"A run lasts more than 0 minutes, not {minutes:g}.")
        changes["minutes"] = float(minutes)
    return dataclasses.replace(recipe, **changes)


_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _value(key: str, text: str, kind: type) -> Any:
    """Read a setting's value as the type the recipe gives it."""
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in _TRUTH:
            raise ValueError(f"The setting {key} is true or false, not {text!r}.")
        return _TRUTH[text.lower()]
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        noun = "whole number" if kind is int else "number"
        raise ValueError(f"The setting {key} is a {noun}, not {text!r}.")
    return value
