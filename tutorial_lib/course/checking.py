"""Check an answer to an exercise: one sentence, and whether it is right."""

from __future__ import annotations

import re
from typing import Any

from tutorial_lib.course.exercises import exercises
from tutorial_lib.course.journal import record
from tutorial_lib.course.register import judge_of, what_is_wrong

FEWEST_WORDS = 8


def check(exercise: str, answer: Any) -> bool:
    """Say at once whether an answer is right, or what is wrong with it.

    The sentence names the part that is wrong and how: its shape, type, sign or size, or an example
    on which a function fails. It does not tell the answer. Several right implementations pass. A
    text is an answer in words: it is kept, and a person reads it with the rubric.

    Parameters
    ----------
    exercise : str
        The notebook and the number, such as ``"01.3"``.
    answer : Any
        The answer, in the form that the exercise describes: a number, an array, a function, or a
        dict of several parts. Or a text, for an exercise that asks for reasons.

    Returns
    -------
    bool
        True if the answer is right. For a text: True if it is long enough to be read.

    Examples
    --------
    >>> check("01.4", {"shortest": 2, "crooked": 1000})
    01.4: Each crooked path pushes only 1, so count how much flow there is to push.
    False
    """
    known = exercises().get(_padded(str(exercise)))
    if known is None:
        print(_unknown(str(exercise)))
        return False
    right, sentence = judged(known.id, answer)
    print(f"{known.id}: {sentence}")
    record(known.id, answer, right, sentence)
    return right


def judged(exercise: str, answer: Any) -> tuple[bool, str]:
    """Return whether an answer is right, and the sentence that says so or what is wrong."""
    judge, rubric = judge_of(exercise), exercises()[exercise].rubric
    if rubric and isinstance(answer, str):
        if len(answer.split()) < FEWEST_WORDS:
            return (
                False,
                f"Write at least {FEWEST_WORDS} words, so that there is something to read.",
            )
        return True, "Your words are noted; a person reads them with the rubric."
    if judge is None:
        return False, "This exercise asks for words, so give a text."
    if wrong := what_is_wrong(exercise, answer):
        return False, wrong
    return True, "Right, and now say why in words." if rubric else "Right."


def _padded(name: str) -> str:
    """Return the name of an exercise with two digits: "01.3" for "1.3"."""
    return f"0{name.strip()}" if re.match(r"\s*\d(?!\d)", name) else name.strip()


def _unknown(name: str) -> str:
    notebook = _padded(name).partition(".")[0]
    same = [known for known in exercises() if known.partition(".")[0] == notebook]
    if same:
        return f"There is no exercise {name!r}; this notebook has {same[0]} to {same[-1]}."
    return f'There is no exercise {name!r}; name notebook and number, such as "01.3".'
