"""Measure what projecting before upsampling saves, against the paper's order of steps.

``python tools/measure_hypercolumn.py`` computes the hypercolumns of one photo of 640 x 480 pixels
in both orders and writes time, memory and agreement to ``assets/results/hypercolumn.json``.

- project, upsample, add: what the package does
- upsample, concatenate, project: Figure 1 of Li et al., CVPR 2018, with the same weights

Time and memory depend on shapes alone, so the maps are random numbers and no weights are needed:
VGG-19's five at full resolution, as in the paper, and EfficientNet-Lite0's five at half resolution.
Each run is a process of its own, on one thread, and the two orders take turns. Memory is how far
the process's peak rises above what it held with maps and weights loaded.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tutorial_lib.clock import timed
from tutorial_lib.deep.backbones.by_name import backbone
from tutorial_lib.deep.networks.hypercolumn import Hypercolumn, upsample_concatenate_project
from tutorial_lib.evaluation.machine import commit, machine, peak_megabytes

SIZE = (480, 640)  # rows, columns
STRIDES = {"vgg19": 1, "efficientnet-lite0": 2}
ROUNDS, RUNS = 3, 3

Order = Callable[[Hypercolumn, list[Tensor], tuple[int, int]], Tensor]
ORDERS: dict[str, Order] = {
    "project, upsample, add": lambda hypercolumn, maps, size: hypercolumn(maps, size),
    "upsample, concatenate, project": upsample_concatenate_project,
}


def prepare(name: str) -> tuple[Hypercolumn, list[Tensor], tuple[int, int]]:
    """Return a hypercolumn with random weights, random maps and the size of the result."""
    with torch.device("meta"):
        levels = backbone(name, pretrained=False).levels
    torch.manual_seed(0)
    hypercolumn = Hypercolumn(levels, stride=STRIDES[name]).eval()
    # Channels last from the start: turning them would raise the peak that memory is counted from.
    maps = [
        torch.rand(1, *(math.ceil(side / x.stride) for side in SIZE), x.channels) for x in levels
    ]
    maps = [x.permute(0, 3, 1, 2) for x in maps]
    return hypercolumn, maps, tuple(math.ceil(side / STRIDES[name]) for side in SIZE)


def measure(name: str, order: str) -> tuple[list[float], float | None]:
    """Return milliseconds of each run, and by how many megabytes the first raised the peak."""
    torch.set_num_threads(1)
    hypercolumn, maps, size = prepare(name)
    with torch.inference_mode():
        before = peak_megabytes()
        ORDERS[order](hypercolumn, maps, size)
        after = peak_megabytes()
        times = [timed(lambda: ORDERS[order](hypercolumn, maps, size))[1] for _ in range(RUNS)]
    return times, None if after is None else after - before


def difference(name: str) -> float:
    """Return by how much the two results differ at most."""
    hypercolumn, maps, size = prepare(name)
    with torch.inference_mode():
        first, second = (order(hypercolumn, maps, size) for order in ORDERS.values())
    return (first - second).abs().max().item()


def compare(name: str) -> dict[str, Any]:
    """Measure both orders in turns on one backbone's maps."""
    times: dict[str, list[float]] = {order: [] for order in ORDERS}
    peaks: dict[str, list[float | None]] = {order: [] for order in ORDERS}
    # Started afresh, not forked: a process must not begin with the memory of another.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for _ in range(ROUNDS):
            for order in ORDERS:
                milliseconds, peak = pool.apply(measure, (name, order))
                times[order] += milliseconds
                peaks[order].append(peak)
        largest = pool.apply(difference, (name,))
    hypercolumn, _, size = prepare(name)
    found = {
        order: {
            "ms": round(statistics.median(times[order]), 1),
            "peak_mb": None if None in peaks[order] else round(statistics.median(peaks[order]), 1),
        }
        for order in ORDERS
    }
    channels = sum(level.channels for level in hypercolumn.levels)
    return {
        "channels": channels, "width": hypercolumn.width, "result": list(size),
        "largest_difference": float(f"{largest:.1e}"), "orders": found,
    }  # fmt: skip


def main() -> None:
    """Measure both backbones and write what was found."""
    backbones = {}
    for name in STRIDES:
        backbones[name] = compare(name)
        print(name, json.dumps(backbones[name], indent=1))
    head = {"size": list(SIZE), "threads": 1, "rounds": ROUNDS, "runs": RUNS,
            "commit": commit(), "machine": machine()}  # fmt: skip
    path = Path(__file__).parents[1] / "assets" / "results" / "hypercolumn.json"
    path.write_text(json.dumps({**head, "backbones": backbones}, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
