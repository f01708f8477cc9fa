"""Measure how much time graph cut saves when it reuses the flow and search trees of the last cut.

``python tools/measure_graph_reuse.py`` (or ``make measure``) cuts two sample photos at 640 x 480
click by click, and writes medians to ``assets/results/graph_cut_reuse.json``. It also checks that
the masks are equal.

- rebuild: a new graph and a new cut for every click
- cold: the graph is kept, and the cut starts without flow
- warm: graph, flow and search trees are kept (what the package does)

The cuts are exact, not in a band, so that all three solve the same problem.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import cv2
import numpy as np

import tutorial_lib.classical.graph_cut as graph_cut
from tutorial_lib import Click, Clicks, load_sample
from tutorial_lib.classical.colour_models import HistogramModel, object_posterior
from tutorial_lib.classical.fast import PixelGraph
from tutorial_lib.clock import timed
from tutorial_lib.evaluation.machine import commit, machine

SIZE = (640, 480)
RUNS = 3
# One click of each kind, then corrections, as fractions of height and width.
CLICKS = {
    "astronaut": "42,44,+ 12,9,- 80,47,+ 62,9,- 21,88,- 88,23,+ 25,42,+ 6,47,-",
    "flower": "54,47,+ 12,9,- 89,87,- 35,52,+ 61,34,+ 94,16,- 23,88,- 70,62,+",
}


def costs(method: graph_cut.GraphCut, prepared: graph_cut.GraphCutPrepared, clicks: Clicks):
    """Return the costs of both labels as the method sets them, with hard constraints."""
    positive, negative = clicks.discs(prepared.shape, method.radius)
    posterior = object_posterior(
        HistogramModel(), prepared.palette, prepared.image, positive, negative
    )
    return method.terminal_costs(prepared, posterior, positive, negative)


def measure(name: str, text: str) -> dict[str, float]:
    """Cut one photo click by click in all three ways. The masks must be equal."""
    photo = cv2.resize(load_sample(name).image, SIZE, interpolation=cv2.INTER_AREA)
    method = graph_cut.GraphCut(exact=True)
    prepared = method.prepare(photo)
    weights = graph_cut.pairwise_weights(photo)
    clicks = Clicks()
    times: dict[str, list[float]] = {"rebuild": [], "cold": [], "warm": []}
    for part in text.split():
        percent = Click.parse(part)
        at = (percent.row * SIZE[1] // 100, percent.col * SIZE[0] // 100)
        clicks = clicks.add(Click(*at, percent.positive))
        if not (len(clicks.positives) and len(clicks.negatives)):
            continue
        pair = costs(method, prepared, clicks)
        mask, warm = timed(lambda pair=pair: prepared.graph.cut(*pair))
        fresh, built = timed(lambda: PixelGraph(weights, photo.shape[:2]))
        again, cold = timed(lambda fresh=fresh, pair=pair: fresh.cut(*pair))
        assert np.array_equal(mask, again), "a warm cut must equal a cold one"
        for key, value in (("rebuild", built + cold), ("cold", cold), ("warm", warm)):
            times[key].append(value)
    corrections = {key: values[1:] for key, values in times.items()}  # the first cut is never warm
    return {
        **{f"{key}_ms": statistics.median(values) for key, values in corrections.items()},
        "first_ms": times["warm"][0],
    }


def main() -> None:
    """Measure all photos, and write the medians of several runs."""
    photos = {}
    for name, text in CLICKS.items():
        runs = [measure(name, text) for _ in range(RUNS)]
        photos[name] = {key: round(statistics.median(r[key] for r in runs), 1) for key in runs[0]}
        print(name, photos[name])
    result = {
        "size": list(SIZE),
        "runs": RUNS,
        "commit": commit(),
        "machine": machine(),
        "equal_masks": True,
        "photos": photos,
    }
    path = Path(__file__).parents[1] / "assets" / "results" / "graph_cut_reuse.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
