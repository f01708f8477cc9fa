"""The trials of a study: what came back, checked and answered again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.evaluation.records import read_record
from tutorial_lib.metrics import clicks_to_reach, iou
from tutorial_lib.registry import get_segmenter
from tutorial_lib.segmenter import Segmenter
from tutorial_lib.study.plan import StudyObject, StudyPlan
from tutorial_lib.study.sitting import REMEDY, StudyLog, TaskLog, merge_logs

ROUNDING = 0.005  # IoU: so much can two processors differ about the last answer


@dataclass(frozen=True)
class Trial:
    """What a person did on one object with one method.

    Parameters
    ----------
    person, object, method : str
        Who, what, and with which method.
    number : int
        Place among the person's tasks that count, from 1.
    seen : int
        How often the person has worked on this object, from 1.
    ious : tuple of float
        IoU after each click. A click that was taken back later counts as well.
    seconds : tuple of float or None
        Time of each click since the photo appeared. None if the person was away in between.
    """

    person: str
    object: str
    method: str
    number: int
    seen: int
    ious: tuple[float, ...]
    seconds: tuple[float, ...] | None = None

    def count(self, threshold: float = 0.85, maximum: int = 20) -> int:
        """Return the number of clicks to an IoU.

        Parameters
        ----------
        threshold : float
            The IoU.
        maximum : int
            Clicks that count.

        Returns
        -------
        int
            ``maximum`` if the IoU was never reached.
        """
        return clicks_to_reach(self.ious, threshold, maximum)

    def reached(self, threshold: float = 0.85, maximum: int = 20) -> bool:
        """Whether an IoU was reached.

        Parameters
        ----------
        threshold : float
            The IoU.
        maximum : int
            Clicks that count.

        Returns
        -------
        bool
            Whether it was.
        """
        return max(self.ious[:maximum]) >= threshold

    def time(self, threshold: float = 0.85, maximum: int = 20) -> float | None:
        """Return the seconds to an IoU.

        Parameters
        ----------
        threshold : float
            The IoU.
        maximum : int
            Clicks that count.

        Returns
        -------
        float or None
            To the last click if the IoU was never reached. None if the person was away in between.
        """
        if self.seconds is None:
            return None
        return self.seconds[min(self.count(threshold, maximum), len(self.seconds)) - 1]


@dataclass(frozen=True)
class HandedIn:
    """What came back of a study.

    Parameters
    ----------
    tasks : dict of str to dict
        The tasks that were begun, by person and number. Practice is among them.
    notes : tuple of (str, str)
        Files that were not used, wholly or in part, each with one sentence that says why.
    """

    tasks: dict[str, dict[int, TaskLog]]
    notes: tuple[tuple[str, str], ...]


def read_handed_in(folder: str | Path, plan: StudyPlan, skip: Iterable[Path] = ()) -> HandedIn:
    """Read the files that people handed in, at any depth of a folder.

    Parameters
    ----------
    folder : str or Path
        The folder.
    plan : StudyPlan
        The plan of the study.
    skip : iterable of Path
        Files and folders that are none of theirs, such as the plan.

    Returns
    -------
    HandedIn
        Of several logs of one task the one that got further, or the first by the name of its file.

    Raises
    ------
    FileNotFoundError
        If no file has anything of this study. The message says why the first one has not.
    """
    folder = Path(folder).expanduser()
    outside = [path.resolve() for path in skip]
    tasks: dict[str, dict[int, TaskLog]] = {}
    notes: list[tuple[str, str]] = []
    for path in sorted(folder.rglob("*.json")):
        real = path.resolve()
        if any(real == other or other in real.parents for other in outside):
            continue
        name = str(path.relative_to(folder))
        try:
            log = read_record(path, StudyLog, REMEDY)
            if log.study != plan.study:
                raise ValueError(f"{path} belongs to another study, {log.study}.")
            planned = plan.tasks_of(log.person)
        except (ValueError, OSError) as error:
            notes.append((name, _sentence(error, path)))
            continue
        mine = tasks.setdefault(log.person, {})
        before = dict(mine)
        for number, why in merge_logs(mine, log.tasks, planned).items():
            notes.append((name, f"Task {number} of {log.person} was left out: {why}."))
        if before and mine == before:
            notes.append((name, f"Everything in it about {log.person} is in other files too."))
    if not any(tasks.values()):
        reason = f": {notes[0][0]}: {notes[0][1]}" if notes else "."
        raise FileNotFoundError(f"No file in {folder} has anything of this study{reason}")
    return HandedIn(dict(sorted(tasks.items())), tuple(notes))


def _sentence(error: Exception, path: Path) -> str:
    text = str(error)
    return f"It{text.removeprefix(str(path))}" if text.startswith(str(path)) else text


@dataclass(frozen=True)
class Recomputed:
    """All trials of a study, answered again.

    Parameters
    ----------
    trials : tuple of Trial
        The finished ones that count, by person and number.
    notes : tuple of (str, str)
        Tasks that are no trials, each with one sentence that says why.
    """

    trials: tuple[Trial, ...]
    notes: tuple[tuple[str, str], ...] = field(default=())


def recompute(
    plan: StudyPlan,
    handed_in: HandedIn,
    objects: Mapping[str, StudyObject],
    options: Mapping[str, Mapping[str, Any]] | None = None,
    log: Callable[[str], object] = lambda _line: None,
) -> Recomputed:
    """Compute every mask and every IoU again, from the clicks alone.

    Parameters
    ----------
    plan : StudyPlan
        The plan of the study.
    handed_in : HandedIn
        From :func:`read_handed_in`.
    objects : mapping of str to StudyObject
        From :func:`~tutorial_lib.study.plan.read_objects`.
    options : mapping of str to mapping, optional
        Options of methods by name: ``{"dos": {"weights": "own.safetensors"}}``.
    log : callable
        Called with a line about the progress now and then.

    Returns
    -------
    Recomputed
        A task that was not finished, has clicks outside its photo or was done on another photo is
        left out and named. So is one that ended before the target, if its log does not hold all
        clicks.
    """
    notes, waiting = [], []
    for person, planned in plan.people.items():
        tasks = handed_in.tasks.get(person, {})
        if len(tasks) < len(planned):
            notes.append((person, f"{len(tasks)} of {len(planned)} tasks came back."))
        seen: dict[str, int] = {}
        for number, one in sorted(tasks.items()):
            if number <= plan.practice:
                continue
            seen[one.object] = seen.get(one.object, 0) + 1
            if why := _fault(one, objects[one.object]):
                notes.append((f"{person}, task {number}", f"It was left out: {why}."))
                continue
            trial = Trial(
                person, one.object, plan.method_of(person, one.letter), number - plan.practice,
                seen[one.object], (), None if one.seconds is None else tuple(one.seconds),
            )  # fmt: skip
            waiting.append((trial, one))
    waiting.sort(key=lambda pair: (pair[0].method, pair[0].object))
    trials = []
    for (method, name), group in groupby(waiting, lambda pair: (pair[0].method, pair[0].object)):
        log(f"{method} on {name}")
        segmenter = get_segmenter(method, **(options or {}).get(method, {}))
        for trial, one in _answered(segmenter, objects[name], list(group)):
            if one.count < plan.max_clicks and max(trial.ious) < plan.target_iou - ROUNDING:
                why = f"the answer to its last click has an IoU of {trial.ious[-1]:.3f} only"
                where = f"{trial.person}, task {one.number}"
                notes.append((where, f"It was left out: {why}."))
            else:
                trials.append(_rounded(trial, plan, one.count))
    trials.sort(key=lambda trial: (trial.person, trial.number))
    return Recomputed(tuple(trials), tuple(notes))


def _fault(log: TaskLog, thing: StudyObject) -> str:
    """Return why a task is no trial, or an empty text."""
    if not log.done or not log.count:
        return "it was not finished"
    if log.photo != thing.photo.sha256:
        return "it was done on another photo"
    try:
        for clicks in log.states():
            clicks.check(thing.photo.shape)
    except ValueError:
        return "a click lies outside the photo"
    return ""


def _answered(
    segmenter: Segmenter, thing: StudyObject, group: list[tuple[Trial, TaskLog]]
) -> Iterable[tuple[Trial, TaskLog]]:
    prepared = segmenter.prepare(thing.photo.pixels)
    for trial, log in group:
        masks = replayed_masks(segmenter, prepared, log)
        ious = tuple(iou(mask, thing.truth, thing.ignore) for mask in masks)
        yield replace(trial, ious=ious), log


def replayed_masks(segmenter: Segmenter, prepared: Any, log: TaskLog) -> list[np.ndarray]:
    """Answer the clicks of a task again.

    Parameters
    ----------
    segmenter : Segmenter
        The method.
    prepared : Prepared
        The photo, prepared by it.
    log : TaskLog
        What the person did.

    Returns
    -------
    list of np.ndarray
        ``(H, W) bool`` after each click, in their order.
    """
    return [segmenter.segment(prepared, clicks).mask for clicks in states_after_clicks(log)]


def states_after_clicks(log: TaskLog) -> list[Clicks]:
    """Return the clicks in force after each click of a task; steps back are left out.

    Parameters
    ----------
    log : TaskLog
        What the person did.

    Returns
    -------
    list of Clicks
        As many as the person made clicks.
    """
    steps = [event.did for event in log.events if event.did != "resume"]
    return [state for did, state in zip(steps, log.states(), strict=True) if did == "click"]


def _rounded(trial: Trial, plan: StudyPlan, count: int) -> Trial:
    """Let a task that ended by reaching the target reach it, in spite of another processor."""
    if count < plan.max_clicks and max(trial.ious) < plan.target_iou:
        return replace(trial, ious=(*trial.ious[:-1], plan.target_iou))
    return trial
