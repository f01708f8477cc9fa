"""Measure what it saves to project hypercolumns before upsampling, not after it as in the paper.

``python tools/measure_hypercolumn.py`` computes the hypercolumns of a photo of 640 x 480 pixels in
both orders. It writes time, memory and the largest difference to
``assets/results/hypercolumn.json``.

- project, upsample, add: what the package does
- upsample, concatenate, project: Figure 1 of Li et al., CVPR 2018, with the same weights

Time and memory depend only on shapes. So the feature maps are random numbers, and no trained
weights are needed: five maps of VGG-19 at full resolution, as in the paper, and five maps of
EfficientNet-Lite0 at half resolution. Each run is a process of its own with one thread, and the
two orders alternate. Memory is the rise of the process's peak after maps and weights are loaded.
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
    """Return a hypercolumn with random weights, random feature maps, and the output size."""
    with torch.device("meta"):
        levels = backbone(name, pretrained=False).levels
    torch.manual_seed(0)
    hypercolumn = Hypercolumn(levels, stride=STRIDES[name]).eval()
    # Channels last from the start: a conversion would raise the peak before it is measured.
    maps = [
        torch.rand(1, *(math.ceil(side / x.stride) for side in SIZE), x.channels) for x in levels
    ]
    maps = [x.permute(0, 3, 1, 2) for x in maps]
    return hypercolumn, maps, tuple(math.ceil(side / STRIDES[name]) for side in SIZE)


def measure(name: str, order: str) -> tuple[list[float], float | None]:
    """Return milliseconds of each run, and the rise of the memory peak in megabytes."""
    torch.set_num_threads(1)
    hypercolumn, maps, size = prepare(name)
    with torch.inference_mode():
        before = peak_megabytes()
        ORDERS[order](hypercolumn, maps, size)
        after = peak_megabytes()
        times = [timed(lambda: ORDERS[order](hypercolumn, maps, size))[1] for _ in range(RUNS)]
    return times, None if after is None else after - before


def difference(name: str) -> float:
    """Return the largest difference between the two results."""
    hypercolumn, maps, size = prepare(name)
    with torch.inference_mode():
        first, second = (order(hypercolumn, maps, size) for order in ORDERS.values())
    return (first - second).abs().max().item()


def compare(name: str) -> dict[str, Any]:
    """Measure both orders in alternation on the maps of one backbone."""
    times: dict[str, list[float]] = {order: [] for order in ORDERS}
    peaks: dict[str, list[float | None]] = {order: [] for order in ORDERS}
    # Spawned, not forked: a process must not start with the memory of another.
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
    """Measure both backbones, and write the results."""
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
