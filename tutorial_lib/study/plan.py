"""The plan of a user study: who works on which object with which method, in which order.

Li et al. gave five people thirty tasks each (Interactive Image Segmentation with Latent Diversity,
CVPR 2018, section 5.2). A person saw a photo and a target mask, and clicked until the IoU reached
85 %, at most 20 times. Each photo came three times, with three methods behind the same interface.

People do better on a photo that they have seen before. So each method has to come first, second and
last equally often. :func:`draw_plan` balances this by a Latin square.

Nobody who clicks may know the method. A plan therefore calls the methods by letters. Which letter
stands for which method is drawn anew for every person, and stored in a form that nobody reads by
accident: compressed, in base64. It is not encrypted, since the student's own kernel has to run the
method.
"""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, Field, model_validator

from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.samples import sample_examples
from tutorial_lib.evaluation.records import (
    RECORD,
    NonEmpty,
    NonNegative,
    Positive,
    Share,
    read_record,
    write_record,
)
from tutorial_lib.paths import safe_stem
from tutorial_lib.registry import method_info
from tutorial_lib.working_photo import WorkingPhoto

METHODS = ("graph-cut", "dos", "latent-diversity")  # as in the study of Li et al.
SAMPLES = "samples"  # the bundled photos, as the dataset of a plan
SECONDS_PER_TASK = 45  # a generous mean, with the time to look at the goal
GROUP = 4  # objects at most between which one comes back with another method
LONGEST = 640  # pixels: larger photos are shrunk, so that all fit beside their goal
BREAK_AFTER = 9  # tasks: a shorter study needs no break

PlannedTask = Annotated[tuple[str, str], Field(strict=False)]


@dataclass(frozen=True)
class StudyTask:
    """One task of a person.

    Parameters
    ----------
    number : int
        Place in the order of work, from 1. Practice comes first.
    object : str
        Name of the object to select.
    letter : str
        Stands for the method. Which one is drawn anew for every person.
    practice : bool
        Whether the task does not count.
    """

    number: int
    object: str
    letter: str
    practice: bool


