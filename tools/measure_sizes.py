"""Measure accuracy and time of Latent Diversity at several working sizes.

``python tools/measure_sizes.py --root DIR`` lets the robots use ``latent-diversity`` on validation
photos with the networks' input at several sizes, times clicks on sample photos of 640x480 pixels,
and writes ``assets/results/sizes.json``. Nothing else should run meanwhile.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from joblib import Parallel, delayed

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.evaluation.machine import commit, machine
from tutorial_lib.evaluation.oracle import simulate_with_options, summarise_curves
from tutorial_lib.evaluation.selectors import SizeFigures, SizesResults, write_sizes
from tutorial_lib.evaluation.speed.bench import TIMED_PHOTOS
from tutorial_lib.evaluation.speed.scripted_photos import scripted_photo
from tutorial_lib.evaluation.speed.timing import measure
from tutorial_lib.registry import method_info

OUT = Path(__file__).parents[1] / "assets" / "results" / "sizes.json"
CLICKS, ROUNDS, PHOTO = 20, 3, (640, 480)


def main(
    root: Annotated[Path, typer.Option(help="A folder of images/ and masks/, for validation.")],
    sizes: Annotated[
        str, typer.Option(help="Multiples of 32, with commas.")
    ] = "256,320,384,448,512",
    robot: Annotated[str, typer.Option(help="center or geodesic.")] = "center",
    every: Annotated[int, typer.Option(min=1, help="Take every n-th object.")] = 2,
    workers: Annotated[int, typer.Option(help="Processes; -1 for one per core.")] = -1,
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = OUT,
) -> None:
    """Measure all sizes."""
    photos = load_dataset("folder", root)
    examples = [photos[index] for index in range(0, len(photos), every)]
    scripted = [scripted_photo(name, PHOTO) for name in TIMED_PHOTOS]
    info, found = method_info("latent-diversity"), {}
    for size in map(int, sizes.split(",")):
        times = measure(info, scripted, ROUNDS, size=size)
        options = json.dumps({"size": size})
        trajectories = Parallel(n_jobs=workers)(
            delayed(simulate_with_options)(options, example, CLICKS, robot) for example in examples
        )
        figures = summarise_curves([trajectory.ious for trajectory in trajectories], CLICKS)
        found[str(size)] = SizeFigures(
            **figures, ms_first=round(times.ms_first, 1), ms_click=round(times.ms_click, 1)
        )
        shown = found[str(size)]
        print(f"{size:>5} pixels {shown.noc} {shown.ms_first} ms, {shown.ms_click} ms", flush=True)
    results = SizesResults(
        schema=1, commit=commit(), machine=machine(), precision=times.precision,
        root_name=photos.root.resolve().name, robot=robot, objects=len(examples), sizes=found,
    )  # fmt: skip
    write_sizes(results, out)


if __name__ == "__main__":
    typer.run(main)
