"""Measure the solvers of the random walker, and what its coarser grid costs.

``python tools/measure_random_walker.py`` solves Grady's system on three sample photos at 640 x 480,
with the default beta and the five clicks of ``bench``. It writes times and agreement to
``assets/results/random_walker_solvers.json``.

- direct: SuperLU on a grid of at most 40,000 pixels (what the package does)
- direct, full grid: the same at 307,200 pixels
- cg: conjugate gradients with a Jacobi preconditioner on the full grid
- multigrid: conjugate gradients with pyamg's Ruge-Stuben preconditioner on the full grid
  (scikit-image's mode ``cg_mg`` does the same); needs ``pip install pyamg``

Both iterative solvers stop at scikit-image's default tolerance, 1e-3 of the right-hand side.
Agreement is the IoU of each mask with the direct solution on the full grid, and with the known
mask.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import diags_array
from scipy.sparse.linalg import LinearOperator, cg

from tutorial_lib import Clicks, load_sample
from tutorial_lib.classical.random_walker import RandomWalker, laplacian, step_weights
from tutorial_lib.clock import timed
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.speed.bench import TIMED_PHOTOS
from tutorial_lib.evaluation.speed.scripted_photos import crop_to, scripted_photo
from tutorial_lib.metrics import iou

SIZE = (640, 480)
RUNS = 3


def multigrid(system: Any) -> LinearOperator:
    import pyamg

    return pyamg.ruge_stuben_solver(system).aspreconditioner(cycle="V")


def jacobi(system: Any) -> Any:
    return diags_array(1 / system.diagonal())


def iterate(photo: np.ndarray, clicks: Clicks, beta: float, preconditioner: Any) -> np.ndarray:
    """Solve on the full grid by conjugate gradients, with scikit-image's tolerance."""
    positive, negative = clicks.discs(photo.shape)
    graph = laplacian(*step_weights(photo, beta)).tocsr()
    clicked = np.flatnonzero(positive | negative)
    free = np.flatnonzero(~(positive | negative))
    system = graph[free][:, free]
    right_side = -graph[free][:, clicked] @ positive.ravel()[clicked].astype(float)
    answer = positive.astype(float).ravel()
    answer[free], _ = cg(
        system, right_side, rtol=1e-3, atol=0, M=preconditioner(system), maxiter=5000
    )
    return answer.reshape(positive.shape) >= 0.5


def measure(name: str) -> dict[str, Any]:
    """Time every solver on one photo."""
    scripted = scripted_photo(name, SIZE)
    photo, clicks = scripted.image, scripted.clicks
    sample = load_sample(name)
    truth = crop_to(sample.image, sample.mask, SIZE)[1]
    package, full = RandomWalker(), RandomWalker(pixels=photo[..., 0].size)
    prepared = {method: method.prepare(photo) for method in (package, full)}
    solvers = {
        "direct": lambda: package.segment(prepared[package], clicks).mask,
        "direct, full grid": lambda: full.segment(prepared[full], clicks).mask,
        "cg": lambda: iterate(photo, clicks, package.beta, jacobi),
    }
    if importlib.util.find_spec("pyamg"):
        solvers["multigrid"] = lambda: iterate(photo, clicks, package.beta, multigrid)
    else:
        print("pyamg is not installed, so multigrid is not measured: pip install pyamg")
    runs = {name: [timed(solve) for _ in range(RUNS)] for name, solve in solvers.items()}
    exact = runs["direct, full grid"][0][0]
    return {
        solver: {
            "ms": round(statistics.median(ms for _, ms in found), 1),
            "iou_with_full": round(iou(found[0][0], exact), 3),
            "iou_with_truth": round(iou(found[0][0], truth), 3),
        }
        for solver, found in runs.items()
    }


def main() -> None:
    """Measure all photos, and write the results."""
    photos = {}
    for name in TIMED_PHOTOS:
        photos[name] = measure(name)
        print(name, json.dumps(photos[name], indent=1))
    head = {"size": list(SIZE), "runs": RUNS, "commit": commit(), "machine": machine()}
    path = Path(__file__).parents[1] / "assets" / "results" / "random_walker_solvers.json"
    path.write_text(json.dumps({**head, "photos": photos}, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
