"""What each component of Latent Diversity is worth: the file of figures, and how to compare them.

A row is one recipe, trained with the same budget as all others. Each was used by the same robot on
the same objects in up to four *ways*, of which one is what a user would be *shown*:

========== =============================================== ============================
way        what is on the screen                           shown where
========== =============================================== ============================
``oracle`` the candidate nearest to the known mask         never: nobody knows it
``fixed``  always the same candidate, the best one         there is no g, and no order
``first``  always candidate 0                              M = 1, and ranked diversity
``g``      the candidate that g selects                    g was trained beside f
========== =============================================== ============================

Which figure is fair depends on the table. Table 3 of the paper counts a user's clicks with f and g,
so its rows are compared by what is *shown*. But g learns from candidates, so it can lose what f has
gained; rows with the same M are therefore compared by the oracle, too, where g has no say. Networks
with different M (Figure 5, and "without diversity") must not be compared by the oracle: it picks
the best of M draws and is better off with more, whatever the draws are worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.evaluation.results import read_checked, write_checked
from tutorial_lib.metrics import bootstrap_interval

WAYS = ("oracle", "fixed", "first", "g")
#: The rows of each table or figure of the paper, in its order: what it is called here, and there.
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

_COUNTS = {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1}
_SHARES = {
    "type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 1
}  # fmt: skip
_MINUTES = {"type": "number", "minimum": 0}
_WAY = {
    "type": "object",
    "required": ["counts", "noc", "miou"],
    "additionalProperties": False,
    "properties": {
        "counts": {
            "type": "object",
            "required": ["85", "90"],
            "additionalProperties": _COUNTS,
        },
        "noc": {
            "type": "object",
            "required": ["85", "90"],
            "additionalProperties": {"type": "number", "minimum": 1},
        },
        "miou": _SHARES,
        "candidate": {"type": "integer", "minimum": 0},
    },
}
_RECIPE = {
    "type": "object",
    "required": [
        "changes", "heads", "shown", "images", "images_g", "minutes", "minutes_g", "loss",
        "commit", "ways",
    ],
    "additionalProperties": False,
    "properties": {
        "changes": {"type": "object"},
        "heads": {"type": "integer", "minimum": 1},
        "shown": {"enum": list(WAYS)},
        "images": {"type": "integer", "minimum": 1},
        "images_g": {"type": "integer", "minimum": 0},
        "minutes": _MINUTES,
        "minutes_g": _MINUTES,
        "loss": {"type": "number"},
        "commit": {"type": ["string", "null"]},
        "ways": {
            "type": "object",
            "propertyNames": {"enum": list(WAYS)},
            "additionalProperties": _WAY,
            "required": ["oracle"],
        },
    },
}  # fmt: skip
ABLATIONS_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Latent Diversity without one component each, all with the same budget",
    "type": "object",
    "required": ["schema", "command", "machine", "precision", "budget", "protocol", "recipes"],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "command": {"type": "string"},
        "machine": {"type": "object"},
        "precision": {"enum": ["float32", "bfloat16"]},
        "budget": {
            "type": "object",
            "required": ["steps", "steps_g", "settings"],
            "additionalProperties": False,
            "properties": {
                "steps": {"type": "integer", "minimum": 1},
                "steps_g": {"type": "integer", "minimum": 0},
                "settings": {"type": "array", "items": {"type": "string"}},
            },
        },
        "protocol": {
            "type": "object",
            "required": [
                "dataset", "root_name", "objects", "robot", "seed", "max_clicks", "size",
            ],
            "additionalProperties": False,
            "properties": {
                "dataset": {"type": "string"},
                "root_name": {"type": "string"},
                "objects": {"type": "integer", "minimum": 1},
                "robot": {"type": "string"},
                "seed": {"type": "integer", "minimum": 0},
                "max_clicks": {"type": "integer", "minimum": 1},
                "size": {"type": "integer", "minimum": 0},
            },
        },
        "recipes": {"type": "object", "additionalProperties": _RECIPE},
    },
}  # fmt: skip


def write_ablations(results: dict[str, Any], path: Path) -> None:
    """Write figures of ablations: whole or not at all, keys sorted.

    Parameters
    ----------
    results : dict
        As :data:`ABLATIONS_SCHEMA` describes it.
    path : Path
        JSON file; its folder is made if there is none.

    Raises
    ------
    jsonschema.ValidationError
        If the results do not fit the schema.
    """
    write_checked(results, ABLATIONS_SCHEMA, path)


def read_ablations(path: str | Path) -> dict[str, Any]:
    """Read figures of ablations.

    Parameters
    ----------
    path : str or Path
        JSON file that ``tools/measure_ablations.py`` wrote.

    Returns
    -------
    dict
        As :data:`ABLATIONS_SCHEMA` describes it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds something else; the text says where it differs.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Tables 3 and 4,
    Figure 5.
    """
    return read_checked(path, ABLATIONS_SCHEMA, "`make ablations` writes one")


def figures(recipe: Mapping[str, Any], way: str = "shown") -> Mapping[str, Any] | None:
    """Return a recipe's figures in one way of choosing.

    Parameters
    ----------
    recipe : mapping
        One of the file's ``recipes``.
    way : str
        One of :data:`WAYS`, or ``"shown"`` for what a user would see.

    Returns
    -------
    mapping or None
        ``noc``, ``counts`` (of every object) and ``miou`` (after 1, 2, ... clicks); None if it was
        not measured. With a single candidate all ways are one and the same.
    """
    chosen = recipe["shown"] if way == "shown" else way
    if recipe["heads"] == 1 and chosen != "g":
        chosen = "oracle"
    return recipe["ways"].get(chosen)


def paired_difference(
    recipe: Mapping[str, Any], full: Mapping[str, Any], threshold: int = 85, way: str = "shown"
) -> tuple[float, float, float] | None:
    """Return how many clicks more than the full model a recipe takes, and how sure that is.

    The same objects were asked of both, so the difference is taken object by object; that is
    sharper than a comparison of two means.

    Parameters
    ----------
    recipe, full : mapping
        Two of the file's ``recipes``.
    threshold : int
        The IoU to reach in per cent, 85 or 90.
    way : str
        As for :func:`figures`.

    Returns
    -------
    mean, low, high : float
        The mean difference and the ends of its bootstrap interval (95 %); None if one of the two
        was not measured in this way.

    Raises
    ------
    ValueError
        If the two were measured on different numbers of objects.
    """
    found = [figures(each, way) for each in (recipe, full)]
    if None in found:
        return None
    counts = [np.array(each["counts"][str(threshold)]) for each in found]
    if len(counts[0]) != len(counts[1]):
        raise ValueError(
            f"Only counts of the same objects can be compared, not {len(counts[0])} with "
            f"{len(counts[1])}."
        )
    apart = counts[0] - counts[1]
    return float(apart.mean()), *bootstrap_interval(apart)