class StudyPlan(BaseModel):
    """Who works on which object with which method, and in which order.

    Attributes
    ----------
    study : str
        Eight letters and digits that no other plan has. Every log repeats them.
    seed, minutes : int
        What the plan was drawn with.
    dataset : str
        ``"samples"``, the bundled photos, or the layout of the photos' folder.
    root : str or None
        That folder. A relative path begins at the plan's own folder.
    practice : int
        Number of tasks at the start of each person that do not count.
    target_iou : float
        A task ends when the answer reaches this IoU,
    max_clicks : int
        or after this many clicks.
    answer_seconds : float
        No answer is shown earlier after a click, so that nobody knows a method by its speed.
    pause_seconds : float
        Shortest time between two tasks. In it the next method is prepared.
    people : dict of str to tuple
        The tasks of each person in the order of work, as pairs of object and letter.
    sealed : str
        What the letters mean; see :meth:`method_of`.
    """

    model_config = RECORD

    kind: Literal["study-plan"]
    schema_: Literal[1] = Field(alias="schema")
    study: str
    seed: NonNegative
    minutes: Positive
    dataset: str
    root: str | None
    practice: NonNegative
    target_iou: Share
    max_clicks: Positive
    answer_seconds: Annotated[float, Field(ge=0)]
    pause_seconds: Annotated[float, Field(ge=0)]
    people: Annotated[dict[str, NonEmpty[PlannedTask]], Field(min_length=1)]
    sealed: str

    @model_validator(mode="after")
    def _every_letter_has_a_meaning(self) -> StudyPlan:
        for person, tasks in self.people.items():
            if missing := {letter for _, letter in tasks} - set(self._key.get(person, {})):
                raise ValueError(f"no method for the letter {min(missing)!r} of {person}")
        return self

    @cached_property
    def _key(self) -> dict[str, dict[str, str]]:
        try:
            return json.loads(zlib.decompress(base64.b64decode(self.sealed, validate=True)))
        except (ValueError, zlib.error):
            raise ValueError("the methods of the letters cannot be read") from None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are compared, by name."""
        return tuple(sorted({name for key in self._key.values() for name in key.values()}))

    @property
    def objects(self) -> tuple[str, ...]:
        """The objects of all tasks, without repetition."""
        tasks = [task for tasks in self.people.values() for task in tasks]
        return tuple(dict.fromkeys(name for name, _ in tasks))

    def tasks_of(self, person: str) -> tuple[StudyTask, ...]:
        """Return the tasks of a person in the order of work.

        Parameters
        ----------
        person : str
            A name of the plan.

        Returns
        -------
        tuple of StudyTask
            Practice first.

        Raises
        ------
        ValueError
            If the plan has no such person. The message lists all.
        """
        if person not in self.people:
            raise ValueError(f"The plan has no {person!r}; it has {', '.join(self.people)}.")
        return tuple(
            StudyTask(number, name, letter, number <= self.practice)
            for number, (name, letter) in enumerate(self.people[person], start=1)
        )

    def method_of(self, person: str, letter: str) -> str:
        """Return the method that a letter stands for in the tasks of a person.

        Parameters
        ----------
        person : str
            A name of the plan.
        letter : str
            The letter of a task.

        Returns
        -------
        str
            Name of the method.
        """
        return self._key[person][letter]

    def pauses(self, person: str) -> frozenset[int]:
        """Return the numbers of the tasks before which a person takes a break.

        Parameters
        ----------
        person : str
            A name of the plan.

        Returns
        -------
        frozenset of int
            One in the middle of the tasks that count, or none if these are few.
        """
        counted = len(self.tasks_of(person)) - self.practice
        middle = self.practice + (counted + 1) // 2 + 1
        return frozenset([middle] if counted > BREAK_AFTER else [])


@dataclass(frozen=True, eq=False)
class StudyObject:
    """An object to select, at the size that people work on.

    Parameters
    ----------
    name : str
        Its name in the plan.
    photo : WorkingPhoto
        The photo; its longer side has at most 640 pixels.
    truth : np.ndarray
        ``(H, W) bool``: the mask to reach.
    ignore : np.ndarray or None
        ``(H, W) bool``: pixels that do not count.
    """

    name: str
    photo: WorkingPhoto
    truth: np.ndarray
    ignore: np.ndarray | None


def draw_plan(
    people: int | Sequence[str],
    minutes: int,
    objects: Sequence[str] | None = None,
    methods: Sequence[str] = METHODS,
    *,
    dataset: str = SAMPLES,
    root: str | None = None,
    seed: int = 0,
) -> StudyPlan:
    """Draw a balanced plan.

    The first object is for practice, once with each method. Each person gets as many others as the
    time allows, and does each once with every method. The objects come in groups of at most four.
    In a group, the first round has every object once, the second round has them with the next
    method, and so on: rounds, objects and methods form a Latin square. The square is shifted from
    person to person. So each method comes first, second and last about equally often, for every
    object and every person. The order in a round is random.

    Parameters
    ----------
    people : int or sequence of str
        Number of people, who are then called P01, P02 and so on, or names of your choice. Real
        names need not appear.
    minutes : int
        Time for clicking. A task is planned with 45 seconds.
    objects : sequence of str, optional
        Names of objects in the dataset. By default all of them.
    methods : sequence of str
        Registered methods, each once.
    dataset : str
        ``"samples"``, the bundled photos, or a layout of
        :func:`~tutorial_lib.data.datasets.load_dataset`, such as ``"folder"``.
    root : str, optional
        The photos' folder, for another dataset than the bundled photos.
    seed : int
        Seed of the random draws.

    Returns
    -------
    StudyPlan
        The plan, for :func:`write_plan` and :class:`tutorial_lib.widgets.StudyCanvas`.

    Raises
    ------
    ValueError
        If a method or an object is unknown, a name appears twice or cannot be the name of a file,
        there are fewer than two objects, or the time does not suffice for one object.

    Examples
    --------
    >>> plan = draw_plan(["Ada", "Ben"], 10, ["flower", "coffee", "rocket"], ["graph-cut", "dos"])
    >>> [task.object for task in plan.tasks_of("Ada")][:2]
    ['flower', 'flower']
    >>> sorted(task.letter for task in plan.tasks_of("Ada") if task.object == "rocket")
    ['A', 'B']
    """
    if objects is None:
        objects = _ids(dataset, root)
    names = _names(people)
    _check_methods(methods)
    if len(set(objects)) < max(2, len(objects)):
        raise ValueError("A plan needs at least two objects, and each only once.")
    fitting = (60 * minutes // SECONDS_PER_TASK - len(methods)) // len(methods)
    if fitting < 1:
        shortest = -(-2 * len(methods) * SECONDS_PER_TASK // 60)
        raise ValueError(
            f"Practice and one object with {len(methods)} methods do not fit into {minutes} "
            f"minutes; plan {shortest} or more."
        )
    rng = np.random.default_rng(seed)
    practice, others = objects[0], [str(name) for name in rng.permutation(objects[1:])]
    each = min(fitting, len(others))
    letters = [chr(ord("A") + number) for number in range(len(methods))]
    planned, key = {}, {}
    for place, person in enumerate(names):
        order = [int(index) for index in rng.permutation(len(methods))]
        letter_of = {methods[index]: letter for index, letter in zip(order, letters, strict=True)}
        key[person] = {letter: method for method, letter in letter_of.items()}
        first = [(practice, methods[index]) for index in rng.permutation(len(methods))]
        # One after the other around the list: all objects are used equally often.
        turns = [divmod(place * each + number, len(others)) for number in range(each)]
        mine = [(others[index], index + turn) for turn, index in turns]
        tasks = first + _rounds(mine, methods, rng)
        planned[person] = tuple((name, letter_of[method]) for name, method in tasks)
    return StudyPlan(
        kind="study-plan", schema=1, study=secrets.token_hex(4), seed=seed, minutes=minutes,
        dataset=dataset, root=root, practice=len(methods), target_iou=0.85, max_clicks=20,
        answer_seconds=1.0, pause_seconds=3.0, people=planned, sealed=_seal(key),
    )  # fmt: skip


def _rounds(
    mine: list[tuple[str, int]], methods: Sequence[str], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """Order the objects of a person. Each comes with the place where its methods begin."""
    tasks: list[tuple[str, str]] = []
    for group in np.array_split(np.arange(len(mine)), -(-len(mine) // GROUP)):
        for turn in range(len(methods)):
            chosen = [int(index) for index in rng.permutation(group)]
            if len(chosen) > 1 and tasks and tasks[-1][0] == mine[chosen[0]][0]:
                chosen.append(chosen.pop(0))  # no object twice in a row
            tasks += [
                (mine[index][0], methods[(mine[index][1] + turn) % len(methods)])
                for index in chosen
            ]
    return tasks


def _names(people: int | Sequence[str]) -> list[str]:
    if isinstance(people, int):
        people = [f"P{number:02d}" for number in range(1, people + 1)]
    names = list(people)
    if not names:
        raise ValueError("A plan needs at least one person.")
    for name in names:
        if safe_stem(name) != name:
            raise ValueError(f"A person's name is part of file names, and {name!r} cannot be.")
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError("Two people of a plan have the same name.")
    return names


def _check_methods(methods: Sequence[str]) -> None:
    if not methods or len(set(methods)) < len(methods):
        raise ValueError("A plan needs at least one method, and each only once.")
    for name in methods:
        method_info(name)


def _ids(dataset: str, root: str | None) -> list[str]:
    if dataset == SAMPLES:
        return [example.id for example in sample_examples()]
    return list(load_dataset(dataset, root or ".").ids)


def _seal(key: dict[str, dict[str, str]]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(key).encode())).decode("ascii")


def write_plan(plan: StudyPlan, path: str | Path) -> None:
    """Write a plan as one small JSON file.

    Parameters
    ----------
    plan : StudyPlan
        The plan.
    path : str or Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_record(plan, Path(path), lambda plain: json.dumps(plain, ensure_ascii=False) + "\n")


