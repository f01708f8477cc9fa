"""The quizzes: ten questions for each session, with key and explanation."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from tutorial_lib.course.report import PAGE_STYLE, page


@dataclass(frozen=True)
class Question:
    """A question with one right option.

    Parameters
    ----------
    text : str
        The question.
    options : tuple of str
        In the order in which they are shown.
    right : int
        Which option is right, from 0.
    why : str
        The explanation.
    """

    text: str
    options: tuple[str, ...]
    right: int
    why: str


@dataclass(frozen=True)
class QuizSheet:
    """The questions of one session.

    Parameters
    ----------
    session : int
        1 to 3.
    title : str
        What the session is about.
    questions : tuple of Question
        Ten questions.
    """

    session: int
    title: str
    questions: tuple[Question, ...]

    def as_text(self, key: bool = False) -> str:
        """Return the sheet as text in Markdown.

        Parameters
        ----------
        key : bool
            Whether to add the answers and explanations.

        Returns
        -------
        str
            Questions with options a to d.
        """
        lines = [f"### Quiz {self.session}: {self.title}", ""]
        for number, question in enumerate(self.questions, start=1):
            lines += [f"{number}. {question.text}", ""]
            for letter, option in zip("abcd", question.options, strict=True):
                lines.append(f"    - {letter}) {option}")
            lines.append("")
            if key:
                lines += [f"    **{'abcd'[question.right]}.** {question.why}", ""]
        return "\n".join(lines)

    def as_page(self, key: bool = False) -> str:
        """Return the sheet as a page to print.

        Parameters
        ----------
        key : bool
            Whether to add the answers and explanations on a page of their own.

        Returns
        -------
        str
            HTML that loads nothing.
        """
        body = [f"<h1>Quiz {self.session}: {escape(self.title)}</h1>"]
        body += ["<p>Name: ____________________________</p>", "<ol>"]
        for question in self.questions:
            options = "".join(f"<li>{escape(option)}</li>" for option in question.options)
            body.append(f'<li>{escape(question.text)}<ol type="a">{options}</ol></li>')
        body.append("</ol>")
        if key:
            body.append('<h1 style="break-before: page">Key</h1><ol>')
            for question in self.questions:
                letter = "abcd"[question.right]
                body.append(f"<li><b>{letter}.</b> {escape(question.why)}</li>")
            body.append("</ol>")
        style = PAGE_STYLE + "@media print { li { break-inside: avoid } }"
        return page(f"Quiz {self.session}", "".join(body), style)


@cache
def quiz_sheet(session: int) -> QuizSheet:
    """Return the quiz of a session.

    Parameters
    ----------
    session : int
        1, 2 or 3.

    Returns
    -------
    QuizSheet
        Its ten questions. Options have the same order every time.

    Raises
    ------
    ValueError
        If there is no such session.
    """
    found = tomllib.loads(Path(__file__).with_name("quizzes.toml").read_text(encoding="utf-8"))
    if str(session) not in found:
        raise ValueError(
            f"There is no session {session}; quizzes are there for {', '.join(found)}."
        )
    questions = []
    for number, entry in enumerate(found[str(session)]["questions"]):
        order = list(range(len(entry["options"])))
        random.Random(100 * session + number).shuffle(order)
        options = tuple(entry["options"][place] for place in order)
        questions.append(Question(entry["text"], options, order.index(0), entry["why"]))
    return QuizSheet(session, found[str(session)]["title"], tuple(questions))
