"""Measure what selection is worth: compare g with every fixed candidate and with an oracle.

``python tools/measure_selection.py --root DIR --dataset grabcut`` lets the robot ``center`` use one
pair of networks with several selectors: g, each candidate always, and an oracle that knows the
answer and shows the best one. The robot clicks anew for each selector: what is shown decides where
it clicks next. ``--other "g of the paper=FILE"`` measures g of another pair of networks. The
figures are added to ``assets/results/selection.json`` under the dataset's name: NoC, mean IoU after
each of the first five clicks, the share of clicked pixels that have the clicked label in the end,
and how much of the gap between the best fixed candidate and the oracle g closes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from joblib import Parallel, delayed

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.oracle import simulate_with_options, summarise_curves
from tutorial_lib.evaluation.selectors import (
    SelectionOnDataset,
    SelectionResults,
    SelectorFigures,
    read_selection,
    write_selection,
)
from tutorial_lib.metrics import THRESHOLDS
from tutorial_lib.options import split
from tutorial_lib.users.simulation import Trajectory

OUT = Path(__file__).parents[1] / "assets" / "results" / "selection.json"
CLICKS, NOC = 20, tuple(map(str, THRESHOLDS))


def clicked_pixels_right(found: Trajectory) -> float:
    """Return the share of clicked pixels that have the clicked label in the last mask."""
    return float(np.mean([found.mask[c.row, c.col] == c.positive for c in found.clicks]))


def measure(
    selector: str, options: dict[str, Any], examples: list[Example], robot: str, workers: int
) -> SelectorFigures:
    """Let the robot use Latent Diversity with one selector on all objects."""
    found = Parallel(n_jobs=workers)(
        delayed(simulate_with_options)(
            json.dumps(options), example, CLICKS, robot, selector == "oracle"
        )
        for example in examples
    )
    right = round(float(np.mean([clicked_pixels_right(each) for each in found])), 4)
    summary = summarise_curves([each.ious for each in found], CLICKS)
    miou = [round(value, 3) for value in summary["miou"]]
    print(f"{selector:<16}{summary['noc']} clicked pixels right {right:.1%} mean IoU {miou}")
    return SelectorFigures(**summary, clicked_pixels_right=right)


def recovered(selectors: dict[str, SelectorFigures], threshold: str) -> float | None:
    """Return how much of the gap between the best fixed candidate and the oracle g closes."""
    counts = {name: figures.noc[threshold] for name, figures in selectors.items()}
    fixed = min(count for name, count in counts.items() if name.startswith("candidate"))
    gap = fixed - counts["oracle"]
    return round((fixed - counts["g"]) / gap, 3) if gap > 0 else None


def main(
    root: Annotated[Path, typer.Option(help="The dataset's folder.")],
    dataset: Annotated[str, typer.Option(help="Its layout, such as grabcut or folder.")],
    weights: Annotated[str, typer.Option(help="A name or a file.")] = "latent-diversity",
    other: Annotated[list[str] | None, typer.Option(help="NAME=FILE of another pair.")] = None,
    out: Annotated[Path, typer.Option(help="The file to add the figures to.")] = OUT,
    robot: Annotated[str, typer.Option(help="center, geodesic or human.")] = "center",
    limit: Annotated[int, typer.Option(help="Only so many objects; 0 for all.")] = 0,
    size: Annotated[int | None, typer.Option(help="Working size, instead of the preset's.")] = None,
    zoom: Annotated[bool | None, typer.Option(help="Zoom in on small objects or not.")] = None,
    flip: Annotated[bool, typer.Option(help="Average with the mirror image.")] = False,
    only: Annotated[str, typer.Option(help="Only selectors that begin so, such as g.")] = "",
    workers: Annotated[int, typer.Option(help="Processes; -1 for one per core.")] = -1,
) -> None:
    """Compare the selectors."""
    data = load_dataset(dataset, root)
    common = {"size": size, "zoom": zoom, "flip": flip}
    method = LatentDiversity(weights)
    heads = method.networks.f.design.heads
    options: dict[str, dict[str, Any]] = {"g": {"weights": weights}}
    options |= {name: {"weights": path} for name, path in split(other or [], "pair").items()}
    options["oracle"] = {"weights": weights}
    options |= {f"candidate {k}": {"weights": weights, "show": k} for k in range(heads)}
    examples = [data[index] for index in range(min(limit or len(data), len(data)))]
    selectors = {
        name: measure(name, own | common, examples, robot, workers)
        for name, own in options.items()
        if name.startswith(only)
    }
    gaps = {} if only else {"recovered": {t: recovered(selectors, t) for t in NOC}}
    print(gaps or "")
    entry = SelectionOnDataset(
        root_name=root.name,
        robot=robot,
        objects=len(examples),
        **common,
        ways=selectors,
        **gaps,
        commit=commit(),
        machine=machine(),
        precision=method.precision,
    )
    held = read_selection(out).datasets if out.is_file() else {}
    write_selection(SelectionResults(schema=1, datasets=held | {root.name: entry}), out)


if __name__ == "__main__":
    typer.run(main)
