"""Simulated participants, to try a study before the class does.

They click as :func:`tutorial_lib.users.human_clicks.human` does. Everybody has habits of their own,
and makes pauses of their own length. Some leave early, and some hand in a file twice.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.registry import get_segmenter
from tutorial_lib.segmenter import Segmenter
from tutorial_lib.study.plan import StudyObject, StudyPlan, read_objects
from tutorial_lib.study.sitting import Sitting
from tutorial_lib.users.human_clicks import HABITS, HumanClicks, human
from tutorial_lib.users.simulation import simulate


def simulate_study(
    plan: StudyPlan,
    folder: str | Path,
    *,
    root: str | Path | None = None,
    dropouts: int = 0,
    duplicates: int = 0,
    seed: int = 0,
) -> list[Path]:
    """Let simulated people work on a plan, and write the files that they would hand in.

    Parameters
    ----------
    plan : StudyPlan
        The plan.
    folder : str or Path
        Where the files go.
    root : str or Path, optional
        The photos' folder, if it is not where the plan says.
    dropouts : int
        Number of people who leave in the middle: the last ones of the plan.
    duplicates : int
        Number of people who hand in a second copy of their file: the first ones.
    seed : int
        Seed of habits, clicks and times.

    Returns
    -------
    list of Path
        The files, one for each person, and the copies.

    Raises
    ------
    ValueError
        If more people should leave or copy than there are, or an object is missing.
    """
    if not (0 <= dropouts <= len(plan.people) and 0 <= duplicates <= len(plan.people)):
        raise ValueError(f"The plan has {len(plan.people)} people only.")
    objects, methods = read_objects(plan, root), {m: get_segmenter(m) for m in plan.methods}
    files = []
    for place, person in enumerate(plan.people):
        tasks = plan.tasks_of(person)
        leaves = place >= len(plan.people) - dropouts
        last = (len(tasks) + plan.practice) // 2 if leaves else len(tasks)
        path = _work(plan, person, folder, objects, methods, last, seed=1000 * seed + place)
        files.append(path)
        if place < duplicates:
            copy = path.with_name(f"{path.stem} (1).json")
            shutil.copyfile(path, copy)
            files.append(copy)
    return files


def _work(
    plan: StudyPlan,
    person: str,
    folder: str | Path,
    objects: dict[str, StudyObject],
    methods: dict[str, Segmenter],
    last: int,
    seed: int,
) -> Path:
    """Do the tasks of one person up to the number ``last``, and return the file."""
    rng, now = np.random.default_rng(seed), [0.0]
    habits = _habits(rng)
    pause = rng.lognormal(0.8, 0.3)  # seconds between two clicks
    sitting = Sitting(plan, person, folder, clock=lambda: now[0])
    while sitting.task is not None and sitting.task.number <= last:
        thing = objects[sitting.task.object]
        robot: Any = partial(human, habits=habits)
        done = simulate(
            methods[sitting.method()], thing.photo.pixels, thing.truth, thing.ignore, robot,
            plan.max_clicks, seed=seed + sitting.task.number, target_iou=plan.target_iou,
        )  # fmt: skip
        sitting.begin(thing.photo.sha256)
        for click in done.clicks:
            now[0] += plan.answer_seconds + pause * rng.lognormal(0, 0.4)
            sitting.click(click)
        sitting.finish()
    return sitting.path


def _habits(rng: np.random.Generator) -> HumanClicks:
    return replace(
        HABITS,
        concentration=HABITS.concentration * rng.lognormal(0, 0.3),
        elsewhere=min(1.0, HABITS.elsewhere * rng.lognormal(0, 0.3)),
        outside=min(1.0, HABITS.outside * rng.lognormal(0, 0.3)),
    )
