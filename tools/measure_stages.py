"""Compare FCN-32s, FCN-16s and FCN-8s, each with and without graph cut.

``python tools/measure_stages.py --root DIR --dataset grabcut`` lets the robot ``center`` use all
six, and writes ``assets/results/dos_stages.json`` (or ``--out``) in the format of ``evaluate``.
After an interruption the same command continues.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.evaluation.accuracy import evaluate

OUT = Path(__file__).parents[1] / "assets" / "results" / "dos_stages.json"
WEIGHTS = {"dos-32s": "dos-32s", "dos-16s": "dos-16s", "dos-8s": "dos"}
METHODS = {"": "dos-no-graph-cut", " + graph cut": "dos"}


def main(
    root: Annotated[Path, typer.Option(help="The dataset's folder.")],
    dataset: Annotated[str, typer.Option(help="Its layout, such as grabcut or folder.")],
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = OUT,
    workers: Annotated[int, typer.Option(help="Processes; -1 for one per core.")] = -1,
) -> None:
    """Evaluate three networks with and without graph cut."""
    chosen = {
        f"{label}{refined}": (method, {"weights": name})
        for label, name in WEIGHTS.items()
        for refined, method in METHODS.items()
    }
    results = evaluate(chosen, load_dataset(dataset, root), out, workers=workers, force=True)
    for label, found in results.methods.items():
        print(f"{label:<22}{found.noc['85']:6.2f}{found.noc['90']:6.2f}")


if __name__ == "__main__":
    typer.run(main)
