"""The widget a person clicks on: a photo, an answer laid over it, and the clicks on top."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import numpy as np

from tutorial_lib.images import ImageLike
from tutorial_lib.paths import safe_stem
from tutorial_lib.segmenter import method_info
from tutorial_lib.session import Session
from tutorial_lib.widgets.answering import Answering
from tutorial_lib.widgets.panel import Panel
from tutorial_lib.widgets.viewport import Viewport, check_length

MAX_UPLOAD_SIDE = 1024


class ClickCanvas(Answering):
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
        method_info(method)  # the list of methods to choose from holds names only
        self._autosave, self._width, self._folder = autosave, width, folder
        self._own_options = {method: options}
        check_length("width", width)
        session = Session(image, method, truth=truth, name=name, autosave=autosave, **options)
        super().__init__(session, Panel(method, folder), width)

    def _listen(self) -> None:
        super()._listen()
        panel = self.panel
        self._on_press(panel.save, self._save_files)
        self._on_press(panel.restore, self._restore)
        panel.method.observe(self._safely(self._on_method), "value")
        panel.upload.observe(self._safely(self._on_upload), "value")

    # -- what a person does --------------------------------------------------------------------

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

    def load(
        self,
        image: ImageLike,
        name: str = "photo",
        truth: np.ndarray | None = None,
        longest: int | None = None,
    ) -> None:
        """Show another photo; method and view stay, the clicks of the old photo are dropped.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.
        name : str
            Names the files that the Save button writes.
        truth : np.ndarray, optional
            ``(H, W) bool``: the known mask.
        longest : int, optional
            Work on a copy whose longer side has at most so many pixels; see :class:`Session`.

        Raises
        ------
        ValueError
            If the image cannot be read; the present photo stays then.
        """
        session = Session(
            image, self.session.method, truth=truth, name=name, autosave=self._autosave,
            longest=longest, **self.session.options,
        )  # fmt: skip
        self._work.forget()
        self._ahead.forget()
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
            name = PurePath(str(file["name"]))
            self.load(bytes(file["content"]), name.stem, longest=MAX_UPLOAD_SIDE)
            self.session.file_name = f"{safe_stem(name.stem)}{name.suffix}"
        finally:
            self.panel.upload.value = ()
        (rows, cols), (height, width) = self.session.shape, self.session.full_shape
        if (rows, cols) != (height, width):
            self.panel.tell(
                f"{name.name} was shrunk from {width} x {height} to {cols} x {rows} pixels, so "
                "that answers stay quick; what you save has the photo's own size."
            )

    def _save_files(self) -> None:
        self._work.join()
        written = self.session.export(self._folder)
        self.panel.tell(f"Saved {', '.join(path.name for path in written)} in {self._folder}/.")

    def _restore(self) -> None:
        self.session.restore()
        self._changed(wait=False)

    # -- what is shown --------------------------------------------------------------------------

    def _show_state(self) -> None:
        self.panel.show(self.session, self.viewport)

    def _summary(self) -> str:
        return f"ClickCanvas({self.session.name}, {self.session.method})"
