"""A user study: plan who works on which photo with which method, and evaluate the click logs.

Li et al. gave five people thirty tasks each (Interactive Image Segmentation with Latent Diversity,
CVPR 2018, section 5.2). A person saw a photo and a target mask, and clicked until the IoU reached
85 %, at most 20 times. Each photo came three times, with three methods behind the same interface.
The order was random, and nobody was told the method. A course can do the same:

    draw_plan -> everybody clicks (:class:`tutorial_lib.session.Session`) -> export -> read_trials
              -> summarise_trials

People hand in their click logs. Masks and IoU are computed again from the clicks, so nobody has to
trust the figures of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tutorial_lib.click_log import read_log
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.metrics import bootstrap_interval, clicks_to_reach
from tutorial_lib.session import Session
from tutorial_lib.users.fitting import ObservedClick, observe
from tutorial_lib.working_photo import WorkingPhoto


@dataclass(frozen=True)
class StudyTask:
    """What a person is asked to do.

    Parameters
    ----------
    person : str
        Name of the person.
    photo : str
        Name of the photo, or of the object in it.
    method : str
        The method behind the interface. The person must not see it.
    """

    person: str
    photo: str
    method: str


@dataclass(frozen=True)
class Trial:
    """What a person did.

    Parameters
    ----------
    person, photo, method : str
        As in the task.
    clicks : Clicks
        The clicks that remain in the end.
    ious : tuple of float
        IoU after each click.
    seconds : tuple of float or None
        Time of each click since the photo appeared. None if the log does not say.
    """

    person: str
    photo: str
    method: str
    clicks: Clicks
    ious: tuple[float, ...]
    seconds: tuple[float | None, ...]

    def count(self, threshold: float, maximum: int = 20) -> int:
        """Return the number of clicks to an IoU, or ``maximum`` if it was never reached."""
        return clicks_to_reach(self.ious, threshold, maximum)

    def time(self, threshold: float, maximum: int = 20) -> float | None:
        """Return the seconds to an IoU, or None if it was never reached or has no time."""
        reached = [place for place, iou in enumerate(self.ious[:maximum]) if iou >= threshold]
        return self.seconds[reached[0]] if reached else None


def draw_plan(
    people: Sequence[str], photos: Sequence[str], methods: Sequence[str], tasks: int, seed: int = 0
) -> list[StudyTask]:
    """Draw at random who works on which photo with which method, and in which order.

    Each person gets their own random photos, and does each photo once with every method. People do
    better on a photo that they have seen before. So the order is random, and no method always comes
    last.

    Parameters
    ----------
    people, photos, methods : sequence of str
        Names.
    tasks : int
        Tasks per person: a multiple of the number of methods, such as 30 for three methods.
    seed : int
        Seed of the random draws.

    Returns
    -------
    list of StudyTask
        Person by person, in the order of work.

    Raises
    ------
    ValueError
        If the tasks cannot be shared evenly among the methods, or there are too few photos.

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
        theirs = [
            StudyTask(person, photos[index], method) for index in chosen for method in methods
        ]
        plan += [theirs[place] for place in rng.permutation(len(theirs))]
    return plan


def read_trials(
    folder: str | Path,
    examples: Iterable[Example],
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Trial]:
    """Read the click logs of a class, and compute every mask and IoU again.

    Examples are read one after the other, and no photo is kept. So a study can be as large as a
    dataset.

    Parameters
    ----------
    folder : str or Path
        A folder that holds one folder for each person, with the files ``...-clicks.json`` that
        :meth:`tutorial_lib.session.Session.export` writes.
    examples : iterable of Example
        The photos and their known masks. A log belongs to the example with the same photo, or with
        another copy of it if there is no exact one. If several objects lie in one photo, the name
        of the log must be the object's ``id``.
    options : mapping of str to mapping, optional
        Options of methods, by name, which a log cannot set:
        ``{"dos": {"weights": "own.safetensors"}}``.

    Returns
    -------
    list of Trial
        One for each log with a click, sorted by person and file.

    Raises
    ------
    FileNotFoundError
        If there is no log.
    ValueError
        If a log cannot be read, or belongs to none of the examples. The message names its file.
    """
    folder = Path(folder)
    paths = sorted(folder.glob("*/*-clicks.json"))
    if not paths:
        raise FileNotFoundError(
            f"There is no click log <person>/<name>-clicks.json in {folder}; `Session.export` "
            "writes them."
        )
    logs = [_MatchedLog(path, read_log(path), _as_trial) for path in paths]
    _compare(logs, examples, options or {})
    trials = [log.kept() for log in logs]
    return [trial for trial in trials if trial is not None]


def _as_trial(path: Path, log: dict[str, Any], example: Example, session: Session) -> Trial:
    # A choice among candidates is a step of its own: after a click the last one counts.
    ious = {len(step.clicks): step.iou for step in session.history if len(step.clicks)}
    seconds = log.get("seconds") or [None] * len(session.clicks)
    return Trial(
        path.parent.name, example.id, session.method, session.clicks,
        tuple(ious.values()), tuple(seconds),
    )  # fmt: skip


@dataclass(frozen=True)
class ObservedLogs:
    """What people's click logs say about where people click.

    Parameters
    ----------
    clicks : tuple of ObservedClick
        Each click of the logs, compared with the errors that the person saw.
    logs : int
        Number of logs that were used.
    bad : dict of str to str
        The reason for each log that was left out, by its path.
    """

    clicks: tuple[ObservedClick, ...]
    logs: int
    bad: dict[str, str]


