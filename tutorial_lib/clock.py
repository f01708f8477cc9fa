"""Time a function call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """Call a function and measure how long it takes.

    Parameters
    ----------
    action : callable
        Called once, without arguments.

    Returns
    -------
    value : Any
        What it returned.
    milliseconds : float
        How long it took.

    Examples
    --------
    >>> value, milliseconds = timed(lambda: 6 * 7)
    >>> value
    42
    """
    start = time.perf_counter()
    value = action()
    return value, 1000 * (time.perf_counter() - start)
