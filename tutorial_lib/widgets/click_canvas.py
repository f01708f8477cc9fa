"""The widget a person clicks on: a photo, an answer laid over it, and the clicks on top."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as w
import numpy as np
from ipyevents import Event

from tutorial_lib import render
from tutorial_lib.clicks import Click
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.session import Session
from tutorial_lib.widgets.layers import PhotoLayers
from tutorial_lib.widgets.panel import Panel
from tutorial_lib.widgets.viewport import Viewport

MAX_UPLOAD_SIDE = 1024
ARROWS = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
HELP = (
    "Left click: object. Right click or shift-click: background. Keys: Z undo, Y redo, C clear, "
    "arrows move a cursor, Enter marks object, Shift+Enter background, + and - zoom, Tab leaves."
)


class ClickCanvas(w.VBox):
    """Click on a photo and see the answer change.

    Left click marks the object, right click or shift-click the background; on a touch screen the
    toggle says which. While a slow method works, clicks are kept, and what is shown in the end is
    always the answer to the latest clicks. :meth:`click` does from code what the mouse does.

    Parameters
    ----------
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    method : str
        One of the registered methods.
    truth : np.ndarray, optional
        ``(H, W) bool``: the known mask; the status line then tells the IoU.
    name : str
        Names the files that the Save button writes.
    width : int
        Largest width of the picture on the page, in CSS pixels.
    autosave : bool or path
        Keep the clicks on disk, so that a dead kernel loses nothing; see :class:`Session`.
    folder : str
        Where the Save button writes.
    **options
        The method's own settings.

    Raises
    ------
    ValueError
        If image, method, option or known mask do not fit.

    Examples
    --------
    >>> canvas = ClickCanvas(photo)                   # doctest: +SKIP
    >>> canvas.click(120, 200)                        # doctest: +SKIP
    >>> canvas.click(20, 30, positive=False)          # doctest: +SKIP
    """

    def __init__(
        self,
        image: ImageLike,
        method: str = "graph-cut",
        *,
        truth: np.ndarray | None = None,
        name: str = "photo",
        width: int = 640,
        autosave: bool | str = True,
        folder: str = "exports",
        **options: Any,
    ) -> None:
        self._autosave, self._width, self._folder = autosave, width, folder
        self._worker: threading.Thread | None = None
        self._cursor: tuple[int, int] | None = None
        self._own_options = {method: options}
        self.session = Session(image, method, truth=truth, name=name, autosave=autosave, **options)
        self.viewport = Viewport(self.session.shape, width)
        self.panel = Panel(method, folder)
        self._layers = PhotoLayers(self.viewport, HELP)
        self._listen()
        super().__init__(self.panel.arrange(self._layers))
        self.add_class("tutorial-click-canvas")
        self.redraw()
        self._show_state()
        if (loop := _running_loop()) is not None:
            self._start(loop, Session.prepare)  # so that the first click is answered at once

    def _listen(self) -> None:
        # ipyevents tells the button and shift; watching keyup makes it focus the canvas on hover,
        # without which ipycanvas scrolls the page under the first click and reports a wrong place.
        self._events = Event(
            source=self._layers,
            watched_events=["mousedown", "contextmenu", "keyup"],
            prevent_default_action=True,
        )
        self._events.on_dom_event(self._safely(self._on_mouse))
        self._layers.on_touch_start(self._safely(self._on_touch))
        self._layers.on_key_down(self._safely(self._on_key))
        self._layers.on_client_ready(self._safely(self.redraw))
        panel = self.panel
        for button, action in {
            panel.undo: self.undo,
            panel.redo: self.redo,
            panel.clear: self.clear,
            panel.save: self._save_files,
            panel.restore: self._restore,
            panel.zoom_in: lambda: self.zoom(+1),
            panel.zoom_out: lambda: self.zoom(-1),
        }.items():
            button.on_click(self._safely(lambda _, action=action: action()))
        for step, button in panel.pan.items():
            button.on_click(self._safely(lambda _, step=step: self.pan(*step)))
        panel.method.observe(self._safely(self._on_method), "value")
        panel.upload.observe(self._safely(self._on_upload), "value")
        for choice in (panel.view, panel.opacity):
            choice.observe(self._safely(lambda _: self._show_answer()), "value")

    def _safely(self, handler: Callable[..., Any]) -> Callable[..., None]:
        """Wrap a browser handler: what it raises is told in the widget instead of vanishing."""

        def guarded(*arguments: Any) -> None:
            try:
                handler(*arguments)
            except Exception as error:
                self._fail(error)

        return guarded

    # -- what a person does --------------------------------------------------------------------

    def click(self, row: int, col: int, positive: bool = True, wait: bool = True) -> None:
        """Click on the photo: the one way in for mouse, touch, keyboard and code.

        Parameters
        ----------
        row, col : int
            Pixel of the photo.
        positive : bool
            True on the object, False on the background.
        wait : bool
            True returns when the answer is there; False lets it come later.

        Raises
        ------
        ValueError
            If the click lies outside the photo; nothing changes then.
        """
        self.session.add(Click(row, col, positive))
        self._changed(wait)

    def undo(self, wait: bool = False) -> None:
        """Take back the latest change."""
        self.session.undo()
        self._changed(wait)

    def redo(self, wait: bool = False) -> None:
        """Bring back what :meth:`undo` took back."""
        self.session.redo()
        self._changed(wait)

    def clear(self, wait: bool = False) -> None:
        """Forget all clicks; :meth:`undo` brings them back."""
        self.session.clear()
        self._changed(wait)

    def use(self, method: str, wait: bool = True, **options: Any) -> None:
        """Choose a method and answer the present clicks with it.

        Raises
        ------
        ValueError
            If the method or an option is unknown; the method in use stays then.
        """
        self.session.use(method, **options)
        self._own_options[method] = options
        self.panel.choose_method(method)
        self._changed(wait)

    def load(self, image: ImageLike, name: str = "photo", truth: np.ndarray | None = None) -> None:
        """Show another photo; method and view stay, the clicks of the old photo are dropped.

        Raises
        ------
        ValueError
            If the image cannot be read; the present photo stays then.
        """
        session = Session(
            image, self.session.method, truth=truth, name=name, autosave=self._autosave,
            **self.session.options,
        )  # fmt: skip
        self.session, self._cursor, self._worker = session, None, None
        self.viewport = Viewport(session.shape, self._width)
        self._layers.resize(self.viewport)
        self.redraw()
        self._changed(wait=False)

    def zoom(self, step: int) -> None:
        """Zoom in (+1) or out (-1) around the cursor, or else the latest click."""
        centre = self._cursor
        if centre is None and len(self.session.clicks):
            centre = (self.session.clicks[-1].row, self.session.clicks[-1].col)
        self.viewport = self.viewport.zoomed(step, centre)
        self.redraw()
        self._show_state()

    def pan(self, down: int, right: int) -> None:
        """Move the view by a quarter of its size."""
        self.viewport = self.viewport.moved(down, right)
        self.redraw()
        self._show_state()

    # -- from browser events to clicks ---------------------------------------------------------

    def _on_mouse(self, event: dict[str, Any]) -> None:
        if event.get("event") != "mousedown" or event["button"] not in (0, 2):
            return
        positive = event["button"] == 0 and not event["shiftKey"]
        if positive:
            positive = self.panel.side.value
        x = (event["relativeX"] + 0.5) * self.viewport.width / event["boundingRectWidth"]
        y = (event["relativeY"] + 0.5) * self.viewport.height / event["boundingRectHeight"]
        self._cursor = None
        self.click(*self.viewport.to_pixel(x, y), positive, wait=False)

    def _on_touch(self, touches: list[tuple[float, float]]) -> None:
        if len(touches) == 1:
            self.click(*self.viewport.to_pixel(*touches[0]), self.panel.side.value, wait=False)

    def _on_key(self, key: str, shift: bool, ctrl: bool, meta: bool) -> None:
        if (ctrl or meta) and key.lower() not in ("z", "y"):
            return  # the browser's own, such as copying
        if key in ARROWS:
            self._move_cursor(*ARROWS[key], coarse=shift)
        elif key in ("Enter", " "):
            row, col = self._cursor or self.viewport.centre
            self.click(row, col, not shift and self.panel.side.value, wait=False)
        elif key == "Tab":  # ipycanvas swallows it, so the focus is handed on from here
            (self.panel.method if shift else self.panel.view).focus()
        elif key.lower() == "z":
            self.redo() if shift else self.undo()
        else:
            actions = {"y": self.redo, "c": self.clear, "escape": self._hide_cursor}
            actions |= {"+": lambda: self.zoom(1), "=": lambda: self.zoom(1)}
            actions["-"] = lambda: self.zoom(-1)
            actions.get(key.lower(), lambda: None)()

    def _move_cursor(self, down: int, right: int, coarse: bool) -> None:
        row, col = self._cursor or self.viewport.centre
        step = max(1, round((20 if coarse else 5) / self.viewport.scale))
        height, width = self.session.shape
        self._cursor = (
            min(max(row + down * step, 0), height - 1),
            min(max(col + right * step, 0), width - 1),
        )
        if self.viewport.follow(self._cursor) == self.viewport:
            self._show_marks()
        else:
            self.viewport = self.viewport.follow(self._cursor)
            self.redraw()

    def _hide_cursor(self) -> None:
        self._cursor = None
        self._show_marks()

    def _on_method(self, change: dict[str, Any]) -> None:
        method = change["new"]
        if method == self.session.method:
            return
        try:
            self.use(method, wait=False, **self._own_options.get(method, {}))
        except Exception:
            self.panel.choose_method(self.session.method)
            raise

    def _on_upload(self, change: dict[str, Any]) -> None:
        if not change["new"]:
            return
        file = change["new"][0]
        try:
            photo = as_rgb(bytes(file["content"]))
            small = render.fit(photo, MAX_UPLOAD_SIDE)
            self.load(small, name=file["name"].rsplit(".", 1)[0] or "photo")
        finally:
            self.panel.upload.value = ()
        if small is not photo:
            self.panel.tell(
                f"{file['name']} was shrunk from {photo.shape[1]} x {photo.shape[0]} to "
                f"{small.shape[1]} x {small.shape[0]} pixels, so that answers stay quick."
            )

    def _save_files(self) -> None:
        self._join()
        written = self.session.export(self._folder)
        self.panel.tell(f"Saved {', '.join(path.name for path in written)} in {self._folder}/.")

    def _restore(self) -> None:
        if (clicks := self.session.saved()) is not None:
            self.session.replace(clicks)
            self._changed(wait=False)

    # -- asking the method ---------------------------------------------------------------------

    def _changed(self, wait: bool) -> None:
        """Clicks or method have changed: show the clicks now and the answer when it is there."""
        self._show_marks()
        self._show_state()
        loop = None if wait else _running_loop()
        if loop is None:
            self._join()
            failure = _attempt(Session.catch_up, self.session)
            self._answered(failure)
            if failure is not None:
                raise failure
        elif self._worker is None:
            self._start(loop, Session.catch_up)

    def _start(self, loop: asyncio.AbstractEventLoop, task: Callable[[Session], Any]) -> None:
        """Run a task beside the kernel's own thread, which stays free to take further clicks."""
        session = self.session

        def work() -> None:
            failure = _attempt(task, session)
            loop.call_soon_threadsafe(self._safely(self._worker_done), worker, failure)

        worker = self._worker = threading.Thread(target=work, daemon=True)
        worker.start()

    def _worker_done(self, worker: threading.Thread, failure: Exception | None) -> None:
        if worker is not self._worker:
            return  # its photo is gone, or its work was waited for
        self._worker = None
        if failure is None and self.session.stale and len(self.session.clicks):
            self._changed(wait=False)  # a click fell between the worker's last look and its end
        else:
            self._answered(failure)

    def _join(self) -> None:
        if self._worker is not None:
            self._worker.join()
            self._worker = None

    def _answered(self, failure: Exception | None) -> None:
        self._show_answer()
        self._show_state()
        if failure is not None:
            self._fail(failure)

    # -- drawing -------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draw everything again, as after a page reload: a canvas keeps no pixels."""
        self._layers.show_photo(self.viewport.cut(self.session.image))
        self._show_answer()
        self._show_marks()

    def _show_answer(self) -> None:
        session, panel = self.session, self.panel
        if session.stale and len(session.clicks):
            return  # the answer on its way will draw itself
        layer = np.zeros((self.viewport.height, self.viewport.width, 4), dtype=np.uint8)
        if len(session.clicks):
            mask = self.viewport.cut(session.result.mask)
            probability = self.viewport.cut(session.result.probability)
            layer = render.layer(mask, probability, panel.view.value, panel.opacity.value)
        self._layers.show_answer(layer)

    def _show_marks(self) -> None:
        self._layers.show_marks(self.viewport, self.session.clicks, self._cursor)

    def _show_state(self) -> None:
        self.panel.show(self.session, self.viewport)

    def _fail(self, error: Exception) -> None:
        self.panel.tell(str(error) or type(error).__name__, failed=True)

    # -- without a browser ---------------------------------------------------------------------

    @property
    def picture(self) -> np.ndarray:
        """Photo, answer and clicks as one ``(H, W, 3) uint8`` picture, zoom left out."""
        return self.session.picture(self.panel.view.value, self.panel.opacity.value)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Add a still picture to the widget view, for GitHub, nbconvert and closed kernels."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = f"ClickCanvas({self.session.name}, {self.session.method})"
        data["image/png"] = render.encode_png(self.picture, 9)
        return bundle


def _attempt(task: Callable[[Session], Any], session: Session) -> Exception | None:
    try:
        task(session)
    except Exception as error:
        return error
    return None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
