"""The widget a person clicks on: a photo, an answer laid over it, and the clicks on top."""

from __future__ import annotations

from typing import Any

import numpy as np

from tutorial_lib import render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.session import Session
from tutorial_lib.widgets.background import Background, attempt, running_loop
from tutorial_lib.widgets.clickable import HELP, Clickable
from tutorial_lib.widgets.layers import PhotoLayers
from tutorial_lib.widgets.panel import Panel
from tutorial_lib.widgets.viewport import Viewport

MAX_UPLOAD_SIDE = 1024


class ClickCanvas(Clickable):
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
        self._work = Background(self._safely(self._work_done))
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
        if running_loop() is not None:
            self._work.start(self.session.prepare)  # so that the first click is answered at once

    def _listen(self) -> None:
        super()._listen()
        self._listen_to(self._layers, self.redraw)
        panel = self.panel
        self._on_press(panel.save, self._save_files)
        self._on_press(panel.restore, self._restore)
        panel.method.observe(self._safely(self._on_method), "value")
        panel.upload.observe(self._safely(self._on_upload), "value")

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""
        return self.session.clicks

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
        self._work.forget()
        self.session, self._cursor = session, None
        self.viewport = Viewport(session.shape, self._width)
        self._layers.resize(self.viewport)
        self.redraw()
        self._changed(wait=False)

    # -- what the controls do ------------------------------------------------------------------

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
        self._work.join()
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
        if wait or running_loop() is None:
            self._work.join()
            failure = attempt(self.session.catch_up)
            self._answered(failure)
            if failure is not None:
                raise failure
        elif not self._work.busy:
            self._work.start(self.session.catch_up)

    def _work_done(self, failure: Exception | None) -> None:
        if failure is None and self.session.stale and len(self.session.clicks):
            self._changed(wait=False)  # a click fell between the worker's last look and its end
        else:
            self._answered(failure)

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
        answer = session.result if len(session.clicks) else None
        self._layers.show_answer(self.viewport, answer, panel.view.value, panel.opacity.value)

    def _show_marks(self) -> None:
        self._layers.show_marks(self.viewport, self.session.clicks, self._cursor)

    def _show_state(self) -> None:
        self.panel.show(self.session, self.viewport)

    # -- without a browser ---------------------------------------------------------------------

    @property
    def picture(self) -> np.ndarray:
        """Photo, answer and clicks as one ``(H, W, 3) uint8`` picture, zoom left out."""
        return self.session.picture(self.panel.view.value, self.panel.opacity.value)

    def _summary(self) -> str:
        return f"ClickCanvas({self.session.name}, {self.session.method})"

    def _still(self) -> bytes:
        return render.encode_png(self.picture, 9)
