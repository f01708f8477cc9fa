"""ClickCanvas: click on a photo and see the mask of one method."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from tutorial_lib.data.samples import load_sample, sample_names, sample_titles
from tutorial_lib.exports import free_stem, write_files
from tutorial_lib.history import ClickHistory
from tutorial_lib.images import ImageLike
from tutorial_lib.paths import safe_stem
from tutorial_lib.registry import best_method, method_info
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.session import Session
from tutorial_lib.widgets.answering import Answering, Preview
from tutorial_lib.widgets.background import Background, error_line, guard, running_loop
from tutorial_lib.widgets.click_panel import ClickPanel
from tutorial_lib.widgets.gestures import HELP
from tutorial_lib.widgets.panel import BRUSH, ERASER
from tutorial_lib.widgets.photo_view import PhotoView
from tutorial_lib.widgets.photo_widget import PhotoWidget
from tutorial_lib.working_photo import WorkingPhoto

MAX_UPLOAD_SIDE = 1024
READING_SECONDS = 2  # without a click: then a person reads, and there is time to load a network


class ClickCanvas(PhotoWidget):
    """Click on a photo and see the answer of a method change.

    A left click marks the object, a right click or shift-click the background. On a touch screen
    the toggle decides. Press and draw for a stroke. Drag a mark to move it; press on it and Delete,
    or Alt+click, deletes it. The box tool draws a box, whose corners can be dragged. Brush and
    eraser touch up the mask: their work stays on top of later answers, see
    :meth:`Clicks.paint_touch_ups`. *Next object* begins another object on the same photo. The
    status line says what to do next, and the key ? shows all keys.

    Clicks made while a slow method works are kept, and the last answer is always that of the latest
    clicks. :meth:`click`, :meth:`stroke`, :meth:`box`, :meth:`touch_up`, :meth:`move_mark` and
    :meth:`delete_mark` do from code what the mouse does. A method that a person chooses is loaded
    in a thread.

    Parameters
    ----------
    image : image, optional
        Anything :func:`tutorial_lib.images.as_rgb` takes. Without it, the canvas begins with the
        first sample photo.
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
        Where the Save button writes, under names that are still free. It offers the same files as
        downloads.
    longest : int, optional
        Work on a copy whose longer side has at most this many pixels; see :class:`Session`.
    samples : bool, optional
        Whether there is a list of the sample photos to choose from. By default, if no image is
        given. A sample brings its known mask.
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
        image: ImageLike | WorkingPhoto | None = None,
        method: str = "graph-cut",
        *,
        truth: np.ndarray | None = None,
        name: str = "photo",
        width: int | None = None,
        autosave: bool | str = True,
        folder: str = "exports",
        longest: int | None = None,
        samples: bool | None = None,
        **options: Any,
    ) -> None:
        method_info(method)  # the list of methods to choose from holds names only
        first = "" if image is not None else sample_names()[0]
        if first:
            sample = load_sample(first)
            image, truth, name = sample.image, sample.mask if truth is None else truth, first
        self._autosave, self._folder, self._own_options = autosave, folder, {method: options}
        self.session = Session(
            image, method, truth=truth, name=name, autosave=autosave, longest=longest, **options
        )
        titles = sample_titles() if samples or (samples is None and first) else {}
        view = PhotoView(self.session.image, width, [HELP])
        panel = ClickPanel(method, folder, titles)
        panel.sample.value = first if titles else None
        self._answering = Answering(self.session, self._show_answer, panel.report)
        self._preview_of = Preview(self.session, self._draw_answer)
        self._note = ""
        self._chosen = False  # whether a person has chosen the method
        self._loading, self._loader = "", Background(guard(self._loaded, panel.report))
        self._advance = Background(lambda _failure: None)  # choosing the method reports what fails
        self._acted = time.monotonic()  # when a person last did something
        super().__init__(
            view, [self.session], panel, view.canvases[0],
            show=self._show_answer, paint=self._painted, answer=self._ask,
            keys=self._more_keys(panel), preview=lambda clicks: self._preview_of.ask(clicks),
        )  # fmt: skip
        panel.on_press(panel.save, self._save_files)
        panel.on_press(panel.restore, self._restore)
        panel.on_press(panel.objects.next, self.next_object)
        panel.objects.connect(guard(self.change_objects, panel.report))
        panel.on_change(panel.method, self._on_method)
        panel.on_change(panel.upload, self._on_upload)
        panel.on_change(panel.sample, self._on_sample)
        self._answering.prepare()
        view.canvases[0].on_client_ready(guard(self._begin_to_read, panel.report))

    def _more_keys(self, panel: ClickPanel) -> dict[str, Callable[[], None]]:
        def choose(tool: str) -> None:
            panel.side.value = True if panel.side.value == tool else tool

        return {
            "n": self.next_object,
            "t": lambda: choose(BRUSH),
            "e": lambda: choose(ERASER),
            ",": lambda: panel.resize_brush(-1),
            ".": lambda: panel.resize_brush(+1),
        }

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
        self._loader.forget()
        self._loading, self._own_options[method] = "", options
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
        self.panel.show_sample(None)
        self._answering.forget()
        self._preview_of.end()
        self.panel.downloads.close()
        self.session, self._histories, self._note = session, [session], ""
        self.photo_view.load(session.image)
        self.panel.side.value = True  # a new photo begins with a click on its object
        self._answering = Answering(session, self._show_answer, self.panel.report)
        self._preview_of = Preview(session, self._draw_answer)
        self.redraw()
        self._changed(wait=False)
        if self._loading:
            self._choose(self._loading)

    def load_sample(self, name: str, reading: str | None = None) -> None:
        """Show a sample photo with its known mask. The clicks of the old photo are dropped.

        Parameters
        ----------
        name : str
            One of :func:`tutorial_lib.sample_names`.
        reading : str, optional
            What a click means: the name of one of the photo's masks. By default the first one.

        Raises
        ------
        ValueError
            If there is no such photo or reading. The present photo stays then.
        """
        sample = load_sample(name)
        truth = sample.mask if reading is None else sample.reading(reading)
        self.load(sample.image, name, truth)
        self.panel.show_sample(name)

    def next_object(self, name: str | None = None) -> None:
        """Keep the present object in its colour, and begin another one on the same photo.

        Parameters
        ----------
        name : str, optional
            Its name; a free one by default.

        Raises
        ------
        ValueError
            If nothing is marked yet, or the name is empty or taken. Nothing changes then.
        """
        if not self.clicks.actions:
            raise ValueError(f"Mark {self.session.object_name!r} before you begin the next object.")
        self.change_objects(lambda session: session.next_object(name))

    def change_objects(self, edit: Callable[[Session], None]) -> None:
        """Change the objects of the session, and show the result.

        Parameters
        ----------
        edit : callable
            ``edit(session)``, for example ``lambda session: session.go_to("cup")``.
        """
        try:
            edit(self.session)
        finally:
            self._loader.forget()
            self._loading, self._note = "", ""
            self.panel.choose_method(self.session.method)
            self._changed(wait=False)

    def files_to_save(self) -> tuple[dict[str, bytes], list[str]]:
        """Return the files of the latest answer, when it is there.

        Returns
        -------
        contents : dict of str to bytes
            See :meth:`Session.files`.
        empty : list of str
            The objects for which nothing is selected.

        Raises
        ------
        ValueError
            If nothing is selected for any object.
        """
        self._answering.join()
        empty = [name for name, mask in self.session.settled_masks().items() if not mask.any()]
        if len(empty) == len(self.session.object_names):
            raise ValueError("There is nothing to save: the mask is empty. Mark the object first.")
        return self.session.files(), empty

    # -- what the controls do ------------------------------------------------------------------

    def _on_method(self, change: dict[str, Any]) -> None:
        method = change["new"]
        if method != (self._loading or self.session.method):
            self._chosen = True
            self._choose(method)

    def _choose(self, method: str) -> None:
        """Use a method; load it in a thread first if it is not there yet."""
        self._loader.forget()
        self._loading = method
        options = self._own_options.get(method, {})
        if running_loop() is None or self.session.has_loaded(method, **options):
            self._loaded(None)
        else:
            self._loader.start(partial(self.session.load, method, **options))
            self.show_answer()

    def _loaded(self, failure: BaseException | None) -> None:
        """Use the method that was loaded, or keep the present one if that failed."""
        method, self._loading = self._loading, ""
        try:
            if failure is not None:
                raise failure
            self.use(method, wait=False, **self._own_options.get(method, {}))
        except BaseException:
            self.panel.choose_method(self.session.method)
            self.show_answer()
            raise

    def _begin_to_read(self) -> None:
        self._acted = time.monotonic()
        self._load_in_advance()

    def _load_in_advance(self) -> None:
        """Load the method that is likely to be chosen next, as soon as the person only reads.

        Meanwhile an answer may come half a second later than else.
        """
        loop, left = running_loop(), READING_SECONDS - (time.monotonic() - self._acted)
        if loop is None:
            return
        if left > 0:
            loop.call_later(left, guard(self._load_in_advance, self.panel.report))
            return
        best = best_method()
        if best != self.session.method and not self._advance.busy:
            self._advance.start(partial(self.session.load, best))

    def _on_upload(self, change: dict[str, Any]) -> None:
        if not change["new"]:
            return
        file = change["new"][0]
        try:
            name = PurePath(str(file["name"]))
            self.load(bytes(file["content"]), name.stem, longest=MAX_UPLOAD_SIDE)
            self.session.file_name = f"{safe_stem(name.stem)}{name.suffix}"
            if not self._chosen and self.session.method != best_method():
                self._choose(best_method())
        finally:
            self.panel.upload.value = ()
        (rows, cols), (height, width) = self.session.shape, self.session.full_shape
        if (rows, cols) != (height, width):
            self._say(
                f"{name.name} was shrunk from {width} x {height} to {cols} x {rows} pixels, so "
                "that answers come quickly; saved files have the size of the photo."
            )

    def _on_sample(self, change: dict[str, Any]) -> None:
        if change["new"] is not None and not self.panel.showing_sample:
            self.load_sample(change["new"])

    def _save_files(self) -> None:
        """Offer the files as downloads, and write them to the folder, where that is possible."""
        contents, empty = self.files_to_save()
        stem = free_stem(self._folder, self.session.name)
        self.panel.downloads.offer(stem, {f"{stem}-{end}": contents[end] for end in contents})
        try:
            written = write_files(self._folder, stem, contents)
        except OSError as error:  # as on many servers of Voila
            self.panel.show_status(f"{error_line(error)} The links below work.", failed=True)
            return
        names = ", ".join(path.name for path in written)
        blank = f"Nothing is selected for {', '.join(empty)}. " if empty else ""
        self._say(f"{blank}Saved {names} in {Path(self._folder).expanduser().resolve()}.")

    def _say(self, note: str) -> None:
        """Show a sentence in the status line until a person does something."""
        self._note = note
        self.show_answer()

    def _edit(self, edit: Callable[[ClickHistory], None], wait: bool) -> None:
        self._note, self._acted = "", time.monotonic()
        super()._edit(edit, wait)

    def _restore(self) -> None:
        self.change_objects(lambda session: session.restore())

    # -- the answer ----------------------------------------------------------------------------

    def _ask(self, wait: bool) -> None:
        self._preview_of.end()
        self._answering.answer(wait)

    def _show_answer(self) -> None:
        if not self._answering.waiting:  # otherwise the old answer stays until the new one is there
            shown = self.clicks.actions and self.session.visible
            self._draw_answer(self.session.result if shown else None)
        self.panel.show_session(self.session, self.viewport, self._loading, self._note)

    def _draw_answer(self, answer: Segmentation | None) -> None:
        look = self.panel.view.value, self.panel.opacity.value
        colours = self.session.colour, self.session.others
        self.photo_view.canvases[0].show_answer(self.viewport, answer, *look, *colours)

    def _painted(self) -> np.ndarray:
        return self.session.picture(self.panel.view.value, self.panel.opacity.value)

    def __repr__(self) -> str:
        return f"ClickCanvas({self.session.name}, {self.session.method})"
