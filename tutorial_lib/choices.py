"""What a human prefers among a method's candidates: after so many clicks, this one.

A choice is part of what the human says, as a click is. It decides what is shown after those clicks,
and thus what the next click corrects. So an answer stays a function of its inputs: photo, clicks
and choices.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Iterable, Mapping
from typing import Any


def check_choices(
    chosen: Mapping[int, int] | None, candidates: int | None = None
) -> dict[int, int]:
    """Refuse choices that no method could follow.

    Parameters
    ----------
    chosen : mapping of int to int, optional
        Number of clicks, from 1, to the number of the candidate preferred then, from 0.
    candidates : int, optional
        How many candidates there are, if that is known.

    Returns
    -------
    dict of int to int
        The same choices; none for None.

    Raises
    ------
    TypeError
        If this is no mapping of whole numbers.
    ValueError
        If a choice was made before the first click, or there is no such candidate.
    """
    if not isinstance(chosen, Mapping | None):
        raise TypeError(f"Choices are a mapping such as {{1: 2}}, not {chosen!r}.")
    checked = {_whole(count): _whole(number) for count, number in (chosen or {}).items()}
    for count, number in checked.items():
        if count < 1:
            raise ValueError(f"A choice follows the first click or a later one, not click {count}.")
        if number < 0 or (candidates is not None and number >= candidates):
            last = "..." if candidates is None else str(candidates - 1)
            raise ValueError(f"The candidates are numbered 0 to {last}; none is {number}.")
    return checked


def takes_choices(segmenter: Any) -> bool:
    """Return whether a method can be told what a human prefers.

    Parameters
    ----------
    segmenter : Segmenter
        Any method.

    Returns
    -------
    bool
        Whether its ``segment`` has an argument ``chosen``.
    """
    return "chosen" in inspect.signature(segmenter.segment).parameters


def choices_to_list(chosen: Mapping[int, int]) -> list[list[int]]:
    """Return choices as ``[number of clicks, candidate]`` pairs, ready for JSON."""
    return [[count, number] for count, number in sorted(chosen.items())]


def choices_from_list(entries: Any, clicks: int) -> dict[int, int]:
    """Read what :func:`choices_to_list` returned.

    Parameters
    ----------
    entries : list
        Pairs of numbers, from a file.
    clicks : int
        How many clicks there are.

    Returns
    -------
    dict of int to int
        Number of clicks to candidate.

    Raises
    ------
    ValueError
        If it is something else, or a choice has no clicks that it follows.
    """
    try:
        chosen = check_choices(dict(_pairs(entries)))
    except (TypeError, ValueError):
        chosen = None
    if chosen is None or max(chosen, default=0) > clicks:
        raise ValueError(
            "Choices are [number of clicks, candidate] pairs for the clicks beside them, "
            f"not {entries!r}."
        )
    return chosen


def _pairs(entries: Any) -> Iterable[tuple[int, int]]:
    return [(count, number) for count, number in entries]


def _whole(value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"Clicks and candidates are counted in whole numbers, not {value!r}."
        ) from None
