"""A user study: who works on which photo with which method, and what came of it.

Li et al. asked five people for thirty tasks each (Interactive Image Segmentation with Latent
Diversity, CVPR 2018, section 5.2): shown a photo and the mask to reach, they clicked until it was
reached to 85 % IoU, or 20 times. Each task came three times, with another method behind the same
interface, in random order, and nobody was told which. A course can do the same:

    draw_plan -> everybody clicks (:class:`tutorial_lib.session.Session`) -> export -> read_trials
              -> summarise

What is handed in is the click log. Masks and IoU are computed from it anew, so that nobody's
figures have to be believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tutorial_lib.click_log import read_log
from tutorial_lib.clicks import Clicks
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.metrics import bootstrap_interval, clicks_to_reach
from tutorial_lib.session import Session
from tutorial_lib.working_photo import WorkingPhoto


@dataclass(frozen=True)
class Task:
    """What somebody is asked to do.

    Parameters
    ----------
    person : str
        Who does it.
    photo : str
        Name of the photo, or of the object in it.
    method : str
        The method behind the interface; not to be shown.
    """

    person: str
    photo: str
    method: str


@dataclass(frozen=True)
class Trial:
    """What somebody did.

    Parameters
    ----------
    person, photo, method : str
        As in the task.
    clicks : Clicks
        The clicks that were left in the end.
    ious : tuple of float
        IoU after each of them.
    seconds : tuple of float or None
        When each was made, counted from when the photo appeared; None where the log does not say.
    """

    person: str
    photo: str
    method: str
    clicks: Clicks
    ious: tuple[float, ...]
    seconds: tuple[float | None, ...]

    def count(self, threshold: float, maximum: int = 20) -> int:
        """Return the number of clicks to an IoU; ``maximum`` if it was never reached."""
        return clicks_to_reach(self.ious, threshold, maximum)

    def time(self, threshold: float, maximum: int = 20) -> float | None:
        """Return the seconds to an IoU; None if it was never reached, or nobody knows."""
        reached = [place for place, iou in enumerate(self.ious[:maximum]) if iou >= threshold]
        return self.seconds[reached[0]] if reached else None


def draw_plan(
    people: Sequence[str], photos: Sequence[str], methods: Sequence[str], tasks: int, seed: int = 0
) -> list[Task]:
    """Draw who works on which photo with which method, in which order.

    Everybody gets photos of their own draw, each once with every method, and all of it in random
    order: whoever has done a photo before does it better, so no method may always come last.

    Parameters
    ----------
    people, photos, methods : sequence of str
        Names.
    tasks : int
        Tasks a person; a multiple of the number of methods, such as 30 for three methods.
    seed : int
        Seed of the drawing.

    Returns
    -------
    list of Task
        Person by person, in the order in which they are to be done.

    Raises
    ------
    ValueError
        If somebody's tasks cannot be shared out evenly, or there are too few photos.

    Examples
    --------
    >>> plan = draw_plan(["Ada"], ["flower", "coffee"], ["graph-cut", "dos"], tasks=4)
    >>> sorted((task.photo, task.method) for task in plan)[0]
    ('coffee', 'dos')
    """
    if not people or not methods or tasks < 1 or tasks % len(methods):
        raise ValueError(
            f"A plan for {len(people)} people cannot share out {tasks} tasks evenly among "
            f"{len(methods)} methods."
        )
    each = tasks // len(methods)
    if each > len(photos):
        raise ValueError(f"There are {len(photos)} photos, but each person needs {each}.")
    rng = np.random.default_rng(seed)
    plan = []
    for person in people:
        chosen = rng.choice(len(photos), each, replace=False)
        theirs = [Task(person, photos[index], method) for index in chosen for method in methods]
        plan += [theirs[place] for place in rng.permutation(len(theirs))]
    return plan


def read_trials(
    folder: str | Path,
    examples: Iterable[Example],
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Trial]:
    """Read the click logs of a class, and compute every mask and IoU anew.

    Examples are looked at one after the other, and no photo is kept: a study may be as large as a
    dataset.

    Parameters
    ----------
    folder : str or Path
        One folder for each person, named after them, with the files ``...-clicks.json`` that
        :meth:`tutorial_lib.session.Session.export` writes.
    examples : iterable of Example
        The photos and their known masks. A log is matched by its photo, or another copy of it if
        there is no exact one; where several objects lie in one photo, its name must be the object's
        ``id``.
    options : mapping of str to mapping, optional
        Settings of the methods that logs may not decide on, by their names:
        ``{"dos": {"weights": "own.safetensors"}}``.

    Returns
    -------
    list of Trial
        One for each log that holds a click, sorted by person and file.

    Raises
    ------
    FileNotFoundError
        If there is no log.
    ValueError
        If a log is unreadable, or belongs to no photo of these; the text names its file.
    """
    folder = Path(folder)
    paths = sorted(folder.glob("*/*-clicks.json"))
    if not paths:
        raise FileNotFoundError(
            f"There is no click log <person>/<name>-clicks.json in {folder}; `Session.export` "
            "writes them."
        )
    found = [_Found(path, read_log(path)) for path in paths]
    for example in examples:
        for size in {one.size for one in found}:
            photo = WorkingPhoto(example.image, size)
            for one in found:
                if one.size == size:
                    one.compare(photo, example, options or {})
    trials = [one.trial() for one in found]
    return [trial for trial in trials if trial is not None]


class _Found:
    """One log, and the object it belongs to as far as the examples have been looked at."""

    def __init__(self, path: Path, log: dict[str, Any]) -> None:
        self._path, self._log = path, log
        self.size = max(log["image"]["shape"][:2])
        self._exact, self._ids = False, []
        self._trial: Trial | None = None

    def compare(
        self, photo: WorkingPhoto, example: Example, options: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Replay the log if this is its photo and may be its object."""
        described = self._log["image"]
        exact = photo.is_exactly(described)
        if not (exact or (photo.looks_like(described) and not self._exact)):
            return
        if exact and not self._exact:  # forget other copies of the photo
            self._exact, self._ids, self._trial = True, [], None
        self._ids.append(example.id)
        if self._log["clicks"] and (len(self._ids) == 1 or example.id == self._log["name"]):
            self._trial = self._replayed(photo, example, options.get(self._log["method"], {}))

    def _replayed(self, photo: WorkingPhoto, example: Example, options: Mapping[str, Any]) -> Trial:
        session = Session.replay(
            photo, self._path, truth=example.truth, ignore=example.ignore, **options
        )
        # A choice among candidates is a step of its own: after a click the last one counts.
        ious = {len(step.clicks): step.iou for step in session.history}
        seconds = self._log.get("seconds") or [None] * len(session.clicks)
        return Trial(
            self._path.parent.name, example.id, session.method, session.clicks,
            tuple(ious.values()), tuple(seconds),
        )  # fmt: skip

    def trial(self) -> Trial | None:
        """Return what somebody did, or None if they did nothing."""
        if not self._ids or (len(self._ids) > 1 and self._log["name"] not in self._ids):
            raise ValueError(
                f"The click log {str(self._path)!r} belongs to no object of this study; name it "
                "after the object, or leave it out."
            )
        return self._trial