def read_observed(
    paths: Iterable[str | Path],
    examples: Iterable[Example],
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> ObservedLogs:
    """Read click logs, and compare each click with the errors that the person saw.

    Parameters
    ----------
    paths : iterable of str or Path
        Click logs, and folders that hold files ``...-clicks.json`` at any depth.
    examples : iterable of Example
        The photos and their known masks, as for :func:`read_trials`.
    options : mapping of str to mapping, optional
        Options of methods, as for :func:`read_trials`.

    Returns
    -------
    ObservedLogs
        For :func:`tutorial_lib.users.fitting.fit_human`. A log that cannot be read, replayed or
        matched with an example is left out, with the reason.

    Raises
    ------
    FileNotFoundError
        If there is no log.
    """
    files = [file for path in map(Path, paths) for file in _log_files(path)]
    if not files:
        raise FileNotFoundError(
            "There is no click log ...-clicks.json in the given folders; `Session.export` writes "
            "them."
        )
    bad: dict[str, str] = {}
    logs = []
    for path in files:
        try:
            logs.append(_MatchedLog(path, read_log(path), _as_observed))
        except ValueError as error:
            bad[str(path)] = str(error)
    _compare(logs, examples, options or {}, bad)
    clicks: list[ObservedClick] = []
    for log in logs:
        if log.path not in bad:
            try:
                clicks += log.kept() or ()
            except ValueError as error:
                bad[log.path] = str(error)
    return ObservedLogs(tuple(clicks), len(files) - len(bad), bad)


def _log_files(path: Path) -> list[Path]:
    path = path.expanduser()
    return sorted(path.rglob("*-clicks.json")) if path.is_dir() else [path]


def _as_observed(
    path: Path, log: dict[str, Any], example: Example, session: Session
) -> list[ObservedClick]:
    shown = {len(step.clicks): step.mask for step in session.history}
    shown.setdefault(0, np.zeros_like(session.truth))  # unless the log starts from a mask
    return [
        observe(shown[count], session.truth, session.ignore, session.clicks[:count], mark)
        for count, mark in enumerate(session.clicks)
        if isinstance(mark, Click)  # strokes say where people draw, which is another question
    ]


def _compare(
    logs: Sequence[_MatchedLog],
    examples: Iterable[Example],
    options: Mapping[str, Mapping[str, Any]],
    bad: dict[str, str] | None = None,
) -> None:
    """Compare every log with every example. With ``bad``, logs that cannot be replayed go there."""
    for example in examples:
        for size in {log.size for log in logs}:
            photo = WorkingPhoto(example.image, size)
            for log in logs:
                if log.size == size:
                    try:
                        log.compare(photo, example, options)
                    except ValueError as error:
                        if bad is None:
                            raise
                        bad[log.path] = str(error)


class _MatchedLog:
    """A click log, and the object it belongs to among the examples seen so far."""

    def __init__(self, path: Path, log: dict[str, Any], keep: Callable[..., Any]) -> None:
        self._path, self._log, self._keep = path, log, keep
        self.path, self.size = str(path), max(log["image"]["shape"][:2])
        self._exact, self._ids = False, []
        self._kept: Any = None

    def compare(
        self, photo: WorkingPhoto, example: Example, options: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Replay the log if this is its photo, and can be its object."""
        described = self._log["image"]
        exact = photo.is_exactly(described)
        if not (exact or (photo.looks_like(described) and not self._exact)):
            return
        if exact and not self._exact:  # forget other copies of the photo
            self._exact, self._ids, self._kept = True, [], None
        self._ids.append(example.id)
        if self._log["clicks"] and (len(self._ids) == 1 or example.id == self._log["name"]):
            session = Session.replay(
                photo, self._path, truth=example.truth, ignore=example.ignore,
                **options.get(self._log["method"], {}),
            )  # fmt: skip
            self._kept = self._keep(self._path, self._log, example, session)

    def kept(self) -> Any:
        """Return what was kept of the replayed log, or None if the log has no click."""
        if not self._ids or (len(self._ids) > 1 and self._log["name"] not in self._ids):
            raise ValueError(
                f"The click log {self.path!r} belongs to no object of this study; name it "
                "after the object, or leave it out."
            )
        return self._kept


@dataclass(frozen=True)
class StudySummary:
    """What a study found about one method.

    Parameters
    ----------
    trials, people : int
        Number of trials and of people.
    clicks : float
        Mean number of clicks.
    low, high : float
        95 % bootstrap interval of that mean over trials.
    reached : float
        Share of trials that reached the IoU.
    seconds : float or None
        Median time of the trials that reached the IoU and have a time.
    """

    trials: int
    people: int
    clicks: float
    low: float
    high: float
    reached: float
    seconds: float | None


def summarise_trials(
    trials: Sequence[Trial], threshold: float = 0.85, maximum: int = 20
) -> dict[str, StudySummary]:
    """Summarise a study, method by method.

    Parameters
    ----------
    trials : sequence of Trial
        From :func:`read_trials`.
    threshold : float
        The IoU to reach.
    maximum : int
        Clicks that count for a trial that never reaches it.

    Returns
    -------
    dict of str to StudySummary
        One for each method, sorted by the mean number of clicks.

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
    found = {}
    for method in dict.fromkeys(trial.method for trial in trials):
        mine = [trial for trial in trials if trial.method == method]
        counts = [trial.count(threshold, maximum) for trial in mine]
        low, high = bootstrap_interval(counts)
        reached = [max(trial.ious[:maximum]) >= threshold for trial in mine]
        times = [t for trial in mine if (t := trial.time(threshold, maximum)) is not None]
        found[method] = StudySummary(
            trials=len(mine),
            people=len({trial.person for trial in mine}),
            clicks=float(np.mean(counts)),
            low=low,
            high=high,
            reached=float(np.mean(reached)),
            seconds=median(times) if times else None,
        )
    return dict(sorted(found.items(), key=lambda row: row[1].clicks))
