"""A quiz: one question after the other, with an explanation after each answer."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as ipw

from tutorial_lib.course.quiz import quiz_sheet

_TEXT = "color: var(--jp-ui-font-color1, currentColor); line-height: 1.45; font-size: 1.1em"

# ipywidgets gives an option a single line. On a narrow page a long one needs two.
_STYLE = """<style>
.tutorial-quiz .widget-radio-box label { display: flex; height: auto; line-height: 20px }
.tutorial-quiz .widget-radio-box input { flex: none }
</style>"""


class Quiz(ipw.VBox):
    """The ten questions of a session. Works with the mouse and with the keyboard.

    Tab goes from part to part, the arrow keys choose an option, and Enter or Space presses a
    button. Everything is in the notebook; no network is used. Without a kernel, readers see the
    questions as text.

    Parameters
    ----------
    session : int
        1, 2 or 3.

    Attributes
    ----------
    given : dict of int to int
        The option that was chosen for each question, both from 0. The first choice counts.

    Examples
    --------
    >>> quiz = Quiz(1)
    >>> quiz.answer(2)
    >>> len(quiz.given)
    1
    """

    def __init__(self, session: int) -> None:
        self.sheet = quiz_sheet(session)
        self.given: dict[int, int] = {}
        self._place = 0
        self._question, self._reply = ipw.HTML(), ipw.HTML()
        # Options are HTML-free texts in a native radio group: arrow keys move between them.
        self._options = ipw.RadioButtons(layout=ipw.Layout(width="100%", max_width="60em"))
        self._check = ipw.Button(description="Check", button_style="primary")
        self._back = ipw.Button(description="Back")
        self._next = ipw.Button(description="Next")
        self._check.on_click(lambda _: self.answer(self._options.index))
        self._back.on_click(lambda _: self.go(self._place - 1))
        self._next.on_click(lambda _: self.go(self._place + 1))
        buttons = ipw.HBox([self._check, self._back, self._next])
        super().__init__([self._question, self._options, buttons, self._reply])
        self.add_class("tutorial-quiz")
        self.go(0)

    @property
    def score(self) -> int:
        """How many questions were answered right at the first try."""
        return sum(self.given[n] == self.sheet.questions[n].right for n in self.given)

    def go(self, place: int) -> None:
        """Show a question.

        Parameters
        ----------
        place : int
            Its place from 0. Places outside the quiz are clipped.
        """
        self._place = min(max(place, 0), len(self.sheet.questions) - 1)
        question = self.sheet.questions[self._place]
        count = f"{self._place + 1} of {len(self.sheet.questions)}"
        text = f'<p style="{_TEXT}"><b>{count}</b> {escape(question.text)}</p>'
        self._question.value = _STYLE + text
        self._options.options = list(question.options)
        self._options.index = self.given.get(self._place)
        self._back.disabled = self._place == 0
        self._next.disabled = self._place == len(self.sheet.questions) - 1
        self._reply.value = self._explained(self._options.index)

    def answer(self, option: int | None) -> None:
        """Answer the question that is shown.

        Parameters
        ----------
        option : int or None
            The place of the option from 0; None if nothing is chosen yet.
        """
        if option is not None:
            self.given.setdefault(self._place, option)
            if self._options.index != option:
                self._options.index = option
        self._reply.value = self._explained(option)

    def _explained(self, option: int | None) -> str:
        question = self.sheet.questions[self._place]
        if option is None:
            text = "Choose an option, then press Check."
        elif option == question.right:
            text = f"<b>Right.</b> {escape(question.why)}"
        else:
            text = "<b>Not this one.</b> Look at it again, and choose another."
        done = f"{self.score} of {len(self.given)} right at the first try." if self.given else ""
        return f'<p style="{_TEXT}" role="status" aria-live="polite">{text}<br>{done}</p>'

    def __repr__(self) -> str:
        return f"Quiz({self.sheet.session})"

    def _repr_mimebundle_(self, **settings: Any) -> dict[str, Any]:
        """Add the questions as text for readers without a running kernel."""
        bundle = super()._repr_mimebundle_(**settings)
        text = f"{self.sheet.as_text()}\n*The quiz comes alive when the notebook runs.*"
        return {**bundle, "text/markdown": text}
