"""Choose the constants of the methods on validation photos, and record every figure.

``python tools/choose_constants.py --root DIR`` chooses one constant of a method after another. It
tries each of the values below, while the other constants stay, and keeps the value with the fewest
clicks (mean of NoC@85 and NoC@90, robot ``center``, at most 20 clicks). All figures go to
``assets/results/constants.json``. A test checks that the methods' defaults are the values chosen
there. ``--work`` keeps finished figures, so that they are not computed again.

DIR is a plain folder of images/ and masks/ (0 background, 128 ignore, 255 object).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tutorial_lib.data.datasets import Subset, load_dataset
from tutorial_lib.evaluation.accuracy import evaluate
from tutorial_lib.evaluation.machine import commit, machine

OUT = Path(__file__).parents[1] / "assets" / "results" / "constants.json"
Options = dict[str, Any]

# The values to try, in order. The search starts with the first of each.
CONSTANTS: dict[str, dict[str, list[Any]]] = {
    "graph-cut": {"lam": [0.02, 0.01, 0.005, 0.04], "clip": [0.01, 0.001, 0.1]},
    "random-walker": {"beta": [90.0, 300.0, 1000.0, 3000.0]},
    "geodesic-matting": {"step": [0.0005, 0.0, 0.002, 0.005]},
    "euclidean-star": {"lam": [0.01, 0.02, 0.005]},
    "geodesic-star": {"lam": [0.01, 0.02], "gamma": [0.7, 0.3, 0.9]},
    "growcut": {"attack": ["gaussian", "linear"]},
    "dos-no-graph-cut": {"size": [448, 512, 576]},
    "dos": {"lam": [0.05, 0.02, 0.01, 0.1], "size": [448, 512, 576]},
}


def clicks_needed(row: dict[str, Any]) -> float:
    return (row["noc"]["85"] + row["noc"]["90"]) / 2


def measure(method: str, options: Options, photos: Subset, work: Path, workers: int) -> dict:
    """Evaluate a method with given constants, unless this very run was done before."""
    text = ",".join(f"{key}={value}" for key, value in sorted(options.items()))
    out = work / f"{method}({text}).json"
    results = evaluate({method: (method, options)}, photos, out, workers=workers)
    found = results.methods[method]
    return {"options": options, "noc": found.noc, "miou": list(found.miou)}


def choose(method: str, photos: Subset, work: Path, workers: int) -> dict[str, Any]:
    """Choose the best value of one constant after another."""
    values = CONSTANTS[method]
    chosen: Options = {name: tried[0] for name, tried in values.items()}
    rows: list[dict[str, Any]] = []
    for name, tried in values.items():
        column = [measure(method, {**chosen, name: v}, photos, work, workers) for v in tried]
        chosen = min(column, key=clicks_needed)["options"]
        rows += [row for row in column if row not in rows]
        print(method, [(row["options"][name], round(clicks_needed(row), 2)) for row in column])
    return {"commit": commit(), "chosen": chosen, "tried": rows}


def main(
    root: Annotated[Path, typer.Option(help="Validation photos: a folder of images/ and masks/.")],
    method: Annotated[list[str] | None, typer.Option(help="Repeatable; all if not given.")] = None,
    every: Annotated[int, typer.Option(help="Take every nth photo.")] = 3,
    workers: Annotated[int, typer.Option(help="Processes; -1 for one per core.")] = -1,
    work: Annotated[Path, typer.Option(help="Folder that keeps finished figures.")] = Path(
        "build/constants"
    ),
) -> None:
    """Choose constants on validation photos, and write every figure."""
    known = load_dataset("folder", root)
    photos = Subset(known, range(0, len(known), every))  # photos of all kinds
    kept = json.loads(OUT.read_text()) if OUT.exists() else {"methods": {}}
    for name in method or CONSTANTS:
        kept["methods"][name] = choose(name, photos, work, workers)
    head = {
        "root_name": root.resolve().name,
        "photos": len(photos),
        "robot": "center",
        "criterion": "mean of NoC@85 and NoC@90, at most 20 clicks",
        "machine": machine(),
    }
    OUT.write_text(json.dumps({**head, "methods": kept["methods"]}, indent=1) + "\n")
    print(OUT)


if __name__ == "__main__":
    typer.run(main)
