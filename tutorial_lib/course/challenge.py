"""The click challenge: a fixed set of objects in the bundled photos, for a class beside robots.

Everybody selects the same objects. What counts are clicks and seconds to an IoU of 85 % and of
90 %. An object that is not reached counts 20 clicks. Masks and IoU are computed again from the
clicks, with the method that the student used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from tutorial_lib.clicks import Click
from tutorial_lib.metrics import clicks_to_reach
from tutorial_lib.paths import bundled

if TYPE_CHECKING:
    import numpy as np

    from tutorial_lib.session import Session

#: Photo and reading of each object, easy ones first.
OBJECTS: tuple[tuple[str, str], ...] = (
    ("flower", "flower"),
    ("coffee", "cup-and-saucer"),
    ("grace_hopper", "uniform"),
    ("chelsea", "cat"),
    ("china", "tower"),
    ("astronaut", "face"),
)
THRESHOLDS = (85, 90)
MOST_CLICKS = 20
METHOD = "graph-cut"


def challenge_names() -> list[str]:
    """Return the names of the objects.

    Returns
    -------
    list of str
        Such as ``"challenge-coffee-cup-and-saucer"``, in the order of the challenge. A click log
        with such a name takes part.
    """
    return [f"challenge-{photo}-{reading}" for photo, reading in OBJECTS]


def challenge_object(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the photo and the known mask of an object.

    Parameters
    ----------
    name : str
        One of :func:`challenge_names`.

    Returns
    -------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    truth : np.ndarray
        ``(H, W) bool``.

    Raises
    ------
    ValueError
        If there is no such object.
    """
    from tutorial_lib.data.samples import load_sample

    if name not in challenge_names():
        raise ValueError(
            f"There is no object {name!r}; choose from {', '.join(challenge_names())}."
        )
    photo, reading = OBJECTS[challenge_names().index(name)]
    sample = load_sample(photo)
    return sample.image, sample.reading(reading)


@dataclass(frozen=True)
class ChallengeRow:
    """A line of the table.

    Parameters
    ----------
    who : str
        A person, or the name of a method for a robot.
    objects : int
        How many objects were done.
    clicks, seconds : dict of int to float
        The mean by threshold in per cent, over all objects. A missing object counts 20 clicks.
        Seconds are missing where no object was reached.
    """

    who: str
    objects: int
    clicks: dict[int, float]
    seconds: dict[int, float]


def challenge_row(who: str, trials: Mapping[str, Mapping[str, Any]]) -> ChallengeRow:
    """Summarise what one person or robot did.

    Parameters
    ----------
    who : str
        The name.
    trials : mapping
        By object: ``iou`` after each click and, if known, ``seconds`` of each click.

    Returns
    -------
    ChallengeRow
        The line of the table.
    """
    clicks, seconds = {}, {}
    for percent in THRESHOLDS:
        counts, times = [], []
        for name in challenge_names():
            ious = list(trials[name]["iou"])[:MOST_CLICKS] if name in trials else []
            reached = any(value >= percent / 100 for value in ious)
            count = clicks_to_reach(ious, percent / 100, MOST_CLICKS) if reached else MOST_CLICKS
            counts.append(count)
            moments = trials[name].get("seconds") if reached else None
            if moments and moments[count - 1] is not None:
                times.append(moments[count - 1])
        clicks[percent] = fmean(counts)
        if times:
            seconds[percent] = fmean(times)
    return ChallengeRow(who, len(set(trials) & set(challenge_names())), clicks, seconds)


def session_trial(session: Session) -> dict[str, Any]:
    """Return what a session has reached after each click.

    Parameters
    ----------
    session : Session
        A session with a known mask.

    Returns
    -------
    dict
        ``iou`` and ``seconds`` after each click, for :func:`challenge_row`. With a stroke, both are
        empty: one stroke can say as much as many clicks.
    """
    if not all(isinstance(mark, Click) for mark in session.clicks):
        return {"iou": [], "seconds": []}
    left = len(session.clicks)
    ious = {len(e.clicks): e.iou for e in session.history if 0 < len(e.clicks) <= left}
    return {"iou": [ious.get(n, 0.0) for n in range(1, left + 1)], "seconds": session.seconds}


def robot_rows() -> list[ChallengeRow]:
    """Return the lines of the center robot with each method, fewest clicks first.

    Returns
    -------
    list of ChallengeRow
        From ``assets/results/challenge.json``, which ``tools/measure_challenge.py`` writes.
    """
    from tutorial_lib.evaluation.results import read_results

    found = read_results(bundled("assets") / "results" / "challenge.json").methods
    rows = [
        challenge_row(
            method, {f"challenge-{name}": {"iou": s.iou} for name, s in results.samples.items()}
        )
        for method, results in found.items()
    ]
    return sorted(rows, key=lambda row: row.clicks[90])


def challenge_table(rows: list[ChallengeRow]) -> str:
    """Return a table of people and robots as text, fewest clicks to 90 % first.

    Parameters
    ----------
    rows : list of ChallengeRow
        People. The robots are added.

    Returns
    -------
    str
        One line for each row.
    """
    robots = robot_rows()
    lines = [f"{'':<28}clicks to 85 %  to 90 %   seconds to 85 %  to 90 %   objects"]
    for row in sorted([*rows, *robots], key=lambda row: row.clicks[90]):
        who = f"robot, {row.who}" if row in robots else row.who
        times = [f"{row.seconds[p]:.0f}" if p in row.seconds else "-" for p in THRESHOLDS]
        lines.append(
            f"{who[:27]:<28}{row.clicks[85]:14.1f}{row.clicks[90]:9.1f}{times[0]:>18}{times[1]:>9}"
            f"{row.objects:10}"
        )
    return "\n".join(lines)
