"""A person at work on a plan: what was done, where to go on, and the file that keeps it.

A person may have several sittings: the page is reloaded, the kernel is restarted, the lid is
closed. Every sitting has a file of its own, with a name that nothing else has. It begins with all
that earlier sittings recorded, and is written anew after each click, completely or not at all. So
no sitting overwrites another one, and the latest file alone is enough to hand in.

A log knows methods by their letters only, and says nothing about the time of day.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.evaluation.records import (
    RECORD,
    Positive,
    RecordedClick,
    Series,
    read_record,
    write_record,
)
from tutorial_lib.study.plan import StudyPlan, StudyTask

LONGEST_PAUSE = 120  # seconds: who does nothing for longer was away
REMEDY = "`StudyCanvas` writes study logs"


class StudyEvent(BaseModel):
    """Something that a person did in a task.

    Attributes
    ----------
    seconds : float
        Time since the photo appeared.
    did : str
        ``"click"``, ``"undo"``, or ``"resume"``: a new sitting goes on with the task.
    click : tuple of (int, int, bool) or None
        Row, column, and whether the click is positive.
    """

    model_config = RECORD

    seconds: Annotated[float, Field(ge=0)]
    did: Literal["click", "undo", "resume"]
    click: RecordedClick | None = None

    @model_validator(mode="after")
    def _a_click_has_a_place(self) -> StudyEvent:
        if (self.did == "click") != (self.click is not None):
            raise ValueError("a click has a place, and nothing else has")
        return self


class TaskLog(BaseModel):
    """What a person did in one task.

    Attributes
    ----------
    number : int
        Number of the task in the plan, from 1.
    object, letter : str
        As in the plan.
    photo : str
        SHA-256 of the photo's pixels.
    events : tuple of StudyEvent
        Everything in its order.
    done : bool
        Whether the task was ended by the target or by the last click.
    """

    model_config = RECORD

    number: Positive
    object: str
    letter: str
    photo: str
    events: Series[StudyEvent] = ()
    done: bool = False

    def states(self) -> list[Clicks]:
        """Return the clicks in force after each click or undo, oldest first."""
        found, now = [], Clicks()
        for event in self.events:
            if event.did != "resume":
                now = now.undo() if event.click is None else now.add(Click(*event.click))
                found.append(now)
        return found

    @property
    def clicks(self) -> Clicks:
        """The clicks in force at the end."""
        return next(reversed(self.states()), Clicks())

    @property
    def count(self) -> int:
        """Number of clicks made. A click that was taken back counts too: it was made."""
        return sum(event.did == "click" for event in self.events)

    @property
    def seconds(self) -> list[float] | None:
        """Time of each click, or None if the person was away in between."""
        before = 0.0
        for event in self.events:
            if event.did == "resume" or event.seconds - before > LONGEST_PAUSE:
                return None
            before = event.seconds
        return [event.seconds for event in self.events if event.did == "click"]


class StudyLog(BaseModel):
    """The file of one sitting: all tasks of a person so far.

    Attributes
    ----------
    study, person : str
        As in the plan.
    tasks : tuple of TaskLog
        The tasks that were begun.
    """

    model_config = RECORD

    kind: Literal["study-log"]
    schema_: Literal[1] = Field(alias="schema")
    study: str
    person: str
    tasks: Series[TaskLog]


def further(first: TaskLog, second: TaskLog) -> TaskLog:
    """Return the log of a task that got further; the first one if both got equally far."""
    return max(first, second, key=lambda log: (log.done, len(log.events)))


class Sitting:
    """A person at work on a plan, from the first task that is not done.

    Parameters
    ----------
    plan : StudyPlan
        The plan.
    person : str
        A name of the plan.
    folder : str or Path
        Where the files are. All files of this person and study in it are read.
    clock : callable
        Returns the present time in seconds.

    Attributes
    ----------
    path : Path
        The file of this sitting.
    task : StudyTask or None
        The task to do now, or None when all are done.

    Raises
    ------
    ValueError
        If the plan has no such person.

    Examples
    --------
    >>> from tutorial_lib.study import draw_plan
    >>> plan = draw_plan(["Ada"], 10, ["flower", "coffee"], ["graph-cut", "dos"])
    >>> sitting = Sitting(plan, "Ada", "logs")
    >>> sitting.begin("the photo's SHA-256")
    >>> sitting.click(Click(10, 20))
    >>> Sitting(plan, "Ada", "logs").log.count      # another kernel goes on with it
    1
    """

    def __init__(
        self,
        plan: StudyPlan,
        person: str,
        folder: str | Path = "study-logs",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plan, self.person, self._clock = plan, person, clock
        self._tasks = plan.tasks_of(person)
        self._folder = Path(folder).expanduser()
        token = secrets.token_hex(4)
        self.path = self._folder / f"study-{plan.study}-{person}-{token}.json"
        self._done = self._earlier()
        self._start, self._offset = 0.0, 0.0
        self.task: StudyTask | None = None
        self._go_on()

    def _earlier(self) -> dict[int, TaskLog]:
        """Read what earlier sittings recorded. A damaged file must not prevent new work."""
        found: dict[int, TaskLog] = {}
        for path in sorted(self._folder.glob("study-*.json")):
            with suppress(ValueError, OSError):
                log = read_record(path, StudyLog, REMEDY)
                if (log.study, log.person) == (self.plan.study, self.person):
                    merge_logs(found, log.tasks, self._tasks)
        return found

    @property
    def total(self) -> int:
        """Number of tasks."""
        return len(self._tasks)

    @property
    def log(self) -> TaskLog:
        """What was done in the present task so far."""
        task = self._present()
        return self._done.get(task.number) or TaskLog(
            number=task.number, object=task.object, letter=task.letter, photo=""
        )

    @property
    def begun(self) -> bool:
        """Whether any task was begun, in this sitting or before."""
        return bool(self._done)

    @property
    def needs_break(self) -> bool:
        """Whether the plan has a break before the present task."""
        task = self.task
        fresh = task is not None and task.number not in self._done
        return fresh and task.number in self.plan.pauses(self.person)

    @property
    def last_click(self) -> bool:
        """Whether all clicks of the present task are used up."""
        return self.log.count >= self.plan.max_clicks

    def method(self) -> str:
        """Return the method of the present task. Nothing that a person sees may tell it."""
        return self.plan.method_of(self.person, self._present().letter)

    def begin(self, photo: str) -> None:
        """Begin the present task, or go on with it: from now on time counts.

        Parameters
        ----------
        photo : str
            SHA-256 of the photo's pixels.
        """
        log = self.log
        self._offset = log.events[-1].seconds if log.events else 0.0
        self._start = self._clock()
        self._done[log.number] = log.model_copy(update={"photo": photo})
        if log.events:
            self._record(StudyEvent(seconds=self._offset, did="resume"))

    def click(self, click: Click) -> None:
        """Record a click.

        Parameters
        ----------
        click : Click
            In pixels of the working photo.

        Raises
        ------
        OSError
            If the file cannot be written. The click is kept, and the next event writes it too.
        """
        place = (click.row, click.col, click.positive)
        self._record(StudyEvent(seconds=self._now(), did="click", click=place))

    def undo(self) -> None:
        """Record that the latest click was taken back.

        Raises
        ------
        OSError
            As for :meth:`click`.
        """
        self._record(StudyEvent(seconds=self._now(), did="undo"))

    def finish(self) -> None:
        """End the present task, and go to the next one.

        Raises
        ------
        OSError
            As for :meth:`click`.
        """
        log = self.log.model_copy(update={"done": True})
        self._done[log.number] = log
        self._go_on()
        self.save()

    def save(self) -> None:
        """Write the file. Every event does so; this is for another try after an error.

        Raises
        ------
        OSError
            As for :meth:`click`.
        """
        tasks = tuple(self._done[number] for number in sorted(self._done))
        log = StudyLog(
            kind="study-log", schema=1, study=self.plan.study, person=self.person, tasks=tasks
        )
        write_record(log, self.path, lambda plain: json.dumps(plain) + "\n")

    def _present(self) -> StudyTask:
        if self.task is None:
            raise ValueError("All tasks of this person are done.")
        return self.task

    def _go_on(self) -> None:
        ended = {number for number, log in self._done.items() if log.done}
        self.task = next((task for task in self._tasks if task.number not in ended), None)

    def _now(self) -> float:
        return round(self._offset + self._clock() - self._start, 2)

    def _record(self, event: StudyEvent) -> None:
        log = self.log
        self._done[log.number] = log.model_copy(update={"events": (*log.events, event)})
        self.save()


def merge_logs(
    found: dict[int, TaskLog], logs: Iterable[TaskLog], tasks: Iterable[StudyTask]
) -> dict[int, str]:
    """Add the logs of tasks to those found so far; of two logs of a task the further one stays.

    Parameters
    ----------
    found : dict of int to TaskLog
        By number of the task. It is changed.
    logs : iterable of TaskLog
        The new ones.
    tasks : iterable of StudyTask
        The person's tasks in the plan.

    Returns
    -------
    dict of int to str
        The logs that were not taken, by number of the task, with half a sentence that says why.
    """
    planned = {task.number: (task.object, task.letter) for task in tasks}
    refused = {}
    for log in logs:
        if planned.get(log.number) != (log.object, log.letter):
            refused[log.number] = "it is not in the plan"
        elif log.number not in found:
            found[log.number] = log
        else:
            events, known = log.events, found[log.number].events
            common = min(len(events), len(known))
            if events[:common] != known[:common]:
                refused[log.number] = "another file has other clicks for it"
            found[log.number] = further(found[log.number], log)
    return refused
