"""Measure what selection is worth: g beside every fixed candidate, and beside an oracle.

``python tools/measure_selection.py WEIGHTS --root DIR --dataset grabcut`` lets the robot ``center``
use one pair of networks in several ways: with g's choice, with each candidate always shown, and
with an oracle that shows the best one, knowing the answer. It prints NoC, how much of the distance
from the best fixed candidate to the oracle g recovers, and how often a clicked pixel ends with the
label it was given; ``--out`` writes the same as JSON.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.layouts.base import Example
from tutorial_lib.deep.latent_diversity import LatentDiversity
from tutorial_lib.deep.remembered import Answer, LatentDiversityPrepared
from tutorial_lib.evaluation.metrics import iou, noc
from tutorial_lib.evaluation.robots import simulate

THRESHOLDS = (0.85, 0.9)


class Oracle(LatentDiversity):
    """Shows the best candidate of ``example``."""

    example: Example

    def _chosen(self, prepared: LatentDiversityPrepared, answer: Answer) -> Answer:
        masks = self._at_full_size(prepared, answer) >= 0.5
        known, ignore = self.example.truth, self.example.ignore
        return replace(answer, scores=torch.tensor([iou(mask, known, ignore) for mask in masks]))


def kept(segmenter: LatentDiversity, example: Example, clicks: Any) -> float:
    """Return the share of clicked pixels that end with the label they were given."""
    mask = segmenter.segment(segmenter.prepare(example.image), clicks).mask
    return float(np.mean([mask[c.row, c.col] == c.positive for c in clicks]))


def measure(segmenter: LatentDiversity, examples: list[Example], robot: str) -> dict[str, Any]:
    """Let a robot use one segmenter on all examples."""
    curves, right, times = [], [], []
    for example in examples:
        if isinstance(segmenter, Oracle):
            segmenter.example = example
        found = simulate(segmenter, example.image, example.truth, example.ignore, robot)
        curves.append(found.ious)
        times += found.ms_clicks
        right.append(kept(segmenter, example, found.clicks))
    return {
        "noc": {f"{100 * t:.0f}": round(noc(curves, t), 3) for t in THRESHOLDS},
        "clicked_pixels_right": round(float(np.mean(right)), 4),
        "ms_click": round(float(np.median(times)), 1),
    }


def main(
    weights: Annotated[str, typer.Argument(help="A name, or a file that training wrote.")],
    root: Annotated[Path, typer.Option(help="The dataset's folder.")],
    dataset: Annotated[str, typer.Option(help="Its layout, such as grabcut or folder.")],
    out: Annotated[Path | None, typer.Option(help="A file for the figures.")] = None,
    robot: Annotated[str, typer.Option(help="center or geodesic.")] = "center",
    limit: Annotated[int, typer.Option(help="Only so many examples; 0 for all.")] = 0,
    size: Annotated[int | None, typer.Option(help="Working size, instead of the preset's.")] = None,
    zoom: Annotated[bool, typer.Option(help="Zoom in after the first click.")] = False,
    flip: Annotated[bool, typer.Option(help="Average with the mirror image.")] = False,
) -> None:
    """Compare the ways of choosing."""
    data = load_dataset(dataset, root)
    examples = [data[index] for index in range(min(limit or len(data), len(data)))]
    options = {"weights": weights, "size": size, "zoom": zoom, "flip": flip}
    chosen = LatentDiversity(**options)
    heads = chosen.networks.f.design.heads
    ways = {"g": chosen, "oracle": Oracle(**options)}
    ways |= {f"candidate {head}": LatentDiversity(**options, show=head) for head in range(heads)}
    found: dict[str, Any] = {}
    for name, segmenter in ways.items():
        found[name] = measure(segmenter, examples, robot)
        print(f"{name:<14}{found[name]}", flush=True)
    for threshold in found["g"]["noc"]:
        counts = {name: figures["noc"][threshold] for name, figures in found.items()}
        fixed = min(count for name, count in counts.items() if name.startswith("candidate"))
        gap = fixed - counts["oracle"]
        share = (fixed - counts["g"]) / gap if gap > 0 else float("nan")
        print(
            f"NoC@{threshold}: best fixed {fixed}, oracle {counts['oracle']}, recovered {share:.0%}"
        )
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
