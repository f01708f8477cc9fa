"""Slow work beside the kernel's own thread, which stays free to take further clicks."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LONGEST_WAIT = 0.5  # seconds that a method gives way to faster ones


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop this thread runs in, as a notebook's kernel has, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def attempt(task: Callable[[], Any]) -> BaseException | None:
    """Run a task and return what it raised, or None.

    A method may raise anything, SystemExit too. In a thread that would end the thread without a
    word, and whoever waits for its answer would wait for ever.
    """
    try:
        task()
    except BaseException as error:
        return error
    return None


def reason(error: BaseException) -> str:
    """Return what an exception says, on one line."""
    text = " ".join(str(error).split())
    if isinstance(error, Exception):
        return text or type(error).__name__
    said = f" ({text})" if text else ""
    return f"The work was ended by {type(error).__name__}{said}; click again to go on."


class Background:
    """One task at a time in a thread of its own.

    Parameters
    ----------
    finished : callable
        ``finished(failure)`` is called on the kernel's thread when a task has ended, with what it
        raised or None; not for tasks that were joined or forgotten, and not without an event loop.
    """

    def __init__(self, finished: Callable[[BaseException | None], None]) -> None:
        self._finished = finished
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a task runs, or has ended and waits to be told."""
        return self._thread is not None

    def start(self, task: Callable[[], Any]) -> None:
        """Run a task; the one before must have ended, or been joined or forgotten."""
        loop = running_loop()

        def work() -> None:
            failure = attempt(task)
            if loop is not None:
                with suppress(RuntimeError):  # the kernel is shutting down: nobody to tell
                    loop.call_soon_threadsafe(self._end, thread, failure)

        thread = self._thread = threading.Thread(target=work, daemon=True)
        thread.start()

    def _end(self, thread: threading.Thread, failure: BaseException | None) -> None:
        if thread is self._thread:
            self._thread = None
            self._finished(failure)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the task, at most so many seconds; return whether it has ended."""
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
            self._thread = None
        return True

    def forget(self) -> None:
        """Let the task end unheard: its outcome is of no use any more."""
        self._thread = None


class Turns:
    """Let the faster of several tasks go first when there are more tasks than processors.

    All at once they would share the processors and end together, the fastest as late as the
    slowest. So a task begins when fewer faster ones are at work than there are processors, and
    in any case after :data:`LONGEST_WAIT`: nobody waits long for a task that hangs.

    Parameters
    ----------
    processors : int, optional
        How many tasks may work at once before others give way; all the machine has by default.
    """

    def __init__(self, processors: int | None = None) -> None:
        self._processors = processors or os.cpu_count() or 1
        self._ranks: dict[str, tuple[float, int]] = {}
        self._changed = threading.Condition()

    def announce(self, name: str, rank: tuple[float, int]) -> None:
        """Say that a task is about to work; the lowest ranks go first."""
        with self._changed:
            self._ranks[name] = rank

    def wait(self, name: str) -> None:
        """Wait for the turn of a task that was announced."""
        with self._changed:
            self._changed.wait_for(lambda: self._may_work(name), LONGEST_WAIT)

    def end(self, name: str) -> None:
        """Say that a task has ended, so that others may begin."""
        with self._changed:
            self._ranks.pop(name, None)
            self._changed.notify_all()

    def _may_work(self, name: str) -> bool:
        own = self._ranks.get(name, (0.0, 0))
        return sum(rank < own for rank in self._ranks.values()) < self._processors
