"""The settings that all recipes share: samples, optimiser, schedule, machine.

Each setting declares its limits. A recipe with a value out of its limits cannot be made.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tutorial_lib.options import Options, options_of

#: Salient objects, garments and people, segments: in this mixture one place has several readings.
PHOTOS = "duts:duts-tr:0.55,clothing-co-parsing:clothing-co-parsing:0.2,bsds500:BSDS500:0.25"
#: Generated scenes, without end and without any data.
TOYS = "toy-world::1"

#: Settings that a resumed run may change: they decide where and how long it computes, not what.
RUN_SETTINGS = frozenset(
    ("steps", "minutes", "workers", "device", "devices", "precision", "summary")
    + ("log_steps", "save_minutes", "export_minutes", "start", "backbone")
)

#: Former names of settings. Checkpoints, weights and command lines may still hold them.
RENAMED_SETTINGS = {"stray": "exploration", "scatter": "random_clicks"}


def number(default: float, least: float, most: float = math.inf) -> Any:
    """Declare a setting that is a number between two limits, both included.

    Parameters
    ----------
    default : int or float
        The default. Its type is the setting's type.
    least, most : float
        The limits.

    Returns
    -------
    Any
        A dataclass field.
    """
    return field(default=default, metadata={"limits": (least, most)})


def choice(default: str, *others: str) -> Any:
    """Declare a setting that is one of a few words.

    Parameters
    ----------
    default : str
        The default.
    *others : str
        The other words.

    Returns
    -------
    Any
        A dataclass field.
    """
    return field(default=default, metadata={"words": (default, *others)})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings for training any network.

    Parameters
    ----------
    name : str
        The recipe's name.
    summary : str
        One sentence on what it trains.
    mixture : str
        ``kind:folder:share`` for each source of samples, joined by commas; see
        :func:`tutorial_lib.training.sources.parse_mixture`.
    renormalise : bool
        Leave out sources whose folder is missing, and scale the other shares to a sum of 1.
    crop : int
        Side of the square crops, in pixels.
    scale_low, scale_high : float
        Photos are scaled by a random factor between these two.
    brightness : float
        Colours are multiplied by a random factor between 1 - this and 1 + this.
    batch : int
        Samples of a step, on all devices together.
    steps : int
        Length of the run in steps; 0 for no limit.
    minutes : float
        Length of the run in minutes; 0 for no limit. The run and its schedule end with the limit
        that comes first.
    optimiser : str
        ``"adamw"`` or ``"sgd"`` (with momentum 0.9).
    lr : float
        The highest learning rate.
    weight_decay : float
        Weight decay of filters; biases and batch norm have none.
    schedule : str
        ``"cosine"`` or ``"constant"``.
    warmup : float
        Share of the run in which the learning rate rises from 0.
    final_lr : float
        Learning rate at the end of the cosine, as a share of ``lr``.
    clip_norm : float
        Gradients are clipped to this norm; 0 for no clipping.
    seed : int
        Seed of everything random.
    workers : int
        Processes that prepare samples; with 0 the training process does. Samples stay the same.
    device : str
        See :func:`tutorial_lib.deep.device.pick_device`.
    devices : int
        Number of devices that share each batch; on a CPU, number of processes.
    precision : str
        ``"auto"`` trains in bfloat16 on GPUs that support it natively, else in float32.
        ``"native"`` trains in bfloat16 on such CPUs too, which is faster if no depthwise
        convolution is trained. ``"float32"`` and ``"bfloat16"`` are used as given.
    log_steps : int
        The log gets a line every so many steps.
    save_minutes : float
        A checkpoint is written every so many minutes; 0 for every step.
    export_minutes : float
        The weights so far are written every so many minutes.

    Raises
    ------
    ValueError
        If a value is out of its limits, or of another type.
    """

    name: str
    summary: str
    mixture: str = PHOTOS
    renormalise: bool = False
    crop: int = number(256, 32)
    scale_low: float = 0.8
    scale_high: float = 1.6
    brightness: float = number(0.2, 0, 1)
    batch: int = number(8, 1)
    steps: int = number(0, 0)
    minutes: float = number(25.0, 0)
    optimiser: str = choice("adamw", "sgd")
    lr: float = number(1e-3, 0)
    weight_decay: float = number(1e-4, 0)
    schedule: str = choice("cosine", "constant")
    warmup: float = number(0.02, 0, 1)
    final_lr: float = number(0.01, 0, 1)
    clip_norm: float = number(1.0, 0)
    seed: int = number(0, 0, 2**63 - 1)
    workers: int = number(1, 0, 64)
    device: str = "auto"
    devices: int = number(1, 1, 1024)
    precision: str = choice("auto", "native", "float32", "bfloat16")
    log_steps: int = number(10, 1)
    save_minutes: float = number(2.0, 0)
    export_minutes: float = number(5.0, 0)

    def __post_init__(self) -> None:
        typed = settings_of(self).check({f.name: getattr(self, f.name) for f in _settings(self)})
        for setting in _settings(self):
            object.__setattr__(self, setting.name, typed[setting.name])
            _check(setting, typed[setting.name])
        if not 0 < self.scale_low <= self.scale_high:
            raise ValueError(
                "The settings scale_low and scale_high need 0 < scale_low <= scale_high, not "
                f"{self.scale_low} and {self.scale_high}."
            )
        if self.batch % self.devices:
            raise ValueError(
                f"A batch of {self.batch} cannot be shared evenly among {self.devices} devices."
            )
        if not (self.steps or self.minutes):
            raise ValueError("A run needs an end: set steps or minutes to more than 0.")

    def to_dict(self) -> dict[str, Any]:
        """Return all settings, ready for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class ClickRecipe(Recipe):
    """Settings for training a network that reads clicks.

    Parameters
    ----------
    single_click : float
        Share of the samples that begin with a single positive click. The other samples begin with
        clicks of one of Xu's strategies.
    corrections : int
        At most this many corrective clicks are added, on the network's own errors.
    """

    single_click: float = number(0.5, 0, 1)
    corrections: int = number(3, 0, 20)


def settings_of(recipe: Recipe) -> Options:
    """Return the settings of a recipe: all fields but its name and summary.

    Parameters
    ----------
    recipe : Recipe
        Its class declares names, types and defaults.

    Returns
    -------
    Options
        They read ``key=value`` texts, and check values.
    """
    name = recipe.name if isinstance(recipe.name, str) else type(recipe).__name__
    options = options_of(type(recipe), f"The recipe {name!r}", "The setting {}")
    known = {f.name: options.known[f.name] for f in _settings(recipe)}
    return dataclasses.replace(options, known=known, word="setting")


def with_current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give stored settings the names that they have now.

    Parameters
    ----------
    settings : mapping
        Settings by name, from a checkpoint or from the metadata of weights.

    Returns
    -------
    dict
        The same values; see :data:`RENAMED_SETTINGS`.

    Examples
    --------
    >>> with_current_names({"stray": 0.1, "lr": 0.002})
    {'exploration': 0.1, 'lr': 0.002}
    """
    return {RENAMED_SETTINGS.get(name, name): value for name, value in settings.items()}


def current_texts(texts: Iterable[str]) -> list[str]:
    """Do the same for ``key=value`` texts, as the command line gives them."""
    parts = (text.partition("=") for text in texts)
    return [
        f"{RENAMED_SETTINGS.get(key.strip(), key)}{equals}{value}" for key, equals, value in parts
    ]


def _settings(recipe: Recipe) -> list[dataclasses.Field]:
    return [f for f in dataclasses.fields(recipe) if f.name not in ("name", "summary")]


def _check(setting: dataclasses.Field, value: Any) -> None:
    words, limits = setting.metadata.get("words"), setting.metadata.get("limits")
    if words and value not in words:
        raise ValueError(f"The setting {setting.name} is one of {', '.join(words)}, not {value!r}.")
    if limits and not limits[0] <= value <= limits[1]:
        least, most = limits
        bounds = f"between {least} and {most}" if most < math.inf else f"at least {least}"
        raise ValueError(f"The setting {setting.name} is {bounds}, not {value}.")
