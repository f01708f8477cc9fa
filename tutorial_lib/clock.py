"""How long something takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """Do something and time it.

    Parameters
    ----------
    action : callable
        Called once, without arguments.

    Returns
    -------
    value, milliseconds
        What it returned, and how long it took.
    """
    start = time.perf_counter()
    value = action()
    return value, 1000 * (time.perf_counter() - start)
