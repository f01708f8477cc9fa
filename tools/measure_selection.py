"""Measure what selection is worth: g beside every fixed candidate, and beside an oracle.

``python tools/measure_selection.py --root DIR --dataset grabcut`` lets the robot ``center`` use one
pair of networks in several ways: with g's choice, with each candidate always shown, and with an
oracle that shows the best one, knowing the answer. Each way is a conversation of its own: what is
shown decides where the robot clicks next. ``--other "g of the paper=FILE"`` measures another pair
of networks in the first way. The figures are added to ``assets/results/selection.json`` under the
dataset's name: NoC, mean IoU after each of the first five clicks, the share of clicked pixels that
end with the label they were given, and which part of the distance from the best fixed candidate to
the oracle g recovers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from joblib import Parallel, delayed

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.oracle import converse_with, summed_up
from tutorial_lib.options import split
from tutorial_lib.users.simulation import Trajectory

OUT = Path(__file__).parents[1] / "assets" / "results" / "selection.json"
CLICKS = 20


def clicked_pixels_right(found: Trajectory) -> float:
    """Return the share of clicked pixels that have the clicked label in the last mask."""
    return float(np.mean([found.mask[c.row, c.col] == c.positive for c in found.clicks]))


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
    robot: Annotated[str, typer.Option(help="center or geodesic.")] = "center",
    limit: Annotated[int, typer.Option(help="Only so many objects; 0 for all.")] = 0,
    size: Annotated[int | None, typer.Option(help="Working size, instead of the preset's.")] = None,
    zoom: Annotated[bool | None, typer.Option(help="Zoom in on small objects or not.")] = None,
    flip: Annotated[bool, typer.Option(help="Average with the mirror image.")] = False,
    only: Annotated[str, typer.Option(help="Only ways that begin so, such as g.")] = "",
    workers: Annotated[int, typer.Option(help="Processes; -1 for one a core.")] = -1,
) -> None:
    """Compare the ways of choosing."""
    data = load_dataset(dataset, root)
    common = {"size": size, "zoom": zoom, "flip": flip}
    built = LatentDiversity(weights)
    heads = built.networks.f.design.heads
    ways: dict[str, dict[str, Any]] = {"g": {"weights": weights}}
    ways |= {name: {"weights": path} for name, path in split(other or [], "pair").items()}
    ways["oracle"] = {"weights": weights}
    ways |= {f"candidate {k}": {"weights": weights, "show": k} for k in range(heads)}
    ways = {name: options | common for name, options in ways.items() if name.startswith(only)}
    examples = [data[place] for place in range(min(limit or len(data), len(data)))]
    result = {}
    for name, options in ways.items():
        found = Parallel(n_jobs=workers)(
            delayed(converse_with)(json.dumps(options), each, CLICKS, robot, name == "oracle")
            for each in examples
        )
        figures = summed_up([each.ious for each in found], CLICKS)
        figures["clicked_pixels_right"] = round(float(np.mean([kept(each) for each in found])), 4)
        result[name] = figures
        right, miou = figures["clicked_pixels_right"], [round(x, 3) for x in figures["miou"]]
        text = f"{figures['noc']} clicked pixels right {right:.1%} mean IoU {miou}"
        print(f"{name:<16}{text}", flush=True)
    entry: dict[str, Any] = {"root_name": root.name, "robot": robot, "objects": len(examples)}
    entry |= common | {"ways": result}
    if not only:
        entry["recovered"] = {t: recovered(result, t) for t in result["g"]["noc"]}
        print("recovered", entry["recovered"])
    held = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {"datasets": {}}
    entry |= {"commit": commit(), "machine": machine(), "precision": built.precision}
    held = {"schema": 1, "datasets": held["datasets"] | {root.name: entry}}
    out.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
