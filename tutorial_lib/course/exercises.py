"""What is known about each exercise: title, minutes, the form of an answer, a hint, a rubric."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Exercise:
    """An exercise of a notebook.

    Parameters
    ----------
    id : str
        The notebook and the number, such as ``"01.3"``.
    title : str
        A few words.
    minutes : int
        Our estimate of the time that it takes.
    form : str
        What an answer looks like, as Markdown.
    hint : str
        One or two sentences that help without giving the answer.
    rubric : tuple of str
        What an answer in words should contain. Each point is worth one. Empty if no words are
        asked for.
    """

    id: str
    title: str
    minutes: int
    form: str
    hint: str
    rubric: tuple[str, ...]


@cache
def exercises() -> dict[str, Exercise]:
    """Return all exercises.

    Returns
    -------
    dict of str to Exercise
        By id, in the order of the course.
    """
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return {
        name: Exercise(
            name,
            found["title"],
            found["minutes"],
            found["form"],
            found["hint"],
            tuple(found.get("rubric", ())),
        )
        for name, found in tomllib.loads(text).items()
    }