def summarise(
    trials: Sequence[Trial], threshold: float = 0.85, maximum: int = 20
) -> dict[str, dict[str, Any]]:
    """Sum up a study, method by method.

    Parameters
    ----------
    trials : sequence of Trial
        From :func:`read_trials`.
    threshold : float
        The IoU to reach.
    maximum : int
        What a trial counts that never reaches it.

    Returns
    -------
    dict of str to dict
        For each method, those with the fewest clicks first: ``trials`` and ``people`` (how many),
        ``clicks`` (their mean), ``low`` and ``high`` (95 % bootstrap interval of that mean, drawn
        over trials), ``reached`` (share of trials) and ``seconds`` (the median over the trials that
        reached it and have a time, or None).

    Raises
    ------
    ValueError
        If there is no trial.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, section 5.2.
    """
    if not trials:
        raise ValueError("A study needs at least one trial.")
    rows = {}
    for method in dict.fromkeys(trial.method for trial in trials):
        mine = [trial for trial in trials if trial.method == method]
        counts = [trial.count(threshold, maximum) for trial in mine]
        low, high = bootstrap_interval(counts)
        reached = [max(trial.ious[:maximum]) >= threshold for trial in mine]
        times = [t for trial in mine if (t := trial.time(threshold, maximum)) is not None]
        rows[method] = {
            "trials": len(mine),
            "people": len({trial.person for trial in mine}),
            "clicks": float(np.mean(counts)),
            "low": low,
            "high": high,
            "reached": float(np.mean(reached)),
            "seconds": median(times) if times else None,
        }
    return dict(sorted(rows.items(), key=lambda row: row[1]["clicks"]))
