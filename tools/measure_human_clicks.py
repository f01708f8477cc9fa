"""Find the exponent of the robot ``human`` that agrees with published figures of people's clicks.

``python tools/measure_human_clicks.py --root DIR`` reads four benchmarks in DIR: GrabCut, Berkeley,
davis-val and coco-800. Only their masks count. Antonov et al. (NeurIPS 2024) report how dense two
distributions over the error are at people's clicks, on average: a uniform one, and one that is
proportional to depth. The tool takes first clicks, so the error is the object. It finds the
exponent of :class:`~tutorial_lib.users.human_clicks.HumanClicks` with the same ratio of the two.
The result describes people, not a method. It goes to ``assets/results/human_clicks.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from scipy.optimize import brentq

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.evaluation.machine import commit
from tutorial_lib.evaluation.published import RCLICKS_DENSITY
from tutorial_lib.paths import write_atomically
from tutorial_lib.users.region_depth import depth

OUT = Path(__file__).parents[1] / "assets" / "results" / "human_clicks.json"
#: Folder and layout of each dataset of the published table.
SETS = {
    "grabcut": ("GrabCut", "grabcut"),
    "berkeley": ("Berkeley", "berkeley"),
    "davis": ("davis-val", "folder"),
    "coco": ("coco-800", "folder"),
}


def density_ratio(relative: list[np.ndarray], areas: np.ndarray, exponent: float) -> float:
    """Return the ratio of two mean densities at clicks drawn by depth to a power.

    Parameters
    ----------
    relative : list of np.ndarray
        For each object ``(n,)``: the depth of each of its pixels, relative to the deepest.
    areas : np.ndarray
        Pixels of each object.
    exponent : float
        The power.

    Returns
    -------
    float
        Mean density of the distribution proportional to depth, over that of the uniform one.
    """
    proportional = []
    for depths in relative:
        weights = depths**exponent
        proportional.append(weights @ depths / weights.sum() / depths.sum())
    return float(np.mean(proportional) / np.mean(1 / areas))


def main(
    root: Annotated[
        Path, typer.Option(help="Folder of GrabCut/, Berkeley/, davis-val/ and coco-800/.")
    ],
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = OUT,
) -> None:
    """Find the exponent for each dataset, and write all four."""
    found = {}
    for name, (folder, layout) in SETS.items():
        masks = [example.truth for example in load_dataset(layout, root / folder)]
        depths = [depth(mask)[mask] for mask in masks]
        relative = [values / values.max() for values in depths]
        areas = np.array([values.size for values in depths], dtype=float)
        uniform, proportional = RCLICKS_DENSITY.rows[name]
        target = proportional / uniform
        exponent = brentq(lambda k: density_ratio(relative, areas, k) - target, 0, 50)  # noqa: B023
        found[name] = {
            "objects": len(masks),
            "published_ratio": round(target, 3),
            "concentration": round(float(exponent), 3),
        }
        print(name, found[name])
    plain = {"schema": 1, "commit": commit(), "source": RCLICKS_DENSITY.source, "datasets": found}
    write_atomically(out, (json.dumps(plain, indent=1) + "\n").encode())


if __name__ == "__main__":
    typer.run(main)