def read_plan(path: str | Path) -> StudyPlan:
    """Read a plan, and complete the path of its photos.

    Parameters
    ----------
    path : str or Path
        A file that :func:`write_plan` wrote.

    Returns
    -------
    StudyPlan
        The plan. A relative ``root`` is joined to the plan's folder.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else.
    """
    path = Path(path).expanduser()
    plan = read_record(path, StudyPlan, "`python -m tutorial_lib study plan` writes a plan")
    if plan.root is None:
        return plan
    return plan.model_copy(update={"root": str(path.parent / plan.root)})


def read_objects(plan: StudyPlan, root: str | Path | None = None) -> dict[str, StudyObject]:
    """Read the photos and masks of a plan.

    Parameters
    ----------
    plan : StudyPlan
        The plan.
    root : str or Path, optional
        The photos' folder, if it is not where the plan says.

    Returns
    -------
    dict of str to StudyObject
        The objects by name.

    Raises
    ------
    ValueError
        If an object is missing. The message names it.
    """
    wanted = set(plan.objects)
    if plan.dataset == SAMPLES:
        examples = [example for example in sample_examples() if example.id in wanted]
    else:
        data = load_dataset(plan.dataset, root or plan.root or ".")
        examples = [data[place] for place, name in enumerate(data.ids) if name in wanted]
    found = {}
    for example in examples:
        photo = WorkingPhoto(example.image, LONGEST)
        ignore = None if example.ignore is None else photo.small_mask(example.ignore)
        found[example.id] = StudyObject(example.id, photo, photo.small_mask(example.truth), ignore)
    if missing := sorted(wanted - set(found)):
        raise ValueError(
            f"The photos of this study lack {missing[0]!r}; give the folder of its photos as root."
        )
    return found
