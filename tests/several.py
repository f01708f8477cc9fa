"""Train toys on one or several devices, and write down the clicks of every user.

``python -m tests.several FOLDER DEVICES RECIPE,key=value,... ...`` makes a folder for each run, in
the order of the arguments. It also holds ``clicks-<rank>.jsonl``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tutorial_lib.training.latent_diversity.proposal import ProposalTask
from tutorial_lib.training.latent_diversity.selection import SelectionTask
from tutorial_lib.training.object_selection import ObjectSelectionTask
from tutorial_lib.training.run import train


def watch(kind, place):
    """Let a class of tasks write down the clicks of every batch, in the file ``place[0]``."""
    simulate = kind.simulate_corrections

    def watched(task, batch, network):
        corrected = simulate(task, batch, network)
        with place[0].open("a") as file:
            for number, clicks in zip(batch.numbers, batch.clicks, strict=True):
                file.write(json.dumps([number, clicks.to_json()]) + "\n")
        return corrected

    kind.simulate_corrections = watched


def main(folder, devices, *runs):
    """Train all runs one after the other."""
    place = [None]
    for kind in (ObjectSelectionTask, ProposalTask, SelectionTask):
        watch(kind, place)
    for index, run in enumerate(runs):
        recipe, *settings = run.split(";")
        out = Path(folder) / str(index)
        out.mkdir(parents=True, exist_ok=True)
        place[0] = out / f"clicks-{os.environ.get('LOCAL_RANK', '0')}.jsonl"
        data = next((s.removeprefix("data=") for s in settings if s.startswith("data=")), None)
        settings = [s for s in settings if not s.startswith("data=")]
        train(recipe, out, data, settings=[*settings, f"devices={devices}"])


if __name__ == "__main__":
    main(*sys.argv[1:])
