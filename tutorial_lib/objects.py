"""Several objects on one photo: names, clicks, answers, and the rule for overlaps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.render import Colour
from tutorial_lib.segmenter import Segmentation

FIRST_NAME = "object"


@dataclass(frozen=True, eq=False)
class SessionObject:
    """One object of a session, as it is now.

    Parameters
    ----------
    name : str
        Its name, which no other object of the session has.
    visible : bool
        Whether a widget draws its mask. Hidden objects are exported too.
    clicks : Clicks
        What the user said about it.
    method : str
        The method that answers for it.
    mask : np.ndarray
        ``(H, W) bool``: the latest answer, before overlaps are settled.
    colour : tuple of int
        Red, green and blue, 0 to 255: how the mask is drawn.
    """

    name: str
    visible: bool
    clicks: Clicks
    method: str
    mask: np.ndarray
    colour: Colour


@dataclass(eq=False)
class ObjectState:
    """Everything a session keeps for one object while the user works on another one.

    Parameters
    ----------
    name : str
        Its name.
    method : str
        Name of its method.
    options : dict
        Options of the method.
    key : str
        The session's key of the prepared photo.
    visible : bool
        Whether it is drawn.
    clicks : Clicks
        What the user said about it.
    past, future : list of Clicks
        The states of undo and redo.
    answers : tuple, optional
        The clicks, the key and the answer that belongs to both, with the touch-ups painted on it.
    untouched : tuple, optional
        The clicks without touch-ups, the key, the answer of the method and its milliseconds.
    history : list
        Every answer so far, oldest first.
    colour : tuple of int, optional
        How its mask is drawn: chosen at the first answer, so that it stays while the user clicks.
    """

    name: str
    method: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    visible: bool = True
    clicks: Clicks = field(default_factory=Clicks)
    past: list[Clicks] = field(default_factory=list)
    future: list[Clicks] = field(default_factory=list)
    answers: tuple[Clicks, str, Segmentation] | None = None
    untouched: tuple[Clicks, str, Segmentation, float] | None = None
    history: list[Any] = field(default_factory=list)
    colour: Colour | None = None


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name that no object has: the name itself, or the name and a number.

    Parameters
    ----------
    name : str
        The wanted name.
    taken : collection of str
        Names of other objects.

    Returns
    -------
    str
        The free name.

    Examples
    --------
    >>> free_name("cup", ["cup", "cup 2"])
    'cup 3'
    """
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def checked_name(name: str, taken: Collection[str]) -> str:
    """Check the name of an object.

    Parameters
    ----------
    name : str
        The name.
    taken : collection of str
        Names of other objects.

    Returns
    -------
    str
        The name without spaces at its ends.

    Raises
    ------
    ValueError
        If the name is empty or taken.
    """
    name = str(name).strip()
    if not name:
        raise ValueError("An object needs a name of at least one letter.")
    if name in taken:
        raise ValueError(f"There is an object {name!r} already; choose another name.")
    return name


def settle_overlaps(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Settle the overlaps of several masks: a pixel belongs to the last mask that holds it.

    The last mask is the object that the user began last.

    Parameters
    ----------
    masks : sequence of np.ndarray
        ``(H, W) bool`` each, at least one.

    Returns
    -------
    np.ndarray
        ``(H, W)`` uint8, or uint16 with more than 255 masks: 0 is background, k the k-th mask.

    Examples
    --------
    >>> import numpy as np
    >>> settle_overlaps([np.array([[True, True, False]]), np.array([[False, True, True]])]).tolist()
    [[1, 2, 2]]
    """
    labels = np.zeros(masks[0].shape, dtype=np.uint8 if len(masks) < 256 else np.uint16)
    for number, mask in enumerate(masks, start=1):
        labels[mask] = number
    return labels
