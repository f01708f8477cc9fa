"""A queue for threads: where there are more of them than processors, the fastest goes first."""

from __future__ import annotations

import os
import threading

LONGEST_WAIT = 0.5  # seconds that a thread gives way to faster ones


class FastestFirst:
    """Lets the faster of several tasks start first.

    If all tasks started at once, they would share the processors and end together: the fastest
    would be as late as the slowest. So a task starts when fewer faster ones are at work than there
    are processors. After :data:`LONGEST_WAIT` it starts in any case, because a faster task may
    hang.

    Parameters
    ----------
    processors : int, optional
        How many tasks may work at once before others wait. By default, the number of processors.
    """

    def __init__(self, processors: int | None = None) -> None:
        self._processors = processors or os.cpu_count() or 1
        self._ranks: dict[str, tuple[float, int]] = {}
        self._changed = threading.Condition()

    def announce(self, name: str, rank: tuple[float, int]) -> None:
        """Put a task into the queue; the lowest rank goes first."""
        with self._changed:
            self._ranks[name] = rank

    def wait(self, name: str) -> None:
        """Wait until a task in the queue may start."""
        with self._changed:
            self._changed.wait_for(lambda: self._may_work(name), LONGEST_WAIT)

    def end(self, name: str) -> None:
        """Take a task out of the queue, so that others may start."""
        with self._changed:
            self._ranks.pop(name, None)
            self._changed.notify_all()

    def _may_work(self, name: str) -> bool:
        own = self._ranks.get(name, (0.0, 0))
        return sum(rank < own for rank in self._ranks.values()) < self._processors
