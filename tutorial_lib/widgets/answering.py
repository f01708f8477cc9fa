"""Answer the clicks of one session in a thread, while a person goes on clicking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tutorial_lib.clicks import Clicks
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.session import Session
from tutorial_lib.widgets.background import Background, guard, run_guarded, running_loop

LIVE_MILLISECONDS = 150  # a method that answers within this time follows a mark that is dragged
LOOK_AHEAD_AFTER = 0.15  # seconds; earlier, it would hold up the answer on its way to the screen


class Answering:
    """Asks the method of a session for an answer whenever the clicks have changed.

    Clicks that come while a slow method works are kept. The last answer is always that of the
    latest clicks. While a person looks at it, the method may compute what the next click is likely
    to need, see :meth:`tutorial_lib.session.Session.look_ahead`.

    Parameters
    ----------
    session : Session
        Photo, method and clicks.
    show : callable
        ``show()`` is called on the kernel's thread when there is a new answer.
    report : callable
        ``report(error)`` is called after ``show`` if the method failed.
    check : callable, optional
        ``check(session)`` is called after each answer, in the thread. It raises an exception if the
        widget cannot show the answer.
    """

    def __init__(
        self,
        session: Session,
        show: Callable[[], None],
        report: Callable[[BaseException], None],
        check: Callable[[Session], None] | None = None,
    ) -> None:
        self._session, self._show, self._report, self._check = session, show, report, check
        self._work = Background(guard(self._work_done, report))
        self._ahead = Background(lambda _failure: None)  # the next click reports what fails here
        self._looks: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> bool:
        """Whether there are clicks whose answer is not there yet."""
        return self._session.stale and bool(self._session.clicks.actions)

    def prepare(self) -> None:
        """Prepare the photo, so that the first click is answered quickly; without a loop, later."""
        if running_loop() is not None:
            self._work.start(self._session.prepare)

    def answer(self, wait: bool) -> None:
        """Answer the latest clicks.

        Parameters
        ----------
        wait : bool
            True returns when the answer is there, and raises what the method raises. False returns
            at once, if there is an event loop.
        """
        if wait or running_loop() is None:
            self._work.join()
            failure = run_guarded(self._catch_up)
            self._answered(failure)
            if failure is not None:
                raise failure
        elif not self._work.busy:
            self._work.start(self._catch_up)

    def join(self) -> None:
        """Wait for the thread to end."""
        self._work.join()

    def forget(self) -> None:
        """Let the thread end without a call of ``show``."""
        self._work.forget()
        self._ahead.forget()
        if self._looks is not None:
            self._looks.cancel()

    def _catch_up(self) -> None:
        self._session.catch_up()
        if self._check is not None:
            self._check(self._session)

    def _work_done(self, failure: BaseException | None) -> None:
        if failure is None and self.waiting:
            self.answer(wait=False)  # a click came after the thread's last look at the clicks
            return
        self._answered(failure)
        loop = running_loop()
        if failure is None and loop is not None and len(self._session.clicks):
            self._looks = loop.call_later(LOOK_AHEAD_AFTER, self._look_ahead)

    def _look_ahead(self) -> None:
        if not self._work.busy and not self._ahead.busy:
            self._ahead.start(self._session.look_ahead)

    def _answered(self, failure: BaseException | None) -> None:
        self._show()
        if failure is not None:
            self._report(failure)


class Preview:
    """Answers clicks that a person has not made yet, while they drag a mark.

    Only a fast method is asked. A place that the mark has left before its answer could be computed
    is skipped.

    Parameters
    ----------
    session : Session
        Photo and method. It does not change.
    draw : callable
        ``draw(answer)`` is called on the kernel's thread.
    """

    def __init__(self, session: Session, draw: Callable[[Segmentation], None]) -> None:
        self._session, self._draw = session, draw
        self._wanted: Clicks | None = None
        self._answer: tuple[Clicks, Segmentation] | None = None  # the latest that was computed
        self._work = Background(self._answered)

    def ask(self, clicks: Clicks) -> None:
        """Show the answer to these clicks as soon as it is there, if the method is fast."""
        history = self._session.history
        if not history or history[-1].milliseconds > LIVE_MILLISECONDS:
            return
        self._wanted = clicks
        if running_loop() is None:
            self._answered(run_guarded(self._work_on))
        elif not self._work.busy:
            self._work.start(self._work_on)

    def end(self) -> None:
        """Show nothing any more: the mark was dropped."""
        self._wanted = None

    def _work_on(self) -> None:
        if (clicks := self._wanted) is not None:
            self._answer = clicks, self._session.answer_to(clicks)

    def _answered(self, failure: BaseException | None) -> None:
        if failure is not None or self._wanted is None or self._answer is None:
            return
        clicks, answer = self._answer
        self._draw(answer)
        if clicks is not self._wanted:
            self._work.start(self._work_on)
