"""Measure IoU after a single click, on kinds of objects seen in training and on others.

``python tools/measure_one_click.py --root DIR`` (or ``make one-click ROOT=DIR``) repeats Table 2 of
Xu et al. (Deep Interactive Object Selection, CVPR 2016, section 4.3) at this package's scale, and
writes ``assets/results/one_click.json``. DIR holds two datasets in their own folders:

- ``clothing-co-parsing``, seen: every garment on the held-out photos. All networks were trained on
  such garments, but not on these photos.
- ``iseg-voc``, unseen: photos with one object each, most of them from PASCAL VOC. The semantic
  networks have no class for them. A folder of images/ and masks/ (0 background, 128 ignore,
  255 object).

The click is the first click of the robot ``center``: the pixel deepest in the object, the same for
every method. After an interruption the same command continues; ``--work`` keeps what is finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tutorial_lib.data.datasets import Dataset, load_dataset
from tutorial_lib.evaluation.accuracy import evaluate
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.one_click import OneClickResults, OneClickSet, write_one_click

OUT = Path(__file__).parents[1] / "assets" / "results" / "one_click.json"
METHODS = ("semantic-fcn", "semantic-crf-rnn", "dos-no-graph-cut", "dos")
GARMENTS, OBJECTS = "clothing-co-parsing", "iseg-voc"


def measure(
    dataset: Dataset, out: Path, methods: Sequence[str], limit: int | None, workers: int
) -> OneClickSet:
    """Return each method's mean IoU after one click on each object."""
    found = evaluate(methods, dataset, out, max_clicks=1, limit=limit, workers=workers, force=True)
    keys = list(found.methods[methods[0]].samples)
    return OneClickSet(
        dataset=found.root_name,
        precision=found.precision,
        objects=len(keys),
        miou={name: round(method.miou[0], 4) for name, method in found.methods.items()},
        ious={
            name: tuple(round(method.samples[key].iou[0], 4) for key in keys)
            for name, method in found.methods.items()
        },
    )


def main(
    root: Annotated[Path, typer.Option(help="Folder of clothing-co-parsing/ and iseg-voc/.")],
    method: Annotated[list[str] | None, typer.Option(help="Repeatable; all if not given.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first objects of each set.")] = None,
    workers: Annotated[int, typer.Option(help="Processes; -1 for one per core.")] = -1,
    work: Annotated[Path, typer.Option(help="Folder that keeps finished objects.")] = Path(
        "build/one-click"
    ),
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = OUT,
) -> None:
    """Measure all methods on both sets, and write the means."""
    sets = {
        "seen": load_dataset(GARMENTS, root / GARMENTS, split="held-out", targets="garments"),
        "unseen": load_dataset("folder", root / OBJECTS),
    }
    chosen = method or METHODS
    found = {
        name: measure(dataset, work / f"{name}.json", chosen, limit, workers)
        for name, dataset in sets.items()
    }
    head = {"schema": 1, "clicks": 1, "commit": commit(), "machine": machine()}
    write_one_click(OneClickResults(**head, sets=found), out)
    for name, part in found.items():
        print(name, part.objects, "objects", part.miou)
    print(out)


if __name__ == "__main__":
    typer.run(main)
