"""Summarise a user study: how many clicks and seconds a class needed with each method.

``python tools/summarise_study.py LOGS --root PHOTOS`` reads the click logs that students handed in:
LOGS/<person>/<name>-clicks.json, as ``Session.export`` writes them. It answers every click again,
and prints what Li et al. report of their user study (Interactive Image Segmentation with Latent
Diversity, CVPR 2018, section 5.2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.study import read_trials, summarise_trials


def main(
    logs: Annotated[Path, typer.Argument(help="A folder for each person, with their click logs.")],
    root: Annotated[Path, typer.Option(help="The photos and known masks.")],
    dataset: Annotated[str, typer.Option(help="Their layout, such as folder.")] = "folder",
    threshold: Annotated[int, typer.Option(min=1, max=100, help="IoU to reach, per cent.")] = 85,
) -> None:
    """Print a line for each method, those with the fewest clicks first."""
    found = summarise_trials(read_trials(logs, load_dataset(dataset, root)), threshold / 100)
    print(
        f"{'to ' + str(threshold) + ' % IoU':<20}clicks  interval        seconds  reached  trials"
    )
    for method, row in found.items():
        interval = f"{row.low:.2f} to {row.high:.2f}"
        seconds = "-" if row.seconds is None else f"{row.seconds:.1f}"
        print(
            f"{method:<20}{row.clicks:6.2f}  {interval:<14}{seconds:>9}{row.reached:9.0%}"
            f"{row.trials:8}"
        )


if __name__ == "__main__":
    typer.run(main)
