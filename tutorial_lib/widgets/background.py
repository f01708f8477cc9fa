"""Slow work in a thread, so that the kernel stays free to take further clicks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, as in a notebook's kernel, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def run_guarded(task: Callable[[], Any]) -> BaseException | None:
    """Run a task and return the exception that it raised, or None.

    A method may raise anything, even SystemExit. In a thread, SystemExit would end the thread
    silently, and the widget would wait for its answer for ever.
    """
    try:
        task()
    except BaseException as error:
        return error
    return None


def guard(
    handler: Callable[..., Any], report: Callable[[BaseException], None]
) -> Callable[..., None]:
    """Wrap a browser's event handler, so that no exception is lost.

    Parameters
    ----------
    handler : callable
        Any function. Its result is dropped.
    report : callable
        ``report(error)`` is called with every exception that the handler raises, SystemExit too:
        it would end the kernel.

    Returns
    -------
    callable
        A function with the arguments of the handler. It never raises.
    """

    def guarded(*arguments: Any) -> None:
        failure = run_guarded(partial(handler, *arguments))
        if failure is not None:
            report(failure)

    return guarded


def error_line(error: BaseException) -> str:
    """Return the message of an exception on one line."""
    text = " ".join(str(error).split())
    if isinstance(error, Exception):
        return text or type(error).__name__
    message = f" ({text})" if text else ""
    return f"The work was ended by {type(error).__name__}{message}; click again to go on."


class Background:
    """One task at a time, in a thread.

    Parameters
    ----------
    finished : callable
        ``finished(failure)`` is called on the kernel's thread when a task has ended. ``failure``
        is the exception that the task raised, or None. It is not called for tasks that were joined
        or forgotten, nor without an event loop.
    """

    def __init__(self, finished: Callable[[BaseException | None], None]) -> None:
        self._finished = finished
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a task runs, or has ended and ``finished`` is still to be called."""
        return self._thread is not None

    def start(self, task: Callable[[], Any]) -> None:
        """Run a task; the one before must have ended, or been joined or forgotten."""
        loop = running_loop()

        def work() -> None:
            failure = run_guarded(task)
            if loop is not None:
                with suppress(RuntimeError):  # the kernel is shutting down
                    loop.call_soon_threadsafe(self._end, thread, failure)

        thread = self._thread = threading.Thread(target=work, daemon=True)
        thread.start()

    def _end(self, thread: threading.Thread, failure: BaseException | None) -> None:
        if thread is self._thread:
            self._thread = None
            self._finished(failure)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the task, at most ``timeout`` seconds; return whether it has ended."""
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
            self._thread = None
        return True

    def forget(self) -> None:
        """Let the task end without a call of ``finished``."""
        self._thread = None
