"""StudyCanvas: a person does the tasks of a study, one after the other."""

from __future__ import annotations

import html
import time
from pathlib import Path
from typing import Any

import ipywidgets as w

from tutorial_lib.registry import get_segmenter
from tutorial_lib.session import Session
from tutorial_lib.study.blind import Blind
from tutorial_lib.study.plan import StudyPlan, read_objects, read_plan
from tutorial_lib.study.sitting import Sitting
from tutorial_lib.widgets.background import Background, error_line, guard, run_guarded, running_loop
from tutorial_lib.widgets.panel import make_button
from tutorial_lib.widgets.status import status_html
from tutorial_lib.widgets.still import still
from tutorial_lib.widgets.study_task import StudyTaskView

WELCOME = (
    "You see a photo to click on, and the same photo with a goal. Select the goal: left-click "
    "what belongs to it, right-click (or shift-click) what does not. After each click look at the "
    "answer, then correct it where it is wrong. Every click counts, also one that you take back. A "
    "task ends when your selection agrees well enough with the goal (IoU {target:.2f}), or after "
    "{limit} clicks. Different programs answer your clicks, and you are not told which. You need "
    "not hurry. Your clicks and their times are stored under the name {person}, and nothing else. "
    "You may stop at any time."
)
BREAK = "Half of the tasks are done. Take a break; nothing is timed now."
WITHOUT_WIDGETS = (
    "Run this cell (Shift+Enter) to take part. If this text stays, this page shows no widgets: "
    "open the notebook in JupyterLab."
)
THANKS = "Thank you. Everything is done and stored. Hand in this one file: "


