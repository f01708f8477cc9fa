"""Measure two additions to Latent Diversity: zooming in, and flip averaging.

``python tools/measure_extras.py --root DIR`` lets the robot ``center`` use ``latent-diversity``
plain, with zoom-in after the first click (Sofiiuk et al., f-BRS, CVPR 2020), with the average over
the photo and its mirror image, and with both. It does so on three sets of objects, and writes
``assets/results/extras.json``:

- the validation photos of DIR, a folder of images/ and masks/;
- the same photos with objects a third as long: each photo is shrunk, and surrounded with mirror
  images of itself up to its old size;
- small parts in drawn scenes (less than 1 % of the picture), which need no data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from joblib import Parallel, delayed

from tutorial_lib.data.datasets import Dataset, Subset, load_dataset
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.data.toy_world import ToyWorld
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.oracle import simulate_with_options, summarise_curves
from tutorial_lib.evaluation.selectors import (
    ExtrasOnSet,
    ExtrasResults,
    SettingFigures,
    write_extras,
)

OUT = Path(__file__).parents[1] / "assets" / "results" / "extras.json"
SETTINGS = {
    "plain": {"zoom": False},
    "zoom": {"zoom": True},
    "flip": {"zoom": False, "flip": True},
    "zoom + flip": {"zoom": True, "flip": True},
}
TOYS, TOY_SIZE, SMALL, CLICKS = 12, (480, 640), 0.01, 20


class Shrunk:
    """The photos of a dataset, shrunk and surrounded with mirror images of themselves.

    Parameters
    ----------
    dataset : Dataset
        The photos to shrink.
    factor : int
        How many times shorter the objects become. An odd number keeps the photo in the middle.
    """

    def __init__(self, dataset: Dataset, factor: int = 3) -> None:
        self.dataset, self.factor = dataset, factor
        self.name, self.root, self.ids = dataset.name, dataset.root, dataset.ids

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Example:
        example = self.dataset[index]
        rows, cols = example.truth.shape
        small = cols // self.factor, rows // self.factor
        image = cv2.resize(example.image, small, interpolation=cv2.INTER_AREA)
        truth, unknown = (
            None if mask is None else cv2.resize(mask.astype(np.uint8), small) > 0
            for mask in (example.truth, example.ignore)
        )
        down, across = rows - small[1], cols - small[0]
        frame = ((down // 2, down - down // 2), (across // 2, across - across // 2))
        return Example(
            example.id,
            np.pad(image, (*frame, (0, 0)), mode="symmetric"),
            np.pad(truth, frame),
            None if unknown is None else np.pad(unknown, frame),
        )


def small_parts() -> Subset:
    """Return the small objects of drawn scenes."""
    world = ToyWorld(TOYS, TOY_SIZE, seed=1)
    sizes = [example.truth.mean() for example in world]
    return Subset(world, [place for place, size in enumerate(sizes) if size < SMALL])


def measure(data: Any, weights: str, limit: int | None, workers: int) -> ExtrasOnSet:
    """Return what Latent Diversity reaches with each setting on a set of objects."""
    examples = [data[index] for index in range(len(data))[:limit]]
    found = {}
    for name, options in SETTINGS.items():
        text = json.dumps(options | {"weights": weights})
        trajectories = Parallel(n_jobs=workers)(
            delayed(simulate_with_options)(text, example, CLICKS) for example in examples
        )
        curves = [trajectory.ious for trajectory in trajectories]
        found[name] = SettingFigures(**summarise_curves(curves, CLICKS))
    return ExtrasOnSet(dataset=data.root.resolve().name, objects=len(examples), ways=found)


def main(
    root: Annotated[Path, typer.Option(help="A folder of images/ and masks/, for validation.")],
    weights: Annotated[str, typer.Option(help="A name or a file.")] = "latent-diversity",
    limit: Annotated[int | None, typer.Option(help="Only the first objects of each set.")] = None,
    workers: Annotated[int, typer.Option(help="Processes; -1 for one per core.")] = -1,
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = OUT,
) -> None:
    """Measure all settings on all sets."""
    photos = load_dataset("folder", root)
    sets = {"as they are": photos, "a third as long": Shrunk(photos), "small parts": small_parts()}
    found = {}
    for name, data in sets.items():
        found[name] = measure(data, weights, limit, workers)
        for setting, figures in found[name].settings.items():
            print(f"{name:<18}{setting:<14}{figures.noc}", flush=True)
    precision = LatentDiversity(weights).precision
    head = {"schema": 1, "commit": commit(), "machine": machine(), "precision": precision}
    write_extras(ExtrasResults(**head, sets=found), out)


if __name__ == "__main__":
    typer.run(main)
