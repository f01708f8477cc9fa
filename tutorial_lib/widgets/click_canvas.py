"""ClickCanvas: click on a photo and see the mask of one method."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import numpy as np

from tutorial_lib.images import ImageLike
from tutorial_lib.paths import safe_stem
from tutorial_lib.registry import method_info
from tutorial_lib.session import Session
from tutorial_lib.widgets.answering import Answering
from tutorial_lib.widgets.click_panel import ClickPanel
from tutorial_lib.widgets.gestures import HELP
from tutorial_lib.widgets.photo_view import PhotoView
from tutorial_lib.widgets.photo_widget import PhotoWidget

MAX_UPLOAD_SIDE = 1024


class ClickCanvas(PhotoWidget):
    """Click on a photo and see the answer of a method change.

    A left click marks the object, a right click or shift-click the background. On a touch screen
    the toggle decides. Clicks made while a slow method works are kept, and the last answer is
    always that of the latest clicks. :meth:`click` does from code what the mouse does.

    Parameters
    ----------
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    method : str
        A registered method.
    truth : np.ndarray, optional
        ``(H, W) bool``: the known mask. The status line then shows the IoU.
    name : str
        Names the files that the Save button writes.
    width : int, optional
        The longer side of the photo on the page, in CSS pixels. By default its own size, but at
        least 320 and at most 640. A narrow column or a low window makes it smaller.
    autosave : bool or path
        Save the clicks on disk, so that nothing is lost if the kernel dies; see :class:`Session`.
    folder : str
        Where the Save button writes.
    **options
        Options of the method.

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
        width: int | None = None,
        autosave: bool | str = True,
        folder: str = "exports",
        **options: Any,
    ) -> None:
        method_info(method)  # the list of methods to choose from holds names only
        self._autosave, self._folder, self._own_options = autosave, folder, {method: options}
        self.session = Session(image, method, truth=truth, name=name, autosave=autosave, **options)
        view, panel = PhotoView(self.session.image, width, [HELP]), ClickPanel(method, folder)
        self._answering = Answering(self.session, self._show_answer, panel.report)
        super().__init__(
            view, [self.session], panel, view.canvases[0],
            show=self._show_answer, paint=self._painted, answer=self._ask,
        )  # fmt: skip
        panel.on_press(panel.save, self._save_files)
        panel.on_press(panel.restore, self._restore)
        panel.on_change(panel.method, self._on_method)
        panel.on_change(panel.upload, self._on_upload)
        self._answering.prepare()

    # -- what a person does --------------------------------------------------------------------

    def use(self, method: str, wait: bool = True, **options: Any) -> None:
        """Choose a method and answer the present clicks with it.

        Parameters
        ----------
        method : str
            A registered method.
        wait : bool
            True returns when the answer is there, False at once.
        **options
            Options of the method.

        Raises
        ------
        ValueError
            If the method or an option is unknown. The method in use stays then.
        """
        self.session.use(method, **options)
        self._own_options[method] = options
        self.panel.choose_method(method)
        self._changed(wait)

    def load(
        self,
        image: ImageLike,
        name: str = "photo",
        truth: np.ndarray | None = None,
        longest: int | None = None,
    ) -> None:
        """Show another photo. The method stays; the clicks of the old photo are dropped.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.
        name : str
            Names the files that the Save button writes.
        truth : np.ndarray, optional
            ``(H, W) bool``: the known mask.
        longest : int, optional
            Work on a copy whose longer side has at most this many pixels; see :class:`Session`.

        Raises
        ------
        ValueError
            If the image cannot be read. The present photo stays then.
        """
        session = Session(
            image, self.session.method, truth=truth, name=name, autosave=self._autosave,
            longest=longest, **self.session.options,
        )  # fmt: skip
        self._answering.forget()
        self.session, self._histories = session, [session]
        self.photo_view.load(session.image)
        self._answering = Answering(session, self._show_answer, self.panel.report)
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
            name = PurePath(str(file["name"]))
            self.load(bytes(file["content"]), name.stem, longest=MAX_UPLOAD_SIDE)
            self.session.file_name = f"{safe_stem(name.stem)}{name.suffix}"
        finally:
            self.panel.upload.value = ()
        (rows, cols), (height, width) = self.session.shape, self.session.full_shape
        if (rows, cols) != (height, width):
            self.panel.show_status(
                f"{name.name} was shrunk from {width} x {height} to {cols} x {rows} pixels, so "
                "that answers come quickly; saved files have the size of the photo."
            )

    def _save_files(self) -> None:
        self._answering.join()
        written = self.session.export(self._folder)
        names = ", ".join(path.name for path in written)
        self.panel.show_status(f"Saved {names} in {self._folder}/.")

    def _restore(self) -> None:
        self.session.restore()
        self._changed(wait=False)

    # -- the answer ----------------------------------------------------------------------------

    def _ask(self, wait: bool) -> None:
        self._answering.answer(wait)

    def _show_answer(self) -> None:
        if not self._answering.waiting:  # otherwise the old answer stays until the new one is there
            answer = self.session.result if self.clicks.actions else None
            look = self.panel.view.value, self.panel.opacity.value
            self.photo_view.canvases[0].show_answer(self.viewport, answer, *look)
        self.panel.show_session(self.session, self.viewport)

    def _painted(self) -> np.ndarray:
        return self.session.picture(self.panel.view.value, self.panel.opacity.value)

    def __repr__(self) -> str:
        return f"ClickCanvas({self.session.name}, {self.session.method})"