class StudyCanvas(w.VBox):
    """Do the tasks of a study: photo and goal side by side, the method unknown.

    Every click is written to a file at once. If the page is reloaded, the kernel restarted or the
    computer closed, run the cell again: the study goes on where it was. No name of a method is
    shown or written. No answer is shown earlier than the plan's ``answer_seconds`` after its click,
    and the next method is prepared between two tasks. So speed tells nothing either.

    Parameters
    ----------
    plan : StudyPlan or path
        The plan, or its file.
    person : str
        Who works: a name of the plan.
    folder : str or Path
        Where the file goes that is handed in at the end.
    root : str or Path, optional
        The photos' folder, if it is not where the plan says.
    width : int
        The longer side of photo and goal on the page, in CSS pixels.

    Attributes
    ----------
    sitting : Sitting
        What is done and what comes next.
    working : bool
        Whether a task is shown and not over.

    Raises
    ------
    FileNotFoundError
        If there is no plan.
    ValueError
        If the plan cannot be read, has no such person, or its photos are missing.

    Examples
    --------
    >>> study = StudyCanvas("plan.json", "P01")       # doctest: +SKIP
    >>> study.proceed()                               # doctest: +SKIP
    >>> study.click(120, 200)                         # doctest: +SKIP
    """

    def __init__(
        self,
        plan: StudyPlan | str | Path,
        person: str,
        *,
        folder: str | Path = "study-logs",
        root: str | Path | None = None,
        width: int = 400,  # photo and goal then stand side by side in a window of 1280 pixels
    ) -> None:
        plan = plan if isinstance(plan, StudyPlan) else read_plan(plan)
        self.sitting = Sitting(plan, person, folder)
        self._plan, self._width = plan, width
        self._objects = read_objects(plan, root)
        self.working = False
        self._task: StudyTaskView | None = None
        self._session: Session | None = None  # of the next task, when it is prepared
        self._next = Background(guard(self._prepared, self._report))
        self._words, self._said = w.HTML(), ""
        self._go = make_button("Begin", "play", "Show the next photo (Enter)")
        self._go.button_style = "primary"
        self._body = w.VBox()
        super().__init__([self._words, self._go, self._body])
        self.add_class("tutorial-study")
        self._go.on_click(guard(lambda _button: self.proceed(), self._report))
        text = WELCOME.format(target=plan.target_iou, limit=plan.max_clicks, person=person)
        if self.sitting.begun:
            text = "You are back. The study goes on where it was."
        self._rest(text, "Go on" if self.sitting.begun else "I have read this and take part")

    # -- what a person does --------------------------------------------------------------------

    def proceed(self) -> None:
        """Show the next task: what the button does. From now on its time counts."""
        if self.working:
            return
        if self.sitting.task is None:
            self.sitting.save()
            self._thank("")
            return
        session, task = self._next_session(), self.sitting.task
        self.sitting.begin(self._objects[task.object].photo.sha256)
        self.working, self._session = True, None
        self._go.layout.display = "none"
        practice = self._plan.practice
        if task.practice:
            self._say(f"Practice {task.number} of {practice}. It does not count.")
        else:
            self._say(f"Task {task.number - practice} of {self.sitting.total - practice}.")
        self._task = StudyTaskView(session, self.sitting, self._width, self._ended)
        self._body.children = (self._task.widget,)
        self._task.widget.show_answer()

    def click(self, row: int, col: int, positive: bool = True, wait: bool = True) -> None:
        """Click on the photo of the present task: mouse, finger and code do the same.

        Parameters
        ----------
        row, col : int
            Pixel of the photo.
        positive : bool
            True on the object, False on the background.
        wait : bool
            True returns when the answer is there, False at once.

        Raises
        ------
        ValueError
            If no task is shown, or the click lies outside the photo. Nothing changes then.
        """
        self._shown().click(row, col, positive, wait)

    def undo(self, wait: bool = True) -> None:
        """Take back the latest click of the present task; it still counts.

        Parameters
        ----------
        wait : bool
            True returns when the answer is there, False at once.

        Raises
        ------
        ValueError
            If no task is shown.
        """
        self._shown().undo(wait)

    def _shown(self) -> Any:
        if self._task is None or not self.working:
            raise ValueError("No task is shown; `proceed` shows the next one.")
        return self._task.widget

    # -- between two tasks ---------------------------------------------------------------------

    def _ended(self, how: str) -> None:
        self.working = False
        failure = run_guarded(self.sitting.finish)
        if self.sitting.task is None:
            self._thank(how)
        elif self.sitting.needs_break:
            self._rest(f"{how} {BREAK}", "Go on")
        else:
            self._rest(how, "Next photo")
        if failure is not None:
            self._report(failure)
            if self.sitting.task is None:
                self._go.description, self._go.layout.display = "Save again", ""

    def _rest(self, text: str, button: str) -> None:
        if self.sitting.task is None:
            self.sitting.save()  # this sitting's file, with all that earlier ones recorded
            self._thank("")
            return
        self._say(text)
        self._go.description, self._go.layout.display = button, ""
        self._go.disabled = running_loop() is not None
        if self._go.disabled:
            self._next.start(self._prepare_next)

    def _prepared(self, failure: BaseException | None) -> None:
        if failure is not None:
            raise failure
        self._go.disabled = False
        self._go.focus()

    def _prepare_next(self) -> None:
        """Build and prepare the next method while the person rests."""
        end = time.monotonic() + self._plan.pause_seconds
        self._session = self._built()
        time.sleep(max(0.0, end - time.monotonic()))

    def _next_session(self) -> Session:
        self._next.join()
        return self._session or self._built()

    def _built(self) -> Session:
        sitting = self.sitting
        thing = self._objects[sitting.log.object]
        method = Blind(get_segmenter(sitting.method()), self._plan.answer_seconds)
        session = Session(
            thing.photo, method, truth=thing.truth, ignore=thing.ignore, name=thing.name
        )
        if len(sitting.log.clicks):
            session.replace(sitting.log.clicks)
            session.refresh()
        else:
            session.rehearse()
        return session

    # -- what the page says --------------------------------------------------------------------

    def _thank(self, how: str) -> None:
        self._go.layout.display = "none"
        self._say(f"{how} {THANKS}{self.sitting.path}".strip())

    def _say(self, text: str, failed: bool = False) -> None:
        self._said = text
        attributes = 'role="status" aria-live="polite" class="tutorial-study-words"'
        self._words.value = status_html(text, failed=failed, attributes=attributes)

    def _report(self, error: BaseException) -> None:
        self._say(error_line(error), failed=True)
        self._go.disabled = False

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add a still picture of the task, for GitHub, nbconvert and closed kernels.

        Without a task there is the text of the page instead.
        """
        data, metadata = super()._repr_mimebundle_(**kwargs), {}
        data["text/plain"] = repr(self)
        if self._task is None:
            said = html.escape(self._said, quote=False)
            data["text/markdown"] = f"> {said}\n\n*{WITHOUT_WIDGETS}*"
        else:
            data["image/jpeg"] = still(self._task.widget.picture)
            metadata["image/jpeg"] = {"alt": f"Still picture of {self!r}"}
        return data, metadata

    def __repr__(self) -> str:
        return f"StudyCanvas({html.escape(self.sitting.person)})"
