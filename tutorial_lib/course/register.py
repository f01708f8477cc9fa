"""The list of checks: which function judges the answer to which exercise."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tutorial_lib.course.judging import WrongAnswer

#: Which file of ``checks/`` holds the checks of a notebook, so that only that one is loaded.
ROOMS = {
    "00": "cuts", "01": "cuts", "02": "cuts",
    "03": "distances", "04": "measuring", "05": "click_maps",
    "06": "networks", "07": "networks",
    "08": "answers", "09": "answers", "10": "papers", "11": "papers", "12": "later",
}  # fmt: skip

Judge = Callable[[Any], None]
_JUDGES: dict[str, Judge] = {}


def checks(exercise: str) -> Callable[[Judge], Judge]:
    """Register a function as the check of an exercise, such as ``"01.3"``."""

    def keep(judge: Judge) -> Judge:
        _JUDGES[exercise] = judge
        return judge

    return keep


def judge_of(exercise: str) -> Judge | None:
    """Return the check of an exercise, or None if it asks only for words."""
    if room := ROOMS.get(exercise[:2]):
        import_module(f"tutorial_lib.course.checks.{room}")
    return _JUDGES.get(exercise)


def what_is_wrong(exercise: str, answer: Any) -> str:
    """Judge an answer; return the sentence that says what is wrong, or an empty text."""
    judge = judge_of(exercise)
    if judge is None:
        raise LookupError(f"The exercise {exercise} asks for words, so it has no check.")
    if answer is ...:
        return "The answer is still open; replace the dots."
    try:
        judge(answer)
    except WrongAnswer as wrong:
        return str(wrong)
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        # An answer of a form that no check expects; the student's sentence, not a traceback.
        text = " ".join(str(error).split()).rstrip(".")
        return f"The answer cannot be used: {text or type(error).__name__}."
    return ""
